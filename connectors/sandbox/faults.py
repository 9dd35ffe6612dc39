"""What goes wrong on request: rules that say for whom, on which way, how often.

    faults = Faults(time.monotonic)
    faults.add(Fault(Kind.DROP, party="skola", way=Way.OUT, times=2))       the next two records of that party are lost
    faults.meets("skola", Way.OUT, Kind.DROP)                               True, True, False, …

    delay       comes `seconds` later
    drop        is lost: on the ways `out` and `in` after it was confirmed, on `http` what was done gets no good answer
    duplicate   comes twice; on `http` the request is carried out twice, as by a proxy that tries again
    refuse      is turned away with an error
    away        nothing gets through, for `seconds` or until the rule is removed

`out` and `in` are a party's ways to and from the hub; `http` is its own door. The hub's processes meet no fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from samband.schemas.errors import InputError

__all__ = ["ALL", "Fault", "Faults", "Kind", "Way"]

ALL: Final = "*"
"""Every party."""

_MOST_S: Final = 86_400.0
_MOST_RULES: Final = 100


class Kind(StrEnum):
    """What goes wrong."""

    DELAY = "delay"
    DROP = "drop"
    DUPLICATE = "duplicate"
    REFUSE = "refuse"
    AWAY = "away"


class Way(StrEnum):
    """Where it goes wrong."""

    OUT = "out"
    IN = "in"
    HTTP = "http"


@dataclass(slots=True)
class Fault:
    """One rule."""

    kind: Kind
    party: str = ALL
    way: Way = Way.OUT
    seconds: float = 0.0
    """How much later (`delay`), or how long the rule holds (all others; 0: until it is removed)."""
    times: int = 0
    """How often; 0: until it is removed."""
    id: str = ""
    ends: float = 0.0
    """When it ends by the clock; 0: it does not."""

    def json(self) -> dict[str, Any]:
        """Return the rule as the API says it."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "party": self.party,
            "way": self.way.value,
            "seconds": self.seconds,
            "times": self.times,
        }

    @classmethod
    def of(cls, fields: Any, parties: frozenset[str]) -> Fault:
        """Return the rule that a request asks for.

        Raises:
            InputError: `FAULT_INVALID`, with the field's path.
        """
        if not isinstance(fields, dict):
            raise _invalid("", "is an object")
        for name in fields:
            if name not in ("kind", "party", "way", "seconds", "times"):
                raise _invalid("", "has the fields kind, party, way, seconds and times")
        try:
            kind = Kind(fields.get("kind", ""))
        except ValueError:
            raise _invalid("kind", f"is one of {', '.join(Kind)}") from None
        try:
            way = Way(fields.get("way", Way.OUT))
        except ValueError:
            raise _invalid("way", f"is one of {', '.join(Way)}") from None
        party = fields.get("party", ALL)
        if party != ALL and party not in parties:
            raise _invalid("party", f"is `*` or one of {', '.join(sorted(parties))}")
        seconds, times = fields.get("seconds", 0), fields.get("times", 0)
        if type(seconds) not in (int, float) or not 0 <= seconds <= _MOST_S:
            raise _invalid("seconds", f"is a number from 0 to {_MOST_S:.0f}")
        if type(times) is not int or not 0 <= times <= 1_000_000:
            raise _invalid("times", "is a whole number from 0 to 1000000")
        if kind is Kind.DELAY and not seconds:
            raise _invalid("seconds", "is needed for a delay")
        return cls(kind, party, way, float(seconds), times)


def _invalid(field: str, why: str) -> InputError:
    return InputError("FAULT_INVALID", f"`{field}` {why}" if field else f"a fault {why}", f"/{field}")


class Faults:
    """The rules that hold now."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin without any; `clock` gives seconds that never go back."""
        self.clock = clock
        self._rules: dict[str, Fault] = {}
        self._count = 0
        self.changed: Callable[[], None] = lambda: None
        """Called when a rule was added or removed: who waits looks again."""

    def add(self, fault: Fault) -> Fault:
        """Let a rule hold from now on, and return it with its id.

        Raises:
            InputError: there are too many.
        """
        self.rules()
        if len(self._rules) >= _MOST_RULES:
            raise InputError("FAULT_MANY", f"at most {_MOST_RULES} faults hold at once", "DELETE /sandbox/faults")
        self._count += 1
        fault.id = f"fault-{self._count}"
        if fault.seconds and fault.kind is not Kind.DELAY:
            fault.ends = self.clock() + fault.seconds
        self._rules[fault.id] = fault
        self.changed()
        return fault

    def remove(self, name: str) -> bool:
        """End a rule, and say whether there was one."""
        gone = self._rules.pop(name, None) is not None
        self.changed()
        return gone

    def clear(self) -> None:
        """End all rules."""
        self._rules.clear()
        self.changed()

    def rules(self) -> list[Fault]:
        """Return the rules that hold, oldest first."""
        now = self.clock()
        for name in [name for name, each in self._rules.items() if each.ends and each.ends <= now]:
            del self._rules[name]
        return list(self._rules.values())

    def meets(self, party: str, way: Way, kind: Kind) -> Fault | None:
        """Return the oldest rule that something of a party meets on a way, and count it; None where there is none."""
        for each in self.rules():
            if each.kind is kind and each.way is way and each.party in (ALL, party):
                if each.times == 1:
                    del self._rules[each.id]
                elif each.times:
                    each.times -= 1
                return each
        return None

    def delay(self, party: str, way: Way) -> float:
        """Return how many seconds later something of a party comes."""
        rule = self.meets(party, way, Kind.DELAY)
        return rule.seconds if rule else 0.0
