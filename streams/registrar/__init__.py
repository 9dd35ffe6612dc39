"""The registrar: keeps the directory's topic as its folder says, with a head that is never old.

    registrar = Registrar(home)
    registrar.submit(value)          what the gate passed on of a party's own keys
    registrar.changed(now)           what must be written to the topic, the head last; empty where nothing must

One process does this (`python -m samband.streams.registrar HOME`), the only one that writes the topic while the hub is
up. It has the directory's head key and the hub's own root key, and none of the authority's: it can hold something back,
which everybody notices, and not make anything up.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from samband.schemas.errors import OperatorError
from samband.streams.authority import Home, key_cards
from samband.streams.crypto.keys import Purpose
from samband.streams.directory import HUB, Directory
from samband.streams.directory_records import HEAD_NAME
from samband.streams.keystore import expired_keys
from samband.streams.locks import hold
from samband.streams.periods import PERIODS
from samband.streams.snapshot import write_whole

__all__ = ["Registrar", "alone", "published_version"]

_WAIT_S: Final = 10.0
_AHEAD_MS: Final = 900_000

_OWN: Final = (Purpose.GATE_HOP, Purpose.GATE_STAMP, Purpose.DIRECTORY_HEAD, Purpose.LOG)


class Registrar:
    """What is on the topic, against what should be."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._publication = home.publication
        self._written: dict[str, bytes] = {}
        self._seen = -1
        self._look_again = 0

    def submit(self, value: bytes) -> str:
        """Keep a key card that a party said; return its name.

        Raises:
            FormatError, TrustError: it does not hold, whatever the gate thought of it.
        """
        (name,) = self._publication.add(value)
        return name

    def changed(self, now: int) -> dict[str, bytes]:
        """Return what must be written at `now` (ms): new or changed records, then the head over all.

        Raises:
            OperatorError: the folder cannot be read or written.
        """
        if self._publication.changed == self._seen and now < self._look_again:
            return {}
        self.renew_own(now)
        records = self._home.published(now)
        self._seen, self._look_again = self._publication.changed, now + 60_000
        return {name: value for name, value in records.items() if self._written.get(name) != value}

    def wrote(self, records: dict[str, bytes], now: int) -> None:
        """Remember what is on the topic now, and say it to whoever waits for it."""
        self._written.update(records)
        if HEAD_NAME in records:
            version = self._home.directory(now).version
            write_whole(self._home.hub / "run" / "published", str(version).encode())

    def renew_own(self, now: int) -> list[str]:
        """Make the hub's next keys where they are due, and return their names."""
        directory = self._home.directory(now)
        names = []
        for purpose in _OWN:
            own = [known.card.not_before for known in directory.keys.values()
                   if (known.party, known.card.purpose) == (HUB, purpose) and known.is_good(now)]  # fmt: skip
            if not own or PERIODS[purpose].is_due(max(own), now):
                # The next one begins a little later: whoever verifies has read its card by then.
                names += self._make(purpose, now + _AHEAD_MS if own else now)
        self._destroy(directory, now)
        return names

    def _destroy(self, directory: Directory, now: int) -> None:
        """Destroy hop keys whose time is over: from then no copy of an outbox opens with them."""
        keys = self._home.hub_keys
        rows = [(known.kid, Purpose(known.card.purpose), known.card.not_after) for known in directory.keys.values()
                if known.party == HUB]  # fmt: skip
        held = keys.open_keys(Purpose.GATE_HOP)
        for kid in expired_keys(rows, now):
            if kid in held:
                keys.destroy(kid)

    def _make(self, purpose: Purpose, now: int) -> list[str]:
        keys = self._home.hub_keys
        party_root = keys.sign_key(Purpose.PARTY_ROOT)
        return self._publication.add(*key_cards(party_root, HUB, [(keys.make(purpose), "")], now))


@contextmanager
def alone(home: Home) -> Iterator[None]:
    """Hold the place of the one registrar.

    Raises:
        OperatorError: one runs (`REGISTRAR_RUNNING`).
    """
    (home.hub / "run").mkdir(exist_ok=True)
    with (home.hub / "run" / "registrar.lock").open("a") as lock:
        deadline = time.monotonic() + _WAIT_S
        while True:
            try:
                hold(lock, wait=False)
                break
            except BlockingIOError as error:  # a killed hub's registrar ends within a moment
                if time.monotonic() > deadline:
                    raise OperatorError("REGISTRAR_RUNNING", "a registrar runs on this home already") from error
                time.sleep(0.1)
        yield


def published_version(home: Home) -> int:
    """Return the version of the head that the registrar last wrote to the topic; 0 where it never did."""
    try:
        return int((home.hub / "run" / "published").read_text("ascii"))
    except (OSError, ValueError):
        return 0
