"""The webhook against real servers on the machine itself: slow, rude, restarting, lying, with and without TLS."""

# ruff: noqa: D102 - the methods of the peer say what they do
from __future__ import annotations

import asyncio
import base64
import ipaddress
import json
import logging
import socket
import ssl
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook, WebhookVerificationError

from samband.connectors.adapter import Delivery
from samband.connectors.signing import new_key, new_secret, public_of
from samband.connectors.webhook import WebhookAdapter, cloud_event
from samband.schemas.errors import DeliveryError, OperatorError

SECRET = bytes(range(32))
NAME = "Maja Testsson"
"""Of nobody."""

DELIVERY = Delivery(
    message_id="1" * 32,
    conversation="c" * 32,
    ref_to=None,
    type="placement.notice",
    sender_unit="SE0000000000-IFO1",
    sender_party="kommun-test",
    unit="SE0000000000-SKOLA",
    created=datetime(2026, 11, 22, 8, 0, tzinfo=UTC),
    decided_at=datetime(2026, 11, 22, 8, 1, tzinfo=UTC),
    received=datetime(2026, 11, 22, 8, 1, tzinfo=UTC),
    grounds=("CONSENT",),
    obligations=(),
    categories=("social",),
    decision="d" * 64,
    content={"name": NAME, "text": "flyttar på måndag"},
)

Step = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answer(status: int, **more: Any) -> Step:
    async def step(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, **more)

    return step


async def drop(request: web.Request) -> web.StreamResponse:
    """Take the message and lose the connection before a word of answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@dataclass
class Peer:
    """A party's web server: it does the steps in turn, then answers 200, and writes down what it was sent."""

    steps: list[Step] = field(default_factory=list)
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    port: int = 0
    tls: ssl.SSLContext | None = None
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/hook"

    async def start(self) -> None:
        self.closing.clear()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", self.port, ssl_context=self.tls, reuse_address=True)
        await site.start()
        self.port = self.runner.addresses[0][1]

    async def stop(self) -> None:
        self.closing.set()
        await self.runner.cleanup()

    async def hang(self, request: web.Request) -> web.StreamResponse:
        """Answer nothing until the server closes."""
        await self.closing.wait()
        return web.Response()

    async def trickle(self, request: web.Request) -> web.StreamResponse:
        """Answer 200 with a body that comes a byte at a time, often enough to seem alive, until the server closes."""
        response = web.StreamResponse()
        await response.prepare(request)
        while not self.closing.is_set():
            await response.write(b" ")
            with suppress(TimeoutError):
                await asyncio.wait_for(self.closing.wait(), 0.02)
        return response

    async def _take(self, request: web.Request) -> web.StreamResponse:
        assert (request.method, request.path) == ("POST", "/hook")
        self.posts.append((dict(request.headers), await request.read()))
        self.times.append(asyncio.get_running_loop().time())
        return await (self.steps.pop(0) if self.steps else answer(200))(request)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer()
    await peer.start()
    yield peer
    await peer.stop()


@asynccontextmanager
async def hooked(peer: Peer | str, **settings: Any) -> AsyncIterator[WebhookAdapter]:
    url = peer if isinstance(peer, str) else peer.url
    adapter = WebhookAdapter(url, **({"secret": SECRET, "pause": 0.001} | settings))
    yield adapter
    await adapter.close()


async def refused(adapter: WebhookAdapter, delivery: Delivery = DELIVERY) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await adapter.deliver(delivery)
    return caught.value


async def test_a_message_comes_as_a_signed_cloud_event(peer: Peer) -> None:
    """The receiver gets a CloudEvents 1.0 event whose signature the standard's own library accepts."""
    async with hooked(peer) as adapter:
        await adapter.deliver(DELIVERY)
    [(headers, body)] = peer.posts
    assert headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["webhook-id"] == DELIVERY.message_id
    event = Webhook(SECRET).verify(body, headers)
    assert event == cloud_event(DELIVERY)
    assert event["data"] == DELIVERY.document()
    assert {name: event[name] for name in event if name != "data"} == {
        "specversion": "1.0",
        "id": DELIVERY.message_id,
        "source": "samband",
        "type": "samband.placement.notice",
        "time": "2026-11-22T08:00:00.000Z",
        "datacontenttype": "application/json",
    }


async def test_a_changed_body_or_another_secret_fails_the_signature(peer: Peer) -> None:
    """The receiver sees it when one byte was changed on the way, or when somebody else signed."""
    async with hooked(peer) as adapter:
        await adapter.deliver(DELIVERY)
    [(headers, body)] = peer.posts
    for secret, sent in ((SECRET, body.replace(b"m", b"n", 1)), (bytes(32), body)):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(sent, headers)


@pytest.mark.parametrize("prefix", ["", "whsec_", "\n whsec_"])
async def test_a_secret_may_be_written_as_receivers_write_it(peer: Peer, prefix: str) -> None:
    """A secret in base64, with or without `whsec_`, padding and a final newline, signs as its bytes do."""
    text = base64.b64encode(SECRET).decode()
    for written in (text, text.rstrip("="), text + "\n"):
        adapter = WebhookAdapter(peer.url, prefix + written)
        await adapter.deliver(DELIVERY)
        await adapter.close()
    for headers, body in peer.posts:
        Webhook(SECRET).verify(body, headers)
    assert len(peer.posts) == 3


async def test_a_held_message_has_a_neutral_type(peer: Peer) -> None:
    """Of a held message not even the event's type says what it is."""
    async with hooked(peer) as adapter:
        await adapter.deliver(replace(DELIVERY, content=None))
    [(headers, body)] = peer.posts
    assert Webhook(SECRET).verify(body, headers)["type"] == "samband.reference"
    assert b"placement" not in body


@pytest.mark.parametrize("status", [200, 201, 202, 204, 409])
async def test_taken_is_any_2xx_and_already_has_it(peer: Peer, status: int) -> None:
    """Every 2xx, and 409 for a message that the far side already has, end the delivery well at the first attempt."""
    peer.steps = [answer(status)]
    async with hooked(peer) as adapter:
        await adapter.deliver(DELIVERY)
    assert len(peer.posts) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 425, 429])
async def test_passing_trouble_is_tried_again_with_the_same_message(peer: Peer, status: int) -> None:
    """After a passing answer the same id and the same bytes come again, each time with a valid signature."""
    peer.steps = [answer(status), answer(status)]
    async with hooked(peer) as adapter:
        await adapter.deliver(DELIVERY)
    assert len(peer.posts) == 3
    assert len({(headers["webhook-id"], body) for headers, body in peer.posts}) == 1
    for headers, body in peer.posts:
        Webhook(SECRET).verify(body, headers)


async def test_each_attempt_is_signed_with_its_own_time(peer: Peer) -> None:
    """A receiver that refuses old timestamps takes the second attempt, since it is signed anew."""
    peer.steps = [answer(500)]
    moments = iter(datetime.fromtimestamp(second, UTC) for second in range(1_800_000_000, 1_800_000_009))
    async with hooked(peer, clock=lambda: next(moments)) as adapter:
        await adapter.deliver(DELIVERY)
    (first, _), (second, _) = peer.posts
    assert int(second["webhook-timestamp"]) > int(first["webhook-timestamp"]) == 1_800_000_000
    assert first["webhook-signature"] != second["webhook-signature"]


async def test_attempts_are_bounded(peer: Peer) -> None:
    """A far side that stays in trouble is left to the service after the configured number of attempts."""
    peer.steps = [answer(503)] * 9
    async with hooked(peer, attempts=4) as adapter:
        error = await refused(adapter)
    assert (error.code, error.retriable) == ("WEBHOOK_BUSY", True)
    assert "503" in error.message
    assert len(peer.posts) == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
async def test_a_refusal_is_for_good(peer: Peer, status: int) -> None:
    """Another 4xx is not tried again, and the error says the status and not the answer."""
    peer.steps = [answer(status, text=NAME, reason=NAME)]
    async with hooked(peer) as adapter:
        error = await refused(adapter)
    assert (error.code, error.retriable) == ("WEBHOOK_REFUSED", False)
    assert str(status) in error.message
    assert len(peer.posts) == 1


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(peer: Peer, status: int) -> None:
    """The content goes to the configured address only; the message waits until somebody corrects the address."""
    async with hooked(peer) as adapter:
        peer.steps = [answer(status, headers={"location": peer.url})]
        error = await refused(adapter)
    assert (error.code, error.retriable) == ("WEBHOOK_REDIRECTED", True)
    assert len(peer.posts) == 1


async def test_retry_after_is_honoured(peer: Peer) -> None:
    """A far side that asks for a second gets it, although the adapter's own pause is shorter."""
    peer.steps = [answer(429, headers={"retry-after": "1"})]
    async with hooked(peer) as adapter:
        await adapter.deliver(DELIVERY)
    first, second = peer.times
    assert second - first >= 0.99


async def test_a_far_side_cannot_ask_to_be_hammered(peer: Peer) -> None:
    """A `Retry-After` of zero does not shorten the adapter's own pause."""
    peer.steps = [answer(503, headers={"retry-after": "0"})]
    async with hooked(peer, pause=0.2) as adapter:
        await adapter.deliver(DELIVERY)
    first, second = peer.times
    assert second - first >= 0.19


async def test_a_long_retry_after_is_left_to_the_service(peer: Peer) -> None:
    """A far side that asks for an hour, in seconds or as a date, is not asked again within the call."""
    now = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    async with hooked(peer, clock=lambda: now) as adapter:
        for text in ("3600", format_datetime(now + timedelta(hours=1), usegmt=True)):
            peer.steps = [answer(503, headers={"retry-after": text})]
            assert (await refused(adapter)).code == "WEBHOOK_BUSY"
    assert len(peer.posts) == 2


@pytest.mark.parametrize("text", ["0", "-5", "soon", "", "9" * 5000, "½", "Sun, 22 Nov 2026 07:00:00 GMT", "32 Nov"])
async def test_a_strange_retry_after_is_no_trouble(peer: Peer, text: str) -> None:
    """A wait that has passed or cannot be read leaves the pause to the adapter."""
    peer.steps = [answer(503, headers={"retry-after": text})]
    async with hooked(peer, clock=lambda: datetime(2026, 11, 22, 8, 0, tzinfo=UTC)) as adapter:
        await adapter.deliver(DELIVERY)
    assert len(peer.posts) == 2


async def test_an_answer_lost_on_the_way_gives_the_same_id_again(peer: Peer) -> None:
    """When the far side takes a message and the connection drops, it comes again with the same id and bytes."""
    peer.steps = [drop]
    async with hooked(peer) as adapter:
        await adapter.deliver(DELIVERY)
    (first, body), (second, again) = peer.posts
    assert first["webhook-id"] == second["webhook-id"] == DELIVERY.message_id
    assert body == again


async def test_a_far_side_that_always_drops_is_an_error(peer: Peer) -> None:
    """A message is never called handed over without an answer, however often it was sent."""
    peer.steps = [drop] * 9
    async with hooked(peer) as adapter:
        error = await refused(adapter)
    assert (error.code, error.retriable) == ("WEBHOOK_UNREACHABLE", True)
    assert len(peer.posts) == 3


async def test_a_far_side_that_hangs_is_given_up(peer: Peer) -> None:
    """No answer within the limit ends the attempt; the next one, answered, ends the delivery well."""
    peer.steps = [peer.hang, peer.hang]
    async with hooked(peer, timeout=0.1, attempts=2) as adapter:
        error = await refused(adapter)
        assert (error.code, error.retriable) == ("WEBHOOK_UNREACHABLE", True)
        assert "0.1 s" in error.message
        await adapter.deliver(DELIVERY)
    assert len(peer.posts) == 3


async def test_the_status_is_the_answer(peer: Peer) -> None:
    """A 200 whose body never ends is a message taken, and is not sent again."""
    peer.steps = [peer.trickle]
    async with hooked(peer, timeout=0.2) as adapter:
        await adapter.deliver(DELIVERY)
        assert await adapter.acknowledged() == ()
    assert len(peer.posts) == 1


async def test_a_server_that_restarts_gets_the_message(peer: Peer) -> None:
    """While the server is away a delivery fails for now; when it is back on its port, the same adapter reaches it."""
    async with hooked(peer) as adapter:
        await adapter.deliver(DELIVERY)
        await peer.stop()
        error = await refused(adapter, replace(DELIVERY, message_id="2" * 32))
        assert (error.code, error.retriable) == ("WEBHOOK_UNREACHABLE", True)
        await peer.start()
        await adapter.deliver(replace(DELIVERY, message_id="2" * 32))
    assert [headers["webhook-id"][0] for headers, _ in peer.posts] == ["1", "2"]


async def test_a_restart_between_two_deliveries_goes_unnoticed(peer: Peer) -> None:
    """A kept connection that the server has closed meanwhile costs one attempt at most, not the delivery."""
    async with hooked(peer) as adapter:
        await adapter.deliver(DELIVERY)
        await peer.stop()
        await peer.start()
        await adapter.deliver(replace(DELIVERY, message_id="2" * 32))
    assert len(peer.posts) == 2


@pytest.mark.parametrize(
    ("more", "acknowledged"),
    [
        ({"headers": {"samband-acknowledged": "true"}}, True),
        ({"text": '{"acknowledged": true, "case": "2026/17"}'}, True),
        ({"text": '{"acknowledged": "yes"}'}, False),
        ({"text": '{"acknowledged": 1}'}, False),
        ({"text": "[" * 60_000}, False),
        ({"body": b"\xff\xfe"}, False),
        ({"text": '{"acknowledged": true, "more": "' + "x" * 70_000 + '"}'}, False),
        ({}, False),
    ],
)
async def test_an_answer_may_acknowledge(peer: Peer, more: dict[str, Any], acknowledged: bool) -> None:
    """Exactly a true `acknowledged`, in a short body or the header, acknowledges; any other 200 hands over only."""
    peer.steps = [answer(200, **more)]
    async with hooked(peer) as adapter:
        await adapter.deliver(DELIVERY)
        assert await adapter.acknowledged() == ((DELIVERY.message_id,) if acknowledged else ())
        assert await adapter.waiting() == ()


async def test_acknowledgements_do_not_fill_the_memory(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very many acknowledgements the latest are kept."""
    monkeypatch.setattr("samband.connectors.webhook._REMEMBERED", 3)
    async with hooked(peer) as adapter:
        for digit in "12345":
            peer.steps = [answer(200, headers={"samband-acknowledged": "true"})]
            await adapter.deliver(replace(DELIVERY, message_id=digit * 32))
        assert await adapter.acknowledged() == ("3" * 32, "4" * 32, "5" * 32)


async def raw_server(reply: bytes, seen: list[bytes]) -> asyncio.Server:
    """Start a server that answers anything with these bytes, HTTP or not, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(65536))
        writer.write(reply)
        await writer.drain()
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (f"HTTP/1.1 400 {NAME}\r\ncontent-length: 13\r\n\r\n{NAME}", "WEBHOOK_REFUSED"),
        (f"HTTP/1.1 302 {NAME}\r\nlocation: /{NAME}\r\ncontent-length: 0\r\n\r\n", "WEBHOOK_REDIRECTED"),
        (f"HTTP/1.1 503 {NAME}\r\nretry-after: {NAME}\r\ncontent-length: 0\r\n\r\n", "WEBHOOK_BUSY"),
        (f"{NAME}\r\n\r\n", "WEBHOOK_UNREACHABLE"),
        (f"HTTP/1.1 {NAME}\r\n\r\n", "WEBHOOK_UNREACHABLE"),
        (f"HTTP/1.1 200 OK\r\n{NAME}\r\n\r\n", "WEBHOOK_UNREACHABLE"),
        (f"HTTP/1.1 200 OK\r\ncontent-length: {NAME}\r\n\r\n", "WEBHOOK_UNREACHABLE"),
    ],
)
async def test_no_byte_of_an_answer_gets_into_error_or_log(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], reply: str, code: str
) -> None:
    """A far side that echoes the child in its status line, headers or broken protocol leaves no trace of it with us."""
    caplog.set_level(logging.INFO)
    seen: list[bytes] = []
    async with await raw_server(reply.encode(), seen) as server:
        port = server.sockets[0].getsockname()[1]
        async with hooked(f"http://127.0.0.1:{port}/", attempts=2) as adapter:
            error = await refused(adapter)
    assert error.code == code
    assert seen
    shown = "".join(traceback.format_exception(error)) + caplog.text + "".join(capsys.readouterr())
    assert "Maja" not in shown
    assert (error.__cause__, error.__context__) == (None, None)


def test_an_address_that_is_not_safe_is_refused() -> None:
    """Plain http to another machine, another scheme, a password in the address or no address stops the start."""
    for url in (
        "http://party.example/hook",
        "http://127.0.0.1.example/hook",
        "http://localhost.example/hook",
        "ftp://127.0.0.1/hook",
        "https://user:hunter2@party.example/hook",
        "https://party.example/hook#part",
        "https://",
        "/hook",
        "https://[::1",
        "",
    ):
        with pytest.raises(OperatorError) as caught:
            WebhookAdapter(url, SECRET)
        assert caught.value.code == "WEBHOOK_URL"
        assert "hunter2" not in str(caught.value)


async def test_plain_http_is_for_the_machine_itself() -> None:
    """Loopback, by number of either family or by name, may do without TLS."""
    for host in ("127.0.0.1", "127.9.9.9", "[::1]", "localhost"):
        await WebhookAdapter(f"http://{host}/hook", SECRET).close()


@pytest.mark.parametrize(
    "secret", ["", "whsec_", b"", b"k" * 23, "not base64!" * 9, "å" * 40, "a" * 41, "c2hvcnQ=", "!!!!" + "a" * 40]
)
def test_a_weak_or_mangled_secret_is_refused(secret: str | bytes) -> None:
    """A secret that is short or no base64 stops the start, and is not shown."""
    with pytest.raises(OperatorError) as caught:
        WebhookAdapter("https://party.example/hook", secret)
    assert caught.value.code == "WEBHOOK_SECRET"
    assert not secret or str(secret) not in str(caught.value)


def test_the_certificate_of_another_machine_is_always_verified() -> None:
    """Verification can be switched off towards the machine itself only."""
    with pytest.raises(OperatorError, match="WEBHOOK_VERIFY"):
        WebhookAdapter("https://party.example/hook", SECRET, verify=False)


@pytest.fixture
def authority(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """A private authority that vouches for 127.0.0.1: the server's context and the authority's certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "private authority")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (tmp_path / "ca.pem").write_bytes(pem)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "server.pem").write_bytes(private + pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.pem")
    return context, tmp_path / "ca.pem"


async def test_a_private_authority_is_trusted_when_named_and_only_then(authority: tuple[ssl.SSLContext, Path]) -> None:
    """A server behind the party's own authority is reached with that authority, and never sees a message without it."""
    context, ca = authority
    peer = Peer(tls=context)
    await peer.start()
    async with hooked(peer) as adapter:
        error = await refused(adapter)
    assert (error.code, error.retriable) == ("WEBHOOK_UNTRUSTED", True)
    assert peer.posts == []
    async with hooked(peer, verify=ssl.create_default_context(cafile=ca)) as adapter:
        await adapter.deliver(DELIVERY)
    assert len(peer.posts) == 1
    await peer.stop()


async def test_the_proxy_of_the_environment_is_used_for_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """`HTTPS_PROXY` is asked for the tunnel, `NO_PROXY` spares it, and an unwilling proxy is a passing trouble."""
    seen: list[bytes] = []
    async with await raw_server(f"HTTP/1.1 502 {NAME}\r\ncontent-length: 0\r\n\r\n".encode(), seen) as server:
        for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        async with hooked("https://party.invalid/hook", attempts=2) as adapter:
            error = await refused(adapter)
        assert (error.code, error.retriable) == ("WEBHOOK_UNREACHABLE", True)
        assert "Maja" not in "".join(traceback.format_exception(error))
        assert [one.split(b"\r\n")[0] for one in seen] == [b"CONNECT party.invalid:443 HTTP/1.1"] * 2
        monkeypatch.setenv("NO_PROXY", "party.invalid")
        async with hooked("https://party.invalid/hook", attempts=1, timeout=1) as adapter:
            await refused(adapter)
        assert len(seen) == 2


async def test_the_machine_itself_is_reached_without_a_proxy(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message to loopback does not leave the machine, whatever proxy the environment names."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        dead = unused.getsockname()[1]
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{dead}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{dead}")
    async with hooked(peer) as adapter:
        await adapter.deliver(DELIVERY)
    assert len(peer.posts) == 1


def test_the_event_of_a_message_is_json_alone() -> None:
    """An event survives a round through JSON unchanged, so that any language can read it."""
    assert json.loads(json.dumps(cloud_event(DELIVERY))) == cloud_event(DELIVERY)


KEY = (
    "whsk_"
    + base64.b64encode(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")).decode()
)
PUBLIC = (
    "whpk_"
    + base64.b64encode(bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")).decode()
)
"""The first key pair of RFC 8032, section 7.1."""


def verified(post: tuple[dict[str, str], bytes], public: str) -> bool:
    """Say whether one of the `v1a` signatures is of a public key, as the specification says it is checked."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))
    headers, body = {name.lower(): value for name, value in post[0].items()}, post[1]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    for each in headers["webhook-signature"].split(" "):
        version, _, signature = each.partition(",")
        if version == "v1a":
            with suppress(InvalidSignature):
                key.verify(base64.b64decode(signature), signed)
                return True
    return False


def test_the_public_key_is_the_standards() -> None:
    """A private key gives the public one of RFC 8032, with or without its second half; halves of two pairs do not."""
    seed, public = (base64.b64decode(each[5:]) for each in (KEY, PUBLIC))
    assert public_of(KEY) == PUBLIC
    assert public_of("whsk_" + base64.b64encode(seed + public).decode()) == PUBLIC
    for wrong in (seed + bytes(32), seed[:31], seed + public + b"x"):
        with pytest.raises(OperatorError):
            public_of("whsk_" + base64.b64encode(wrong).decode())


async def test_a_receiver_with_a_public_key(peer: Peer) -> None:
    """`v1a` is verified with the public key alone, and fails when a byte of body, id or time is another."""
    async with hooked(peer, secret=[KEY]) as adapter:
        await adapter.deliver(DELIVERY)
    ((headers, body),) = peer.posts
    assert verified((headers, body), PUBLIC)
    assert not verified((headers, body + b" "), PUBLIC)
    assert not verified(({**headers, "webhook-id": "2" * 32}, body), PUBLIC)
    assert not verified((headers, body), public_of(new_key(bytes(32))))


async def test_secrets_change_without_a_moment_when_none_fits(peer: Peer) -> None:
    """With two secrets and two keys each receiver finds its own signature; with too many nothing starts."""
    old, new = (new_secret(bytes([n]) * 32) for n in (1, 2))
    async with hooked(peer, secret=[new, old, KEY, new_key(b"k" * 32)]) as adapter:
        await adapter.deliver(DELIVERY)
    ((headers, body),) = peer.posts
    for secret in (old, new):
        Webhook(secret).verify(body, headers)
    for public in (PUBLIC, public_of(new_key(b"k" * 32))):
        assert verified((headers, body), public)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret(b"3" * 32)).verify(body, headers)
    for wrong in ([], [old] * 5):
        with pytest.raises(OperatorError):
            WebhookAdapter("https://far.example", wrong)
