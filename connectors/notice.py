"""Tells a unit that has only a desk, by mail to a function's address, that something waits there to be opened.

    async with noticing(party): …            beside the running connector; nothing where there is no `[notice]`

What it counts: letters at the desk that nobody has opened and that no mail has told. A letter about a protected child
is never counted and causes no mail, nor does any other letter about that child. What it keeps, in the party's store:
which letters are told, when, and how it went. Before the mail itself is said the try is kept, so that whatever ends
the process, the notice is neither lost nor told again and again: after one end at the worst moment it comes twice, with
the same Message-ID; after two it waits a whole period. The mail's server never holds a hand-over up.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from samband.connectors.mail import PATIENCE_S, UNSURE, NoticeSettings, NoticeUnit, Talk, is_open, mail
from samband.schemas.errors import DeliveryError, SambandError
from samband.streams.decision.conditions import HOLD_PROTECTED

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.connectors.store import InboxRow, Store

__all__ = ["Failing", "Notices", "State", "failing", "may_try", "noticing"]

log = logging.getLogger("samband.connector")

_LOOK_S: Final = 5.0
_WHOLE_S: Final = 4 * PATIENCE_S
"""How long one mail may take from the connection to its answer."""
_FIRST_MS: Final = 30_000
_MOST_MS: Final = 3_600_000


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a unit's notice stands. Times are ms since 1970 UTC."""

    told: tuple[int, ...] = ()
    """The store's numbers of letters that a mail has told and nobody has opened."""
    mailed: int = 0
    tried: int = 0
    failures: int = 0
    """Tries in a row."""
    unsure: int = 0
    """How many of them the server may have taken."""
    since: int = 0
    """When the first of them was."""
    code: str = ""
    telling: tuple[int, ...] = ()
    """What the last try told."""
    message_id: str = ""


class Failing(NamedTuple):
    """A unit whose notice is tried and does not go."""

    unit: str
    code: str
    failures: int
    since: int


def may_try(state: State, every_minutes: int, now: int) -> bool:
    """Say whether a mail may be tried: not more often than one a period, after failures less and less often.

    A clock that was set back holds nothing up: what is said to have been in the future is not waited for.
    """
    period = every_minutes * 60_000
    wait = min(_FIRST_MS << min(state.failures - 1, 10), _MOST_MS) if state.failures else 0
    if state.unsure > 1:
        wait = max(wait, period)
    return not (state.mailed and 0 <= now - state.mailed < period) and not 0 <= now - state.tried < wait


def kept(store: Store, unit: str) -> State:
    """Return how a unit's notice stands."""
    data = store.kept(f"notice/{unit}")
    return State() if data is None else msgspec.json.decode(data, type=State)


def failing(party: Party) -> Iterator[Failing]:
    """Yield the units whose last notice was not taken."""
    settings = party.settings.notice
    for each in () if settings is None else settings.unit:
        state = kept(party.store, each.unit)
        if state.failures:
            yield Failing(each.unit, state.code, state.failures, state.since)


@asynccontextmanager
async def noticing(party: Party) -> AsyncIterator[None]:
    """Mail notices while the context lasts, where the party's settings ask for it."""
    settings = party.settings.notice
    if settings is None:
        yield
        return
    notices = Notices(party, settings)
    tasks = [asyncio.create_task(notices.keep_looking(each)) for each in settings.unit]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Notices:
    """The notices of one party."""

    def __init__(self, party: Party, settings: NoticeSettings) -> None:
        self._party = party
        self._store = party.store
        self._settings = settings
        self._silent: set[int] = set()
        """Letters that are never told."""

    async def keep_looking(self, unit: NoticeUnit) -> None:
        """Look again and again; whatever happens ends no loop."""
        while True:
            try:
                await self.look(unit, datetime.now(UTC))
            except Exception as error:
                code = error.code if isinstance(error, SambandError) else type(error).__name__
                log.warning("notice not looked for", extra={"code": code})
            await asyncio.sleep(_LOOK_S)

    async def look(self, unit: NoticeUnit, now: datetime) -> None:
        """Mail what is to be told, if it is time; `now` is aware."""
        state, ms = kept(self._store, unit.unit), int(now.timestamp() * 1000)
        unopened = self._store.unopened(unit.unit)
        if not unopened.keys() - set(state.told) - self._silent:
            self._nothing(unit, state)
            return
        if not may_try(state, unit.every_minutes, ms) or not is_open(unit.open, now):
            return
        new = tuple(number for number in sorted(unopened.keys() - set(state.told)) if self._tells(unopened[number]))
        if not new:
            self._nothing(unit, state)
            return
        told = tuple(sorted(unopened.keys() & set(state.told)))
        again = state.telling == new and state.message_id
        state = msgspec.structs.replace(
            state, told=told, telling=new, message_id=state.message_id if again else secrets.token_hex(16)
        )
        try:
            await self._say(unit, state, now, ms)
        except DeliveryError as error:
            failed = _failed(state, error.code, ms)
            self._keep(unit, failed)
            log.warning("notice not mailed", extra={"code": error.code, "failures": failed.failures})
        else:
            self._keep(unit, State(told=told + new, mailed=ms))
            log.info("notice mailed")

    async def _say(self, unit: NoticeUnit, state: State, now: datetime, ms: int) -> None:
        """Say a mail; before its own words the try is kept, as one that the server may have taken."""
        talk = Talk(self._settings)
        made = mail(self._settings, unit.to, len(state.telling), state.message_id, now)
        begun = False
        try:
            async with asyncio.timeout(_WHOLE_S):
                await _in_thread(lambda: talk.begin(unit.to))
                self._keep(unit, _failed(state, UNSURE, ms))
                begun = True
                await _in_thread(lambda: talk.send(made))
        except TimeoutError:
            raise DeliveryError(
                UNSURE if begun else "NOTICE_AWAY", "the mail server takes too long", retriable=True
            ) from None
        finally:
            talk.close()

    def _tells(self, message_id: bytes) -> bool:
        """Say whether a letter is told: not where it, or any about the same child, is about a protected one."""
        row = self._store.letter(message_id)
        if row is None:
            return False
        if not row.erased and not any(map(_protected, self._store.letters_about(*self._refs(row)))):
            return True
        self._silent.add(row.id)
        return False

    def _refs(self, row: InboxRow) -> tuple[bytes, ...]:
        """Return what a letter's child is called here, under earlier keys too."""
        number = (row.letter["content"] or {}).get("child_identifier", "")
        return tuple({row.ref, *(self._party.refs(number) if number else ())})

    def _nothing(self, unit: NoticeUnit, state: State) -> None:
        """There is nothing to tell any more: what failed has no meaning now."""
        if state.failures:
            self._keep(unit, State(told=state.told, mailed=state.mailed))

    def _keep(self, unit: NoticeUnit, state: State) -> None:
        with self._store.transaction():
            self._store.keep(f"notice/{unit.unit}", msgspec.json.encode(state))


def _failed(state: State, code: str, now: int) -> State:
    return msgspec.structs.replace(
        state, tried=now, failures=state.failures + 1, unsure=state.unsure + (code == UNSURE),
        since=state.since or now, code=code,
    )  # fmt: skip


def _protected(row: InboxRow) -> bool:
    return row.held or HOLD_PROTECTED in row.letter.get("obligations", ())


async def _in_thread(work: Callable[[], None]) -> None:
    """Do what waits for a server in a thread that no end of the process waits for."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)
        with contextlib.suppress(RuntimeError):  # the loop is gone
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=run, name="notice", daemon=True).start()
    await done.wait()
    if failed:
        raise failed[0]
