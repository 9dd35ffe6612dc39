"""Tiles and entry bundles (C2SP tlog-tiles): what a log's folder holds, by path. Pure.

    tile/<L>/<N>[.p/<W>]         hashes of level L, 32 bytes each
    tile/entries/<N>[.p/<W>]     entries, each behind its length as u16
    checkpoint                   the signed head

    files, edge = grow(edge, bundle, entries)      what must be written for new entries, and the edge after them
    tiles = Tiles(read, size); tiles.node(level, index)

A reader asks for what the tree's size says that there is, and for the full tile where a partial one is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from samband.schemas.errors import FormatError, OperatorError
from samband.streams.crypto.merkle import leaf_hash
from samband.streams.log.tree import WIDTH, Edge, fold

__all__ = ["CHECKPOINT", "ENTRY_BYTES", "Read", "Tiles", "bundle", "bundle_path", "grow", "split", "tile_path", "width"]

CHECKPOINT: Final = "checkpoint"
ENTRY_BYTES: Final = 32
_HASH: Final = 32
_HEIGHT: Final = 8
_CACHED: Final = 1024

Read = Callable[[str], bytes]
"""path → bytes; raises FileNotFoundError where there is none."""


def _number(n: int) -> str:
    parts = [f"{n % 1000:03}"]
    while n := n // 1000:
        parts.append(f"x{n % 1000:03}")
    return "/".join(reversed(parts))


def tile_path(level: int, n: int, w: int = WIDTH) -> str:
    """Return the path of tile `n` of a level, `w` hashes wide."""
    return f"tile/{level}/{_number(n)}" + (f".p/{w}" if w < WIDTH else "")


def bundle_path(n: int, w: int = WIDTH) -> str:
    """Return the path of entry bundle `n`, of `w` entries."""
    return f"tile/entries/{_number(n)}" + (f".p/{w}" if w < WIDTH else "")


def width(size: int, level: int, n: int) -> int:
    """Return how many hashes tile `n` of a level has in a tree of `size`; 0 where there is no such tile."""
    return max(0, min(WIDTH, (size >> (_HEIGHT * level)) - n * WIDTH))


def bundle(entries: Sequence[bytes]) -> bytes:
    """Return an entry bundle."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def split(data: bytes) -> list[bytes]:
    """Return the entries of a bundle; every one of this log's has 32 bytes.

    Raises:
        FormatError: it is no such bundle.
    """
    step = 2 + ENTRY_BYTES
    rows = [data[at : at + step] for at in range(0, len(data), step)]
    if len(rows) > WIDTH or any(len(row) != step or row[:2] != ENTRY_BYTES.to_bytes(2, "big") for row in rows):
        raise FormatError("FORMAT_BUNDLE", "the bytes are no bundle of log entries")
    return [row[2:] for row in rows]


def grow(edge: Edge, tail: list[bytes], entries: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """Append entries to `edge` and yield what must be written, (path, bytes), the unfinished tiles last.

    Args:
        edge: the tree's right edge; it is moved on.
        tail: the entries of the bundle that is not full yet; it is moved on.
        entries: what is new.
    """
    for entry in entries:
        tail.append(entry)
        done = edge.append(leaf_hash(entry))
        if done:
            yield bundle_path(edge.size // WIDTH - 1), bundle(tail)
            tail.clear()
        for level, hashes in done:
            yield tile_path(level, (edge.size >> (_HEIGHT * (level + 1))) - 1), b"".join(hashes)
    yield from unfinished(edge, tail)


def unfinished(edge: Edge, tail: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the partial bundle and tiles of a tree, (path, bytes)."""
    if tail:
        yield bundle_path(edge.size // WIDTH, len(tail)), bundle(tail)
    for level, hashes in enumerate(edge.levels):
        if hashes:
            yield tile_path(level, edge.size >> (_HEIGHT * (level + 1)), len(hashes)), b"".join(hashes)


class Tiles:
    """The tiles of a tree of one size, read as they are needed. Nothing is verified here."""

    def __init__(self, read: Read, size: int) -> None:
        self._read = read
        self.size = size
        self.tile = lru_cache(_CACHED)(self._tile)

    def _fetch(self, path: str, full: str) -> bytes:
        try:
            return self._read(path)
        except FileNotFoundError:
            if path != full:  # a partial one may go when the full one is there
                try:
                    return self._read(full)
                except FileNotFoundError:
                    pass
        raise OperatorError("LOG_TILE_MISSING", f"the log's `{path}` is missing")

    def _tile(self, level: int, n: int) -> list[bytes]:
        """Return the hashes of a tile, as many as this tree has.

        Raises:
            OperatorError: it is missing.
            FormatError: it is too short.
        """
        w = width(self.size, level, n)
        data = self._fetch(tile_path(level, n, w), tile_path(level, n))
        if len(data) < w * _HASH or len(data) % _HASH:
            raise FormatError("FORMAT_TILE", f"the log's `{tile_path(level, n, w)}` has another length")
        return [data[at : at + _HASH] for at in range(0, w * _HASH, _HASH)]

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree of 2**level leaves."""
        count = 1 << level % _HEIGHT
        n, first = divmod(index * count, WIDTH)
        return fold(self.tile(level // _HEIGHT, n)[first : first + count])

    def entries(self, n: int) -> list[bytes]:
        """Return the entries of bundle `n`, as many as this tree has.

        Raises:
            OperatorError: it is missing.
            FormatError: it is no bundle, or too short.
        """
        w = width(self.size, 0, n)
        found = split(self._fetch(bundle_path(n, w), bundle_path(n)))
        if len(found) < w:
            raise FormatError("FORMAT_BUNDLE", f"the log's `{bundle_path(n, w)}` is too short")
        return found[:w]

    def edge(self) -> tuple[Edge, list[bytes]]:
        """Return the tree's right edge and the entries of its unfinished bundle."""
        levels = []
        level = 0
        while self.size >> (_HEIGHT * level):
            n = self.size >> (_HEIGHT * (level + 1))
            levels.append(self.tile(level, n) if width(self.size, level, n) else [])
            level += 1
        tail = self.entries(self.size // WIDTH) if self.size % WIDTH else []
        return Edge.of(self.size, levels), tail
