"""A hub with records and no Kafka: founded for real, stamped for real, kept by the real keeper; and a browser at it.

house = HubHouse(folder)
entry = house.say(house.record("SE…-IFO", "SE…-SKOLA", outcome="permit", grounds=("CONSENT",)))
browser = house.browser(Role.AUDITOR);  page = browser.get("/sv/decisions")
"""

from __future__ import annotations

import asyncio
import html
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from samband.connectors.console.app import console
from samband.connectors.console.ask import House
from samband.connectors.console.attention import Attention, Matter
from samband.connectors.console.roles import Role
from samband.connectors.console.source import Source
from samband.connectors.web.guard import COOKIE, Settings
from samband.connectors.web.session import Door
from samband.schemas.stamp import StampRecord
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.audit import seal_audit
from samband.streams.authority import Home
from samband.streams.crypto.keys import Purpose
from samband.streams.crypto.signature import stamp_all
from samband.streams.records.keeper import Incoming, Keeper
from samband.streams.records.store import RecordStore

__all__ = ["BUP", "HOST", "IFO", "SKOLA", "Browser", "HubHouse"]

HOST = "127.0.0.1:8600"
IFO, SKOLA, BUP = "SE2120002080-IFO", "SE2120002080-SKOLA", "SE2321000131-BUP"
EVIL = "<script>alert(1)</script>"
UNITS = {
    "social": (IFO, UnitKind.SOCIAL_IFO, Regime.OSL_26, "Individ- och familjeomsorgen"),
    "skola": (SKOLA, UnitKind.SCHOOL_PEDAGOGIC, Regime.OSL_23, ""),
    "bup": (BUP, UnitKind.CARE_BUP, Regime.OSL_25, "BUP Västerås"),
}
DAY_MS = 86_400_000


class HubHouse:
    """The hub, its records, and the console."""

    def __init__(self, folder: Path, *, days: int = 40, host: str = HOST, school: str = EVIL) -> None:
        self.home = Home(folder)
        self.now = datetime.now(UTC)
        begun = self.now - timedelta(days=days)
        self.home.found("vasteras", now=begun, shards=2, workers=1)
        for party, (unit, kind, regime, name) in UNITS.items():
            made = Unit(id=UnitId(unit), party=PartyId(party), kind=kind, regime=regime, name=name or school)
            self.home.add_party(party, f"Partens namn {school}", "2120002080", (made,), now=begun)
        (self.home.hub / "run").mkdir(exist_ok=True)
        self.ms = int(self.now.timestamp() * 1000)
        directory = self.home.directory(self.ms)
        self._stamp = self.home.hub_keys.sign_key(Purpose.GATE_STAMP)
        self.store = RecordStore(self.home.hub / "records" / "records.db", self.home.audit_keys, self.home.root.realm)
        self.keeper = Keeper(self.store, directory, self._stamp)
        self._seq = 0
        self.topic: list[Incoming] = []
        self.rulebook = directory.rules.versions[0].rulebook.hash
        self.source = Source(self.home)
        self.attention = Attention(self.home)
        self.attention.found = (self.now, [Matter("warn", "rules", {"number": 3, "version": 1}, "rules")])
        self.told: dict[str, bytes] = {}
        self.door = Door()
        self.clock = time.monotonic()
        house = House(self.source, None, self.attention)
        self.app = console(house, Settings(frozenset({host})), self.door, lambda: self.clock)

    def record(self, sender: str, recipient: str, *, ago: float = 0.1, **changes: Any) -> StampRecord:
        """Return what the gate said, so many days ago."""
        at = self.ms - int(ago * DAY_MS)
        values: dict[str, Any] = {
            "kind": "decision", "leaf": secrets.token_bytes(32), "message_id": secrets.token_bytes(16),
            "sender": sender, "recipient": recipient, "ref": bytes(16), "type": "dialogue.message",
            "outcome": "permit", "rulebook": self.rulebook, "directory": 1, "decided_at": at, "appended_at": at,
            **changes,
        }  # fmt: skip
        return StampRecord(**values)

    def say(self, *records: StampRecord) -> list[bytes]:
        """Let the gate stamp records in one transaction, and the keeper and the index take them."""
        salted = [(secrets.token_bytes(32), record.encode()) for record in records]
        incoming: list[Incoming] = []
        entries: list[bytes] = []
        for record, (entry, stamp) in zip(records, stamp_all(self._stamp, salted), strict=True):
            self._seq += 1
            month, key = self.home.audit_keys.at(record.decided_at)
            value = seal_audit(month, key, 0, self._seq, entry, stamp)
            incoming.append(Incoming(self.store.offset + len(incoming), value, record.decided_at))
            entries.append(entry)
        self.topic += incoming
        self.keeper.take(incoming, self.store.offset + len(incoming))
        self.source.follow(self.store)
        return entries

    def story(self) -> dict[str, bytes]:
        """Say a little of everything, and return the entries by name."""
        ref, consent = secrets.token_bytes(16), secrets.token_bytes(16)
        (given,) = self.say(
            self.record(
                IFO, IFO, ago=20, kind="event", outcome="accepted", type="consent.given", subject=consent, ref=ref
            )
        )
        first, second = secrets.token_bytes(16), secrets.token_bytes(16)
        permit, denied, refusal, evil = self.say(
            self.record(IFO, SKOLA, ago=10, message_id=first, type="placement.notice", grounds=("CONSENT",),
                        consents=(given,), categories=("placement:child", "identity:guardian"),
                        obligations=("register_arrival",), ref=ref),
            self.record(BUP, SKOLA, ago=9, message_id=second, outcome="deny", reasons=("CONSENT_DISCLOSER",), ref=ref),
            self.record(BUP, IFO, ago=8, kind="refusal", outcome="refused", code="TYPE_NOT_FOR_KIND"),
            self.record(EVIL, EVIL, ago=7, type=EVIL, code=EVIL, outcome="ask", grounds=(EVIL,), reasons=(EVIL,),
                        obligations=(EVIL,), categories=(EVIL,)),
        )  # fmt: skip
        (receipt,) = self.say(
            self.record(
                SKOLA, IFO, ago=9.9, kind="receipt", outcome="handed_over", type="receipt", subject=first, ref=ref
            )
        )
        self.say(
            self.record(IFO, IFO, ago=5, kind="event", outcome="accepted", type="consent.withdrawn", subject=consent,
                        ref=ref),
            self.record(IFO, IFO, ago=4, kind="event", outcome="accepted", type="act.logged"),
        )  # fmt: skip
        return {"given": given, "permit": permit, "denied": denied, "refusal": refusal, "evil": evil,
                "receipt": receipt, "first": first, "second": second, "ref": ref, "consent": consent}  # fmt: skip

    def browser(self, *roles: Role) -> Browser:
        """Return a browser that is signed in with some roles; none: not signed in."""
        browser = Browser(self.app)
        if roles:
            browser.cookie = self.door.open("granskaren", roles, self.clock)
        return browser

    def close(self) -> None:
        """Close what is open."""
        self.store.close()
        self.source.index.close()


@dataclass
class Browser:
    """A browser without JavaScript: keeps one cookie, sends what a browser sends."""

    app: Any
    cookie: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    host: str = HOST
    cookie_name: str = COOKIE

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Load a page; nothing is followed."""
        return self._ask("GET", path, headers)

    def post(
        self, path: str, fields: Sequence[tuple[str, str]] | dict[str, str] = (), **headers: str
    ) -> httpx.Response:
        """Send a form."""
        body = urlencode(fields)
        given = {"origin": f"http://{self.host}", "content-type": "application/x-www-form-urlencoded", **headers}
        return self._ask("POST", path, given, body.encode())

    def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> httpx.Response:
        sent = {"host": self.host, **self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.cookie:
            sent.setdefault("cookie", f"{self.cookie_name}={self.cookie}")
        answer = asyncio.run(self._send(method, path, {k: v for k, v in sent.items() if v}, body))
        for each in answer.headers.get_list("set-cookie"):
            name, _, value = each.partition(";")[0].partition("=")
            assert name == self.cookie_name
            self.cookie = value
        return answer

    async def _send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{self.host}") as client:
            return await client.request(method, path, headers=headers, content=body)

    def csrf(self, path: str = "/sv/") -> str:
        """Return the token that a page's forms carry."""
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.get(path).text)
        assert found, "the page has no form"
        return html.unescape(found[1])
