"""What an adapter is: the last step of a message, from the connector into a party's own system.

The service opens a message, compares it with what was judged, and hands a `Delivery` to the party's adapter. The
adapter translates and nothing more: it holds no state that a crash could lose, no key to content and no connection to
Kafka. Three rules hold for each, and `tests/contracts/` asks them of each:

- `deliver` returns only when the far side durably has the message, and may be called again with the same one after
  any crash. Every adapter's module says at its top what a repeat becomes there (promise 5): exactly once, or at least
  once with the same id.
- A *held* delivery is a reference. It tells that something came and how to fetch it; it tells nobody what, about whom
  or from whom. Even the conversation is left out, since it would tie the reference to earlier messages that name the
  child.
- An error names the far side, never the message's content.

Example: what a far side gets of a held message:

    {"created": "2026-11-22T08:00:00.000Z", "decided_at": "2026-11-22T08:00:01.000Z", "decision": "5c…", "held": true,
     "fetch": "samband inbox show 7d…", "notice": "…", "message_id": "7d…", "samband": "1", "unit": "SE2120…-A1",
     "registration": {"received": "2026-11-22T08:00:02.000Z", "note": "Inkommen handling. …"}}

No adapter's own code may live here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from samband.schemas.catalogue import CATALOGUE
from samband.schemas.errors import DeliveryError, InputError

__all__ = [
    "HELD_NOTICE",
    "REGISTRATION_NOTE",
    "VERSION",
    "Adapter",
    "Attachment",
    "Delivery",
    "Waiting",
    "encode",
    "is_message_id",
    "rfc3339",
]

VERSION: Final = "1"
"""The form of `Delivery.document`, carried in its field `samband`."""

HELD_NOTICE: Final = (
    "The content is held back in the connector. The command in `fetch` shows it to those who have the right to read "
    "held messages; the reading is logged."
)

REGISTRATION_NOTE: Final = (
    "Inkommen handling. Hos en myndighet är den en allmän handling, som registreras eller hålls ordnad enligt 5 kap. "
    "offentlighets- och sekretesslagen (2009:400). Sambands egen kopia är transport."
)
"""For the recipient's registrar, in Swedish, since the law and its register are."""

_ID = re.compile(r"[0-9a-f]{32}")
_HEX = re.compile(r"[0-9a-f]+")


def is_message_id(text: str) -> bool:
    """Say whether a text is a message id: 32 lower-case hexadecimal digits."""
    return _ID.fullmatch(text) is not None


def rfc3339(moment: datetime) -> str:
    """Write an aware UTC time in the one form that documents use: milliseconds and `Z` (RFC 3339 section 5.6)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encode(document: Mapping[str, object]) -> bytes:
    """Write a document as UTF-8 JSON; the same document always gives the same bytes, so that a repeat can be told.

    Raises:
        DeliveryError: `DELIVERY_FORM`, when something in it has no JSON form. The text that failed is not shown.
    """
    with suppress(TypeError, ValueError, RecursionError):
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
        return text.encode()
    # Raised out here, it carries no context: Python's own error holds the text that failed.
    raise DeliveryError("DELIVERY_FORM", "the message has a field that cannot be written as json")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message. Its name may be a child's: it is in no log and no error."""

    number: int
    """Its place, from 1, as people count."""
    name: str = field(repr=False)
    """Composed (NFC), without path and of visible characters."""
    media_type: str
    size: int
    """Bytes."""
    sha256: str
    """Of the whole, in lower-case hex: it was verified before the message was handed over."""
    read: Callable[[], Iterator[bytes]] = field(repr=False)
    """Yield its bytes, half a megabyte at most at a time; may be called again."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One opened and verified message on its way into a party's own system.

    Raises:
        InputError: `DELIVERY_FIELD`, when an id, the decision or a time has not the form said below.
    """

    message_id: str
    """32 lower-case hexadecimal digits, as `conversation` and `ref_to`. Adapters make file names of it."""
    conversation: str
    ref_to: str | None
    type: str
    sender_unit: str
    sender_party: str
    unit: str
    """The receiving unit."""
    created: datetime
    """Aware UTC, as `decided_at` and `received`."""
    decided_at: datetime
    received: datetime
    """When the connector had it: the day on which it came in (OSL 5:2)."""
    grounds: tuple[str, ...]
    obligations: tuple[str, ...]
    categories: tuple[str, ...]
    decision: str
    """The log entry that permits this hand-over, in lower-case hex: without one there is no delivery (promise 1)."""
    content: Mapping[str, object] | None = field(repr=False)
    """JSON values, or None when held back. Not in `repr`, which ends up in logs."""
    attachments: tuple[Attachment, ...] = field(default=(), repr=False)
    """The files that `content` names, in its order; none of what is held back."""

    def __post_init__(self) -> None:
        for name, text in (
            ("message_id", self.message_id),
            ("conversation", self.conversation),
            ("ref_to", self.ref_to),
        ):
            if text is not None and not is_message_id(text):
                raise InputError("DELIVERY_FIELD", f"`{name}` must be 32 lower-case hexadecimal digits")
        if not _HEX.fullmatch(self.decision):
            raise InputError("DELIVERY_FIELD", "`decision` must be lower-case hexadecimal digits")
        times = (("created", self.created), ("decided_at", self.decided_at), ("received", self.received))
        for name, moment in times:
            if moment.utcoffset() != timedelta(0):
                raise InputError("DELIVERY_FIELD", f"`{name}` must be a time in utc")

    @property
    def held(self) -> bool:
        """Say whether only a reference is handed over."""
        return self.content is None

    def document(self) -> dict[str, object]:
        """Return the one JSON form that every adapter hands over; of a held message, the reference only."""
        reference: dict[str, object] = {
            "samband": VERSION,
            "message_id": self.message_id,
            "unit": self.unit,
            "created": rfc3339(self.created),
            "decided_at": rfc3339(self.decided_at),
            "decision": self.decision,
            "held": self.held,
        }
        registration: dict[str, object] = {"received": rfc3339(self.received), "note": REGISTRATION_NOTE}
        if self.content is None:
            fetch = f"samband inbox show {self.message_id}"
            return reference | {"fetch": fetch, "notice": HELD_NOTICE, "registration": registration}
        row = CATALOGUE.get(self.type)
        return reference | {
            "registration": registration
            | {
                "from": self.sender_unit,
                "from_party": self.sender_party,
                "what": row.label_sv if row else self.type,
                "sender_reference": self.content.get("sender_reference"),
            },
            "conversation": self.conversation,
            "ref_to": self.ref_to,
            "type": self.type,
            "sender_unit": self.sender_unit,
            "sender_party": self.sender_party,
            "grounds": list(self.grounds),
            "obligations": list(self.obligations),
            "categories": list(self.categories),
            "content": dict(self.content),
        }


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that was handed over and that nobody has acknowledged."""

    message_id: str
    since: datetime
    """When it was handed over; aware UTC."""


class Adapter(Protocol):
    """What the service needs of a far side."""

    async def deliver(self, delivery: Delivery) -> None:
        """Hand a message over; return when the far side durably has it, and then for every repeat of it too.

        Raises:
            DeliveryError: it has not, or not surely; `retriable` says whether the same call may succeed later.
        """
        ...

    async def acknowledged(self) -> Sequence[str]:
        """Return the ids of messages that the far side has acknowledged, and that it may have told before.

        Raises:
            DeliveryError: the far side cannot be asked now.
        """
        ...

    async def waiting(self) -> Sequence[Waiting]:
        """Return what was handed over and not acknowledged, oldest first; nothing where the far side cannot tell.

        Raises:
            DeliveryError: the far side cannot be asked now.
        """
        ...

    async def close(self) -> None:
        """Let go of connections; the adapter is not used afterwards."""
        ...
