"""A spot check in the log: who asked for how many decisions of what, what was drawn, and what was found. Pure.

    Request(id, "anna", 5, since, before, unit="SE2120002080-IFO").record(now)
    sample_of(record)                        the Request, Draw or Finding that a record tells of

The keeper stamps them as leaves of their own. They name the checker, who acts for an authority, and no child.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Final

from samband.schemas.errors import FormatError, InputError
from samband.schemas.stamp import StampRecord

__all__ = ["MOST", "SAMPLE", "Draw", "Finding", "Request", "sample_of"]

SAMPLE: Final = "sample"
"""Kind of their records."""
MOST: Final = 200
"""Decisions that one check may ask for."""
_OUTCOMES: Final = ("", "permit", "deny", "ask")
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{1,39}", re.ASCII)
_REQUESTED, _DRAWN, _OK, _DEVIATION = "requested", "drawn", "ok", "deviation"


def _checked_who(by: str) -> str:
    if not by or len(by) > 64 or not by.isprintable() or by != by.strip():
        raise InputError("SAMPLE_WHO", "who checks is named by an id of at most 64 characters")
    return by


def _record(now: int, outcome: str, by: str, *reasons: str, leaf: bytes = bytes(32), **fields: object) -> StampRecord:
    return StampRecord(
        kind=SAMPLE,
        leaf=leaf,
        sender="",
        recipient="",
        ref=bytes(16),
        outcome=outcome,
        reasons=(f"by {by}", *reasons),
        rulebook=bytes(32),
        directory=0,
        decided_at=now,
        appended_at=now,
        **{"message_id": secrets.token_bytes(16), "type": "", **fields},  # type: ignore[arg-type]
    )


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody asks for decisions to be drawn: of a time (ms since 1970 UTC), before the request itself."""

    id: bytes
    by: str
    count: int
    since: int
    before: int
    unit: str = ""
    """Sender or recipient."""
    type: str = ""
    outcome: str = ""

    def check(self) -> None:
        """Check that it can be asked.

        Raises:
            InputError: it cannot.
        """
        _checked_who(self.by)
        if not 1 <= self.count <= MOST:
            raise InputError("SAMPLE_COUNT", f"1 to {MOST} decisions are drawn")
        if not 0 <= self.since < self.before:
            raise InputError("SAMPLE_PERIOD", "the period ends before it begins")
        if self.outcome not in _OUTCOMES:
            raise InputError("SAMPLE_OUTCOME", "an outcome is permit, deny or ask")
        if len(self.unit) > 64 or len(self.type) > 40 or not (self.unit + self.type).isprintable():
            raise InputError("SAMPLE_FILTER", "unit or type cannot be used")

    def covers(self, record: StampRecord) -> bool:
        """Say whether a record is among those that are drawn from."""
        return (
            record.kind == "decision"
            and self.since <= record.decided_at < self.before
            and (not self.unit or self.unit in (record.sender, record.recipient))
            and (not self.type or record.type == self.type)
            and (not self.outcome or record.outcome == self.outcome)
        )

    def record(self, now: int) -> StampRecord:
        """Return its record.

        Raises:
            InputError: it cannot be asked.
        """
        self.check()
        told = (f"count {self.count}", f"since {self.since}", f"before {self.before}")
        more = [f"{name} {value}" for name, value in (("unit", self.unit), ("outcome", self.outcome)) if value]
        return _record(now, _REQUESTED, self.by, *told, *more, message_id=self.id, type=self.type)


@dataclass(frozen=True, slots=True)
class Draw:
    """What was drawn: so many of so many, with the seed of the checkpoint of that size."""

    request: bytes
    by: str
    seed: bytes
    size: int
    population: int
    digest: bytes

    def record(self, now: int) -> StampRecord:
        """Return its record."""
        told = (f"population {self.population}", f"size {self.size}", f"seed {self.seed.hex()}")
        return _record(now, _DRAWN, _checked_who(self.by), *told, leaf=self.digest, subject=self.request)


@dataclass(frozen=True, slots=True)
class Finding:
    """What the checker found in one of the drawn decisions; `code` says which deviation, empty where there is none."""

    request: bytes
    by: str
    entry: bytes
    code: str = ""

    def record(self, now: int) -> StampRecord:
        """Return its record.

        Raises:
            InputError: the code is none.
        """
        if self.code and not _CODE.fullmatch(self.code):
            raise InputError("SAMPLE_CODE", "a deviation is named by a code of capitals, digits and _, never a text")
        outcome = _DEVIATION if self.code else _OK
        return _record(now, outcome, _checked_who(self.by), leaf=self.entry, subject=self.request, code=self.code)


def sample_of(record: StampRecord) -> Request | Draw | Finding:
    """Return what a record of a spot check tells.

    Raises:
        FormatError: it tells of none.
    """
    told = dict(each.split(" ", 1) for each in record.reasons if " " in each)
    subject = record.subject or b""
    try:
        if record.kind != SAMPLE:
            raise ValueError
        match record.outcome:
            case "requested":
                times = int(told["count"]), int(told["since"]), int(told["before"])
                unit, outcome = told.get("unit", ""), told.get("outcome", "")
                return Request(record.message_id, told["by"], *times, unit, record.type, outcome)
            case "drawn":
                seed, numbers = bytes.fromhex(told["seed"]), (int(told["size"]), int(told["population"]))
                return Draw(subject, told["by"], seed, *numbers, record.leaf)
            case "ok" | "deviation":
                return Finding(subject, told["by"], record.leaf, record.code)
    except (KeyError, ValueError):
        pass
    raise FormatError("FORMAT_RECORD", "the record tells of no spot check")
