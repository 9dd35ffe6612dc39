"""The digest of a partition's state: so that a state that was rolled back, whole or in one record, is noticed.

    digest/…  = u64 version ‖ sum32          one more, and the sum over what is held, with each commit that changes it
    sum       = Σ HMAC(hub store/d, lp16 name ‖ value) mod 2^256, over every name but its own

Each name counts by itself, so a commit costs two hashes for each name that it changes; a rebuild works the whole sum
out anew. A broker that shows an old record of one name, drops one or brings one back shows another sum; it has no key
to make one that fits. Where it shows *everything* as it was before, the sum fits, and the state's last audit number is
lower than the one on the audit topic; and with each head the gate logs the version and the sum, for whoever looks
later, in a log that is witnessed. Pure. Format page: § State.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from samband.schemas.codec import lp16
from samband.schemas.errors import OperatorError
from samband.schemas.stamp import StampRecord

__all__ = ["DIGEST", "Digest", "Mark", "Seen", "check", "compare", "moved", "summed"]

DIGEST: Final = b"digest"
_MODULUS: Final = 1 << 256

Mark = Callable[[bytes], bytes]
"""The keyed hash of the hub store."""


class Digest(NamedTuple):
    """A state's version, how many commits made it, and the sum over it."""

    version: int
    sum: bytes

    def encode(self) -> bytes:
        """Return its bytes in the state."""
        return self.version.to_bytes(8, "big") + self.sum

    @classmethod
    def of(cls, values: Mapping[bytes, bytes]) -> Digest:
        """Return what a state says of itself; version 0 where it says nothing.

        Raises:
            OperatorError: it does not read (`STATE_BROKEN`).
        """
        data = values.get(DIGEST, bytes(40))
        if len(data) != 40:
            raise OperatorError("STATE_BROKEN", "the gate's own state does not read")
        return cls(int.from_bytes(data[:8], "big"), data[8:])


def _mark(mark: Mark, name: bytes, data: bytes) -> int:
    return int.from_bytes(mark(lp16(name) + data), "big")


def summed(mark: Mark, items: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the sum over names and values."""
    total = sum(_mark(mark, name, data) for name, data in items if name != DIGEST)
    return (total % _MODULUS).to_bytes(32, "big")


def moved(mark: Mark, values: Mapping[bytes, bytes], changes: Mapping[bytes, bytes | None]) -> Digest:
    """Return the digest of a state after one more commit."""
    before = Digest.of(values)
    total = int.from_bytes(before.sum, "big")
    for name, data in changes.items():
        old = values.get(name)
        if name == DIGEST or old == data:
            continue
        if old is not None:
            total -= _mark(mark, name, old)
        if data is not None:
            total += _mark(mark, name, data)
    return Digest(before.version + 1, (total % _MODULUS).to_bytes(32, "big"))


def check(mark: Mark, values: Mapping[bytes, bytes]) -> None:
    """Check that a state that was read back is what its last commit left.

    Raises:
        OperatorError: it is not (`STATE_ALTERED`).
    """
    if values and Digest.of(values).sum != summed(mark, values.items()):
        raise OperatorError(
            "STATE_ALTERED",
            "the gate's state is not what its last commit left: single records are old, gone, or back",
            "docs/operate.md, The gate stops on its state: bring back the newest copy of the state topic",
        )


class Seen(NamedTuple):
    """What stands on the audit topic about one partition: its newest number, and its last word on its state."""

    number: int
    state: StampRecord | None


def compare(values: Mapping[bytes, bytes], seen: Seen) -> None:
    """Check that a state is not older than what the gate has logged since.

    Raises:
        OperatorError: it is (`STATE_ROLLED_BACK`).
    """
    number = int.from_bytes(values.get(b"audit", b""), "big")
    found, logged = Digest.of(values), version_of(seen.state)
    older = number < seen.number or found.version < logged
    # Its word names the state that its commit was made on: the next version at least is here.
    if older or (seen.state is not None and found.version == logged):
        raise OperatorError(
            "STATE_ROLLED_BACK",
            f"the gate's state is older than what it has logged: number {number} here, {seen.number} there",
            "docs/operate.md, The gate stops on its state: bring back the newest copy of the state topic",
        )


def version_of(record: StampRecord | None) -> int:
    """Return the version that a record of kind `gate_state` names; 0 where there is none."""
    for each in () if record is None else record.reasons:
        what, _, number = each.partition(" ")
        if what == "version" and number.isdecimal():
            return int(number)
    return 0
