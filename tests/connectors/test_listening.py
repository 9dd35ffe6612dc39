"""A port is listened on from the moment that its address is told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from samband.connectors import listening
from samband.connectors.sandbox import serving as sandbox
from samband.connectors.web import listen as web
from samband.schemas.errors import OperatorError


@pytest.mark.parametrize(("listen", "code"), [(web.listening, "CONSOLE_PORT"), (sandbox.listening, "SANDBOX_PORT")])
def test_whoever_is_told_the_address_can_connect(listen: Callable[[int], socket.socket], code: str) -> None:
    """A link is printed before the server has started: who opens it at once waits, and is not refused."""
    with listen(0) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass
        with pytest.raises(OperatorError) as refused:
            listen(port)
    assert refused.value.code == code


async def test_an_answer_is_sent_at_once() -> None:
    """What asyncio accepts there sends small pieces without waiting for each other's acknowledgements."""
    found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def came(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async with await asyncio.start_server(came, sock=web.listening(0)) as server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        at_once = await asyncio.wait_for(found, 5)
        writer.close()
        await writer.wait_closed()
    assert at_once


def test_an_address_that_is_not_this_machines_is_told() -> None:
    """The error names the address, as it is written, and what can be done."""
    with pytest.raises(OperatorError, match=r"`\[2001:db8::1\]:0` cannot be listened on") as refused:
        listening.listen("2001:db8::1", 0, code="REST_LISTEN", remedy="`rest.listen`")
    assert refused.value.code == "REST_LISTEN"
