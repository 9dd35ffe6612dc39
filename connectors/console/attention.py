"""What needs a person now: alarms of the keeper, quarantine, certificates and keys near their end, rules, doctor.

    with Attention(home) as watch: …      looks every minute, in a thread of its own
    watch.found                           (when, [Matter(level, "alarms", {...}, "log")]); None before the first look

Each matter has words of its own in `words.toml` and a page where it is seen; what has none is told by the doctor's own
words.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from samband.connectors.cli.doctor_trust import FAIL, OK, WARN
from samband.schemas.errors import SambandError

if TYPE_CHECKING:
    from samband.connectors.cli.doctor import Check
    from samband.streams.authority import Home
    from samband.streams.directory import Directory, Known
    from samband.streams.quarantine import Entry

__all__ = ["Attention", "Ending", "Matter", "certificates", "endings"]

_EVERY_S: Final = 60.0
_DAY_MS: Final = 86_400_000
_NEVER_RENEWED_DAYS: Final = 30
_OWN_WORDS: Final = ("records", "quarantine", "rules")
"""Checks of the doctor that are told here in other words."""


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that needs a person: how bad, which text, its values, and the page that shows it."""

    level: str
    text: str
    values: dict[str, object] = field(default_factory=dict)
    page: str = ""
    found: str = ""
    """The doctor's own words."""
    way_out: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """A key that ends soon and that no other follows, or a certificate; milliseconds since 1970 UTC."""

    whose: str
    what: str
    until: int


class Attention:
    """Looks at the hub now and then, so that no page waits for Kafka."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="console-attention", daemon=True)
        self.found: tuple[datetime, list[Matter]] | None = None
        self.quarantine: list[Entry] | None = None
        """What is open there; None where Kafka does not answer."""

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self._end.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._end.is_set():
            self.look()
            self._end.wait(_EVERY_S)

    def look(self) -> None:
        """Look now."""
        from samband.connectors.cli.doctor import hub_checks

        matters = [*self._own(), *from_checks(hub_checks(self._home))]
        matters.sort(key=lambda each: (each.level != FAIL, each.text))
        self.found = (datetime.now(UTC), matters)

    def _own(self) -> Iterator[Matter]:
        yield from self._alarms()
        yield from self._quarantine()
        now = time.time_ns() // 1_000_000
        try:
            directory = self._home.directory(now)
        except SambandError:
            return  # the doctor says it
        held = directory.rules.at(now)
        if held is not None and (rows := held.rulebook.unverified()):
            yield Matter(WARN, "rules", {"number": len(rows), "version": held.number}, "rules")
        for each in endings(directory, now):
            yield Matter(WARN, "key", {"whose": each.whose, "what": each.what, "until": each.until}, "parties")

    def _alarms(self) -> Iterator[Matter]:
        from samband.streams.records import opened

        try:
            with opened(self._home) as store:
                counts = store.counts()
        except SambandError:
            return
        if counts:
            yield Matter(FAIL, "alarms", {"number": sum(counts.values())}, "log")

    def _quarantine(self) -> Iterator[Matter]:
        from samband.connectors.cli.quarantine import open_entries

        try:
            self.quarantine = open_entries(self._home)
        except SambandError:
            self.quarantine = None
        if self.quarantine:
            yield Matter(WARN, "quarantine", {"number": sum(each.count for each in self.quarantine)}, "log")


def from_checks(checks: list[Check]) -> list[Matter]:
    """Return what the doctor found, less what is told in words of its own."""
    return [
        Matter(each.state, "doctor", {"check": each.check}, "", each.found, each.way_out)
        for each in checks
        if each.state != OK and not (each.state == WARN and each.check in _OWN_WORDS)
    ]


def endings(directory: Directory, now: int) -> list[Ending]:
    """Return the keys that should have a successor by now and have none, the first to end first.

    A key is renewed some days before its end; when half of them have passed, somebody must look.
    """
    from samband.streams.crypto.keys import Purpose
    from samband.streams.periods import PERIODS

    def left(purpose: str) -> int:
        period = PERIODS[Purpose(purpose)]
        return ((period.life_days - period.renew_days) or _NEVER_RENEWED_DAYS) * _DAY_MS // 2

    last: dict[tuple[str, str, str], Known] = {}
    for known in directory.keys.values():
        place = (known.party, known.card.purpose, known.card.unit)
        if known.revocation is None and (place not in last or known.card.not_after > last[place].card.not_after):
            last[place] = known
    retired = {party for party, card in directory.cards.items() if card.retired}
    found = [
        Ending(known.card.unit or known.party, known.card.purpose, known.card.not_after)
        for known in last.values()
        if known.party not in retired and now < known.card.not_after < now + left(known.card.purpose)
    ]
    return sorted(found, key=lambda each: each.until)


def certificates(home: Home) -> list[tuple[str, datetime | None]]:
    """Return (principal, end) of each certificate on this machine; None where it cannot be read."""
    from cryptography.x509 import load_pem_x509_certificate

    from samband.streams.authority import PRINCIPALS
    from samband.streams.renewal import folder_of
    from samband.streams.topics import BROKER

    found: list[tuple[str, datetime | None]] = []
    for principal in (BROKER, *PRINCIPALS, *home.party_names()):
        folder = folder_of(home, principal)
        if folder is None:
            continue
        try:
            ends = load_pem_x509_certificate((folder / "keystore.pem").read_bytes()).not_valid_after_utc
        except (OSError, ValueError):
            found.append((principal, None))
        else:
            found.append((principal, ends))
    return sorted(found, key=lambda each: (each[1] is not None, each[1] or datetime.min.replace(tzinfo=UTC)))
