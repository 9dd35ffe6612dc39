"""The contract suite passes over what keeps it, whatever it is written in, and fails over what does not: each check."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from samband.connectors.adapter import Delivery
from samband.connectors.conformity import FAILED, OK, SKIPPED, page
from samband.connectors.contract import AdapterSide, FolderSide, Received, RestSide, WebhookSide, run
from samband.connectors.contract.checks import CHECKS, Bench, Check
from samband.connectors.contract.far_side import FarSide
from samband.connectors.contract.run import _Bench
from samband.connectors.sandbox.places import IFO, SCHOOL
from samband.connectors.sandbox.serving import SECRET
from samband.schemas.errors import DeliveryError, InputError

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"


async def states(side: FarSide, unit: str = IFO, only: set[str] | None = None) -> dict[str, str]:
    """Return what the suite says of each check, or of some, by its English words."""
    checks = [check for check in CHECKS if only is None or check.words[1] in only]
    report = await run(side, unit=unit, checks=checks)
    assert [line.check for line in report.checks] == [check.words for check in checks]
    return {line.check[1]: line.state for line in report.checks}


# what keeps it


async def test_a_folder_passes(tmp_path):
    """The folder that ships keeps all that can be asked of it, held messages and acknowledgement included."""
    found = await states(FolderSide(tmp_path / "far"), SCHOOL)
    assert FAILED not in found.values()
    assert [name for name, state in found.items() if state == SKIPPED] == [
        check.words[1] for check in CHECKS[-6:]
    ]  # there is no network


def a_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def served(*command: str, more: tuple[str, ...] = (), port: int = 0) -> Iterator[str]:
    port = port or a_port()
    process = subprocess.Popen([*command, str(port), *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert time.monotonic() < deadline, "the example does not listen"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.kill()
        process.wait()


def of_the_docs(command: str, name: str) -> tuple[str, str]:
    """Return how an example is started; skip the test where its language is not here."""
    if not shutil.which(command):
        pytest.skip(f"there is no {command} here")
    return command, str(EXAMPLES / name)


@pytest.mark.parametrize("command", [(sys.executable, "webhook.py"), ("node", "webhook.mjs")], ids=["python", "node"])
async def test_the_examples_of_the_docs_pass(command):
    """The sample systems of docs/examples, in Python and in JavaScript, pass every check."""
    with served(*of_the_docs(*command)) as url:
        found = await states(WebhookSide(url, SECRET), SCHOOL)
    assert set(found.values()) == {OK}


@pytest.mark.parametrize("command", [(sys.executable, "rest.py"), ("node", "rest.mjs")], ids=["python", "node"])
async def test_the_examples_that_fetch_pass(command, tmp_path):
    """The samples that fetch over REST keep everything that is asked of them; nothing is posted to them."""
    port = a_port()
    more = (f"http://127.0.0.1:{port}/parties/skola", "skola", str(tmp_path / "kept"))
    with served(*of_the_docs(*command), more=more) as url:
        found = await states(RestSide(port, url), SCHOOL)
    posted = {check.words[1] for check in CHECKS[-6:]}
    assert {name for name, state in found.items() if state == SKIPPED} == posted
    assert FAILED not in found.values()


async def test_the_example_with_a_folder_outlives_its_process(tmp_path):
    """Killed as soon as a sender sees `handed_over` and started again, the sample that keeps files has each once."""
    command, port, own = of_the_docs("node", "rest.mjs"), a_port(), a_port()
    more = (f"http://127.0.0.1:{port}/parties/skola", "skola", str(tmp_path / "kept"))
    said = []

    async def killed_between(bench: Bench) -> str:
        for _ in range(3):
            with served(*command, more=more, port=own):  # and is killed at the end
                said.append(await bench.say())
                assert await bench.state(said[-1], "handed_over", "opened") in ("handed_over", "opened")
        with served(*command, more=more, port=own):
            return " ".join(each.id for each in await bench.side.received() or ())

    check = Check(("", ""), ("", ""), killed_between)
    report = await run(RestSide(port, f"http://127.0.0.1:{own}/"), unit=SCHOOL, checks=[check])
    assert report.checks[0].found == " ".join(said)
    if os.name == "posix":  # about a child: nobody else on the machine reads it
        assert {each.stat().st_mode & 0o077 for each in (tmp_path / "kept", *(tmp_path / "kept").iterdir())} == {0}


# what does not


def example(name: str = "webhook.py") -> ModuleType:
    """Return a Python example anew, to break."""
    module = ModuleType("an_example")
    exec(compile((EXAMPLES / name).read_text("utf-8"), name, "exec"), module.__dict__)  # noqa: S102
    return module


def believes_everybody(system: ModuleType) -> None:
    system.is_genuine = lambda headers, body: True


def forgets_time(system: ModuleType) -> None:
    system.TOLERANCE_S = 1e9


def takes_the_incomplete(system: ModuleType) -> None:
    system.missing = lambda event: ""


def names_no_field(system: ModuleType) -> None:
    answer = system.Handler.answer
    system.Handler.answer = lambda self, status, document: answer(
        self, status, document if status != 400 else {"title": "no"}
    )


def refuses_what_is_new(system: ModuleType) -> None:
    missing = system.missing
    system.missing = lambda event: missing(event) or ("new" if "a_later_version" in event["data"] else "")


def confirms_and_forgets(system: ModuleType) -> None:
    class Forgetful(dict[str, Any]):
        def setdefault(self, key: str, value: Any) -> None:  # type: ignore[override]
            """Take it and keep nothing."""

    system.KEPT = Forgetful()


def never_acknowledges(system: ModuleType) -> None:
    answer = system.Handler.answer
    system.Handler.answer = lambda self, status, document: answer(
        self, status, {"acknowledged": False} if "acknowledged" in document else document
    )


QUICK = {
    "a message comes through", "takes it and dies before its answer", "the acknowledgement reaches the sender",
    *(check.words[1] for check in CHECKS[-6:]),
}  # fmt: skip
"""Those that need no waiting."""
FORGED = {"another key's signature is refused", "a changed body is refused", "no signature is refused"}


@pytest.mark.parametrize(
    ("broken", "fails"),
    [
        (believes_everybody, FORGED | {"an old signature is refused"}),
        (forgets_time, {"an old signature is refused"}),
        (takes_the_incomplete, {"bad content is refused by its field"}),
        (names_no_field, {"bad content is refused by its field"}),
        (refuses_what_is_new, {"a new field is no fault"}),
        (confirms_and_forgets, {"a message comes through", "takes it and dies before its answer"}),
        (never_acknowledges, set()),
    ],
)
async def test_a_broken_webhook_fails(broken, fails, monkeypatch):
    """A webhook that lacks one thing fails the checks that ask for it, and no other."""
    system = example()
    broken(system)
    server = ThreadingHTTPServer(("127.0.0.1", 0), system.Handler)
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        side = WebhookSide(f"http://127.0.0.1:{server.server_address[1]}/", SECRET)
        found = await states(side, only=QUICK)
    finally:
        server.shutdown()
        server.server_close()
    assert {name for name, state in found.items() if state == FAILED} == fails
    if broken is never_acknowledges:
        assert found["the acknowledgement reaches the sender"] == SKIPPED


def acknowledges_first(system: ModuleType) -> None:
    def fetch(base: str, token: str) -> None:
        for line in system.call(f"{base}/v1/inbox", token)["items"]:
            event = system.call(f"{base}/v1/inbox/{line['message_id']}", token)
            system.call(f"{base}/v1/inbox/{event['id']}/acknowledge", token, {})
            system.KEPT.setdefault(event["id"], event["data"])

    system.fetch = fetch


def gives_up(system: ModuleType) -> None:
    kept, fetch = set[str](), system.fetch

    def once(base: str, token: str) -> None:
        waiting = {line["message_id"] for line in system.call(f"{base}/v1/inbox", token)["items"]}
        if waiting - kept:
            kept.update(waiting)
            fetch(base, token)

    system.fetch = once


@pytest.mark.parametrize(
    ("broken", "fails"),
    [
        (acknowledges_first, {"takes it and dies before its answer"}),
        (gives_up, {"500 twice, then well"}),
    ],
)
async def test_a_broken_fetcher_fails(broken, fails, monkeypatch):
    """What acknowledges before it keeps loses a message; what tries once leaves its sender without an answer."""
    monkeypatch.setitem(_Bench.state.__kwdefaults__, "seconds", 8.0)
    system, port = example("rest.py"), a_port()
    broken(system)
    server = ThreadingHTTPServer(("127.0.0.1", 0), system.Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    end = threading.Event()
    system.time = SimpleNamespace(sleep=lambda seconds: end.wait(seconds) and sys.exit())

    def follow() -> None:
        with contextlib.suppress(SystemExit):
            system.follow(f"http://127.0.0.1:{port}/parties/socialtjanst", "socialtjanst", "sandbox-socialtjanst")

    fetcher = threading.Thread(target=follow)
    fetcher.start()
    try:
        side = RestSide(port, f"http://127.0.0.1:{server.server_address[1]}/")
        found = await states(side, only={"a message comes through", *fails})
    finally:
        end.set()
        fetcher.join(20)
        server.shutdown()
        server.server_close()
    assert {name for name, state in found.items() if state == FAILED} == fails


class Shelf:
    """An adapter in Python whose far side is a list, and that can be told to be wrong."""

    def __init__(self, wrong: str = "") -> None:
        self.wrong, self.kept = wrong, []
        self.seen: set[str] = set()

    async def deliver(self, delivery: Delivery) -> None:
        """Take it."""
        again = delivery.message_id in self.seen
        if self.wrong == "refuses repeats" and again:
            raise DeliveryError("REPEATED", "it came again", retriable=False)
        if self.wrong == "last first":
            self.kept.insert(0, Received(delivery.message_id, delivery.held))
        elif self.wrong in ("twice", "at least once") or not again:
            self.kept.append(Received(delivery.message_id, delivery.held))
        self.seen.add(delivery.message_id)

    async def acknowledged(self) -> list[str]:
        """Tell what is there."""
        return list(self.seen)

    async def waiting(self) -> list[Any]:
        """Wait for nobody."""
        return []

    async def close(self) -> None:
        """Nothing is open."""


def shelf(wrong: str = "", *, once: bool = True) -> AdapterSide:
    kept = Shelf(wrong)
    return AdapterSide("shelf", lambda: kept, lambda: kept.kept, exactly_once=once)


REPEATED = {
    "the same again: told apart, or the same id", "twice at the same time", "takes it and dies before its answer",
    "the same, three times", "the connection breaks in the middle", "the order about one child is kept",
    "the connector restarts in the middle",
}  # fmt: skip
"""Those in which something comes again."""


@pytest.mark.parametrize(
    ("wrong", "once", "fails"),
    [
        ("", True, set()),
        ("at least once", False, set()),
        ("twice", True, REPEATED),
        ("refuses repeats", True, REPEATED),
        ("last first", False, {"the order about one child is kept"}),
    ],
)
async def test_an_adapter_of_ones_own(wrong, once, fails):
    """An adapter in Python is asked the same; what it does with a repeat must be what it promises."""
    found = await states(shelf(wrong, once=once), only=REPEATED | {"a message comes through"})
    assert {name for name, state in found.items() if state == FAILED} == fails


async def test_a_report_names_nobody(tmp_path):
    """The report has the form that the hub reads, and holds no message, no child and no address of the system."""
    told = []
    report = await run(FolderSide(tmp_path / "far"), tell=told.append, checks=CHECKS[:2])
    assert told == report.checks
    assert report.passed
    assert datetime.fromisoformat(report.ended) <= datetime.now(UTC)
    text = json.dumps(report.plain()) + page(report.plain())
    assert report.plain()["samband"] == "conformity/1"
    for file in (tmp_path / "far").rglob("*.json"):
        document = json.loads(file.read_text("utf-8"))
        assert document["message_id"] not in text
        assert document["content"]["child_identifier"] not in text
    assert str(tmp_path) not in text


async def test_what_could_not_be_asked_is_no_pass():
    """Against a system that does not say what it has, as behind a wrong address, nothing is shown."""
    silent = AdapterSide("silent", lambda: Shelf(), None, exactly_once=True)
    report = await run(silent, tell=lambda line: None, checks=CHECKS[:2])
    assert [line.state for line in report.checks] == [SKIPPED, SKIPPED]
    assert not report.passed


async def test_only_units_that_are_there(tmp_path):
    """A unit that the sandbox has not, or that nobody writes to, is refused before anything runs."""
    with pytest.raises(InputError, match="one of the sandbox's units"):
        await run(FolderSide(tmp_path / "far"), unit="SE0-NOBODY")
