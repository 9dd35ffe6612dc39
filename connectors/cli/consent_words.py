"""What a person types about a consent, as the records' own values: categories, givers, the child's view, days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from samband.connectors.cli.said import digest_of, is_file
from samband.connectors.cli.terminal import bad, note
from samband.connectors.cli.words import category_words
from samband.schemas.categories import Category

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.connectors.recording import Evidence
    from samband.schemas.events import ChildView

__all__ = ["categories_of", "evidence_of", "second_of", "view_of"]


def categories_of(
    party: Party, disclosers: Sequence[str], named: Sequence[str], types: Sequence[str], about: str
) -> tuple[Category, ...]:
    """Return the categories named, and all that the types could tell about that person from these disclosers.

    Raises:
        InputError: an unknown category, type or unit, or none at all.
    """
    from samband.connectors import recording

    if unknown := [each for each in named if each not in list(Category)]:
        raise bad(f"{len(unknown)} categories are unknown", ", ".join(Category), "CONSENT_CATEGORY")
    told, left_out = recording.told(party, disclosers, [Category(each) for each in named], types, about)
    if left_out:
        note(f"left out, they need those persons' own consent: {', '.join(sorted(map(category_words, left_out)))}")
    return told


def evidence_of(text: str) -> Evidence:
    """Return the evidence that a file is, or the place where it is kept.

    Raises:
        InputError: neither (`EVIDENCE`).
    """
    from samband.connectors.recording import Evidence

    digest, salt, kept = digest_of(text)
    return Evidence(digest, salt, kept, is_file(kept))


def view_of(text: str) -> ChildView:
    """Return the child's view that `VIEW[:WHY]` says; after `objects:` stand what it objects to, units and categories.

    Raises:
        InputError: not of that form (`CHILD_VIEW`).
    """
    from samband.connectors import recording
    from samband.schemas.events import ChildView, Objection, View

    view, _, rest = text.partition(":")
    if view not in list(View) or (view in (View.NOT_ASKED, View.TOO_YOUNG) and not rest) or (view == "agrees" and rest):
        raise bad(
            "the child's view is agrees, objects[:TO,…], not_asked:WHY or too_young:WHY",
            "--child-view objects:SE2120002080-SKOLA,placement",
            "CHILD_VIEW",
        )
    if view == View.OBJECTS:
        to = [each for each in rest.split(",") if each]
        named = tuple(each for each in to if each not in list(Category))
        return ChildView(
            View.OBJECTS, objection=Objection(named, tuple(Category(each) for each in to if each not in named))
        )
    return recording.child_view(View(view), rest)


def second_of(day: str, at: time) -> int:
    """Return a moment of a day in Sweden as seconds since 1970 UTC.

    Raises:
        InputError: it is no day (`DATE_FORM`).
    """
    from samband.streams.inbox import STOCKHOLM

    try:
        return int(datetime.combine(date.fromisoformat(day), at, STOCKHOLM).timestamp())
    except ValueError:
        raise bad("a day is written YYYY-MM-DD", "", "DATE_FORM") from None
