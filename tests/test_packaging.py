"""What is in the tree is in the package, under the family's name, with versions that somebody chose."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest

from samband.schemas.version import VERSION
from samband.streams import jars

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("connectors", "schemas", "streams")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()


def test_every_package_is_listed():
    """A folder with Python in it is a package that is installed; a package that is listed is a folder."""
    folders = {path.parent.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    found = {".".join(("samband", *folder.parts)) for folder in folders if "__pycache__" not in folder.parts}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found


def test_no_family_init():
    """`samband` stays a namespace, so nobody's site-packages meets a bare `schemas`."""
    assert not (ROOT / "samband").exists()


@pytest.mark.parametrize("room", ROOMS)
def test_type_checkers_find_the_rooms(room):
    """Type checkers see each room under its installed name, through a symlink."""
    link = ROOT / ".typing" / "samband" / room
    assert link.is_symlink()
    assert link.resolve() == ROOT / room


def test_one_version():
    """The installed version is the one in `schemas/version.py`."""
    assert importlib.metadata.version("samband") == VERSION


def test_every_dependency_has_its_reason():
    """A dependency stands on a line of its own, with the reason why."""
    text = (ROOT / "pyproject.toml").read_text()
    extras = PROJECT["project"]["optional-dependencies"].values()
    named = [*PROJECT["project"]["dependencies"], *(each for extra in extras for each in extra)]
    for requirement in named:
        assert re.search(rf'^\s+"{re.escape(requirement)}",\s+# \S', text, re.MULTILINE), requirement


def test_every_dependency_is_locked():
    """The lock pins, by hash, whatever the project names."""
    pinned = set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", LOCK, re.MULTILINE))
    extras = PROJECT["project"]["optional-dependencies"].values()
    named = [*PROJECT["project"]["dependencies"], *(each for extra in extras for each in extra)]
    assert {re.split(r"[\[<>=]", requirement)[0] for requirement in named} <= pinned
    for entry in re.split(r"^(?=[a-z0-9])", LOCK, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_lock_names_no_place():
    """The lock says what is installed and never from where: that is each machine's own setting."""
    assert not re.search(r"://|--(index|extra-index|find-links|trusted)", LOCK)


def test_jars_are_pinned():
    """The embedded Kafka is 46 jars, each named once and pinned by its SHA-256, all of one Kafka."""
    pinned = jars.pinned()
    assert len({jar.file_name for jar in pinned}) == len(pinned) == 46
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in pinned)
    assert {jar.version for jar in pinned if jar.group == "org.apache.kafka"} == {"4.3.1"}
