"""Installed from the wheel, with the extra and nothing else, the sandbox runs and carries a message by HTTP."""

from __future__ import annotations

import contextlib
import json
import shutil
import site
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from samband.connectors.sandbox.places import IFO, SCHOOL

ROOT = Path(__file__).resolve().parents[2]
WITHIN = """
import sys
from importlib import metadata
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

def closure(name, extras, seen):
    for text in metadata.requires(name) or ():
        wanted = Requirement(text)
        if wanted.marker and not any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            continue
        key = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if key not in seen:
            seen.add(key)
            closure(wanted.name, wanted.extras, seen)
    return {name for name, _ in seen}

sys.modules["python_multipart"] = None  # Starlette loads it where it is there: the sandbox runs without
from samband.connectors.cli import main
code = main(["sandbox", "--once", "--json"])
allowed = closure("samband", ("sandbox",), set()) | {"samband"}
owners = metadata.packages_distributions()
used = {each.partition(".")[0] for each, module in sys.modules.items() if module}
foreign = {}
for module in used:
    named = {canonicalize_name(each) for each in owners.get(module, ())}
    if named and not named & allowed:
        foreign[module] = sorted(named)
foreign.pop("packaging", None)  # this very script's
assert not foreign, f"loaded and not asked for by samband[sandbox]: {foreign}"
sys.exit(code)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the Python of a fresh environment with the wheel; what it depends on is this environment's own."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    tree.mkdir()
    for name in ("connectors", "schemas", "streams"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(tree)]
    subprocess.run(build, check=True, capture_output=True, timeout=300)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True, timeout=120)
    python = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    own = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "venv"), "platbase": str(folder / "venv")}))
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", "--quiet"]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True, timeout=300)
    # A folder in a `.pth` file is searched, and its own `.pth` files, which hold the editable samband, are not read.
    (own / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n", "utf-8")
    return python


def test_the_extra_is_enough(installed, tmp_path):
    """From the wheel every told answer comes out, and nothing is loaded that `samband[sandbox]` does not ask for."""
    done = subprocess.run(
        [installed, "-c", WITHIN], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert all(each["ok"] for each in json.loads(done.stdout))


@contextlib.contextmanager
def running(python: Path, folder: Path) -> Iterator[str]:
    command = [python.with_name("samband"), "sandbox", "--port", "0", "--json"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = ""
        while not told.rstrip().endswith("}"):
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            told += line
        yield json.loads(told)["address"]
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.communicate()


def test_a_message_by_http_from_the_wheel(installed, tmp_path):
    """The command of the wheel serves; a message that is said by HTTP is permitted, handed over and told of."""
    with running(installed, tmp_path) as address, httpx.Client(base_url=address, timeout=60) as http:
        body = {"from": SCHOOL, "to": IFO, "type": "concern.report", "child": "denied", "wait": 30}
        said = http.post("/sandbox/say", json=body).json()
        assert [each["outcome"] for each in said["steps"]] == ["permit", "handed_over"]
        deadline = time.monotonic() + 30
        while not http.get("/sandbox/parties/socialtjanst/inbox").json()["messages"]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert not list(tmp_path.iterdir())
