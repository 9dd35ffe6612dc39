"""What the hub publishes of the directory: the signed records in its folder, and the head over all of them.

    publication = Publication(hub_folder, root)
    publication.add(value)                       a signed card, key card or rules: verified, then kept
    publication.current(now, head_key)           every record by name, the head last; a new head where one is due

The folder is the hub's; every file in it is signed by somebody else, so who can write there can withhold and not forge.
One process at a time makes a head (a lock), and it is on disk before anybody gets it: no two heads for one version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from samband.schemas.codec import unframe
from samband.schemas.errors import OperatorError, SambandError
from samband.schemas.head import HEAD_MS, SIGNED_HEAD, Head
from samband.streams.crypto.keys import SUITE, SignKey
from samband.streams.directory_book import Book
from samband.streams.directory_records import HEAD_NAME, hash_of, root_of, sign_head
from samband.streams.locks import hold
from samband.streams.root import Root
from samband.streams.snapshot import write_whole

__all__ = ["Publication"]

_RENEW_MS: Final = 6 * 3_600_000
"""Age of a head at which the next one is made: three may be missed before it expires."""


class Publication:
    """The hub's folder of signed records."""

    def __init__(self, folder: Path, root: Root) -> None:
        """Name the folder; it is made with the first record."""
        self.folder = folder
        self._root = root

    def records(self) -> dict[str, bytes]:
        """Return every record that is kept and holds, by name.

        Raises:
            OperatorError: a file cannot be read or is no record.
        """
        return self.book().verified()

    def book(self) -> Book:
        """Return every record that is kept, verified against each other.

        Raises:
            OperatorError: a file cannot be read or is no record.
        """
        book = Book(self._root)
        for path in sorted(self.folder.glob("*.record")):
            try:
                book.learn(path.read_bytes())
            except (OSError, SambandError) as error:
                raise OperatorError(
                    "DIRECTORY_FILE", f"`{path}` is no record of this directory", "restore it from your backup"
                ) from error
        return book

    def add(self, *values: bytes) -> list[str]:
        """Verify records and keep those that are newer than what is there; return their names.

        Raises:
            FormatError, TrustError: one is no record, or not signed by whom it must be; then none is kept.
            OperatorError: the folder cannot be written.
        """
        book = self.book()
        before = book.verified()
        names = [book.learn(value) for value in values]
        book.units()
        after = book.verified()
        for name in names:
            if name in after and after[name] != before.get(name):
                write_whole(self.folder / f"{name}.record", after[name])
        return names

    def current(self, now: int, head_key: Callable[[], SignKey]) -> dict[str, bytes]:
        """Return every record with the head that names them, which is made anew where a record or its age asks for it.

        Raises:
            OperatorError: a file cannot be read or written.
        """
        with self._alone():
            records = self.records()
            value = self._head_value()
            last = None if value is None else Head.decode(unframe(SIGNED_HEAD, value)["head"])
            root = root_of(self._root.realm, records)
            if value is None or last is None or last.root != root or now >= last.issued + _RENEW_MS:
                head = Head(
                    agreement=self._root.agreement,
                    version=last.version + 1 if last else 1,
                    previous=hash_of(last) if last else bytes(32),
                    root=root,
                    count=len(records),
                    suite=SUITE,
                    issued=now,
                    expires=now + HEAD_MS,
                )
                value = sign_head(head_key(), head)
                write_whole(self.folder / "head", value)
        return {**records, HEAD_NAME: value}

    def _head_value(self) -> bytes | None:
        try:
            return (self.folder / "head").read_bytes()
        except FileNotFoundError:
            return None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as lock:
            hold(lock)
            yield

    @property
    def changed(self) -> int:
        """A number that changes when a file was added or replaced."""
        try:
            return self.folder.stat().st_mtime_ns
        except FileNotFoundError:
            return 0
