"""The tree of RFC 6962 over the log's entries: grown at its right edge, proved from its complete subtrees. Pure.

    edge = Edge()
    edge.append(leaf)          True where a bundle of 256 has become full
    edge.root()                the root over everything so far
    inclusion(node, index, size)          node(level, index): the hash of a complete subtree of 2**level leaves
    consistency(node, old, new)
    verify_inclusion(...), verify_consistency(...)       raise

A tile is 256 hashes wide (C2SP tlog-tiles); the hash of a full one is a hash in the tile above it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

from samband.schemas.errors import TrustError
from samband.streams.crypto.merkle import node_hash, root_from_path

__all__ = [
    "EMPTY_ROOT", "WIDTH", "Edge", "Nodes", "consistency", "fold", "inclusion", "root_of", "verify_consistency",
    "verify_inclusion",
]  # fmt: skip

WIDTH: Final = 256
"""Hashes in a full tile, entries in a full bundle."""

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""

Nodes = Callable[[int, int], bytes]
"""(level, index) → hash over leaves [index · 2**level, (index + 1) · 2**level)."""


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root over 2**k hashes of equal subtrees."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0]


class Edge:
    """The right edge of the tree: at each level the hashes of the tile that is not full yet."""

    def __init__(self) -> None:
        self.size = 0
        self.levels: list[list[bytes]] = [[]]

    @classmethod
    def of(cls, size: int, levels: Sequence[Sequence[bytes]]) -> Edge:
        """Return the edge of a tree of `size` whose unfinished tiles are known, lowest first."""
        edge = cls()
        edge.size, edge.levels = size, [list(level) for level in levels] or [[]]
        return edge

    def copy(self) -> Edge:
        """Return an edge that grows by itself."""
        return Edge.of(self.size, self.levels)

    def append(self, leaf: bytes) -> list[tuple[int, list[bytes]]]:
        """Add a leaf hash and return the tiles that became full by it, lowest first, as (level, hashes)."""
        self.size += 1
        full: list[tuple[int, list[bytes]]] = []
        level, value = 0, leaf
        while True:
            if level == len(self.levels):
                self.levels.append([])
            tile = self.levels[level]
            tile.append(value)
            if len(tile) < WIDTH:
                return full
            full.append((level, tile))
            self.levels[level] = []
            level, value = level + 1, fold(tile)

    def root(self) -> bytes:
        """Return the root over all leaves."""
        peaks: list[bytes] = []
        for tile in reversed(self.levels):
            at = 0
            for bit in reversed(range(WIDTH.bit_length() - 1)):
                if len(tile) >> bit & 1:
                    peaks.append(fold(tile[at : at + (1 << bit)]))
                    at += 1 << bit
        if not peaks:
            return EMPTY_ROOT
        root = peaks.pop()
        while peaks:
            root = node_hash(peaks.pop(), root)
        return root


def _range(node: Nodes, low: int, high: int) -> bytes:
    """Return the hash over leaves [low, high), where low is a multiple of the least power of two ≥ high - low."""
    n = high - low
    if n & (n - 1) == 0:
        level = n.bit_length() - 1
        return node(level, low >> level)
    middle = low + _split(n)
    return node_hash(_range(node, low, middle), _range(node, middle, high))


def _split(n: int) -> int:
    """Return the largest power of two below n."""
    return int(1 << (n - 1).bit_length() - 1)


def root_of(node: Nodes, size: int) -> bytes:
    """Return the root of the tree of the first `size` leaves."""
    return _range(node, 0, size) if size else EMPTY_ROOT


def inclusion(node: Nodes, index: int, size: int) -> list[bytes]:
    """Return the audit path of a leaf in the tree of the first `size` leaves, leaf side first (RFC 6962 § 2.1.1)."""
    if not 0 <= index < size:
        raise ValueError("the leaf is not in the tree")
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range(node, middle, high))
            high = middle
        else:
            path.append(_range(node, low, middle))
            low = middle
    return path[::-1]


def consistency(node: Nodes, old: int, new: int) -> list[bytes]:
    """Return the proof that the tree of `new` leaves begins with that of `old` (RFC 6962 § 2.1.2); 0 ≤ old ≤ new."""
    if not 0 <= old <= new:
        raise ValueError("the older tree is the smaller one")
    if old in (0, new):
        return []
    proof: list[bytes] = []
    low, high, whole = 0, new, True
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            proof.append(_range(node, middle, high))
            high = middle
        else:
            proof.append(_range(node, low, middle))
            low, whole = middle, False
    if not whole:
        proof.append(_range(node, low, high))
    return proof[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, root: bytes, path: Sequence[bytes]) -> None:
    """Check that leaf hash `leaf` is at `index` of the tree of `size` with `root`.

    Raises:
        TrustError: it is not (`LOG_INCLUSION`), or the path is none of this place (`PATH_BROKEN`).
    """
    if root_from_path(leaf, size, index, path) != root:
        raise TrustError("LOG_INCLUSION", "the entry is not at this place of the log")


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree (new, new_root) begins with the tree (old, old_root) (RFC 9162 § 2.1.4.2).

    Raises:
        TrustError: it does not (`LOG_FORK`).
    """
    wrong = TrustError("LOG_FORK", "the log's later state does not begin with its earlier one")
    if not 0 <= old <= new or (old == 0 and old_root != EMPTY_ROOT):
        raise wrong
    if old in (0, new):
        if proof or (old == new and old_root != new_root):
            raise wrong
        return
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise wrong
    index, last = old - 1, new - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    first = second = path[0]
    for step in path[1:]:
        if last == 0:
            raise wrong
        if index & 1 or index == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            second = node_hash(second, step)
        index, last = index >> 1, last >> 1
    if last or first != old_root or second != new_root:
        raise wrong
