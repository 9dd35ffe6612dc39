"""The command line on a real hub, as a person types it: two authorities, one synthetic child."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from samband.schemas.rulebook import shipped_text
from samband.schemas.testdata import synthetic
from tests.terminal import PATIENCE_S, Terminal

pytestmark = pytest.mark.kafka

SOCIAL, SCHOOL, EMI = "SE2120002080-IFO", "SE2120002080-SKOLA", "SE2120002080-EMI"
CHILD = synthetic(7).identifier
ADULT = synthetic(7, born=date(1950, 1, 1)).identifier
NOTICE = ("--field", "event=started", "--field", "law=SoL", "--field", "from_date=2026-12-01")


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """Give a hub with social services and a school, both connected."""
    terminal = Terminal(tmp_path_factory.mktemp("samband") / "home")
    try:
        up = terminal.say("hub", "up", "--detach", "--agreement", "vasteras", "--shards", "2")
        assert (up.code, up.out[:19]) == (0, "hub ready: vasteras"), up.err
        for party, unit in (("social", f"{SOCIAL}:social.ifo:IFO"), ("skola", f"{SCHOOL}:school.pedagogic:Skolan")):
            added = terminal.say("party", "add", party, "--unit", unit)
            assert added.code == 0, added.err
            assert f"next: samband connect {party}" in added.out
        added = terminal.say("party", "add", "elevhalsa", "--unit", f"{EMI}:school.medical:EMI")
        assert added.code == 0, added.err
        terminal.connect("social")
        terminal.connect("skola")
        yield terminal
    finally:
        terminal.close()


def until(condition: Callable[[], bool]) -> None:
    """Wait for what must come true."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def running(pid: int) -> bool:
    """Say whether a process runs; one that is dead and not yet buried does not."""
    stat = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(stat.stdout.strip()) and not stat.stdout.strip().startswith("Z")


def test_denied_then_consented_then_handed_over(terminal: Terminal) -> None:
    """A question says what is missing and who can give it; when they have, the message lands as a file."""
    question = ("ask", "placement.notice", "--as", "social", "--to", SCHOOL, "--child", CHILD)
    denied = terminal.say(*question)
    assert denied.code == 10
    assert "There is no consent. [CONSENT_MISSING]" in denied.out
    assert "who can remedy  the family: The guardians and the child can consent" in denied.out
    swedish = terminal.say("--lang", "sv", *question)
    assert "Samtycke saknas. [CONSENT_MISSING]" in swedish.out

    given = terminal.say(
        "consent", "give", "--as", "social", "--child", CHILD, "--recipient", SCHOOL, "--for-type", "placement.notice",
        "--until", (datetime.now(UTC) + timedelta(days=200)).date().isoformat(), "--child-view", "agrees",
        "--evidence", "binder 3", "--signed", "guardian-1", "--json",
    )  # fmt: skip
    assert given.code == 0, given.err
    consent = given.json["consent_id"]
    assert terminal.say(*question, "--json").json["reasons"][0]["reason"] == "CONSENT_PENDING"
    signed = terminal.say(
        "consent", "sign", consent, "--as", "social", "--giver", "guardian-2", "--evidence", "binder 3"
    )
    assert signed.code == 0, signed.err
    listed = terminal.say("consent", "list", "--as", "social", "--json").json
    assert [(each["consent_id"], each["state"]) for each in listed] == [(consent, "complete")]

    permitted = terminal.say(*question)
    assert permitted.code == 0
    assert "It would be permitted." in permitted.out
    assert "ground      CONSENT, OSL 10:1" in permitted.out

    sent = terminal.say(
        "send", "placement.notice", "--as", "social", "--to", SCHOOL, "--child", "-", *NOTICE, "--receipt", "--json",
        "--name", "Testa Provsson", "--text", "one sentence", stdin=f"{CHILD}\n",
    )  # fmt: skip
    assert (sent.code, sent.json["state"], sent.json["decision"]) == (0, "handed_over", "permit"), sent.err
    message = sent.json["message_id"]
    (file,) = (terminal.home / "parties" / "skola").rglob(f"{message}.json")
    assert json.loads(file.read_text())["content"]["note"] == "one sentence"

    shown = terminal.say("inbox", "show", message, "--as", "skola")
    assert shown.code == 0
    assert "Testa Provsson" in shown.out
    assert [each["kind"] for each in terminal.say("track", message, "--as", "skola", "--json").json["steps"]] == [
        "view"
    ]
    until(lambda: terminal.say("track", message, "--json").json["state"] == "handed_over")
    assert [step["kind"] for step in terminal.say("track", message, "--json").json["steps"]] == ["decision", "receipt"]
    assert terminal.say("inbox", "unacknowledged", "--as", "skola", "--json").json[0]["message_id"] == message
    late = terminal.say("recall", message, "--as", "social")
    assert late.code in (2, 12)


def decided(audit: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what was decided, without what was told instead to a unit that has no part in the child."""
    return [each for each in audit if each["kind"] != "answer"]


def test_what_rested_on_a_consent_and_on_a_user(terminal: Terminal) -> None:
    """Both the party and the hub list what was handed over because of a consent, and draft the incident from it."""
    child = synthetic(12).identifier
    given = terminal.say(
        "consent", "give", "--as", "social", "--child", child, "--recipient", SCHOOL, "--for-type", "placement.notice",
        "--until", (datetime.now(UTC) + timedelta(days=200)).date().isoformat(), "--child-view", "agrees",
        "--evidence", "binder 3", "--guardians", "1", "--signed", "guardian-1", "--json",
    )  # fmt: skip
    assert given.code == 0, given.err
    sent = terminal.say(
        "send", "placement.notice", "--as", "social", "--to", SCHOOL, "--child", child, *NOTICE, "--receipt", "--json",
        "--acting-user", "anna07:handlaggare",
    )  # fmt: skip
    assert (sent.code, sent.json["state"]) == (0, "handed_over"), sent.err
    message = sent.json["message_id"]

    def affected(*arguments: str) -> list[str]:
        said = terminal.say_here("audit", "affected", *arguments, "--json")
        assert said.code == 0, said.err
        assert set(said.json["incident"]) == {"sv", "en"}
        assert child not in said.out
        return [each["message_id"] for each in said.json["messages"]]

    own = terminal.say_here("audit", "affected", "--as", "social", "--consent", given.json["consent_id"], "--json").json
    assert [each["message_id"] for each in own["messages"]] == [message]
    ((entry,),) = [each["consents"] for each in own["messages"]]
    assert affected("--consent", entry) == affected("--consent", given.json["message_id"]) == [message]
    assert affected("--as", "skola", "--consent", entry) == [message]
    assert affected("--as", "social", "--user", "anna07") == [message]
    assert affected("--as", "social", "--user", "anna08") == []
    assert message in affected("--rule", "CONSENT")
    assert message in affected("--unit", SCHOOL)
    text = terminal.say_here("audit", "affected", "--consent", entry)
    assert "DRAFT: personal data incident" in text.out
    assert "UTKAST: personuppgiftsincident" in text.out
    assert "The records reach from" in text.err
    assert terminal.say_here("audit", "affected", "--user", "anna07").error == "PARTY_WHO"
    assert terminal.say_here("audit", "affected", "--consent", "zz").error == "CONSENT_ID"


def test_each_recipient_has_its_own_decision(terminal: Terminal) -> None:
    """Of two recipients and two siblings the permitted messages go, the refused come back; a question changes none."""
    child, sibling = synthetic(9).identifier, synthetic(10).identifier
    notice = ("send", "placement.notice", "--as", "social", "--to", SCHOOL, "--to", EMI, "--child", child, *NOTICE,
              "--name", "Testa Provsson", "--necessity", "support", "--json")  # fmt: skip
    sent = terminal.say(*notice, "--also", sibling)
    assert (sent.code, [each["to"] for each in sent.json]) == (10, [SCHOOL, EMI, SCHOOL, EMI]), sent.err
    assert [each["decision"] for each in sent.json] == ["deny", "permit", "deny", "permit"]
    judged = terminal.say("audit", "list", "--last", "200", "--json").json
    whole = terminal.say(*notice, "--all-or-nothing")
    assert (whole.code, [each["decision"] for each in whole.json]) == (10, ["deny", "permit"])
    after = terminal.say("audit", "list", "--last", "200", "--json").json
    assert len(decided(after)) == len(decided(judged)) + 2
    asked = {each["message_id"] for each in whole.json}
    assert [each["kind"] for each in decided(after) if each["message_id"] in asked] == ["question", "question"]
    both = terminal.say(*notice[:4], "--to", EMI, *notice[8:], "--child", child, "--also", sibling, "--all-or-nothing")
    assert (both.code, [each["state"] for each in both.json]) == (0, ["permit", "permit"]), both.err


def test_a_role_resolves_at_the_sender(terminal: Terminal) -> None:
    """What is sent to a role goes to the unit that has it; when it has moved, the gate denies."""
    child = synthetic(11).identifier
    notice = ("send", "placement.notice", "--as", "social", "--to", "role:emi", "--child", child, *NOTICE,
              "--necessity", "support", "--json")  # fmt: skip
    unknown = terminal.say(*notice)
    assert (unknown.code, unknown.error) == (2, "ROLE_UNKNOWN")
    said = terminal.say("circle", "set", "--as", "social", "--child", child, "--claim", "--member", f"{EMI}:emi")
    assert said.code == 0, said.err
    assert [
        each["unit"] for each in terminal.say("circle", "show", "--as", "social", "--child", child, "--json").json
    ] == [EMI]
    sent = terminal.say(*notice)
    assert (sent.code, sent.json["decision"]) == (0, "permit"), sent.err


def test_a_named_function_opens_a_manual_ground(terminal: Terminal) -> None:
    """A manual ground is a question until a function has motivated it; a misdirected message is reported back."""
    child = synthetic(15).identifier
    told = ("dialogue.message", "--as", "skola", "--to", SOCIAL, "--child", child)
    denied = terminal.say("ask", *told)
    assert denied.code == 10
    assert "or by decision  of a named function of yours: " in denied.out
    assert "GENERAL_CLAUSE (OSL 10:27)" in denied.out
    claimed = ("send", *told, "--text", "a sentence", "--ground", "GENERAL_CLAUSE", "--necessity", "support")
    assert terminal.say(*claimed).code == 11
    motivated = terminal.say(*claimed, "--motive", "binder 4, page 2", "--function", "rektor", "--json")
    assert motivated.code == 0, motivated.err
    assert [each["ground"] for each in motivated.json["grounds"]] == ["GENERAL_CLAUSE"]
    assert terminal.say(*claimed, "--function", "rektor").error == "MOTIVE_FORM"

    message = motivated.json["message_id"]
    until(lambda: terminal.say_here("track", message, "--as", "skola", "--json").json["state"] == "handed_over")
    assert terminal.say("inbox", "misdirected", message, "--as", "social").code == 0
    until(lambda: terminal.say_here("track", message, "--as", "skola", "--json").json["state"] == "misdirected")
    assert terminal.say("inbox", "show", message, "--as", "social", "--json").json["content"] is None
    assert terminal.say("inbox", "misdirected", message, "--as", "social").error == "MESSAGE_UNKNOWN"


def test_a_form_from_a_refusal_is_logged_at_the_gate(terminal: Terminal) -> None:
    """From a refused question a consent form is made for the guardian, and the gate takes its release into the log."""
    child = synthetic(14).identifier
    denied = terminal.say("ask", "placement.notice", "--as", "social", "--to", SCHOOL, "--child", child, "--json")
    assert denied.code == 10
    question = denied.json["message_id"]
    form = terminal.say(
        "paper", "consent-form", "--as", "social", "--child", child, "--reader", "guardian", "--for", question,
        "--release", "all", "--function", "socialsekreterare", "--format", "text",
    )  # fmt: skip
    assert form.code == 0, form.err
    assert "There is no consent." in form.out
    release = form.err.split()[-1]
    until(lambda: terminal.say_here("track", release, "--as", "social", "--json").json["state"] == "accepted")
    assert "act.logged" in terminal.say_here("audit", "list", "--last", "200").out


def test_protected_child_is_held_back(terminal: Terminal) -> None:
    """A marked child's letter shows as held, and opens only for a reason, which is recorded."""
    child = synthetic(8).identifier
    assert terminal.say("mark", "secrecy", "--as", "skola", "--child", child).code == 0
    report = ("send", "concern.report", "--as", "skola", "--to", SOCIAL, "--child", child, "--text", "a sentence",
              "--field", "urgency=today", "--field", "family_told=yes")  # fmt: skip
    forbidden = terminal.say(*report, "--field", "address=somewhere")
    assert forbidden.code == 10
    assert "FORBID_PROTECTED, OSL 21:3" in forbidden.out
    sent = terminal.say(*report, "--receipt", "--json")
    assert sent.code == 0, sent.err
    message = sent.json["message_id"]
    listed = terminal.say("inbox", "list", "--as", "social")
    assert f"{message}  " in listed.out
    assert "held back" in listed.out
    assert "concern.report" not in listed.out
    refused = terminal.say("inbox", "show", message, "--as", "social")
    assert (refused.code, refused.error) == (2, "REASON_MISSING")
    shown = terminal.say(
        "inbox", "show", message, "--as", "social", "--reason", "I answer for it", "--acting-user", "a1:x"
    )
    assert "a sentence" in shown.out
    steps = terminal.say("track", message, "--as", "social", "--json").json["steps"]
    assert [(step["kind"], step["by"]) for step in steps] == [("view", "a1")]


def test_withdrawal_ends_it(terminal: Terminal) -> None:
    """After a withdrawal that another unit recorded, the same question is denied."""
    withdrawn = terminal.say("consent", "withdraw", "--as", "skola", "--child", CHILD, "--giver-role", "child")
    assert withdrawn.code == 0, withdrawn.err
    denied = terminal.say("ask", "placement.notice", "--as", "social", "--to", SCHOOL, "--child", CHILD, "--json")
    assert denied.code == 10
    assert denied.json["reasons"][0]["reason"] in ("CONSENT_WITHDRAWN", "CONSENT_MISSING")


READING = [
    ("hub", "status"), ("party", "list"), ("types",), ("types", "concern.report"), ("inbox", "list", "--as", "skola"),
    ("inbox", "unacknowledged", "--as", "skola"), ("consent", "list", "--as", "social"), ("audit", "list"), ("doctor",),
    ("doctor", "--as", "skola"), ("retention", "--as", "skola", "--dry-run"), ("testdata", "child", "--seed", "7"),
]  # fmt: skip


def test_a_new_rulebook_holds_from_its_time(terminal: Terminal, tmp_path: Path) -> None:
    """A published rulebook reaches a running gate and holds there; one that begins in the past is not taken."""
    child = synthetic(16).identifier
    question = ("ask", "concern.report", "--as", "skola", "--to", SOCIAL, "--child", child, "--json")
    assert terminal.say(*question).code == 0
    book = tmp_path / "rulebook.toml"
    text = shipped_text()
    book.write_text(text.replace('ground = "DUTY_REPORT"\neffect = "permit"', 'ground = "DUTY_REPORT"\neffect = "ask"'))
    published = terminal.say("rules", "publish", str(book), "--json")
    assert published.json == {"number": 2, "published": True}, published.err
    until(lambda: terminal.say(*question).code == 10)
    assert terminal.say("rules", "publish", "--json").json["number"] == 3
    until(lambda: terminal.say(*question).code == 0)
    versions = terminal.say_here("rules", "list", "--json").json
    assert [(each["number"], each["holds"]) for each in versions] == [(1, False), (2, False), (3, True)]
    assert terminal.say("rules", "publish", "--from", "2020-01-01").error == "RULES_TIME"


def test_what_held_when_it_was_decided(terminal: Terminal) -> None:
    """An auditor sees the consents as they stood at a decision, what came since, and who knew; names no child."""
    audit = terminal.say_here("audit", "list", "--last", "500", "--json").json
    notices = [each for each in audit if each["type"] == "placement.notice" and each["kind"] == "decision"]
    permitted = next(
        each["message_id"] for each in notices if each["outcome"] == "permit" and each["grounds"] == ["CONSENT"]
    )
    held = terminal.say_here("audit", "consents", permitted, "--json").json
    assert [each["state"] for each in held["consents"]] == ["active"]
    assert {(each["unit"], each["how"]) for each in held["knew"]} >= {(SOCIAL, "recorded"), (SCHOOL, "named")}
    before = terminal.say_here("audit", "consents", permitted, "--at", "2020-01-01", "--json").json
    assert (before["consents"], len(before["since_then"])) == ([], 1)
    shown = terminal.say_here("audit", "consents", permitted)
    assert "The consents as they stood" in shown.out
    assert CHILD not in shown.out
    assert terminal.say_here("audit", "consents", "0" * 32).error == "MESSAGE_UNKNOWN"


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_reading_commands_speak_json(terminal: Terminal, command: tuple[str, ...]) -> None:
    """Every reading command prints one JSON document with --json, and something else without."""
    assert terminal.say_here(*command, "--json").json
    assert terminal.say_here(*command).out.strip()


def test_audit_names_no_child_and_no_unit(terminal: Terminal) -> None:
    """The operator's list holds neither number, name, unit nor sentence."""
    listed = terminal.say_here("audit", "list", "--last", "100").out
    assert "placement.notice" in listed
    for secret in (CHILD, "Testa", SOCIAL, SCHOOL, "sentence"):
        assert secret not in listed


def test_second_hub_is_one_clear_error(terminal: Terminal) -> None:
    """A second `hub up` on the same home changes nothing and says what to do."""
    again = terminal.say_here("hub", "up")
    assert (again.code, again.error) == (3, "HUB_RUNNING")
    assert again.err.splitlines()[1].startswith("hint: samband hub status")


BAD = [
    (("send", "placement.notice", "--as", "social", "--to", "SE-NOBODY", "--child", CHILD, *NOTICE), "UNIT_UNKNOWN"),
    (
        ("send", "placement.notice", "--as", "social", "--to", SCHOOL, "--child", "201504069849", *NOTICE),
        "IDENTIFIER_INVALID",
    ),
    (
        ("send", "placement.notice", "--as", "social", "--to", SCHOOL, "--child", CHILD, "--field", "event=x"),
        "CONTENT_INVALID",
    ),
    (("send", "placement.notice", "--as", "social", "--to", SCHOOL, "--child", CHILD, "--field", "x=y"), "FIELD_FORM"),
    (("send", "no.such", "--as", "social", "--to", SCHOOL, "--child", CHILD), "TYPE_UNKNOWN"),
    (("send", "placement.notice", "--as", "skola", "--to", SOCIAL, "--child", CHILD, *NOTICE), "TYPE_NOT_FOR_KIND"),
    (("ask", "placement.notice", "--as", "nobody", "--to", SCHOOL, "--child", CHILD), "PARTY_UNKNOWN"),
    (("ask", "placement.notice", "--as", "social", "--to", SCHOOL, "--child", ADULT), "AGE_OUT_OF_SCOPE"),
    (("consent", "sign", "00" * 16, "--as", "social", "--giver", "guardian-1", "--evidence", "x"), "CONSENT_UNKNOWN"),
    (("consent", "withdraw", "--as", "social", "--child", CHILD, "--category", "x"), "CONSENT_FORM"),
    (("mark", "x", "--as", "social", "--child", CHILD), "MARK_KIND"),
    (("track", "zz"), "MESSAGE_ID"),
    (("track", "00" * 16), "MESSAGE_UNKNOWN"),
    (("party", "add", "Skolan", "--unit", "SE1-A:school.pedagogic"), "PARTY_NAME"),
    (("party", "add", "ny", "--unit", "SE1-A:school.moon"), "UNIT_FORM"),
    (("hub", "up", "--shards", "3"), "HUB_RUNNING"),
]


@pytest.mark.parametrize(("command", "code"), BAD, ids=lambda value: value if isinstance(value, str) else "")
def test_bad_input_has_a_code_and_names_no_child(terminal: Terminal, command: tuple[str, ...], code: str) -> None:
    """What cannot be used gives exit code 2, one line with a stable code, and never the number that was typed."""
    said = terminal.say_here(*command)
    assert (said.code, said.error) == (3 if code == "HUB_RUNNING" else 2, code), said.err
    assert len(said.err.splitlines()) <= 2
    for number in (CHILD, ADULT, "201504069849"):
        assert number not in said.err + said.out


def test_a_killed_gate_is_back_by_itself(terminal: Terminal) -> None:
    """`kill -9` of the gate: the hub starts it again, and the next question is answered."""
    before = terminal.say("hub", "status", "--json").json
    os.kill(before["children"]["gate-0"], signal.SIGKILL)
    asked = terminal.say("ask", "concern.report", "--as", "skola", "--to", SOCIAL, "--child", CHILD, "--json")
    assert (asked.code, asked.json["grounds"][0]["ground"]) == (0, "DUTY_REPORT")
    after = terminal.say("hub", "status", "--json").json
    assert after["starts"]["gate-0"] == before["starts"]["gate-0"] + 1


def test_nothing_outlives_the_hub(terminal: Terminal) -> None:
    """`kill -9` of the hub ends Kafka and every child; it comes up again; `hub down` leaves nothing."""
    pids = terminal.pids()
    os.kill(pids[0], signal.SIGKILL)
    until(lambda: not any(map(running, pids)))
    status = terminal.say("hub", "status")
    assert status.code == 3
    assert "not running" in status.out
    again = terminal.say("hub", "up", "--detach")
    assert again.code == 0, again.err
    pids = terminal.pids()
    assert terminal.say("hub", "down").out == "hub stopped\n"
    assert not any(map(running, pids))
    assert terminal.say("hub", "down").out == "the hub does not run\n"
