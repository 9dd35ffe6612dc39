"""`samband retention`: what a party's Samband holds, by whose word, when it goes; and letting go what may."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samband.connectors.cli.terminal import As, Json, emit, note, party_of, table
from samband.connectors.cli.words import either, say

if TYPE_CHECKING:
    from samband.connectors.retention import Held
    from samband.schemas.retention import Retention

__all__ = ["keeping_words", "retention"]


def retention(
    who: As = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Json = False,
) -> None:
    """Erase the contents whose time is over, by the disposal decision in connector.toml, and list what is kept.

    Without a decision (gallringsbeslut) nothing is erased, whatever its age. Nothing goes before it was handed over.
    The running connector does the same by itself, every hour; each erasure becomes an act in the log.
    """
    from samband.connectors.retention import dispose, held

    party, now = party_of(who), datetime.now(UTC)
    settings = party.settings.retention
    found = held(party, now)
    erased = 0
    while not dry_run and (count := dispose(party, now)):
        erased += count
    if as_json:
        emit({"decision": settings.decision, "transport_days": settings.transport_days, "erased": erased,
              "kept": [_plain(each) for each in found]})  # fmt: skip
        return
    table(
        (say("what"), either("antal", "count"), either("kan gallras nu", "may go now"),
         either("nästa", "next"), either("bevaras", "kept"), either("källa", "source")),
        [
            (
                either(each.retention.text_sv, each.retention.text_en),
                "–" if each.count is None else str(each.count),
                str(each.due) if each.due else "–",
                each.next.date().isoformat() if each.next else "–",
                keeping_words(each.retention, settings.transport_days),
                each.retention.citation,
            )
            for each in found
        ],
    )  # fmt: skip
    _explain(settings.decision, erased, dry_run=dry_run)


def _explain(decision: str, erased: int, *, dry_run: bool) -> None:
    if not decision:
        note(either("Inget gallras: det finns inget gallringsbeslut i connector.toml, [retention] decision.",
                    "Nothing is erased: connector.toml has no disposal decision, [retention] decision."))  # fmt: skip
    elif dry_run:
        note(either("Ingenting har gallrats.", "Nothing was erased."))
    else:
        note(either(f"{erased} gallrade enligt {decision}.", f"{erased} erased by {decision}."))


def keeping_words(row: Retention, transport_days: int = 0) -> str:
    """Return for how long a row's information is kept, in words; a party's own days stand for the shipped ones."""
    amount = transport_days if transport_days and row.category == "transport.letter" else row.amount
    words = {
        "at_once": either("gallras genast", "erased at once"),
        "days": either("1 dag", "1 day") if amount == 1 else either(f"{amount} dagar", f"{amount} days"),
        "years": either(f"{amount} år", f"{amount} years"),
        "none": either("ingen fast tid", "no fixed time"),
    }[row.unit]
    return f"{words}: {either(row.counted_from_sv, row.counted_from_en)}"


def _plain(each: Held) -> dict[str, Any]:
    row = each.retention
    since = either(row.counted_from_sv, row.counted_from_en)
    return {
        "category": row.category,
        "what": either(row.text_sv, row.text_en),
        "count": each.count,
        "due": each.due,
        "next": each.next,
        "keep": {"unit": row.unit.value, "amount": row.amount, "from": since},
        "erased_by": row.eraser.value,
        "citation": row.citation,
        "source": row.source.value,
        "to_confirm": row.to_confirm,
    }
