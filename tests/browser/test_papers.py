"""Every paper in a real browser: it prints on A4 with nothing cut off, and shuts nobody out.

`make test-browser` fetches the browser and runs this; without it these tests are skipped.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from samband.connectors.papers.render import render
from samband.connectors.papers.row import Form, Kind, Language, Reader, Row
from samband.connectors.papers.rows import contact_card, told
from tests.browser.chromium import AXE, CHROMIUM, ask, print_pdf, sheets
from tests.papers.world import HEAD, MEMBERS, MESSAGES, UNITS, rows, unit

pytestmark = pytest.mark.skipif(not (CHROMIUM and AXE), reason="make test-browser")

CARDS = (Kind.CONTACT_CARD, Kind.CONSENT_RECEIPT)
PAPERS = [
    pytest.param(kind, language, form, id=f"{kind}-{language}-{form}")
    for kind, language, form in itertools.product(Kind, Language, (Form.HTML, Form.CARD))
    if form is Form.HTML or kind in CARDS
]
A4 = (210, 297)
# What reaches beyond the sheet's text, or beyond its own card or cell. The page is laid out 184 mm wide, as in print.
CUT = """
    const cut = each => each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0;
    const beyond = [...document.querySelectorAll('main *, footer *')].filter(each =>
        each.getBoundingClientRect().right > innerWidth + 1
        || each.matches('.card, td, th, p, li') && cut(each)
        || each.matches('.card') && each.scrollHeight > each.clientHeight + 1);
    const beyond_words = beyond.map(each => each.tagName + ': ' + each.textContent.trim().slice(0, 60));
"""
NOTHING_CUT = CUT + "return beyond_words;"
AXE_RUN = """
    const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const found = await axe.run(document, {runOnly: rules});
    return beyond_words.concat(found.violations, found.incomplete).map(each =>
        each.id ? each.id + ': ' + each.nodes.map(node => node.html).join(' ').slice(0, 200) : each);
"""


def page(folder: Path, kind: Kind, language: Language, form: Form, released: tuple[Row, ...] = ()) -> Path:
    """Write a paper to a file: a child's in easy Swedish, else a guardian's."""
    reader = Reader.CHILD if language is Language.EASY else Reader.GUARDIAN
    path = folder / "paper.html"
    path.write_text(
        render(kind, released or rows(kind), HEAD, reader=reader, language=language, form=form), "utf-8"
    )  # fmt: skip
    return path


@pytest.mark.parametrize(("kind", "language", "form"), PAPERS)
def test_prints_on_a4(tmp_path: Path, kind: Kind, language: Language, form: Form) -> None:
    """A usual paper is one or two A4 sheets."""
    assert sheets(print_pdf(page(tmp_path, kind, language, form))) in ([A4], [A4, A4])


@pytest.mark.parametrize(("kind", "language", "form"), PAPERS)
def test_shuts_nobody_out(tmp_path: Path, kind: Kind, language: Language, form: Form) -> None:
    """Nothing is cut off at an edge; axe-core finds no breach of WCAG 2.2 A and AA, and nothing it could not decide."""
    path = page(tmp_path, kind, language, form)
    assert ask(path, CUT + AXE_RUN, library=Path(AXE).read_text("utf-8")) == []


@pytest.mark.parametrize("kind", [Kind.TOLD, Kind.CONTACT_CARD])
def test_reads_on_a_narrow_screen(tmp_path: Path, kind: Kind) -> None:
    """On a telephone only a wide table scrolls, never the page."""
    path = page(tmp_path, kind, Language.SV, Form.HTML)
    assert ask(path, "return document.documentElement.scrollWidth <= innerWidth", width=500) is True


def test_long_names_and_many_rows_stay_on_the_sheet(tmp_path: Path) -> None:
    """Sixty rows and a name of one hundred letters run over to more sheets, not over the edge."""
    long = "Familjehemsverksamhetens" * 4
    many = [
        replace(sent, id=f"{number:032x}", at=sent.at + number)
        for number, sent in enumerate(MESSAGES * 10)
    ]  # fmt: skip
    released = told(many, lambda name: replace(UNITS[name], name=f"{long} {name}") if name in UNITS else None)  # type: ignore[index]
    path = page(tmp_path, Kind.TOLD, Language.SV, Form.HTML, released)
    printed = sheets(print_pdf(path))
    assert len(printed) > 3
    assert set(printed) == {A4}
    assert ask(path, NOTHING_CUT) == []


def test_a_card_is_a_card(tmp_path: Path) -> None:
    """Each card is 85.6 × 54 mm, ten to a sheet; what one has no room for goes to the next, and nothing is cut off."""
    names = [f"SE9-{number:02d}" for number in range(25)]
    model = unit(MEMBERS[0])
    assert model is not None
    many = {name: replace(model, id=name, name=f"Verksamhet {name}") for name in names}  # type: ignore[arg-type]
    path = page(tmp_path, Kind.CONTACT_CARD, Language.SV, Form.CARD, contact_card(names, many.get))
    sizes = ask(path, "return [...document.querySelectorAll('.card')].map(c => [c.offsetWidth, c.offsetHeight])")
    assert {tuple(size) for size in sizes} <= {(324, 204), (323, 204)}  # CSS pixels of 1/96 inch
    assert len(sheets(print_pdf(path))) == -(-len(sizes) // 10)
    assert ask(path, NOTHING_CUT) == []
