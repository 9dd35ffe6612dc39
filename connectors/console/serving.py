"""Runs the console: opens the hub or the party, listens on the loopback address, and ends on a signal."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import uvicorn

from samband.connectors.console.app import console
from samband.connectors.console.ask import House
from samband.connectors.console.attention import Attention
from samband.connectors.console.guard import Guard, Settings
from samband.connectors.console.oidc import ConsoleSettings, Provider
from samband.connectors.console.roles import Role
from samband.connectors.console.session import Door
from samband.connectors.console.source import Source
from samband.schemas.errors import OperatorError
from samband.streams.settings import load

if TYPE_CHECKING:
    from samband.streams.authority import Home

__all__ = ["serve"]

_HOST: Final = "127.0.0.1"
Tell = Callable[[Door, str, tuple[Role, ...]], None]


def serve(
    home: Home | None, connector: Path | None, *, port: int, settings: Path | None, roles: tuple[Role, ...], tell: Tell
) -> None:
    """Serve until a signal ends it.

    Args:
        home: the hub's folder, for the hub's console.
        connector: a party's `connector.toml`, for a party's.
        port: 0 takes any that is free.
        settings: `console.toml`, or None.
        roles: what whoever uses the printed link is here for.
        tell: prints links, in a thread of its own.

    Raises:
        OperatorError: the port is taken, or the hub or party cannot be opened.
    """
    with ExitStack() as stack:
        listener = stack.enter_context(_listening(port))
        port = listener.getsockname()[1]
        house = stack.enter_context(_house(home, connector))
        door, address = Door(), f"http://{_HOST}:{port}"
        if settings is None:
            hosts = frozenset({f"{_HOST}:{port}", f"localhost:{port}"})
            app = console(house, Settings(hosts), door)
            threading.Thread(target=tell, args=(door, address, roles), name="console-links", daemon=True).start()
        else:
            app = _behind(load(settings, ConsoleSettings), house, door)
            sys.stderr.write(f"samband: {address}, for what ends TLS before it\n")
        config = uvicorn.Config(
            app, lifespan="off", log_config=None, access_log=False, server_header=False, proxy_headers=False,
            timeout_keep_alive=5, limit_concurrency=100, h11_max_incomplete_event_size=16 * 1024,
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[listener])


def _behind(settings: ConsoleSettings, house: House, door: Door) -> Guard:
    """Return the app where something before it ends TLS, and people sign in at their own provider."""
    settings.check()
    parts = urlsplit(settings.address)
    return console(
        house, Settings(frozenset({parts.netloc}), https=parts.scheme == "https"), door, provider=Provider(settings)
    )


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, port))
        except OSError as error:
            raise OperatorError(
                "CONSOLE_PORT", f"port {port} cannot be listened on: {error.strerror}", "--port 0 takes a free one"
            ) from error
        yield listener
    finally:
        listener.close()


@contextmanager
def _house(home: Home | None, connector: Path | None) -> Iterator[House]:
    if home is None:
        assert connector is not None
        house = House(connector=connector)
        with house.party() as party:  # what cannot be opened is said now
            environment = party.root.environment
        yield House(connector=connector, environment=environment)
        return
    with Source(home) as source, Attention(home) as attention:
        yield House(source, None, attention, home.root.environment)
