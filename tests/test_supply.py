"""Where everything comes from: pinned, billed, and asked about; silence is never taken for good news."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from samband.streams import jars

ROOT = Path(__file__).resolve().parent.parent
LOCK = (ROOT / "requirements.lock").read_text()
PINNED = re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^ \\;]+)", LOCK, re.MULTILINE)


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Make the bill as `make sbom` does."""
    return make(tmp_path_factory.mktemp("bill") / "bill.json")


def make(path: Path, **environment: str) -> dict[str, Any]:
    """Write a bill and read it."""
    subprocess.run(
        [sys.executable, ".dev/bill.py", str(path)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )  # fmt: skip
    read: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return read


def test_the_bill_is_cyclonedx(bill: dict[str, Any]) -> None:
    """The bill holds against the published schema of CycloneDX 1.6, and a broken one does not."""
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(json.dumps(bill)) is None
    for broken in ({**bill, "surplus": 1}, {**bill, "components": [{"type": "library"}]}, {**bill, "version": "1"}):
        assert validator.validate_str(json.dumps(broken)) is not None


def test_the_bill_is_whole(bill: dict[str, Any]) -> None:
    """Every package of the lock, every jar and every vendored file is in it once, with hashes and a licence."""
    purls = [each["purl"] for each in bill["components"]]
    assert len(set(purls)) == len(purls)
    assert {f"pkg:pypi/{name}@{version}" for name, version in PINNED} <= set(purls)
    by_hash = {digest["content"]: each for each in bill["components"] for digest in each["hashes"]}
    assert all(by_hash[jar.sha256]["name"] == jar.artifact for jar in jars.pinned())
    assert sum(each["purl"].startswith("pkg:maven/") for each in bill["components"]) == 46
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    foreign = {f"file:{path}" for path in tracked.splitlines() if re.search(r"(^|/)vendor(ed)?/", path)}
    assert {each["bom-ref"] for each in bill["components"] if each["type"] == "file"} == foreign
    for each in bill["components"]:
        assert each["hashes"], each["name"]
        assert each["licenses"], each["name"]
    assert [each["name"] for each in bill["components"] if "name" in each["licenses"][0].get("license", {})] == [
        "venusian"
    ], "the one licence that SPDX has no word for"


def test_the_bill_says_what_is_shipped(bill: dict[str, Any]) -> None:
    """What only develops and tests is marked so, and everything that is needed hangs on something."""
    scope = {each["name"]: each["scope"] for each in bill["components"]}
    assert (scope["cryptography"], scope["cffi"], scope["z3-solver"], scope["pytest"]) == (
        "required", "required", "optional", "excluded",
    )  # fmt: skip
    refs = {each["bom-ref"] for each in bill["components"]}
    assert {each["ref"] for each in bill["dependencies"]} == refs | {"samband"}
    assert {each for entry in bill["dependencies"] for each in entry["dependsOn"]} == refs


def test_the_same_tree_gives_the_same_bill(bill: dict[str, Any], tmp_path: Path) -> None:
    """No clock and no chance: two bills are equal, and a given time is the only thing that it changes."""
    assert make(tmp_path / "again.json") == bill
    dated = make(tmp_path / "dated.json", SOURCE_DATE_EPOCH="1800000000")
    assert dated["metadata"].pop("timestamp") == "2027-01-15T08:00:00+00:00"
    assert dated == bill


def test_every_jar_says_the_licence_that_the_bill_says() -> None:
    """The table names exactly the pinned jars."""
    table = tomllib.loads((ROOT / ".dev" / "bill.toml").read_text("utf-8"))
    assert list(table["jars"]) == sorted(table["jars"])
    assert set(table["jars"]) == {f"{jar.group}:{jar.artifact}" for jar in jars.pinned()}
    assert set(table["packages"]) <= {name for name, _ in PINNED}


@contextmanager
def service(answer: Callable[[dict[str, Any]], Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Give a vulnerability service's address and what it was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.append(question)
            told = answer(question)
            body = told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


def audit(place: str) -> subprocess.CompletedProcess[str]:
    """Run the audit against a service."""
    return subprocess.run(
        [sys.executable, ".dev/audit.py"], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "SAMBAND_OSV": place, "no_proxy": "127.0.0.1"},
    )  # fmt: skip


def clean(question: dict[str, Any]) -> Any:
    return {"results": [{} for _ in question["queries"]]}


def test_audit_asks_about_everything() -> None:
    """Each package and each jar is asked about by name and version, and only a whole answer is a good one."""
    with service(clean) as (place, asked):
        done = audit(place)
    assert done.returncode == 0, done.stderr
    purls = {each["package"]["purl"] for question in asked for each in question["queries"]}
    assert {f"pkg:pypi/{name}@{version}" for name, version in PINNED} <= purls
    assert "pkg:maven/org.apache.kafka/kafka-clients@4.3.1" in purls
    assert len(purls) == len(PINNED) + 46


def test_audit_names_what_is_known() -> None:
    """A known vulnerability is named, on a second page too, and ends with 1."""

    def answer(question: dict[str, Any]) -> Any:
        if "page_token" in question["queries"][0]:
            return {"results": [{"vulns": [{"id": "GHSA-second"}]}]}
        results: list[dict[str, Any]] = [{} for _ in question["queries"]]
        results[3] = {"vulns": [{"id": "GHSA-first"}], "next_page_token": "x"}
        return {"results": results}

    with service(answer) as (place, _):
        done = audit(place)
    assert done.returncode == 1
    name, version = PINNED[3]
    assert f"GHSA-first  pkg:pypi/{name}@{version}" in done.stdout
    assert "GHSA-second" in done.stdout


@pytest.mark.parametrize("answer", [
    lambda question: b"<html>proxy</html>", lambda question: {}, lambda question: [],
    lambda question: {"results": []}, lambda question: {"results": [None for _ in question["queries"]]},
], ids=["html", "empty", "list", "too few", "nulls"])  # fmt: skip
def test_audit_does_not_pass_on_half_an_answer(answer: Callable[[dict[str, Any]], Any]) -> None:
    """An answer that is not whole is no answer."""
    with service(answer) as (place, _):
        done = audit(place)
    assert done.returncode == 3
    assert "NOT AUDITED" in done.stderr


def test_audit_without_network_is_loud() -> None:
    """Where no service answers, the audit fails and says that nothing is known."""
    done = audit("http://127.0.0.1:9")
    assert done.returncode == 3
    assert "NOT AUDITED" in done.stderr


def test_what_is_accepted_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An accepted vulnerability has a reason and a last day, and counts again after it."""
    monkeypatch.syspath_prepend(str(ROOT / ".dev"))
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".dev" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / ".dev").mkdir()
    row = '[[accepted]]\nid = "GHSA-x"\nreason = "not called"\nuntil = 2027-01-31\n'
    (tmp_path / ".dev" / "audit.toml").write_text(row)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    day = tomllib.loads(row)["accepted"][0]["until"]
    assert module.accepted_today(day) == {"GHSA-x": "not called"}
    assert module.accepted_today(day.replace(year=2028)) == {}
