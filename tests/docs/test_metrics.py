"""The page on metrics is what the code says, and a metric can say nothing else."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from samband.connectors.cli.quarantine_words import EXPLAINED
from samband.schemas.catalogue import CATALOGUE
from samband.streams.metrics import OTHER, TABLE, MetricFile
from samband.streams.quarantine import CODES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "operate.md").read_text("utf-8")
ROW = re.compile(r"^\| `(samband_[a-z_]+)` \| (counter|gauge) \| ([^|]*)\| (.+) \|$", re.MULTILINE)


def test_the_page_names_every_metric() -> None:
    """Name, kind, labels and meaning stand on the page as in the table, in its order, and nothing else."""
    rows = [(name, kind, re.findall(r"`(\w+)`", labels), story) for name, kind, labels, story in ROW.findall(PAGE)]
    assert rows == [(each.name, each.kind, list(each.labels), each.story) for each in TABLE]


def test_no_label_can_name_anybody() -> None:
    """No label is called, or may be, a unit, party, type or reference."""
    for metric in TABLE:
        assert metric.labels.keys() <= {"outcome", "code", "partition", "kind", "part", "state"}
        for values in metric.labels.values():
            assert OTHER not in values
            assert not values & CATALOGUE.keys()
            assert all(re.fullmatch(r"[A-Za-z_0-9]{1,40}", value) for value in values)
    assert EXPLAINED.keys() == CODES


@pytest.mark.parametrize("value", ["SE2120002080-IFO", "201201019805", "permit\n", "", "a" * 1000, 'x"} 1'])
def test_what_is_in_no_set_is_other(tmp_path: Path, value: str) -> None:
    """Whatever a caller passes, a label is one of its set or `other`."""
    file = MetricFile(tmp_path / "metrics" / "x.prom")
    file.add("samband_gate_records_total", outcome=value)
    file.add("samband_gate_records_total", outcome="permit")
    file.write()
    text = (tmp_path / "metrics" / "x.prom").read_text("utf-8")
    (family,) = [each for each in text_string_to_metric_families(text) if each.name == "samband_gate_records"]
    counted = {sample.labels["outcome"]: sample.value for sample in family.samples if sample.value}
    assert counted == {"permit": 1, OTHER: 1}
    if value.strip() != "permit" and value:
        assert value not in text


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    """A reader never sees a half-written file, nothing is left beside it, and it goes when its process ends."""
    file = MetricFile(tmp_path / "metrics" / "x.prom")
    path = tmp_path / "metrics" / "x.prom"
    seen = set()
    for turn in range(1, 4):
        file.add("samband_gate_turns_total")
        file.write()
        seen.add(path.stat()[stat.ST_INO])
        assert f"samband_gate_turns_total {turn}.0" in path.read_text("utf-8")
    assert len(seen) > 1, "each time another file takes the name"
    assert os.listdir(path.parent) == ["x.prom"]  # noqa: PTH208
    file.remove()
    assert not path.exists()


def test_a_full_disk_ends_nothing(tmp_path: Path) -> None:
    """Where the file cannot be written, its process goes on."""
    (tmp_path / "metrics").write_text("a file where the folder should be")
    MetricFile(tmp_path / "metrics" / "x.prom").write()
