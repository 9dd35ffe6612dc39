"""The folder: one JSON file per message, in a directory that the party's own system reads.

    root/                 nobody else may write here
      new/                <message id>.json, as it was handed over; rights 0600
      new/<message id>/   its attachments, `1-name.pdf`: whole before the JSON file that names them in `files`
      acknowledged/       where the party moves a file when it has taken it
      .tmp/               half-written files; emptied at start

**Promise 5: exactly once.** A file is written aside, flushed to disk, renamed into `new/` and the directory flushed; a
reader sees a whole file or none, and power may fail at any moment. A repeat finds the file in `new/` or
`acknowledged/` and writes nothing. This needs two things of the party: it *moves* a file within the folder and deletes
from `acknowledged/` only what is older than its connector's longest stop; and one connector serves one folder.

What is in the way of a message:

- A file in `new/` with the same id and another document is a conflict, which no retry mends. An acknowledged file is
  the party's own, perhaps annotated or emptied since: there, only another decision is a conflict.
- Attachments whose JSON file is not there are left from a crash, and are written anew. The party takes them with the
  JSON file, which says that they are whole, and moves or deletes their directory as it likes.
- A protection mark can come between a hand-over and its repeat. A reference and a full document of one decision are the
  same message, and the one that came first stays.

While running, the adapter never makes a directory: a share that fell off leaves an empty mount point behind, and the
content of messages must not land beneath it.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import secrets
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from samband.connectors.adapter import Delivery, Waiting, encode, is_message_id
from samband.connectors.durable import flush as _flush
from samband.connectors.durable import refuse_if_others_write as _refuse_if_others_write
from samband.schemas.attachment import file_name
from samband.schemas.errors import DeliveryError, OperatorError

__all__ = ["FolderAdapter"]

_SUFFIX: Final = ".json"
_STRIPES: Final = 16
"""Locks over message ids: two deliveries of one id share one, and few others wait for them."""

_BINARY: Final[int] = getattr(os, "O_BINARY", 0)  # Windows only

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_MISSING: Final = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)
_FORBIDDEN: Final = (errno.EACCES, errno.EPERM, errno.EROFS)


class FolderAdapter:
    """Hand messages over as files.

    Raises:
        OperatorError: `FOLDER_RIGHTS`, when others can write in the folder; `FOLDER_UNUSABLE`, when it cannot be made.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._new = root / "new"
        self._acknowledged = root / "acknowledged"
        self._tmp = root / ".tmp"
        self._locks = tuple(threading.Lock() for _ in range(_STRIPES))
        try:
            for directory in (root, self._new, self._acknowledged, self._tmp):
                with suppress(FileExistsError):
                    directory.mkdir(mode=0o700)
                _refuse_if_others_write(directory)
            for leftover in self._tmp.iterdir():
                if leftover.is_dir():
                    shutil.rmtree(leftover)
                else:
                    leftover.unlink()
            _flush(root)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else "unknown reason"
            raise OperatorError(
                "FOLDER_UNUSABLE",
                f"the folder `{root}` cannot be used: {reason.lower()}",
                "the directory above it must exist, and the connector's account must own the folder",
                retriable=True,
            ) from error

    async def deliver(self, delivery: Delivery) -> None:
        """Write one file, or find it already there.

        Raises:
            DeliveryError: `DELIVERY_CONFLICT` or `DELIVERY_FORM`, for good; `FOLDER_FULL`, `FOLDER_MISSING`,
                `FOLDER_RIGHTS` or `FOLDER_ERROR`, to be tried again.
        """
        # In a thread: two flushes take milliseconds, on a share tens of them, and a process may host many parties.
        # The lock lives in the thread as well, so that a cancelled call cannot let a second writer in.
        await asyncio.to_thread(self._deliver, delivery)

    async def acknowledged(self) -> Sequence[str]:
        """Return every id in `acknowledged/`, sorted; what the party has cleared away is no longer told."""
        return await asyncio.to_thread(self._list_acknowledged)

    async def waiting(self) -> Sequence[Waiting]:
        """Return what lies in `new/` and was not copied to `acknowledged/`, oldest first."""
        return await asyncio.to_thread(self._list_waiting)

    async def close(self) -> None:
        """Do nothing: no file is open between two calls."""

    def _deliver(self, delivery: Delivery) -> None:
        document = delivery.document()
        names = [file_name(each.number, each.name) for each in delivery.attachments]
        if names:
            document["files"] = [f"{delivery.message_id}/{name}" for name in names]
        data = encode(document)
        name = delivery.message_id + _SUFFIX
        with self._locks[int(delivery.message_id[-2:], 16) % _STRIPES], self._far_side():
            if not self._already_there(name, document):
                if names:
                    self._write_files(delivery, names)
                self._write(name, data)
            # Also for a repeat: the crash that caused it may have come between the rename and this flush.
            _flush(self._new)

    def _already_there(self, name: str, document: dict[str, object]) -> bool:
        # A file goes from `new/` to `acknowledged/` only, so looking in this order cannot miss one on its way.
        present = _read(self._new / name)
        if present is not None:
            same = present == document or (
                isinstance(present, dict)
                and present.get("decision") == document["decision"]
                and present.get("held") is (not document["held"])
            )
        else:
            present = _read(self._acknowledged / name)
            if present is None:
                return False
            decision = document["decision"]
            same = not isinstance(present, dict) or present.get("decision", decision) == decision
        if not same:
            raise DeliveryError("DELIVERY_CONFLICT", f"the folder `{self._root}` has another message with this id")
        return True

    def _write_files(self, delivery: Delivery, names: Sequence[str]) -> None:
        """Write a message's attachments aside and put their directory into place at once."""
        place = self._new / delivery.message_id
        aside = self._tmp / f"{delivery.message_id}.{secrets.token_hex(4)}"
        try:
            aside.mkdir(mode=0o700)
            for each, name in zip(delivery.attachments, names, strict=True):
                _write_file(aside / name, each.read())
            _flush(aside)
            shutil.rmtree(place, ignore_errors=True)  # of a crash before its JSON file
            aside.replace(place)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        _flush(self._new)

    def _write(self, name: str, data: bytes) -> None:
        aside = self._tmp / f"{name}.{secrets.token_hex(4)}"
        try:
            _write_file(aside, (data,))
            aside.replace(self._new / name)
        except BaseException:
            with suppress(OSError):
                aside.unlink()
            raise

    def _list_acknowledged(self) -> list[str]:
        with self._far_side(), os.scandir(self._acknowledged) as entries:
            return sorted(known for entry in entries if (known := _message_id(entry.name)))

    def _list_waiting(self) -> list[Waiting]:
        found = []
        with self._far_side(), os.scandir(self._new) as entries:
            for entry in entries:
                message_id = _message_id(entry.name)
                if message_id is None:
                    continue
                with suppress(FileNotFoundError):  # the party moved it while the directory was read
                    found.append(Waiting(message_id, datetime.fromtimestamp(entry.stat().st_mtime, UTC)))
        # Listed second: a file that is moved in between then counts as acknowledged.
        done = set(self._list_acknowledged()) if found else set()
        return sorted((one for one in found if one.message_id not in done), key=lambda one: (one.since, one.message_id))

    @contextmanager
    def _far_side(self) -> Iterator[None]:
        """Turn an error of the file system into a line for the operator; any of them may pass."""
        try:
            yield
        except OSError as error:
            code, reason = "FOLDER_ERROR", "gives an error on reading or writing"
            if error.errno in _FULL:
                code, reason = "FOLDER_FULL", "has no room left on its disk"
            elif error.errno in _MISSING:
                code, reason = "FOLDER_MISSING", "or a directory in it is gone; a share may have fallen off"
            elif error.errno in _FORBIDDEN:
                code, reason = "FOLDER_RIGHTS", "cannot be written by the connector's account"
            raise DeliveryError(code, f"the folder `{self._root}` {reason}", retriable=True) from error


def _write_file(path: Path, data: Iterable[bytes]) -> None:
    """Write a new file that only its owner reads, through to the disk."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600), "wb") as file:
        for piece in data:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _message_id(name: str) -> str | None:
    """Return the id in a file name; the party may keep other files beside ours."""
    stem = name.removesuffix(_SUFFIX)
    return stem if stem != name and is_message_id(stem) else None


def _read(path: Path) -> object:
    """Return a file's JSON, the empty string when it holds none, or None when there is no file."""
    try:
        return json.loads(path.read_bytes()) or ""
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError):
        return ""
