"""The rulebook: the versions there are, the rows of one, what changed between two, and what nobody has verified."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from samband.connectors.console.ask import Ask, Shown
from samband.connectors.rules.words import conditions, status, way
from samband.schemas.errors import InputError
from samband.schemas.rulebook import Effect, Rule, Status
from samband.streams.rules import InForce

__all__ = ["rules", "rules_diff"]

_MOST: Final = 1000


def rules(ask: Ask) -> Shown:
    """Show a version, by default the one that holds now.

    Raises:
        InputError: there is no such version (`CONSOLE_UNKNOWN`).
    """
    held = ask.house.hub.directory.rules
    now = int(ask.now.timestamp() * 1000)
    number = ask.query.number("version", _MOST)
    shown = _version(held.versions, number) if number else held.at(now)
    only = ask.query.one_of("only", ("unverified",))
    rows = [] if shown is None else [_row(ask, rule) for rule in shown.rulebook.rules if not only or _open(rule)]
    return Shown(
        "rules",
        versions=list(held.versions[::-1]),
        shown=shown,
        in_force=held.at(now),
        rows=rows,
        only=only,
        unverified=0 if shown is None else sum(map(_open, shown.rulebook.rules)),
    )


def _open(rule: Rule) -> bool:
    return rule.effect is not Effect.FORBID and rule.status is not Status.VERIFIED


def _version(versions: tuple[InForce, ...], number: int) -> InForce:
    for each in versions:
        if each.number == number:
            return each
    raise InputError("CONSOLE_UNKNOWN", "there is no such version of the rules")


def _row(ask: Ask, rule: Rule) -> dict[str, Any]:
    words = ask.words
    return {
        "ground": rule.ground,
        "effect": rule.effect.value,
        "citation": rule.citation,
        "name": words.of((rule.name_sv, rule.name_en)),
        "text": words.of((rule.text_sv, rule.text_en)),
        "way": words.of(way(rule)),
        "conditions": [words.of(each) for each in conditions(rule)],
        "types": sorted(words.type(each) for each in rule.types),
        "status": words.of(status(rule)),
        "open": _open(rule),
    }


def rules_diff(ask: Ask) -> Shown:
    """Show what changed between two versions, row by row and field by field.

    Raises:
        InputError: there is no such version (`CONSOLE_UNKNOWN`), or two are not named (`CONSOLE_QUERY`).
    """
    versions = ask.house.hub.directory.rules.versions
    one, other = ask.query.number("one", _MOST), ask.query.number("other", _MOST)
    if not one or not other:
        raise InputError("CONSOLE_QUERY", "two versions are compared: `one` and `other`")
    before, after = (
        {rule.ground: rule for rule in _version(versions, number).rulebook.rules} for number in (one, other)
    )
    changes = [
        {"ground": ground, "fields": _changed(ask, before.get(ground), after.get(ground))}
        for ground in dict.fromkeys((*before, *after))
        if before.get(ground) != after.get(ground)
    ]
    return Shown("rules_diff", one=one, other=other, changes=changes, versions=list(versions))


def _changed(ask: Ask, one: Rule | None, other: Rule | None) -> list[tuple[str, str, str]]:
    """Return (field, before, after) of what differs; a row that is new or gone is one line."""
    if one is None or other is None:
        there, gone = ask.words("rules.there"), ask.words("rules.gone")
        return [("", gone if one is None else there, gone if other is None else there)]
    return [
        (each.name, _plain(getattr(one, each.name)), _plain(getattr(other, each.name)))
        for each in fields(Rule)
        if getattr(one, each.name) != getattr(other, each.name)
    ]


def _plain(value: Any) -> str:
    if isinstance(value, frozenset | tuple):
        return ", ".join(sorted(map(str, value))) or "–"
    if isinstance(value, dict):
        return ", ".join(sorted(value)) or "–"
    return str(value) or "–"
