"""Files, arguments and answers: TOML, JSON, keys, numbers, days, HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Callable
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import httpcore

from samband.connectors.adapter import Delivery
from samband.connectors.cli import affected, audit_consents, circle, consent_words, rules_publish, said, terminal
from samband.connectors.folder import FolderAdapter
from samband.connectors.party import PartySettings
from samband.connectors.webhook import WebhookAdapter, _retry_after
from samband.schemas.catalogue import CATALOGUE, encode_content
from samband.schemas.errors import InputError
from samband.schemas.examples import example
from samband.schemas.identifiers import age_band, birth_date, kind, names_a_number, normalise
from samband.schemas.testdata import synthetic
from samband.streams.authority import HubSettings
from samband.streams.crypto.keys import Purpose
from samband.streams.crypto.reference import child_ref
from samband.streams.derived.serve import _Answers
from samband.streams.keyfile import KeyFolder
from samband.streams.root import Root
from samband.streams.settings import load
from tests.fuzz.parts import raw, text
from tests.fuzz.target import Target, scratch, world
from tests.gate.world import AGREEMENT
from tests.papers.world import NOW

__all__ = ["TARGETS"]


@cache
def _file(name: str) -> Path:
    folder = Path(tempfile.mkdtemp(dir=scratch()))
    return folder / name


def _written(name: str, data: bytes) -> Path:
    path = _file(name)
    if not path.exists():
        path.touch(0o600)
    path.write_bytes(data)
    return path


_CONNECTOR: Final = b"""party = "skola"
protected = "hold"
[retention]
transport_days = 30
decision = "SN 2026/12"
[kafka]
bootstrap = "127.0.0.1:19092"
ca = "tls/ca.pem"
certificate = "tls/client.pem"
key = "tls/client.key"
[[adapter]]
unit = "SE2120002080-SKOLA"
kind = "folder"
path = "inbox"
[[adapter]]
unit = "SE2120002080-EMI"
kind = "webhook"
url = "https://127.0.0.1/"
secret = "secret"
"""
_HUB: Final = b"""gate_workers = 2
[kafka]
bootstrap = "embedded"
port = 19092
tls = "tls"
replication = 1
"""


def _settings(name: str, kind: type[Any], data: bytes) -> None:
    load(_written(name, data), kind)


def _root(data: bytes) -> None:
    Root.parse(data)


@cache
def _keys() -> tuple[KeyFolder, Path]:
    folder = Path(tempfile.mkdtemp(dir=scratch())) / "keys"
    return KeyFolder(folder, world().realm), folder


def _key_seeds() -> list[bytes]:
    found = []
    for make in (
        lambda keys: keys.make(Purpose.PARTY_SIGN), lambda keys: keys.make(Purpose.UNIT_CONTENT, "SKOLA"),
        lambda keys: keys.make_secret("store"),
    ):  # fmt: skip
        keys = KeyFolder(Path(tempfile.mkdtemp(dir=scratch())), world().realm)
        make(keys)
        found += [path.read_bytes() for path in keys.folder.glob("*.key")]
    return found


def _key(data: bytes) -> None:
    keys, folder = _keys()
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / "one.key"
    if not path.exists():
        path.touch(0o600)
    path.write_bytes(data)
    for read in (
        lambda: keys.secret("store"),
        lambda: keys.sign_key(Purpose.PARTY_SIGN),
        lambda: keys.open_keys(Purpose.UNIT_CONTENT),
    ):
        try:
            read()
        except Exception as error:
            if getattr(error, "code", "") != "KEY_FILE_MISSING":
                raise


def _words(data: bytes) -> str:
    """Return a command line's argument: what is no text comes as surrogates, and a NUL never comes."""
    return os.fsdecode(data).replace("\0", "")


def _identifier(data: bytes) -> None:
    typed = _words(data)
    names_a_number(typed)
    number = normalise(typed)
    assert normalise(number) == number
    assert typed.strip().isascii()  # no letter became another in capitals
    kind(number)
    child_ref(bytes(32), world().realm, AGREEMENT, 1, number)
    if born := birth_date(number):
        age_band(born, NOW.date())


def _numbers() -> list[bytes]:
    made = [synthetic(seed).identifier.encode() for seed in range(4)]
    return [
        *made,
        b"LMA12345678",
        b"20150317T123",
        b"20150377-2389",
        b"R" + b"0a" * 16,
        b"23150317AB12",
        b"20150317K079",
    ]


def _content(data: bytes) -> None:
    """Read a content from a JSON file, as `samband send --content` does."""
    name, _, written = data.partition(b"\0")
    about = name.decode("latin-1")
    if about not in CATALOGUE:
        raise InputError("FUZZ_TYPE", "no such type")
    child = synthetic(1).identifier
    made = said.content_of(about, child=child, file=_written("content.json", written), user="u:r")
    encode_content(about, made)


def _content_seeds() -> list[bytes]:
    some = ("concern.report", "placement.notice", "sip.plan", "dialogue.message", "statistics.signal")
    return [name.encode() + b"\0" + json.dumps(example(name), indent=1).encode() for name in some if name in CATALOGUE]


def _typed(data: bytes) -> None:
    """Read a line as each option that reads one."""
    typed = _words(data)
    readers: tuple[Callable[[], object], ...] = (
        lambda: consent_words.second_of(typed, datetime.max.time()),
        lambda: consent_words.second_of(typed, datetime.min.time()),
        lambda: consent_words.view_of(typed),
        lambda: audit_consents._seconds(typed),
        lambda: rules_publish._begins(typed, NOW),
        lambda: circle._member("SKOLA:school:" + typed, NOW),
        lambda: circle._member(typed, NOW),
        lambda: affected._hex(typed),
        lambda: terminal.message_id_of(typed),
        lambda: said.acting_user(typed),
        lambda: said.field_values("concern.report", [typed]),
        lambda: said.digest_of(typed),
    )
    for read in readers:
        try:
            read()
        except InputError:
            continue


_TYPED: Final = (
    b"2026-11-24",
    b"9999-12-31",
    b"0001-01-01",
    b"2026-11-24T12:30",
    b"2026-11-24T12:30:00+01:00",
    b"objects:SKOLA,placement",
    b"too_young:school",
    b"SKOLA:school:2027-01-01",
    b"0a" * 16,
    b"anna:handlaggare",
    b"urgency=normal",
    b"family_told=yes",
)


# adapters' far sides


@cache
def _runner() -> asyncio.Runner:
    return asyncio.Runner()


@cache
def _delivery() -> Delivery:
    return Delivery(
        message_id="0a" * 16, conversation="0b" * 16, ref_to=None, type="concern.report", sender_unit="SKOLA",
        sender_party="skola", unit="IFO", created=NOW, decided_at=NOW, received=NOW, grounds=(), obligations=(),
        categories=(), decision="5c" * 32, content=example("concern.report"),
    )  # fmt: skip


@cache
def _webhook() -> WebhookAdapter:
    return WebhookAdapter("http://127.0.0.1:9/", b"k" * 32, attempts=1, timeout=5, clock=lambda: NOW)


def _answer(data: bytes) -> None:
    """Give the webhook an answer: bytes on the connection, through the whole of the HTTP client."""
    adapter = _webhook()
    transport = adapter._client._transport
    transport._pool = httpcore.AsyncConnectionPool(network_backend=httpcore.AsyncMockBackend([data, b""]))  # type: ignore[attr-defined]
    _runner().run(adapter.deliver(_delivery()))


_ANSWERS: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{\"acknowledged\": true }",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nSamband-Acknowledged: true\r\n\r\n",
    b"HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 429 Wait\r\nRetry-After: Tue, 24 Nov 2026 12:01:00 GMT\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 307 There\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n[]",
)  # fmt: skip


def _retry(data: bytes) -> None:
    wait = _retry_after(data.decode("latin-1"), NOW)
    assert wait is None or wait >= 0


@cache
def _folder() -> tuple[FolderAdapter, Path]:
    root = Path(tempfile.mkdtemp(dir=scratch())) / "inbox"
    return FolderAdapter(root), root


def _present(data: bytes) -> None:
    """Deliver where a file of that id lies already."""
    adapter, root = _folder()
    for place in ("new", "acknowledged"):
        path = root / place / f"{_delivery().message_id}.json"
        path.write_bytes(data)
        try:
            adapter._deliver(_delivery())
        finally:
            path.unlink()


def _names(data: bytes) -> None:
    """List a folder in which the far side left a file with that name and that time."""
    adapter, root = _folder()
    name, _, when = data.partition(b"\0")
    path = os.fsencode(root / "new") + b"/" + name.replace(b"/", b"_")[:200]
    try:
        Path(os.fsdecode(path)).write_bytes(b"{}")
        seconds = int.from_bytes(when[:8], "big", signed=True)
        os.utime(path, (0, seconds))
    except (OSError, OverflowError):
        return
    try:
        adapter._list_waiting()
        adapter._list_acknowledged()
    finally:
        Path(os.fsdecode(path)).unlink()


def _question(data: bytes) -> None:
    """Ask the derived streams on their socket."""
    derived: Any = SimpleNamespace(find=lambda message_id: None, rows=lambda: iter(()), unreadable=0)
    _runner().run(_Answers(derived)._answer(data[:4096]))


TARGETS: Final = (
    Target("settings.connector", lambda: [_CONNECTOR], partial(_settings, "connector.toml", PartySettings), text, 0.2),
    Target("settings.hub", lambda: [_HUB], partial(_settings, "hub.toml", HubSettings), text, 0.5),
    Target("root", lambda: [world().root.data], _root, text),
    Target("keyfile", _key_seeds, _key, text, 0.3),
    Target("identifier", _numbers, _identifier, text),
    Target("content.file", _content_seeds, _content, text, 0.5),
    Target("typed", lambda: list(_TYPED), _typed, text),
    Target("webhook.answer", lambda: list(_ANSWERS), _answer, text, 0.3),
    Target("webhook.retry", lambda: [b"120", b"Tue, 24 Nov 2026 12:01:00 GMT", b"24 Nov 26 12:01 +0100"], _retry, text),
    Target("folder.file", lambda: [json.dumps(_delivery().document()).encode()], _present, text, 0.1),
    Target("folder.names", lambda: [b"0a" * 16 + b".json\0" + bytes(8)], _names, raw, 0.3),
    Target(
        "derived.question", lambda: [b'{"summary": true}', b'{"message": "' + b"0a" * 16 + b'"}'], _question, text, 0.5
    ),
)
