"""A port is listened on from the moment that its address is told."""

from __future__ import annotations

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


def test_an_address_that_is_not_this_machines_is_told() -> None:
    """The error names the address, as it is written, and what can be done."""
    with pytest.raises(OperatorError, match=r"`\[2001:db8::1\]:0` cannot be listened on") as refused:
        listening.listen("2001:db8::1", 0, code="REST_LISTEN", remedy="`rest.listen`")
    assert refused.value.code == "REST_LISTEN"
