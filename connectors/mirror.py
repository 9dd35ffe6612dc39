"""The log as a party keeps it: every entry, in the log's own layout, under the checkpoint that they gave the root of.

    mirror = Mirror(folder, origin)
    mirror.index(entry, search=True)          its place, through all of the mirror

    log/tile/…  log/checkpoint      laid out as the log's own folder: anybody verifies it alike
    log/witnessed/…                 each checkpoint that was witnessed, as this party saw it first
    log/witness.json                size, last place on the topic, what was cosigned, and what is wrong
    log/evidence/…                  two checkpoints that contradict each other as they were signed, or what a head named

A checkpoint is taken only when the entries up to it, behind those that are here, give its root.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from samband.schemas.errors import OperatorError
from samband.streams.log.checkpoint import Checkpoint
from samband.streams.log.folder import LogFolder
from samband.streams.log.tiles import CHECKPOINT, Tiles, bundle_path, grow
from samband.streams.log.tree import WIDTH, root_of

__all__ = ["Mirror", "how_forked"]

_STATE: Final = "witness.json"
_VERSION: Final = "witness/1"
_RECENT: Final = 100_000
"""Entries whose place is in memory: the newest."""


def how_forked(folder: Path) -> str:
    """Return by what a party's mirror saw two states that contradict each other; empty where it saw none.

    `checkpoint` or `asked`: the log's own word; `checkpoint.witnessed`: other witnesses' words; `head`: the gate's.
    """
    try:
        return str(json.loads((folder / _STATE).read_bytes())["fork"] or "")
    except (OSError, ValueError, KeyError, TypeError):
        return ""


class Mirror:
    """What a party has of the log."""

    def __init__(self, folder: LogFolder) -> None:
        """Open it, or begin one.

        Raises:
            OperatorError: it cannot be read, or is altered (`LOG_TILES`).
        """
        self.folder = folder
        self._state = self._load()
        self._edge, self._tail = Tiles(self.folder.read, self.size).edge()
        if self._edge.root().hex() != self._state["root"] and self.size:
            raise OperatorError("LOG_TILES", f"the mirror of the log in `{self.folder.path}` is altered", "remove it")
        self._bundles: dict[int, list[bytes]] = {}
        self._recent: dict[bytes, int] = {}
        self._searched: dict[bytes, int] = {}
        """Entry → how much of the mirror was searched for it."""
        self._remember(max(0, self.size - _RECENT))

    def _load(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads(self.folder.read(_STATE))
            if state["samband"] != _VERSION:
                raise ValueError
        except FileNotFoundError:
            return {"samband": _VERSION, "size": 0, "root": "", "offset": 0, "witnessed": 0, "cosigned": {},
                    "rolled_back": [], "fork": False}  # fmt: skip
        except (ValueError, KeyError, TypeError) as error:
            raise OperatorError("LOG_STATE", f"`{self.folder.path / _STATE}` cannot be read") from error
        return state

    def _keep(self, files: Iterable[tuple[str, bytes]] = ()) -> None:
        """Write files, then what we know of them: durable when it returns."""
        self.folder.write(files)
        self.folder.write([(_STATE, json.dumps(self._state).encode())])

    @property
    def size(self) -> int:
        """How many entries are mirrored, under a checkpoint that they gave the root of."""
        return int(self._state["size"])

    @property
    def offset(self) -> int:
        """The next offset of the log's topic."""
        return int(self._state["offset"])

    @property
    def witnessed(self) -> int:
        """Size of the newest checkpoint with witnesses enough for this party."""
        return int(self._state["witnessed"])

    def _fits(self, checkpoint: Checkpoint) -> bool:
        """Say whether a checkpoint that is not larger than the mirror is its beginning."""
        if checkpoint.size == self.size:
            return checkpoint.root == self._edge.root()
        return checkpoint.root == root_of(Tiles(self.folder.read, self.size).node, checkpoint.size)

    def _extend(self, checkpoint: Checkpoint, value: bytes, now: int) -> bool:
        """Take the entries up to a checkpoint; False where some are not here yet."""
        if checkpoint.size <= self.size:
            if not self._fits(checkpoint):
                self._fork(value, CHECKPOINT, now)
            return True
        new: list[bytes] = []
        for n in range(self.size // WIDTH, -(-checkpoint.size // WIDTH)):
            first = max(self.size - n * WIDTH, 0)
            wanted = min(checkpoint.size - n * WIDTH, WIDTH)
            some = self._bundles.get(n, [])[first:wanted]
            if len(some) < wanted - first:
                return False  # a later one comes with all of them
            new += some
        edge, tail = self._edge.copy(), list(self._tail)
        files = list(grow(edge, tail, new))
        if edge.root() != checkpoint.root:
            self._fork(value, CHECKPOINT, now)
            return True
        self.folder.write(files)
        self._recent.update((entry, self.size + n) for n, entry in enumerate(new))
        while len(self._recent) > 2 * _RECENT:
            for entry in list(self._recent)[:_RECENT]:
                del self._recent[entry]
        self._bundles = {n: rows for n, rows in self._bundles.items() if n >= edge.size // WIDTH}
        for n in range(self.size // WIDTH, edge.size // WIDTH):
            self.folder.tidy(bundle_path(n))
        self._edge, self._tail = edge, tail
        self._state |= {"size": checkpoint.size, "root": checkpoint.root.hex()}
        self._keep([(CHECKPOINT, value)])
        return True

    def _fork(self, value: bytes, how: str, now: int) -> None:
        """Keep both checkpoints as evidence, once, and say so from now on; nothing is cosigned any more."""
        if self._state["fork"]:
            return
        with suppress(FileNotFoundError):
            self.folder.write([(f"evidence/{now}-own", self.folder.read(CHECKPOINT)), (f"evidence/{now}", value)])
        self._state["fork"] = how
        self._keep()

    def _remember(self, first: int) -> None:
        tiles = Tiles(self.folder.read, self.size)
        for n in range(first // WIDTH, -(-self.size // WIDTH)):
            self._recent.update((entry, n * WIDTH + at) for at, entry in enumerate(tiles.entries(n)))

    def index(self, entry: bytes, *, search: bool = False) -> int | None:
        """Return an entry's place in the mirror; `search`: through all of it, which takes a while."""
        searched = self._searched.get(entry, 0)
        if (found := self._recent.get(entry)) is not None or not search or self.size < searched + _RECENT:
            return found
        self._searched[entry] = self.size
        tiles = Tiles(self.folder.read, self.size)
        for n in range(searched // WIDTH, -(-self.size // WIDTH)):
            rows = tiles.entries(n)
            if entry in rows:
                self._recent[entry] = n * WIDTH + rows.index(entry)
                return self._recent[entry]
        return None
