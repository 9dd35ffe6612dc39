"""What a proof of a log of ten million entries costs, built from tiles on disk.

The log is made by the sequencer's own `grow`, but in bulk and without waiting for the disk, in a temporary folder that
goes afterwards: 660 MB for ten million. Cold is a reader that begins anew, with the pages of the tiles that it
needs let go by the system; warm is one that goes on, with what it read before in memory.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from samband.streams.crypto.merkle import leaf_hash
from samband.streams.log.folder import LogFolder
from samband.streams.log.tiles import Tiles, grow
from samband.streams.log.tree import (
    WIDTH,
    Edge,
    consistency,
    inclusion,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.bench.figures import Figure, percentile

__all__ = ["proof_figures"]

_STEP: Final = WIDTH * WIDTH
_SAMPLES: Final = 200

Prove = Callable[[Tiles, int], list[bytes]]


def built(folder: Path, size: int, say: Callable[[str], None]) -> bytes:
    """Write the tiles and bundles of a log of `size` entries and return its root."""
    edge, tail, chance = Edge(), list[bytes](), random.Random(1)
    made: set[Path] = set()
    for first in range(0, size, _STEP):
        data = chance.randbytes(32 * min(_STEP, size - first))
        for name, content in grow(edge, tail, [data[at : at + 32] for at in range(0, len(data), 32)]):
            path = folder / name
            if path.parent not in made:
                path.parent.mkdir(parents=True, exist_ok=True)
                made.add(path.parent)
            path.write_bytes(content)
        if first // _STEP % 16 == 15:
            say(f"building a log of {size}: {edge.size}")
    return edge.root()


def proof_figures(size: int, say: Callable[[str], None]) -> list[Figure]:
    """Return time and size of proofs in a log of `size` entries."""
    with tempfile.TemporaryDirectory(prefix="samband-bench-") as name:
        folder = Path(name)
        say(f"building a log of {size}")
        began = time.perf_counter()
        root = built(folder, size, say)
        took = time.perf_counter() - began
        say("proving")
        places = random.Random(2).sample(range(1, size), _SAMPLES)
        included = _timed(folder, size, places, lambda tiles, at: inclusion(tiles.node, at, size))
        between = _timed(folder, size, places, lambda tiles, old: consistency(tiles.node, old, size))
        checks = _checked(folder, size, root, places)
    return [
        *_figures("proof", included, f"inclusion in {size:,} entries"),
        Figure("proof_verify_us_10m", checks[0], "µs to verify one"),
        *_figures("consistency", between, f"an older size with {size:,}"),
        Figure("consistency_verify_us_10m", checks[1], "µs to verify one"),
        Figure("log_build_s_10m", took, "s to build the log, without waiting for the disk"),
    ]


def _figures(name: str, found: tuple[list[float], list[float], list[int]], what: str) -> list[Figure]:
    cold, warm, sizes = found
    return [
        Figure(f"{name}_ms_10m", percentile(cold, 0.5), f"ms, median, cold: {what}"),
        Figure(f"{name}_p95_ms_10m", percentile(cold, 0.95), "ms, cold"),
        Figure(f"{name}_warm_ms_10m", percentile(warm, 0.5), "ms, median, warm"),
        Figure(f"{name}_warm_p95_ms_10m", percentile(warm, 0.95), "ms, warm"),
        Figure(f"{name}_bytes_10m", percentile(sizes, 0.5), "bytes of hashes, median"),
        Figure(f"{name}_most_bytes_10m", max(sizes), "bytes of hashes, most"),
    ]


def _timed(folder: Path, size: int, places: Sequence[int], prove: Prove) -> tuple[list[float], list[float], list[int]]:
    """Return ms of each proof cold, ms of each warm, and the bytes of each."""
    read = LogFolder(folder).read
    cold, warm, sizes = [], [], []
    kept = Tiles(read, size)
    needed: list[str] = []

    def noted(path: str) -> bytes:
        needed.append(path)
        return read(path)

    for place in places:
        needed.clear()
        prove(Tiles(noted, size), place)
        for path in needed:
            _let_go(folder / path)
        begin = time.perf_counter()
        proof = prove(Tiles(read, size), place)
        cold.append((time.perf_counter() - begin) * 1000)
        sizes.append(32 * len(proof))
        prove(kept, place)
    for place in places:
        begin = time.perf_counter()
        prove(kept, place)
        warm.append((time.perf_counter() - begin) * 1000)
    return cold, warm, sizes


def _let_go(path: Path) -> None:
    """Let the system forget a file's pages, where it can be asked to."""
    if not hasattr(os, "posix_fadvise") or not path.exists():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def _checked(folder: Path, size: int, root: bytes, places: Sequence[int]) -> tuple[float, float]:
    """Verify proofs of all places and return the median time of an inclusion and a consistency check, in µs."""
    tiles = Tiles(LogFolder(folder).read, size)
    included, between = [], []
    for place in places:
        leaf = leaf_hash(tiles.entries(place // WIDTH)[place % WIDTH])
        path = inclusion(tiles.node, place, size)
        begin = time.perf_counter()
        verify_inclusion(leaf, place, size, root, path)
        included.append((time.perf_counter() - begin) * 1e6)
        proof, older = consistency(tiles.node, place, size), root_of(tiles.node, place)
        begin = time.perf_counter()
        verify_consistency(place, older, size, root, proof)
        between.append((time.perf_counter() - begin) * 1e6)
    return percentile(included, 0.5), percentile(between, 0.5)
