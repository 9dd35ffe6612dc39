"""Who may say what, as people type it, on a real hub: two social services boards, a school, several children."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from samband.schemas.testdata import synthetic
from tests.terminal import Terminal

pytestmark = pytest.mark.kafka

CITY, TOWN, SCHOOL = "SE2120002080-IFO", "SE2120002098-IFO", "SE2120002080-SKOLA"
UNITS = {"city": f"{CITY}:social.ifo", "town": f"{TOWN}:social.ifo", "skola": f"{SCHOOL}:school.pedagogic"}


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """Give a hub with two boards and a school, all connected."""
    terminal = Terminal(tmp_path_factory.mktemp("samband") / "home")
    try:
        up = terminal.say("hub", "up", "--detach", "--agreement", "vasteras", "--shards", "2")
        assert up.code == 0, up.err
        for party, unit in UNITS.items():
            added = terminal.say("party", "add", party, "--unit", unit)
            assert added.code == 0, added.err
        for party in UNITS:
            terminal.connect(party)
        yield terminal
    finally:
        terminal.close()


def code_of(terminal: Terminal, *words: str) -> str:
    """Return `accepted`, or the code with which an event was refused, whose exit code is then 12."""
    said = terminal.say(*words, "--json")
    assert said.code == (0 if said.json["state"] == "accepted" else 12), said.err
    return str(said.json["code"] or said.json["state"])


def test_a_child_is_handed_over(terminal: Terminal) -> None:
    """The responsible unit offers, the other accepts, and then only that one says who belongs."""
    child = ("--child", synthetic(41).identifier)
    assert code_of(terminal, "circle", "accept", "--as", "town", *child, "--sender", CITY) == "CIRCLE_NOT_OFFERED"
    assert code_of(terminal, "circle", "set", "--as", "city", *child, "--claim") == "accepted"
    assert code_of(terminal, "circle", "handover", "--as", "city", *child, "--to", TOWN) == "accepted"
    assert code_of(terminal, "circle", "accept", "--as", "town", *child, "--sender", CITY) == "accepted"
    assert code_of(terminal, "circle", "handover", "--as", "city", *child, "--to", TOWN) == "CIRCLE_NOT_YOURS"
    assert code_of(terminal, "circle", "set", "--as", "town", *child, "--member", f"{SCHOOL}:school") == "accepted"


def test_two_claims_and_one_yields(terminal: Terminal) -> None:
    """Two boards claim a child on the same day; neither changes the circle until one yields."""
    child = ("--child", synthetic(42).identifier)
    for board in ("city", "town"):
        assert code_of(terminal, "circle", "set", "--as", board, *child, "--claim") == "accepted"
    assert code_of(terminal, "circle", "set", "--as", "city", *child) == "CIRCLE_CONTESTED"
    assert code_of(terminal, "circle", "handover", "--as", "city", *child, "--to", TOWN) == "accepted"
    assert code_of(terminal, "circle", "set", "--as", "town", *child) == "accepted"


def test_two_lift_a_mark(terminal: Terminal) -> None:
    """A mark is set by one, and lifted by the responsible unit and the one that set it."""
    child = ("--child", synthetic(43).identifier)
    assert code_of(terminal, "circle", "set", "--as", "city", *child, "--claim") == "accepted"
    assert code_of(terminal, "mark", "secrecy", "--as", "skola", *child) == "accepted"
    assert code_of(terminal, "mark", "secrecy", "--as", "skola", *child, "--named", SCHOOL) == "MARK_NAMED"
    assert code_of(terminal, "mark", "secrecy", "--as", "city", *child, "--named", SCHOOL) == "accepted"
    assert code_of(terminal, "mark", "secrecy", "--as", "town", *child, "--lift") == "MARK_UNINVOLVED"
    assert code_of(terminal, "mark", "secrecy", "--as", "city", *child, "--lift") == "accepted"
    assert code_of(terminal, "mark", "secrecy", "--as", "city", *child, "--lift") == "MARK_LIFT_NEEDS_TWO"
    assert code_of(terminal, "mark", "secrecy", "--as", "skola", *child, "--lift") == "MARK_LIFTED_SECRECY"
    assert code_of(terminal, "mark", "secrecy", "--as", "city", *child, "--lift") == "MARK_NOT_SET"


def test_what_authorities_find_and_decide(terminal: Terminal) -> None:
    """Maturity, an investigation and a motivated decision are each said by those who may."""
    child = ("--child", synthetic(44, born=datetime.now(UTC).date() - timedelta(days=10 * 365)).identifier)
    why = ("--motive", "binder 4")
    assert code_of(terminal, "maturity", "guardians+child", "--as", "skola", *child, *why) == "accepted"
    assert code_of(terminal, "maturity", "child", "--as", "skola", *child, *why) == "MATURITY_TOO_YOUNG"
    decision = ("--decision", "case 44")
    assert code_of(terminal, "investigation", "open", "--as", "city", *child, *decision) == "accepted"
    assert code_of(terminal, "investigation", "open", "--as", "city", *child, *decision) == "INVESTIGATION_OPEN"
    assert code_of(terminal, "investigation", "close", "--as", "town", *child, *decision) == "INVESTIGATION_UNKNOWN"
    assert code_of(terminal, "investigation", "close", "--as", "city", *child, *decision) == "accepted"
    until = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
    motivated = ("motivate", "GENERAL_CLAUSE", "--as", "skola", *child, "--to", CITY, "--for-type", "dialogue.message",
                 "--function", "rektor", *why)  # fmt: skip
    said = terminal.say(*motivated, "--until", until)
    assert said.code == 0, said.err
    assert said.out.startswith("decision ")
    assert code_of(terminal, *motivated, "--until", "2100-01-01") == "MOTIVATION_PERIOD"


def test_a_child_gets_another_number(terminal: Terminal) -> None:
    """The responsible unit moves a child; the old number takes nothing more, and under a threat nothing is moved."""
    old, new, hidden = (synthetic(number).identifier for number in (45, 46, 47))
    move = ("identity", "change", "--as", "city", "--from-child", old, "--to-child")
    assert code_of(terminal, "circle", "set", "--as", "city", "--child", old, "--claim") == "accepted"
    assert code_of(terminal, "mark", "threat", "--as", "skola", "--child", hidden) == "accepted"
    assert code_of(terminal, *move, hidden) == "IDENTITY_PROTECTED"
    assert code_of(terminal, "circle", "set", "--as", "city", "--child", old, "--member", f"{SCHOOL}:school") == (
        "accepted"
    )
    moved = terminal.say(*move, "-", "--json", stdin=f"{new}\n")
    assert (moved.code, moved.json["state"], len(moved.json["arrived"])) == (0, "accepted", 32), moved.err
    assert code_of(terminal, "circle", "set", "--as", "city", "--child", old) == "IDENTITY_MOVED"
    shown = terminal.say("circle", "show", "--as", "city", "--child", new, "--json").json
    assert [each["unit"] for each in shown] == [SCHOOL]
    assert code_of(terminal, "circle", "set", "--as", "city", "--child", new) == "accepted"


BAD = [
    (("maturity", "adult", "--as", "city", "--motive", "x"), "MATURITY_LEVEL"),
    (("maturity", "child", "--as", "city", "--motive", ""), "EVIDENCE"),
    (("mark", "threat", "--as", "city", "--lift", "--named", SCHOOL), "MARK_FORM"),
    (("motivate", "CONSENT", "--as", "city", "--to", SCHOOL, "--until", "2027-01-01", "--function", "x", "--motive",
      "x"), "MOTIVATION_GROUND"),
    (("investigation", "open", "--as", "skola", "--decision", "x"), "TYPE_NOT_FOR_KIND"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "code"), BAD, ids=lambda value: value if isinstance(value, str) else "")
def test_bad_input_has_a_code_and_names_no_child(terminal: Terminal, command: tuple[str, ...], code: str) -> None:
    """What cannot be used is said in a line with a stable code, before anything is sent."""
    child = synthetic(48).identifier
    said = terminal.say_here(*command, "--child", child)
    assert (said.code, said.error) == (2, code), said.err
    assert child not in said.err + said.out
