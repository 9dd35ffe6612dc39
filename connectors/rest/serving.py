"""Serves the interface in the connector's own loop: one thread, so one transaction of the store at a time.

    async with serving({party.name: Hosted(party, service, settings)}, settings) as port: …

TLS 1.2 at least; a client certificate is asked for where the settings name whose. Nothing is written to an access log:
addresses hold ids of messages only, and even those are nobody's business.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from samband.connectors.listening import listen
from samband.connectors.rest.app import app
from samband.schemas.errors import OperatorError

if TYPE_CHECKING:
    from samband.connectors.rest.house import Hosted
    from samband.connectors.rest.settings import RestSettings

__all__ = ["serving"]

_CONNECTIONS: Final = 200


class _Protocol(H11Protocol):
    """Tell the app the client's certificate, which TLS has checked."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        encrypted = transport.get_extra_info("ssl_object")
        certificate = None if encrypted is None else encrypted.getpeercert(binary_form=True)
        self.app_state: dict[str, Any] = {**self.app_state, "certificate": certificate}


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.begun.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the connector."""
        yield


@contextlib.asynccontextmanager
async def serving(
    house: Mapping[str, Hosted], settings: RestSettings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> AsyncIterator[int]:
    """Serve while the context lasts; give the port.

    Raises:
        OperatorError: the address is taken (`REST_LISTEN`), or a TLS file cannot be used (`REST_FILES`).
    """
    host, port = settings.address
    context = _context(settings)
    listener = listen(host, port, code="REST_LISTEN", remedy="`rest.listen`")
    config = uvicorn.Config(
        app(house, clock=clock), lifespan="off",
        log_config=None, access_log=False, server_header=False, proxy_headers=False,
        http=_Protocol, ws="none", timeout_keep_alive=30, limit_concurrency=_CONNECTIONS,
        h11_max_incomplete_event_size=16 * 1024, timeout_graceful_shutdown=2,
        ssl_context_factory=None if context is None else lambda *_: context,
    )  # fmt: skip
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    begun = asyncio.create_task(server.begun.wait())
    try:
        await asyncio.wait((task, begun), return_when=asyncio.FIRST_COMPLETED)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        begun.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        listener.close()


def _context(settings: RestSettings) -> ssl.SSLContext | None:
    if settings.certificate is None:
        return None
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(settings.certificate, settings.key)
        if settings.client_ca is not None:
            context.load_verify_locations(settings.client_ca)
            # Optional: a client may have a token instead, and the description is for everybody.
            context.verify_mode = ssl.CERT_OPTIONAL
    except OSError as error:
        raise OperatorError(
            "REST_FILES", f"a TLS file of `rest` cannot be used: {error.strerror or 'not of its form'}".lower(),
            "`rest.certificate`, `rest.key` and `rest.client_ca`",
        ) from error  # fmt: skip
    return context
