"""Spot checks: ask, draw when witnesses have settled the seed, and note what was found; each is a leaf of the log."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from samband.connectors.console.ask import Ask, Csv, Go, Query, Shown
from samband.connectors.console.pages.decisions import row_of
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.errors import SambandError
from samband.streams.records.sample import MOST, Request

if TYPE_CHECKING:
    from samband.connectors.spotcheck import Check

__all__ = ["ask_for", "draw", "note", "sample", "samples", "samples_csv"]

_OUTCOMES: Final = ("permit", "deny", "ask")
_DAY_MS: Final = 86_400_000
_COLUMNS: Final = (
    "time", "id", "by", "count", "since", "before", "unit", "type", "outcome", "state", "population", "drawn",
    "checked", "deviations", "code",
)  # fmt: skip


def samples(ask: Ask) -> Shown:
    """List the spot checks, with a form to ask for another."""
    source = ask.house.hub
    return Shown(
        "samples",
        rows=source.spot_checks().all(_now(ask)),
        most=MOST,
        outcomes=_OUTCOMES,
        types=sorted(((name, ask.words.type(name)) for name in CATALOGUE), key=lambda each: each[1].lower()),
        units=source.directory.units,
    )


def ask_for(ask: Ask) -> Go:
    """Have a spot check asked for.

    Raises:
        InputError: it cannot be asked.
    """
    form, now = ask.form, _now(ask)
    number = secrets.token_bytes(16)
    until = form.day("before")
    request = Request(
        number, ask.session.user, form.number("count", MOST), form.day("since"),
        min(until + _DAY_MS, now) if until else now, form.text("unit"), form.text("type"),
        form.one_of("outcome", _OUTCOMES),
    )  # fmt: skip
    ask.house.hub.spot_checks().ask(request, now)
    return Go(f"samples/{number.hex()}")


def sample(ask: Ask) -> Shown:
    """Show a spot check: what it rests on, worked out now, what was drawn and what was found."""
    checks = ask.house.hub.spot_checks()
    check = checks.one(_number(ask), _now(ask))
    rows: list[dict[str, Any]] = []
    if not check.code:
        try:
            rows = [_drawn(ask, check, entry) for entry in checks.drawn(check)]
        except SambandError as error:
            check.code = error.code
    return Shown("sample", check=check, rows=rows)


def draw(ask: Ask) -> Go:
    """Draw.

    Raises:
        InputError: it is not ready.
    """
    checks = ask.house.hub.spot_checks()
    check = checks.one(_number(ask), _now(ask))
    checks.draw(check, ask.session.user, _now(ask))
    return Go(f"samples/{check.request.id.hex()}")


def note(ask: Ask) -> Go:
    """Note what was found.

    Raises:
        InputError: that decision was not drawn, or the code is none.
    """
    checks = ask.house.hub.spot_checks()
    check = checks.one(_number(ask), _now(ask))
    checks.find(check, ask.session.user, ask.form.hexes("entry", 32), ask.form.text("code"), _now(ask))
    return Go(f"samples/{check.request.id.hex()}")


def samples_csv(ask: Ask) -> Csv:
    """Give the list away."""
    words = ask.words

    def row(check: Check) -> list[str]:
        request = check.request
        return [
            words.iso(check.at), request.id.hex(), request.by, str(request.count), words.iso(request.since),
            words.iso(request.before), request.unit, request.type, request.outcome, check.stage,
            str(check.draw.population if check.draw else ""), str(check.number), str(len(check.found)),
            str(check.deviations), check.code,
        ]  # fmt: skip

    return Csv("samband-samples.csv", _COLUMNS, map(row, ask.house.hub.spot_checks().all(_now(ask))))


def _drawn(ask: Ask, check: Check, entry: bytes) -> dict[str, Any]:
    record = ask.house.hub.found(entry)
    return {
        "entry": entry.hex(),
        "row": row_of(ask, record) if record else None,
        "found": check.found.get(entry, []),
    }


def _number(ask: Ask) -> bytes:
    return Query(ask.path).hexes("check", 16)


def _now(ask: Ask) -> int:
    return int(ask.now.timestamp() * 1000)
