"""The fault test: kill everything at random moments, then count.

    python -m tests.kafka.fault --messages 20000 --seed 7
    python -m tests.kafka.fault --messages 20000 --seconds 3600        the same, spread over an hour

Four parties, four partitions, two gate workers, real Kafka, real processes. Each kill is a `kill -9` at a place of the
message stream that the seed fixes: gate workers, connectors, and the broker. What must hold afterwards stands in
`fault_checks`. The traffic:

    social ⇄ care       dialogue on necessity: always permitted
    school → social     concern reports: always permitted
    social → school     dialogue on consent, while consents are given, withdrawn by either side and given again
    school → care       nobody consented: always denied
"""

from __future__ import annotations

import argparse
import os
import queue
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from samband.connectors.party import Party
from samband.schemas.errors import SambandError
from tests.kafka.fault_checks import check, gather
from tests.kafka.fault_traffic import Writer
from tests.kafka.fault_world import ACKNOWLEDGES, FREEZE, UNITS, WORKERS, World

__all__ = ["Plan", "report", "run", "scratch"]

_WINDOW: Final = 2500
"""Most messages that are written and not decided: enough to keep everything busy at any moment of a kill."""
_CHUNK: Final = 50


@dataclass(frozen=True)
class Plan:
    """What a run does. All that is random comes from `seed`."""

    messages: int = 20_000
    seed: int = 1
    seconds: float = 0.0
    """The messages are spread over at least this long."""
    kills: int = 0
    """Over gates and connectors; 0: as many as fit, at least 12."""
    broker_kills: int = 1
    freezes: int = 2
    """Gate workers that stand still for so long that another takes over, and then go on as if nothing had been."""
    patience_s: float = 240.0
    """Longest time without any progress before the run counts as stuck."""

    @property
    def moments(self) -> list[tuple[int, float, str]]:
        """(after so many messages, seconds later, what is killed), in order."""
        chance = random.Random(self.seed)
        victims = [f"gate-{n}" for n in range(WORKERS)] + list(UNITS)
        kills = self.kills or max(12, self.messages // 1500)
        # Everything is killed at least once.
        named = [*victims, *(chance.choice(victims) for _ in range(kills))][:kills] + ["kafka"] * self.broker_kills
        named += [f"{FREEZE}gate-{chance.randrange(WORKERS)}" for _ in range(self.freezes)]
        found = [(int(self.messages * chance.uniform(0.03, 0.97)), chance.uniform(0, 2), each) for each in named]
        return sorted(found)


def run(plan: Plan, folder: Path, tell: Callable[[str], None]) -> list[str]:
    """Play a plan in an empty folder; return what does not hold, nothing where all is well."""
    began = time.monotonic()
    world = World(folder, tell)
    moments: queue.Queue[tuple[float, str]] = queue.Queue()
    try:
        world.up()
        writer = Writer(plan.seed, plan.messages, world)
        tell(f"up after {time.monotonic() - began:.0f} s; seed {plan.seed}, {plan.messages} messages")
        killer = threading.Thread(target=_kill, args=(world, moments, random.Random(plan.seed + 2)), daemon=True)
        killer.start()
        started = time.monotonic()
        _write(plan, world, writer, moments)
        moments.put((0, ""))
        killer.join()
        _drain(plan, world)
        took = time.monotonic() - started
        failures, figures = check(gather(world.home, world.parties, writer.said, writer.consents))
        failures += [f"{each}: handed over twice" for each in world.twice]
        freezes = sum(count for victim, count in world.kills.items() if victim.startswith(FREEZE))
        kills = sum(world.kills.values()) - freezes - world.kills["kafka"]
        figures |= {"kills": kills, "broker kills": world.kills["kafka"], "freezes": freezes, "seconds": round(took)}
        figures["messages/s"] = round(plan.messages / took)
        figures["checked in seconds"] = round(time.monotonic() - started - took)
    finally:
        world.down()
    tell(f"  {'seed':38}{plan.seed:>9}")
    for name, value in figures.items():
        tell(f"  {name:38}{value:>9}")
    return failures


def _write(plan: Plan, world: World, writer: Writer, moments: queue.Queue[tuple[float, str]]) -> None:
    due = plan.moments
    progress = _Progress(plan, world)
    began = time.monotonic()
    while (written := len(writer.said)) < plan.messages:
        while due and due[0][0] <= written:
            moments.put(due.pop(0)[1:])
        ahead = written / plan.messages * plan.seconds - (time.monotonic() - began)
        if ahead > 0 or progress.look(written) > _WINDOW:
            time.sleep(min(max(ahead, 0.05), 1))
            continue
        writer.write(min(_CHUNK, plan.messages - written))
    for _, pause, victim in due:
        moments.put((pause, victim))


def _kill(world: World, moments: queue.Queue[tuple[float, str]], chance: random.Random) -> None:
    while (moment := moments.get())[1]:
        time.sleep(moment[0])
        world.tell(moment[1] if moment[1].startswith(FREEZE) else f"kill -9 {moment[1]}")
        world.kill(moment[1], chance.uniform(0, 2))


def _drain(plan: Plan, world: World) -> None:
    """Wait until nothing is on its way: all decided, all handed over, all acknowledged."""
    progress = _Progress(plan, world)
    while progress.look(plan.messages) or any(map(_letters_waiting, world.parties.values())) or _untaken(world):
        time.sleep(0.2)


def _letters_waiting(party: Party) -> bool:
    return any(party.store.letters(state, 1) for state in ("waiting", "handing"))


def _untaken(world: World) -> bool:
    return bool(world.parties[ACKNOWLEDGES].store.letters("handed_over", 1))


class _Progress:
    """A line every few seconds, and an end where nothing moves any more."""

    def __init__(self, plan: Plan, world: World) -> None:
        self._plan, self._world = plan, world
        self._seen, self._since, self._told = (-1, -1), time.monotonic(), 0.0

    def look(self, written: int) -> int:
        """Return how much is undecided.

        Raises:
            RuntimeError: nothing moved for too long.
        """
        undecided, now = self._world.undecided, time.monotonic()
        if (written, undecided) != self._seen:
            self._seen, self._since = (written, undecided), now
        if now - self._since > self._plan.patience_s:
            raise RuntimeError(f"stuck: {undecided} undecided; see {self._world.home.hub / 'log'}")
        if now - self._told > 5:
            self._told = now
            self._world.tell(f"{written:7} written, {undecided:6} on their way")
        return undecided


def scratch() -> Path:
    """Return a new folder: in memory where there is room, since 20 000 messages mean some 100 000 flushes to disk."""
    memory = Path("/dev/shm")  # noqa: S108  a folder of our own is made in it
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 8 << 30
    return Path(tempfile.mkdtemp(prefix="samband-fault-", dir=memory if roomy else None))


def main() -> int:
    """Run a plan from the command line; return 0 where all holds."""
    each = argparse.ArgumentParser(prog="python -m tests.kafka.fault", description=(__doc__ or "").splitlines()[0])
    each.add_argument("--messages", type=int, default=Plan.messages)
    each.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    each.add_argument("--seconds", type=float, default=0.0, help="spread the messages over at least this long")
    each.add_argument("--kills", type=int, default=0, help="of gates and connectors; default: 1 a 1500 messages, >= 12")
    each.add_argument("--broker-kills", type=int, default=1)
    each.add_argument("--freezes", type=int, default=Plan.freezes, help="of gate workers, until another takes over")
    each.add_argument("--keep", action="store_true", help="keep the folder with data and logs")
    options = vars(each.parse_args())
    keep = options.pop("keep")
    return report(lambda folder, tell: run(Plan(**options), folder, tell), keep=keep)


def report(play: Callable[[Path, Callable[[str], None]], list[str]], *, keep: bool) -> int:
    """Play in a folder of its own, print what does not hold, and return 0 where all holds.

    Args:
        play: given the folder and where to tell a line, returns what does not hold.
        keep: the folder stays in any case, not only where something does not hold.
    """
    folder = scratch()
    failures = ["the run did not end"]
    try:
        failures = play(folder / "home", lambda line: print(line, flush=True))  # noqa: T201
    except (SambandError, RuntimeError) as error:
        failures = [str(error)]
    except KeyboardInterrupt:
        failures = []
        return 130
    finally:
        if not (keep or failures):
            shutil.rmtree(folder)
    for line in failures[:200]:
        print(f"FAILED {line}")  # noqa: T201
    print(f"{len(failures)} failures; data in {folder}" if failures else "everything holds")  # noqa: T201
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
