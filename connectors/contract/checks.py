"""What is asked of a system: each check says what was seen, or raises `Failed` or `LeftOut` with why.

    for check in CHECKS: found = await check.ask(bench)

A check uses real messages of the sandbox and leaves no trouble behind.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from samband.connectors.contract.far_side import FarSide, Received
from samband.connectors.contract.trouble import How, Plan

__all__ = ["CHECKS", "Bench", "Check", "Failed", "LeftOut"]

_SLOW_S: Final = 1.5
_GONE_S: Final = 1.0
_OWN_WORD: Final = 3.0


class Failed(Exception):  # noqa: N818  a finding, not a fault of the suite
    """The system does not keep it; the text says what was seen and never a child."""


class LeftOut(Exception):  # noqa: N818  the same
    """It could not be asked; the text says why."""


class Bench(Protocol):
    """What a check works with."""

    side: FarSide
    plan: Plan

    async def say(self, *, protected: bool = False) -> str:
        """Let another party say a message to the unit under test; return its id when the gate has permitted it.

        Raises:
            LeftOut: nobody of the sandbox may say such a thing to this unit.
        """
        ...

    async def state(self, message_id: str, *wanted: str, seconds: float = ...) -> str:
        """Return what its sender sees, as soon as it is one of these, or when the time is over."""
        ...

    async def restart(self) -> None:
        """End the connector in the middle of what it does, and start it again."""
        ...

    async def pause(self, seconds: float) -> None:
        """Wait."""
        ...

    def event(self) -> dict[str, Any]:
        """Return a whole event as a webhook gets it, about a child who does not exist, with an id of its own."""
        ...


Words = tuple[str, str]
_ONCE: Final[Words] = ("5: inget försvinner, inget dubbelt", "5: nothing lost, nothing twice")
_QUIET: Final[Words] = ("6: inget tystnar", "6: nothing goes quiet")
_HAND: Final[Words] = ("1: inget beslut, ingen överlämning", "1: no decision, no hand-over")


class Check(NamedTuple):
    """One thing that is asked."""

    promise: Words
    words: Words
    ask: Callable[[Bench], Awaitable[str]]


async def _handed(bench: Bench, *messages: str) -> None:
    for message in messages:
        state = await bench.state(message, "handed_over", "opened")
        if state not in ("handed_over", "opened"):
            raise Failed(f"its sender sees `{state}` and not `handed_over`")


async def _has(bench: Bench, *messages: str) -> list[Received]:
    """Return what the system has of these messages, after checking that each is there and how often."""
    received = await bench.side.received()
    if received is None:
        raise LeftOut("the system cannot say what it has (GET on its address)")
    found = [each for each in received if each.id in messages]
    for message in messages:
        count = sum(each.id == message for each in found)
        if not count:
            raise Failed("was told as taken, and the system does not have it")
        if count > 1 and bench.side.exactly_once:
            raise Failed(f"the system has it {count} times, and promises once")
    return found


def _told(found: Sequence[Received], messages: Sequence[str]) -> str:
    more = len(found) - len(messages)
    return "exactly once" if not more else f"at least once, {more} repeat(s) with the same id"


async def _comes(bench: Bench) -> str:
    message = await bench.say()
    await _handed(bench, message)
    return _told(await _has(bench, message), [message])


def _through(*hows: How) -> Callable[[Bench], Awaitable[str]]:
    """Return a check that a message comes through some trouble."""

    async def ask(bench: Bench) -> str:
        bench.plan.next(*hows)
        message = await bench.say()
        await _handed(bench, message)
        return _told(await _has(bench, message), [message])

    return ask


async def _away(bench: Bench) -> str:
    bench.plan.away = True
    messages = [await bench.say() for _ in range(4)]
    await bench.pause(_SLOW_S)
    early = [await bench.state(each, seconds=0.0) for each in messages]
    if set(early) != {"permit"}:
        raise Failed(f"its sender saw `{early[0]}` while the system was away")
    bench.plan.away = False
    await _handed(bench, *messages)
    return _told(await _has(bench, *messages), messages)


async def _order(bench: Bench) -> str:
    bench.plan.next(How.ERROR, How.LOST_ANSWER)
    messages = [await bench.say() for _ in range(5)]
    await _handed(bench, *messages)
    found = [each.id for each in await _has(bench, *messages)]
    first = list(dict.fromkeys(found))
    if first != messages:
        raise Failed("messages about one child are not in the order in which they were said")
    return "5 of 5 in order"


async def _restarted(bench: Bench) -> str:
    bench.plan.next(How.LOST_ANSWER)
    messages = [await bench.say() for _ in range(3)]
    await bench.restart()
    await _handed(bench, *messages)
    return _told(await _has(bench, *messages), messages)


async def _held(bench: Bench) -> str:
    message = await bench.say(protected=True)
    await _handed(bench, message)
    found = await _has(bench, message)
    if not all(each.held for each in found):
        raise Failed("the system does not show it as held back")
    return "a reference, shown as held back"


async def _acknowledged(bench: Bench) -> str:
    message = await bench.say()
    await _handed(bench, message)
    await bench.side.acknowledge(message)
    if await bench.state(message, "opened", seconds=_OWN_WORD) == "opened":
        return "its sender sees `opened`"
    raise LeftOut("the system does not acknowledge: `handed_over` is all that senders will see")


def _forged(what: str) -> Callable[[Bench], Awaitable[str]]:
    """Return a check that an event with a false signature is refused and leaves nothing."""

    async def ask(bench: Bench) -> str:
        event = bench.event()
        answer = await bench.side.post(event, forged=what)
        if answer is None:
            raise LeftOut("nothing is posted to such a system")
        if not 400 <= answer.status < 500:
            raise Failed(f"answered {answer.status}, not 4xx")
        await bench.pause(_GONE_S / 4)
        if any(each.id == event["id"] for each in await bench.side.received() or ()):
            raise Failed("refused it, and has it all the same")
        return f"refused with {answer.status}"

    return ask


async def _bad_content(bench: Bench) -> str:
    event = bench.event()
    del event["data"]["decision"]
    answer = await bench.side.post(event)
    if answer is None:
        raise LeftOut("nothing is posted to such a system")
    if not 400 <= answer.status < 500:
        raise Failed(f"an event without `data.decision` was answered {answer.status}, not 4xx")
    if "decision" not in answer.text:
        raise Failed(f"refused with {answer.status}, and did not name the field `data.decision`")
    return f"refused with {answer.status}, and the field is named"


async def _unknown_field(bench: Bench) -> str:
    event = bench.event()
    event["data"]["a_later_version"] = {"of": "samband"}
    answer = await bench.side.post(event)
    if answer is None:
        raise LeftOut("nothing is posted to such a system")
    if not 200 <= answer.status < 300:
        raise Failed(f"answered {answer.status}: a field that a later version adds is no reason to refuse")
    return f"taken with {answer.status}"


CHECKS: Final = (
    Check(_ONCE, ("ett meddelande kommer fram", "a message comes through"), _comes),
    Check(_ONCE, ("samma igen: känns igen, eller samma id", "the same again: told apart, or the same id"),
          _through(How.TWICE)),
    Check(_ONCE, ("två gånger samtidigt", "twice at the same time"), _through(How.TOGETHER)),
    Check(_ONCE, ("500 två gånger, sedan bra", "500 twice, then well"), _through(How.ERROR, How.ERROR)),
    Check(_ONCE, ("tar emot och dör före svaret", "takes it and dies before its answer"), _through(How.LOST_ANSWER)),
    Check(_ONCE, ("tar emot och dör före svaret, tre gånger", "the same, three times"),
          _through(How.LOST_ANSWER, How.LOST_ANSWER, How.LOST_ANSWER)),
    Check(_ONCE, ("förbindelsen bryts mitt i", "the connection breaks in the middle"), _through(How.CUT, How.CUT)),
    Check(_QUIET, ("systemet är borta och kommer tillbaka", "the system is away and comes back"), _away),
    Check(_ONCE, ("ordningen hålls inom ett barns ärende", "the order about one child is kept"), _order),
    Check(_ONCE, ("anslutningen startas om mitt i", "the connector restarts in the middle"), _restarted),
    Check(_HAND, ("det som hålls är en referens", "what is held back is a reference"), _held),
    Check(_QUIET, ("kvittens når avsändaren", "the acknowledgement reaches the sender"), _acknowledged),
    Check(_HAND, ("fel nyckel avvisas", "another key's signature is refused"), _forged("key")),
    Check(_HAND, ("ändrat innehåll avvisas", "a changed body is refused"), _forged("body")),
    Check(_HAND, ("gammal signatur avvisas", "an old signature is refused"), _forged("time")),
    Check(_HAND, ("ingen signatur avvisas", "no signature is refused"), _forged("signature")),
    Check(_QUIET, ("fel innehåll avvisas med fältets namn", "bad content is refused by its field"), _bad_content),
    Check(_QUIET, ("ett nytt fält är inget fel", "a new field is no fault"), _unknown_field),
)  # fmt: skip
"""Everything that is asked, in this order."""
