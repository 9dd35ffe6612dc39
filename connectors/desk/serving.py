"""Runs the desk: by itself for a party, or inside the party's running connector, on the loopback address.

serve(config, port=0, settings=None, tell=…)         until a signal ends it
async with beside(party, config): …                    while the connector serves
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from samband.connectors.desk.app import desk, desk_settings
from samband.connectors.desk.ask import House
from samband.connectors.desk.roles import Role
from samband.connectors.desk.settings import DeskSite
from samband.connectors.party import Party
from samband.connectors.web.listen import HOST, listening, server
from samband.connectors.web.oidc import Provider
from samband.connectors.web.session import Door
from samband.streams.settings import load

if TYPE_CHECKING:
    from samband.connectors.web.guard import Guard

__all__ = ["Tell", "beside", "serve"]

Tell = Callable[[Door[Role], str], None]


def serve(connector: Path, *, port: int, settings: Path | None, tell: Tell) -> None:
    """Serve until a signal ends it.

    Args:
        connector: the party's `connector.toml`.
        port: 0 takes any that is free.
        settings: `desk.toml`, or None: then people sign in by printed links.
        tell: prints links, in a thread of its own.

    Raises:
        OperatorError: the port is taken, or the party cannot be opened.
    """
    with listening(port) as listener:
        port = listener.getsockname()[1]
        house, door, address = _house(connector), Door[Role](), f"http://{HOST}:{port}"
        if settings is None:
            app = desk(house, desk_settings(frozenset({f"{HOST}:{port}", f"localhost:{port}"})), door)
            threading.Thread(target=tell, args=(door, address), name="desk-links", daemon=True).start()
        else:
            app = _behind(settings, house, door)
            sys.stderr.write(f"samband: {address}, for what ends TLS before it\n")
        try:
            server(app).run(sockets=[listener])
        finally:
            house.close()


@asynccontextmanager
async def beside(party: Party, connector: Path) -> AsyncIterator[None]:
    """Serve the desk in a thread of its own while the connector runs.

    It opens the party's store as another process would, so that a slow page never holds a message up.

    Raises:
        OperatorError: the port is taken, or `desk.toml` cannot be used.
    """
    settings = party.settings.desk
    assert settings is not None
    with listening(settings.port) as listener:
        house = _house(connector)
        running = server(_behind(settings.settings, house, Door()))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, name="desk", daemon=True)
        thread.start()
        try:
            yield
        finally:
            running.should_exit = True
            with suppress(TimeoutError):
                async with asyncio.timeout(10):
                    await asyncio.to_thread(thread.join)
            house.close()


def _house(connector: Path) -> House:
    """Return the house of a party; what cannot be opened is said now."""
    house = House(lambda: Party.load(connector))
    with house.party() as party:
        house.environment = party.root.environment
    return house


def _behind(settings: Path, house: House, door: Door[Role]) -> Guard:
    """Return the app where something before it ends TLS, and people sign in at their own provider."""
    site = load(settings, DeskSite)
    site.check()
    parts = urlsplit(site.address)
    return desk(
        house, desk_settings(frozenset({parts.netloc}), https=parts.scheme == "https"), door, provider=Provider(site)
    )
