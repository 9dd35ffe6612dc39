"""The pages for the data-protection officer: what they name exists, and what they tabulate is the data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from samband.schemas.retention import Eraser, Keep, Place, Retention, rows

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "dataskydd").glob("*.md"))
TEXTS = {page.name: page.read_text("utf-8") for page in PAGES}

_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_NAMED = re.compile(r"`((?:connectors|schemas|streams|tests|docs)/[^`\s]+)`")
_COMMAND = re.compile(r"`samband ([a-z-]+)(?: ([a-z-]+))?")

PLACES = {Place.PARTY: "partens anslutning", Place.RECIPIENT: "mottagarens system", Place.HUB: "navet"}
ERASERS = {
    Eraser.SAMBAND: "Samband",
    Eraser.DECISION: "en människa, efter beslut",
    Eraser.OWN_SYSTEM: "det egna systemet",
}


def line(row: Retention) -> str:
    """Return a row of the retention table as it stands on the page."""
    days = "1 dag" if row.amount == 1 else f"{row.amount} dagar"
    kept = {Keep.AT_ONCE: "gallras genast", Keep.DAYS: days, Keep.YEARS: f"{row.amount} år",
            Keep.NONE: "ingen fast tid"}[row.unit]  # fmt: skip
    confirm = " **[bekräftas]**" if row.to_confirm else ""
    cells = (row.text_sv, PLACES[row.place], kept, row.counted_from_sv, ERASERS[row.eraser], row.citation + confirm)
    return f"| {' | '.join(cells)} |"


def test_the_pages_are_there() -> None:
    """The seven pages exist, and the first one leads to the others."""
    expected = {"README.md", "allmanna-handlingar.md", "gallring.md", "informationstext.md", "konsekvensbedomning.md",
                "registerforteckning.md", "skyddsatgarder.md"}  # fmt: skip
    assert set(TEXTS) == expected
    assert expected - {"README.md"} == set(_LINK.findall(TEXTS["README.md"])) - {"../wire-format.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link is to a file that exists."""
    for target in _LINK.findall(TEXTS[page.name]):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_named_exists(page: Path) -> None:
    """Every module and test that a page leans on is in the tree, the test by its own name."""
    for name in _NAMED.findall(TEXTS[page.name]):
        path, _, test = name.partition("::")
        assert (ROOT / path).exists(), name
        if test:
            assert re.search(rf"^(async )?def {re.escape(test)}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE), (
                name
            )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_exist(page: Path) -> None:
    """Every command that a page tells somebody to use is one."""
    manual = (ROOT / "docs" / "cli.md").read_text("utf-8")
    for first, second in _COMMAND.findall(TEXTS[page.name]):
        assert re.search(rf"^#+ `?samband {first}\b", manual, re.MULTILINE), first
        if second and first in ("audit", "party", "inbox", "consent", "circle"):
            assert re.search(rf"^#+ `?samband {first} {second}\b", manual, re.MULTILINE), (first, second)


def test_every_measure_names_what_does_it() -> None:
    """No measure without code and a test that can fail."""
    measures = [row for row in TEXTS["skyddsatgarder.md"].splitlines() if re.match(r"\| [0-9]", row)]
    assert len(measures) >= 15
    for row in measures:
        named = _NAMED.findall(row)
        assert any(name.startswith("tests/") for name in named), row
        assert any(not name.startswith("tests/") for name in named), row


def test_every_risk_has_its_measure() -> None:
    """Each risk has likelihood, consequence, measure and what is left of it."""
    risks = [row.strip("| ").split(" | ") for row in TEXTS["konsekvensbedomning.md"].splitlines()
             if re.match(r"\| [0-9]", row)]  # fmt: skip
    assert len(risks) >= 10
    scale = {"låg", "medel", "hög", "mycket hög"}
    for number, _, likelihood, consequence, measure, left in risks:
        assert {likelihood, consequence} <= scale, number
        assert measure
        assert left


def test_the_retention_table_is_the_data() -> None:
    """The page says what `schemas/retention.toml` says, row by row, and nothing else."""
    told = [row for row in TEXTS["gallring.md"].splitlines() if row.startswith("| ")][1:]
    assert told == [line(row) for row in rows().values()], "\n".join(line(row) for row in rows().values())


def test_the_information_text_says_what_the_law_asks_for() -> None:
    """Controller, officer, purpose, ground, recipients, time, rights, complaint, source and automated decisions."""
    text = TEXTS["informationstext.md"]
    for word in ("Ansvarig", "Dataskyddsombudet", "Varför?", "art. 6.1", "Vem får dem?", "Hur länge?", "rättade",
                 "Integritetsskyddsmyndigheten", "Var kommer uppgifterna ifrån?", "dator", "Samtycke"):  # fmt: skip
        assert word in text
    easy = text.partition("## På lätt svenska")[2]
    assert max(len(sentence.split()) for sentence in re.split(r"[.?!:\n]", easy)) <= 15
