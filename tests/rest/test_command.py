"""`samband rest` and `samband webhook`: secrets that change without a gap, and the list of what was refused."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from samband.connectors.cli import main
from samband.connectors.rest.openapi import written
from samband.connectors.rest.secrets import digest_of_secret
from samband.connectors.signing import Signer, public_of


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """Run a command and return what it printed."""
    assert main(arguments) == code
    return capsys.readouterr().out.strip()


def test_a_systems_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A secret is shown once, its digest kept; two hold at once, and the earlier one ends when it is told to."""
    file = tmp_path / "rest" / "system"
    secrets = [said(capsys, "rest", "secret", str(file)) for _ in range(3)]
    assert file.read_text().split() == [digest_of_secret(each) for each in secrets[:0:-1]]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert said(capsys, "rest", "secret", str(file), "--end-earlier") == ""
    assert file.read_text().split() == [digest_of_secret(secrets[-1])]
    said(capsys, "rest", "secret", str(tmp_path / "none"), "--end-earlier", code=2)


def test_a_webhooks_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Shared secrets and key pairs stand beside each other; of a pair only the public key is shown."""
    file = tmp_path / "webhook.secret"
    shared = [said(capsys, "webhook", "secret", str(file)) for _ in range(2)]
    public = [said(capsys, "webhook", "secret", str(file), "--pair") for _ in range(2)]
    lines = file.read_text().split()
    assert [each for each in lines if each.startswith("whsec_")] == shared[::-1]
    assert [public_of(each) for each in lines if each.startswith("whsk_")] == public[::-1]
    signer = Signer.of(lines)
    assert (len(signer.shared), len(signer.keys)) == (2, 2)
    told = json.loads(said(capsys, "webhook", "secret", str(file), "--pair", "--end-earlier", "--json"))
    assert told == {"receiver": public[-1], "hold": 1}
    assert len(file.read_text().split()) == 3


def test_the_description(capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints what is served."""
    assert said(capsys, "rest", "describe") == written().strip()
