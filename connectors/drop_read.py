"""What a dropped file says: its bytes as a message, or what is wrong with it and where. Pure; nothing is kept or sent.

    told = read(data)       Told(send=…, id="…")  or  raises DropError("BODY_FORM", [Fault("/data/recipient", …)])

Two forms: the body that `POST /v1/messages` takes, with an `id` where the sender wants one; or a CloudEvent 1.0 in its
structured JSON form, whose `data` is that body without `type`. UTF-8; a byte order mark before it is let pass.

What is said of an error never repeats the file: it may hold a child's number in any place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta

from samband.connectors.rest.problems import ProblemError, body_fault, fault_of
from samband.connectors.rest.shapes import Fault, In, Send
from samband.schemas import catalogue
from samband.schemas.errors import SambandError

__all__ = ["FILE_MOST", "DropError", "Told", "read", "words_of"]

FILE_MOST: Final = 2 << 20
"""Bytes of the largest file: the largest content, however it is escaped, is below a quarter of it."""

_BOM: Final = b"\xef\xbb\xbf"

_WORDS: Final = MappingProxyType(
    {
        "FILE_TOO_LARGE": ("Filen är större än 2 MB.", "The file is larger than 2 MB."),
        "FILE_ENCODING": ("Filen är inte text i UTF-8.", "The file is not text in UTF-8."),
        "FILE_KIND": (
            "Det är ingen vanlig fil: länkar och kataloger läses inte.",
            "It is no plain file: links and directories are not read.",
        ),
        "FILE_TWICE": ("Ett fält står två gånger.", "A field stands there twice."),
        "FILE_FAILED": ("Filen kunde inte behandlas; se loggen.", "The file could not be handled; see the log."),
        "ID_REUSED": (
            "Samma id har redan använts för ett annat meddelande.",
            "The same id was used for another message already.",
        ),
        "ATTACHMENT_DROP": (
            "Filer kan inte skickas från en mapp; skicka dem över REST eller med `samband send --attach`.",
            "Files cannot be sent from a folder; send them over REST or with `samband send --attach`.",
        ),
        "BODY_JSON": ("Filen är inte hel JSON.", "The file is not whole JSON."),
        "BODY_FORM": ("Filen har inte rätt form; se fälten.", "The file is not of the form asked for; see the fields."),
        "CONTENT_INVALID": ("Innehållet kan inte användas; se fälten.", "The content cannot be used; see the fields."),
        "TYPE_UNKNOWN": ("Meddelandetypen finns inte.", "There is no such message type."),
    }
)  # fmt: skip


def words_of(code: str) -> tuple[str, str]:
    """Return what a code says, in Swedish and English."""
    return _WORDS.get(code, ("Meddelandet kan inte skickas; se koden.", "The message cannot be sent; see the code."))


class DropError(Exception):
    """A file that ends as an error."""

    def __init__(self, code: str, errors: Sequence[Fault] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.errors = list(errors)


class Told(NamedTuple):
    """A file that can be sent, as far as its form goes."""

    send: Send
    id: str
    """What the sender calls it; empty where it has no name of its own."""


OwnId = Annotated[str, Meta(min_length=1, max_length=128, pattern="^[!-~]+$")]


class _Plain(Send):
    id: OwnId | None = None


class _Event(In):
    specversion: Literal["1.0"]
    id: OwnId
    source: Annotated[str, Meta(min_length=1, max_length=300)]
    type: str
    data: dict[str, Any]
    datacontenttype: Literal["application/json"] = "application/json"
    time: str = ""
    subject: str = ""
    dataschema: str = ""


def read(data: bytes) -> Told:
    """Return what a file says.

    Raises:
        DropError: it cannot be read, is not of its form, or its content is not its type's.
    """
    if len(data) > FILE_MOST:
        raise DropError("FILE_TOO_LARGE")
    data = data.removeprefix(_BOM)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        raise DropError("FILE_ENCODING") from None
    if b"\0" in data:  # what UTF-16 and a disk's empty blocks look like
        raise DropError("FILE_ENCODING")
    value = _value(data)
    told = _of_event(data) if isinstance(value, dict) and "specversion" in value else _of_plain(data)
    under = "/data" if told.id and "specversion" in value else ""
    if told.send.attachments is not UNSET:
        detail = "a dropped message names no files: they are handed in over REST only"
        raise DropError(
            "ATTACHMENT_DROP", [Fault(pointer=f"{under}/attachments", code="ATTACHMENT_DROP", detail=detail)]
        )
    _check_content(told.send, f"{under}/content")
    return told


def _value(data: bytes) -> Any:
    """Return the JSON; of two fields of one name nobody knows which is meant."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(found := dict(pairs)) != len(pairs):
            raise DropError("FILE_TWICE")
        return found

    try:
        msgspec.json.decode(data)  # strict: no NaN, no lone surrogate
        return json.loads(data, object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise DropError("BODY_JSON") from None


def _of_plain(data: bytes) -> Told:
    body = _decoded(data, _Plain)
    return Told(body, body.id or "")


def _of_event(data: bytes) -> Told:
    event = _decoded(data, _Event)
    if "type" in event.data:
        raise DropError("BODY_FORM", [Fault(pointer="/data/type", code="BODY_FORM", detail="stands beside `data`")])
    whole = msgspec.json.encode({"type": event.type, **event.data})
    try:
        send = _decoded(whole, Send)
    except DropError as error:
        for each in error.errors:
            if each.pointer != "/type":
                each.pointer = f"/data{each.pointer}"
        raise
    return Told(send, f"{event.source}\0{event.id}")


def _decoded(data: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        problem = body_fault(error)
        raise DropError(problem.code, problem.errors) from None


def _check_content(send: Send, under: str) -> None:
    try:
        found = list(catalogue.faults(send.type, send.content))
    except SambandError as error:
        raise DropError(error.code, [Fault(pointer="/type", code=error.code, detail=error.message)]) from None
    if found:
        raise DropError(found[0].code, [fault_of(each, under) for each in found])


def of_error(error: SambandError | ProblemError) -> DropError:
    """Return what sending a message was refused with."""
    field = getattr(error, "field", "")
    detail = error.message if isinstance(error, SambandError) else error.detail
    pointer = "/" + field.replace(".", "/") if field else ""
    return DropError(error.code, [Fault(pointer=pointer, code=error.code, detail=detail)])
