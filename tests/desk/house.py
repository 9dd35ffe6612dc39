"""Three parties at their desks, and a gate between them: real stores, real decisions, only Kafka is left out.

house = DeskHouse(folder)
request = house.say("social", "health_exam.request", "IFO", "BUP", …)
browser = house.desk("bup").browser(Role.WRITER);  browser.get("/sv/")
"""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any
from unittest.mock import patch

from samband.connectors import service as running
from samband.connectors.client import Client
from samband.connectors.desk.app import desk, desk_settings
from samband.connectors.desk.ask import House
from samband.connectors.desk.roles import Role
from samband.connectors.party import AdapterSettings, Party
from samband.connectors.web.session import Door
from samband.schemas import events
from samband.schemas.rulebook import shipped_text
from samband.schemas.signed_rules import Rules
from samband.schemas.units import Unit
from samband.streams.rules import sign_rules
from tests.connectors.line import Connector, Line
from tests.console.house import Browser as ConsoleBrowser
from tests.gate import world as small

__all__ = ["EVIL", "HOST", "Browser", "Desk", "DeskHouse", "World"]

HOST = "127.0.0.1:8650"
EVIL = "<script>alert(1)</script>"
NAMES = {"IFO": "Socialkontoret, barn och unga", "SKOLA": "Björkskolan", "EMI": "Björkskolans elevhälsa, medicinsk del",
         "BUP": "BUP Västerås"}  # fmt: skip
DOES = {"BUP": "Utreder och behandlar psykisk ohälsa hos barn under 18 år. Tar inte emot akuta ärenden nattetid."}


class World(small.World):
    """The small world with names that people know, and an agreement."""

    names = NAMES

    def units(self, party: str) -> tuple[Unit, ...]:
        """Return a party's units, named."""
        return tuple(
            dataclasses.replace(unit, name=self.names[unit.id], telephone="021-39 00 00", hours="mån–fre 8–16",
                                does=DOES.get(unit.id, ""))
            for unit in super().units(party)
        )  # fmt: skip

    def rules(self, number: int = 1, effective_from: int = 0, rulebook: str = "", signer: Any = None) -> bytes:
        """Return signed rules with an agreement's terms."""
        terms = resources.files("samband.schemas").joinpath("agreements", "vastmanland.toml").read_text("utf-8")
        terms = terms.replace('name = "vastmanland"', f'name = "{small.AGREEMENT}"')
        made = Rules(
            number=number, effective_from=effective_from, rulebook=rulebook or shipped_text(), terms=terms
        )  # fmt: skip
        return sign_rules([signer or self.signer], made)


@dataclass
class Browser(ConsoleBrowser):
    """A browser at the desk."""

    host: str = HOST
    cookie_name: str = "samband_desk"

    def hidden(self, page: str, path: str = "") -> dict[str, str]:
        """Return the hidden fields of a page's last form, or of the one that goes to a path."""
        forms = re.findall(r"<form[^>]*action=\"([^\"]*)\"[^>]*>(.*?)</form>", page, re.DOTALL)
        body = [inside for action, inside in forms if action.startswith(path or "/")][-1]
        return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', body))

    def submit(self, page: str, path: str, **fields: str) -> Any:
        """Send a form of a page, with what is filled in."""
        return self.post(path, {**self.hidden(page, path), **{k.replace("__", "-"): v for k, v in fields.items()}})

    def attach(self, page: str, path: str, files: Sequence[tuple[str, bytes]], **fields: str) -> Any:
        """Send a form of a page with what is filled in and files: (name as it stands in the body, bytes)."""
        given = {**self.hidden(page, path), **{k.replace("__", "-"): v for k, v in fields.items()}}
        return self.carry(path, given, files)

    def carry(self, path: str, fields: dict[str, str], files: Sequence[tuple[str, bytes]], **headers: str) -> Any:
        """Send a form as a browser does where it carries files: what is typed first."""
        parts = [(f'name="{name}"', value.encode()) for name, value in fields.items()]
        parts += [(f'name="f-attachments"; filename="{name}"', data) for name, data in files]
        body = b"".join(
            b'--edge\r\nContent-Disposition: form-data; ' + head.encode() + b"\r\n\r\n" + data + b"\r\n"
            for head, data in parts
        )  # fmt: skip
        given = {"origin": f"http://{self.host}", "content-type": "multipart/form-data; boundary=edge", **headers}
        return self._ask("POST", path, given, body + b"--edge--\r\n")


class Desk:
    """A party's desk."""

    def __init__(self, house: DeskHouse, party: str, host: str = HOST) -> None:
        self.house, self.party = house, party
        self.door: Door[Role] = Door()
        self.clock = 1000.0
        self.rooms = House(lambda: house.opened(party), wait_s=0.0)
        self.app = desk(self.rooms, desk_settings(frozenset({host})), self.door, lambda: self.clock, now=house.now)

    def browser(self, *roles: Role, units: tuple[str, ...] = (), user: str = "anna01") -> Browser:
        """Return a browser that is signed in with some roles; none: not signed in."""
        browser = Browser(self.app)
        if roles:
            browser.cookie = self.door.open(user, roles, self.clock, title="sekreterare", units=units)
        return browser


class DeskHouse:
    """The world, its gate, and the parties' connectors."""

    def __init__(self, folder: Path, world: World | None = None) -> None:
        self.folder = folder
        self.world = world or World()
        self.gate = small.Gate(self.world)
        self.line = Line(self.gate)
        self.protected = "hold"
        self._clock = patch("samband.connectors.service.now_ms", lambda: self.gate.now)
        self._clock.start()
        self.connectors: dict[str, Connector] = {}
        for party in small.UNITS:
            connector = self.line.connector(party, folder / party)
            connector.party.settings = self.settings(connector.party)
            connector.service._party.settings = connector.party.settings
            self.connectors[party] = connector

    def settings(self, party: Party) -> Any:
        """Return a party's settings: each unit's messages wait at the desk."""
        adapters = tuple(AdapterSettings(unit[0], "desk") for unit in small.UNITS[party.settings.party])
        return dataclasses.replace(party.settings, adapter=adapters, protected=self.protected)

    def opened(self, party: str) -> Party:
        """Open a party, as the desk does."""
        found = self.world.open_party(party, self.folder / party)
        found.settings = self.settings(found)
        return found

    def now(self) -> datetime:
        """Return the gate's now."""
        return datetime.fromtimestamp(self.gate.now / 1000, UTC)

    def desk(self, party: str, host: str = HOST) -> Desk:
        """Return a party's desk."""
        return Desk(self, party, host)

    def say(
        self, party: str, type_name: str, sender: str, recipient: str, child: str, /, files: Any = (), **content: Any
    ) -> bytes:
        """Say something from a party whose system is elsewhere, and carry it."""
        user = {"id": "system", "role": "handlaggare"}
        said = {"child_identifier": child, "acting_user": user, **content}
        message = Client(self.connectors[party].party).send(
            type_name, recipient=recipient, content=said, now=self.now(), unit=sender, necessity="support",
            attachments=files,
        )  # fmt: skip
        self.carry()
        return message

    def record(self, party: str, body: Any, child: str) -> bytes:
        """Record an event, and carry it."""
        message = Client(self.connectors[party].party).record(
            body, child=child, now=self.now(), acting_user={"id": "system", "role": "handlaggare"}
        )
        self.carry()
        return message

    def mark(self, child: str) -> None:
        """Mark a child as protected; everybody involved may still be told."""
        kind = events.MarkKind.SECRECY
        self.record("social", events.ProtectionMarked(kind, False, ()), child)

    def carry(self, rounds: int = 6) -> None:
        """Carry what was said: to the gate, to the inboxes, to the desks, and the receipts back."""
        for _ in range(rounds):
            self.gate.now += 1000
            for connector in self.connectors.values():
                connector.send()
            for name, connector in self.connectors.items():
                connector.read()
                for unit, *_ in small.UNITS[name]:
                    hand_over(connector, unit)

    def close(self) -> None:
        """Close what is open."""
        for connector in self.connectors.values():
            connector.store.close()
        self._clock.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def hand_over(connector: Connector, unit: str) -> None:
    """Hand over to a unit's desk what has come, as the service does."""
    service = connector.service
    with connector.store.transaction():
        rows = service.handing.begin(unit, len(connector.line.inboxes[connector.party.name]), running.now_ms())
    if rows:
        service.handing.settle(rows, [None] * len(rows), running.now_ms())
