"""`samband audit misuse`: look-ups without a following act, and out of hours; units at the hub, users at a party."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samband.connectors.cli.terminal import As, Json, bad, emit, home_of, party_of, table
from samband.connectors.cli.words import either, say
from samband.connectors.misuse import COLUMNS, cells, plain
from samband.connectors.tracking import VIEW

if TYPE_CHECKING:
    from samband.connectors.misuse import Act, Row
    from samband.connectors.party import Party

__all__ = ["misuse"]

_DAY_MS = 86_400_000


def misuse(
    last: Annotated[int, typer.Option(min=1, max=1830, metavar="DAYS", help="Look-ups of the last so many days.")] = 90,
    days: Annotated[int, typer.Option(min=1, max=365, metavar="DAYS", help="In which an act should follow.")] = 14,
    hours: Annotated[
        str, typer.Option(metavar="TEXT", help="Hours of a unit whose card names none.", show_default="mån–fre 7–18")
    ] = "",
    who: As = "",
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")] = False,
) -> None:
    """Show who looks without acting, and when nobody should be at work, beside others of their kind.

    At the hub by unit: questions (roles are resolved by them), requests for a contact, look-ups in a console. With --as
    by the party's own users, whom the hub cannot tell apart: what they read, looked up and asked. An act is anything
    that the unit says about the same child afterwards. What is far above its peers is marked: a question to ask.
    """
    from samband.connectors.misuse import HOURS, compare, of_record, tally
    from samband.schemas.hours import is_open
    from samband.streams.records import read

    if hours and is_open(hours, datetime.now(UTC)) is None:
        raise bad("the hours cannot be read", "write them as mån–fre 8–16.30")
    now = time.time_ns() // 1_000_000
    since = now - last * _DAY_MS
    if who:
        party = party_of(who)
        acts, directory = of_party(party, since), party.directory
    else:
        home = home_of()
        directory = home.directory(now)
        kept = read(home, since=datetime.now(UTC) - timedelta(days=last))
        acts = (act for each in kept if (act := of_record(each.record)) is not None)
    units = {str(unit.id): unit for unit in directory.units}
    sums = tally(acts, since, now, days=days, default=hours or HOURS, now=now,
                 hours_of=lambda unit: units[unit].hours if unit in units else "")  # fmt: skip
    rows = compare(sums, lambda name: str(units[name].kind) if name in units else "")
    if as_json:
        emit([dict(zip(COLUMNS, plain(row), strict=True)) for row in rows])
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        writer.writerows(cells(row) for row in rows)
    elif not rows:
        print(say("nothing"))
    else:
        _show(rows, at_party=bool(who))


def _show(rows: list[Row], *, at_party: bool) -> None:
    heads = (either("användare", "user") if at_party else say("unit"), either("slagningar", "look-ups"),
             either("utan åtgärd", "without an act"), either("andras", "peers"),
             either("utanför tid", "out of hours"), either("andras", "peers"), "")  # fmt: skip
    table(heads, [
        (row.who, str(row.sum.looks), f"{row.sum.unfollowed} ({percent(row.unfollowed_rate)})",
         percent(row.peers_unfollowed), f"{row.sum.out_of_hours} ({percent(row.out_rate)})", percent(row.peers_out),
         either("fråga", "ask about it") if row.marks else "")
        for row in rows
    ])  # fmt: skip


def percent(rate: float | None) -> str:
    """Return a rate as people read it."""
    return "–" if rate is None else f"{rate:.0%}"


def of_party(party: Party, since: int) -> Iterator[Act]:
    """Yield what a party's users looked at, and what its units then said; a question is its user's if they are known.

    The hub has one commitment a message, which nobody can bring together; the party knows whose it is by its secret.
    """
    from samband.connectors.handed import by_user
    from samband.connectors.look_ups import every_look_up
    from samband.connectors.misuse import Act

    store = party.store
    first = min((unit.id for unit in party.units if not unit.retired), default="")
    ladders = [(number, steps) for number, steps in store.ladders() if any(step.at >= since for step in steps)]
    looked = list(every_look_up(party))
    users = {each["user"] for each in looked}
    users |= {step.detail["acting_user"] for _, steps in ladders for step in steps if step.kind == VIEW}
    theirs = {user: by_user(party, user, store.roles_of(user)) for user in sorted(users)}
    for each in looked:
        ref = bytes.fromhex(each["ref"])
        yield Act(each["user"], ref, each["at"], look=True, unit=each.get("unit") or first)
    for number, steps in ladders:
        row = store.letter(number)
        for step in steps:
            if step.kind == VIEW and row is not None:
                yield Act(step.detail["acting_user"], row.ref, step.at, look=True, unit=row.unit)
            elif step.kind in ("decision", "event") and step.detail.get("ref"):
                yield from _said(number, step.at, step.outcome, step.detail, theirs)


def _said(number: bytes, at: int, outcome: str, detail: dict[str, Any], theirs: dict[str, Any]) -> Iterable[Act]:
    from samband.connectors.misuse import Act

    ref, unit, commitment = bytes.fromhex(detail["ref"]), detail["sender"], bytes.fromhex(detail["user"])
    look = bool(detail.get("ask")) or detail["type"] == "contact.request"
    if look:
        user = next((user for user, test in theirs.items() if test(number, commitment)), "")
        return [Act(user or either("(övriga)", "(others)"), ref, at, look=True, unit=unit)]
    if detail["type"] == "act.logged" or outcome not in ("permit", "accepted"):
        return []
    return [Act(unit, ref, at, look=False)]
