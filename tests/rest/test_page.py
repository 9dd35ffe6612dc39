"""`docs/rest.md`: what a vendor reads works as it stands there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from samband.connectors.rest.settings import IssuerSettings, RestClient, RestSettings
from samband.connectors.rest.shapes import Problem
from samband.schemas.attachment import PART_BYTES
from samband.streams.settings import read
from tests.rest.conftest import House, Served
from tests.rest.test_messages import concern

PAGE = (Path(__file__).parents[2] / "docs" / "rest.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """Return the page's blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_settings_are_settings(tmp_path: Path) -> None:
    """The page's settings load, and each setting is on the page with its default."""
    (block,) = blocks("toml")
    settings = read(tomllib.loads(block)["rest"], RestSettings, tmp_path)
    settings.check()
    for setting in fields(RestSettings):
        assert f"`{setting.name}`" in PAGE or f"[rest.{setting.name}]" in PAGE
        if isinstance(setting.default, int | str):
            assert re.search(rf"`{setting.name}` \| `?{re.escape(str(setting.default))}`? \|", PAGE), setting.name
    for setting in (*fields(RestClient), *fields(IssuerSettings)):
        assert setting.name in PAGE


def test_the_error_is_one() -> None:
    """The page's error has the fields of an error."""
    (block,) = blocks("json")
    assert set(json.loads(block)) == set(Problem.__struct_fields__)


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="curl and jq are not on this machine")
def test_the_session_works(house: House, tmp_path: Path) -> None:
    """The page's commands, run in order with a real curl, give what the page says."""
    for name in ("social", "skola"):
        house.open(name, client="verksamhetssystem" if name == "skola" else name)
    script = "set -eu\n" + "\n".join(blocks("sh"))
    # The page shows one system; what it fetches was sent by another party.
    script = script.replace("ID=$(curl", 'TOKEN="$OTHER"\nID=$(curl')
    letter = house.said("skola", concern(house))
    (tmp_path / "utlatande.pdf").write_bytes(b"%PDF-1.7".ljust(PART_BYTES + 1, b"a"))
    with Served(house, settle=True) as address:
        other = house.token(address, "social")
        environment = {
            "URL": address, "SECRET": house.secrets["skola"], "OTHER": other,
            "CHILD": house.line.gate.world.child.identifier, "PATH": os.environ["PATH"],
        }  # fmt: skip
        ran = subprocess.run(
            ["bash", "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[:3] == ["permit", "permit", "handed_over"]
    assert json.loads((tmp_path / f"{letter}.json").read_text())["type"] == "samband.concern.report"
    assert "samband.delivery.waiting" in lines
    assert "event: samband.delivery.waiting" in lines
