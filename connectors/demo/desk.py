"""The desk of the demo's small private home, which has no system: a real desk on loopback, and somebody who uses it.

    desk = HomeDesk(config); desk.start()
    desk.take(message_id)          a person signs in by a link, opens the letter, marks it as acted on
    desk.link()                    another link, for whoever plays on

What is done is done over HTTP, form by form, as a browser does it without JavaScript.
"""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from samband.schemas.errors import OperatorError

if TYPE_CHECKING:
    from samband.connectors.desk.roles import Role
    from samband.connectors.web.session import Door

__all__ = ["HomeDesk"]

_WAIT_S: Final = 10.0
_HIDDEN: Final = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


class HomeDesk:
    """A desk in a thread of its own, until `close`."""

    def __init__(self, connector: Path) -> None:
        self._connector = connector
        self._ready = threading.Event()
        self._door: Door[Role] | None = None
        self._address = ""

    def start(self) -> None:
        """Serve the desk; return when it has an address.

        Raises:
            OperatorError: what it needs is not installed, or it does not come up.
        """
        try:
            from samband.connectors.desk import serving
        except ModuleNotFoundError as error:
            raise OperatorError(
                "CONSOLE_MISSING", f"the home's desk needs `{error.name}`", "pip install 'samband[console]'"
            ) from error

        def tell(door: Door[Role], address: str) -> None:
            self._door, self._address = door, address
            self._ready.set()

        threading.Thread(
            target=serving.serve, args=(self._connector,), kwargs={"port": 0, "settings": None, "tell": tell},
            name="demo-desk", daemon=True,
        ).start()  # fmt: skip
        if not self._ready.wait(_WAIT_S):
            raise OperatorError(
                "DESK_SILENT", "the home's desk does not come up", f"samband desk --as {self._connector}"
            )

    def link(self, language: str = "sv") -> str:
        """Return a link that signs in once, within a minute."""
        from samband.connectors.desk.roles import Role

        assert self._door is not None
        code = self._door.link("u-2001", (Role.WRITER, Role.RELEASER), time.monotonic(), title="föreståndare")
        return f"{self._address}/{language}/login?code={code}"

    def take(self, message_id: bytes) -> None:
        """Open a letter and mark it as acted on.

        Raises:
            httpx.HTTPError: the desk refuses.
        """
        letter = f"/sv/inbox/{message_id.hex()}"
        with httpx.Client(base_url=self._address, follow_redirects=True, trust_env=False, timeout=_WAIT_S) as browser:
            _press(browser, browser.get(self.link()), "/sv/login")
            _press(browser, browser.get(letter), f"{letter}/open")
            _press(browser, browser.get(letter), f"{letter}/acted")


def _press(browser: httpx.Client, page: httpx.Response, path: str) -> None:
    """Send the form of a page that goes to a path, as it stands; where there is none, the page is all there was."""
    page.raise_for_status()
    for action, inside in re.findall(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', page.text, re.DOTALL):
        if action.startswith(path):
            sent = browser.post(
                action, data=dict(_HIDDEN.findall(inside)), headers={"origin": str(browser.base_url).rstrip("/")}
            )
            sent.raise_for_status()
            return
