"""Merkle trees as in RFC 6962 § 2.1: one signature for many leaves, one proof for each.

    leaf = SHA-256(0x00 ‖ data)      node = SHA-256(0x01 ‖ left ‖ right)      split at the largest power of two < n

The odd node is never duplicated. The same code serves batches, stamps and the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256 as _sha256

from samband.schemas.errors import TrustError

__all__ = ["leaf_hash", "node_hash", "root_and_paths", "root_from_path"]


def leaf_hash(data: bytes) -> bytes:
    """Return the 32-byte hash of a leaf."""
    return _sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the 32-byte hash of an inner node."""
    return _sha256(b"\x01" + left + right).digest()


def root_and_paths(leaves: Sequence[bytes]) -> tuple[bytes, list[tuple[bytes, ...]]]:
    """Return the root over leaf hashes and each leaf's audit path, leaf side first; n ≥ 1, O(n).

    Level by level: neighbours are paired and an odd last one moves up alone, which gives the same tree. Then down
    again: a node's path is its sibling and its parent's path.
    """
    levels = [list(leaves)]
    while len(below := levels[-1]) > 1:
        above = [_sha256(b"\x01" + left + right).digest() for left, right in zip(below[::2], below[1::2], strict=False)]
        levels.append(above + below[len(above) * 2 :])
    root = levels.pop()[0]
    paths: list[tuple[bytes, ...]] = [()]
    while levels:
        level = levels.pop()
        pairs = zip(level[::2], level[1::2], paths, strict=False)
        below_paths = [path for left, right, above in pairs for path in ((right, *above), (left, *above))]
        paths = below_paths + paths[len(level) // 2 :]
    return root, paths


def root_from_path(leaf: bytes, n: int, i: int, path: Sequence[bytes]) -> bytes:
    """Return the root that leaf hash `leaf` at index `i` of `n` has under `path` (RFC 9162 § 2.1.3.2).

    Raises:
        TrustError: i is outside the tree, or the path has another length than (n, i) has.
    """
    if not 0 <= i < n:
        raise TrustError("PATH_BROKEN", "a leaf's index lies outside its tree")
    index, last, root = i, n - 1, leaf
    for step in path:
        if last == 0:
            raise TrustError("PATH_BROKEN", "an audit path is too long")
        if index & 1 or index == last:
            root = _sha256(b"\x01" + step + root).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            root = _sha256(b"\x01" + root + step).digest()
        index, last = index >> 1, last >> 1
    if last:
        raise TrustError("PATH_BROKEN", "an audit path is too short")
    return root
