"""What may be released to whom: proposed by a table of rules with their law, decided by a named function, row by row.

    proposals(rows, reader, marked=False, age_band="<12")     one Proposal per row, in order
    select(proposals, ("all",))                                the rows that the paper is made from

The table is `release.toml`; its first rule that fits decides for a category, the strictest category for the row. What
no rule speaks of is asked about, never proposed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Final

from samband.connectors.papers.row import Reader, Row
from samband.schemas.errors import InputError

__all__ = ["ALL", "Proposal", "Propose", "Rule", "proposals", "rules", "select"]

ALL: Final = "all"
"""Instead of rows: every row that is proposed."""


class Propose(StrEnum):
    """What a rule says, from the mildest to the strictest."""

    YES = "yes"
    ASK = "ask"
    NEVER = "never"


_STRICT: Final = tuple(Propose)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the table."""

    readers: tuple[Reader, ...]
    categories: tuple[str, ...]
    about: tuple[str, ...]
    propose: Propose
    citation: str
    why_sv: str
    why_en: str
    marked: bool = False
    ages: tuple[str, ...] = ()

    def fits(self, reader: Reader, tag: str, *, marked: bool, age_band: str) -> bool:
        """Say whether it speaks of a category for a reader."""
        category, _, about = tag.partition(":")
        return (
            reader in self.readers
            and (category in self.categories or "*" in self.categories)
            and about in self.about
            and (marked or not self.marked)
            and (not self.ages or age_band in self.ages)
        )


@dataclass(frozen=True, slots=True)
class Proposal:
    """A row and what the table says of it; `rule` is None where the row tells nothing about anybody."""

    row: Row
    propose: Propose
    rule: Rule | None


@cache
def rules() -> tuple[Rule, ...]:
    """Return the shipped table."""
    text = resources.files("samband.connectors.papers").joinpath("release.toml").read_text("utf-8")
    return tuple(
        Rule(
            **{
                **each,
                "readers": tuple(map(Reader, each["readers"])),
                "categories": tuple(each["categories"]),
                "about": tuple(each["about"]),
                "ages": tuple(each.get("ages", ())),
                "propose": Propose(each["propose"]),
            }
        )
        for each in tomllib.loads(text)["rule"]
    )


def proposals(rows: Iterable[Row], reader: Reader, *, marked: bool, age_band: str) -> tuple[Proposal, ...]:
    """Return what the table says of each row for a reader.

    `marked`: the child has a protection mark. `age_band`: the child's, as in `identifiers.AgeBand`; `unknown` is no
    band, and a rule for an age does not speak of it.
    """
    return tuple(_proposal(row, reader, marked=marked, age_band=age_band) for row in rows)


def _proposal(row: Row, reader: Reader, *, marked: bool, age_band: str) -> Proposal:
    strictest = Proposal(row, Propose.YES, None)
    for number, told in enumerate(sorted(row.tells)):
        rule = next((each for each in rules() if each.fits(reader, told, marked=marked, age_band=age_band)), None)
        propose = Propose.ASK if rule is None else rule.propose
        if number == 0 or _STRICT.index(propose) > _STRICT.index(strictest.propose):
            strictest = Proposal(row, propose, rule)
    return strictest


def select(found: Sequence[Proposal], release: Sequence[str]) -> tuple[Row, ...]:
    """Return the rows that are released, in the order of the paper: those named by id, and for `all` those proposed.

    Raises:
        InputError: no such row (`ROW_UNKNOWN`), or one that cannot be released to this reader (`ROW_FORBIDDEN`).
    """
    named = set(release) - {ALL}
    if unknown := named - {each.row.id for each in found}:
        raise InputError("ROW_UNKNOWN", f"{len(unknown)} of the named rows are not there", "--json lists the rows")
    forbidden = [each for each in found if each.row.id in named and each.propose is Propose.NEVER]
    if forbidden:
        cited = ", ".join(dict.fromkeys(each.rule.citation for each in forbidden if each.rule))
        raise InputError("ROW_FORBIDDEN", f"a row cannot be released to this reader: {cited}", "leave it out")
    return tuple(each.row for each in found if each.row.id in named or (ALL in release and each.propose is Propose.YES))
