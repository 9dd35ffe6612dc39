"""Sealed envelopes in a file: out of a store that cannot reach the hub, into another of the same party that can.

    file = export(party, now)               what the gate has not decided: file.data; the store is as it was
    for each in take_in(party, data, now)   Taken(message_id, "taken" | "known" | "expired" | "key_over", …)

    FILE   = head ‖ lp32 sealed ‖ SHA-256(head ‖ lp32 sealed)
    head   = "samband/1/reserve" 0x0A ‖ realm16 ‖ lp16 party ‖ u64 made (ms) ‖ hop kid32
    sealed = HPKE.Seal(pk[hop kid], u32 n ‖ n × lp32 MESSAGE, info = D("reserve") ‖ SHA-256(head))

What travels in it is MESSAGE and nothing else: sealed to its recipient, signed by the sender, as it lies in a lane. A
label is plain to the gate, and a lane hides it from the network; here the party's own hop key does. So a lost file
tells whose it is, when it was made and how large it is.

Taking it in is not a way around anything: each MESSAGE goes into the outbox of that store, under its numbers and in its
lane, and the gate judges it as it judges everything. It judges a message id once, so it does not matter how often the
file is taken in, nor that the first store says the same when the network is back. Decision 0017.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from samband.schemas.codec import Reader, lp16, lp32
from samband.schemas.errors import FormatError, OperatorError, RefusedError, SambandError, TrustError
from samband.schemas.message import Message
from samband.schemas.routing import Routing
from samband.streams.crypto.keys import Purpose, VerifyKey
from samband.streams.crypto.reference import partition_of
from samband.streams.crypto.signature import BatchCache
from samband.streams.outbox import seal

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.streams.outbox import Draft

__all__ = ["MOST", "Carried", "Left", "Taken", "export", "take_in"]

_MAGIC: Final = b"samband/1/reserve\n"
_LABEL: Final = "reserve"
MOST: Final = 500
"""Most messages of a file; each is at most half a megabyte."""
_BATCH: Final = 64


@dataclass(frozen=True, slots=True)
class Left:
    """What could not be exported, and why."""

    message_id: bytes
    code: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one message of a file."""

    message_id: bytes
    state: str
    """`taken`; `known`: it is here already; `expired`; `key_over`: sealed to, or signed with, a key that is over."""
    expires: int
    code: str = ""


@dataclass(frozen=True, slots=True)
class Carried:
    """A file, and what is in it."""

    data: bytes
    """Empty where nothing could be put in."""
    messages: tuple[bytes, ...]
    left: tuple[Left, ...]
    next: int
    """Where the next file begins; 0: this was the last."""


def export(party: Party, now: int, after: int = 0) -> Carried:
    """Return a file of what was said and is not decided, oldest first, from a place on.

    What has no seal yet, or one to a key that is over, is sealed for the file alone. Nothing is written into the store:
    the connector goes on trying, and whichever way is first counts.

    Raises:
        TrustError: the party has no hop key or signing key that holds.
    """
    rows = party.store.undecided(MOST + 1, after)
    more, rows = len(rows) > MOST, rows[:MOST]
    found: dict[bytes, bytes] = {}
    drafts: list[Draft] = []
    left: list[Left] = []
    for row in rows:
        routing = Routing.decode(Message.decode(row.message).routing) if row.message else None
        if routing is not None and (row.draft is None or not _over(party, routing, now)):
            found[row.message_id] = row.message or b""
        elif row.draft is not None:
            drafts.append(row.draft)
    for message_id in [each for each, message in found.items() if _expires(message) <= now]:
        del found[message_id]
        left.append(Left(message_id, "EXPIRED"))
    for start in range(0, len(drafts), _BATCH):
        made, failed = _seal(party, drafts[start : start + _BATCH], now)
        found |= made
        left += failed
    data = _file(party, list(found.values()), now) if found else b""
    return Carried(data, tuple(found), tuple(left), rows[-1].id if more else 0)


def _file(party: Party, messages: list[bytes], now: int) -> bytes:
    to = party.directory.seal_key(party.name, Purpose.PARTY_HOP, now)
    head = b"".join((_MAGIC, party.root.realm.id, lp16(party.name.encode()), now.to_bytes(8, "big"), to.kid))
    inner = len(messages).to_bytes(4, "big") + b"".join(map(lp32, messages))
    body = head + lp32(to.seal(_LABEL, hashlib.sha256(head).digest(), inner))
    return body + hashlib.sha256(body).digest()


def _seal(party: Party, drafts: list[Draft], now: int) -> tuple[dict[bytes, bytes], list[Left]]:
    """Seal drafts; one that cannot be sealed stops no other."""
    if late := [each for each in drafts if each.expires <= now]:
        made, left = _seal(party, [each for each in drafts if each.expires > now], now)
        return made, left + [Left(each.message_id, "EXPIRED") for each in late]
    if not drafts:
        return {}, []
    try:
        messages = seal(drafts, party.directory, party.sign(now), now)
    except SambandError as error:
        if len(drafts) == 1:
            return {}, [Left(drafts[0].message_id, error.code)]
        half = len(drafts) // 2
        (first, not_first), (second, not_second) = (_seal(party, part, now) for part in (drafts[:half], drafts[half:]))
        return first | second, not_first + not_second
    return {draft.message_id: each.encode() for draft, each in zip(drafts, messages, strict=True)}, []


def _expires(message: bytes) -> int:
    return Routing.decode(Message.decode(message).routing).expires


def take_in(party: Party, data: bytes, now: int) -> list[Taken]:
    """Put a file's messages into the outbox, all or none; what is there already stays as it is.

    Raises:
        FormatError: it is no such file, or not whole (`RESERVE_BROKEN`).
        RefusedError: it is another party's (`RESERVE_PARTY`) or another agreement's (`RESERVE_REALM`).
        OperatorError: the hop key that it is sealed to is not here (`RESERVE_KEY`).
        TrustError: a message in it is not this party's, or was changed.
    """
    messages = [_verified(party, each) for each in _opened(party, data)]
    taken: list[Taken] = []
    with party.store.transaction():
        for message, routing in messages:
            state, code = _standing(party, routing, now)
            if state == "taken":
                partition = partition_of(routing.ref, party.root.shards)
                party.store.add_sealed(routing.message_id, partition, routing.type, message.encode(), routing.created)
            taken.append(Taken(routing.message_id, state, routing.expires, code))
    return taken


def _opened(party: Party, data: bytes) -> list[bytes]:
    """Return the messages of a file that is this party's own."""
    broken = FormatError("RESERVE_BROKEN", "this is no reserve file, or it is not whole", "copy or export it again")
    body, digest = data[:-32], data[-32:]
    if not data.startswith(_MAGIC) or not hmac.compare_digest(hashlib.sha256(body).digest(), digest):
        raise broken
    try:
        reader = Reader(body)
        reader.take(len(_MAGIC))
        realm, party_name, _, kid = reader.take(16), reader.lp16(), reader.number(8), reader.take(32)
        head = body[: len(_MAGIC) + 16 + 2 + len(party_name) + 8 + 32]
        sealed = reader.lp32()
        reader.end()
    except FormatError as error:
        raise broken from error
    if realm != party.root.realm.id:
        raise RefusedError("RESERVE_REALM", "the file belongs to another agreement's hub")
    if party_name != party.name.encode():
        raise RefusedError("RESERVE_PARTY", "the file is another party's")
    key = next((held for each, held in party.hop.items() if each == kid), None)
    if key is None:
        raise OperatorError(
            "RESERVE_KEY",
            "the key that the file is sealed to is not on this machine, or its time is over",
            "export it again, or copy the party's keys here",
        )
    try:
        reader = Reader(key.open(_LABEL, hashlib.sha256(head).digest(), sealed))
        number = reader.number(4)
        if number > MOST:
            raise broken
        found = [reader.lp32() for _ in range(number)]
        reader.end()
    except (FormatError, TrustError) as error:
        raise broken from error
    return found


def _verified(party: Party, data: bytes) -> tuple[Message, Routing]:
    """Return a message that this party has signed, whatever its key has become since."""
    message = Message.decode(data)
    routing = Routing.decode(message.routing)
    known = party.directory.known(message.kid)
    if known.party != party.name or routing.sender_kid != message.kid or routing.agreement != party.root.agreement:
        raise TrustError("RESERVE_SENDER", "a message in the file is not this party's")
    if all(unit.id != routing.sender for unit in party.units):
        raise TrustError("RESERVE_SENDER", "a message in the file is not of a unit of this party")
    if not isinstance(known.key, VerifyKey):
        raise TrustError("KEY_PURPOSE", "a message in the file is not signed with a signing key")
    BatchCache().verify(known.key, message)
    return message, routing


def _standing(party: Party, routing: Routing, now: int) -> tuple[str, str]:
    """Return what becomes of a message here, and why."""
    if party.store.has_said(routing.message_id):
        return "known", ""
    if routing.expires <= now:
        return "expired", "EXPIRED"
    code = _over(party, routing, now)
    return ("key_over", code) if code else ("taken", "")


def _over(party: Party, routing: Routing, now: int) -> str:
    """Return why the gate would ask for another key: one that signed or was sealed to is past its overlap."""
    try:
        party.directory.verify_key(routing.sender_kid, Purpose.PARTY_SIGN, now)
        party.directory.content_key_of(routing.recipient_kid, party.directory.unit(routing.recipient), now)
    except SambandError as error:
        return error.code
    return ""
