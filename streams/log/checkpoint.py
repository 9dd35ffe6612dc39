"""Checkpoints (C2SP tlog-checkpoint): the log's signed size and root, and what its witnesses say about them. Pure.

    samband/vastmanland/0123…                      origin: realm and agreement
    70000                                          size
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=   root

    note = sign(key, Checkpoint(origin, size, root))
    checkpoint, note = opened(data, [log_key], origin)
    line = cosign(witness_key, name, checkpoint, timestamp)
    said = cosigners(note, checkpoint, witnesses)          the witnesses whose cosignature holds
    Policy(2, "212000-2080").check(said)

A cosignature (cosignature/v1) says that this is the largest state of the log that the witness has seen, and that it
begins with every other one that it has seen.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from samband.schemas.errors import FormatError, TrustError
from samband.streams.crypto.held import Signing
from samband.streams.crypto.keys import Purpose, Realm, VerifyKey
from samband.streams.log.note import COSIGNATURE, ED25519, Line, Note, is_name, key_id, unbase64, vkey

__all__ = [
    "Checkpoint", "Cosignature", "Policy", "Witness", "cosign", "cosigners", "key_from", "key_text", "opened",
    "origin_of", "sign", "verify_cosignature", "witness_from", "witness_text",
]  # fmt: skip

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_MAX_TIME: Final = (1 << 63) - 1


def origin_of(realm: Realm, agreement: str) -> str:
    """Return a log's origin, which is its key's name too."""
    return f"samband/{agreement}/{realm.id.hex()}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state of a log."""

    origin: str
    size: int
    root: bytes

    def text(self) -> bytes:
        """Return the note's text."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n".encode()

    @classmethod
    def parse(cls, text: bytes) -> Checkpoint:
        """Return the checkpoint that a note's text is; this log's have no extension lines.

        Raises:
            FormatError: it is none.
        """
        try:
            origin, size, root, end = text.decode().split("\n")
        except ValueError as error:
            raise _wrong("it has three lines") from error
        if end or not is_name(origin) or not _SIZE.fullmatch(size):
            raise _wrong("origin or size cannot be read")
        found = cls(origin, int(size), unbase64(root))
        if len(found.root) != 32 or found.size > _MAX_TIME:
            raise _wrong("a root has 32 bytes")
        return found


def _wrong(why: str) -> FormatError:
    return FormatError("FORMAT_CHECKPOINT", f"the text is no checkpoint: {why}")


def key_text(key: VerifyKey | Signing, origin: str) -> str:
    """Return a log key as others' verifiers take it (a `vkey`)."""
    return vkey(origin, ED25519, key.public)


def key_from(text: str, realm: Realm = Realm(bytes(16))) -> tuple[str, VerifyKey]:  # noqa: B008  a constant
    """Return origin and key of a log's `vkey`.

    Raises:
        FormatError: it is none.
    """
    name, public = _vkey(text, ED25519)
    return name, VerifyKey(realm, Purpose.LOG, public)


def witness_from(text: str, realm: Realm) -> Witness:
    """Return whoever cosigns by a witness's `vkey`, whose organisation is not known.

    Raises:
        FormatError: it is none.
    """
    name, public = _vkey(text, COSIGNATURE)
    return Witness(name, VerifyKey(realm, Purpose.PARTY_WITNESS, public), "")


def witness_text(witness: Witness) -> str:
    """Return a witness's key as a `vkey`."""
    return vkey(witness.name, COSIGNATURE, witness.key.public)


def _vkey(text: str, kind: int) -> tuple[str, bytes]:
    name, _, rest = text.strip().partition("+")
    number, _, encoded = rest.partition("+")
    data = unbase64(encoded)
    if not is_name(name) or len(data) != 33 or data[0] != kind:
        raise FormatError("FORMAT_VKEY", "the text is no verifier key of this kind")
    if number != key_id(name, kind, data[1:]).hex():
        raise FormatError("FORMAT_VKEY", "the verifier key's number is another key's")
    return name, data[1:]


def sign(key: Signing, checkpoint: Checkpoint) -> bytes:
    """Return the signed checkpoint; the same one for the same state, whenever it is signed."""
    text = checkpoint.text()
    return Note(text, (Line.of(checkpoint.origin, ED25519, key.public, key.sign_note(text)),)).encode()


def opened(data: bytes, keys: Iterable[VerifyKey], origin: str) -> tuple[Checkpoint, Note]:
    """Return the checkpoint in `data`, signed by one of the log's keys.

    Raises:
        FormatError: no note, or no checkpoint.
        TrustError: another log's (`LOG_ORIGIN`), signed by none of the keys (`LOG_KEY`), or a signature does not hold.
    """
    note = Note.parse(data)
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != origin:
        raise TrustError("LOG_ORIGIN", "the checkpoint is another log's")
    held = False
    for key in keys:
        for line in note.lines:
            if line.is_of(origin, ED25519, key.public):
                key.verify_note(note.text, line.signature)
                held = True
    if not held:
        raise TrustError("LOG_KEY", "the checkpoint is signed by no key of the log")
    return checkpoint, note


@dataclass(frozen=True, slots=True)
class Witness:
    """Who may cosign: its name as a cosigner, its key, and its organisation."""

    name: str
    key: VerifyKey
    organisation: str


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's word on a checkpoint, with its time in seconds since 1970 UTC."""

    witness: Witness
    timestamp: int


def _cosigned(text: bytes, timestamp: int) -> bytes:
    return f"cosignature/v1\ntime {timestamp}\n".encode() + text


def cosign(key: Signing, name: str, checkpoint: Checkpoint, timestamp: int) -> Line:
    """Return a witness's signature line over a checkpoint."""
    signature = key.sign_note(_cosigned(checkpoint.text(), timestamp))
    return Line.of(name, COSIGNATURE, key.public, timestamp.to_bytes(8, "big") + signature)


def verify_cosignature(line: Line, text: bytes, witness: Witness) -> Cosignature:
    """Return a witness's word that stands in its signature line.

    Raises:
        FormatError: the line has another length.
        TrustError: it does not hold.
    """
    if len(line.signature) != 72:
        raise FormatError("FORMAT_COSIGNATURE", "a cosignature has 72 bytes")
    timestamp = int.from_bytes(line.signature[:8], "big")
    if timestamp > _MAX_TIME:
        raise FormatError("FORMAT_COSIGNATURE", "a cosignature's time is out of range")
    witness.key.verify_note(_cosigned(text, timestamp), line.signature[8:])
    return Cosignature(witness, timestamp)


def cosigners(note: Note, witnesses: Sequence[Witness]) -> list[Cosignature]:
    """Return the cosignatures of these witnesses; lines of unknown keys are passed over.

    Raises:
        FormatError: a known witness's line has another length.
        TrustError: a known witness's line does not hold: then the whole note is refused.
    """
    return [
        verify_cosignature(line, note.text, witness)
        for witness in witnesses
        for line in note.lines
        if line.is_of(witness.name, COSIGNATURE, witness.key.public)
    ]


@dataclass(frozen=True, slots=True)
class Policy:
    """How many witnesses must stand behind a checkpoint."""

    count: int
    """So many, each name once."""
    operator: str = ""
    """The organisation that operates the log: at least one witness is of another. Empty: not asked."""

    def check(self, said: Iterable[Cosignature]) -> None:
        """Check that enough witnesses have said it.

        Raises:
            TrustError: too few (`LOG_COSIGNATURES`), or only the operator's own (`LOG_COSIGNATURES_OWN`).
        """
        parties = {each.witness.name: each.witness.organisation for each in said}
        if len(parties) < self.count:
            raise TrustError(
                "LOG_COSIGNATURES", f"the checkpoint has {len(parties)} witnesses, and {self.count} are asked for"
            )
        if self.count and self.operator and all(each == self.operator for each in parties.values()):
            raise TrustError("LOG_COSIGNATURES_OWN", "every witness of the checkpoint is the operator's own")
