"""What a target is, and the small world that all of them live in."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from samband.schemas import events
from samband.schemas.errors import OperatorError
from samband.schemas.events import Giver, GiverRole, Level, Member
from samband.schemas.routing import Routing
from samband.streams import topics
from samband.streams.crypto.hub import HubStore
from tests.fuzz.parts import Split, raw
from tests.gate.world import Gate, World, consent

__all__ = ["TOPIC", "Target", "audit_key", "gate", "history", "once", "scratch", "world"]

TOPIC: Final = topics.outbox("barn")


@dataclass(frozen=True, slots=True)
class Target:
    """A way in.

    `run` may return or raise a `SambandError`; anything else, an assertion of its own included, is a finding. What it
    returns, if it is a tuple, tells one way to be taken from another.
    """

    name: str
    seeds: Callable[[], list[bytes]]
    """Valid encodings; asked for in the process that runs the cases."""
    run: Callable[[bytes], object]
    split: Split = raw
    share: float = 1.0
    """Of the cases: less where one takes long."""


@cache
def world() -> World:
    """Return the authority, the hub and three parties."""
    return World("fuzz")


@cache
def audit_key(month: int) -> HubStore:
    """Return a month's key, kept.

    Raises:
        OperatorError: there is none, as where it was destroyed.
    """
    if not 0 <= month < 1_000_000:
        raise OperatorError("KEY_FILE_MISSING", "no such month")
    return world().audit_key(month)


@cache
def history() -> Gate:
    """Return a gate that knows something: a consent, a circle, a permitted message, an open one, a receipt."""
    made = Gate(world(), new_per_hour=1 << 60)
    report = world().concern()
    made.say(world().event(events.CircleUpdate((Member("SKOLA", "school", 0),), claim=True), "IFO"))
    made.say(world().event(consent(givers=(Giver(GiverRole.GUARDIAN, "guardian-1"),)), "IFO"))
    made.say(report, world().notice())
    made.say(world().receipt(report, Level.HANDED_OVER))
    return made


@cache
def gate() -> tuple[Gate, dict[bytes, bytes]]:
    """Return that gate, and its state, which no case changes."""
    made = history()
    return made, dict(made.state.values)


@cache
def scratch() -> Path:
    """Return a folder that is gone with the process that asked first."""
    folder = Path(tempfile.mkdtemp(prefix="samband-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def once(party: str, draft: Any) -> tuple[str, Routing, bytes]:
    """Return (party, label, sealed content) of a draft."""
    message = world().seal(draft)
    return party, Routing.decode(message.routing), message.content
