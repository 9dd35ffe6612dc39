"""Nothing of a child stands in any log, error, metric, run file or quarantine note: planted on every failing path."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from samband.connectors.party import Party
from samband.streams.metrics import OTHER, TABLE
from tests.kafka.hygiene import BROKEN, ECHO, GOOD, SCHOOL, Scene, found, leak

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Play the planted scene once."""
    scene = Scene(tmp_path_factory.mktemp("hygiene"))
    try:
        scene.start()
        scene.play()
        yield scene
    finally:
        scene.close()


def test_nothing_planted_is_found(scene: Scene) -> None:
    """No number, reference, name, unit, type or sentence is in any log, error, metric, run file or note."""
    names = {name for name, data in scene.captured() if data}
    assert {f"captured/{name}.err" for name in ("stranger", "trasig", "eko", "social")} <= names
    assert {"home/hub/log/gate-0.log", "home/hub/run/metrics/gate-0.prom", "quarantine"} <= names
    assert found(scene.captured(), scene.heard.needles) == []


def test_every_path_failed_as_it_should(scene: Scene) -> None:
    """The scene was not empty: each failure that may leak has happened, and was told by its code."""
    errors = {party: scene.read(f"{party}.err").decode() for party in ("eko", "trasig", "social", "stranger")}
    assert "WEBHOOK_BUSY" in errors["eko"]
    assert "FOLDER_" in errors["trasig"]
    assert "MISMATCH_CHILD" in errors["social"]
    assert "EXPIRED" in scene.read("skola.err").decode()
    assert {entry.code for entry in scene.notes()} >= {"RECORD_HEADERS"}
    mistyped = [said for name, said in scene.commands.items() if name.startswith("mistyped")]
    assert len(mistyped) > 30
    assert all(said.err or said.out for said in mistyped)


def test_a_leak_would_be_found(scene: Scene) -> None:
    """One log line of ours that holds a reference, in hex or base64, a number or a unit, is found."""
    party = Party.load(scene.home.parties / SCHOOL[0] / "connector.toml")
    reference = party.ref(scene.child.identifier, 1)
    party.store.close()
    path = scene.folder / "captured" / "control.err"
    for what in (
        reference.hex(), base64.b64encode(b"x" + reference).decode(), scene.child.identifier, scene.child.name,
        GOOD[1], f"…{BROKEN[1]} → {ECHO[1]}", "concern.report",
    ):  # fmt: skip
        leak(path, what)
        assert {hit.file for hit in found(scene.captured(), scene.heard.needles)} == {"captured/control.err"}, what
        path.unlink()


def families(scene: Scene) -> list[Metric]:
    """Return everything that stands in the metric files."""
    texts = [path.read_text("utf-8") for path in scene.metric_files()]
    return [family for text in texts for family in text_string_to_metric_families(text)]


def test_metrics_have_closed_labels(scene: Scene) -> None:
    """Every metric of the table is written, nothing else is, each label is of its set, and none was unknown."""
    table = {metric.name.removesuffix("_total"): metric for metric in TABLE}
    names = {path.name for path in scene.metric_files()}
    assert {"gate-0.prom", "records.prom", "derived.prom", "hub.prom", "connector.prom"} <= names
    scene.until(lambda: {family.name for family in families(scene)} >= table.keys())
    for family in families(scene):
        for sample in family.samples:
            for label, value in sample.labels.items():
                assert value in table[family.name].labels[label], (sample.name, label, value)
                assert value != OTHER, (sample.name, label)
    counted: Counter[tuple[str, ...]] = Counter()
    for family in families(scene):
        for sample in family.samples:
            counted[sample.name, *sample.labels.values()] += int(sample.value)
    assert counted["samband_gate_refused_total", "EXPIRED"] == 1
    assert counted["samband_gate_quarantine_notes_total", "RECORD_HEADERS"] >= 1
    assert counted["samband_connector_delivery_errors_total", "WEBHOOK_REFUSED"] == 1


def test_quarantine_on_the_command_line(scene: Scene) -> None:
    """An operator sees why and where, not what; drops once; and doctor and status say how much is open."""
    listed = scene.terminal.say("quarantine", "list", "--json").json
    assert {each["code"] for each in listed} == {"RECORD_HEADERS"}
    assert {each["topic"] for each in listed} == {"samband.outbox.hygien.v1"}
    assert all(each["means"] and each["to_do"] and each["bytes"] and each["at"] for each in listed)
    shown = scene.terminal.say("quarantine", "list").out
    assert "The record has a key or headers of its own" in shown
    assert scene.terminal.say("hub", "status", "--json").json["quarantine"] == len(listed)
    assert "warn  quarantine" in scene.terminal.say("doctor").out
    first = listed[0]["id"]
    assert listed[0]["code"] in scene.terminal.say("quarantine", "show", first).out
    assert scene.terminal.say("quarantine", "drop", first, "--json").json == {"dropped": 1}
    assert scene.terminal.say("quarantine", "drop", first, "--json").json == {"dropped": 0}
    assert len(scene.terminal.say("quarantine", "list", "--json").json) == len(listed) - 1
    assert scene.terminal.say("quarantine", "drop", "--all", "--json").json == {"dropped": len(listed) - 1}
    assert scene.terminal.say("quarantine", "list", "--json").json == []
    kept = scene.terminal.say("quarantine", "list", "--all", "--json").json
    assert [each["id"] for each in kept] == [each["id"] for each in listed]
    assert all(each["dropped"] for each in kept)
    assert scene.terminal.say("hub", "status", "--json").json["quarantine"] == 0
    assert "nothing open" in scene.terminal.say("doctor").out
    assert scene.terminal.say("quarantine", "drop").error == "USAGE"


def test_no_process_dumps_core(scene: Scene) -> None:
    """Hub, Java, gate, keeper, derived streams and connectors run without core dumps; a killed one leaves none."""
    pids = [*scene.terminal.pids(), *(each.pid for each in scene.connectors.values())]
    assert len(pids) > 8
    for pid in pids:
        limits = Path(f"/proc/{pid}/limits").read_text("utf-8")
        (line,) = [each.split() for each in limits.splitlines() if each.startswith("Max core file size")]
        assert line[4:6] == ["0", "0"], Path(f"/proc/{pid}/cmdline").read_bytes()
    scene.kill()
    assert scene.ended[GOOD[0]] == -6
    assert not [
        path for path in scene.folder.rglob("core*") if path.is_file() and path.name[4:].strip(".0123456789") == ""
    ]

    assert found(scene.captured(), scene.heard.needles) == []
