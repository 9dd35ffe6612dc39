"""The sandbox's line keeps what Samband relies on of Kafka, and its faults do what they say."""

from __future__ import annotations

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from samband.connectors.sandbox.faults import Fault, Faults, Kind, Way
from samband.connectors.sandbox.line import Line
from samband.schemas.errors import InputError
from samband.streams import clients
from samband.streams.topics import inbox
from tests.contracts.line import PROMISES, read, write


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        """Return them."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def line(clock: Clock) -> Line:
    return Line(Faults(clock))


@pytest.mark.parametrize("promise", PROMISES, ids=lambda each: each.__name__)
async def test_the_line_keeps_what_kafka_keeps(line, promise):
    """What is asked of a real Kafka in `tests/kafka/test_line.py` holds for the line in memory."""
    await promise(lambda: line.connection("hub", hub=True), "samband.outbox.line.v1")


def hub(line):
    return lambda: line.connection("hub", hub=True)


def of(line, party):
    return lambda: line.connection(party)


async def values(line, topic):
    return [value for _, value in await read(hub(line), topic)]


async def test_faults_of_one_party_are_nobody_elses(line):
    """A rule for a party strikes it, as often as it says, and neither another party nor the hub."""
    line.faults.add(Fault(Kind.DROP, party="skola", way=Way.OUT, times=1))
    for party in ("bup", "skola", "skola"):
        await write(of(line, party), "t", party.encode())
    await write(hub(line), "t", b"hub")
    assert await values(line, "t") == [b"bup", b"skola", b"hub"]


async def test_duplicate_and_drop_on_the_way_in(line):
    """What the hub writes for a party can be lost or come twice on its way in."""
    line.faults.add(Fault(Kind.DUPLICATE, party="bup", way=Way.IN, times=1))
    line.faults.add(Fault(Kind.DROP, party="skola", way=Way.IN))
    for party in ("bup", "skola"):
        await write(hub(line), inbox(party), b"1", b"2")
    assert await values(line, inbox("bup")) == [b"1", b"1", b"2"]
    assert await values(line, inbox("skola")) == []


async def test_a_delay_keeps_the_order(line, clock):
    """What is delayed comes after its time, and what was written behind it does not pass it."""
    line.faults.add(Fault(Kind.DELAY, party="bup", way=Way.IN, seconds=5, times=1))
    await write(hub(line), inbox("bup"), b"slow")
    await write(hub(line), inbox("bup"), b"quick")
    assert await values(line, inbox("bup")) == []
    clock.now = 5.0
    assert await values(line, inbox("bup")) == [b"slow", b"quick"]


@pytest.mark.parametrize("kind", [Kind.AWAY, Kind.REFUSE])
async def test_away_and_refused_are_errors_until_their_time_is_over(line, clock, kind):
    """Who is away or refused gets an error as from Kafka, on the named way only, and none when the time is over."""
    for way in (Way.IN, Way.OUT):
        line.faults.add(Fault(kind, way=way, seconds=60))
    with pytest.raises(KafkaError):
        await write(of(line, "bup"), "t", b"1")
    with pytest.raises(KafkaError):
        await read(of(line, "bup"), "t")
    clock.now = 60.0
    await write(of(line, "bup"), "t", b"1")
    assert await read(of(line, "bup"), "t") == [(0, b"1")]


async def test_a_reader_that_waits_notices_that_the_line_is_away(line):
    """A rule strikes who is waiting already."""
    reader = clients.consumer(line.connection("bup"))
    reader.assign([TopicPartition("t", 0)])
    await reader.start()
    line.faults.add(Fault(Kind.AWAY, way=Way.IN))
    with pytest.raises(KafkaError):
        await reader.getmany(timeout_ms=5000)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"kind": "explode"}, "/kind"),
        ({"kind": "drop", "way": "up"}, "/way"),
        ({"kind": "drop", "party": "nobody"}, "/party"),
        ({"kind": "drop", "times": -1}, "/times"),
        ({"kind": "drop", "times": True}, "/times"),
        ({"kind": "delay"}, "/seconds"),
        ({"kind": "away", "seconds": float("nan")}, "/seconds"),
        ({"kind": "drop", "who": "skola"}, "/"),
        (["drop"], "/"),
    ],
)
def test_a_fault_that_is_none_is_told_by_its_field(fields, pointer):
    """What is asked for and cannot be is refused with the path of the field."""
    with pytest.raises(InputError) as caught:
        Fault.of(fields, frozenset({"skola"}))
    assert (caught.value.code, caught.value.hint) == ("FAULT_INVALID", pointer)
