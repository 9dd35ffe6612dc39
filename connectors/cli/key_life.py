"""`samband keys list|rotate|revoke|doubt`: the public life of keys, as the directory tells it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samband.connectors.cli.terminal import As, Json, bad, emit, home_of, moment, note, party_of, table
from samband.connectors.cli.words import either
from samband.schemas.key_card import Reason

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.streams.authority import Home
    from samband.streams.crypto.keys import Kid
    from samband.streams.directory import Directory, Known

__all__ = ["doubt", "list_", "moment_of", "revoke", "rotate"]

KidArgument = Annotated[
    str, typer.Argument(metavar="KID", help="Its id, or the first digits of it: samband keys list.")
]


def list_(
    who: As = "",
    every: Annotated[bool, typer.Option("--all", help="Keys whose time is over or that are taken back too.")] = False,
    as_json: Json = False,
) -> None:
    """List keys as the directory names them: without --as all parties', with --as one's own, and what is due."""
    now = time.time_ns() // 1_000_000
    if who:
        from samband.connectors.keys import OwnKeys

        party = party_of(who)
        found = [each for each in party.directory.keys.values() if each.party == party.name]
        held = {*party.signs, *party.hop, *party.content}
        due = [f"{purpose} {unit}".strip() for purpose, unit in OwnKeys(party).due(now)]
    else:
        found, held, due = list(home_of().directory(now).keys.values()), set(), []
    rows = [each for each in found if every or each.is_good(now) or each.card.not_before > now]
    rows.sort(key=lambda each: (each.party, each.card.purpose, each.card.unit, -each.card.not_before))
    if as_json:
        emit([{**_told(each, now), **({"held": each.kid in held} if who else {})} for each in rows])
        return
    table(
        ("kid", "party", "purpose", "unit", "from", "to", "state"),
        [
            (each.kid.hex()[:16], each.party, each.card.purpose, each.card.unit, moment(each.card.not_before)[:10],
             moment(each.card.not_after)[:10], _state(each, now, gone=bool(who) and each.kid not in held))
            for each in rows
        ],
    )  # fmt: skip
    if who:
        _note_references(party_of(who), now)
    if due:
        note(either(f"dags för ny: {', '.join(due)}", f"due for the next: {', '.join(due)}"))


def _note_references(party: Party, now: int) -> None:
    """Say which child-reference keys are here, and how far recording anew has come."""
    from samband.connectors.anew import Anew

    held = ", ".join(map(str, sorted(party.references)))
    note(either(f"barnreferens: epok {party.epoch(now)}, nycklar här: {held}",
                f"child reference: epoch {party.epoch(now)}, keys here: {held}"))  # fmt: skip
    if (found := Anew(party).progress(now)) is not None:
        e, progress = found
        note(either(f"epok {e}: {progress.done} antecknat på nytt, {progress.waiting} på väg, {progress.left} kvar, "
                    f"{progress.refused} nekat",
                    f"epoch {e}: {progress.done} recorded anew, {progress.waiting} on their way, {progress.left} left, "
                    f"{progress.refused} refused"))  # fmt: skip


def _state(known: Known, now: int, *, gone: bool) -> str:
    return _word(known, now) + (", not held here" if gone else "")


def _word(known: Known, now: int) -> str:
    if known.revocation is not None:
        return f"taken back {moment(known.revocation.at)[:10]}, {known.revocation.reason}"
    if now < known.card.not_before:
        return "not begun"
    return "good" if known.is_good(now) else "over"


def _told(known: Known, now: int) -> dict[str, Any]:
    taken_back = known.revocation
    return {
        "kid": known.kid.hex(), "party": known.party, "purpose": known.card.purpose, "unit": known.card.unit,
        "not_before": known.card.not_before, "not_after": known.card.not_after, "good": known.is_good(now),
        "revoked": None if taken_back is None else {"at": taken_back.at, "reason": taken_back.reason.value},
    }  # fmt: skip


def rotate(
    who: As = "",
    unit: Annotated[str, typer.Option(metavar="UNIT", help="A unit's content key; else the party's own keys.")] = "",
    purpose: Annotated[
        str, typer.Option(help="Content, hop, signing or witness key: see keys list.", show_default="all due")
    ] = "",
    as_json: Json = False,
) -> None:
    """Make a party's next keys now and say them through the gate; the old ones go on until their end.

    Without --purpose: content keys of --unit, or of every unit, hop and signing key. The connector does all this by
    itself in time; by hand it is for a key that may have been seen, before samband keys revoke.
    """
    from samband.connectors.keys import PARTY_PURPOSES, OwnKeys
    from samband.streams.crypto.keys import Purpose

    if purpose and purpose not in PARTY_PURPOSES:
        raise bad("no such purpose", ", ".join(PARTY_PURPOSES), "KEY_PURPOSE")
    party, now = party_of(who), time.time_ns() // 1_000_000
    own = OwnKeys(party)
    places = [
        place for place in own.places()
        if (not purpose or place[0] == purpose) and (not unit or place == (Purpose.UNIT_CONTENT, unit))
    ]  # fmt: skip
    if not places:
        raise bad("this party has no such key", "samband keys list", "KEY_PLACE")
    made = [(place, own.rotate(*place, now)) for place in places]
    if as_json:
        emit([{"kid": kid.hex(), "purpose": place[0].value, "unit": place[1]} for place, kid in made])
        return
    for (each, for_unit), kid in made:
        print(f"{kid.hex()[:16]}  {each}  {for_unit}".rstrip())
    print(either("De används när katalogen nämner dem: anslutningen måste vara igång.",
                 "They are used when the directory names them: the connector must run."))  # fmt: skip


def revoke(
    kid: KidArgument,
    reason: Annotated[str, typer.Option(help="lost, stolen or replaced.")],
    who: As = "",
    since: Annotated[
        str, typer.Option(metavar="TIME", help="From when it is in doubt, as 2026-11-02T14:00.", show_default="now")
    ] = "",
    as_json: Json = False,
) -> None:
    """Take a key back: nothing that it signs or is sealed to from then on is taken.

    With --as the party itself does it, through the gate. Without, the agreement's authority does, with its root keys on
    this machine: for a party whose connector is in other hands. lost: what is on its way to the key ends, and its
    senders seal it again. stolen: samband keys doubt lists what it signed since.

    \b
    samband keys rotate --as skola --purpose party-sign
    samband keys revoke 5ce1 --as skola --reason stolen --since 2026-11-02T14:00
    """  # noqa: D301
    if reason not in list(Reason):
        raise bad("no such reason", ", ".join(Reason), "REVOCATION_REASON")
    now = time.time_ns() // 1_000_000
    at = moment_of(since) if since else now
    if who:
        from samband.connectors.keys import OwnKeys

        party = party_of(who)
        known = _find(party.directory, kid, party.name)
        OwnKeys(party).revoke(known.kid, Reason(reason), at, now)
        told = either("Återkallelsen går genom grinden när anslutningen är igång.",
                      "The revocation goes through the gate when the connector runs.")  # fmt: skip
    else:
        from samband.streams.hub import refresh

        home = home_of()
        known = _find(home.directory(now), kid)
        home.revoke_key(known.kid, Reason(reason), at)
        live = refresh(home)
        told = (
            either("Återkallelsen är publicerad.", "The revocation is published.")
            if live
            else either("Återkallelsen gäller när navet startar.", "The revocation counts when the hub starts.")
        )
    if as_json:
        emit({"kid": known.kid.hex(), "party": known.party, "reason": reason, "at": at})
        return
    print(told)
    if reason == Reason.STOLEN:
        print(either("vad den kan ha sagt", "what it may have said") + f": samband keys doubt {known.kid.hex()[:16]}")


def doubt(
    kid: KidArgument,
    who: As = "",
    since: Annotated[
        str, typer.Option(metavar="TIME", help="From when.", show_default="the revocation's time, else all")
    ] = "",
    as_json: Json = False,
) -> None:
    """List what was signed with a key that may be in other hands, from a time on.

    With --as: the letters that came to this party, with their state. Without, at the hub: every record that the gate
    stamped for the key's party. Of a gate's own stamp key: what it stamped and no checkpoint has that was witnessed
    before; what is in one stands. Who received something in doubt asks its sender by telephone; samband inbox
    misdirected and samband recall are the next steps.
    """
    now = time.time_ns() // 1_000_000
    if who:
        party = party_of(who)
        known = _find(party.directory, kid)
        start = _start(known, since)
        letters = [
            {"message_id": row.message_id.hex(), "type": row.type, "sender": row.letter["sender_unit"],
             "recipient": row.unit, "at": row.letter["decided_at"], "outcome": row.state}
            for row in party.store.every_letter()
            if _doubted(party, known, row.letter, start)
        ]  # fmt: skip
    else:
        home = home_of()
        known = _find(home.directory(now), kid)
        start = _start(known, since)
        letters = asyncio.run(_at_hub(home, known, start))
    if as_json:
        emit({"kid": known.kid.hex(), "party": known.party, "since": start, "messages": letters})
        return
    table(
        ("time", "message", "type", "from", "to", "state"),
        [(moment(each["at"]), each["message_id"], each["type"], each["sender"], each["recipient"], each["outcome"])
         for each in letters],
    )  # fmt: skip
    print(either(f"{len(letters)} i tvivelsmål", f"{len(letters)} in doubt"))


async def _at_hub(home: Home, known: Known, start: int) -> list[dict[str, Any]]:
    """Return what the gate stamped for the key's party since `start`, from the audit records that Kafka keeps."""
    from samband.connectors.cli.audit_topic import audit_records
    from samband.schemas.errors import SambandError
    from samband.streams.audit import UnverifiedAudit
    from samband.streams.crypto.keys import Purpose

    units = {unit.id for unit in home.directory(time.time_ns() // 1_000_000).units if unit.party == known.party}
    stands = _stands_at_hub(home, start)
    found = []
    async for _, value, _ in audit_records(home):
        try:
            audit = UnverifiedAudit.decode(value)
            record = audit.record(home.audit_keys.of)
        except SambandError:
            continue
        if known.card.purpose == Purpose.GATE_STAMP:
            doubted = audit.proof.kid == known.kid and not stands(audit.entry)
        else:
            signed = record.kind in ("decision", "event", "receipt")
            doubted = signed and record.sender in units and record.decided_at >= start
        if doubted:
            found.append(
                {"message_id": record.message_id.hex(), "type": record.type, "sender": record.sender,
                 "recipient": record.recipient, "at": record.decided_at, "outcome": record.outcome}
            )  # fmt: skip
    return found


def _doubted(party: Party, known: Known, letter: dict[str, Any], start: int) -> bool:
    """Say whether a letter is in doubt: signed with the key since, or stamped with it and not in the log before."""
    from samband.connectors.mirror import Mirror
    from samband.connectors.witness import witnessed_before
    from samband.streams.crypto.keys import Purpose
    from samband.streams.log.folder import LogFolder

    if known.card.purpose != Purpose.GATE_STAMP:
        return letter.get("kid") == known.kid.hex() and letter["decided_at"] >= start
    if letter.get("stamp_kid") != known.kid.hex():
        return False
    place = Mirror(LogFolder(party.folder / "log")).index(bytes.fromhex(letter["decision"]), search=True)
    return place is None or place >= witnessed_before(party.store, start)


def _stands_at_hub(home: Home, at: int) -> Callable[[bytes], bool]:
    """Return what says whether an entry is in a checkpoint that was witnessed before `at` (ms)."""
    from samband.streams.log.journal import Journal
    from samband.streams.log.witnessed import TIMES

    path = home.hub / "sequencer" / "journal.db"
    if not path.exists():
        return lambda entry: False
    journal = Journal(path)
    times = journal.numbers(TIMES)
    before = max((int(name.removeprefix(TIMES)) for name, when in times.items() if when < at), default=0)

    def stands(entry: bytes) -> bool:
        place = journal.index(entry)
        return place is not None and place < before

    return stands


def _start(known: Known, since: str) -> int:
    if since:
        return moment_of(since)
    return known.revocation.at if known.revocation is not None else 0


def _find(directory: Directory, text: str, party: str = "") -> Known:
    """Return the one key whose id begins so.

    Raises:
        InputError: none, or several.
    """
    found: dict[Kid, Known] = {
        kid: known for kid, known in directory.keys.items() if kid.hex().startswith(text.lower())
        and party in ("", known.party)
    }  # fmt: skip
    if len(found) != 1:
        raise bad("no key, or several, with that id", "samband keys list --all", "KEY_UNKNOWN")
    return next(iter(found.values()))


def moment_of(text: str) -> int:
    """Return the milliseconds since 1970 UTC that a time means; without zone, this machine's.

    Raises:
        InputError: it is none (`TIME_FORM`).
    """
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise bad("that is no time", "2026-11-02T14:00", "TIME_FORM") from None
    return int((given if given.tzinfo else given.astimezone()).astimezone(UTC).timestamp() * 1000)
