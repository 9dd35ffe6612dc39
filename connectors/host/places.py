"""What lies in a host's directory, and which process each party falls to.

    places = Places(Path("parties"))
    places.found()                    {"skola": stamp, …}: a folder with a `connector.toml`; the stamp changes with it
    places.slots(found)               names of the processes that should run: "1", "2", "alone-bup"
    places.falls_to("skola")          "2": by a hash of the name, so that it is the same after each start

workers = 2                           # processes that share the parties; 0: as many as there are cores
user = "samband"                      # OS user of those processes, where the host is started by root
isolate = false                       # true: each party has a process of its own

[[alone]]                             # a party that has one, whatever the others do
party = "bup"
user = "samband-bup"                  # the owner of its folder; empty: as above
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from samband.schemas.errors import OperatorError
from samband.streams.settings import load

__all__ = ["RUN", "Alone", "HostSettings", "Places", "Stamp"]

Stamp = tuple[tuple[int, int, int], ...]

RUN: Final = ".host"
_CONFIG: Final = "connector.toml"
_SEEN: Final = (_CONFIG, "root.json")
"""Files of a party whose change is taken up by opening it anew; keys and certificates are looked for by the party."""
_ALONE: Final = "alone-"


@dataclass(frozen=True, slots=True)
class Alone:
    """A party with a process of its own."""

    party: str
    user: str = ""


@dataclass(frozen=True, slots=True)
class HostSettings:
    """`host.toml`."""

    workers: int = 0
    """Processes that share the parties; 0: one a core."""
    user: str = ""
    isolate: bool = False
    alone: tuple[Alone, ...] = ()


class Places:
    """A host's directory."""

    def __init__(self, path: Path, *, workers: int = 0, isolate: bool = False) -> None:
        """Read its settings; `workers` and `isolate` are stronger than the file.

        Raises:
            OperatorError: no such directory (`HOST_FOLDER`), or a setting is wrong.
        """
        if not path.is_dir():
            raise OperatorError("HOST_FOLDER", f"`{path}` is no directory", "one folder in it for each party")
        self.path = path.resolve()
        file = self.path / "host.toml"
        self.settings = load(file, HostSettings) if file.exists() else HostSettings()
        if workers < 0 or self.settings.workers < 0:
            raise OperatorError("SETTINGS_WORKERS", "`workers` is at least 1; 0: one a core")
        self.workers = workers or self.settings.workers or os.cpu_count() or 1
        self.isolate = isolate or self.settings.isolate
        self._alone = {each.party: each.user for each in self.settings.alone}

    @property
    def run(self) -> Path:
        """The folder of what runs."""
        return self.path / RUN

    def config(self, party: str) -> Path:
        """Return a party's settings file."""
        return self.path / party / _CONFIG

    def found(self) -> dict[str, Stamp]:
        """Return the parties that are here now, each with what changes when it does; sorted by name.

        Raises:
            OSError: the directory cannot be read.
        """
        with os.scandir(self.path) as entries:
            names = sorted(each.name for each in entries if not each.name.startswith(".") and each.is_dir())
        return {name: stamp for name in names if (stamp := self._stamp(name))}

    def _stamp(self, name: str) -> Stamp:
        """Return the files' stamps; nothing where there are no settings."""
        found = []
        for file in _SEEN:
            try:
                stat = (self.path / name / file).stat()
                found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
            except FileNotFoundError:
                if file == _CONFIG:
                    return ()
                found.append((0, 0, 0))
            except OSError:  # a folder that this user may not enter is a party all the same, and its error is told
                found.append((-1, 0, 0))
        return tuple(found)

    def slots(self, parties: Iterable[str]) -> list[str]:
        """Return the processes that these parties need."""
        parties = list(parties)
        shared = [] if self.isolate else [str(number) for number in range(1, self.workers + 1)]
        return shared + [f"{_ALONE}{party}" for party in parties if self.isolate or party in self._alone]

    def falls_to(self, party: str) -> str:
        """Return the process that serves a party."""
        if self.isolate or party in self._alone:
            return f"{_ALONE}{party}"
        number = int.from_bytes(hashlib.sha256(party.encode()).digest()[:8], "big")
        return str(1 + number % self.workers)

    def of(self, slot: str, found: Mapping[str, Stamp]) -> dict[str, Stamp]:
        """Return the parties that fall to a process."""
        return {party: stamp for party, stamp in found.items() if self.falls_to(party) == slot}

    def user(self, slot: str) -> str:
        """Return the OS user of a process; empty: who starts the host."""
        return self._alone.get(slot.removeprefix(_ALONE), "") or self.settings.user
