"""What somebody who has the folder, and not the log's key, may do to a log: the same ways for every verifier.

    for name, files in altered(log): …       the folder's files after it; the signed checkpoint is the log's own

`entries`: only the bundles are others. `tiles`: the tree over other entries was worked out anew, so that nothing but
the signed root tells. `bit`: one bit of one tile. A log of no entry has nothing to change; what is put into it must be
in its checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from samband.streams.log.tiles import CHECKPOINT, bundle, bundle_path, tile_path, width
from tests.log.logs import Log

__all__ = ["SIZES", "altered"]

SIZES = (0, 1, 255, 256, 257, 70_000)
"""No entry, one, and around the width of a tile; and three levels of tiles."""

_OTHER = b"\xa5" * 32


def _swap(rows: list[bytes], at: int) -> list[bytes]:
    other = at - 1 if at else at + 1
    made = list(rows)
    made[at], made[other] = made[other], made[at]
    return made


_WAYS: dict[str, tuple[int, Callable[[list[bytes], int], list[bytes]]]] = {
    "change": (1, lambda rows, at: [*rows[:at], _OTHER, *rows[at + 1 :]]),
    "drop": (1, lambda rows, at: [*rows[:at], *rows[at + 1 :]]),
    "reorder": (2, _swap),
    "insert": (1, lambda rows, at: [*rows[:at], _OTHER, *rows[at:]]),
    "truncate": (1, lambda rows, at: rows[:at]),
}
"""name → the fewest entries that it needs, and what it makes of them at a place."""


def altered(log: Log) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Yield each way that a log of this size can be altered, (name, files)."""
    rows, note = log.entries, log.files[CHECKPOINT]
    if not rows:
        yield "insert/tiles", Log([_OTHER]).files | {CHECKPOINT: note.replace(b"\n0\n", b"\n1\n", 1)}
    for name, (fewest, way) in _WAYS.items():
        if len(rows) < fewest:
            continue
        made = way(rows, len(rows) // 2)
        yield f"{name}/tiles", Log(made).files | {CHECKPOINT: note}
        yield f"{name}/entries", log.files | _bundles(log, made)
    for path in _edges(len(rows)):
        yield f"bit/{path}", log.files | {path: bytes([log.files[path][0] ^ 1]) + log.files[path][1:]}


def _edges(size: int) -> set[str]:
    """Return the first and last tile of each level."""
    found = set()
    for level in range(3):
        last = -(-(size >> 8 * level) // 256) - 1
        found |= {tile_path(level, n, width(size, level, n)) for n in {0, last} if last >= 0}
    return found


def _bundles(log: Log, rows: list[bytes]) -> dict[str, bytes]:
    """Return these entries under the paths of the log's own bundles, with what there is of them."""
    size, files = log.edge.size, {}
    for n in range(-(-size // 256)):
        files[bundle_path(n, min(256, size - n * 256))] = bundle(rows[n * 256 : min((n + 1) * 256, size)])
    return files
