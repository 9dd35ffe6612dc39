"""Logs in memory and on disk for the tests, with keys of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from samband.streams.crypto.keys import Purpose, SignKey, VerifyKey, realm_of
from samband.streams.log.checkpoint import Checkpoint, Policy, Witness, cosign, origin_of, sign
from samband.streams.log.note import Line, Note
from samband.streams.log.tiles import CHECKPOINT, Tiles, bundle, grow
from samband.streams.log.tree import Edge

REALM = realm_of(b"the tests' root")
ORIGIN = origin_of(REALM, "vastmanland")
KEY = SignKey(REALM, Purpose.LOG, bytes([1]) * 32)
PUBLIC = VerifyKey(REALM, Purpose.LOG, KEY.public)
WITNESS_KEYS = {name: SignKey(REALM, Purpose.PARTY_WITNESS, name.encode().ljust(32)[:32]) for name in ("bup", "skola")}
WITNESSES = [
    Witness(f"{ORIGIN}/{name}", VerifyKey(REALM, Purpose.PARTY_WITNESS, key.public), f"organisation of {name}")
    for name, key in WITNESS_KEYS.items()
]
ONE_OUTSIDE = Policy(1, "organisation of bup")


def entries(count: int, first: int = 0) -> list[bytes]:
    """Return entries that never change."""
    return [hashlib.sha256(b"entry" + n.to_bytes(8, "big")).digest() for n in range(first, first + count)]


class Log:
    """A log as a dictionary of files."""

    def __init__(self, some: Sequence[bytes] = (), key: SignKey = KEY, origin: str = ORIGIN) -> None:
        self.files: dict[str, bytes] = {}
        self.origin = origin
        self.key, self.edge, self.tail = key, Edge(), list[bytes]()
        self.entries: list[bytes] = []
        self.add(some)

    def add(self, some: Sequence[bytes]) -> bytes:
        """Append entries, sign, and return the signed checkpoint."""
        self.entries += some
        self.files.update(grow(self.edge, self.tail, some))
        self.files[CHECKPOINT] = sign(self.key, self.checkpoint)
        return self.files[CHECKPOINT]

    def news(self, some: Sequence[bytes]) -> list[tuple[str, bytes]]:
        """Append entries and return what the log's topic gets: its bundles as far as they go, and the checkpoint."""
        first, note = self.edge.size // 256, self.add(some)
        rows = [(n, self.entries[n * 256 : (n + 1) * 256]) for n in range(first, -(-self.edge.size // 256))]
        return [*((f"entries/{n}", bundle(row)) for n, row in rows), (CHECKPOINT, note)]

    @property
    def checkpoint(self) -> Checkpoint:
        """The newest state."""
        return Checkpoint(self.origin, self.edge.size, self.edge.root())

    def read(self, path: str) -> bytes:
        """Return a file."""
        try:
            return self.files[path]
        except KeyError:
            raise FileNotFoundError(path) from None

    def tiles(self) -> Tiles:
        """Return the tiles."""
        return Tiles(self.read, self.edge.size)

    def cosigned(self, *names: str, timestamp: int = 1_764_500_000) -> bytes:
        """Return the newest checkpoint with some witnesses' words."""
        note = Note.parse(self.files[CHECKPOINT])
        return Note(note.text, (*note.lines, *(cosigned(name, self.checkpoint, timestamp) for name in names))).encode()


def cosigned(name: str, checkpoint: Checkpoint, timestamp: int) -> Line:
    """Return a witness's word."""
    return cosign(WITNESS_KEYS[name], f"{ORIGIN}/{name}", checkpoint, timestamp)
