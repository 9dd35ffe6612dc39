"""Papers for the family: choose, look at each row that could stand there, release, print.

What is released is a named function's decision, row by row, logged before the paper is shown. The paper is a page of
its own in the browser and is nowhere kept. It tells about a child, so nothing is shown before a reason is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from samband.connectors.desk.ask import Ask, Kept
from samband.connectors.desk.forms import child_of
from samband.connectors.desk.roles import Page, Right
from samband.connectors.look_ups import LONGEST, SHORTEST, log_look_up
from samband.connectors.papers.log import log_release
from samband.connectors.papers.release import Propose, proposals, select
from samband.connectors.papers.render import Head, render
from samband.connectors.papers.row import Form, Kind, Language, Reader
from samband.connectors.papers.source import Source
from samband.connectors.papers.words import Words
from samband.connectors.web.page import Shown
from samband.schemas.errors import FormatError, InputError, RefusedError

if TYPE_CHECKING:
    from samband.connectors.papers.release import Proposal
    from samband.schemas.identifiers import ChildIdentifier

__all__ = ["choose", "rows"]

_MOST: Final = 400
_SUBJECT: Final = (Kind.CONSENT_FORM, Kind.SIP)


def choose(ask: Ask) -> Shown:
    """Show the form that says which paper, for whom, about which child."""
    given = {name: ask.query.text(name) for name in ("kind", "about", "reader")}
    return _form(ask, given, {})


def _form(ask: Ask, given: dict[str, str], faults: dict[str, str]) -> Shown:
    return Shown("papers", status=400 if faults else 200, kinds=list(Kind), readers=list(Reader),
                 languages=list(Language), given=given, faults=faults, units=ask.units)  # fmt: skip


def rows(ask: Ask) -> Shown | Kept:
    """Show the rows that could stand on it; with rows released, the paper.

    Raises:
        InputError: there is no such paper about this child.
        RefusedError: the child is protected, and this person has not that right (`DESK_PROTECTED`).
    """
    given = {name: ask.form.text(name, 200) for name in
             ("kind", "about", "reader", "language", "number", "name", "unit", "function")}  # fmt: skip
    given["reason"] = ask.form.text("reason", LONGEST)
    number, faults = child_of(given["number"]), {}
    for name, allowed in (("kind", Kind), ("reader", Reader), ("language", Language)):
        if given[name] not in list(allowed):
            faults[name] = "choice"
    if number is None:
        faults["number"] = "number"
    if len(given["reason"]) < SHORTEST:
        faults["reason"] = "reason"
    if faults or number is None:
        return _form(ask, given, faults)
    source = Source(ask.party, number, ask.now)
    if source.marked and not ask.may(Page.INBOX, Right.PROTECTED):
        raise RefusedError("DESK_PROTECTED", "the child is protected: this asks for a right that you do not have")
    kind, reader = Kind(given["kind"]), Reader(given["reader"])
    if (fault := _reader_fault(kind, reader, adult=source.adult)) is not None:
        return _form(ask, given, {"reader": fault})
    about = ask.form.hexes("about", 16) or None
    log_look_up(ask.party, number, user=ask.user, reason=given["reason"], function="desk", now=ask.now,
                unit=ask.unit(given["unit"]).id)  # fmt: skip
    found = proposals(source.rows(kind, about), reader, marked=source.marked, age_band=source.age_band)
    if ask.form.one_of("action", ("rows", "print")) != "print":
        return _proposed(ask, given, found, {})
    named = [each.row.id for number_, each in enumerate(found) if ask.form.values.get(f"row-{number_}") == each.row.id]
    if not given["function"] or not given["function"].replace("_", "").isalnum() or not given["function"].isascii():
        return _proposed(ask, given, found, {"function": "missing"})
    return _paper(ask, given, found, number, about, named)


def _reader_fault(kind: Kind, reader: Reader, *, adult: bool) -> str | None:
    if reader is Reader.FOSTER_PARENT and kind is Kind.CONSENT_FORM:
        return "foster"
    if adult and reader in (Reader.CHILD, Reader.GUARDIAN):
        return "adult"
    return "young" if not adult and reader is Reader.YOUNG_ADULT else None


def _proposed(ask: Ask, given: dict[str, str], found: tuple[Proposal, ...], faults: dict[str, str]) -> Shown:
    words = Words(Language(given["language"]), Reader(given["reader"]))
    told: list[dict[str, Any]] = [
        {
            "id": each.row.id,
            "section": words.text("section", each.row.section.value, "title"),
            "columns": [words.column(column) for column in each.row.columns],
            "propose": each.propose,
            "citation": each.rule.citation if each.rule else "",
            "why": ask.words.of((each.rule.why_sv, each.rule.why_en)) if each.rule else "",
        }
        for each in found[:_MOST]
    ]
    return Shown("rows", status=400 if faults else 200, given=given, rows=told, faults=faults, never=Propose.NEVER,
                 yes=Propose.YES)  # fmt: skip


def _paper(
    ask: Ask, given: dict[str, str], found: tuple[Proposal, ...], number: ChildIdentifier, about: bytes | None,
    named: list[str],
) -> Shown | Kept:  # fmt: skip
    kind, reader, language = Kind(given["kind"]), Reader(given["reader"]), Language(given["language"])
    own = ask.unit(given["unit"])
    released = select(found, named)
    head = Head(child_name=given["name"], child_number=number, party=ask.party.directory.cards[ask.party.name].name,
                unit=own.name, telephone=own.telephone, printed=ask.now)  # fmt: skip
    text = render(kind, released, head, reader=reader, language=language, form=Form.HTML)
    try:
        log_release(ask.party, released, kind=kind, reader=reader, child=number, unit=own.id,
                    function=given["function"], subject=about, now=ask.now)  # fmt: skip
    except FormatError as error:
        raise InputError("DESK_FUNCTION", "the function is no code word") from error
    return Kept(text)
