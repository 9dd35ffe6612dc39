"""A paper shows what was released and nothing of what was not; its words are there in three languages."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from samband.connectors.papers.release import Propose, proposals, select
from samband.connectors.papers.render import render
from samband.connectors.papers.row import Form, Kind, Language, Put, Reader, Row
from samband.connectors.papers.rows import contact_card, told
from samband.connectors.papers.words import Words
from samband.schemas.categories import Category
from samband.schemas.errors import InputError
from samband.schemas.rulebook import shipped
from samband.schemas.units import UnitKind
from tests.papers.world import HEAD, MEMBERS, MESSAGES, NOW, rows, unit

CARDS = (Kind.CONTACT_CARD, Kind.CONSENT_RECEIPT)
PAPERS = [
    (kind, form) for kind, form in itertools.product(Kind, Form) if form is not Form.CARD or kind in CARDS
]  # fmt: skip


def written(kind: Kind, released: tuple[Row, ...], form: Form, language: Language = Language.SV) -> str:
    """Return a guardian's paper."""
    return render(kind, released, HEAD, reader=Reader.GUARDIAN, language=language, form=form)


@pytest.mark.parametrize(("kind", "form"), PAPERS)
def test_what_is_held_back_leaves_no_trace(kind: Kind, form: Form) -> None:
    """With any one row held back the paper is, byte for byte, the paper of data in which that row never was."""
    found = proposals(rows(kind), Reader.GUARDIAN, marked=False, age_band="15-17")
    may = tuple(each.row for each in found if each.propose is not Propose.NEVER)
    assert may
    for row in may:
        named = [each.id for each in may if each != row]
        without = tuple(each for each in may if each != row)
        assert written(kind, select(found, named), form) == written(kind, without, form)


@pytest.mark.parametrize("form", Form)
def test_facts_that_never_were_leave_no_trace_either(form: Form) -> None:
    """A contact or a message held back gives the bytes of a paper whose source never had it: no order, id or total."""
    for gone in MEMBERS:
        held = tuple(row for row in contact_card(MEMBERS, unit) if not row.id.endswith(gone))
        never = contact_card([each for each in MEMBERS if each != gone], unit)
        assert written(Kind.CONTACT_CARD, held, form) == written(Kind.CONTACT_CARD, never, form)
    if form is Form.CARD:
        return
    for message in MESSAGES:
        held = tuple(row for row in told(MESSAGES, unit) if message.id not in row.id)
        never = told([each for each in reversed(MESSAGES) if each is not message], unit)
        assert written(Kind.TOLD, held, form) == written(Kind.TOLD, never, form)


@pytest.mark.parametrize(("kind", "form"), PAPERS)
def test_nothing_released_looks_like_nothing_there(kind: Kind, form: Form) -> None:
    """A paper of which nothing was released says the same as one for which there was nothing: that nothing shows."""
    empty = written(kind, (), form)
    assert "Det finns inget att visa här." in empty
    assert not any(row.id in empty for row in rows(kind))


@pytest.mark.parametrize(("kind", "form"), PAPERS)
@pytest.mark.parametrize("language", Language)
def test_every_released_value_stands_on_the_paper(kind: Kind, form: Form, language: Language) -> None:
    """What is released is there, in every language and form; a receipt's card has the part a wallet has room for."""
    words = Words(language, Reader.GUARDIAN)
    text = written(kind, rows(kind), form, language)
    plain = " ".join(re.sub(r"<[^>]+>", " ", text).replace("&#39;", "'").split())
    if kind is Kind.CONSENT_RECEIPT and form is Form.CARD:
        assert "Exempelskolan" in plain
        return
    for row in rows(kind):
        for column in row.columns:
            assert words.column(column) in plain
    assert not re.search(r"\b(None|[A-Z]{3,}_[A-Z_]+|\w+:child)\b", plain)


def test_a_paper_knows_one_clock() -> None:
    """The day of printing comes from the head alone; the same rows and head give the same bytes."""
    tomorrow = replace(HEAD, printed=NOW + timedelta(days=1))
    for form in (Form.HTML, Form.TEXT):
        first = written(Kind.TOLD, rows(Kind.TOLD), form)
        assert first == written(Kind.TOLD, rows(Kind.TOLD), form)
        later = render(
            Kind.TOLD, rows(Kind.TOLD), tomorrow, reader=Reader.GUARDIAN, language=Language.SV, form=form
        )  # fmt: skip
        assert later == first.replace("Utskrivet 24 november", "Utskrivet 25 november")


def test_a_page_fetches_nothing_and_runs_nothing() -> None:
    """A page has no script, no link and no address in it, and what a card says is text, not markup."""
    head = replace(HEAD, child_name="<script>alert(1)</script>", unit="<b>A & B</b>")
    for kind, form in PAPERS:
        if form is not Form.TEXT:
            page = render(kind, rows(kind), head, reader=Reader.CHILD, language=Language.SV, form=form)
            assert not re.search(r"<script|<b>|<link|<img|url\(|https?:|@import| on\w+=", page)
            assert page.startswith('<!doctype html>\n<html lang="sv">\n')


def test_a_number_is_on_papers_that_are_filed_only() -> None:
    """The identity number stands on what is signed or filed, never on a contact card or a list, nor on any card."""
    for kind, form in PAPERS:
        filed = kind in (Kind.CONSENT_FORM, Kind.CONSENT_RECEIPT, Kind.WITHDRAWAL_RECEIPT) and form is not Form.CARD
        assert (HEAD.child_number in written(kind, rows(kind), form)) is filed


def test_there_are_cards_of_two_kinds() -> None:
    """A form has no card; asking for one is a clear error."""
    with pytest.raises(InputError) as error:
        written(Kind.TOLD, (), Form.CARD)
    assert error.value.code == "PAPER_FORM"


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("reader", Reader)
def test_every_code_has_words(language: Language, reader: Reader) -> None:
    """Each ground of the rulebook, kind of unit, kind of information, purpose and state is said in words."""
    from samband.connectors.papers.row import Cell
    from samband.schemas.event_bodies import GivenHow, Scope, View

    words = Words(language, reader)
    cells = [
        *(Cell(Put.GROUND, rule.ground) for rule in shipped().rules if not rule.ground.startswith("FORBID")),
        *(Cell(Put.KIND, kind.value) for kind in UnitKind),
        *(Cell(Put.WORD, f"view/{view}") for view in View),
        *(Cell(Put.WORD, f"how/{how}") for how in GivenHow),
        *(Cell(Put.WORD, f"scope/{scope}") for scope in Scope),
        *(Cell(Put.WORD, f"giver/{giver}") for giver in ("child", "guardian-1")),
    ]
    for cell in cells:
        said = words.cell(cell)
        assert said != cell.value
        assert said != cell.value.partition("/")[2]
    for category in Category:
        assert words.cell(Cell(Put.CATEGORY, f"{category}:child")).strip()


def test_easy_swedish_is_easy() -> None:
    """Easy Swedish has short sentences, says what a consent is, and has a text of its own on each paper."""
    for kind, reader in itertools.product(Kind, (Reader.CHILD, Reader.GUARDIAN)):
        easy, plain = Words(Language.EASY, reader), Words(Language.SV, reader)
        said = [*easy.texts("paper", kind.value, "lead", party="Nämnden"), *easy.texts("paper", kind.value, "close")]
        assert said
        assert not set(said) & set(plain.texts("paper", kind.value, "lead"))
        for sentence in re.split(r"(?<=[.?!])\s", " ".join(said)):
            assert len(sentence.split()) <= 11, sentence
            assert not re.search(r"\b(eftersom|vilket|vilka|enligt|samt|såvida|därför att)\b", sentence)
    for kind in (Kind.CONSENT_FORM, Kind.CONSENT_RECEIPT, Kind.WITHDRAWAL_RECEIPT):
        lead = " ".join(Words(Language.EASY, Reader.GUARDIAN).texts("paper", kind.value, "lead"))
        assert "Samtycke betyder" in lead


def test_days_are_swedish_days() -> None:
    """A moment just before midnight UTC is the next day in Sweden; in summer two hours earlier than that too."""
    from samband.connectors.papers.row import Cell

    words = Words(Language.SV, Reader.CHILD)
    winter, summer = 1_798_758_000, 1_782_856_800  # 2026-12-31 23:00 and 2026-06-30 22:00 UTC
    assert words.cell(Cell(Put.DAY, str(winter))) == "1 januari 2027"
    assert words.cell(Cell(Put.DAY, str(winter - 1))) == "31 december 2026"
    assert words.cell(Cell(Put.MOMENT, str(summer))) == "1 juli 2026 klockan 00.00"
