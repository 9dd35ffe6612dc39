"""What answers a message, and what stops one: drafts of receipts and recalls, for whoever keeps them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from samband.schemas import events
from samband.schemas.events import Id16, Level, Recall, Receipt
from samband.schemas.reference_key import FIRST_EPOCH
from samband.schemas.routing import NO_COMMIT
from samband.streams.outbox import Draft

if TYPE_CHECKING:
    from samband.connectors.party import Party

__all__ = ["recall_of", "receipt_for"]

_DAY_MS: Final = 86_400_000


def receipt_for(
    party: Party, letter: dict[str, Any], ref: bytes, message_id: bytes, level: Level, code: str, now: int
) -> Draft:
    """Return the receipt that answers a letter."""
    return Draft(
        agreement=party.root.agreement,
        message_id=secrets.token_bytes(16),
        conversation=bytes.fromhex(letter["conversation"]),
        ref_to=message_id,
        sender=letter["unit"],
        recipient=letter["sender_unit"],
        e=letter.get("e", FIRST_EPOCH),
        ref=ref,
        type="receipt",
        age_band=letter["age_band"],
        created=now,
        expires=now + 13 * _DAY_MS,
        body=events.encode(Receipt(Id16(message_id), level, code, now // 1000)),
    )


def recall_of(draft: Draft, code: str, now: int, recall_id: bytes | None = None) -> Draft:
    """Return the recall that stops a message of ours."""
    return replace(
        draft,
        message_id=recall_id or secrets.token_bytes(16),
        type="recall",
        categories=(),
        created=now,
        expires=now + _DAY_MS,
        content=None,
        content_schema=bytes(32),
        user=NO_COMMIT,
        body=events.encode(Recall(Id16(draft.message_id), code)),
    )
