"""`samband console` as a person starts it: a link on the terminal, a page behind it, and an end on Ctrl-C."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.console.house import HubHouse

BLOCKED = """
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("starlette", "uvicorn", "authlib", "joserfc"):
            raise ModuleNotFoundError("No module named " + repr(name), name=name.partition(".")[0])
sys.meta_path.insert(0, Without())
import samband.connectors.service, samband.connectors.serve, samband.connectors.client, samband.connectors.cli
from samband.connectors.cli import main
sys.exit(main(sys.argv[1:]))
"""


def samband(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "samband.connectors", "--home", str(home), "--lang", "en", *arguments]


def test_a_link_opens_the_console(hub: HubHouse) -> None:
    """The link that is printed signs in once; the address is the loopback's; Ctrl-C ends it all."""
    with subprocess.Popen(
        samband(hub.home.path, "console", "--role", "auditor"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        assert running.stdin is not None
        try:
            link = running.stdout.readline().strip()
            found = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/en/login\?code=(.+)", link)
            assert found, running.stderr.read() if running.stderr and running.poll() is not None else link
            with httpx.Client(base_url=found[1], trust_env=False) as browser:
                assert "good once" in browser.get(link).text
                entered = browser.post("/en/login", data={"code": found[2]}, headers={"origin": found[1]})
                assert entered.status_code == 303
                page = browser.get("/en/")
                assert "Overview" in page.text
                assert "signed in as local: auditor" in page.text
                assert "server" not in page.headers
            running.stdin.write("\n")
            running.stdin.flush()
            another = running.stdout.readline().strip()
            assert another.startswith(found[1])
            assert another != link
        finally:
            running.send_signal(signal.SIGINT)
        assert running.wait(30) in (0, 130)


def test_a_port_that_is_taken_is_told(hub: HubHouse) -> None:
    """A port that another listens on is one line of error, not a trace."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            samband(hub.home.path, "console", "--port", port), capture_output=True, text=True, check=False, timeout=60
        )
    assert (done.returncode, done.stderr.count("[CONSOLE_PORT]")) == (3, 1)


@pytest.mark.parametrize(("arguments", "code", "told"), [
    (("--help",), 0, ""), (("doctor", "--help"), 0, ""), (("console",), 3, "[CONSOLE_MISSING]"),
])  # fmt: skip
def test_nothing_else_needs_its_packages(hub: HubHouse, arguments: tuple[str, ...], code: int, told: str) -> None:
    """Without the console's packages connectors and every other command work; the console says how to get them."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", BLOCKED, "--home", str(hub.home.path), *arguments],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert told in done.stderr


def test_the_index_is_made_anew_without_a_hub(hub: HubHouse) -> None:
    """`console rebuild` where no hub runs makes the index from the records, with the same totals, and says them."""
    before = hub.source.index.sums()
    done = subprocess.run(
        samband(hub.home.path, "console", "rebuild", "--json"), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["records"] == hub.store.count() == sum(each["number"] for each in told["totals"])
    assert hub.source.index.sums() == before
    assert hub.source.index.store.generation == 1
    shown = subprocess.run(samband(hub.home.path, "console", "rebuild"), capture_output=True, text=True, timeout=60)
    assert "permitted" in shown.stdout or "permit" in shown.stdout, shown.stdout
