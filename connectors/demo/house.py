"""The demo's house: a hub on a real Kafka, four parties with a connector process each, BUP's own system, a home's desk.

The four share nothing but Kafka and the public cards. BUP's system is a small HTTP server that checks each webhook's
signature, as a vendor's would; the school and the social services have a folder that their systems look into. The
private home (HVB) has no system: what comes waits at its desk.
"""

from __future__ import annotations

import json
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from samband.connectors.client import Client
from samband.connectors.demo.desk import HomeDesk
from samband.connectors.party import Party
from samband.connectors.serve import READY
from samband.schemas.agreement import shipped_text
from samband.schemas.errors import OperatorError
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.children import Child, end_all
from samband.streams.hub import Hub

__all__ = ["BUP", "HOME", "SCHOOL", "SOCIAL", "CaseSystem", "House"]

AGREEMENT: Final = "vastmanland"
_READY_S: Final = 30.0
_MARK: Final = "samband-demo"


@dataclass(frozen=True, slots=True)
class Place:
    """One of the four parties with its one unit."""

    party: str
    unit: str
    kind: UnitKind
    regime: Regime
    name: str
    organisation: str
    telephone: str
    does: str
    municipality: str = ""


SOCIAL: Final = Place(
    "socialtjanst",
    "SE2120002080-IFO",
    UnitKind.SOCIAL_IFO,
    Regime.OSL_26,
    "Socialtjänsten",
    "2120002080",
    "021-00 00 01",
    "Individ- och familjeomsorg; inte socialjour.",
    "1980",
)
SCHOOL: Final = Place(
    "skola",
    "SE2120002080-SKOLA",
    UnitKind.SCHOOL_PEDAGOGIC,
    Regime.OSL_23,
    "Skolan",
    "2120002080",
    "021-00 00 02",
    "Rektor och mentorer; inte elevhälsans journaler.",
    "1980",
)
BUP: Final = Place(
    "bup",
    "SE2321000172-BUP",
    UnitKind.CARE_BUP,
    Regime.OSL_25,
    "BUP",
    "2321000172",
    "021-00 00 03",
    "Barn- och ungdomspsykiatri; inte akutmottagning.",
)
HOME: Final = Place(
    "hemmet",
    "SE5560000001-HVB",
    UnitKind.INSTITUTION_HVB,
    Regime.SOL_17_11,
    "HVB-hemmet",
    "5560000001",
    "021-00 00 04",
    "Hem för vård eller boende, åtta platser; inte skola.",
    "1980",
)
PLACES: Final = (SOCIAL, SCHOOL, BUP, HOME)


class CaseSystem:
    """BUP's own system: takes webhooks on loopback, and keeps what came with a good signature."""

    def __init__(self, secret: str) -> None:
        self.received: list[dict[str, Any]] = []
        self.refused = 0
        webhook = Webhook(secret)
        system = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                try:
                    webhook.verify(body, {key.lower(): value for key, value in self.headers.items()})
                except WebhookVerificationError:
                    system.refused += 1
                    self.send_response(401)
                else:
                    system.received.append(json.loads(body))
                    self.send_response(204)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing: the demo's table does."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/samband"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def ids(self) -> list[str]:
        """Return the message ids that came, repeats included."""
        return [event["id"] for event in self.received]

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class House:
    """Everything that runs in the demo; `close` leaves nothing behind."""

    def __init__(self, path: Path, progress: Callable[[str], None]) -> None:
        """Found the hub and the four parties in `path`.

        Raises:
            OperatorError: the folder is not a former demo's and not empty, or cannot be written.
        """
        self.path = path
        self._progress = progress
        _clear(path)
        now = datetime.now(UTC)
        self.home = Home(path)
        self.home.found(AGREEMENT, now=now, shards=2, terms=shipped_text(AGREEMENT))
        (path / _MARK).write_text("made by `samband demo`, and made anew by it\n", "utf-8")
        secret = "whsec_" + secrets.token_hex(32)
        self.case_system = CaseSystem(secret)
        folder = '\n[[adapter]]\nunit = "{unit}"\nkind = "folder"\npath = "inbox"\n'
        webhook = (
            f'\n[[adapter]]\nunit = "{BUP.unit}"\nkind = "webhook"\n'
            f'url = "{self.case_system.url}"\nsecret = "webhook.secret"\n'
        )
        for place, adapter in (
            (SOCIAL, folder.format(unit=SOCIAL.unit)),
            (SCHOOL, folder.format(unit=SCHOOL.unit)),
            (BUP, webhook),
            (HOME, f'\n[[adapter]]\nunit = "{HOME.unit}"\nkind = "desk"\n'),
        ):
            unit = Unit(
                UnitId(place.unit), PartyId(place.party), place.kind, place.regime, place.name,
                place.municipality, place.telephone, does=place.does,
            )  # fmt: skip
            at = self.home.add_party(place.party, place.name, place.organisation, [unit], now=now, extra=adapter)
            if place is BUP:
                (at / "webhook.secret").write_text(secret, "utf-8")
                (at / "webhook.secret").chmod(0o600)
        self.hub = Hub(self.home, progress)
        self._watch = threading.Thread(target=self.hub.watch, daemon=True)
        self._connectors = {
            place.party: Child(
                "samband.connectors.serve", (str(self.config(place)),), self.home.hub / "log" / f"{place.party}.log"
            )
            for place in PLACES
        }
        self.desk = HomeDesk(self.config(HOME))
        self._parties: dict[str, Party] = {}

    def config(self, place: Place) -> Path:
        """Return a party's `connector.toml`."""
        return self.home.parties / place.party / "connector.toml"

    def start(self) -> None:
        """Start hub and connectors; return when all four have read directory and inbox.

        Raises:
            OperatorError: Kafka or a connector does not come up.
        """
        self.hub.up()
        self._watch.start()
        self._progress("starting four connectors")
        for party in self._connectors:
            self._connectors[party].start()
        for place in PLACES:
            self._await_ready(place, 1)
        self.desk.start()

    def _await_ready(self, place: Place, times: int) -> None:
        log = self.home.hub / "log" / f"{place.party}.log"
        deadline = time.monotonic() + _READY_S
        while not log.exists() or log.read_text("utf-8", "replace").count(READY) < times:
            if time.monotonic() > deadline:
                raise OperatorError(
                    "CONNECTOR_SILENT", f"the connector of `{place.party}` is not ready", f"read `{log}`"
                )
            time.sleep(0.05)

    def party(self, place: Place) -> Party:
        """Return a party's own files, opened beside its running connector."""
        if place.party not in self._parties:
            self._parties[place.party] = Party.load(self.config(place))
        return self._parties[place.party]

    def client(self, place: Place) -> Client:
        """Return what the party's own system calls."""
        return Client(self.party(place))

    def stop_connector(self, place: Place) -> None:
        """End a party's connector, as for an upgrade."""
        end_all([self._connectors[place.party]])

    def start_connector(self, place: Place) -> None:
        """Start it again and return when it has read its inbox."""
        log = self.home.hub / "log" / f"{place.party}.log"
        times = log.read_text("utf-8", "replace").count(READY)
        self._connectors[place.party].start()
        self._await_ready(place, times + 1)

    def files(self, place: Place) -> dict[str, dict[str, Any]]:
        """Return what lies in a party's folder, by message id."""
        new = self.home.parties / place.party / "inbox" / "new"
        return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(new.glob("*.json"))}

    def close(self) -> None:
        """Stop everything."""
        end_all(self._connectors.values())
        self.hub.down()
        self.case_system.close()
        for party in self._parties.values():
            party.store.close()


def _clear(path: Path) -> None:
    """Remove a former demo's folder, and nothing else."""
    try:
        if path.exists() and any(path.iterdir()):
            if not (path / _MARK).exists():
                raise OperatorError(
                    "DEMO_FOLDER", f"`{path}` is not empty and not a former demo's", "name another with --home DIR"
                )
            shutil.rmtree(path)
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise OperatorError("HOME_WRITE", f"`{path}` cannot be written: {error.strerror}") from error
