"""The catalogue on paper: `docs/catalogue.md` says what the rows say."""

from __future__ import annotations

from pathlib import Path

from samband.connectors.cli.catalogue_page import catalogue_page
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.examples import example

PAGE = Path(__file__).parents[2] / "docs" / "catalogue.md"


def test_the_page_is_the_catalogue() -> None:
    """`docs/catalogue.md` is what the rows give."""
    assert PAGE.read_text("utf-8") == catalogue_page(), (
        "python -m samband.connectors.cli.catalogue_page > docs/catalogue.md"
    )


def test_the_page_tells_every_type_in_both_languages() -> None:
    """Each type has its section, with its labels, its fields' labels and its example, and every table is whole."""
    page = catalogue_page()
    sections = {part.split("`", 2)[1]: part for part in page.split("\n### ")[1:]}
    telling = [row for row in CATALOGUE.values() if row.carries_content]
    assert list(sections) == [row.name for row in telling]
    for row in telling:
        section = sections[row.name]
        assert section.startswith(f"{row.label_sv} · {row.label_en}\n")
        for field in row.fields:
            assert f"\n| {field.label_sv}" in section
            assert f"| {field.label_en}" in section
            value = example(row.name).get(field.name)
            assert not isinstance(value, str) or field.choices or f"| {value} |" in section
    for line in page.splitlines():
        assert not line.startswith("|") or line.endswith("|")
