"""Two parties on the in-process line, each with a REST interface on its own connector."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from samband.connectors.party import AdapterSettings, Party
from samband.connectors.rest.house import Hosted
from samband.connectors.rest.secrets import digest_of_secret, new_secret
from samband.connectors.rest.serving import serving
from samband.connectors.rest.settings import RestClient, RestSettings, Scope
from samband.connectors.service import Service
from tests.connectors.line import Connector, Line


class House:
    """The interfaces of the parties of one line."""

    def __init__(self, line: Line, folder: Path) -> None:
        self.line = line
        self.folder = folder
        self.now = datetime.fromtimestamp(line.gate.now / 1000, UTC)
        self.connectors: dict[str, Connector] = {}
        self.hosted: dict[str, Hosted] = {}
        self.secrets: dict[str, str] = {}

    def clock(self) -> datetime:
        """Return the gate's time."""
        return datetime.fromtimestamp(self.line.gate.now / 1000, UTC)

    def open(self, name: str, *scopes: Scope, client: str = "", **changes: Any) -> Connector:
        """Open a party whose units fetch by REST; its client has the party's name, or another."""
        folder = self.folder / name
        connector = self.line.connector(name, folder)
        secret = new_secret()
        file = folder / "rest.secret"
        file.write_text(digest_of_secret(secret) + "\n")
        system = RestClient(client or name, file, scopes=scopes or tuple(Scope))
        settings = replace(RestSettings(client=(system,)), **changes)
        party = connector.party
        units = tuple(AdapterSettings(unit.id, "rest") for unit in party.units)
        party.settings = replace(party.settings, adapter=units, rest=settings)
        connector.service = Service(party, {})
        connector.service.ready.set()
        self.connectors[name] = connector
        self.hosted[name] = Hosted(party, connector.service, settings)
        self.secrets[name] = secret
        return connector

    def settle(self) -> None:
        """Send and read until nothing waits for the gate."""
        for _ in range(4):
            for each in self.connectors.values():
                each.send()
            for name, each in self.connectors.items():
                each.read()
                each.service._known_before = len(self.line.inboxes[name])

    def said(self, name: str, body: dict[str, Any]) -> str:
        """Send what a body says, without the interface; return the message's id."""
        message = self.hosted[name].client.send(
            body["type"], recipient=body["recipient"], unit=body["unit"], content=body["content"], now=self.clock()
        )
        return message.hex()

    def token(self, address: str, name: str) -> str:
        """Return an access token of a party's client."""
        client = self.hosted[name].settings.client[0].id
        form = {"grant_type": "client_credentials"}
        answer = httpx.post(f"{address}/oauth2/token", data=form, auth=(client, self.secrets[name]), timeout=20)
        found: str = answer.json()["access_token"]
        return found

    def party(self, name: str) -> Party:
        """Return an open party."""
        return self.connectors[name].party


class Served:
    """An interface served by a thread of its own, so that another program can call it."""

    def __init__(self, house: House, *, settle: bool = False) -> None:
        """Serve a house; `settle`: what is said is judged and read all the while, in the same thread."""
        self.house = house
        self.port = 0
        self._settle = settle
        self._up = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    async def _serve(self) -> None:
        async with serving(self.house.hosted, RestSettings(listen="127.0.0.1:0"), clock=self.house.clock) as self.port:
            self._up.set()
            while self._settle and not self._end.is_set():
                self.house.settle()
                await asyncio.sleep(0.2)
            await self._end.wait()

    def __enter__(self) -> str:
        self._thread.start()
        assert self._up.wait(20)
        return f"http://127.0.0.1:{self.port}"

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(20)
        self._loop.close()


class Api:
    """One client of one interface, with its token."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self.http = http
        self.headers = {"authorization": f"Bearer {token}"}

    async def get(self, path: str, status: int = 200, **params: Any) -> Any:
        """Get a document."""
        answer = await self.http.get(path, params=params, headers=self.headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None, status: int = 202, key: str = "", **params: Any) -> Any:
        """Post a document."""
        headers = self.headers | ({"idempotency-key": key} if key else {})
        content = {} if body is None else {"json": body}
        answer = await self.http.post(path, params=params, headers=headers, **content)
        assert answer.status_code == status, answer.text
        return answer.json()


async def token(http: httpx.AsyncClient, client: str, secret: str, **form: str) -> httpx.Response:
    """Ask for an access token."""
    said = {"grant_type": "client_credentials", **form}
    return await http.post("/oauth2/token", data=said, auth=(client, secret))


@pytest.fixture
def house(gate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Return an empty house on a line, whose services have the gate's clock."""
    monkeypatch.setattr("samband.connectors.service.now_ms", lambda: gate.now)
    made = House(Line(gate), tmp_path)
    yield made
    for each in made.connectors.values():
        each.store.close()


@pytest.fixture
async def http(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the interface over `social` and `skola`, on a real port."""
    for name in ("social", "skola"):
        house.open(name)
    settings = RestSettings(listen="127.0.0.1:0")
    async with (
        serving(house.hosted, settings, clock=house.clock) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client,
    ):
        yield client


Apis = dict[str, Api]


@pytest.fixture
async def api(house: House, http: httpx.AsyncClient) -> Apis:
    """Return each party's own client."""
    made = {}
    for name, secret in house.secrets.items():
        answer = await token(http, name, secret)
        assert answer.status_code == 200, answer.text
        made[name] = Api(http, answer.json()["access_token"])
    return made
