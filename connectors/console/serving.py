"""Runs the console: opens the hub or the party, listens on the loopback address, and ends on a signal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from samband.connectors.console.app import console
from samband.connectors.console.ask import House
from samband.connectors.console.attention import Attention
from samband.connectors.console.roles import Role
from samband.connectors.console.settings import ConsoleSettings
from samband.connectors.console.source import Source
from samband.connectors.web.guard import Guard, Settings
from samband.connectors.web.listen import HOST, listening, server
from samband.connectors.web.oidc import Provider
from samband.connectors.web.session import Door
from samband.streams.settings import load

if TYPE_CHECKING:
    from samband.streams.authority import Home

__all__ = ["serve"]

Tell = Callable[[Door[Role], str, tuple[Role, ...]], None]


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
        listener = stack.enter_context(listening(port))
        port = listener.getsockname()[1]
        house = stack.enter_context(_house(home, connector))
        door: Door[Role] = Door()
        address = f"http://{HOST}:{port}"
        if settings is None:
            hosts = frozenset({f"{HOST}:{port}", f"localhost:{port}"})
            app = console(house, Settings(hosts), door)
            threading.Thread(target=tell, args=(door, address, roles), name="console-links", daemon=True).start()
        else:
            app = _behind(load(settings, ConsoleSettings), house, door)
            sys.stderr.write(f"samband: {address}, for what ends TLS before it\n")
        server(app).run(sockets=[listener])


def _behind(settings: ConsoleSettings, house: House, door: Door[Role]) -> Guard:
    """Return the app where something before it ends TLS, and people sign in at their own provider."""
    settings.check()
    parts = urlsplit(settings.address)
    return console(
        house, Settings(frozenset({parts.netloc}), https=parts.scheme == "https"), door, provider=Provider(settings)
    )


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
