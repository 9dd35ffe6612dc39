"""`samband rules`: what is wrong with a rulebook, what differs between two, and the page that people read."""

from __future__ import annotations

import csv
import io
import json
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.cli import main
from samband.connectors.cli.rulebook_page import rulebook_page
from samband.connectors.rules.findings import Fault, Finding, differences, review
from samband.connectors.rules.flows import flows, way_of
from samband.connectors.rules.words import LIMBS, MARKS, OBLIGATIONS, PURPOSES, conditions, way
from samband.schemas.categories import Category
from samband.schemas.event_bodies import MarkKind
from samband.schemas.rulebook import Effect, parse, shipped

PAGE = Path(__file__).parents[2] / "docs" / "rulebook.md"
ROWS = resources.files("samband.schemas").joinpath("rulebook.toml").read_text("utf-8")
VERIFIED = ROWS.replace('status = "read"', 'status = "verified"')
UNUSED = ROWS.replace('ground = "LVU_BOARD"', 'ground = "LVU_NOBODY"')
NOWHERE = ROWS.replace('recipients = ["care"]\nrecipient_regimes', 'recipients = ["institution"]\nrecipient_regimes', 1)
STOPPED = VERIFIED.replace('purposes = ["benefit_fraud", "incorrect_payment"]', 'categories = ["concern"]')


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return exit code, output and errors of a command."""
    code = main(["rules", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def book(tmp_path: Path) -> Any:
    """Return a function that writes a rulebook and returns its path."""

    def write(text: str, name: str = "rulebook.toml") -> str:
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return str(path)

    return write


def test_the_shipped_rulebook_is_whole() -> None:
    """No row of the shipped rulebook is in vain, and no message type names a ground that it lacks."""
    assert review(shipped()) == []


@pytest.mark.parametrize(
    ("text", "fault", "ground", "other"),
    [
        (UNUSED, Fault.UNUSED, "LVU_NOBODY", ""),
        (NOWHERE, Fault.UNREACHABLE, "DUTY_HEALTH_EXAM", ""),
        (STOPPED, Fault.FORBIDDEN, "DUTY_REPORT", "FORBID_FRAUD"),
        (UNUSED, Fault.UNKNOWN_GROUND, "LVU_BOARD", "placement.consultation"),
    ],
)
def test_a_row_in_vain_is_found(text: str, fault: Fault, ground: str, other: str) -> None:
    """A row that no type uses, that nothing reaches or that is always forbidden is named; so is a missing one."""
    assert Finding(fault, ground, other) in review(parse(text))


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (VERIFIED, 0, "✓ every row can decide something"),
        (ROWS, 11, "! CONSENT: not confirmed by a lawyer"),
        (STOPPED, 10, "✗ DUTY_REPORT: FORBID_FRAUD stops all that it carries"),
        ("nonsense", 2, "RULEBOOK_INVALID"),
    ],
)
def test_check_says_it_by_its_exit_code(book: Any, capsys: Any, text: str, code: int, said: str) -> None:
    """0 all is well, 11 only lawyers' confirmation is missing, 10 a row is wrong, 2 it is no rulebook."""
    ended, out, err = run(capsys, "check", book(text), "--lang", "en")
    assert ended == code
    assert said in out + err


def test_check_tells_programs(book: Any, capsys: Any) -> None:
    """`--json` has version, hash, what is not confirmed and each fault."""
    _, out, _ = run(capsys, "check", book(STOPPED), "--json")
    told = json.loads(out)
    assert told["unverified"] == []
    assert {"fault": "forbidden", "ground": "DUTY_REPORT", "other": "FORBID_FRAUD"} in told["faults"]
    assert len(told["hash"]) == 64


CHANGES = [
    ("FORBID_PROTECTED", 'marks = ["secrecy", ', "marks = ["),
    ("DUTY_REPORT", '["school", "care", "social", "institution"]', '["school", "social", "institution"]'),
    ("SOCIAL_TO_CARE", 'recipients = ["care", "school.medical"]\nrec', 'recipients = ["care"]\nrec'),
    ("EMI_INTERNAL", 'within = "same"\nneeds = ["necessity"]\nobligations', 'within = "same"\nneeds = []\nobligations'),
    ("ONE_GUARDIAN", 'effect = "ask"\ncitation = "FB 6:13, 6:13 a"', 'effect = "permit"\ncitation = "FB 6:13, 6:13 a"'),
    ("CONSENT", 'needs = ["consent"]', 'needs = ["one_giver"]'),
]  # fmt: skip


@pytest.mark.parametrize(("ground", "old", "new"), CHANGES, ids=[each[0] for each in CHANGES])
def test_a_difference_is_a_message_that_the_kernel_decides_differently(ground: str, old: str, new: str) -> None:
    """For each changed row there is a message, and the kernel itself decides it differently by the two rulebooks."""
    assert old in ROWS
    changed = parse(ROWS.replace(old, new))
    shown = {each.ground: each for each in differences(shipped(), changed)}[ground]
    assert shown.situation is not None
    one, other = shown.situation.decide(shipped()), shown.situation.decide(changed)
    assert (one, other) == (shown.one, shown.other)
    assert one.outcome != other.outcome
    assert "permit" in (one.outcome, other.outcome)


def test_a_row_that_was_taken_away_or_added_differs() -> None:
    """A row that only one of the two has is shown by what it alone permits."""
    start = ROWS.index('[[rule]]\nground = "DUTY_REPORT"')
    less = parse(ROWS[:start] + ROWS[ROWS.index("[[rule]]", start + 1) :])
    for pair in ((shipped(), less), (less, shipped())):
        (shown,) = differences(*pair)
        assert shown.ground == "DUTY_REPORT"
        assert shown.one is not None
        assert shown.other is not None
        assert {shown.one.outcome, shown.other.outcome} == {"permit", "deny"}


def test_other_words_are_no_difference(book: Any, capsys: Any) -> None:
    """A row whose words, citation, date or status alone changed decides nothing else: exit code 0."""
    other = VERIFIED.replace("OSL 25:12", "OSL 25:99")
    code, out, _ = run(capsys, "diff", "shipped", book(other), "--lang", "en")
    assert (code, out) == (0, "The two decide every message alike.\n")


def test_diff_is_told_in_words(book: Any, capsys: Any) -> None:
    """The message, what is known and both decisions are sentences, Swedish or English; the exit code is 10."""
    other = book(ROWS.replace(CHANGES[1][1], CHANGES[1][2]))
    code, out, _ = run(capsys, "diff", "shipped", other, "--lang", "sv")
    assert code == 10
    first, message, *facts, one, two = out.splitlines()[:5]
    assert first == "DUTY_REPORT"
    assert "Orosanmälan (concern.report) från" in message
    assert "berättar namn och personnummer" in message
    assert facts == ["  · barnet är 12-14 år"]
    assert one == "  A: tillåts (DUTY_REPORT)"
    assert two.startswith("  B: tillåts inte")
    code, out, _ = run(capsys, "diff", "shipped", other, "--json")
    told = json.loads(out)[0]
    assert told["message"]["sender"]["regime"] == "osl25"
    assert told["message"]["recipient"]["kind"].startswith("social.")
    assert "concern" in told["message"]["categories"]
    assert (told["a"]["outcome"], told["b"]["outcome"]) == ("permit", "deny")


@pytest.mark.parametrize("command", [["check"], ["diff", "shipped", "shipped"]])
def test_without_z3_it_says_what_to_install(monkeypatch: Any, capsys: Any, command: list[str]) -> None:
    """Where the extra is missing, the commands that prove say how to get it; the others work."""
    for name in [name for name in sys.modules if name.startswith(("z3", "samband.connectors.rules."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(sys.modules["samband.connectors.rules"], "findings", raising=False)
    monkeypatch.setitem(sys.modules, "z3", None)
    code, _, err = run(capsys, *command)
    assert code == 3
    assert '[PROVE_MISSING]\nhint: pip install "samband[prove]"' in err
    assert run(capsys, "explain", "CONSENT")[0] == 0
    assert run(capsys, "export")[0] == 0


def test_explain_says_a_ground_or_a_reason_in_both_languages(capsys: Any) -> None:
    """A ground is told with its rule, source and conditions; a reason with who can remedy it."""
    _, out, _ = run(capsys, "explain", "care_to_social", "--lang", "sv")
    for words in ("Vård till socialtjänst", "OSL 25:12", "den unge är under 18 år", "bara myndigheter"):
        assert words in out
    _, out, _ = run(capsys, "explain", "FORBID_PROTECTED", "--lang", "en")
    assert "the mark does not name the recipient" in out
    _, out, _ = run(capsys, "explain", "ROLE_MOVED", "--lang", "en")
    assert "Ask the responsible unit who has it." in out
    _, out, _ = run(capsys, "explain", "CONSENT", "--json")
    assert json.loads(out)["citation"].startswith("OSL 10:1")
    assert run(capsys, "explain", "NOTHING_SUCH")[0] == 2


def test_export_is_for_programs_spreadsheets_and_people(capsys: Any) -> None:
    """JSON and CSV have every row once; markdown is the page."""
    _, out, _ = run(capsys, "export", "--json")
    assert [rule["ground"] for rule in json.loads(out)["rules"]] == [rule.ground for rule in shipped().rules]
    _, out, _ = run(capsys, "export", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["ground"] for row in rows] == [rule.ground for rule in shipped().rules]
    assert all(row["citation"] and row["way"] for row in rows)
    _, out, _ = run(capsys, "export", "--format", "markdown")
    assert out == rulebook_page()
    assert run(capsys, "export", "--format", "pdf")[0] == 2


def test_the_page_is_the_rulebook() -> None:
    """`docs/rulebook.md` is what the rows give."""
    assert PAGE.read_text("utf-8") == rulebook_page(), "samband rules export --format markdown > docs/rulebook.md"


def test_the_page_tells_every_row_in_both_languages_and_every_table_is_whole() -> None:
    """Each row stands once in each language with name, rule, source and code, and no word is left as a code."""
    page = rulebook_page()
    swedish, english = page.split("\n## English\n")
    for rule in shipped().rules:
        assert swedish.count(f"\n#### {rule.name_sv}\n\n{rule.text_sv}\n") == 1
        assert english.count(f"\n#### {rule.name_en}\n\n{rule.text_en}\n") == 1
        assert page.count(f"`{rule.ground}`") == 2
        for words in (way(rule), *conditions(rule)):
            assert all("_" not in each for each in words)
    for line in page.splitlines():
        assert not line.startswith("|") or (line.endswith("|") and line.count("|") == 12)


def test_every_code_of_the_rows_has_words() -> None:
    """Limbs, purposes, marks and obligations of the shipped rows have words in both languages."""
    for rule in shipped().rules:
        assert set(rule.limbs) <= set(LIMBS)
        assert rule.purposes <= set(PURPOSES)
        assert set(rule.obligations) <= set(OBLIGATIONS)
    assert set(MARKS) == set(MarkKind)


def test_the_flow_matrix_says_what_the_law_table_says() -> None:
    """Care and social services share on necessity; the school is told on consent, or by a motivated decision, only."""
    found = flows(shipped())
    ways = {rule.ground: way_of(rule) for rule in shipped().rules if rule.effect is not Effect.FORBID}

    def letters(sender: str, recipient: str, told: Category) -> set[str]:
        return {ways[ground] for ground in found.get((sender, recipient, told), ())}

    assert "N" in letters("care", "social", Category.HEALTH)
    assert "N" in letters("social", "care", Category.PLACEMENT)
    for told in (Category.MENTAL_HEALTH, Category.HEALTH):
        for recipient in ("school", "preschool", "private_school", "private_social"):
            assert letters("care", recipient, told) <= {"S", "M"}
    assert letters("social", "school", Category.PLACEMENT) == {"S", "M"}
    assert letters("private_care", "social", Category.HEALTH) <= {"S", "M", "P"}
    assert letters("school", "social", Category.CONCERN) == {"P"}
    assert letters("school", "social", Category.REPORTER_IDENTITY) == {"P"}
    assert letters("social", "social", Category.REPORTER_IDENTITY) == set()
