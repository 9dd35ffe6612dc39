"""A party's own view of a message in one file: what the gate told it, and the label of what it received."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.cli import audit_bundle
from samband.streams.crypto.keys import Purpose, SignKey
from samband.streams.directory import HUB
from samband.streams.log.bundle import Bundle, State, verify_bundle
from samband.streams.log.checkpoint import Policy, origin_of
from samband.streams.log.folder import LogFolder
from tests.connectors.line import Line
from tests.log.logs import Log, entries


@pytest.fixture(autouse=True)
def _clock(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the connector's clock to the world's."""
    monkeypatch.setattr("samband.connectors.service.now_ms", lambda: kit.NOW)


def test_both_ends_show_the_same_decision(gate: Any, world: Any, kit: Any, tmp_path: Path) -> None:
    """Sender and recipient have the same decision; the recipient also the label that its sender signed."""
    key = SignKey(world.realm, Purpose.LOG, bytes([7]) * 32)
    world.publish(world.directory, world.key(HUB, key))
    line = Line(gate)
    draft = world.concern()
    sender, recipient = (line.connector(name, tmp_path / name) for name in ("skola", "social"))
    message = sender.say(draft)
    sender.settle()
    recipient.read()
    row = recipient.store.letter(message)
    assert row is not None
    step = next(step for step in sender.store.steps(message) if step.kind == "decision")
    assert step.detail["entry"] == row.letter["decision"]
    origin = origin_of(world.realm, world.root.agreement)
    log = Log([*entries(7), bytes.fromhex(row.letter["decision"]), *entries(20, 7)], key=key, origin=origin)
    for party in (sender, recipient):
        LogFolder(party.folder / "log").write(log.files.items())
    told = [audit_bundle._of_party(each.party, message) for each in (sender, recipient)]
    assert told[0].stamps == told[1].stamps
    assert (told[0].label is None, told[1].label is None) == (True, False)
    named = audit_bundle._named(world.directory)
    for bundle, label in zip(told, ("open", "holds"), strict=True):
        lines = verify_bundle(bundle.encode(), [world.directory.known(key.kid).key], origin, [], Policy(1), named)
        states = {each.what: each.state for each in lines}
        assert State.BROKEN not in states.values(), lines
        assert (states["decision.gate"], states["label"]) == ("holds", label)
    _altered_labels(told[1], world, key, origin, named)
    for each in (sender, recipient):
        each.store.close()


def _altered_labels(bundle: Bundle, world: Any, key: SignKey, origin: str, named: Any) -> None:
    """Check that each part of the label is bound."""
    value = json.loads(bundle.encode())
    for part in value["label"]:
        other = json.loads(bundle.encode())
        was = other["label"][part]
        match was:
            case str():
                other["label"][part] = ("a" if was[0] != "a" else "b") + was[1:]
            case int():
                other["label"][part] = was + 1
            case _:
                other["label"][part] = ["00" * 32]
        if part == "routing":
            other["label"][part] = was[:40] + ("A" if was[40] != "A" else "B") + was[41:]
        data = (json.dumps(other, ensure_ascii=False, indent=1) + "\n").encode()
        lines = verify_bundle(data, [world.directory.known(key.kid).key], origin, [], Policy(1), named)
        assert State.BROKEN in {each.state for each in lines}, part
