"""What a person is told of what does not come: doctor, `waiting`, `inbox gaps` and `track`."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from samband.connectors import watch, witness
from samband.connectors.boxes import take_number
from samband.connectors.cli import doctor, main
from samband.connectors.party import Party
from samband.connectors.store import Step

NOW = time.time_ns() // 1_000_000


@pytest.fixture
def told(social: Party, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Any:
    """Return a way to run a command as the party and read its JSON."""
    for module in ("waiting", "inbox", "track"):
        monkeypatch.setattr(f"samband.connectors.cli.{module}.party_of", lambda who: social)

    def run(*arguments: str) -> Any:
        assert main([*arguments, "--as", "social", "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def states(party: Party) -> dict[str, str]:
    """Return what doctor says of each alarm."""
    return {each.check: each.state for each in doctor._alarms(party)}


def test_doctor_without_alarms(social):
    """Where everything comes, each line is in order."""
    assert set(states(social).values()) == {"ok"}


def test_doctor_tells_each_alarm(social, world):
    """Silence and withheld cards fail; gaps, late messages, copies and a cut inbox warn; each line has a way out."""
    store = social.store
    with store.transaction():
        for name in ("0", watch.DIRECTORY, witness.FORK, witness.ROLLED_BACK, witness.TICK_OFF):
            store.keep_number(f"alarm/{name}", NOW)
        take_number(store, 0, 4, NOW)
        for key in ("cloned/at", "restored/at", "inbox_cut/at"):
            store.keep_number(key, NOW)
        for created, permitted in ((NOW - 11 * 60_000, False), (NOW - 25 * 3_600_000, True)):
            draft = world.notice(created=created, expires=created + 13 * 24 * 3_600_000)
            store.add_draft(draft, 0)
            if permitted:
                store.add_step(draft.message_id, Step(created, "decision", "permit", "", {}))
    assert states(social) == {
        "gate heads": "fail", "directory records": "fail", "log": "fail", "log witness": "fail", "log entries": "fail",
        "inbox gaps": "warn", "decisions": "warn",
        "receipts": "warn", "cloned store": "warn", "restored store": "warn", "inbox cut": "warn",
    }  # fmt: skip
    assert all(each.way_out for each in doctor._alarms(social))


def test_what_waits(social, world, told):
    """`waiting` lists what has not ended, with what is late alone if asked; `track` says it of one message."""
    early = world.notice(created=NOW, expires=NOW + 3_600_000)
    late = world.notice(created=NOW - 3_600_000, expires=NOW + 3_600_000)
    with social.store.transaction():
        for draft in (early, late):
            social.store.add_draft(draft, 0)
    found = told("waiting")
    assert [(each["message_id"], each["state"], each["late"]) for each in found] == [
        (early.message_id.hex(), "undecided", False),
        (late.message_id.hex(), "undecided", True),
    ]
    assert [each["message_id"] for each in told("waiting", "--late")] == [late.message_id.hex()]
    assert found[0]["recipient"] == "SKOLA"
    assert told("track", late.message_id.hex())["overdue"] == "waits for the gate, late"
    assert "overdue" not in told("track", early.message_id.hex())


def test_the_numbers_that_are_missing(social, told):
    """`inbox gaps` lists each gap with both ends, and nothing once it is filled."""
    with social.store.transaction():
        take_number(social.store, 1, 4, NOW)
    assert told("inbox", "gaps") == [{"partition": 1, "from": 1, "to": 3, "seen": NOW}]
    with social.store.transaction():
        for number in (1, 2, 3):
            take_number(social.store, 1, number, NOW)
    assert told("inbox", "gaps") == []
