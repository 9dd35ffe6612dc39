"""A paper from the rows that were released: as HTML that prints on A4, as plain text, or as cards for a wallet.

    render(Kind.TOLD, rows, head, reader=Reader.GUARDIAN, language=Language.SV, form=Form.HTML)

Given the same rows it writes the same bytes. It is told of nothing that was not released, so nothing in what it writes
can depend on it; a part without rows says that there is nothing to show here, whatever the reason.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Final

from samband.connectors.papers.row import Form, Kind, Language, Reader, Row, Section
from samband.connectors.papers.words import Words
from samband.schemas.errors import InputError

if TYPE_CHECKING:
    import jinja2

__all__ = ["Block", "Head", "Paper", "render"]

_SECTIONS: Final[dict[Kind, tuple[Section, ...]]] = {
    Kind.CONSENT_FORM: (
        Section.MESSAGE, Section.WHY, Section.DISCLOSERS, Section.RECIPIENTS, Section.PURPOSE, Section.CHOICES,
        Section.LONGEST,
    ),
    Kind.CONSENT_RECEIPT: (
        Section.DISCLOSERS, Section.RECIPIENTS, Section.CATEGORIES, Section.PURPOSE, Section.PERIOD, Section.GIVERS,
        Section.CHILD_VIEW, Section.RECORDED,
    ),
    Kind.WITHDRAWAL_RECEIPT: (Section.WITHDRAWN, Section.STOPPED, Section.GONE),
    Kind.CONTACT_CARD: (Section.CONTACTS,),
    Kind.TOLD: (Section.TOLD,),
    Kind.SIP: (Section.PLAN,),
}  # fmt: skip
_FILED: Final = frozenset({Kind.CONSENT_FORM, Kind.CONSENT_RECEIPT, Kind.WITHDRAWAL_RECEIPT})
"""Papers that are signed or filed, and so name the child by number."""
_CARDS: Final = frozenset({Kind.CONTACT_CARD, Kind.CONSENT_RECEIPT})
_ON_RECEIPT: Final = frozenset({Section.DISCLOSERS, Section.RECIPIENTS, Section.CATEGORIES, Section.PERIOD})
"""What of a consent receipt has room in a wallet."""
_WIDTH: Final = 78

# A card of 85.6 × 54 mm has 47 mm of height within its edge. What a line takes, in millimetres, and holds, in
# characters: of the title (10 points, bold), an entry (8 points) and the foot (7.5 points), in the widest of the fonts.
_CARD_MM: Final = 47.0
_TITLE_MM, _TITLE_WIDTH = 4.1, 34
_LINE_MM, _LINE_WIDTH = 3.6, 46
_FOOT_MM, _FOOT_WIDTH = 3.4, 45
_GAP_MM: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands on the paper beside the rows."""

    child_name: str
    child_number: str
    party: str
    unit: str
    telephone: str
    printed: datetime
    """Aware."""


@dataclass(frozen=True, slots=True)
class Block:
    """A section of the paper, in words. `style` is `facts`, `table` or `choices`."""

    title: str
    style: str
    columns: list[str]
    rows: list[list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """The whole paper in words."""

    kind: str
    language: str
    lang: str
    title: str
    about: list[tuple[str, str]]
    lead: list[str]
    blocks: list[Block]
    views: list[str]
    signatures: list[str]
    sign: list[str]
    close: list[str]
    questions: str
    printed: str
    nothing: str
    yes: str
    no: str


def render(kind: Kind, rows: Sequence[Row], head: Head, *, reader: Reader, language: Language, form: Form) -> str:
    """Return the paper that is made from the released rows.

    Raises:
        InputError: there is no card of this kind of paper (`PAPER_FORM`).
    """
    if form is Form.CARD and kind not in _CARDS:
        raise InputError("PAPER_FORM", "there is no card of this kind of paper", f"cards: {', '.join(sorted(_CARDS))}")
    paper = _paper(kind, rows, head, reader, language)
    match form:
        case Form.HTML:
            return _template("paper.html").render(paper=paper)
        case Form.TEXT:
            return _as_text(paper)
        case Form.CARD:
            return _template("card.html").render(paper=paper, cards=_deal(_entries(kind, paper), _card_room(paper)))


def _paper(kind: Kind, rows: Sequence[Row], head: Head, reader: Reader, language: Language) -> Paper:
    words = Words(language, reader)
    about = [(words.text("child"), head.child_name)] if head.child_name else []
    if kind in _FILED:
        about.append((words.text("number"), head.child_number))
    telephone = words.text("telephone", telephone=head.telephone) if head.telephone else ""
    here = ("paper", kind.value)
    return Paper(
        kind=kind.value,
        language=language.value,
        lang=words.lang,
        title=words.text(*here, "title"),
        about=about,
        lead=words.texts(*here, "lead", party=head.party),
        blocks=[_block(section, rows, words) for section in _SECTIONS[kind]],
        views=words.texts(*here, "view"),
        signatures=words.texts(*here, "signatures"),
        sign=words.texts(*here, "sign"),
        close=words.texts(*here, "close"),
        questions=words.text("questions", unit=head.unit, telephone=telephone),
        printed=words.text("printed", day=words.day(head.printed)),
        nothing=words.text("nothing"),
        yes=words.text("yes"),
        no=words.text("no"),
    )


def _block(section: Section, rows: Sequence[Row], words: Words) -> Block:
    columns = words.texts("section", section.value, "columns")
    style = "choices" if section is Section.CHOICES else "table" if columns else "facts"
    said = [[words.column(column) for column in row.columns] for row in rows if row.section is section]
    return Block(words.text("section", section.value, "title"), style, columns, said)


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("samband.connectors.papers", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _template(name: str) -> jinja2.Template:
    return _environment().get_template(f"{name}.jinja")


# plain text


def _as_text(paper: Paper) -> str:
    parts = [f"{paper.title}\n{'=' * len(paper.title)}", *(f"{label}: {value}" for label, value in paper.about)]
    parts += map(_folded, paper.lead)
    for block in paper.blocks:
        parts.append(f"{block.title}\n{'-' * len(block.title)}")
        parts += _block_text(block, paper) or [paper.nothing]
    parts += [f"{view}\n\n{'_' * _WIDTH}" for view in paper.views]
    parts += ["\n\n".join([who, *(f"{each}: {'_' * 40}" for each in paper.sign)]) for who in paper.signatures]
    parts += map(_folded, [*paper.close, paper.questions, paper.printed])
    return "\n\n".join(parts) + "\n"


def _block_text(block: Block, paper: Paper) -> list[str]:
    match block.style:
        case "table":
            return [
                "\n".join(_folded(f"{name}: {value}") for name, value in zip(block.columns, row, strict=True))
                for row in block.rows
            ]
        case "choices":
            return [_folded(f"[ ] {paper.yes}  [ ] {paper.no}   {row[0]}") for row in block.rows]
        case _:
            return ["\n".join(_folded(f"- {row[0]}") for row in block.rows)] if block.rows else []


def _folded(line: str) -> str:
    return "\n".join(textwrap.wrap(line, _WIDTH, subsequent_indent="  " if line.startswith(("-", "[")) else ""))


# cards


def _entries(kind: Kind, paper: Paper) -> list[tuple[str, str, str]]:
    """Return what stands on the cards: (heading, what stands right of it, text under it)."""
    if kind is Kind.CONTACT_CARD:
        return [(name, telephone, does) for block in paper.blocks for name, telephone, does in block.rows]
    shown = (block for section, block in zip(_SECTIONS[kind], paper.blocks, strict=True) if section in _ON_RECEIPT)
    return [(block.title, "", "; ".join(" – ".join(row) for row in block.rows)) for block in shown if block.rows]


def _card_room(paper: Paper) -> float:
    """Return the millimetres between title and foot of a card."""
    title = _lines(paper.title + "".join(f": {value}" for _, value in paper.about[:1]), _TITLE_WIDTH)
    return _CARD_MM - title * _TITLE_MM - _lines(paper.questions, _FOOT_WIDTH) * _FOOT_MM - 3 * _GAP_MM


def _deal(entries: Sequence[tuple[str, str, str]], room: float) -> list[list[tuple[str, str, str]]]:
    """Deal entries to cards, as many to each as it has room for; a text that fits on no card is left to the page."""
    cards: list[list[tuple[str, str, str]]] = [[]]
    left = room
    for heading, right, text in entries:
        fits = _height(heading, right, text) <= room
        entry = (heading, right, text if fits else "")
        needed = _height(*entry)
        if needed > left and cards[-1]:
            cards.append([])
            left = room
        cards[-1].append(entry)
        left -= needed
    return cards


def _height(heading: str, right: str, text: str) -> float:
    lines = max(1, _lines(heading, _LINE_WIDTH - len(right) - 2)) + _lines(text, _LINE_WIDTH)
    return lines * _LINE_MM + _GAP_MM


def _lines(text: str, width: int) -> int:
    return len(textwrap.wrap(text, max(10, width)))
