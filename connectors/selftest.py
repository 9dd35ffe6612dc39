"""The self-test of a party that has joined: out through the gate and back to its own units, so nobody else is needed.

    report = await run(party, wait_s)

What is tried, each with its promise: Kafka lets this certificate in and shows it nothing of others; what is about a
(made-up) child and has no ground is denied and comes nowhere; what is not well-formed is refused, and stops nothing; a
message about nobody goes from each unit to itself, is stamped, opened, compared, handed over and receipted. Where no
connector of the party runs, one runs for as long as the test does.

What is handed over reaches the party's own system and says that it is a test.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from msgspec.structs import replace

from samband.connectors.client import Client, Outcome
from samband.connectors.conformity import FAILED, OK, SKIPPED, Report, Words
from samband.connectors.party import Party
from samband.connectors.service import Service
from samband.schemas.catalogue import find
from samband.schemas.errors import InputError, SambandError, TrustError
from samband.schemas.events import Id16, Recall
from samband.schemas.identifiers import without_number
from samband.schemas.testdata import synthetic
from samband.schemas.units import Unit
from samband.streams import clients
from samband.streams.crypto.keys import Purpose
from samband.streams.crypto.reference import partition_of
from samband.streams.join_files import environment
from samband.streams.topics import DIRECTORY, LOG_TOPIC, inbox, outbox

__all__ = ["run"]

_LOOK_S: Final = 0.02
_OTHER_S: Final = 1.5
"""A connector that runs takes a draft within 0.05 s."""
_SKEW_MS: Final = 60_000
_DAY_MS: Final = 86_400_000
_ACTING: Final = {"id": "samband", "role": "self-test"}

_WORLD: Words = ("test och produktion möts inte", "test and production never meet")
_NO_HANDOVER: Words = ("1: inget beslut, ingen överlämning", "1: no decision, no hand-over")
_BROKER: Words = ("3: mäklaren lär sig inget om ett barn", "3: the broker learns nothing about a child")
_NOTHING_LOST: Words = ("5: inget försvinner, inget dubbelt", "5: nothing lost, nothing twice")
_NOT_QUIET: Words = ("6: inget tystnar", "6: nothing goes quiet")
_DIRECTORY: Words = ("katalogen", "the directory")


class _Test:
    """One run."""

    def __init__(self, party: Party, wait_s: float) -> None:
        self.party = party
        self.wait_s = wait_s
        self.report = Report.begin(party)
        self.client = Client(party)
        self.wake: Callable[[], None] = lambda: None
        """Tell the connector of this process that there is something to send; another process looks by itself."""

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for what must come true; say whether it did."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(_LOOK_S)
        return True

    async def outcome(self, message: bytes, *states: str) -> tuple[Outcome, float]:
        """Return what became of a message once it is decided (and in one of the states), and after how many ms."""
        began = time.monotonic()

        def reached() -> bool:
            outcome = self.client.outcome(message)
            return outcome.decided and (not states or outcome.state in states or outcome.state not in _GOING)

        await self.until(reached, self.wait_s)
        return self.client.outcome(message), (time.monotonic() - began) * 1000


_GOING: Final = ("permit", "accepted")


async def run(party: Party, wait_s: float) -> Report:
    """Try everything, and return the report; what fails is in it.

    Raises:
        OperatorError: the directory was never read here, so there is nothing to test with.
    """
    for name in ("samband", "aiokafka"):
        logging.getLogger(name).addHandler(logging.NullHandler())  # the report says what goes wrong
    test = _Test(party, wait_s)
    own = [unit for unit in party.units if not unit.retired] or [party.own_unit()]
    _world(test)
    await _kafka(test)
    async with _connector(test, own[0]):
        for step in (_denied, _refused, _garbage):
            await _guarded(test, step, own[0])
        for unit in own:
            await _guarded(test, _round_trip, unit)
    _directory(test)
    _counters(test)
    test.report.end(party.directory)
    return test.report


async def _guarded(test: _Test, step: Callable[[_Test, Unit], Any], unit: Unit) -> None:
    """Turn an error of a step into its line."""
    try:
        await step(test, unit)
    except Exception as error:
        code = error.code if isinstance(error, SambandError) else type(error).__name__
        test.report.add(_NO_HANDOVER, ("prov", (step.__doc__ or "").strip()), FAILED, code)


def _world(test: _Test) -> None:
    """Root, keys, directory and card are of one environment and realm."""
    party, root = test.party, test.party.root
    card = party.directory.cards.get(party.name)
    head = party.directory.head
    good = head is not None and card is not None
    if card is not None:
        good = good and (card.environment, card.agreement) == (root.environment, root.agreement)
    test.report.add(
        _WORLD, ("mapp, katalog och kort hör ihop", "folder, directory and card are of one realm"),
        OK if good else FAILED, f"{environment(root)}, realm {root.realm.id.hex()[:8]}",
    )  # fmt: skip
    own = {known.kid for known in party.directory.keys.values() if known.party == party.name}
    held = own & {*party.signs, *party.hop, *party.content}
    test.report.add(
        _DIRECTORY, ("våra nycklar står i katalogen", "the directory names our keys"),
        OK if held else FAILED, f"{len(held)} of {len(own)} held here",
    )  # fmt: skip


async def _kafka(test: _Test) -> None:
    """Kafka lets the certificate in, and shows it nothing of others."""
    began = time.monotonic()
    try:
        seen = await asyncio.to_thread(_topics, test.party)
    except Exception as error:
        code = error.code if isinstance(error, SambandError) else type(error).__name__
        test.report.add(_BROKER, ("Kafka släpper in oss", "Kafka lets us in"), FAILED, code)
        return
    ms = (time.monotonic() - began) * 1000
    test.report.add(_BROKER, ("Kafka släpper in oss", "Kafka lets us in"), OK, test.party.settings.kafka.bootstrap, ms)
    ours = {inbox(test.party.name), outbox(test.party.root.agreement), DIRECTORY, LOG_TOPIC}
    others = seen - ours
    found = f"{len(seen)} topics, {len(others)} of others"
    test.report.add(
        _BROKER, ("inget av andras syns", "nothing of others is seen"), OK if ours == seen else FAILED, found
    )


def _topics(party: Party) -> set[str]:
    from confluent_kafka.admin import AdminClient

    settings = {**party.settings.kafka.confluent(), "log_level": 0}
    return {name for name in AdminClient(settings).list_topics(timeout=8).topics if not name.startswith("__")}


@asynccontextmanager
async def _connector(test: _Test, unit: Unit) -> AsyncIterator[None]:
    """Run the party's connector, unless one runs already."""
    probe = test.client.event(
        Recall(Id16(secrets.token_bytes(16)), "SELF_TEST"), child=_nobody(), now=_now(), unit=unit.id
    )
    store = test.party.store
    store.add_draft(probe, partition_of(probe.ref, test.party.root.shards))
    if await test.until(lambda: not _is_new(test, probe.message_id), _OTHER_S):
        yield
        return
    service = Service(test.party, test.party.adapters())
    test.client, test.wake = Client(test.party, service), service.wake
    running = asyncio.create_task(service.run())
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(test.wait_s):
                await service.ready.wait()
        yield
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await running


def _is_new(test: _Test, message: bytes) -> bool:
    return any(draft.message_id == message for draft, _ in test.party.store.new_drafts(1000))


async def _denied(test: _Test, unit: Unit) -> None:
    """What is about a child and has no ground is not permitted."""
    child = synthetic(secrets.randbelow(1 << 30)).identifier
    content = {"child_identifier": child, "acting_user": _ACTING, "text": "Samband self-test"}
    what = ("om ett påhittat barn, utan grund", "about a made-up child, without ground")
    try:
        message = test.client.send("dialogue.message", recipient=unit.id, unit=unit.id, content=content, now=_now())
    except InputError as error:
        test.report.add(_NO_HANDOVER, what, OK, f"refused by the connector itself: {error.code}")
        return
    outcome, ms = await test.outcome(message)
    judged = next((step for step in outcome.steps if step.kind == "decision"), None)
    reasons = ", ".join(judged.detail.get("reasons", ())) if judged else ""
    came = test.party.store.letter(message) is not None
    good = outcome.state in ("deny", "ask") and not came
    test.report.add(_NO_HANDOVER, what, OK if good else FAILED, f"{outcome.state}: {reasons}", ms)


async def _refused(test: _Test, unit: Unit) -> None:
    """What is well-formed and not acceptable is refused with a code."""
    draft = test.client.event(
        Recall(Id16(secrets.token_bytes(16)), "SELF_TEST"), child=_nobody(), now=_now(), unit=unit.id
    )
    draft = replace(draft, expires=draft.created + 30 * _DAY_MS)
    test.party.store.add_draft(draft, partition_of(draft.ref, test.party.root.shards))
    test.wake()
    outcome, ms = await test.outcome(draft.message_id)
    code = outcome.steps[-1].code if outcome.steps else ""
    good = (outcome.state, code) == ("refused", "EXPIRES_TOO_LATE")
    what = ("ett meddelande som inte får finnas avvisas", "a message that may not be is refused")
    test.report.add(_NOT_QUIET, what, OK if good else FAILED, f"{outcome.state}: {code}", ms)


async def _garbage(test: _Test, unit: Unit) -> None:
    """What nobody can read stops nothing: it lies before all that follows."""
    party = test.party
    producer = AIOKafkaProducer(**party.settings.kafka.aiokafka(), acks="all")
    await producer.start()
    try:
        for partition in range(party.root.shards):
            topic = outbox(party.root.agreement)
            await producer.send_and_wait(topic, value=secrets.token_bytes(256), partition=partition)
    finally:
        await clients.stop(producer)
    message = test.client.ask("deviation.report", recipient=unit.id, unit=unit.id, child=_nobody(), now=_now())
    outcome, ms = await test.outcome(message)
    what = ("skräp på vår ämneskö hejdar inget", "garbage on our outbox stops nothing")
    good = outcome.decided
    test.report.add(_NOTHING_LOST, what, OK if good else FAILED, f"the next was answered: {outcome.state}", ms)


async def _round_trip(test: _Test, unit: Unit) -> None:
    """A message about nobody goes out and comes back: decision, hand-over, receipt."""
    what = (f"{unit.id}: ut, tillbaka, överlämnat, kvitterat", f"{unit.id}: out, back, handed over, receipted")
    contents = _contents()
    name = next((each for each in contents if find(each).taken_by(unit)), "")
    if not name:
        test.report.add(_NOT_QUIET, what, SKIPPED, "the unit takes no message about nobody")
        return
    content = contents[name] | {"child_identifier": _nobody(), "acting_user": _ACTING}
    message = test.client.send(name, recipient=unit.id, unit=unit.id, content=content, now=_now())
    sent = time.time() * 1000
    outcome, decided_ms = await test.outcome(message)
    steps = {step.kind: step for step in outcome.steps}
    if "decision" not in steps or outcome.steps[0].outcome != "permit":
        test.report.add(_NO_HANDOVER, what, FAILED, f"{name}: {outcome.state} {outcome.steps[:1]}"[:200], decided_ms)
        return
    ahead = steps["decision"].at - (sent + decided_ms / 2)
    test.report.add(
        _NO_HANDOVER, (f"{unit.id}: beslutat och stämplat", f"{unit.id}: decided and stamped"), OK,
        f"permit, {', '.join(steps['decision'].detail['grounds'])}", decided_ms,
    )  # fmt: skip
    test.report.add(
        _NOT_QUIET, (f"{unit.id}: klockorna går lika", f"{unit.id}: the clocks agree"),
        OK if abs(ahead) < _SKEW_MS else FAILED, f"{abs(ahead) / 1000:.1f} s between here and the gate",
    )  # fmt: skip
    if not any(adapter.unit == unit.id for adapter in test.party.settings.adapter):
        test.report.add(_NOT_QUIET, what, SKIPPED, "the unit has no adapter: samband inbox takes its place")
        return
    outcome, more_ms = await test.outcome(message, "handed_over")
    row = test.party.store.letter(message)
    same = row is not None and row.letter["content"] == content | {
        key: None for key in row.letter["content"] or {} if key not in content
    }
    good = outcome.state in ("handed_over", "opened", "acted") and same
    entry = row is not None and row.letter["decision"] == steps["decision"].detail["entry"]
    test.report.add(_NOT_QUIET, what, OK if good else FAILED, outcome.state, decided_ms + more_ms)
    test.report.add(
        _NO_HANDOVER, (f"{unit.id}: överlämnat på samma beslut", f"{unit.id}: handed over on that very decision"),
        OK if entry else FAILED, "one log entry at both ends" if entry else "another log entry",
    )  # fmt: skip


def _directory(test: _Test) -> None:
    """The directory is fresh."""
    head, now = test.party.directory.head, time.time() * 1000
    age = (now - head.issued) / 3_600_000 if head else 0
    good = head is not None and now < head.expires
    try:
        test.party.sign(int(now))
        test.party.directory.seal_key("hub", Purpose.GATE_HOP, int(now))
    except TrustError:
        good = False
    test.report.add(
        _DIRECTORY, ("katalogen är färsk", "the directory is fresh"), OK if good else FAILED,
        f"version {test.party.directory.version}, {age:.1f} h old",
    )  # fmt: skip


def _counters(test: _Test) -> None:
    """Nothing was missing, repeated or foreign in the inbox."""
    found = {name: test.party.store.number(f"count/{name}") or 0 for name in ("box_gap", "incident", "box_repeat")}
    told = ", ".join(f"{name} {count}" for name, count in found.items())
    test.report.add(
        _NOTHING_LOST, ("inget saknas eller är främmande i brevlådan", "nothing is missing or foreign in the inbox"),
        FAILED if any(found.values()) else OK, told,
    )  # fmt: skip


def _contents() -> dict[str, dict[str, Any]]:
    """Return what a test message says, by type: each about nobody, and each saying that it is a test."""
    told = "Samband: prov av anslutningen, ingen åtgärd. Test of the connection, nothing to do. "
    told += "".join(secrets.choice("bdfgklmnprstvz") for _ in range(12))
    return {
        "deviation.report": {"kind": "other", "stage": "reported", "description": told},
        "consult.question": {"question": told},
        "sip.evaluation": {"voice": "child", "own_words": told},
    }


def _nobody() -> Any:
    return without_number(secrets.token_bytes(16))


def _now() -> datetime:
    return datetime.now(UTC)
