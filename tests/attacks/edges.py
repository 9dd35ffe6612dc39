"""Attacks at the edges: what logs and errors tell, and what hostile bytes do to a parser."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from samband.schemas import events
from samband.schemas.catalogue import decode_content
from samband.schemas.errors import SambandError
from samband.schemas.message import Down, Message, Up, unpad
from samband.schemas.routing import Routing
from samband.schemas.signed_rules import Rules
from samband.schemas.stamp import Stamped, StampRecord
from samband.streams import topics
from samband.streams.audit import UnverifiedAudit
from samband.streams.crypto.lane import UnverifiedRecord
from samband.streams.directory import Directory
from samband.streams.gate import verdicts
from tests.attacks.ground import Ground
from tests.attacks.register import attack, existing
from tests.attacks.switch import patched
from tests.gate.world import Gate

TELL = "metrics, logs, traces, errors hold no reference, unit pair or type"


@attack("edges.gate-error", TELL, "gate.fault-code")
def gate_error(ground: Ground) -> bool:
    """A fault of the gate's own in the middle of a judgement tells in no stamp or count whom it was about."""
    identifier = ground.world.child.identifier

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError(identifier)

    with patched(verdicts, "decide", broken):
        stamp = ground.say(ground.world.concern())
    turn = ground.gate.turns[-1]
    return identifier in stamp.code or identifier in repr((turn.counts, turn.quarantined))


@attack("edges.connector-log", TELL, "party.log-code")
def connector_log(ground: Ground) -> bool:
    """A fault in a connector while it takes a letter is logged without a word of it."""
    identifier, lines = ground.world.child.identifier, list[logging.LogRecord]()

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record)

    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError(identifier)

    handler, log = Kept(), logging.getLogger("samband.connector")
    log.addHandler(handler)
    try:
        with ground.receiver() as (take, store), patched(type(store), "add_letter", broken):
            take(ground.stamped(ground.world.seal(ground.world.concern())))
    finally:
        log.removeHandler(handler)
    assert lines
    return any(identifier in repr(vars(line)) for line in lines)


existing("edges.gate-error-code", TELL, "gate.fault-code",
         "tests/gate/test_verdicts.py::test_error_in_the_kernel_denies")  # fmt: skip


FUZZED = "every parser fuzzed"


def parsers(gate: Gate) -> list[tuple[Callable[[bytes], Any], bytes]]:
    """Return what reads hostile bytes, each with an honest example."""
    world = gate.world
    message = world.seal(world.concern())
    record = gate.record(message, "skola")
    turn = gate.take(record)
    down = gate.inbox(turn, "social")[0].down
    audit = gate.values(turn, topics.AUDIT)[0]
    body = events.encode(events.CircleUpdate((events.Member("SKOLA", "school", 1),), claim=True))
    content = world.concern().content or b""
    key, hub = world.store.seal(topics.state("barn"), b"child/x", bytes(64))
    rules = Rules(number=1, effective_from=0, rulebook="x", terms="").encode()
    value = record.value or b""
    return [
        (Message.decode, message.encode()), (Routing.decode, message.routing), (UnverifiedRecord.decode, value),
        (lambda data: UnverifiedRecord(data, b"", b"", b"").opener(world.realm),
         UnverifiedRecord.decode(value).opener_bytes),
        (Up.decode, Up(1, message.encode()).encode()), (Down.decode, down.encode()), (Stamped.decode, down.stamped),
        (Stamped.decode_all, down.stamped), (StampRecord.decode, Stamped.decode(down.stamped).record),
        (UnverifiedAudit.decode, audit), (lambda data: events.decode("circle.update", data), body),
        (lambda data: decode_content("concern.report", data), content), (Rules.decode, rules),
        (lambda data: world.store.open(topics.state("barn"), key, data), hub), (unpad, bytes(100)),
        *((lambda data: Directory(world.root).learn(data, gate.now), each) for each in world.published().values()),
    ]  # fmt: skip


def hostile(honest: bytes, chance: random.Random) -> bytes:
    """Return bytes that are cut, altered, doubled or made up."""
    at = chance.randrange(len(honest) + 1)
    match chance.randrange(5):
        case 0:
            return honest[:at]
        case 1:
            return honest[:at] + chance.randbytes(chance.randrange(1, 9)) + honest[at:]
        case 2:
            return honest[:at] + bytes(chance.choices((0, 1, 127, 128, 255), k=4)) + honest[at + 4 :]
        case 3:
            return chance.randbytes(at)
        case _:
            return honest + honest[:at]


@attack("edges.fuzzed", FUZZED, "codec.cut-off")
def fuzzed(ground: Ground) -> bool:
    """Whatever bytes a parser gets, it returns a value or raises an error of the one tree, and nothing else."""
    chance = random.Random(1)
    for parse, honest in parsers(ground.gate):
        for _ in range(200):
            try:
                with suppress(SambandError):
                    parse(hostile(honest, chance))
            except Exception:
                return True
    return False
