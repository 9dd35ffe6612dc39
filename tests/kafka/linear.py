"""Linear consent: withdrawal and message from different parties at the same moment, again and again, under kills.

    python -m tests.kafka.linear --seed 7 --races 1000
    python -m tests.kafka.linear --races 60 --mutant deaf        a gate that is broken on purpose: must fail

Four parties, four partitions, two gate workers, a real Kafka. Gate workers are killed with `kill -9` at places of the
run that the seed fixes, and one stands still until another has taken over. What a race is stands in `linear_race`, what
must hold in `linear_checks`: never a permit after the receipt.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from tests.kafka.fault import report
from tests.kafka.fault_checks import check, gather
from tests.kafka.fault_world import FREEZE, WORKERS
from tests.kafka.linear_checks import judge
from tests.kafka.linear_mutant import MUTANTS
from tests.kafka.linear_race import Arena, Track

__all__ = ["Plan", "run"]

_TELL_S = 5.0


@dataclass(frozen=True)
class Plan:
    """What a run does. All that is random comes from `seed`, except who wins a race."""

    races: int = 1000
    seed: int = 1
    kills: int = 12
    """Of gate workers."""
    freezes: int = 1
    """Gate workers that stand still until another has taken over, and then go on as if nothing had been."""
    seats: int = 24
    """Races at once, each about a child of its own."""
    mutant: str = ""
    """A gate that is broken on purpose (`linear_mutant`); empty: the real one."""

    @property
    def moments(self) -> list[tuple[int, float, str]]:
        """(after so many races began, seconds later, what is killed), in order; the freezes come first."""
        chance = random.Random(self.seed)
        gates = [f"gate-{n}" for n in range(WORKERS)]
        named = [(0.05, 0.2, FREEZE + chance.choice(gates)) for _ in range(self.freezes)]
        step = 0.77 / max(1, self.kills)
        named += [(0.2 + n * step, 0.2 + (n + 1) * step, gates[n % WORKERS]) for n in range(self.kills)]
        return sorted((int(self.races * chance.uniform(*span)), chance.uniform(0, 1), who) for *span, who in named)


def run(plan: Plan, folder: Path, tell: Callable[[str], None]) -> list[str]:
    """Play a plan in an empty folder; return what does not hold, nothing where all is well."""
    arena = Arena(folder, tell, plan.mutant)
    # A broken gate is a test: it is not installed, and the hub's children start with `-P`.
    path = {"PYTHONPATH": str(Path(__file__).parents[2])} if plan.mutant else {}
    with patch.dict(os.environ, path):
        try:
            arena.up()
            tell(f"up; seed {plan.seed}, {plan.races} races")
            failures, figures = _run(plan, arena)
        finally:
            arena.down()
    for name, value in ({"seed": plan.seed} | figures).items():
        tell(f"  {name:38}{value:>9}")
    return failures


def _run(plan: Plan, arena: Arena) -> tuple[list[str], dict[str, int]]:
    track = Track(arena, plan.seed, plan.races)
    began = time.monotonic()
    asyncio.run(_play(plan, arena, track))
    took = time.monotonic() - began
    seen = gather(arena.home, arena.parties, track.said, track.consents)
    failures, figures = judge(seen, track.races)
    more, others = check(seen)
    freezes = sum(count for victim, count in arena.kills.items() if victim.startswith(FREEZE))
    if arena.takeovers < freezes:
        failures.append(f"{arena.takeovers} of {freezes} workers that stood still were taken over from")
    figures |= others | {"kills": sum(arena.kills.values()) - freezes, "freezes": freezes}
    figures |= {"partitions taken by a worker": arena.lanes(), "seconds": round(took)}
    figures["checked in seconds"] = round(time.monotonic() - began - took)
    return failures + more, figures


async def _play(plan: Plan, arena: Arena, track: Track) -> None:
    async with arena.connected():
        killing = asyncio.create_task(_kill(plan, arena, track))
        telling = asyncio.create_task(_tell(arena, track))
        try:
            await track.run(plan.seats)
            await killing
            await arena.rest()
        finally:
            killing.cancel()
            telling.cancel()


async def _kill(plan: Plan, arena: Arena, track: Track) -> None:
    for place, pause, victim in plan.moments:
        await track.reached(place)
        await arena.running(victim)
        await asyncio.sleep(pause)
        arena.tell(victim if victim.startswith(FREEZE) else f"kill -9 {victim}")
        await asyncio.to_thread(arena.kill, victim, pause)


async def _tell(arena: Arena, track: Track) -> None:
    while True:
        await asyncio.sleep(_TELL_S)
        arena.tell(f"{track.begun:7} races begun, {len(track.races):6} done")


def main() -> int:
    """Run a plan from the command line; return 0 where all holds."""
    each = argparse.ArgumentParser(prog="python -m tests.kafka.linear", description=(__doc__ or "").splitlines()[0])
    each.add_argument("--races", type=int, default=Plan.races)
    each.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    each.add_argument("--kills", type=int, default=Plan.kills, help="of gate workers")
    each.add_argument("--freezes", type=int, default=Plan.freezes, help="of gate workers, until another takes over")
    each.add_argument("--seats", type=int, default=Plan.seats, help="races at once")
    each.add_argument("--mutant", choices=MUTANTS, default="", help="run a gate that is broken on purpose")
    each.add_argument("--keep", action="store_true", help="keep the folder with data and logs")
    options = vars(each.parse_args())
    keep = options.pop("keep")
    return report(lambda folder, tell: run(Plan(**options), folder, tell), keep=keep)


if __name__ == "__main__":
    sys.exit(main())
