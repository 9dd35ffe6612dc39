"""`samband paper`: make a paper for the family, from the rows that a named function releases to its reader."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from samband.connectors.cli.said import Child, From, child_of
from samband.connectors.cli.terminal import As, Json, bad, emit, message_id_of, note, options, party_of, table
from samband.connectors.cli.words import either
from samband.connectors.papers.release import ALL, Propose
from samband.connectors.papers.row import Form, Kind, Language, Reader
from samband.connectors.papers.words import Words

if TYPE_CHECKING:
    from samband.connectors.papers.release import Proposal
    from samband.connectors.papers.render import Head
    from samband.connectors.papers.row import Row
    from samband.connectors.party import Party
    from samband.schemas.units import Unit

__all__ = ["paper"]

_Choice = TypeVar("_Choice", bound=StrEnum)
_PROPOSED: Final = {
    Propose.YES: ("ja", "yes"),
    Propose.ASK: ("pröva", "decide"),
    Propose.NEVER: ("aldrig", "never"),
}


def paper(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"{', '.join(Kind)}.")],
    *,
    who: As = "",
    child: Child,
    reader: Annotated[str, typer.Option(metavar="READER", help=f"Who gets it: {', '.join(Reader)}.")],
    about: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="ID",
            help="What it is about: the refused question or message, the consent, or the withdrawal.",
            show_default="the newest",
        ),
    ] = "",
    release: Annotated[
        list[str] | None,
        typer.Option(metavar="ROW", help="A row to release; `all`: every row that is proposed. Repeatable."),
    ] = None,
    function: Annotated[str, typer.Option(metavar="CODE", help="The function that releases, as one code word.")] = "",
    name: Annotated[str, typer.Option(help="The child's name, as it shall stand on the paper.")] = "",
    protected: Annotated[
        bool, typer.Option("--protected", help="The child is protected, whether or not your own store knows of it.")
    ] = False,
    form: Annotated[str, typer.Option("--format", metavar="FORM", help=f"{', '.join(Form)}.")] = "html",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to.", show_default="standard output")] = None,
    unit: From = "",
    as_json: Json = False,
) -> None:
    """Make a paper that a unit hands to the family: a form, a receipt, a contact card, who has been told what.

    Only what is released stands on it, and nothing on it shows that there was more. Which rows there are, and which
    are proposed for this reader under which law, --json lists, or a table on a terminal, which then asks. A release is
    logged before the paper is written. --lang is the paper's language: sv, en, or easy for easy Swedish.

    \b
    samband paper contact-card --as social --child 201201019805 --reader child --lang easy \\
        --release all --function socialsekreterare --out card.html
    """  # noqa: D301
    from samband.connectors.papers.log import log_release
    from samband.connectors.papers.release import proposals, select
    from samband.connectors.papers.render import render
    from samband.connectors.papers.source import Source

    chosen, to, written = _choice(Kind, kind), _choice(Reader, reader), _choice(Form, form)
    party = party_of(who)
    own, number, now = party.own_unit(unit), child_of(child), datetime.now(UTC)
    subject = message_id_of(about) if about else None
    source = Source(party, number, now)
    _check_reader(chosen, to, adult=source.adult)
    rows = source.rows(chosen, subject)
    found = proposals(rows, to, marked=protected or source.marked, age_band=source.age_band)
    named = tuple(release or ())
    if not named and not as_json and sys.stdin.isatty() and sys.stdout.isatty():
        named, function = _asked(found, to, function)
    released = select(found, named)
    writes = out is not None or not as_json
    if released and writes and not function:
        raise bad("it is not said which function releases", "--function CODE, such as rektor", "FUNCTION_MISSING")
    event = b""
    if writes:
        head = _head(party, own, name, number, now)
        text = render(chosen, released, head, reader=to, language=_language(), form=written)
        if released:
            event = log_release(party, released, kind=chosen, reader=to, child=number, unit=own.id, function=function,
                                subject=subject, now=now)  # fmt: skip
        _write(text, out)  # after the log line is on the disk, never before
    _end(found, released, event, out, to, as_json=as_json)


def _choice(among: type[_Choice], text: str) -> _Choice:
    try:
        return among(text)
    except ValueError:
        raise bad("no such kind of paper, reader or format", ", ".join(among), "PAPER_CHOICE") from None


def _language() -> Language:
    """Return the paper's language: as chosen with --lang, else Swedish, whatever language the terminal speaks."""
    return Language(options.lang) if options.lang else Language.SV


def _check_reader(kind: Kind, reader: Reader, *, adult: bool) -> None:
    """Check that such a paper is for such a reader.

    Raises:
        InputError: a foster parent consents to nothing; a child is no young adult, and the other way round; nobody is
            guardian of an adult (`PAPER_READER`).
    """
    if reader is Reader.FOSTER_PARENT and kind is Kind.CONSENT_FORM:
        raise bad("a foster parent cannot consent for the child", "--reader guardian or child", "PAPER_READER")
    if adult and reader in (Reader.CHILD, Reader.GUARDIAN):
        raise bad("from 18 the young person decides alone", "--reader young_adult", "PAPER_READER")
    if not adult and reader is Reader.YOUNG_ADULT:
        raise bad("a young adult is 18 or older", "--reader child", "PAPER_READER")


def _head(party: Party, unit: Unit, name: str, child: str, now: datetime) -> Head:
    from samband.connectors.papers.render import Head

    card = party.directory.cards[party.name]
    return Head(
        child_name=name, child_number=child, party=card.name, unit=unit.name, telephone=unit.telephone, printed=now
    )


def _asked(found: Sequence[Proposal], reader: Reader, function: str) -> tuple[tuple[str, ...], str]:
    """Show the rows to a person and ask which to release; return (rows, function)."""
    _table(found, reader)
    said = typer.prompt(either("Vilka rader lämnas ut? Nummer, alla eller inga", "Which rows? Numbers, all or none"))
    words = said.replace(",", " ").split()
    if words in (["all"], ["alla"]):
        named: tuple[str, ...] = (ALL,)
    elif words in (["none"], ["inga"]):
        return (), function
    elif all(word.isdecimal() and len(word) < 9 and 1 <= int(word) <= len(found) for word in words):
        named = tuple(found[int(word) - 1].row.id for word in words)
    else:
        raise bad("rows are numbers of the table, all or none", "", "ROW_UNKNOWN")
    return named, function or typer.prompt(either("Vilken funktion beslutar det?", "Which function decides it?"))


def _table(found: Sequence[Proposal], reader: Reader) -> None:
    words = Words(_language(), reader)
    table(
        (either("nr", "no"), either("rad", "row"), either("innehåll", "content"), either("föreslås", "proposed"),
         either("lag", "law")),
        [
            (
                str(number),
                each.row.id,
                " | ".join(map(words.column, each.row.columns)),
                either(*_PROPOSED[each.propose]),
                each.rule.citation if each.rule else "",
            )
            for number, each in enumerate(found, 1)
        ],
    )  # fmt: skip


def _write(text: str, out: Path | None) -> None:
    """Write the paper, readable by its owner only.

    Raises:
        InputError: the file cannot be written (`PAPER_FILE`).
    """
    if out is None:
        print(text, end="")
        return
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise bad(f"the paper cannot be written: {error.strerror}", "--out FILE", "PAPER_FILE") from error


def _end(
    found: Sequence[Proposal], released: Sequence[Row], event: bytes, out: Path | None, reader: Reader, *, as_json: bool
) -> None:
    if as_json:
        words = Words(_language(), reader)
        taken = {row.id for row in released}
        emit(
            {
                "rows": [_described(each, words) | {"released": each.row.id in taken} for each in found],
                "event": event.hex() or None,
                "out": None if out is None else str(out),
            }
        )
    elif event:
        note(either(f"utlämnade rader: {len(released)}; antecknas i loggen som {event.hex()}",
                    f"rows released: {len(released)}; goes to the log as {event.hex()}"))  # fmt: skip
    elif not released:
        note(either("inget är utlämnat: --json visar raderna, --release lämnar ut dem",
                    "nothing is released: --json lists the rows, --release releases them"))  # fmt: skip


def _described(each: Proposal, words: Words) -> dict[str, Any]:
    return {
        "row": each.row.id,
        "section": each.row.section,
        "content": [words.column(column) for column in each.row.columns],
        "tells": sorted(each.row.tells),
        "proposed": each.propose,
        "citation": each.rule.citation if each.rule else "",
        "why": either(each.rule.why_sv, each.rule.why_en) if each.rule else "",
    }
