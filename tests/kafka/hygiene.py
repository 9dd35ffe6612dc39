"""Planted traffic: one child's number, name and sentences said on every path that fails, and everything captured.

    scene = Scene(folder);  scene.start();  scene.play()
    found(scene.captured(), scene.heard.needles)         → hits: nothing

A school tells four social services of a child: one whose system answers with the message itself (500, then 400), one
whose folder is a file, one that takes everything, and one that is told something else than was judged. Beside them come
garbage with the child's number in it, a connector with a stranger's certificate, commands mistyped with a number in the
wrong place, and signals that kill with a core dump.
"""

from __future__ import annotations

import os
import resource
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from unittest import mock

from confluent_kafka import Producer
from msgspec.structs import replace

from samband.connectors.client import Client
from samband.connectors.party import Party
from samband.schemas import catalogue
from samband.schemas.testdata import Child, synthetic
from samband.streams import quarantine
from samband.streams.authority import Home
from samband.streams.certificates import issue, make_authority
from samband.streams.crypto.hub import HubStore
from samband.streams.crypto.reference import partition_of
from samband.streams.outbox import Draft
from samband.streams.topics import outbox
from tests.kafka.leak import Heard, Hit, forms
from tests.terminal import PATIENCE_S, Said, Terminal

SCHOOL: Final = ("skola", "SE2120002080-SKOLA", "school.pedagogic")
ECHO: Final = ("eko", "SE2120002080-IFOEKO", "social.ifo")
BROKEN: Final = ("trasig", "SE2120002080-IFOTRASIG", "social.ifo")
GOOD: Final = ("social", "SE2120002080-IFOHEL", "social.ifo")
AGREEMENT: Final = "hygien"
TYPE: Final = "concern.report"
SENTENCE: Final = "Hon kom utan jacka i går igen och ville inte hem."
USER: Final = "kristina.planterad"


class EchoSystem:
    """A far side that answers with what it was sent, in body, header and reason phrase: 500 first, then 400."""

    def __init__(self) -> None:
        self.posts = 0
        system = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                system.posts += 1
                status = 500 if system.posts < 6 else 400
                self.send_response(status, body.decode("latin-1").replace("\n", " ")[:200])
                self.send_header("x-echo", body[:500].decode("latin-1").replace("\n", " "))
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/in"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class Scene:
    """A hub, four parties, and what was said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.terminal = Terminal(folder / "home")
        self.home = Home(folder / "home")
        self.child: Child = synthetic(4711)
        self.other: Child = synthetic(4712)
        self.heard = Heard()
        self.commands: dict[str, Said] = {}
        self.connectors: dict[str, subprocess.Popen[bytes]] = {}
        self.ended: dict[str, int] = {}
        self._echo = EchoSystem()
        (folder / "captured").mkdir()

    def start(self) -> None:
        """Start everything, with core dumps as large as this machine allows."""
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        up = self.terminal.say("hub", "up", "--detach", "--agreement", AGREEMENT, "--shards", "2")
        assert up.code == 0, up.err
        for (party, unit, kind), more in (
            (SCHOOL, ()), (ECHO, ("--webhook", f"{ECHO[1]}={self._echo.url}")), (BROKEN, ()), (GOOD, ()),
        ):  # fmt: skip
            added = self.terminal.say("party", "add", party, "--unit", f"{unit}:{kind}:{party}", *more)
            assert added.code == 0, added.err
        echo = self.home.parties / ECHO[0] / "connector.toml"  # its refusals end at once, and do not wait for a person
        echo.write_text(echo.read_text().replace('kind = "webhook"', 'kind = "webhook"\ndead_letters = false'))
        for party, *_ in (SCHOOL, ECHO, BROKEN, GOOD):
            self.connect(party)
        for party, *_ in (SCHOOL, ECHO, BROKEN, GOOD):
            self.until(lambda party=party: b"connected as" in self.read(f"{party}.out"))
        inbox = self.home.parties / BROKEN[0] / "inbox"
        subprocess.run(["rm", "-rf", inbox], check=True)
        inbox.write_text("no folder")
        self._listen()

    def _listen(self) -> None:
        with_number = Party.load(self.home.parties / SCHOOL[0] / "connector.toml")
        for child in (self.child, self.other):
            self.heard.add_child(child.identifier, with_number.ref(child.identifier, 1))
            self.heard.add("name", child.name)
        with_number.store.close()
        self.heard.add("sentence", SENTENCE)
        self.heard.add("user", USER)
        self.heard.add("type", TYPE)
        self.heard.add("type", "placement.notice")
        for _, unit, _ in (SCHOOL, ECHO, BROKEN, GOOD):
            self.heard.add("unit", unit)

    def connect(self, party: str, config: str = "") -> None:
        """Start a connector, its output into files."""
        place = self.folder / "captured"
        with (place / f"{party}.out").open("ab") as out, (place / f"{party}.err").open("ab") as err:
            command = self.terminal.command("connect", config or party)
            self.connectors[party] = subprocess.Popen(command, stdout=out, stderr=err, cwd=self.folder)

    def read(self, name: str) -> bytes:
        """Return what a process has printed."""
        return (self.folder / "captured" / name).read_bytes()

    def until(self, condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
        """Wait until something is true."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def type(self, name: str, *arguments: str) -> Said:
        """Type a command and keep what it printed."""
        self.commands[name] = said = self.terminal.say_here(*arguments)
        return said

    def say(self, name: str, to: str, *more: str) -> Said:
        """Send the planted report to a unit."""
        return self.type(
            name, "send", TYPE, "--as", SCHOOL[0], "--to", to, "--child", self.child.identifier, "--text", SENTENCE,
            "--name", self.child.name, "--field", "urgency=today", "--field", "family_told=yes",
            "--acting-user", f"{USER}:rektor", *more,
        )  # fmt: skip

    def play(self) -> None:
        """Say it on every path."""
        said = self.say("handed over", GOOD[1], "--receipt")
        assert said.code == 0, said.err
        assert self.say("echoed", ECHO[1], "--receipt").code == 12
        assert self.say("broken", BROKEN[1]).code == 0
        assert self.type("denied", "ask", "placement.notice", "--as", GOOD[0], "--to", SCHOOL[1], "--child",
                         self.child.identifier).code == 10  # fmt: skip
        self.mismatch()
        self.garbage()
        self.stranger()
        self.mistype()
        self.until(lambda: b"FOLDER" in self.read(f"{BROKEN[0]}.err"))
        self.until(lambda: len(self.notes()) >= 3)

    def mismatch(self) -> None:
        """Send a report about another child than its label says, and one whose time is over; wait for both answers."""
        party = Party.load(self.home.parties / SCHOOL[0] / "connector.toml")
        drafts: list[Draft] = []
        content = {
            "child_identifier": self.child.identifier, "child_name": self.child.name, "concern": SENTENCE,
            "urgency": "today", "family_told": "yes", "acting_user": {"id": USER, "role": "rektor"},
        }  # fmt: skip
        with mock.patch.object(Client, "_take", lambda self, draft, **_: drafts.append(draft) or draft.message_id):
            message = Client(party).send(TYPE, recipient=GOOD[1], content=content, now=datetime.now(UTC))
        lie = catalogue.encode_content(TYPE, {**content, "child_identifier": self.other.identifier})
        with party.store.transaction():
            place = partition_of(drafts[0].ref, party.root.shards)
            party.store.add_draft(replace(drafts[0], content=lie), place)
            stale = secrets.token_bytes(16)
            party.store.add_draft(replace(drafts[0], message_id=stale, expires=drafts[0].created), place)
        self.until(lambda: Client(party).outcome(message).state == "mismatch")
        self.until(lambda: Client(party).outcome(stale).state == "refused")
        party.store.close()

    def garbage(self) -> None:
        """Write the child's number in the clear, as value, as key and in a header."""
        party = Party.load(self.home.parties / SCHOOL[0] / "connector.toml")
        number, reference = self.child.identifier, party.ref(self.child.identifier, 1)
        producer = Producer({**party.settings.kafka.confluent(), "log_level": 0})
        topic = outbox(AGREEMENT)
        producer.produce(topic, f"{number} {self.child.name} {SENTENCE} {GOOD[1]}".encode(), partition=0)
        producer.produce(topic, reference * 9, key=number.encode(), partition=0)
        producer.produce(topic, b"x", headers=[("child", number.encode())], partition=1)
        assert producer.flush(30) == 0
        party.store.close()

    def stranger(self) -> None:
        """Run the school's connector with a certificate that another authority issued, until it has said so."""
        copy = self.folder / "stranger"
        subprocess.run(["cp", "-r", self.home.parties / SCHOOL[0], copy], check=True)
        other = make_authority(self.folder / "other-ca")
        made = issue(other, SCHOOL[0], self.folder / "other-tls")
        (copy / "tls" / "keystore.pem").write_bytes(made.keystore.read_bytes())
        self.connect("stranger", str(copy / "connector.toml"))
        self.until(lambda: b"does not know our certificate" in self.read("stranger.err"))

    def mistype(self) -> None:
        """Type the child's number, name and reference where they do not belong."""
        number, name = self.child.identifier, self.child.name
        wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
        self.heard.add("identifier", wrong)
        skola = ("--as", SCHOOL[0])
        whole = ("--field", "urgency=today", "--field", "family_told=yes")
        for count, command in enumerate((
            ("send", TYPE, *skola, "--to", GOOD[1], "--child", wrong, "--text", SENTENCE),
            ("send", TYPE, *skola, "--to", number, "--child", number, "--text", SENTENCE, *whole),
            ("send", number, *skola, "--to", GOOD[1], "--child", number),
            ("send", TYPE, *skola, "--to", GOOD[1], "--child", number, *whole, "--field", f"{name}=x"),
            ("send", TYPE, *skola, "--to", GOOD[1], "--child", number, "--field", f"urgency={name}"),
            ("send", TYPE, *skola, "--to", GOOD[1], "--child", number, *whole, "--acting-user", name),
            ("send", TYPE, *skola, "--to", GOOD[1], "--child", number, "--text", SENTENCE, *whole, "--ground", name),
            ("ask", TYPE, "--as", name, "--to", GOOD[1], "--child", number),
            ("ask", TYPE, *skola, "--to", GOOD[1], "--child", number, "--with", name),
            ("inbox", "show", number, "--as", GOOD[0]),
            ("inbox", "list", "--as", number),
            ("track", number, *skola),
            ("recall", number, *skola),
            ("mark", number, *skola, "--child", number),
            ("consent", "give", *skola, "--child", number, "--recipient", name, "--for-type", name,
             "--until", number, "--evidence", name, "--child-view", "agrees"),
            ("consent", "give", *skola, "--child", number, "--recipient", number, "--for-type", TYPE,
             "--until", "2027-01-01", "--evidence", name, "--child-view", "agrees"),
            ("consent", "sign", number, *skola, "--giver", name, "--evidence", name),
            ("circle", "set", *skola, "--child", number, "--member", number),
            ("maturity", name, *skola, "--child", number, "--motive", name),
            ("motivate", name, *skola, "--child", number, "--to", number, "--until", name, "--function", name,
             "--motive", name),
            ("audit", "affected", *skola, "--consent", number),
            ("audit", "consents", number),
            ("subject-access", *skola, "--child", wrong),
            ("quarantine", "show", number),
            ("quarantine", "drop", number),
            ("connect", name),
            ("types", name),
            ("paper", number, *skola, "--child", number),
            ("paper", "consent-form", *skola, "--child", number, "--reader", name),
            ("rules", "diff", name, name),
            ("rules", "publish", name),
            ("send", TYPE, *skola, "--to", GOOD[1], "--child", number, "--content", f"{number}.json"),
            ("party", "add", "x1", "--unit", number),
            ("hub", "up", "--terms", name),
            (number,),
            (f"--{number}",),
            ("hub", number),
            ("doctor", "--as", name),
        )):  # fmt: skip
            said = self.type(f"mistyped {count}: {command[0] if command[0].isalpha() else ''}", *command)
            assert said.code != 0, command

    def kill(self) -> None:
        """Let signals that dump core kill a gate worker and a connector."""
        gate = self.terminal.say("hub", "status", "--json").json["children"]["gate-0"]
        os.kill(gate, signal.SIGSEGV)
        self.connectors[GOOD[0]].send_signal(signal.SIGABRT)
        self.ended[GOOD[0]] = self.connectors.pop(GOOD[0]).wait(30)
        self.until(lambda: self.terminal.say("hub", "status", "--json").json["children"].get("gate-0", gate) != gate)

    def notes(self) -> list[quarantine.Entry]:
        """Return what lies in quarantine, opened."""
        import asyncio

        store = HubStore(self.home.hub_keys.secret("store"))
        return asyncio.run(quarantine.read(self.home.kafka("hub").aiokafka, store))[0]

    def captured(self) -> Iterator[tuple[str, bytes]]:
        """Yield everything that was printed, logged or measured, by name."""
        for place in (self.folder / "captured", self.home.hub / "log", self.home.hub / "run", self.home.hub / "kafka"):
            for path in sorted(place.rglob("*")):
                inside = path.relative_to(self.folder).as_posix()
                public = path.suffix == ".directory"  # cards of parties and units
                if path.is_file() and not public and "/kafka/data/" not in inside and "/tls/" not in inside:
                    yield inside, path.read_bytes()
        for path in sorted(self.home.parties.glob("*/metrics/*")):
            yield path.relative_to(self.folder).as_posix(), path.read_bytes()
        for name, said in self.commands.items():
            yield f"command {name}", said.err.encode() + said.out.encode() * name.startswith("mistyped")
        for entry in self.notes():
            yield "quarantine", repr(entry).encode()

    def metric_files(self) -> list[Path]:
        """Return every metric file."""
        return sorted([*self.home.path.rglob("*.prom")])

    def close(self) -> None:
        """End everything."""
        for connector in self.connectors.values():
            connector.terminate()
        for connector in self.connectors.values():
            connector.wait(30)
        self.terminal.close()
        self._echo.close()


def found(captured: Iterator[tuple[str, bytes]], needles: Mapping[str, bytes]) -> list[Hit]:
    """Return every needle that stands in what was captured, in any encoding.

    What a person typed a command for may name types and units to that person: a list of what there is, or the own
    units of a connector as it starts. A child's number, reference, name or words stand nowhere.
    """
    hits = []
    for name, data in captured:
        typed = name.endswith(".out") or name.startswith("command ")
        for needle, what in needles.items():
            own = typed and needle.startswith(("unit ", "type "))
            hits += [] if own else [Hit(name, needle, form) for form, pattern in forms(what) if pattern in data]
    return hits


LEAKING: Final = """
import logging, sys
from samband.streams.process import begin
begin()
logging.getLogger("samband.gate").warning("event", extra={"about": sys.argv[1]})
"""


def leak(path: Path, what: str) -> None:
    """Let a process log one line that it should not, with Samband's own logging."""
    with path.open("wb") as log:
        subprocess.run([sys.executable, "-c", LEAKING, what], stderr=log, check=True)
