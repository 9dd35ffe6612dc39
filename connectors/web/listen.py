"""The port of a site on the loopback address, and the server on it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

import uvicorn

from samband.connectors.listening import listen

if TYPE_CHECKING:
    from samband.connectors.web.guard import Guard

__all__ = ["HOST", "listening", "server"]

HOST: Final = "127.0.0.1"


def listening(port: int) -> socket.socket:
    """Listen on a port, 0 for any that is free.

    Raises:
        OperatorError: it is taken (`CONSOLE_PORT`).
    """
    return listen(HOST, port, code="CONSOLE_PORT", remedy="--port 0 takes a free one")


def server(app: Guard) -> uvicorn.Server:
    """Return a server that says nothing of its own and takes only so much at a time."""
    config = uvicorn.Config(
        app, lifespan="off", log_config=None, access_log=False, server_header=False, proxy_headers=False,
        timeout_keep_alive=5, limit_concurrency=100, h11_max_incomplete_event_size=16 * 1024,
    )  # fmt: skip
    return uvicorn.Server(config)
