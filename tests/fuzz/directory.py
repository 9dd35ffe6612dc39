"""Records of the directory's topic: cards, keys, revocations, heads. Public, and signed by whom they are about."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, Final

from samband.schemas import card, head, key_card, reference_key
from samband.schemas.card import SIGNED_CARD
from samband.schemas.codec import frame, is_framed, unframe
from samband.schemas.head import SIGNED_HEAD
from samband.schemas.key_card import SIGNED_KEY, Reason, Revocation
from samband.schemas.reference_key import SIGNED_REFERENCE, Reference
from samband.streams.crypto.keys import Purpose
from samband.streams.directory import Directory
from samband.streams.directory_records import kid_of_card, revoke
from samband.streams.references import seal_reference, sign_reference
from samband.streams.root import sign_by
from tests.fuzz.parts import avro, framed
from tests.fuzz.target import Target, world
from tests.gate.world import NOW

__all__ = ["TARGETS"]


def _of(codec: Any) -> list[bytes]:
    found = [*world().records, world().last_head]
    return [value for value in found if is_framed(codec, value)]


def _inner(codec: Any, field: str) -> list[bytes]:
    return [unframe(codec, value)[field] for value in _of(codec)]


@cache
def _revocation() -> Revocation:
    made = key_card.KeyCard.decode(_inner(SIGNED_KEY, "key")[0])
    return Revocation(revoked=kid_of_card(world().realm, made), party=made.party, at=NOW, reason=Reason.STOLEN)


def _revoked() -> bytes:
    return revoke(_of(SIGNED_KEY)[0], _revocation(), [world().signer])


def _one_form(kind: Any, data: bytes) -> None:
    """Decode; what was taken must be encoded to the same bytes."""
    assert kind.decode(data).encode() == data


def _learn(value: bytes) -> None:
    """Give a record to a directory that has all others."""
    made = Directory(world().root)
    for each in _few():
        made.learn(each, NOW)
    made.learn(value, NOW)


@cache
def _few() -> list[bytes]:
    return [*_of(SIGNED_CARD), *_of(SIGNED_KEY)[:4]]


def _card(data: bytes) -> None:
    _learn(frame(SIGNED_CARD, {"v": 1, "card": data, "sigs": sign_by([world().signer], "card", data)}))


def _key(data: bytes) -> None:
    signer = world().roots["hub"]
    fields = {"key": data, "kid": signer.kid, "sig": signer.sign("key", data), "revocation": None}
    _learn(frame(SIGNED_KEY, {"v": 1, **fields}))


def _head(data: bytes) -> None:
    signer = world().head_key
    _learn(frame(SIGNED_HEAD, {"v": 1, "head": data, "kid": signer.kid, "sig": signer.sign("head", data)}))


@cache
def _announced() -> Reference:
    hop = world().directory.seal_key("skola", Purpose.PARTY_HOP, NOW)
    return seal_reference(
        hop, bytes(32), agreement=world().root.agreement, party="skola", e=2, effective_from=NOW + 1, issued=NOW
    )


def _reference(data: bytes) -> None:
    _learn(frame(SIGNED_REFERENCE, {"v": 1, "reference": data, "sigs": sign_by([world().signer], "reference", data)}))


def _values() -> list[bytes]:
    return [*_of(SIGNED_CARD), *_of(SIGNED_KEY), _revoked()]


TARGETS: Final = (
    Target("card", lambda: _inner(SIGNED_CARD, "card"), partial(_one_form, card.Card), avro(card._CARD.schema), 2.0),
    Target(
        "key", lambda: _inner(SIGNED_KEY, "key"), partial(_one_form, key_card.KeyCard), avro(key_card._KEY.schema), 2.0
    ),
    Target(
        "revocation",
        lambda: [_revocation().encode()],
        partial(_one_form, Revocation),
        avro(key_card._REVOCATION.schema),
        2.0,
    ),
    Target("head", lambda: _inner(SIGNED_HEAD, "head"), partial(_one_form, head.Head), avro(head._HEAD.schema), 2.0),
    Target(
        "reference",
        lambda: [_announced().encode()],
        partial(_one_form, Reference),
        avro(reference_key._REFERENCE.schema),
        2.0,
    ),
    Target(
        "directory.reference",
        lambda: [sign_reference([world().signer], _announced())],
        _learn,
        framed(avro(SIGNED_REFERENCE.schema)),
        0.2,
    ),
    Target(
        "directory.reference.signed",
        lambda: [_announced().encode()],
        _reference,
        avro(reference_key._REFERENCE.schema),
        0.2,
    ),
    Target("directory.card", lambda: _of(SIGNED_CARD), _learn, framed(avro(SIGNED_CARD.schema)), 0.2),
    Target("directory.key", _values, _learn, framed(avro(SIGNED_KEY.schema)), 0.2),
    Target("directory.head", lambda: _of(SIGNED_HEAD), _learn, framed(avro(SIGNED_HEAD.schema)), 0.2),
    Target("directory.card.signed", lambda: _inner(SIGNED_CARD, "card"), _card, avro(card._CARD.schema), 0.2),
    Target("directory.key.signed", lambda: _inner(SIGNED_KEY, "key"), _key, avro(key_card._KEY.schema), 0.2),
    Target("directory.head.signed", lambda: _inner(SIGNED_HEAD, "head"), _head, avro(head._HEAD.schema), 0.2),
)
