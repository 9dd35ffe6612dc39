"""Bodies of the events that the gate reads: consent, circle, marks, receipts and recalls.

A body travels in routing, so it holds codes, times, units and digests only: no free text, no birth date, nothing that
names a child. Texts are sealed in the message's content. Every string fits `[A-Za-z0-9._:-]{0,64}`.

    body = ConsentWithdrawn(Scope.EVERYTHING, giver_role=GiverRole.CHILD)
    decode("consent.withdrawn", encode(body)) == body

The struct is the Avro record: `_avro` derives the one from the other, so they cannot drift apart. `decode` accepts
exactly the bytes that `encode` writes. Times are whole seconds since 1970 UTC.
"""

from __future__ import annotations

import io
import re
from enum import StrEnum
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin, get_type_hints

import fastavro
from msgspec import Struct

from samband.schemas.errors import FormatError
from samband.schemas.event_bodies import (
    Act,
    ActLogged,
    CardBytes,
    ChildView,
    CircleAccepted,
    CircleHandover,
    CircleUpdate,
    ConsentConfirmed,
    ConsentDisputed,
    ConsentGiven,
    ConsentRefused,
    ConsentSigned,
    ConsentWithdrawn,
    Digest,
    EventBody,
    GivenHow,
    Giver,
    GiverRole,
    GroundMotivated,
    Id16,
    IdentityChanged,
    InvestigationDeclared,
    KeySaid,
    Level,
    LogCosigned,
    MarkKind,
    Maturity,
    MaturityAssessed,
    Member,
    Objection,
    ProtectionMarked,
    Recall,
    Receipt,
    Recipient,
    Scope,
    View,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "EVENTS",
    "Act",
    "ActLogged",
    "CardBytes",
    "ChildView",
    "CircleAccepted",
    "CircleHandover",
    "CircleUpdate",
    "ConsentConfirmed",
    "ConsentDisputed",
    "ConsentGiven",
    "ConsentRefused",
    "ConsentSigned",
    "ConsentWithdrawn",
    "Digest",
    "EventBody",
    "GivenHow",
    "Giver",
    "GiverRole",
    "GroundMotivated",
    "Id16",
    "IdentityChanged",
    "InvestigationDeclared",
    "KeySaid",
    "Level",
    "LogCosigned",
    "MarkKind",
    "Maturity",
    "MaturityAssessed",
    "Member",
    "Objection",
    "ProtectionMarked",
    "Recall",
    "Receipt",
    "Recipient",
    "Scope",
    "View",
    "decode",
    "encode",
    "name_of",
]

EVENTS: Final[Mapping[str, type[EventBody]]] = MappingProxyType(
    {
        "consent.given": ConsentGiven,
        "consent.signed": ConsentSigned,
        "consent.confirmed": ConsentConfirmed,
        "consent.disputed": ConsentDisputed,
        "consent.withdrawn": ConsentWithdrawn,
        "consent.refused": ConsentRefused,
        "maturity.assessed": MaturityAssessed,
        "protection.marked": ProtectionMarked,
        "circle.update": CircleUpdate,
        "circle.handover": CircleHandover,
        "circle.accepted": CircleAccepted,
        "investigation.declared": InvestigationDeclared,
        "ground.motivated": GroundMotivated,
        "identity.changed": IdentityChanged,
        "act.logged": ActLogged,
        "key.card": KeySaid,
        "log.cosigned": LogCosigned,
        "receipt": Receipt,
        "recall": Recall,
    }
)
"""The body of each event type."""

_NAMES: Final = MappingProxyType({body: name for name, body in EVENTS.items()})
_STRING: Final = re.compile(r"[A-Za-z0-9._:\-]{0,64}")
_GIVER_ID: Final = re.compile(r"[a-z][a-z_]{0,30}(-[0-9]{1,2})?")
_MAX_ITEMS: Final = 16
_MAX_BYTES: Final = 2048
_BYTES: Final = MappingProxyType({"Id16": 16, "Digest": 32})


def _wrong(why: str) -> FormatError:
    return FormatError("EVENT_FORM", f"the event's body is not valid: {why}")


def name_of(body: EventBody) -> str:
    """Return the message type that carries a body."""
    return _NAMES[type(body)]


def _avro(hint: Any, seen: set[str]) -> Any:
    """Return the Avro type of a field's Python type; a named type is written out once."""
    if get_origin(hint) in (Union, UnionType):
        inner = next(option for option in get_args(hint) if option is not NoneType)
        return ["null", _avro(inner, seen)]
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _avro(get_args(hint)[0], seen)}
    if hint in (str, int, bool):
        return {str: "string", int: "long", bool: "boolean"}[hint]
    name: str = hint.__name__
    if name in seen:
        return name
    if name == "CardBytes":
        return "bytes"
    seen.add(name)
    if name in _BYTES:
        return {"type": "fixed", "name": name, "size": _BYTES[name]}
    if issubclass(hint, StrEnum):
        return {"type": "enum", "name": name, "symbols": [member.name for member in hint]}
    hints = get_type_hints(hint)
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": name, "type": _avro(hints[name], seen)} for name in hint.__struct_fields__],
    }


@cache
def _schema(type_name: str) -> Any:
    return fastavro.parse_schema(_avro(EVENTS[type_name], set()))


def _plain(value: Any) -> Any:
    """Return what Avro writes for a value, after the checks that hold for every field."""
    if isinstance(value, StrEnum):
        return value.name
    if isinstance(value, str):
        if not _STRING.fullmatch(value):
            raise _wrong("a string is not a code")
        return value
    if isinstance(value, tuple):
        if len(value) > _MAX_ITEMS or len(set(value)) != len(value):
            raise _wrong(f"a list repeats itself or has more than {_MAX_ITEMS} items")
        return [_plain(item) for item in value]
    if isinstance(value, Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if value is None or isinstance(value, bool | int | bytes):
        return value
    raise _wrong("a field has the wrong type")


def _build(hint: Any, value: Any) -> Any:
    """Return the Python value of what Avro read."""
    if value is None:
        return None
    if get_origin(hint) in (Union, UnionType):
        return _build(next(option for option in get_args(hint) if option is not NoneType), value)
    if get_origin(hint) is tuple:
        return tuple(_build(get_args(hint)[0], item) for item in value)
    if isinstance(hint, type) and issubclass(hint, Struct):
        hints = get_type_hints(hint)
        return hint(**{name: _build(hints[name], item) for name, item in value.items()})
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint[value]
    return value


def encode(body: EventBody) -> bytes:
    """Check a body and write it as Avro without a header, at most 2 048 bytes.

    Raises:
        FormatError: a field or the whole is not valid (`EVENT_FORM`).
    """
    buffer = io.BytesIO()
    try:
        _check(body)
        fastavro.schemaless_writer(buffer, _schema(name_of(body)), _plain(body), strict=True)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
        raise _wrong("a field has the wrong type") from None
    data = buffer.getvalue()
    if len(data) > _MAX_BYTES:
        raise _wrong(f"over {_MAX_BYTES} bytes")
    return data


def decode(type_name: str, data: bytes) -> EventBody:
    """Read a body; only the bytes that `encode` writes for it are accepted.

    Raises:
        FormatError: no such event, or not its one form (`EVENT_FORM`).
    """
    body_type = EVENTS.get(type_name)
    if body_type is None:
        raise _wrong("no such event")
    if len(data) > _MAX_BYTES:
        raise _wrong(f"over {_MAX_BYTES} bytes")
    try:
        read: Any = fastavro.schemaless_reader(io.BytesIO(data), _schema(type_name), None)
        body: EventBody = _build(body_type, read)
    except Exception:  # whatever a parser trips over is a wrong form
        raise _wrong("unreadable") from None
    if encode(body) != data:
        raise _wrong("not its one form")
    return body


def _check(body: EventBody) -> None:
    """Check what one field cannot say."""
    if getattr(body, "first_said", 0) < 0:
        raise _wrong("a time before 1970")
    match body:
        case ConsentGiven():
            _check_consent(body)
        case ConsentSigned():
            _check_giver(body.giver)
            if body.child_view is not None:
                _check_view(body.child_view)
        case ConsentWithdrawn():
            named = (body.consent_id is not None, bool(body.recipient), body.category is not None)
            if named != tuple(body.scope is scope for scope in (Scope.CONSENT, Scope.RECIPIENT, Scope.CATEGORY)):
                raise _wrong("the scope and what it names differ")
        case ConsentRefused():
            if body.giver:
                _check_giver(body.giver)
        case GroundMotivated():
            if not (body.ground and body.recipients and body.categories and body.function):
                raise _wrong("a motivation names ground, recipients, categories and function")
            if not 0 <= body.valid_from < body.valid_to:
                raise _wrong("a motivation ends after it begins")
        case ProtectionMarked():
            if body.lifted and body.named:
                raise _wrong("a mark that is lifted names nobody")
        case CircleHandover(to=unit) | CircleAccepted(sender=unit):
            if not unit:
                raise _wrong("a handover names a unit")
        case ActLogged():
            if not body.function or body.count < 0:
                raise _wrong("an act names its function")
        case KeySaid():
            if not body.record:
                raise _wrong("a key card is empty")
        case LogCosigned():
            if len(body.signature) != 64 or body.size < 0 or body.timestamp < 0:
                raise _wrong("a cosignature has a size, a time and 64 bytes")
        case CircleUpdate():
            if any(member.valid_to and member.valid_to <= member.valid_from for member in body.members):
                raise _wrong("a member leaves before it enters")
        case _:
            pass


def _check_giver(giver: str) -> None:
    if not _GIVER_ID.fullmatch(giver):
        raise _wrong("a giver's id is a word and at most two digits, such as `guardian-1`")


def _check_view(view: ChildView) -> None:
    if view.view in (View.NOT_ASKED, View.TOO_YOUNG) and not view.code:
        raise _wrong("the child's view needs a code that says why")
    if view.view is not View.OBJECTS and view.objection != Objection():
        raise _wrong("an objection without `objects`")


def _check_consent(body: ConsentGiven) -> None:
    _check_view(body.child_view)
    if not (body.disclosers and body.recipients and body.categories and body.purpose):
        raise _wrong("a consent names disclosers, recipients, categories and a purpose")
    if "" in body.disclosers or any(not recipient.unit for recipient in body.recipients):
        raise _wrong("a unit without id")
    if not 0 <= body.valid_from < body.valid_to:
        raise _wrong("a consent ends after it begins")
    ids = [giver.id for giver in body.givers]
    for giver in ids:
        _check_giver(giver)
    if len(set(ids)) != len(ids) or not any(giver.required for giver in body.givers):
        raise _wrong("givers are named once each, and at least one is required")
    if not set(body.signed_by) <= set(ids):
        raise _wrong("signed by somebody who is no giver")
