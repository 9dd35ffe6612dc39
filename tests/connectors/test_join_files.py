"""Comparing a fingerprint: a person must have heard it."""

from __future__ import annotations

import sys

import pytest
import typer

from samband.connectors.cli.join_files import confirm
from samband.schemas.errors import InputError, TrustError
from samband.streams.join_files import fingerprint

DATA = b"root metadata"


def answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], heard: str) -> set[int]:
    """Compare at a terminal with what was heard; return which groups were hidden."""
    groups = heard.split()
    hidden: set[int] = set()

    def prompt(*_: object, **__: object) -> str:
        shown = capsys.readouterr().out.rpartition(":")[2].split()
        hidden.update(at for at, group in enumerate(shown) if group == "····")
        return " ".join(groups[at] for at in sorted(hidden))

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "prompt", prompt)
    confirm(DATA, "", "them", as_json=False)
    return hidden


def test_heard(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Who has heard it can fill in what is not shown, and it is not always the same."""
    seen = {frozenset(answer(monkeypatch, capsys, fingerprint(DATA))) for _ in range(40)}
    assert {len(each) for each in seen} == {2}
    assert len(seen) > 5


def test_heard_another(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Who has heard another, or types nothing, does not come through."""
    with pytest.raises(TrustError) as refusal:
        answer(monkeypatch, capsys, fingerprint(b"a forged root"))
    assert refusal.value.code == "FINGERPRINT_OTHER"
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: "")
    with pytest.raises(TrustError):
        confirm(DATA, "", "them", as_json=False)


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script must bring it; without one nothing goes on."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    for as_json in (True, False):
        with pytest.raises(InputError) as refusal:
            confirm(DATA, "", "them", as_json=as_json)
        assert refusal.value.code == "FINGERPRINT_NEEDED"
    confirm(DATA, fingerprint(DATA).upper(), "them", as_json=True)
