"""Disposal: a party's own copies of what was handed over go when its disposal decision says so.

    dispose(party, now)        one batch; how many contents are gone

Without a decision (gallringsbeslut) in `connector.toml` nothing is erased. Nothing goes before it was handed over, nor
sooner than `transport_days` after its terminal receipt. Each batch is one transaction of the store: the contents, and
an `act.logged` event with how many and the digest of which, so that the log can show every erasure and no other.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final

from samband.connectors.client import Client
from samband.schemas.events import Act, ActLogged, Digest
from samband.schemas.identifiers import without_number
from samband.schemas.retention import Keep, Place, Retention, rows
from samband.streams.crypto.reference import partition_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from samband.connectors.party import Party

__all__ = ["Held", "dispose", "due", "erased_digest", "held"]

_BATCH: Final = 200
_FUNCTION: Final = "disposal"
"""Who does it, as an act's function: the connector itself, by the party's decision."""


@dataclass(frozen=True, slots=True)
class Held:
    """How much of one category this party's Samband holds, and when the oldest may go."""

    retention: Retention
    count: int | None
    """None where it cannot be counted."""
    due: int
    """How many may go now, by the party's decision."""
    next: datetime | None


def _before(party: Party, now: datetime) -> int:
    return int((now - timedelta(days=party.settings.retention.transport_days)).timestamp() * 1000)


def due(party: Party, now: datetime) -> int:
    """Return how many letters' contents may go now, decided or not."""
    return len(party.store.erasable(_before(party, now), -1))


def dispose(party: Party, now: datetime) -> int:
    """Erase the oldest contents whose time is over, at most a batch, and return how many; 0 without a decision.

    Raises:
        OperatorError: the party's own card is not here, or the store cannot be written.
    """
    decision = party.settings.retention.decision
    found = party.store.erasable(_before(party, now), _BATCH) if decision else []
    if not found:
        return 0
    client, at = Client(party), int(now.timestamp() * 1000)
    own = {unit.id for unit in party.units}
    with party.store.transaction():
        for unit, letters in groupby(sorted(found, key=lambda each: each[1]), key=lambda each: each[1]):
            ids = [message_id for message_id, _ in letters]
            for message_id in ids:
                party.store.erase_letter(message_id, at, decision)
            act = ActLogged(Act.TRANSPORT_ERASED, _FUNCTION, Digest(erased_digest(party, ids)), len(ids))
            nobody = without_number(secrets.token_bytes(16))  # the act is about no child
            # A unit that no longer is lets another of the party's say it.
            speaker = unit if unit in own else min(own, default="")
            draft = client.event(act, child=nobody, now=now, unit=speaker)
            party.store.add_draft(draft, partition_of(draft.ref, party.root.shards))
    if len(found) < _BATCH:
        party.store.scrub()
    return len(found)


def erased_digest(party: Party, ids: Sequence[bytes]) -> bytes:
    """Return what the log holds of which messages an erasure was about: SHA-256(D("erased") ‖ the ids, sorted)."""
    return hashlib.sha256(party.root.realm.domain("erased") + b"".join(sorted(ids))).digest()


def held(party: Party, now: datetime) -> list[Held]:
    """Return what this party's Samband holds, by category of the retention table."""
    counts, days = party.store.holdings(), party.settings.retention.transport_days
    found = []
    for row in rows().values():
        if row.place is not Place.PARTY:
            continue
        count, oldest = counts.get(row.category, (None, None))
        start = None if oldest is None else datetime.fromtimestamp(oldest / 1000, UTC)
        if row.category == "transport.letter":
            ends, can_go = start and start + timedelta(days=days), due(party, now)
        else:
            ends, can_go = (start and row.ends(start)) if row.unit is not Keep.AT_ONCE else None, 0
        found.append(Held(row, count, can_go, ends))
    return found
