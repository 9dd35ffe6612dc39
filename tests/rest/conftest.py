"""Two parties on the in-process line, each with a REST interface on its own connector."""

from __future__ import annotations

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

    def open(self, name: str, *scopes: Scope, **changes: Any) -> Connector:
        """Open a party whose units fetch by REST; its client has the party's name."""
        folder = self.folder / name
        connector = self.line.connector(name, folder)
        secret = new_secret()
        file = folder / "rest.secret"
        file.write_text(digest_of_secret(secret) + "\n")
        client = RestClient(name, file, scopes=scopes or tuple(Scope))
        settings = replace(RestSettings(client=(client,)), **changes)
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

    def party(self, name: str) -> Party:
        """Return an open party."""
        return self.connectors[name].party


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
