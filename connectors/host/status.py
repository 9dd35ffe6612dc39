"""How a host stands, as its processes have last said it; read from files, so that it can be asked in trouble.

for each in standing(places, now): each.party, each.state, each.code
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from samband.connectors.host.places import Places
from samband.connectors.host.supervisor import is_running

__all__ = ["Standing", "processes", "standing"]

_OLD_S: Final = 15
"""What a process has not repeated for so long is not known any more."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One party."""

    party: str
    slot: str
    state: str
    """`opening`, `connecting`, `serving`, `failed`; `not taken up`: its process has not said anything of it."""
    code: str
    """Why it failed last; empty once it serves."""
    since: int
    """Seconds since 1970; 0: not known."""
    starts: int
    again_at: int

    @property
    def is_good(self) -> bool:
        """Say whether it is served."""
        return self.state == "serving"


def standing(places: Places, now: float) -> list[Standing]:
    """Return how each party stands at `now` (seconds since 1970), by name.

    Raises:
        OSError: the directory cannot be read.
    """
    found, said = places.found(), dict[str, dict[str, Any]]()
    runs = is_running(places)
    rows = []
    for party in found:
        slot = places.falls_to(party)
        if slot not in said:
            said[slot] = _said(places.run / slot / "state.json", now) if runs else {}
        known = said[slot].get(party, {})
        rows.append(
            Standing(
                party, slot, known.get("state", "not taken up"), known.get("code", ""), known.get("since", 0),
                known.get("starts", 0), known.get("again_at", 0),
            )
        )  # fmt: skip
    return rows


def processes(places: Places) -> dict[str, Any] | None:
    """Return what runs (pid, processes, starts), or None where nothing does."""
    if not is_running(places):
        return None
    try:
        fields: dict[str, Any] = json.loads((places.run / "host.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return fields


def _said(path: Path, now: float) -> dict[str, Any]:
    try:
        fields = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(fields["parties"]) if now - fields["at"] < _OLD_S else {}
