"""A hub and a connector whose keys are encrypted, on a real Kafka: they start with the passphrase and not without."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samband.schemas.testdata import synthetic
from samband.streams.authority import Home
from samband.streams.keyfile import KeyFolder
from tests.terminal import PATIENCE_S, Said, Terminal

pytestmark = pytest.mark.kafka

SOCIAL, SCHOOL = "SE2120002080-IFO", "SE2120002080-SKOLA"
WORDS = "sju sjösjuka sjömän"
VARIABLES = ("CREDENTIALS_DIRECTORY", "SAMBAND_PASSPHRASE_FILE", "SAMBAND_PASSPHRASE_FD")


@pytest.fixture(autouse=True)
def no_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without any."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """Give a file with the passphrase."""
    path = tmp_path / "words"
    path.touch(mode=0o600)
    path.write_text(f"{WORDS}\n", "utf-8")
    return path


@pytest.fixture
def terminal(tmp_path: Path, words: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Give a home with two parties, all of its key files encrypted, that does not run."""
    home = Home(tmp_path / "home")
    terminal = Terminal(home.path)
    found(home)
    for party, unit in (("social", f"{SOCIAL}:social.ifo:IFO"), ("skola", f"{SCHOOL}:school.pedagogic:Skolan")):
        assert terminal.say("party", "add", party, "--unit", unit).code == 0
    monkeypatch.setenv("SAMBAND_PASSPHRASE_FILE", str(words))
    for arguments in ((), ("--authority",), ("--as", "social"), ("--as", "skola")):
        done = terminal.say("keys", "encrypt", *arguments)
        assert done.code == 0, done.err
    monkeypatch.delenv("SAMBAND_PASSPHRASE_FILE")
    try:
        yield terminal
    finally:
        monkeypatch.setenv("SAMBAND_PASSPHRASE_FILE", str(words))
        terminal.close()


def found(home: Home) -> None:
    """Found a hub of one gate worker."""
    home.found("vasteras", now=datetime.now(UTC), shards=2)


def with_descriptor(terminal: Terminal, *arguments: str) -> Said:
    """Run a command that gets the passphrase on an inherited descriptor."""
    reader, writer = os.pipe()
    os.write(writer, WORDS.encode())
    os.close(writer)
    try:
        done = subprocess.run(
            terminal.command(*arguments), capture_output=True, text=True, timeout=180, check=False, pass_fds=(reader,),
            stdin=subprocess.DEVNULL, env={**os.environ, "SAMBAND_PASSPHRASE_FD": str(reader)},
        )  # fmt: skip
    finally:
        os.close(reader)
    return Said(done.returncode, done.stdout, done.stderr)


def environments(pids: list[int]) -> bytes:
    """Return environment and arguments of processes, as anybody with the right sees them."""
    return b"".join(Path(f"/proc/{pid}/{file}").read_bytes() for pid in pids for file in ("environ", "cmdline"))


def test_a_message_among_encrypted_keys(
    terminal: Terminal, words: Path, monkeypatch: pytest.MonkeyPatch, until: Callable[[Callable[[], bool], float], None]
) -> None:
    """With the passphrase on a descriptor the hub and its children work, again after `kill -9`; so does a connector.

    The passphrase stands in no environment, argument or log of any of them.
    """
    up = with_descriptor(terminal, "hub", "up", "--detach")
    assert (up.code, up.out[:19]) == (0, "hub ready: vasteras"), up.err
    monkeypatch.setenv("SAMBAND_PASSPHRASE_FILE", str(words))
    terminal.connect("social")
    terminal.connect("skola")
    question = ("ask", "placement.notice", "--as", "social", "--to", SCHOOL, "--child", synthetic(7).identifier)
    assert terminal.say(*question).code == 10  # the gate has opened, judged and answered

    status = terminal.say("hub", "status", "--json").json
    for name in ("gate-0", "records", "derived"):
        os.kill(status["children"][name], signal.SIGKILL)
    until(lambda: all(terminal_starts(terminal, name) > 1 for name in ("gate-0", "records", "derived")), PATIENCE_S)
    assert terminal.say(*question).code == 10
    deadline = time.monotonic() + PATIENCE_S
    while terminal.say("hub", "status").code and time.monotonic() < deadline:
        time.sleep(0.1)
    starts = terminal.say("hub", "status", "--json").json["starts"]
    assert {starts[name] for name in ("gate-0", "records", "derived")} == {2}

    doctor = {each["check"]: each["state"] for each in terminal.say("doctor", "--json").json}
    assert (doctor["keys at rest"], doctor["gate"], doctor["derived streams"]) == ("ok", "ok", "ok")
    pids = [*terminal.pids(), *(each.pid for each in terminal.connectors)]
    seen = environments(pids) + b"".join(path.read_bytes() for path in (terminal.home / "hub" / "log").iterdir())
    assert b"SAMBAND_PASSPHRASE_FD" in seen
    assert WORDS.encode() not in seen
    refused = terminal.say("keys", "decrypt")
    assert (refused.code, refused.error) == (3, "HUB_RUNNING")


def terminal_starts(terminal: Terminal, name: str) -> int:
    """Return how often a child of the hub has been started."""
    run = json.loads((terminal.home / "hub" / "run" / "hub.json").read_text("utf-8"))
    return int(run["starts"][name])


@pytest.mark.parametrize("case", ["none", "wrong"])
def test_without_the_passphrase_nothing_starts(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """Hub, detached hub and connector each end at once with exit code 3 and a way out, and no child was started."""
    code = "KEY_PASSPHRASE_MISSING"
    if case == "wrong":
        other = tmp_path / "other"
        other.touch(mode=0o600)
        other.write_text("another one altogether", "utf-8")
        monkeypatch.setenv("SAMBAND_PASSPHRASE_FILE", str(other))
        code = "KEY_PASSPHRASE"
    for arguments in (
        ("hub", "up"),
        ("hub", "up", "--detach"),
        ("connect", "social"),
        ("inbox", "list", "--as", "skola"),
    ):
        said = terminal.say(*arguments)
        assert (said.code, said.error) == (3, code), said.err
        assert said.err.splitlines()[-1].startswith("hint: ")
    assert not (terminal.home / "hub" / "log").exists()
    assert not (terminal.home / "hub" / "kafka").exists()
    assert KeyFolder(terminal.home / "hub" / "keys", Home(terminal.home).root.realm).is_encrypted
