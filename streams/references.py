"""Epochs of the child-reference key: which there are, which holds when, and how the next one reaches a party.

    value = sign_reference(roots, seal_reference(hop_key, party, e, secret, …))
    secret = open_reference(record, own_hop_keys)
    epochs.current(now)                 the epoch that messages go under
    epochs.check(e, now, …)             what the gate still takes of an older one, or already of the next one

Under a new key every child has another reference, in another partition perhaps, and the gate cannot tell which of the
old ones it was: it has no key. So who recorded something records it anew, before the epoch begins, and whatever ends or
narrows is said in each epoch that something may still rest on. Pure. Format page: § Layout, REFERENCE; § Rotation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from samband.schemas.codec import frame, lp16
from samband.schemas.errors import RefusedError, TrustError
from samband.schemas.reference_key import FIRST_EPOCH, SIGNED_REFERENCE, Reference
from samband.streams.root import sign_by

if TYPE_CHECKING:
    from samband.streams.crypto.held import Opening
    from samband.streams.crypto.keys import Kid, SealKey, SignKey

__all__ = ["NOTICE_MS", "OVERLAP_MS", "Epochs", "open_reference", "seal_reference", "sign_reference"]

_DAY_MS: Final = 86_400_000

OVERLAP_MS: Final = 30 * _DAY_MS
"""How long the epoch before the current one is taken in full. A message lives 14 days and its answer another 14: what
was said under the old key comes to its end under it; and a connector may be away for a month's holiday."""

NOTICE_MS: Final = 7 * _DAY_MS
"""How long ahead the next epoch is announced, unless the authority says otherwise. A connector whose directory is over
72 hours old says nothing: so after three days whoever speaks knows the next key, and nobody's withdrawal is said under
the old one alone."""

_LIFE_MS: Final = 14 * _DAY_MS
"""Longest life of a message: so long after the overlap a withdrawal may still stop one that is on its way."""

_SKEW_MS: Final = 300_000
"""How far a sender's clock may be ahead."""


def seal_reference(
    to: SealKey, secret: bytes, *, agreement: str, party: str, e: int, effective_from: int, issued: int
) -> Reference:
    """Return an epoch's key sealed to a party's hop key."""
    sealed = to.seal("reference", _info(party, e), secret)
    return Reference(
        agreement=agreement, e=e, effective_from=effective_from, issued=issued, party=party, hop=to.kid, sealed=sealed
    )


def sign_reference(roots: Iterable[SignKey], record: Reference) -> bytes:
    """Return the signed record as a Kafka value."""
    data = record.encode()
    return frame(SIGNED_REFERENCE, {"v": 1, "reference": data, "sigs": sign_by(roots, "reference", data)})


def open_reference(record: Reference, party: str, own: Mapping[Kid, Opening]) -> bytes:
    """Return the key in a verified record.

    Raises:
        TrustError: it is another party's, sealed to a key that is not here (`KEY_MISSING`), or does not open.
    """
    if record.party != party:
        raise TrustError("REFERENCE_PARTY", "the child-reference key is another party's")
    key = next((held for kid, held in own.items() if kid == record.hop), None)
    if key is None:
        raise TrustError("KEY_MISSING", "the child-reference key is sealed to a hop key that is not here")
    secret = key.open("reference", _info(party, record.e), record.sealed)
    if len(secret) != 32:
        raise TrustError("SEAL_BROKEN", "a child-reference key has 32 bytes")
    return secret


def _info(party: str, e: int) -> bytes:
    return lp16(party.encode()) + e.to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class Epochs:
    """When each epoch begins; the first has always begun."""

    begins: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({FIRST_EPOCH: 0}))

    @classmethod
    def of(cls, records: Iterable[Reference]) -> Epochs:
        """Return the epochs that records announce."""
        return cls(MappingProxyType({FIRST_EPOCH: 0, **{each.e: each.effective_from for each in records}}))

    @property
    def newest(self) -> int:
        """The newest epoch that is announced."""
        return max(self.begins)

    def current(self, now: int) -> int:
        """Return the epoch that messages go under at `now` (ms)."""
        return max(e for e, begins in self.begins.items() if begins <= now)

    def before(self, e: int) -> int:
        """Return the epoch before one; 0 where there is none."""
        return max((each for each in self.begins if each < e), default=0)

    def live(self, now: int) -> tuple[int, ...]:
        """Return the epochs in which something may rest on a consent now, or will, newest first.

        A withdrawal is said in each of them.
        """
        current = self.current(now)
        lingers = now < self.begins[current] + OVERLAP_MS + _LIFE_MS
        oldest = (self.before(current) or current) if lingers else current
        return tuple(sorted((e for e in self.begins if e >= oldest), reverse=True))

    def is_open(self, e: int, now: int) -> bool:
        """Say whether messages are taken under an epoch at `now` (ms): the current one, and the last for a while."""
        current = self.current(now)
        return e == current or (e == self.before(current) and now < self.begins[current] + OVERLAP_MS)

    def check(self, e: int, now: int, *, event: bool, ends: bool) -> None:
        """Check that something may be said under an epoch at `now` (ms), the gate's clock.

        Args:
            e: the epoch that the label names.
            now: the gate's clock.
            event: it records something and tells nobody anything: taken as soon as the epoch is announced.
            ends: it ends or narrows what was said before: taken for ever.

        Raises:
            RefusedError: no such epoch, one that has not begun, or one that is over (`REFERENCE_EPOCH`).
        """
        begins = self.begins.get(e)
        if begins is None:
            raise RefusedError("REFERENCE_EPOCH", "the child-reference key is of an epoch that nobody has announced")
        if begins > now + _SKEW_MS and not event:
            raise RefusedError("REFERENCE_EPOCH", "the child-reference key's epoch has not begun")
        if e < self.current(now) and not ends and not self.is_open(e, now):
            raise RefusedError("REFERENCE_EPOCH", "the child-reference key's epoch is over")
