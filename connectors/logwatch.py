"""The log watched from outside its hub: each state continues the last one seen, is witnessed, and comes in time.

    seen = Seen.read(path)
    look = look_at(folder, trust, seen, now)       look.alarms: (code, words); look.seen is what to keep
    own_matters(party, look.seen, now)             keys and a root key in the party's own name that it did not make

What was seen is kept as the signed checkpoint itself, so that a fork is shown by two signatures of the log. Nothing
that the folder says is believed but what its signatures and the tree prove.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from samband.schemas.errors import OperatorError, SambandError
from samband.streams.crypto.keys import Purpose, VerifyKey
from samband.streams.log.checkpoint import Checkpoint, Policy, Witness, cosigners, opened
from samband.streams.log.tiles import CHECKPOINT, Read, Tiles
from samband.streams.log.tree import consistency, verify_consistency
from samband.streams.log.verify import WITNESSED
from samband.streams.snapshot import write_whole

if TYPE_CHECKING:
    from samband.connectors.party import Party

__all__ = ["ENDS", "Alarm", "Look", "Seen", "Trust", "look_at", "own_matters"]

_VERSION: Final = "watch/1"
ENDS: Final = frozenset({"LOG_FORK", "LOG_ROLLED_BACK"})
"""After these nothing that the log says can be believed."""


class Alarm(NamedTuple):
    """What is wrong; `about` names a key or size."""

    code: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Trust:
    """What the watcher believes, from somewhere else than the log."""

    keys: Sequence[VerifyKey]
    origin: str
    witnesses: Sequence[Witness]
    policy: Policy
    quiet_ms: int
    """How long the log may have nothing new, and a leaf may be without witnesses."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen last, as it is kept on disk. Times are milliseconds since 1970 UTC by the watcher's clock."""

    origin: str = ""
    note: bytes = b""
    """The newest checkpoint, as the log signed it."""
    at: int = 0
    """When it was first seen."""
    witnessed: int = 0
    witnessed_at: int = 0
    own: frozenset[str] = field(default_factory=frozenset)
    """Keys that the party held at some look."""
    root: str = ""
    """The party's root key, as its card named it."""

    @classmethod
    def read(cls, path: Path) -> Seen:
        """Return what is kept in a file; nothing where there is none.

        Raises:
            OperatorError: it cannot be read.
        """
        try:
            value = json.loads(path.read_text("utf-8"))
            if value.pop("samband") != _VERSION:
                raise ValueError
            return cls(**{**value, "note": value["note"].encode(), "own": frozenset(value["own"])})
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise OperatorError("WATCH_STATE", f"`{path}` cannot be read", "remove it, and it begins anew") from error

    def write(self, path: Path) -> None:
        """Keep it; durable when it returns.

        Raises:
            OperatorError: the file cannot be written.
        """
        value = {"samband": _VERSION, "origin": self.origin, "note": self.note.decode(), "at": self.at,
                 "witnessed": self.witnessed, "witnessed_at": self.witnessed_at, "own": sorted(self.own),
                 "root": self.root}  # fmt: skip
        write_whole(path, json.dumps(value, indent=1).encode())


@dataclass(slots=True)
class Look:
    """One look at the log."""

    seen: Seen
    size: int = 0
    new: bool = False
    """Whether the log has another state than at the last look."""
    witnessed: int = 0
    witnesses: tuple[str, ...] = ()
    age_ms: int | None = None
    """Since the newest word of a witness; None where there is none."""
    alarms: list[Alarm] = field(default_factory=list)


def look_at(read: Read, trust: Trust, seen: Seen, now: int) -> Look:
    """Look once. After a fork or rollback what was seen stays as it was, for evidence."""
    look = Look(seen)
    try:
        note = read(CHECKPOINT)
        checkpoint, parsed = opened(note, trust.keys, trust.origin)
        look.size = checkpoint.size
        tiles = Tiles(read, checkpoint.size)
        before = _before(trust, seen)
        if before is not None:
            look.alarms += _continues(before, checkpoint, tiles)
        look.alarms += _witnesses(read, trust, seen, checkpoint, tiles, look, now)
    except FileNotFoundError:
        look.alarms.append(Alarm("LOG_MISSING"))
        return look
    except SambandError as error:
        look.alarms.append(Alarm(error.code))
        return look
    if any(each.code in ENDS for each in look.alarms):
        return look
    look.new = before is None or before.size != checkpoint.size
    own = parsed.text + b"\n" + b"".join(each.encode().encode() for each in parsed.lines)
    at = now if look.new else seen.at
    if now - at > trust.quiet_ms:
        look.alarms.append(Alarm("LOG_QUIET", str(checkpoint.size)))
    grown = look.witnessed > seen.witnessed or not seen.witnessed_at
    look.seen = replace(
        seen, origin=trust.origin, note=own, at=at, witnessed=max(look.witnessed, seen.witnessed),
        witnessed_at=now if grown else seen.witnessed_at,
    )  # fmt: skip
    return look


def _before(trust: Trust, seen: Seen) -> Checkpoint | None:
    """Return the state seen last, if it is of this log and its signature still counts."""
    if not seen.note:
        return None
    if seen.origin != trust.origin:
        raise OperatorError("WATCH_STATE", "what was seen is of another log", "give another --state")
    return opened(seen.note, trust.keys, trust.origin)[0]


def _continues(before: Checkpoint, after: Checkpoint, tiles: Tiles) -> Iterator[Alarm]:
    if after.size < before.size:
        yield Alarm("LOG_ROLLED_BACK", f"{before.size} → {after.size}")
        return
    try:
        proof = consistency(tiles.node, before.size, after.size)
        verify_consistency(before.size, before.root, after.size, after.root, proof)
    except SambandError as error:
        yield Alarm(error.code, f"{before.size} → {after.size}")


def _witnesses(
    read: Read, trust: Trust, seen: Seen, newest: Checkpoint, tiles: Tiles, look: Look, now: int
) -> Iterator[Alarm]:
    """See who stands behind the newest witnessed checkpoint, and whether it is this log's beginning."""
    try:
        checkpoint, note = opened(read(WITNESSED), trust.keys, trust.origin)
    except FileNotFoundError:
        if newest.size:
            yield Alarm("LOG_COSIGNATURES", "0")
        return
    if checkpoint.size > newest.size or checkpoint.size < seen.witnessed:
        yield Alarm("LOG_ROLLED_BACK", f"{max(checkpoint.size, seen.witnessed)} → {min(checkpoint.size, newest.size)}")
        return
    yield from _continues(checkpoint, newest, tiles)
    said = cosigners(note, trust.witnesses)
    look.witnesses = tuple(sorted({each.witness.name.rpartition("/")[2] for each in said}))
    if said:
        look.age_ms = now - max(each.timestamp for each in said) * 1000
    try:
        trust.policy.check(said)
    except SambandError as error:
        yield Alarm(error.code, str(len(look.witnesses)))
        return
    look.witnessed = checkpoint.size
    waits = newest.size > checkpoint.size and checkpoint.size == seen.witnessed
    if waits and now - seen.witnessed_at > trust.quiet_ms:
        yield Alarm("LOG_UNWITNESSED", f"{newest.size - checkpoint.size}")


def own_matters(party: Party, seen: Seen, now: int) -> tuple[Seen, list[Alarm]]:
    """Compare what the directory names in a party's name with what lies here.

    A key that was held at an earlier look and is gone was the party's own. Keys whose time is over bind nobody.
    """
    keys, reporter = party.keys, Purpose.UNIT_REPORTER
    held = {kid.hex() for kid in (*party.signs, *party.witness, *party.hop, *party.content, *keys.open_keys(reporter))}
    own = seen.own | held
    alarms = [
        Alarm("OWN_KEY", f"{each.card.purpose} {each.kid.hex()}")
        for each in party.directory.keys.values()
        if each.party == party.name
        and each.kid.hex() not in own
        and each.revocation is None
        and now < each.card.not_after
    ]
    card = party.directory.cards.get(party.name)
    root = card.root.hex() if card else ""
    roots = {each.public.hex() for each in keys.sign_keys(Purpose.PARTY_ROOT).values()}
    if root and ((roots and root not in roots) or (not roots and seen.root and root != seen.root)):
        alarms.append(Alarm("OWN_ROOT", root))
        root = seen.root  # it stays an alarm until somebody has settled it
    return replace(seen, own=own, root=root or seen.root), alarms
