"""The drop folder: one JSON file per message that the party's own system wants sent. One result each.

    root/
      new/           the system writes here: under another name (`x.json.tmp`, `.x.json`), then renames to `x.json`
      taken/         x.json, and x.result.json: message id, state, ladder, kept up to date
      refused/       x.json as it was, and x.error.json: code, words in Swedish and English, errors by field path
      .taking/       what is being dealt with now
      .tmp/          half-written results; emptied at start

**Pick-up.** A name that ends in `.json` is taken when it had the same size and time for a second; taking it is a
rename, so that a later file of the same name is another file. What is no whole JSON is looked at for a minute before it
is refused: its writer may be slow.

**Nothing lost, nothing twice.** A file stays in `.taking/` until the message lies in the outbox and the result is on
the disk. A file that is taken again after a crash is the same message: its id is made from the file's own `id`, else
from name and content. The same `id` with other content is `ID_REUSED`. Only keyed digests are kept.

Nothing in `new/` is followed: a link, a directory or a device is refused as what it is. One connector serves one
folder.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import hmac
import json
import logging
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from samband.connectors.drop_read import FILE_MOST, DropError, Told, of_error, read, words_of
from samband.connectors.durable import BINARY, flush, refuse_if_others_write, write_whole
from samband.connectors.rest.shapes import Fault
from samband.schemas.errors import OperatorError, SambandError

if TYPE_CHECKING:
    from samband.connectors.client import Client
    from samband.connectors.store import Store

__all__ = ["Drop", "DropSettings"]

log = logging.getLogger("samband.connector")

_SUFFIX: Final = ".json"
_AT_ONCE: Final = 32
_LOOK_S: Final = 1.0
_FOLLOW_S: Final = 5.0
PATIENCE_S: Final = 60.0
"""How long a file that is no whole JSON may still grow."""
_STEM_MOST: Final = 200
"""Bytes of a name before its suffix; a longer one is cut, with a digest in its place."""
_FOLLOWED_MS: Final = 30 * 86_400_000
_ENDED: Final = frozenset({"deny", "ask", "refused", "recalled", "acted", "mismatch", "misdirected"})
_TABLE: Final = """CREATE TABLE IF NOT EXISTS dropped
    (key BLOB PRIMARY KEY, digest BLOB NOT NULL, message_id BLOB NOT NULL) WITHOUT ROWID"""
_NO_FOLLOW: Final[int] = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True)
class DropSettings:
    """A folder whose files are sent."""

    path: Path
    unit: str = ""
    """Who speaks where a file does not say; empty: the party's only unit."""
    after: str = "archive"
    """`archive`: a file that was taken is kept in `taken/`. `remove`: only its result is."""


class _Found(NamedTuple):
    name: str
    digest: bytes
    told: Told | DropError


class Drop:
    """One drop folder of a party.

    Raises:
        OperatorError: `FOLDER_RIGHTS`, when others can write there; `FOLDER_UNUSABLE`, when it cannot be made;
            `SETTINGS_DROP`, when `after` is no such word.
    """

    def __init__(self, settings: DropSettings, store: Store, client: Client) -> None:
        if settings.after not in ("archive", "remove"):
            raise OperatorError("SETTINGS_DROP", "`after` of a drop folder is `archive` or `remove`")
        self._settings, self._store, self._client = settings, store, client
        root = settings.path
        self._new, self._taken, self._refused = root / "new", root / "taken", root / "refused"
        self._taking, self._tmp = root / ".taking", root / ".tmp"
        self._seen: dict[str, tuple[int, int, float]] = {}
        """Name in `new/` → (size, time, since when)."""
        self._halves: dict[str, tuple[int, float]] = {}
        """Name in `.taking/` of what is no whole JSON → (size, since when)."""
        self._open: dict[Path, tuple[bytes, int, int]] = {}
        """Result → (message, number of steps in it, when it was made) where more may come."""
        store.database.execute(_TABLE)
        try:
            for directory in (root, self._new, self._taken, self._refused, self._taking, self._tmp):
                with suppress(FileExistsError):
                    directory.mkdir(mode=0o700)
                refuse_if_others_write(directory)
            for leftover in self._tmp.iterdir():
                leftover.unlink()
            flush(root)
        except OSError as error:
            reason = (os.strerror(error.errno) if error.errno else "unknown reason").lower()
            raise OperatorError(
                "FOLDER_UNUSABLE",
                f"the folder `{root}` cannot be used: {reason}",
                "the directory above it must exist, and the connector's account must own the folder",
                retriable=True,
            ) from error

    async def run(self, now_ms: Callable[[], int], clock: Callable[[], float]) -> None:
        """Take what is dropped, and keep the results up to date, until cancelled."""
        await asyncio.to_thread(self._find_open)
        followed = clock()
        while True:
            while await self.take(now_ms(), clock()):
                pass
            if clock() - followed >= _FOLLOW_S:
                followed = clock()
                await self.follow(now_ms())
            await asyncio.sleep(_LOOK_S)

    async def take(self, now: int, at: float) -> int:
        """Take up to 32 files; return how many came to their end. `at`: seconds of a clock that only goes forward.

        Raises:
            OperatorError: the store or the folder cannot be written; everything stays where it is.
        """
        try:
            found = await asyncio.to_thread(lambda: list(self._claimed(at)))
            results = [(each, self._act(each, now)) for each in found]
            await asyncio.to_thread(self._settle, results, now)
        except OSError as error:
            code = "FOLDER_FULL" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "FOLDER_ERROR"
            raise OperatorError(code, f"the folder `{self._settings.path}` cannot be used", retriable=True) from error
        return len(results)

    async def follow(self, now: int) -> None:
        """Write what has become of messages into their results."""
        changed = []
        for path, (message_id, steps, made) in list(self._open.items()):
            outcome = self._client.outcome(message_id)
            if len(outcome.steps) != steps:
                changed.append((path, message_id, made))
            elif outcome.state in _ENDED or now - made > _FOLLOWED_MS:
                del self._open[path]
        for start in range(0, len(changed), _AT_ONCE):
            part = [
                (path, self._result(message, now), made) for path, message, made in changed[start : start + _AT_ONCE]
            ]
            await asyncio.to_thread(self._rewrite, part)

    # files

    def _claimed(self, at: float) -> Iterator[_Found]:
        """Take files over by a rename, and read them; those that a crash left in between come first."""
        names = sorted(path.name for path in self._taking.iterdir())
        room = _AT_ONCE - sum(name not in self._halves for name in names)
        for name in [*names, *self._settled(set(names), room, at)]:
            digest, told = self._read(name)
            if isinstance(told, DropError) and told.code == "BODY_JSON" and self._grows(name, at):
                continue
            self._halves.pop(name, None)
            yield _Found(name, digest, told)

    def _settled(self, taking: set[str], room: int, at: float) -> list[str]:
        """Rename what has not changed for a second into `.taking/`; return the names."""
        seen: dict[str, tuple[int, int, float]] = {}
        ready: list[str] = []
        with os.scandir(self._new) as entries:
            for entry in entries:
                if entry.name.startswith(".") or not entry.name.endswith(_SUFFIX) or entry.name in taking:
                    continue
                with suppress(FileNotFoundError):
                    info = entry.stat(follow_symlinks=False)
                    before = self._seen.get(entry.name)
                    same = before is not None and before[:2] == (info.st_size, info.st_mtime_ns)
                    seen[entry.name] = before if before and same else (info.st_size, info.st_mtime_ns, at)
                    if at - seen[entry.name][2] >= _LOOK_S:
                        ready.append(entry.name)
        self._seen = seen
        taken = []
        for name in sorted(ready)[: max(0, room)]:
            with suppress(FileNotFoundError):
                (self._new / name).rename(self._taking / name)
                del seen[name]
                taken.append(name)
        return taken

    def _grows(self, name: str, at: float) -> bool:
        """Say whether a file that is no whole JSON may still become one."""
        size = (self._taking / name).stat().st_size
        before, since = self._halves.get(name, (-1, at))
        self._halves[name] = (size, since if size == before else at)
        return at - self._halves[name][1] < PATIENCE_S

    def _read(self, name: str) -> tuple[bytes, Told | DropError]:
        try:
            fd = os.open(self._taking / name, os.O_RDONLY | _NO_FOLLOW | BINARY)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR, errno.EACCES):
                return self._mac("kind", os.fsencode(name)), DropError("FILE_KIND")
            raise
        with os.fdopen(fd, "rb", buffering=0) if stat.S_ISREG(os.fstat(fd).st_mode) else _closed(fd) as file:
            if file is None:
                return self._mac("kind", os.fsencode(name)), DropError("FILE_KIND")
            size = os.fstat(file.fileno()).st_size
            if size > FILE_MOST:  # not read, whatever is in it
                return self._mac("size", os.fsencode(name) + size.to_bytes(8, "big")), DropError("FILE_TOO_LARGE")
            data = b""
            while len(data) <= FILE_MOST and (more := file.read(FILE_MOST + 1 - len(data))):
                data += more
        digest = self._mac("content", data)
        try:
            return digest, read(data)
        except DropError as error:
            return digest, error

    def _settle(self, results: list[tuple[_Found, dict[str, Any]]], now: int) -> None:
        """Write results, and then move the files: a crash in between has the file looked at again."""
        places = []
        for found, result in results:
            good = "message_id" in result
            folder, kind = (self._taken, ".result.json") if good else (self._refused, ".error.json")
            stem = self._place(folder, found, kind)
            path = folder / (stem + kind)
            write_whole(self._tmp, path, _encoded({**result, "digest": found.digest.hex()}))
            places.append((found, folder / (stem + _SUFFIX), good))
            if good:
                self._open[path] = (bytes.fromhex(result["message_id"]), len(result["steps"]), now)
        if places:
            flush(self._taken)
            flush(self._refused)
        for found, target, good in places:
            source = self._taking / found.name
            if good and self._settings.after == "remove":
                source.unlink()
            else:
                source.replace(target)
        if places:
            for directory in (self._taken, self._refused, self._taking):
                flush(directory)

    def _place(self, folder: Path, found: _Found, kind: str) -> str:
        """Return the name to file it under: its own, unless another content has that already."""
        stem = found.name.removesuffix(_SUFFIX)
        mark = found.digest.hex()[:12]
        if len(raw := os.fsencode(stem)) > _STEM_MOST:
            name = self._mac("name", raw).hex()[:12]
            stem = f"{os.fsdecode(raw[: _STEM_MOST - 60])}~{name}"
        if (folder / (stem + kind)).exists() or (folder / (stem + _SUFFIX)).exists():
            with suppress(FileNotFoundError, ValueError, AttributeError):
                same = json.loads((folder / (stem + kind)).read_bytes()).get("digest") == found.digest.hex()
                if same and not _is_thing(folder / (stem + _SUFFIX)):
                    return stem
            stem = f"{stem}~{mark}"
        target, number, plain = folder / (stem + _SUFFIX), 1, stem
        while _is_thing(target):
            number += 1
            stem = f"{plain}~{number}"
            target = folder / (stem + _SUFFIX)
        return stem

    def _find_open(self) -> None:
        """Find the results that an earlier run left open."""
        with os.scandir(self._taken) as entries:
            for entry in entries:
                if entry.name.endswith(".result.json"):
                    with suppress(OSError, ValueError, KeyError, AttributeError, TypeError):
                        result = json.loads(Path(entry.path).read_bytes())
                        made = int(entry.stat().st_mtime * 1000)
                        message = bytes.fromhex(result["message_id"])
                        self._open[Path(entry.path)] = (message, len(result["steps"]), made)

    def _rewrite(self, part: list[tuple[Path, dict[str, Any], int]]) -> None:
        for path, result, made in part:
            try:
                before = json.loads(path.read_bytes())
                write_whole(self._tmp, path, _encoded({**result, "digest": before["digest"]}))
            except (FileNotFoundError, ValueError, KeyError, TypeError):
                self._open.pop(path, None)  # the system has taken it away
                continue
            self._open[path] = (bytes.fromhex(result["message_id"]), len(result["steps"]), made)

    # messages

    def _act(self, found: _Found, now: int) -> dict[str, Any]:
        """Say what a file says, once, and return its result."""
        if isinstance(found.told, DropError):
            return _error(found.told)
        try:
            return self._result(self._send(found, found.told, now), now)
        except DropError as error:
            return _error(error)
        except (OperatorError, OSError, sqlite3.Error):
            raise  # this installation's trouble: the file waits
        except SambandError as error:
            return _error(of_error(error))
        except Exception as error:  # one file stops no other
            log.warning("dropped file failed", extra={"code": type(error).__name__})
            return _error(DropError("FILE_FAILED"))

    def _send(self, found: _Found, told: Told, now: int) -> bytes:
        body = told.send
        own = told.id.encode() if told.id else os.fsencode(found.name) + b"\0" + found.digest
        key = self._mac("id" if told.id else "file", own)
        message_id = self._mac("message", key)[:16]
        with self._store.transaction():
            row = self._store.database.execute("SELECT digest FROM dropped WHERE key = ?", (key,)).fetchone()
            if row is not None and bytes(row[0]) != found.digest and self._store.has_said(message_id):
                raise DropError("ID_REUSED", [Fault(pointer="/id", code="ID_REUSED", detail="was used before")])
            self._store.database.execute(
                "INSERT INTO dropped VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET digest = excluded.digest",
                (key, found.digest, message_id),
            )
        if self._store.has_said(message_id):
            return message_id
        ref_to = bytes.fromhex(body.reply_to) if body.reply_to else None
        answered = self._store.letter(ref_to) if ref_to else None
        return self._client.send(
            body.type, recipient=body.recipient, content=body.content, now=datetime.fromtimestamp(now / 1000, UTC),
            unit=body.unit or self._settings.unit, ground=body.ground, limb=body.limb, necessity=body.necessity,
            conversation=bytes.fromhex(answered.letter["conversation"]) if answered else None, ref_to=ref_to,
            message_id=message_id, life_days=body.life_days,
        )  # fmt: skip

    def _result(self, message_id: bytes, now: int) -> dict[str, Any]:
        outcome, reserve = self._client.outcome(message_id), self._client.reserve(message_id, now)
        return {
            "message_id": message_id.hex(),
            "state": outcome.state,
            **({"reserve_number": reserve.number} if reserve else {}),
            "steps": [
                {
                    "at": datetime.fromtimestamp(step.at / 1000, UTC).isoformat(timespec="milliseconds"),
                    "kind": step.kind, "outcome": step.outcome, "code": step.code,
                    "grounds": list(step.detail.get("grounds", ())), "reasons": list(step.detail.get("reasons", ())),
                }
                for step in outcome.steps
            ],
        }  # fmt: skip

    def _mac(self, what: str, data: bytes) -> bytes:
        """Keyed: a file holds a child's number, which a plain digest would give away to who guesses."""
        return hmac.new(self._store.secret, f"drop/{what}\0".encode() + data, hashlib.sha256).digest()


def _error(error: DropError) -> dict[str, Any]:
    swedish, english = words_of(error.code)
    errors = [{"pointer": each.pointer, "code": each.code, "detail": each.detail} for each in error.errors]
    return {"code": error.code, "text_sv": swedish, "text_en": english, "errors": errors}


def _is_thing(path: Path) -> bool:
    """Say whether a link or directory is there, which another cannot take the place of."""
    return path.is_symlink() or path.is_dir()


def _encoded(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


class _closed:  # noqa: N801  a context, as those of contextlib
    """Close what is no file."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def __enter__(self) -> None:
        os.close(self._fd)

    def __exit__(self, *_: object) -> None:
        return
