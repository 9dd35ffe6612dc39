"""`samband audit bundle` and `audit verify --bundle`: one message's decision, receipts and proofs in one file.

At the hub out of its records; at a party out of its own store: what the gate told it, the label of what it received.
No content is in it. Routing tells units, type, categories and the child's reference: give it to whoever may know them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from samband.connectors.cli.terminal import Answer, As, Exit, bad, emit, home_of, message_id_of, party_of, table
from samband.connectors.cli.words import either
from samband.schemas.errors import FormatError, InputError, OperatorError, TrustError

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.schemas.stamp import Stamped
    from samband.streams.crypto.keys import VerifyKey
    from samband.streams.directory import Directory
    from samband.streams.log.bundle import Bundle, Label, Line, Named
    from samband.streams.log.checkpoint import Witness
    from samband.streams.log.folder import LogFolder
    from samband.streams.root import Root

__all__ = ["bundle", "verify_file"]


def bundle(
    message: Annotated[str, typer.Argument(metavar="MESSAGE", help="Its id.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it; a file that is there stays.")
    ] = None,
    who: As = "",
) -> None:
    """Put everything that you may show of a message into one file that proves itself; without --out print it.

    Decision and receipts with their salts, where each stands in the log, the checkpoint with its cosignatures, and at
    the recipient the label as its sender signed it. At the hub from its records, with --as from a party's own store.
    """
    number = message_id_of(message)
    made = _of_party(party_of(who), number) if who else _of_hub(number)
    data = made.encode()
    if out is None:
        print(data.decode(), end="")
        return
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
    except FileExistsError as error:
        raise InputError("BUNDLE_EXISTS", f"`{out}` is there already") from error
    except OSError as error:
        raise OperatorError("BUNDLE_WRITE", f"`{out}` cannot be written: {error.strerror}") from error
    told = len(made.stamps)
    print(either(f"{told} poster med bevis i {out}", f"{told} records with their proofs in {out}"))


def _of_hub(number: bytes) -> Bundle:
    from msgspec.structs import replace

    from samband.schemas.stamp import Stamped, StampRecord
    from samband.streams.log.folder import LogFolder
    from samband.streams.records import opened

    home, stamps = home_of(), []
    with opened(home) as store:
        for leaf in store.kept(0, 999_999):
            salt, data = store.salted(leaf)
            record = StampRecord.decode(data)
            if number in (record.message_id, record.subject):
                if leaf.proof is None:
                    raise OperatorError("PROOF_MISSING", "the record is older than the gate's signatures here")
                stamps.append(replace(Stamped.decode(leaf.proof), record=data, salt=salt))
    directory = home.directory(time.time_ns() // 1_000_000)
    return _made(number, stamps, None, LogFolder(home.hub / "log-tiles"), home.root, directory)


def _of_party(party: Party, number: bytes) -> Bundle:
    from samband.schemas.stamp import Stamped
    from samband.streams.log.bundle import Label
    from samband.streams.log.folder import LogFolder

    details = [step.detail for step in party.store.steps(number)]
    row = party.store.letter(number)
    if row is not None:
        details.append(row.letter)
    texts = dict.fromkeys(each["proof"] for each in details if each.get("proof"))
    if not texts:
        raise InputError("MESSAGE_UNKNOWN", "nothing that proves such a message is kept here", "samband track")
    label = Label.of(row.letter["label"]) if row is not None and row.letter.get("label") else None
    stamps = [Stamped.decode(_unbase64(each)) for each in texts]
    return _made(number, stamps, label, LogFolder(party.folder / "log"), party.root, party.directory)


def _unbase64(text: str) -> bytes:
    from base64 import b64decode

    return b64decode(text)


def _made(
    number: bytes, stamps: Iterable[Stamped], label: Label | None, folder: LogFolder, root: Root,
    directory: Directory,
) -> Bundle:  # fmt: skip
    """Find each record in the log and prove it under one checkpoint, a witnessed one where it reaches so far.

    Raises:
        InputError: there are none (`MESSAGE_UNKNOWN`).
        OperatorError: one is not in the log yet (`LOG_NOT_YET`).
    """
    from samband.streams.crypto.keys import VerifyKey
    from samband.streams.crypto.signature import entry_of
    from samband.streams.log.bundle import Bundle, Told
    from samband.streams.log.checkpoint import Checkpoint, origin_of
    from samband.streams.log.note import Note
    from samband.streams.log.tiles import CHECKPOINT, Tiles
    from samband.streams.log.tree import inclusion
    from samband.streams.log.verify import WITNESSED

    entries = {entry_of(root.realm, each.salt, each.record): each for each in stamps}
    if not entries:
        raise InputError("MESSAGE_UNKNOWN", "no record tells of such a message", "samband audit list")
    try:
        newest = folder.read(CHECKPOINT)
    except FileNotFoundError as error:
        raise OperatorError("LOG_MISSING", f"there is no log in `{folder.path}`") from error
    size = Checkpoint.parse(Note.parse(newest).text).size
    places = _places(Tiles(folder.read, size), set(entries))
    if len(places) < len(entries):
        raise OperatorError("LOG_NOT_YET", "a record of the message is not in the log yet", retriable=True)
    note = newest
    try:
        witnessed = folder.read(WITNESSED)
        if Checkpoint.parse(Note.parse(witnessed).text).size > max(places.values()):
            note = witnessed
    except FileNotFoundError:
        pass
    tiles = Tiles(folder.read, Checkpoint.parse(Note.parse(note).text).size)
    told = [Told(entries[entry].encode(), index, tuple(inclusion(tiles.node, index, tiles.size)))
            for entry, index in sorted(places.items(), key=lambda each: each[1])]  # fmt: skip
    kids = {each.kid for each in entries.values()} | ({label.kid} if label else set())
    known = [directory.known(kid) for kid in kids]
    keys = sorted((str(each.card.purpose), each.key.public) for each in known if isinstance(each.key, VerifyKey))
    return Bundle(origin_of(root.realm, root.agreement), number, label, tuple(told), tuple(keys), note)


def _places(tiles: Any, wanted: set[bytes]) -> dict[bytes, int]:
    from samband.streams.log.tree import WIDTH

    found: dict[bytes, int] = {}
    for n in range(-(-tiles.size // WIDTH)):
        for at, entry in enumerate(tiles.entries(n)):
            if entry in wanted:
                found[entry] = n * WIDTH + at
        if len(found) == len(wanted):
            break
    return found


def verify_file(file: Path, key: str, witnesses: list[str], who: str, *, as_json: bool) -> None:
    """Say what holds of a file, line by line; exit code 10 when something does not."""
    from samband.streams.log.bundle import State, verify_bundle
    from samband.streams.log.checkpoint import Policy

    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError("BUNDLE_READ", f"`{file}` cannot be read: {error.strerror}") from error
    keys, origin, known, policy, named = _trust(key, witnesses, who)
    lines = verify_bundle(data, keys, origin, known, policy or Policy(max(len(known), 1)), named)
    if as_json:
        emit([each._asdict() for each in lines])
    else:
        table(("", either("vad", "what"), ""), [(_MARKS[each.state], _words(each), each.said) for each in lines])
    if any(each.state is State.BROKEN for each in lines):
        raise Answer(Exit.DENIED)


_MARKS: Final = {"holds": "✓", "broken": "✗", "open": "–"}
_WHAT: Final = {
    "file": ("fil i sin enda form", "file in its one form"),
    "checkpoint": ("kontrollpunkt, signerad av loggen", "checkpoint, signed by the log"),
    "witnesses": ("vittnen", "witnesses"),
    "decision.log": ("beslutet, på sin plats i loggen", "decision, in its place in the log"),
    "decision.gate": ("beslutet, signerat av", "decision, signed by"),
    "receipt.log": ("kvittensen, på sin plats i loggen", "receipt, in its place in the log"),
    "receipt.gate": ("kvittensen, signerad av", "receipt, signed by"),
    "label": ("etiketten är den som bedömdes", "label is the one that was judged"),
    "label.sender": ("etiketten, signerad av", "label, signed by"),
    "keys": ("nycklarna", "keys"),
    "whole": ("beslut finns, poster i loggens ordning", "there is a decision, records in the log's order"),
}


def _words(line: Line) -> str:
    what = _WHAT.get(line.what)
    if what is None:
        place, _, kind = line.what.partition(".")
        ends = {"log": ("på sin plats i loggen", "in its place in the log"), "gate": ("signerad av", "signed by")}
        return f"{either('post', 'record')} ({place}) {either(*ends.get(kind, ('', '')))}".strip()
    return either(*what)


def _trust(
    key: str, texts: list[str], who: str
) -> tuple[list[VerifyKey], str, list[Witness], Any, Named | None]:  # fmt: skip
    """Return the log's keys and name, the witnesses, how many of them must have cosigned, and whose other keys are."""
    from samband.streams.crypto.keys import Purpose, Realm, VerifyKey
    from samband.streams.log.checkpoint import Policy, key_from, origin_of, witness_from
    from samband.streams.log.witnessed import witnesses_of

    if key:
        origin, found = key_from(key)
        try:
            realm = Realm(bytes.fromhex(origin.rpartition("/")[2]))
        except ValueError:
            raise FormatError("FORMAT_VKEY", "the log's name ends with its realm") from None
        return [found], origin, [witness_from(each, realm) for each in texts], None, None
    if texts:
        raise bad("--witness goes with --key: without it the directory names the witnesses")
    if who:
        party = party_of(who)
        root, directory, choice = party.root, party.directory, party.settings.log
    else:
        home = home_of()
        root, directory = home.root, home.directory(time.time_ns() // 1_000_000)
        choice = home.settings.log  # type: ignore[assignment]
    keys = [each.key for each in directory.keys.values()
            if each.card.purpose == Purpose.LOG and isinstance(each.key, VerifyKey)]  # fmt: skip
    policy = Policy(max(choice.witnesses, 1), choice.operator)
    return keys, origin_of(root.realm, root.agreement), witnesses_of(root, directory, None), policy, _named(directory)


def _named(directory: Directory) -> Named:
    def whose(purpose: str, key: VerifyKey, at: int) -> str:
        from samband.streams.crypto.keys import Purpose
        from samband.streams.directory import HUB

        known = directory.known(key.kid)
        if purpose == Purpose.GATE_STAMP:
            directory.stamp_key(key.kid, at)
            return HUB
        if known.card.purpose != purpose:
            raise TrustError("KEY_PURPOSE", "the key has another purpose")
        known.check_standing()
        known.check(at)
        return known.party

    return whose
