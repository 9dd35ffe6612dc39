"""Erase from the hub's records by disposal decision: `samband audit erase`, `samband hub keys destroy-records`.

The command writes down what is wished; the keeper, a process of the hub, signs the leaf, waits until it is on the topic
and lets the records go. So a command that is interrupted has asked all the same.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from samband.connectors.cli.terminal import Answer, Exit, Json, bad, emit, home_of, moment, note
from samband.connectors.cli.words import either
from samband.schemas.errors import RefusedError

if TYPE_CHECKING:
    from samband.schemas.retention import Retention
    from samband.streams.authority import Home
    from samband.streams.records.erasure import Wish
    from samband.streams.records.store import Erasure, RecordStore

__all__ = ["destroy_records", "erase", "keys", "rotate_reference"]

_WAIT_S: Final = 30.0
_LOOK_S: Final = 0.2

Decision = Annotated[
    str,
    typer.Option(metavar="REF", help="Registration number of the disposal decision (gallringsbeslut); never a text."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")]

keys = typer.Typer(help="Keys of the hub.", no_args_is_help=True, rich_markup_mode=None)


def erase(
    rule: Annotated[
        str, typer.Option(metavar="RULE", help="Whose law keeps the unit's records: care, social or school.")
    ],
    unit: Annotated[str, typer.Option(metavar="UNIT", help="The unit that sent or received.")],
    before: Annotated[str, typer.Option(metavar="DATE", help="Records decided before this day, as 2021-01-01.")],
    decision: Decision,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Erase a unit's records in the hub's log that are older than the law asks for.

    Refused before the date, which is told: five years for care (HSLF-FS 2016:40 4:9, PDL 4:3), social services (lag
    2001:454) and school (GDPR art. 32). A record stays as long as the law of its other end keeps it. The erasure is a
    leaf of the log itself; of each record its 32-byte entry stays, which says nothing. Needs the hub's own user.
    """
    from samband.streams.audit import STOCKHOLM
    from samband.streams.records.erasure import Wish

    try:
        day = datetime.strptime(before, "%Y-%m-%d").replace(tzinfo=STOCKHOLM)
    except ValueError:
        raise bad("a date is written as 2021-01-01") from None
    home, now = home_of(), datetime.now(UTC)
    _run(home, Wish.by_rule(rule, unit, day, decision, now), now, dry_run=dry_run, as_json=as_json)


@keys.command("destroy-records")
def destroy_records(
    month: Annotated[str, typer.Option(metavar="YYYY-MM", help="A calendar month, over for as long as the law asks.")],
    decision: Decision,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Erase a whole month of the hub's log and destroy its key: no copy of it opens from then on.

    Neither the database nor Kafka's topic nor any backup of the two, if no backup of the key is left: keep those of
    hub/keys apart, and destroy the month's file there too. Refused before the date, as samband audit erase.
    """
    from samband.streams.records.erasure import Wish

    home, now = home_of(), datetime.now(UTC)
    _run(home, Wish.by_month(month, decision, now), now, dry_run=dry_run, as_json=as_json)


@keys.command("rotate-reference")
def rotate_reference(
    begin: Annotated[
        str,
        typer.Option("--from", metavar="TIME", help="As 2026-11-02T14:00, or now.", show_default="in seven days"),
    ] = "",
    again: Annotated[
        bool, typer.Option("--again", help="Make no new key: seal the newest to each party's hop key of now.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the next child-reference key, and seal it to each party: as the authority, with its root keys here.

    Every child gets another reference, which the hub cannot bring together with the old one. So from then on the hub
    knows nothing of any child until each party has recorded anew, by itself, what it recorded: consents, marks,
    circle, withdrawals. A party whose connector does not run before the key begins loses nothing, and what rests on
    its consents is refused until it has. It cannot be taken back. Seven days ahead every connector that speaks at all
    has the key; with a nearer --from, a withdrawal that is said under the old key alone takes effect when its
    recorders have read it. --again is for a party that joined since, or whose hop key was lost.
    """
    from samband.connectors.cli.key_life import moment_of

    home, now = home_of(), time.time_ns() // 1_000_000
    if again and begin:
        raise bad("what is sealed again begins when it was said to", "leave --from out", "REFERENCE_TIME")
    if again:
        e, parties = home.share_reference(now)
    else:
        e, parties = home.rotate_reference(now, now if begin == "now" else moment_of(begin) if begin else 0)
    directory = home.directory(now)
    begins = directory.epochs.begins[e]
    without = sorted(set(home.party_names()) - set(parties))
    if as_json:
        emit({"epoch": e, "effective_from": begins, "parties": parties, "without": without})
        return
    print(either(f"Barnreferensens nyckel {e} gäller från {moment(begins)}, för {', '.join(parties)}.",
                 f"Child-reference key {e} holds from {moment(begins)}, for {', '.join(parties)}."))  # fmt: skip
    if without:
        note(either(f"Utan giltig nyckel att försegla till: {', '.join(without)}; sedan --again.",
                    f"Without a good key to seal to: {', '.join(without)}; then --again."))  # fmt: skip
    note(either("Varje part antecknar nu på nytt det som den själv har antecknat: samband doctor hos parten säger hur "
                "långt det har kommit. Låt anslutningarna vara igång.",
                "Each party now records anew what it recorded itself: samband doctor at the party says how far it has "
                "come. Keep the connectors running."))  # fmt: skip


def _run(home: Home, wish: Wish, now: datetime, *, dry_run: bool, as_json: bool) -> None:
    """Check what is wished, say what it names, and have it carried out.

    Raises:
        RefusedError: it is too early, or the rule is another unit's.
        Answer: the keeper did not carry it out in time (`TIMEOUT`).
    """
    from samband.streams.records import opened
    from samband.streams.records.erasure import check_time, check_unit, chosen, laws_of

    directory = home.directory(time.time_ns() // 1_000_000)
    moment = int(now.timestamp() * 1000)
    check_time(wish, moment)
    check_unit(wish, directory)
    with opened(home) as store:
        found = len(chosen(wish, store, directory, moment))
        carried = None
        if not dry_run and (found or wish.month):
            with store.transaction():
                number = store.ask(wish.encode())
            carried = _wait(store, number)
    _show(wish, laws_of(wish), found, carried, dry_run=dry_run, as_json=as_json)
    if not dry_run and (found or wish.month) and carried is None:
        raise Answer(Exit.TIMEOUT)


def _wait(store: RecordStore, number: int) -> Erasure | None:
    """Return the erasure once it is done, None where it is still on its way.

    Raises:
        RefusedError: the keeper refused it.
    """
    from samband.streams.records.store import State

    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        each = next(each for each in store.erasures() if each.id == number)
        if each.state is State.REFUSED:
            raise RefusedError(each.code, "the keeper refused the erasure")
        if each.state is State.DONE:
            return each
        time.sleep(_LOOK_S)
    return None


def _show(
    wish: Wish, laws: list[Retention], found: int, carried: Erasure | None, *, dry_run: bool, as_json: bool
) -> None:
    citations = [law.citation for law in laws]
    if as_json:
        told: dict[str, Any] = {
            "rule": wish.rule, "citations": citations, "unit": wish.unit, "decision": wish.decision, "found": found,
            "dry_run": dry_run, "erased": carried.count if carried else 0,
            "erasure": carried.entry.hex() if carried and carried.entry else None,
        }  # fmt: skip
        emit(told)
        return
    print(either(f"{found} poster, enligt {'; '.join(citations)}", f"{found} records, by {'; '.join(citations)}"))
    if dry_run:
        note(either("Ingenting har gallrats.", "Nothing was erased."))
    elif carried is not None and carried.entry is not None:
        entry = carried.entry.hex()
        print(either(f"{carried.count} gallrade enligt {wish.decision}; gallringens loggpost: {entry}",
                     f"{carried.count} erased by {wish.decision}; the erasure's log entry: {entry}"))  # fmt: skip
    elif found or wish.month:
        note(either("Gallringen är begärd men inte utförd ännu: den utförs när navet kör.",
                    "The erasure is asked for and not carried out yet: it is, as soon as the hub runs."))  # fmt: skip
