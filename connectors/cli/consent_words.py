"""What a person types about a consent, as the records' own values: categories, givers, the child's view, days."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from samband.connectors.cli.terminal import bad, note
from samband.connectors.cli.words import category_words
from samband.schemas.categories import Category

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.schemas.events import ChildView, Giver

__all__ = ["categories_of", "givers_of", "second_of", "view_of"]


def categories_of(
    party: Party, disclosers: Sequence[str], named: Sequence[str], types: Sequence[str], about: str
) -> tuple[Category, ...]:
    """Return the categories named, and all that the types could tell about that person from these disclosers.

    Raises:
        InputError: an unknown category, type or unit, or none at all.
    """
    from samband.schemas.catalogue import possible_categories

    if unknown := [each for each in named if each not in list(Category)]:
        raise bad(f"{len(unknown)} categories are unknown", ", ".join(Category), "CONSENT_CATEGORY")
    told = {Category(each) for each in named}
    left_out = set()
    for type_name in types:
        for discloser in disclosers:
            for each in possible_categories(type_name, party.directory.unit(discloser).kind):
                category, _, whose = each.partition(":")
                if whose == about:
                    told.add(Category(category))
                else:
                    left_out.add(each)
    if left_out:
        note(f"left out, they need those persons' own consent: {', '.join(sorted(map(category_words, left_out)))}")
    if not told:
        raise bad("it is not said what may be told", "--category or --for-type", "CONSENT_FORM")
    return tuple(sorted(told))


def givers_of(guardians: int, *, with_child: bool) -> tuple[Giver, ...]:
    """Return the givers who must sign: `guardian-1` …, and `child`.

    Raises:
        InputError: nobody, or too many.
    """
    from samband.schemas.events import Giver, GiverRole

    if not 0 <= guardians <= 4 or not (guardians or with_child):
        raise bad("a consent has one to four guardians, or the young adult alone", "--guardians N", "CONSENT_FORM")
    found = [Giver(GiverRole.GUARDIAN, f"guardian-{n}") for n in range(1, guardians + 1)]
    return (*found, Giver(GiverRole.CHILD, "child")) if with_child else tuple(found)


def view_of(text: str) -> ChildView:
    """Return the child's view that `VIEW[:WHY]` says; after `objects:` stand what it objects to, units and categories.

    Raises:
        InputError: not of that form (`CHILD_VIEW`).
    """
    from samband.schemas.events import ChildView, Digest, Objection, View

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
    # The reason is a code, so what is kept of it besides is only that it was given.
    motive = Digest(hashlib.sha256(os.urandom(32) + rest.encode()).digest()) if view == View.NOT_ASKED else None
    return ChildView(View(view), rest, motive)


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
