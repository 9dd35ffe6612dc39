"""The files by which a party joins, the report that it hands in, and hours as people write them."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from samband.connectors.conformity import Report, verified, write
from samband.connectors.party import Party
from samband.schemas.hours import is_open
from samband.schemas.joining import Welcome, clear, read
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.invitations import approve, examine, invite
from samband.streams.join_files import same_world, signed, verify_by
from samband.streams.joining import open_invitation, prepare, take_welcome
from tests.fuzz.parts import text
from tests.fuzz.target import Target, scratch

__all__ = ["TARGETS"]

_NOW: Final = datetime.now(UTC)


@cache
def _joined() -> tuple[Home, Path, bytes, bytes, bytes]:
    """Return a hub, a party's folder, and what went between them."""
    home = Home(Path(tempfile.mkdtemp(dir=scratch())) / "home")
    home.found("barn", now=_NOW)
    unit = Unit(UnitId("SE-SKOLA"), PartyId("skola"), UnitKind.SCHOOL_PEDAGOGIC, Regime.OSL_23, "Skolan", "1980")
    folder = home.path.parent / "skola"
    invitation = invite(home, "skola", "Skolan", "", [unit], _NOW)
    request = prepare(folder, invitation, _NOW)
    welcome = approve(home, examine(home, request, _NOW), _NOW)
    take_welcome(folder, welcome)
    return home, folder, invitation, request, welcome


def _invitation(data: bytes) -> tuple[str, ...]:
    return (open_invitation(data, _NOW)[1].party,)


def _request(data: bytes) -> tuple[str, ...]:
    return (examine(_joined()[0], data, _NOW).request.party,)


def _welcome(data: bytes) -> tuple[str, ...]:
    home, welcome = _joined()[0], read(data, Welcome)
    assert clear(welcome) == data
    same_world(home.root, welcome)
    verify_by(home.root, welcome, "welcome")
    return (welcome.party,)


@cache
def _small_welcome() -> bytes:
    """Return a welcome without its directory, which has targets of its own and would be most of each case."""
    home, welcome = _joined()[0], read(_joined()[4], Welcome)
    return signed(replace(welcome, directory=()), "welcome", home.root_keys())


def _report(data: bytes) -> tuple[object, ...]:
    return (verified(data, _joined()[0].directory(int(_NOW.timestamp() * 1000)))["passed"],)


@cache
def _reported() -> bytes:
    """Return a signed report."""
    party = Party.load(_joined()[1] / "connector.toml")
    report = Report.begin(party)
    report.add(("löfte", "promise"), ("prov", "check"), "ok", "seen", 12)
    report.end(party.directory)
    files = write(party, report)
    party.store.close()
    return files[0].read_bytes()


def _hours(data: bytes) -> tuple[object, ...]:
    return (is_open(data.decode("utf-8", "replace"), _NOW),)


TARGETS: Final = (
    Target("join.invitation", lambda: [_joined()[2]], _invitation, text, 0.3),
    Target("join.request", lambda: [_joined()[3]], _request, text, 0.2),
    Target("join.welcome", lambda: [_small_welcome()], _welcome, text, 0.3),
    Target("join.report", lambda: [_reported()], _report, text, 0.2),
    Target("hours", lambda: ["mån–fre 8–16, lör 10.30-14".encode(), b"mon-fri 8-16", b"24/7"], _hours, text),
)
"""Nothing but a `SambandError` may come out, whatever a mail program or a stranger made of a file."""
