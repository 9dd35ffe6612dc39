"""What may be erased, and the leaf that says so. Pure: records, table and clock in, entries and leaf out.

    wish = Wish(rule="records.care", unit="SE2120002080-BUP", before=…, month=0, decision="RS 2031/14", asked_at=…)
    check_time(wish, now)                     raises RETENTION_TOO_EARLY, and says the date
    entries = chosen(wish, store, directory, now)
    record = leaf_record(wish, entries, …)

A record has two ends, each under its own law: it goes only when the time of both is over. A unit that no card names any
more counts as under every rule. An erasure's own record is never chosen. Format page: § Erasure.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from samband.schemas.errors import FormatError, InputError, RefusedError
from samband.schemas.retention import Place, Retention, rows
from samband.schemas.stamp import StampRecord
from samband.schemas.units import UnitKind
from samband.streams.audit import STOCKHOLM, month_of
from samband.streams.crypto.keys import Realm

if TYPE_CHECKING:
    from samband.streams.directory import Directory
    from samband.streams.records.store import RecordStore

__all__ = [
    "ALL", "ERASURE", "RULES", "Wish", "check_time", "check_unit", "chosen", "digest", "laws_of", "leaf_record",
    "rule_of", "wish_of",
]  # fmt: skip

ERASURE: Final = "erasure"
"""Kind of an erasure's record."""

RULES: Final = ("care", "social", "school")
ALL: Final = "records.all"
"""The rule of a whole month: all of them."""

_DECISION: Final = re.compile(r"[A-Za-zÅÄÖåäö0-9][A-Za-zÅÄÖåäö0-9 ./:_-]{0,39}")
_MONTH: Final = re.compile(r"(2[01][0-9][0-9])-(0[1-9]|1[0-2])")


class Wish(msgspec.Struct, frozen=True):
    """What somebody decided to erase. Times are milliseconds since 1970 UTC."""

    rule: str
    """A category of the retention table, or `ALL` for a whole month."""
    unit: str
    """Sender or recipient; empty for a whole month."""
    before: int
    """Records decided before this moment."""
    month: int
    """202611, or 0."""
    decision: str
    """Reference of the disposal decision (gallringsbeslut): a registration number, never a text."""
    asked_at: int

    @classmethod
    def by_rule(cls, rule: str, unit: str, before: datetime, decision: str, now: datetime) -> Wish:
        """Return the wish to erase a unit's records of before a date, under a rule.

        Raises:
            InputError: the rule or decision is none.
        """
        if rule not in RULES:
            raise InputError("RETENTION_RULE", f"a rule is one of {', '.join(RULES)}")
        return cls(f"records.{rule}", unit, _ms(before), 0, _checked(decision), _ms(now))

    @classmethod
    def by_month(cls, month: str, decision: str, now: datetime) -> Wish:
        """Return the wish to make a whole calendar month unreadable, written as `2026-11`.

        Raises:
            InputError: the month or decision is none.
        """
        if not (found := _MONTH.fullmatch(month)):
            raise InputError("MONTH", "a month is written as 2026-11")
        year, number = int(found[1]), int(found[2])
        after = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=STOCKHOLM)
        return cls(ALL, "", _ms(after), year * 100 + number, _checked(decision), _ms(now))

    def encode(self) -> bytes:
        """Return its bytes."""
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> Wish:
        """Return the wish in `data`.

        Raises:
            FormatError: none.
        """
        try:
            return msgspec.json.decode(data, type=cls)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:  # ValueError: a text that is not UTF-8
            raise FormatError("FORMAT_RECORD", "the bytes are no wish to erase") from error


def _checked(decision: str) -> str:
    if not _DECISION.fullmatch(decision):
        raise InputError(
            "DECISION", "a decision is named by its registration number: letters, digits and . / : _ -, at most 40"
        )
    return decision


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def rule_of(kind: UnitKind) -> Retention | None:
    """Return the rule that a unit's records are kept by; None for a unit without information about a child."""
    if kind.family == "care" or kind is UnitKind.SCHOOL_MEDICAL:
        return rows()["records.care"]
    if kind.family in ("social", "institution"):
        return rows()["records.social"]
    return rows()["records.school"] if kind.family == "school" else None


def laws_of(wish: Wish) -> list[Retention]:
    """Return the rules that a wish rests on."""
    return _all_rules() if wish.rule == ALL else [rows()[wish.rule]]


def check_time(wish: Wish, now: int) -> None:
    """Check that all that a wish may name is old enough.

    Raises:
        RefusedError: it is not (`RETENTION_TOO_EARLY`).
    """
    if (until := _kept_until(laws_of(wish), wish.before)) > now:
        raise RefusedError(
            "RETENTION_TOO_EARLY",
            f"records from before {_day(wish.before)} are kept until {_day(until)}",
            "; ".join(law.citation for law in laws_of(wish)),
        )


def check_unit(wish: Wish, directory: Directory) -> None:
    """Check that the rule is the named unit's.

    Raises:
        RefusedError: it is another's (`RETENTION_RULE`).
    """
    unit = directory.find_unit(wish.unit) if wish.unit else None
    if unit is not None and rule_of(unit.kind) is not rows()[wish.rule]:
        raise RefusedError("RETENTION_RULE", f"the records of `{wish.unit}` are kept by another rule")


def chosen(wish: Wish, store: RecordStore, directory: Directory, now: int) -> list[bytes]:
    """Return the entries of what a wish names and the law lets go, sorted.

    Raises:
        SambandError: a record that is kept cannot be opened: what it is cannot be said, so nothing is chosen.
    """
    if wish.month:
        return sorted(leaf.entry for leaf in store.kept(wish.month, wish.month))
    found = []
    for leaf in store.kept(1, month_of(wish.before - 1)):
        record = store.open(leaf)
        ends = (record.sender, record.recipient)
        if wish.unit in ends and record.decided_at < wish.before:
            laws = [law for end in ends if end for law in _laws(end, directory)]
            if _kept_until(laws, record.decided_at) <= now:
                found.append(leaf.entry)
    return sorted(found)


def digest(realm: Realm, entries: Iterable[bytes]) -> bytes:
    """Return the hash over erased entries that an erasure's leaf names them by."""
    return hashlib.sha256(realm.domain("erased") + b"".join(sorted(entries))).digest()


def leaf_record(wish: Wish, entries: Sequence[bytes], realm: Realm, directory: int, now: int) -> StampRecord:
    """Return the record of an erasure."""
    what = f"month {_written(wish.month)}" if wish.month else f"before {_day(wish.before)}"
    return StampRecord(
        kind=ERASURE,
        leaf=digest(realm, entries),
        message_id=secrets.token_bytes(16),
        sender=wish.unit,
        recipient="",
        ref=bytes(16),
        type="",
        outcome="erased",
        code=wish.rule,
        reasons=(what, f"entries {len(entries)}", f"decision {wish.decision}"),
        rulebook=bytes(32),
        directory=directory,
        decided_at=now,
        appended_at=now,
    )


def wish_of(record: StampRecord) -> Wish:
    """Return the wish that an erasure's record tells of.

    Raises:
        FormatError: it tells none.
    """
    told = dict(each.split(" ", 1) for each in record.reasons if " " in each)
    now = datetime.fromtimestamp(record.decided_at / 1000, UTC)
    try:
        if "month" in told:
            return Wish.by_month(told["month"], told["decision"], now)
        before = datetime.fromisoformat(told["before"]).replace(tzinfo=STOCKHOLM)
        return Wish.by_rule(record.code.removeprefix("records."), record.sender, before, told["decision"], now)
    except (KeyError, ValueError, InputError) as error:
        raise FormatError("FORMAT_RECORD", "the record tells of no erasure") from error


def _laws(unit: str, directory: Directory) -> Iterator[Retention]:
    known = directory.find_unit(unit)
    if known is None:
        yield from _all_rules()
    elif (law := rule_of(known.kind)) is not None:
        yield law


def _all_rules() -> list[Retention]:
    return [row for name, row in rows().items() if row.place is Place.HUB and name.startswith("records.")]


def _kept_until(laws: Sequence[Retention], start: int) -> int:
    """Return until when the longest of some laws keeps what began at `start`."""
    begun = datetime.fromtimestamp(start / 1000, STOCKHOLM)
    ends = [_ms(end) for law in laws if (end := law.ends(begun)) is not None]
    return max(ends, default=start)


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, STOCKHOLM).date().isoformat()


def _written(month: int) -> str:
    return f"{month // 100}-{month % 100:02}"
