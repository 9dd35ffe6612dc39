"""The stories of `docs/stories`, played on a real hub: what a page shows is what happens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from samband.schemas.testdata import synthetic
from tests.stories.transcript import play
from tests.terminal import Terminal

pytestmark = pytest.mark.kafka

PAGES = Path(__file__).parent.parent.parent / "docs" / "stories"
PARTIES = {
    "social": "SE2120002080-IFO:social.ifo:Individ- och familjeomsorgen",
    "skola": "SE2120002080-SKOLA:school.pedagogic:Skolan",
    "bup": "SE2321000206-BUP:care.bup:BUP",
}
TODAY = datetime.now(UTC).date()


def born(years: int) -> date:
    """Return the birth date of somebody who turned so many years in spring."""
    return date(TODAY.year - years - 1, 6, 1) if date(TODAY.year, 6, 1) > TODAY else date(TODAY.year - years, 6, 1)


def soon(years: int) -> date:
    """Return the birth date of somebody who turns so many years in about twenty days."""
    day = TODAY + timedelta(days=20)
    return day.replace(year=day.year - years, day=min(day.day, 28))


VALUES = {
    "ELLA": synthetic(31, born=born(9)).identifier,
    "LEO": synthetic(35, born=born(8)).identifier,
    "MIRA": synthetic(36, born=born(11)).identifier,
    "NOOR": synthetic(32, born=born(16)).identifier,
    "SAM": synthetic(34, born=soon(18)).identifier,
    "ALEX": synthetic(33, born=born(18)).identifier,
    "IFO": "SE2120002080-IFO",
    "SKOLAN": "SE2120002080-SKOLA",
    "BUP": "SE2321000206-BUP",
    "TODAY": TODAY.isoformat(),
    "SPRING": (TODAY + timedelta(days=150)).isoformat(),
}


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """Give a hub with social services, a school and BUP, all connected."""
    terminal = Terminal(tmp_path_factory.mktemp("samband") / "home")
    try:
        up = terminal.say("hub", "up", "--detach", "--agreement", "vastmanland")
        assert up.code == 0, up.err
        for party, unit in PARTIES.items():
            added = terminal.say("party", "add", party, "--unit", unit)
            assert added.code == 0, added.err
        for party in PARTIES:
            terminal.connect(party)
        yield terminal
    finally:
        terminal.close()


@pytest.mark.parametrize("name", sorted(path.stem for path in PAGES.glob("*.md") if path.stem != "README"))
def test_story(terminal: Terminal, name: str, tmp_path: Path) -> None:
    """Every command of the page prints what the page shows, and ends as it says."""

    def run(words: list[str]) -> tuple[int, str]:
        said = terminal.say(*words)
        return said.code, said.out + said.err

    for command, found in play(PAGES / f"{name}.md", {**VALUES, "FOLDER": str(tmp_path)}, run):
        assert not found, f"{name}.md:{command.line}: $ {command.typed}\n{found}"
