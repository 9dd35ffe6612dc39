"""Under which names principals are known to Kafka now: how a certificate is revoked.

Kafka asks no revocation list. So a principal has generations: `skola`, then `skola.2`, `skola.3`; the name is in its
certificate, and only the current one has rights. Who holds a revoked certificate still gets through TLS, and is then
nobody: the broker asks for the right at each request, on connections that stand too.

    principals = Principals.read(home.hub / "principals.json")
    principals.current("skola")          "skola"
    principals.revoke("skola", now)      from now on "skola.2"
    principals.names_of(now)("skola")    ("skola.2",), and for as long as an overlap lasts ("skola", "skola.2")

    {"samband": "principals/1", "principals": {"skola": {"generation": 2, "overlap_until": 0}}}

Invariants: a generation only rises, for one that came back would wake a revoked certificate; a party's id has no dot,
so no party can be named like another's generation; a file that cannot be read is an error, not an empty one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from samband.schemas.errors import OperatorError
from samband.streams.topics import Names

__all__ = ["Principals", "base_of"]

_VERSION: Final = "principals/1"


@dataclass(frozen=True, slots=True)
class Generation:
    """Which certificate of a principal holds."""

    generation: int = 1
    overlap_until: int = 0  # ms since 1970 UTC: until then the one before holds too


class Principals:
    """The generations of all principals; whoever is not named is in the first."""

    def __init__(self, path: Path, known: Mapping[str, Generation]) -> None:
        self._path = path
        self._known = dict(known)

    @classmethod
    def read(cls, path: Path) -> Principals:
        """Read the file; where there is none nobody was ever revoked.

        Raises:
            OperatorError: `PRINCIPALS_FILE`, when it cannot be read.
        """
        try:
            fields = json.loads(path.read_text("utf-8"))
            if fields["samband"] != _VERSION:
                raise ValueError(_VERSION)
            return cls(path, {name: Generation(**value) for name, value in fields["principals"].items()})
        except FileNotFoundError:
            return cls(path, {})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise OperatorError(
                "PRINCIPALS_FILE",
                f"`{path}` cannot be read as {_VERSION}",
                "restore it: without it revoked certificates would be good again",
            ) from error

    def current(self, principal: str) -> str:
        """Return the name that a new certificate of the principal bears."""
        return _name(principal, self._known.get(principal, Generation()).generation)

    def names_of(self, now_ms: int) -> Names:
        """Return a function that gives a principal's names with rights at a time, the oldest first."""

        def names(principal: str) -> tuple[str, ...]:
            known = self._known.get(principal, Generation())
            numbers = range(known.generation - (now_ms < known.overlap_until), known.generation + 1)
            return tuple(_name(principal, number) for number in numbers)

        return names

    def has_ended(self, since_ms: int, now_ms: int) -> bool:
        """Tell whether an overlap ended between two times, in ms since 1970 UTC."""
        return any(since_ms < each.overlap_until <= now_ms for each in self._known.values())

    def revoke(self, principal: str, now_ms: int, *, overlap_ms: int = 0) -> str:
        """Begin the principal's next generation, keep that on disk, and return its name.

        Args:
            principal: a party, or one of the hub's own.
            now_ms: the time, in ms since 1970 UTC.
            overlap_ms: how long the generation before keeps its rights; never for a stolen certificate.

        Raises:
            OperatorError: `PRINCIPALS_FILE`, when the file cannot be written.
        """
        number = self._known.get(principal, Generation()).generation + 1
        self._known[principal] = Generation(number, now_ms + overlap_ms if overlap_ms else 0)
        self._write()
        return _name(principal, number)

    def _write(self) -> None:
        listed = {
            name: {"generation": each.generation, "overlap_until": each.overlap_until}
            for name, each in sorted(self._known.items())
        }
        fresh = self._path.with_suffix(".new")
        try:
            with fresh.open("w", encoding="utf-8") as file:
                json.dump({"samband": _VERSION, "principals": listed}, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as error:
            raise OperatorError("PRINCIPALS_FILE", f"`{self._path}` cannot be written: {error.strerror}") from error


def base_of(name: str) -> str:
    """Return the principal that a name is a generation of: `skola` for `skola.2`."""
    return name.partition(".")[0]


def _name(principal: str, generation: int) -> str:
    return principal if generation == 1 else f"{principal}.{generation}"
