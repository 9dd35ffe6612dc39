"""The system under test, as the suite sees it: something to hand over to, and what it says that it has.

A webhook in any language takes `POST`s as docs/connectors.md says, and for the suite answers `GET` on the same address
with what it has taken, oldest first, something that came twice and was taken twice twice:

    {"messages": [{"id": "7d…", "held": false}, …]}

Without that answer the suite cannot look inside, and says of each such check that it was left out.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

import httpx
from standardwebhooks.webhooks import Webhook

from samband.connectors.adapter import Adapter, is_message_id
from samband.connectors.folder import FolderAdapter
from samband.connectors.webhook import WebhookAdapter

__all__ = ["AdapterSide", "Answer", "FarSide", "FolderSide", "Received", "RestSide", "WebhookSide"]

_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Received:
    """A message that the system says it has."""

    id: str
    held: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system answered to a request of the suite's own."""

    status: int
    text: str


class FarSide(Protocol):
    """A system under test."""

    name: str
    exactly_once: bool
    """It promises to have a message once, however often it comes; else at least once with the same id."""

    def adapter(self) -> Adapter | None:
        """Return a new way into the system, which the suite closes; None where the system fetches for itself."""
        ...

    async def received(self) -> list[Received] | None:
        """Return what the system has, in the order in which it was taken; None where it cannot tell."""
        ...

    async def acknowledge(self, message_id: str) -> bool:
        """Acknowledge a message as a person would; say whether that can be done from outside."""
        ...

    async def post(self, event: dict[str, Any], *, forged: str = "") -> Answer | None:
        """Send an event of the suite's own; None where there is no such way in. `forged` says what is false of it."""
        ...


class WebhookSide:
    """A webhook, in whatever language."""

    exactly_once = False

    def __init__(self, url: str, secret: str) -> None:
        self.name = f"webhook {httpx.URL(url).copy_with(userinfo=b'', query=None)}"
        self._url, self._secret = url, secret

    def adapter(self) -> Adapter:
        """Return the adapter that serves webhooks in production."""
        return WebhookAdapter(self._url, self._secret, attempts=1)

    async def received(self) -> list[Received] | None:
        """Ask the system on the same address."""
        return await _told(self._url)

    async def acknowledge(self, message_id: str) -> bool:
        """Say that it cannot be done from outside: a webhook acknowledges in its own answers."""
        return False

    async def post(self, event: dict[str, Any], *, forged: str = "") -> Answer | None:
        """Post an event with a good signature, or with `key`, `body`, `time` or all of the `signature` wrong."""
        number, now, body = str(event.get("id", secrets.token_hex(16))), datetime.now(UTC), json.dumps(event)
        key = "whsec_" + "A" * 44 if forged == "key" else self._secret
        if forged == "time":
            now -= timedelta(hours=2)
        signature = Webhook(key).sign(number, now, body)
        if forged == "body":
            body = body.replace("{", '{"smuggled": true, ', 1)
        headers = {
            "content-type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": number,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }
        if forged == "signature":
            del headers["webhook-signature"]
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
                answer = await client.post(self._url, content=body.encode(), headers=headers)
        except httpx.HTTPError:
            return Answer(0, "")
        return Answer(answer.status_code, answer.text[:4000])


class RestSide:
    """A system that fetches over REST, in whatever language."""

    exactly_once = False

    def __init__(self, port: int, url: str) -> None:
        """Test what fetches from `port` of this machine, and says on `url` what it has, as a webhook does."""
        self.name = "rest"
        self.port = port
        self._url = url

    def adapter(self) -> None:
        """Return none: nobody hands over to such a system."""

    async def received(self) -> list[Received] | None:
        """Ask the system."""
        return await _told(self._url)

    async def acknowledge(self, message_id: str) -> bool:
        """Say that it cannot be done from outside: the system says `opened` itself."""
        return False

    async def post(self, event: dict[str, Any], *, forged: str = "") -> Answer | None:
        """Say that there is no such way in."""
        return None


async def _told(url: str) -> list[Received] | None:
    with suppress(httpx.HTTPError, ValueError, TypeError, KeyError):
        async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
            answer = await client.get(url, headers={"accept": "application/json"})
        if answer.status_code == 200:
            return [Received(str(each["id"]), bool(each.get("held"))) for each in answer.json()["messages"]]
    return None


class FolderSide:
    """A folder that somebody's import job reads."""

    exactly_once = True

    def __init__(self, folder: Path) -> None:
        self.name = "folder"
        self._folder = folder

    def adapter(self) -> Adapter:
        """Return the adapter that serves folders in production."""
        return FolderAdapter(self._folder)

    async def received(self) -> list[Received] | None:
        """Return what lies there, in the order in which it was written."""
        files = [path for path in self._folder.glob("*/*.json") if is_message_id(path.stem)]
        files.sort(key=lambda path: path.stat().st_mtime_ns)
        return [Received(path.stem, bool(json.loads(path.read_bytes())["held"])) for path in files]

    async def acknowledge(self, message_id: str) -> bool:
        """Move the file to where acknowledged ones lie."""
        name = f"{message_id}.json"
        (self._folder / "new" / name).rename(self._folder / "acknowledged" / name)
        return True

    async def post(self, event: dict[str, Any], *, forged: str = "") -> Answer | None:
        """Say that there is no such way in."""
        return None


class AdapterSide:
    """An adapter of one's own, written to `samband.connectors.adapter.Adapter`."""

    def __init__(
        self,
        name: str,
        make: Callable[[], Adapter],
        received: Callable[[], Sequence[Received]] | None = None,
        acknowledge: Callable[[str], None] | None = None,
        *,
        exactly_once: bool = False,
    ) -> None:
        """Test what `make` gives; `received` and `acknowledge` look into the far side and act in it, where they can."""
        self.name, self.exactly_once = name, exactly_once
        self._make, self._received, self._acknowledge = make, received, acknowledge

    def adapter(self) -> Adapter:
        """Return a new one."""
        return self._make()

    async def received(self) -> list[Received] | None:
        """Look into the far side."""
        return None if self._received is None else list(self._received())

    async def acknowledge(self, message_id: str) -> bool:
        """Act in the far side."""
        if self._acknowledge is None:
            return False
        self._acknowledge(message_id)
        return True

    async def post(self, event: dict[str, Any], *, forged: str = "") -> Answer | None:
        """Say that there is no such way in."""
        return None
