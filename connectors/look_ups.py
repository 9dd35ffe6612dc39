"""Somebody looks a child up at this party, by the number: logged with a reason before anything is shown.

    message = log_look_up(party, number, user={"id": …, "role": …}, reason="…", function="desk", now=now)
    look_ups(party)                          who looked, when and why, newest first
    before(party, number)                    the same of one child

The event (`act.logged`, LOOKED_UP) is in the outbox, durable, when this returns. Who it was and why is kept sealed in
the party's own store, where the digest in the log proves it, and is shown to whoever comes next.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from samband.connectors.client import Client
from samband.schemas.errors import InputError
from samband.schemas.event_bodies import Act, ActLogged, Digest
from samband.schemas.identifiers import ChildIdentifier
from samband.streams.crypto.reference import partition_of

if TYPE_CHECKING:
    from samband.connectors.party import Party

__all__ = ["LONGEST", "SHORTEST", "before", "every_look_up", "log_look_up", "look_ups"]

SHORTEST: Final = 10
LONGEST: Final = 500
_LISTED: Final = 100
_COUNT: Final = "console/look-ups"


def log_look_up(
    party: Party, number: ChildIdentifier, *, user: Mapping[str, str], reason: str, function: str, now: datetime,
    unit: str = "",
) -> bytes:  # fmt: skip
    """Take the event into the outbox and return its id; when this returns, it is on the disk.

    Raises:
        InputError: the reason is too short (`CONSOLE_REASON`).
        OperatorError: it could not be kept, so nothing may be shown.
    """
    if len(reason) < SHORTEST:
        raise InputError("CONSOLE_REASON", f"the reason has at least {SHORTEST} characters")
    at = int(now.timestamp() * 1000)
    ref = party.ref(number, party.epoch(at)).hex()
    told = {"at": at, "user": user["id"], "reason": reason, "ref": ref, "salt": secrets.token_hex(32)}
    described = json.dumps(told, ensure_ascii=False, sort_keys=True).encode()
    body = ActLogged(Act.LOOKED_UP, function, Digest(hashlib.sha256(described).digest()), 1)
    draft = Client(party).event(body, child=number, now=now, unit=unit, acting_user=user)
    store = party.store
    with store.transaction():
        following = (store.number(_COUNT) or 0) + 1
        store.keep_number(_COUNT, following)
        store.keep_sealed(f"{_COUNT}/{following}", described)
        store.add_draft(draft, partition_of(draft.ref, party.root.shards))
    return draft.message_id


def look_ups(party: Party) -> list[dict[str, Any]]:
    """Return who looked at a child, newest first: `at`, `user`, `reason`, and the child's pseudonym `ref`."""
    return list(islice(every_look_up(party), _LISTED))


def before(party: Party, number: ChildIdentifier) -> list[dict[str, Any]]:
    """Return who has looked one child up, newest first."""
    known = {ref.hex() for ref in party.refs(number)}
    return [each for each in look_ups(party) if each["ref"] in known]


def every_look_up(party: Party) -> Iterator[dict[str, Any]]:
    """Yield the same for every look-up ever."""
    for number in range(party.store.number(_COUNT) or 0, 0, -1):
        kept = party.store.sealed(f"{_COUNT}/{number}")
        if kept is not None:
            yield json.loads(kept)
