"""`samband audit verify`, `prove` and `export`: the log worked out anew, an entry's proof, and a copy to query.

They read a log's folder, the hub's own or a copy from anywhere, and believe nothing in it but what follows from its
entries and the log's public key.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samband.connectors.cli.audit_bundle import verify_file
from samband.connectors.cli.log_words import ending, meaning
from samband.connectors.cli.terminal import Answer, As, Exit, Json, bad, emit, home_of, party_of, table
from samband.connectors.cli.words import either, say
from samband.schemas.errors import InputError, OperatorError

if TYPE_CHECKING:
    from samband.streams.crypto.keys import VerifyKey
    from samband.streams.log.checkpoint import Checkpoint, Witness
    from samband.streams.log.folder import LogFolder
    from samband.streams.log.tiles import Tiles
    from samband.streams.log.verify import Difference

__all__ = ["export", "prove", "verify"]

_SHOWN = 20
"""Differences that are printed; `--json` has them all."""

Folder = Annotated[Path | None, typer.Option(help="A copy of a log's folder; the hub's own where none is named.")]
Key = Annotated[str, typer.Option(metavar="VKEY", help="The log's public key, from somebody you trust.")]


def verify(
    folder: Folder = None,
    key: Key = "",
    online: Annotated[
        bool, typer.Option(help="Read the log from Kafka as it is now, as the hub or --as a party.")
    ] = False,
    bundle: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A message's file instead, from samband audit bundle.")
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option(metavar="VKEY", help="With --key and --bundle: a witness's public key.")
    ] = None,
    who: As = "",
    beside: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A checkpoint from somewhere else, or a party's evidence; again for more."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Work the whole log out anew from its entries and compare; exit code 10 when anything differs.

    Trusts no one: only the log's public key comes from elsewhere (--key; else from the directory of this home or
    party). --beside: a checkpoint that others were shown must be a beginning of this log; where it is not, the log is
    forked, and both files are the proof. At the hub --online also looks for every entry that the gate has stamped: one
    that is missing is named, those of the last ten minutes aside, and so is a witness that has cosigned another log.
    With --bundle it says, line by line, what holds of one message's file, without network or hub.
    """
    from samband.connectors.cli import audit_live
    from samband.streams.log.verify import verify as work_out

    if bundle is not None:
        verify_file(bundle, key, witness or [], who, as_json=as_json)
        return
    live = audit_live.read(None if who else home_of(), party_of(who) if who else None) if online else None
    if live is not None:
        read, keys, origin, witnesses = live.read, live.keys, live.origin, live.witnesses
        if key:
            _, keys, origin, witnesses = _named(key)
    else:
        where, keys, origin, witnesses = _log(folder, key, who)
        read = where.read
    others = [(str(path), _checkpoint(path, keys, origin)) for path in beside or ()]
    report = work_out(read, keys, origin, witnesses, _progress, beside=others, tiles_too=live is None)
    if live is not None:
        report.differences += audit_live.hidden(live)
    if not who and not key and folder is None:
        report.differences += audit_live.against(home_of())
    _clear()
    if as_json:
        emit({"origin": origin, "keys": _texts(keys, origin), "size": report.size, "root": report.root.hex(),
              "tiles": report.tiles, "witnessed": report.witnessed, "witnesses": report.witnesses,
              "differences": [each._asdict() for each in report.differences]})  # fmt: skip
    else:
        print(either(f"{report.size} loggposter, {report.tiles} plattor",
                     f"{report.size} log entries, {report.tiles} tiles"))  # fmt: skip
        names = ", ".join(each.rpartition("/")[2] for each in report.witnesses)
        if report.witnessed:
            print(either(f"bevittnad till {report.witnessed}: {names}", f"witnessed up to {report.witnessed}: {names}"))
        if report.differences:
            _differences(report.differences)
        else:
            print(either("ingenting skiljer sig", "nothing differs"))
    if report.differences:
        raise Answer(Exit.DENIED)


def _differences(found: list[Difference]) -> None:
    """Print what differs: the first of many, since what is missing or put in moves everything after it."""
    shown = found[:_SHOWN]
    table((either("fil", "file"), say("why"), either("kod", "code")),
          [(each.path, meaning(each.code), each.code) for each in shown])  # fmt: skip
    if more := len(found) - len(shown):
        print(either(f"och {more} till", f"and {more} more"))
    print(ending())


def prove(
    what: Annotated[str, typer.Argument(metavar="ENTRY|MESSAGE", help="A log entry, or a message's id at the hub.")],
    folder: Folder = None,
    key: Key = "",
    as_json: Json = False,
) -> None:
    """Prove that an entry, or everything about a message, is in the log; exit code 10 when something is not.

    The proof holds by itself: leaf, path and signed checkpoint, as any tool for transparency logs takes them.
    """
    from samband.streams.crypto.merkle import leaf_hash
    from samband.streams.log.checkpoint import opened
    from samband.streams.log.tiles import CHECKPOINT, Tiles
    from samband.streams.log.tree import inclusion, verify_inclusion

    entries = _wanted(what)
    where, keys, origin, _ = _log(folder, key)
    note = where.read(CHECKPOINT)
    checkpoint, _ = opened(note, keys, origin)
    tiles = Tiles(where.read, checkpoint.size)
    places = _places(tiles, set(entries))
    found: list[dict[str, Any]] = []
    for entry in entries:
        if (index := places.get(entry)) is None:
            found.append({"entry": entry.hex(), "index": None})
            continue
        path = inclusion(tiles.node, index, checkpoint.size)
        verify_inclusion(leaf_hash(entry), index, checkpoint.size, checkpoint.root, path)
        found.append({"entry": entry.hex(), "index": index, "size": checkpoint.size, "root": checkpoint.root.hex(),
                      "path": [each.hex() for each in path], "checkpoint": note.decode()})  # fmt: skip
    if as_json:
        emit(found)
    else:
        _show(found, checkpoint)
    if not found or any(each["index"] is None for each in found):
        raise Answer(Exit.DENIED)


def _show(found: list[dict[str, Any]], checkpoint: Checkpoint) -> None:
    for each in found:
        if each["index"] is None:
            print(either(f"{each['entry']}  finns inte i loggen", f"{each['entry']}  is not in the log"))
        else:
            print(either(f"{each['entry']}  plats {each['index']} av {checkpoint.size}, bevisad",
                         f"{each['entry']}  place {each['index']} of {checkpoint.size}, proved"))  # fmt: skip


def export(
    sqlite: Annotated[Path, typer.Option(metavar="FILE", help="The database to make.")],
    folder: Folder = None,
    key: Key = "",
) -> None:
    """Copy the log into a SQLite database: every entry with its place; at the hub also what its records say.

    No child, unit or content is in it: of a record the same as `audit list` shows.
    """
    from samband.streams.log.checkpoint import opened
    from samband.streams.log.tiles import CHECKPOINT, Tiles

    if sqlite.exists():
        raise InputError("EXPORT_EXISTS", f"`{sqlite}` is there already")
    where, keys, origin, _ = _log(folder, key)
    checkpoint, _ = opened(where.read(CHECKPOINT), keys, origin)
    tiles = Tiles(where.read, checkpoint.size)
    database = sqlite3.connect(sqlite)
    try:
        with database:
            database.execute('CREATE TABLE log ("index" INTEGER PRIMARY KEY, entry TEXT NOT NULL UNIQUE)')
            rows = ((index, entry.hex()) for index, entry in _entries(tiles))
            database.executemany("INSERT INTO log VALUES (?, ?)", rows)
            database.execute(
                "CREATE TABLE records (entry TEXT PRIMARY KEY, partition INTEGER, seq INTEGER, at INTEGER, kind TEXT,"
                " type TEXT, outcome TEXT, code TEXT, grounds TEXT, reasons TEXT, message_id TEXT)"
            )
            if folder is None:
                database.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _records())
    finally:
        database.close()
    _clear()
    print(either(f"{checkpoint.size} loggposter i {sqlite}", f"{checkpoint.size} log entries in {sqlite}"))


def _records() -> Iterator[tuple[Any, ...]]:
    from samband.streams.records import read

    for each in read(home_of()):
        record = each.record
        yield (each.entry.hex(), each.partition, each.audit_seq, record.decided_at, record.kind, record.type,
               record.outcome, record.code, " ".join(record.grounds), " ".join(record.reasons),
               record.message_id.hex())  # fmt: skip


def _wanted(what: str) -> list[bytes]:
    """Return the entries that are asked about."""
    from samband.streams.records import read

    try:
        wanted = bytes.fromhex(what)
    except ValueError:
        wanted = b""
    if len(wanted) == 32:
        return [wanted]
    if len(wanted) != 16:
        raise bad("give a log entry (64 hexadecimal digits) or a message's id (32)")
    return [each.entry for each in read(home_of()) if wanted in (each.record.message_id, each.record.subject)]


def _places(tiles: Tiles, wanted: set[bytes]) -> dict[bytes, int]:
    found = {}
    for index, entry in _entries(tiles):
        if entry in wanted:
            found[entry] = index
            if len(found) == len(wanted):
                break
    _clear()
    return found


def _entries(tiles: Tiles) -> Iterator[tuple[int, bytes]]:
    from samband.streams.log.tree import WIDTH

    for n in range(-(-tiles.size // WIDTH)):
        for at, entry in enumerate(tiles.entries(n)):
            yield n * WIDTH + at, entry
        _progress(min((n + 1) * WIDTH, tiles.size), tiles.size)


def _checkpoint(path: Path, keys: list[VerifyKey], origin: str) -> Checkpoint:
    """Return the checkpoint in a file: signed by the log, or as a head of the gate named it."""
    from samband.streams.log.checkpoint import Checkpoint, opened

    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError("CHECKPOINT_FILE", f"`{path}` cannot be read: {error.strerror}") from error
    text, _, named = data.partition(b"\n\nhead ")
    if named:
        found = Checkpoint.parse(text + b"\n")
        if found.origin != origin:
            raise InputError("LOG_ORIGIN", f"`{path}` is of another log")
        return found
    return opened(data, keys, origin)[0]


def _named(key: str) -> tuple[None, list[VerifyKey], str, list[Witness]]:
    from samband.streams.log.checkpoint import key_from

    origin, found = key_from(key)
    return None, [found], origin, []


def _log(folder: Path | None, key: str, who: str = "") -> tuple[LogFolder, list[VerifyKey], str, list[Witness]]:
    """Return the log's folder, keys, name and witnesses."""
    from samband.streams.crypto.keys import Purpose, VerifyKey
    from samband.streams.log.checkpoint import origin_of
    from samband.streams.log.folder import LogFolder
    from samband.streams.log.witnessed import witnesses_of

    if key:
        _, found, origin, _ = _named(key)
        return _folder(LogFolder(folder or home_of().hub / "log-tiles")), found, origin, []
    now = time.time_ns() // 1_000_000
    if who:
        party = party_of(who)
        root, directory, own = party.root, party.directory, party.folder / "log"
    else:
        home = home_of()
        root, directory, own = home.root, home.directory(now), home.hub / "log-tiles"
    keys = [each.key for each in directory.keys.values()
            if each.card.purpose == Purpose.LOG and isinstance(each.key, VerifyKey)]  # fmt: skip
    where = folder or own
    return _folder(LogFolder(where)), keys, origin_of(root.realm, root.agreement), witnesses_of(root, directory, now)


def _folder(folder: LogFolder) -> LogFolder:
    from samband.streams.log.tiles import CHECKPOINT

    if not (folder.path / CHECKPOINT).exists():
        raise OperatorError("LOG_MISSING", f"there is no log in `{folder.path}`", "samband hub up keeps one")
    return folder


def _texts(keys: list[VerifyKey], origin: str) -> list[str]:
    from samband.streams.log.checkpoint import key_text

    return [key_text(key, origin) for key in keys]


def _progress(done: int, size: int) -> None:
    """Say on a terminal how far it is; nothing elsewhere."""
    if sys.stderr.isatty() and size:
        bar = "█" * (30 * done // size)
        sys.stderr.write(f"\r\x1b[K{bar:30} {done}/{size}")
        sys.stderr.flush()


def _clear() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
