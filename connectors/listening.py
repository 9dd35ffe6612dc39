"""A port that is listened on from the moment that its address is told."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack

from samband.schemas.errors import OperatorError

__all__ = ["listen"]

_BACKLOG = 2048
"""Connections that wait to be taken, while whoever serves them still starts."""


def listen(host: str, port: int, *, code: str, remedy: str) -> socket.socket:
    """Return a socket that listens: whoever connects now is served when the server has started, never refused.

    Args:
        host: an address of this machine; IPv6 where it has a colon.
        port: 0 takes any that is free.
        code: of the error.
        remedy: what can be done about it.

    Raises:
        OperatorError: the address is taken, or is not this machine's.
    """
    try:
        with ExitStack() as unless_it_listens:
            # Named, TCP is known to asyncio, which then sends each answer at once; else its end waits 40 ms for an
            # acknowledgement of its beginning.
            listener = unless_it_listens.enter_context(
                socket.socket(_family(host), socket.SOCK_STREAM, socket.IPPROTO_TCP)
            )
            if os.name == "posix":  # elsewhere it would let two listen on one port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(_BACKLOG)
            unless_it_listens.pop_all()
    except OSError as error:
        told = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise OperatorError(code, f"`{told}` cannot be listened on: {error.strerror}", remedy) from error
    return listener


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
