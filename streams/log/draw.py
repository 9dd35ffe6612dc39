"""Drawing lots that nobody can choose: the seed comes from the log's witnesses, after the question was a leaf. Pure.

    seed = seed_of(realm, Asked(entry, index, path), note, keys, origin, witnesses, policy, earlier)
    picks(seed, 1000, 5)                 five of the places 0 … 999, in the order they were drawn

    seed = SHA-256(D("sample") ‖ entry ‖ note)     note: the first witnessed checkpoint that has the request's leaf,
                                                   with its cosignatures, byte for byte as it was published first

Whoever asks does not know the log's next root, and the hub does not know what its witnesses will sign. Format page:
§ Spot check.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from samband.schemas.errors import TrustError
from samband.streams.crypto.keys import Realm, VerifyKey
from samband.streams.crypto.merkle import leaf_hash
from samband.streams.log.checkpoint import Policy, Witness, cosigners, opened
from samband.streams.log.tree import verify_inclusion

__all__ = ["Asked", "drawn_digest", "picks", "seed_of"]

_SPAN: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class Asked:
    """Where a request stands in the log: its entry, its place, and the path to the root of the note's checkpoint."""

    entry: bytes
    index: int
    path: tuple[bytes, ...]


def seed_of(
    realm: Realm,
    asked: Asked,
    note: bytes,
    keys: Sequence[VerifyKey],
    origin: str,
    witnesses: Sequence[Witness],
    policy: Policy,
    earlier: Iterable[int] = (),
) -> bytes:
    """Return the seed of a draw, once everything that it rests on holds.

    Args:
        realm: the hub's.
        asked: the request's leaf.
        note: the checkpoint that the seed is taken from.
        keys: the log's public keys.
        origin: the log's name.
        witnesses: who may cosign.
        policy: how many of them must have.
        earlier: sizes of all witnessed checkpoints that are known, from anywhere.

    Raises:
        FormatError: no checkpoint.
        TrustError: not the log's; not witnessed (`LOG_COSIGNATURES`); before the request, who knew it then
            (`SAMPLE_BEFORE`); an earlier one was passed over (`SAMPLE_NOT_FIRST`); without its leaf (`LOG_INCLUSION`);
            with lines of strangers, by which a seed could be tried out (`SAMPLE_LINES`).
    """
    checkpoint, parsed = opened(note, keys, origin)
    said = cosigners(parsed, witnesses)
    policy.check(said)
    if len(parsed.lines) != len({each.witness.name for each in said}) + 1:
        raise TrustError("SAMPLE_LINES", "the checkpoint has lines besides the log's and one of each witness")
    if checkpoint.size <= asked.index:
        raise TrustError("SAMPLE_BEFORE", "the checkpoint was there before the request")
    if any(asked.index < size < checkpoint.size for size in earlier):
        raise TrustError("SAMPLE_NOT_FIRST", "an earlier checkpoint with the request was witnessed")
    verify_inclusion(leaf_hash(asked.entry), asked.index, checkpoint.size, checkpoint.root, asked.path)
    return hashlib.sha256(realm.domain("sample") + asked.entry + note).digest()


def picks(seed: bytes, population: int, count: int) -> list[int]:
    """Return `count` different places below `population`, or all, in the order drawn; every choice is as likely.

    A Fisher–Yates shuffle that stops early. Its numbers are u64 = SHA-256(seed ‖ u64 counter)[:8], the counter from 0;
    one at or above the largest multiple of the bound is passed over, so that no place is favoured.
    """
    places: dict[int, int] = {}
    counter = 0
    found = []
    for at in range(min(count, population)):
        bound = population - at
        while True:
            number = int.from_bytes(hashlib.sha256(seed + counter.to_bytes(8, "big")).digest()[:8], "big")
            counter += 1
            if number < _SPAN - _SPAN % bound:
                break
        other = at + number % bound
        found.append(places.get(other, other))
        places[other] = places.get(at, at)
    return found


def drawn_digest(realm: Realm, seed: bytes, population: int, whole: bytes, drawn: Sequence[bytes]) -> bytes:
    """Return what a draw's leaf says of it: seed, how many entries there were, their hash, and which were drawn.

    `whole` is SHA-256 over the entries that were drawn from, in the log's order.
    """
    told = seed + population.to_bytes(4, "big") + whole + b"".join(drawn)
    return hashlib.sha256(realm.domain("drawn") + told).digest()
