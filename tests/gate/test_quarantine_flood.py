"""However much nobody can read, the notes about it are few, and none is lost by a restart."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.cli.quarantine_words import EXPLAINED, meaning_of
from samband.schemas.errors import FormatError
from samband.streams.gate.quarantine import NOTES_AN_HOUR
from samband.streams.quarantine import CODES, FLOOD, parse, reason_of

HOUR = 3_600_000
ROOT = Path(__file__).parents[2]


def pour(gate: Any, count: int, at_once: int = 500) -> list[Any]:
    """Give the gate `count` unreadable records and return its notes, parsed."""
    notes = []
    while count:
        turn = gate.take(*(gate.raw(b"garbage") for _ in range(min(count, at_once))))
        count -= min(count, at_once)
        notes += [parse(*each) for each in gate.notes(turn)]
    return notes


def test_a_flood_is_a_few_notes(gate: Any) -> None:
    """Fifty thousand records become a hundred notes and at most seventeen more, whose last is near the number."""
    notes = pour(gate, 50_000)
    single = [each for each in notes if each.code != FLOOD]
    assert [each.offset for each in single] == list(range(NOTES_AN_HOUR))
    floods = notes[NOTES_AN_HOUR:]
    assert len(floods) <= 17
    assert {each.name for each in floods} == {floods[0].name}, "one key: the last one counts"
    rest = 50_000 - NOTES_AN_HOUR
    assert rest / 2 < floods[-1].count <= rest
    assert (floods[-1].offset, floods[-1].partition) == (NOTES_AN_HOUR, 0)
    assert floods[-1].last == NOTES_AN_HOUR + floods[-1].count - 1


@pytest.mark.parametrize("at_once", [1, 500])
def test_a_trickle_is_no_way_around(gate: Any, at_once: int) -> None:
    """One record a turn costs no more notes than five hundred a turn."""
    assert len(pour(gate, 1000, at_once)) <= NOTES_AN_HOUR + 11


def test_the_next_hour_says_how_many_there_were(gate: Any) -> None:
    """The first turn of a later hour closes the earlier one with its true number, and begins a new count."""
    pour(gate, NOTES_AN_HOUR + 700)
    gate.now += HOUR
    turn = gate.take(gate.record(gate.world.seal(gate.world.concern(created=gate.now)), "skola"))
    (closed,) = [parse(*each) for each in gate.notes(turn)]
    assert (closed.code, closed.count) == (FLOOD, 700)
    assert not gate.notes(gate.take(gate.record(gate.world.seal(gate.world.concern(created=gate.now)), "skola")))
    assert [each.code for each in pour(gate, 2)] == ["FORMAT_SCHEMA"] * 2


def test_the_log_is_as_short(gate: Any) -> None:
    """The operator's log gets a line a note, and the count every record."""
    turns = [gate.take(*(gate.raw(b"x") for _ in range(500))) for _ in range(4)]
    assert sum(len(turn.quarantined) for turn in turns) <= NOTES_AN_HOUR + 11
    assert sum(turn.counts["quarantined"] for turn in turns) == 2000


def test_the_count_survives_a_restart(gate: Any, kit: Any) -> None:
    """A gate that starts again on the same state goes on counting; an attacker gains no fresh hundred."""
    pour(gate, NOTES_AN_HOUR + 8)
    again = kit.Gate(gate.world)
    again.state, again.offset = gate.state, gate.offset
    (told,) = pour(again, 8)
    assert (told.code, told.count) == (FLOOD, 16)


def test_a_note_that_is_none() -> None:
    """What is no note is an error, not an entry."""
    for name, note in ((b"", b""), (b"t/0/1", b"CODE"), (b"t/x/1", b"CODE 1 2"), (b"t/0/flood/1", b"CODE 1 2")):
        with pytest.raises(FormatError):
            parse(name, note)


def test_every_code_is_explained() -> None:
    """Whatever may stand on a note has whole sentences in both languages, and says what to do."""
    read = ("streams/gate/lanes.py", "streams/crypto/lane.py", "schemas/message.py", "schemas/codec.py")
    raised = re.compile(r'(?:Refused|Trust|Format)Error\(\s*"([A-Z_]+)"')
    codes = {code for path in read for code in raised.findall((ROOT / path).read_text("utf-8"))}
    paths = sorted((ROOT / "streams").glob("directory*.py"))
    directory = "".join(path.read_text("utf-8") for path in paths).replace("KEY_CARD_", "CARD_")
    codes |= {code for code in raised.findall(directory) if code.startswith("KEY_")} | {FLOOD}
    codes |= set(re.findall(r'RefusedError\("(RECORD_[A-Z_]+)"', (ROOT / "streams/gate/judge.py").read_text("utf-8")))
    assert len(codes) > 20
    assert {reason_of(code) for code in codes} <= CODES == EXPLAINED.keys()
    for meaning in map(meaning_of, codes | {"OTHER"}):
        for words in meaning:
            assert words[0].isupper()
            assert words.endswith(".")
