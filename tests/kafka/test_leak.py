"""What the hub's disk tells of a story: nothing. Proved on the demo itself, and the proof is proved with controls."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path
from typing import NamedTuple

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from samband.connectors.demo.house import AGREEMENT, House
from samband.connectors.demo.story import Story
from samband.streams.authority import Home
from samband.streams.records import read
from samband.streams.topics import AUDIT, DERIVED_CHANGELOG, inbox, outbox, state
from tests.kafka.leak import Heard, forms, listen, search, shared, topic_records, values

pytestmark = pytest.mark.kafka

CONTROL = "Hon kom utan jacka i går igen."


class Played(NamedTuple):
    """A demo that has been played to its end, and what was said in it."""

    home: Path
    heard: Heard
    parties: list[str]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Play the demo once."""
    home = tmp_path_factory.mktemp("leak") / "home"
    house = House(home, lambda line: None)
    try:
        house.start()
        with listen() as heard:
            story = Story(house)
            wrong = [(step.step, step.type, step.decision) for step in story.play() if step.ms > 0 and not step.ok]
        heard.add("child's name", story.child.name)
        heard.add("child's family name", story.child.family_name)
    finally:
        house.close()
    assert not wrong, "only a whole story is worth searching"
    return Played(home, heard, house.home.party_names())


def test_the_hub_keeps_nothing_that_can_be_read(played: Played) -> None:
    """No identifier, child reference, unit, type or sentence of the story stands on the hub's disk, in any encoding."""
    said = {name.split()[0] for name in played.heard.needles}
    assert {"identifier", "child", "unit", "type", "text", "concern", "assessment"} <= said
    hits = search(played.home, played.heard.needles)
    # The console's index counts stamps by kind; two are called as message types are. Not whose, nor from where.
    kinds = {"type receipt", "type recall"}
    assert [hit for hit in hits if hit.needle not in kinds or not hit.file.startswith("run/console/index.db")] == []


def test_the_records_are_among_what_is_searched(played: Played) -> None:
    """The hub has kept every record of the story in its database, and a child's reference in there would be found."""
    kept = [each.record for each in read(Home(played.home))]
    assert len(kept) > 20
    refs = [needle for name, needle in played.heard.needles.items() if name.startswith("child reference")]
    assert {record.ref for record in kept} & set(refs), "what is kept is about the story's child"
    path = played.home / "hub" / "records" / "records.db"
    whole = path.read_bytes()
    try:
        path.write_bytes(whole + refs[0])
        hits = search(played.home, {"child reference": refs[0]})
    finally:
        path.write_bytes(whole)
    assert {hit.file for hit in hits} == {"records/records.db"}


@pytest.mark.parametrize("form", range(len(forms(CONTROL.encode()))))
def test_a_control_is_found_in_each_encoding(tmp_path: Path, form: int) -> None:
    """The search sees a sentence in a log, whatever encoding it stands in."""
    name, data = forms(CONTROL.encode())[form]
    (tmp_path / "hub" / "log").mkdir(parents=True)
    (tmp_path / "hub" / "log" / "gate-0.log").write_bytes(secrets.token_bytes(1000) + data + secrets.token_bytes(1000))
    assert name in {hit.form for hit in search(tmp_path, {"control": CONTROL.encode()})}


@pytest.mark.parametrize("before", range(3))
def test_base64_is_seen_through_at_any_place(tmp_path: Path, before: int) -> None:
    """A sentence is found inside a longer base64 text, wherever in it the sentence begins."""
    (tmp_path / "hub").mkdir()
    text = base64.b64encode(secrets.token_bytes(9 + before) + CONTROL.encode() + secrets.token_bytes(7))
    (tmp_path / "hub" / "hub.log").write_bytes(text)
    assert [hit.form for hit in search(tmp_path, {"control": CONTROL.encode()})] == ["base64"]


@pytest.mark.parametrize("codec", [0, 1], ids=["plain", "gzip"])
def test_a_control_in_kafka_is_found(tmp_path: Path, codec: int) -> None:
    """A sentence in an audit record is found, compressed or not."""
    folder = tmp_path / "hub" / "kafka" / "data" / f"{AUDIT}-0"
    folder.mkdir(parents=True)
    batch = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 20)
    batch.append(0, 0, None, CONTROL.encode() * 3, [])
    (folder / f"{0:020}.log").write_bytes(batch.build())
    found = {hit.file for hit in search(tmp_path, {"control": CONTROL.encode()})}
    assert f"kafka/data/{AUDIT}-0/{0:020}.log (records)" in found
    assert len(found) == 2 - codec


def test_a_codec_that_cannot_be_read_is_no_silence(tmp_path: Path) -> None:
    """A batch that says it is compressed and cannot be opened ends the search with an error."""
    folder = tmp_path / "hub" / "kafka" / "data" / f"{AUDIT}-0"
    folder.mkdir(parents=True)
    batch = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    batch.append(0, 0, None, CONTROL.encode() * 3, [])
    data = batch.build()
    data[22] |= 4  # attributes: zstd
    (folder / f"{0:020}.log").write_bytes(data)
    with pytest.raises(Exception, match=r"(?i)zstd|decompress|corrupt"):
        search(tmp_path, {})


def test_nothing_links_what_comes_in_with_what_goes_out(played: Played) -> None:
    """No 16 bytes in a row of any outbox record stand in an inbox, audit, state or derived record, or the database."""
    records = topic_records(played.home, outbox(AGREEMENT))
    assert len(records) > 20
    came_in = values(records)
    for topic in (*map(inbox, played.parties), AUDIT, state(AGREEMENT), DERIVED_CHANGELOG):
        went_out = [part for record in topic_records(played.home, topic) for part in record if part]
        assert went_out, topic
        assert shared(came_in, went_out) == [], topic
    kept = [(played.home / "hub" / "records" / "records.db").read_bytes()]
    assert shared(came_in, kept) == []


def test_a_planted_link_is_found(played: Played) -> None:
    """Sixteen bytes of an outbox record in an audit record are found wherever they begin; fifteen are chance."""
    came_in = max(values(topic_records(played.home, outbox(AGREEMENT))), key=len)
    for at in range(2000, 2000 + 16):
        piece = came_in[at : at + 16]
        planted = secrets.token_bytes(99) + piece + secrets.token_bytes(99)
        assert any(piece in each for each in shared([came_in], [planted]))
        lone = bytes([came_in[at - 1] ^ 1]) + piece[:15] + bytes([piece[15] ^ 1])
        assert shared([came_in], [lone]) == []
