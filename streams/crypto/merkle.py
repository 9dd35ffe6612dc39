"""Merkle trees as in RFC 6962 § 2.1: one signature for many leaves, one proof for each.

    leaf = SHA-256(0x00 ‖ data)      node = SHA-256(0x01 ‖ left ‖ right)      split at the largest power of two < n

The odd node is never duplicated. The same code serves batches, stamps and the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from samband.schemas.errors import TrustError

__all__ = ["leaf_hash", "node_hash", "root_and_paths", "root_from_path"]


def leaf_hash(data: bytes) -> bytes:
    """Return the 32-byte hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the 32-byte hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_and_paths(leaves: Sequence[bytes]) -> tuple[bytes, list[tuple[bytes, ...]]]:
    """Return the root over leaf hashes and each leaf's audit path, leaf side first; n ≥ 1, O(n log n)."""
    if len(leaves) == 1:
        return leaves[0], [()]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, left_paths = root_and_paths(leaves[:split])
    right, right_paths = root_and_paths(leaves[split:])
    paths = [(*path, right) for path in left_paths] + [(*path, left) for path in right_paths]
    return node_hash(left, right), paths


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
            root = node_hash(step, root)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            root = node_hash(root, step)
        index, last = index >> 1, last >> 1
    if last:
        raise TrustError("PATH_BROKEN", "an audit path is too short")
    return root
