"""The conformity report: what a party's connection was seen to keep, signed by the party, to hand in at the hub.

    report = Report.begin(party)
    report.add(check, promise, "ok", found, ms)
    json_file, page_file = write(party, report)
    verified(data, directory)                     what the hub reads: whose it is, and that it is whole

It names no child, no message id and no content. The JSON file is signed with the party's sign key: D("conformity") ‖
the file without its signature.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from samband.connectors.party import Party
from samband.schemas.errors import FormatError, TrustError
from samband.schemas.version import VERSION
from samband.streams.crypto.keys import Purpose
from samband.streams.directory import Directory
from samband.streams.join_files import environment, fingerprint
from samband.streams.snapshot import write_whole

__all__ = ["FAILED", "JSON_FILE", "OK", "PAGE_FILE", "SKIPPED", "Check", "Report", "page", "verified", "write"]

OK, FAILED, SKIPPED = "ok", "failed", "skipped"
JSON_FILE: Final = "conformity-report.json"
PAGE_FILE: Final = "conformity-report.md"

Words = tuple[str, str]
"""Swedish, English."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried."""

    promise: Words
    check: Words
    state: str
    found: str
    ms: int
    """How long it took in milliseconds; 0 where no time was measured."""


@dataclass(slots=True)
class Report:
    """What was tried, of which installation, with which versions."""

    party: str
    agreement: str
    environment: str
    """`TEST` or `PRODUCTION`."""
    realm: str
    fingerprint: str
    versions: Mapping[str, str]
    began: str
    ended: str = ""
    checks: list[Check] = field(default_factory=list)

    @classmethod
    def begin(cls, party: Party) -> Report:
        """Return an empty report of a party."""
        root = party.root
        versions = {"samband": VERSION, "wire format": "1", "python": platform.python_version()}
        return cls(
            party.name, root.agreement, environment(root), root.realm.id.hex(), fingerprint(root.data), versions, _now()
        )

    def add(self, promise: Words, check: Words, state: str, found: str, ms: float = 0) -> None:
        """Add what was tried."""
        self.checks.append(Check(promise, check, state, found, round(ms)))

    def end(self, directory: Directory) -> None:
        """Close it with the versions of directory and rules that were in use."""
        held = directory.rules.at(int(datetime.now(UTC).timestamp() * 1000))
        rules = str(held.number) if held else "none"
        self.versions = {**self.versions, "directory": str(directory.version), "rules": rules}
        self.ended = _now()

    @property
    def passed(self) -> bool:
        """Say whether something was kept and nothing failed: what was left out, all of it perhaps, shows nothing."""
        states = {each.state for each in self.checks}
        return OK in states and FAILED not in states

    def plain(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "samband": "conformity/1",
            "environment": self.environment,
            "realm": self.realm,
            "agreement": self.agreement,
            "party": self.party,
            "root_fingerprint": self.fingerprint,
            "versions": dict(self.versions),
            "began": self.began,
            "ended": self.ended,
            "passed": self.passed,
            "checks": [
                {
                    "promise": each.promise[1],
                    "check": each.check[1],
                    "state": each.state,
                    "found": each.found,
                    "ms": each.ms,
                }
                for each in self.checks
            ],
        }


def write(party: Party, report: Report) -> tuple[Path, Path]:
    """Write the report beside the party's settings, signed where it has a key that is good, and return the files.

    Raises:
        OperatorError: the folder cannot be written.
    """
    fields = report.plain()
    try:
        key = party.sign(int(datetime.now(UTC).timestamp() * 1000))
        fields["signature"] = {"kid": key.kid.hex(), "sig": key.sign("conformity", _bytes(fields)).hex()}
    except TrustError:
        fields["signature"] = None  # it has failed on that, and says so
    files = party.folder / JSON_FILE, party.folder / PAGE_FILE
    write_whole(files[0], _bytes(fields))
    write_whole(files[1], page(fields).encode())
    return files


def verified(data: bytes, directory: Directory) -> dict[str, Any]:
    """Return a report after checking that the party that it names signed it.

    Raises:
        FormatError: no report.
        TrustError: another realm's, changed, or not signed by the party.
    """
    try:
        fields: dict[str, Any] = json.loads(data)
        if fields["samband"] != "conformity/1" or _bytes(fields) != data:
            raise ValueError
        signature = fields.pop("signature") or {}
        kid, sig = bytes.fromhex(signature["kid"]), bytes.fromhex(signature["sig"])
        party, realm, ended = fields["party"], fields["realm"], datetime.fromisoformat(fields["ended"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FormatError("REPORT_FORM", "the file is no signed conformity report") from error
    if realm != directory.realm.id.hex():
        raise TrustError("OTHER_REALM", "the report is another installation's")
    owner, key = directory.verify_key(kid, Purpose.PARTY_SIGN, int(ended.timestamp() * 1000))
    if owner != party:
        raise TrustError("REPORT_SIGNER", "the report is signed by another party than it names")
    key.verify("conformity", _bytes(fields), sig)
    return fields


def page(fields: Mapping[str, Any]) -> str:
    """Return a report as a page of Markdown."""
    rows = "\n".join(
        f"| {each['state']} | {each['promise']} | {each['check']} | {each['found']} | {each['ms'] or ''} |"
        for each in fields["checks"]
    )
    versions = ", ".join(f"{name} {value}" for name, value in fields["versions"].items())
    return (
        f"# Conformity report: {fields['party']}, {fields['environment']}\n\n"
        f"**{'Passed' if fields['passed'] else 'FAILED'}**, {fields['began']} to {fields['ended']}\n\n"
        f"- agreement `{fields['agreement']}`, realm `{fields['realm']}`\n"
        f"- root fingerprint `{fields['root_fingerprint']}`\n"
        f"- {versions}\n\n"
        "| | promise | checked | seen | ms |\n|---|---|---|---|---|\n"
        f"{rows}\n\n"
        f"The signed report is `{JSON_FILE}`; the hub reads it with `samband party report FILE`.\n"
    )


def _bytes(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, indent=1).encode() + b"\n"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
