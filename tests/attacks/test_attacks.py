"""Every attack of the list fails as the product is, and succeeds without its defence; the list is whole."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import pytest

from samband.schemas.errors import SambandError
from samband.streams.gate.checks import Checks
from tests.attacks import ATTACKS, DEFENCES, EXISTING, LINES, Attack, finders, off, rerun
from tests.attacks.__main__ import MARKERS, markdown
from tests.attacks.ground import Ground
from tests.attacks.register import lines_of
from tests.attacks.switch import edited, unraised

DOCS = Path(__file__).parents[2] / "docs"
EACH = [pytest.param(each, id=each.id) for each in ATTACKS.values()]
DEEP = [
    pytest.param(each, name, id=f"{each.id}-{name}")
    for each in ATTACKS.values()
    for name in each.defences
    if len(each.defences) > 1
]


def succeeds(attack: Attack, folder: Path) -> bool:
    """Mount an attack and say whether its harm was done; a refusal on the way is a defence that holds."""
    try:
        return attack.mount(Ground(folder))
    except SambandError:
        return False


@pytest.mark.parametrize("attack", EACH)
def test_fails(attack: Attack, tmp_path: Path) -> None:
    """As the product is, the harm is not done."""
    assert not succeeds(attack, tmp_path)


@pytest.mark.parametrize("attack", EACH)
def test_succeeds_without_its_defences(attack: Attack, tmp_path: Path) -> None:
    """With its defences cut out of the product the harm is done: so it is they that hold, and the test would notice."""
    with off(*attack.defences):
        assert succeeds(attack, tmp_path)


@pytest.mark.parametrize(("attack", "alone"), DEEP)
def test_each_defence_alone_holds(attack: Attack, alone: str, tmp_path: Path) -> None:
    """Where several defences stand one behind the other, each stops the attack without the others."""
    with off(*(name for name in attack.defences if name != alone)):
        assert not succeeds(attack, tmp_path)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run the tests that mount an attack already, each with its defence off."""
    tests = [each.test for each in EXISTING.values() if not each.kafka]
    return rerun.run(tmp_path_factory.mktemp("rerun") / "results.json", tests)


@pytest.mark.parametrize("name", [name for name, each in EXISTING.items() if not each.kafka])
def test_existing_test_fails_without_its_defence(name: str, ended: dict[str, str]) -> None:
    """A test that is counted as an attack's own fails when the defence is cut out of the product."""
    assert ended.get(EXISTING[name].test) == "harm"


@pytest.mark.kafka
def test_existing_test_on_kafka_fails_without_its_defence(tmp_path: Path) -> None:
    """So do those that need a broker."""
    tests = [each.test for each in EXISTING.values() if each.kafka]
    assert rerun.run(tmp_path / "results.json", tests) == dict.fromkeys(tests, "harm")


# the list


def test_every_line_of_the_list_is_here() -> None:
    """The list of the format page and the register have the same lines in the same order."""
    page = lines_of((DOCS / "wire-format.md").read_text("utf-8"))
    assert page == [(line.family, line.wording) for line in LINES.values()]


@pytest.mark.parametrize("wording", LINES)
def test_every_line_is_tried_or_says_what_it_waits_for(wording: str) -> None:
    """No line is without an attack and without a reason."""
    tried = [each.id for each in (*ATTACKS.values(), *EXISTING.values()) if each.line == wording]
    assert tried or LINES[wording].waits_for


def test_every_attack_on_the_log_has_a_finder() -> None:
    """Of each attack on state, audit topic and log it is told who finds it and how, and of no other."""
    mounted = {each.id for each in (*ATTACKS.values(), *EXISTING.values()) if each.line in finders.LINES}
    assert mounted == set(finders.FINDERS)
    assert set(finders.LINES) <= LINES.keys()


def test_every_defence_is_attacked() -> None:
    """No switch is there for nothing."""
    used = {name for each in ATTACKS.values() for name in each.defences} | {each.defence for each in EXISTING.values()}
    assert set(DEFENCES) == used


def test_the_table_is_in_the_docs() -> None:
    """`docs/security.md` has the table as it is written from the register."""
    text = (DOCS / "security.md").read_text("utf-8")
    between = text.partition(MARKERS[0])[2].partition(MARKERS[1])[0].strip()
    assert between == markdown().strip(), "python -m tests.attacks --markdown, between the markers"


# the switches


def test_a_switch_leaves_nothing_behind() -> None:
    """After all switches the product runs the very code that it ran before, and names the very same things."""
    before = running()
    with off(*DEFENCES):
        assert running() != before
    for name in DEFENCES:
        with off(name):
            pass
    assert running() == before


def running() -> list[Any]:
    """Return what the product runs: the code of its functions, and what its modules and classes call what."""
    modules = [each for name, each in sys.modules.items() if name.startswith("samband.")]
    owners = [*modules, *(each for module in modules for each in vars(module).values() if isinstance(each, type))]
    own = [each for each in owners if getattr(each, "__module__", each.__name__).startswith("samband.")]
    held = [(owner, name, each) for owner in own for name, each in list(vars(owner).items())]
    return [(id(owner), name, id(each), id(code_of(each))) for owner, name, each in held if name[:2] != "__"
            or name == "__init__"]  # fmt: skip


def code_of(function: Any) -> Any:
    """Return what a function runs."""
    return getattr(inspect.unwrap(getattr(function, "__func__", function)), "__code__", None)


def test_what_is_not_there_cannot_be_cut() -> None:
    """A switch whose check is gone, or stands there twice, is an error and no silence."""
    with pytest.raises(LookupError), unraised(Checks.check, "NO_SUCH_CODE"):
        pass
    with pytest.raises(LookupError), edited(Checks._check_time, ("now", "then")):
        pass


def test_two_checks_of_one_function_are_cut_together() -> None:
    """Two switches in the same function do not undo each other."""
    before = Checks._check_time.__code__
    with off("gate.expired", "gate.post-dated"):
        both = Checks._check_time.__code__.co_consts
        assert "EXPIRED" not in both
        assert "CLOCK_AHEAD" not in both
        assert "EXPIRES_TOO_LATE" in both
    assert Checks._check_time.__code__ is before
