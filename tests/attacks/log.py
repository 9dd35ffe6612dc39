"""Attacks on the log: entries that are changed, a past that is signed anew, a decision that is hidden from it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress

from samband.connectors.witness import FORK, LATE_MS, TICK_OFF, WITHHELD
from samband.schemas.errors import TrustError
from samband.streams.log.checkpoint import Policy, cosigners
from samband.streams.log.journal import Journal
from samband.streams.log.note import Note
from samband.streams.log.tree import root_of
from samband.streams.log.verify import verify
from samband.streams.log.witnessed import Asking, witnesses_of
from tests.attacks.ground import Ground
from tests.attacks.register import attack
from tests.gate.world import NOW
from tests.log.hub import Hub
from tests.log.logs import KEY, ORIGIN, PUBLIC, WITNESSES, Log, entries
from tests.log.ring import Ring, alarms, hear_head, keep, read, said

CHANGED = "entry of the log changed, dropped, reordered, inserted"
REWRITTEN = "log rewritten or cut with its own key"
HIDDEN = "stamped but not logged"
FORKED = "fork toward one witness, witness store rolled back, too few cosignatures"
UNSTAMPED = "unstamped entry"
AUDIT = "dropped, repeated, reordered audit record"


def _passes(change: Callable[[list[bytes]], list[bytes]]) -> bool:
    """Say whether other entries, with tiles worked out anew, pass under the log's signature."""
    log, forged = Log(entries(100)), Log(change(entries(100)))
    forged.files["checkpoint"] = log.files["checkpoint"]
    return not verify(forged.read, [PUBLIC], ORIGIN).differences


@attack("log.changed", CHANGED, "log.root")
def changed(ground: Ground) -> bool:
    """An entry cannot be exchanged for another, whoever has the disk."""
    return _passes(lambda rows: [*rows[:50], bytes(32), *rows[51:]])


@attack("log.dropped", CHANGED, "log.root")
def dropped(ground: Ground) -> bool:
    """An entry cannot be dropped, nor what takes its place be put in at the end."""
    return _passes(lambda rows: [*rows[:50], *rows[51:], bytes(32)])


@attack("log.reordered", CHANGED, "log.root")
def reordered(ground: Ground) -> bool:
    """Two entries cannot change places."""
    return _passes(lambda rows: [rows[1], rows[0], *rows[2:]])


@attack("log.inserted", CHANGED, "log.root")
def inserted(ground: Ground) -> bool:
    """Nothing can be put in between."""
    return _passes(lambda rows: [*rows[:50], bytes(32), *rows[50:99]])


@attack("log.stolen-key", REWRITTEN, "log.continues", "log.begins")
def stolen_key(ground: Ground) -> bool:
    """Whoever has the log's key cannot make a witness go on from another past."""
    ring = Ring(ground.folder)
    party = ring.party("skola")
    ring.tell(entries(5), ask=True)
    read(ring, party)
    ring.tell(entries(2, 5), ring.make([*entries(4), bytes(32)]), ask=True)
    read(ring, party, NOW + 60_000)
    return said(party) == 2


@attack("log.cut", REWRITTEN, "log.never-back")
def cut(ground: Ground) -> bool:
    """A log that was put back from a backup does not sign another future than others have seen."""
    hub = Hub(ground.folder / "hub")
    sequencer = hub.start()
    hub.say(10)
    hub.turn(sequencer)
    older = Hub(ground.folder / "backup")
    older.start()
    older.key, older.told = hub.key, dict(hub.told)
    again = older.start()
    older.say(10)
    older.turn(again)
    return again.size == 10


@attack("log.truncated", REWRITTEN, "log.beside")
def truncated(ground: Ground) -> bool:
    """A log that ends earlier than what others have, signed anew, does not pass beside their checkpoint."""
    whole, short = Log(entries(100)), Log(entries(60))
    return not verify(short.read, [PUBLIC], ORIGIN, beside=[("mine", whole.checkpoint)]).differences


@attack("log.unstamped", UNSTAMPED, "log.stamped")
def unstamped(ground: Ground) -> bool:
    """Whoever can write the audit topic makes no leaf without the gate's key."""
    from samband.schemas.codec import frame, unframe
    from samband.schemas.stamp import AUDIT

    hub = Hub(ground.folder)
    sequencer = hub.start()
    hub.say(1)
    hub.topic = [frame(AUDIT, {**unframe(AUDIT, hub.topic[0]), "entry": secrets.token_bytes(32)})]
    hub.turn(sequencer)
    return sequencer.size == 1


@attack("log.hidden", HIDDEN, "log.tick-off")
def hidden(ground: Ground) -> bool:
    """A decision that was stamped and kept out of the log is found by its recipient within minutes."""
    ring = Ring(ground.folder)
    party = ring.party("skola")
    ring.tell(entries(3))
    keep(party, secrets.token_bytes(32))
    read(ring, party, NOW + LATE_MS + 1)
    return TICK_OFF not in alarms(party)


@attack("log.fork", FORKED, "log.begins")
def forked(ground: Ground) -> bool:
    """A witness that is shown another log than the rest sees it by their words on theirs."""
    ring = Ring(ground.folder)
    party = ring.party("skola")
    ring.tell(entries(6))
    ring.witnessed("bup", log=ring.make([*entries(2), bytes(32)]))
    read(ring, party)
    return FORK not in alarms(party)


@attack("log.fork-gate", FORKED, "log.head")
def forked_gate(ground: Ground) -> bool:
    """Nor is one log shown to the gate and another to a party: the gate's heads name what it was shown."""
    ring = Ring(ground.folder)
    party = ring.party("skola")
    ring.tell(entries(6))
    hear_head(ring, party, ring.make([*entries(2), bytes(32)]))
    read(ring, party)
    return FORK not in alarms(party)


@attack("log.fork-word", FORKED, "log.words")
def forked_word(ground: Ground) -> bool:
    """A hub whose log was forked toward a witness hears it in that witness's own word."""
    ring = Ring(ground.folder)
    ring.tell([*entries(5), bytes(32)], ask=True)
    party = ring.party("skola")
    read(ring, party)
    (word,) = [draft.body for draft in party.store.drafts() if draft.type == "log.cosigned"]
    log, journal = ring.make(entries(6)), Journal(ground.folder / "journal.db")
    asking = Asking(journal, ring.origin, Policy(1), 0, lambda size: root_of(log.tiles().node, size))
    with journal.transaction():
        asking.hear(word or b"", witnesses_of(ring.world.root, ring.world.directory, NOW))
    return not journal.counts()


@attack("log.withheld", HIDDEN, "log.withheld")
def withheld(ground: Ground) -> bool:
    """A log that is kept from one party alone is noticed there: the gate's heads name more of it."""
    ring = Ring(ground.folder)
    party = ring.party("skola")
    ring.tell(entries(3))
    hear_head(ring, party, ring.make(entries(9)))
    read(ring, party, NOW + LATE_MS + 1)
    return WITHHELD not in alarms(party)


def _order(ground: Ground, *order: int) -> bool:
    """Say whether the log takes leaves in such an order without an alarm."""
    hub = Hub(ground.folder)
    sequencer = hub.start()
    hub.say(4)
    hub.topic = [hub.topic[number] for number in order]
    hub.turn(sequencer)
    return not sequencer.journal.counts()


@attack("log.audit-repeated", AUDIT, "log.seq")
def audit_repeated(ground: Ground) -> bool:
    """A record that the broker shows again is no second leaf, and an alarm."""
    return _order(ground, 0, 1, 1, 2, 3)


@attack("log.audit-reordered", AUDIT, "log.seq")
def audit_reordered(ground: Ground) -> bool:
    """Records in another order are an alarm of the log's too."""
    return _order(ground, 0, 2, 1, 3)


@attack("log.audit-dropped", AUDIT, "log.seq")
def audit_dropped(ground: Ground) -> bool:
    """So is one that is left out."""
    return _order(ground, 0, 1, 3)


@attack("log.witness-rolled-back", FORKED, "log.rolled-back")
def rolled_back(ground: Ground) -> bool:
    """A witness that was put back from a backup does not cosign beside what it said after the backup."""
    ring = Ring(ground.folder)
    ring.tell(entries(3), ask=True)
    backup = ring.party("skola")
    read(ring, backup)
    ring.tell(entries(3, 3), ask=True)
    ring.witnessed("skola")
    ring.tell(entries(3, 6), ask=True)
    read(ring, backup, NOW + 60_000)
    return said(backup) == 2


def _enough(policy: Policy, *names: str) -> bool:
    note = Note.parse(Log(entries(5), key=KEY).cosigned(*names))
    with suppress(TrustError):
        policy.check(cosigners(note, WITNESSES))
        return True
    return False


@attack("log.too-few", FORKED, "log.count")
def too_few(ground: Ground) -> bool:
    """A checkpoint that one witness cosigned twice has one witness."""
    return _enough(Policy(2), "bup", "bup")


@attack("log.own-only", FORKED, "log.outside")
def own_only(ground: Ground) -> bool:
    """Witnesses of the operator's own organisation are not enough."""
    return _enough(Policy(1, "organisation of bup"), "bup")
