"""A child, at a party that holds the reference key: only by entering the number, with a reason that the log holds.

The number stands in no address and no cookie; the answer is the page itself and is nowhere kept. First the look-up is
in the outbox, durable, as an `act.logged` event (LOOKED_UP); then the data is read. Who looked, when, and why is kept
sealed in the party's own store, where the digest in the log proves it, and is shown to whoever comes next.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from samband.connectors.console.ask import Ask, Shown
from samband.connectors.console.roles import Page, Right, may
from samband.schemas.errors import InputError
from samband.schemas.event_bodies import Act, ActLogged, Digest
from samband.schemas.identifiers import normalise

if TYPE_CHECKING:
    from samband.connectors.party import Party

__all__ = ["child", "every_look_up", "look_up", "look_ups"]

_FUNCTION: Final = "console"
_SHORTEST: Final = 10
_LONGEST: Final = 500
_LISTED: Final = 100
_COUNT: Final = "console/look-ups"


def child(ask: Ask) -> Shown:
    """Show the form, and who has looked before."""
    with ask.house.party() as party:
        return Shown(
            "child",
            party=party.name,
            units=[unit for unit in party.units if not unit.retired],
            may_look=may(ask.session.roles, Page.CHILD, Right.LOOK_UP),
            looks=look_ups(party),
            found=None,
        )


def look_up(ask: Ask) -> Shown:
    """Log that somebody looks and why, then show what the party's Samband holds about the child.

    Raises:
        InputError: the number or the reason cannot be used; the error does not repeat it.
        OperatorError: it could not be logged, so nothing is shown.
    """
    from samband.connectors.book import ConsentBook
    from samband.connectors.subject_access import Reader, about

    number = normalise(ask.form.text("number"))
    reason = ask.form.text("reason", _LONGEST)
    if len(reason) < _SHORTEST:
        raise InputError("CONSOLE_REASON", f"the reason has at least {_SHORTEST} characters")
    with ask.house.party() as party:
        known = {ref.hex() for ref in party.refs(number)}
        before = [each for each in look_ups(party) if each["ref"] in known]
        logged = _log(ask, party, number, reason)
        found = about(party, number, Reader.CHILD, ask.now, consents=ConsentBook(party).entries())
        return Shown(
            "child",
            party=party.name,
            units=[unit for unit in party.units if not unit.retired],
            may_look=True,
            looks=look_ups(party),
            before=before,
            logged=logged.hex(),
            found=found,
            ref=_now(party, number, ask),
        )


def _now(party: Party, number: str, ask: Ask) -> str:
    """Return the reference that stands for the child now."""
    return party.ref(number, party.epoch(int(ask.now.timestamp() * 1000))).hex()


def _log(ask: Ask, party: Party, number: str, reason: str) -> bytes:
    """Take the event into the outbox and return its id; when this returns, it is on the disk."""
    from samband.connectors.client import Client
    from samband.streams.crypto.reference import partition_of

    at = int(ask.now.timestamp() * 1000)
    told = {
        "at": at, "user": ask.session.user, "reason": reason, "ref": _now(party, number, ask),
        "salt": secrets.token_hex(32),
    }  # fmt: skip
    described = json.dumps(told, ensure_ascii=False, sort_keys=True).encode()
    body = ActLogged(Act.LOOKED_UP, _FUNCTION, Digest(hashlib.sha256(described).digest()), 1)
    user = {"id": ask.session.user, "role": "console"}
    draft = Client(party).event(body, child=number, now=ask.now, unit=ask.form.text("unit"), acting_user=user)
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


def every_look_up(party: Party) -> Iterator[dict[str, Any]]:
    """Yield the same for every look-up ever."""
    for number in range(party.store.number(_COUNT) or 0, 0, -1):
        kept = party.store.sealed(f"{_COUNT}/{number}")
        if kept is not None:
            yield json.loads(kept)
