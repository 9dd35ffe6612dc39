"""Measure, print a table, write JSON: `python -m tests.bench`."""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from samband.schemas.errors import SambandError
from tests.bench.console import COUNT, REQUESTS, console_figures
from tests.bench.edges import edge_figures
from tests.bench.figures import Figure, percentile
from tests.bench.ground import Ground
from tests.bench.host import host_figures
from tests.bench.latency import latencies
from tests.bench.log import log_figures
from tests.bench.memory import decision_us, restart_s
from tests.bench.proofs import proof_figures
from tests.bench.speed import WORKERS, judge_us, rounds


def speed_figures(found: dict[str, list[dict[str, float]]]) -> list[Figure]:
    """Return ratios, as medians over the rounds of each round's own ratio, and medians."""
    rate = {name: [each["per_second"] for each in runs] for name, runs in found.items()}

    def ratio(other: str, gate: str = "gate") -> float:
        return statistics.median(ours / them for ours, them in zip(rate[gate], rate[other], strict=True))

    return [
        Figure("gate_vs_copy", ratio("copy"), target=0.5),
        Figure("gate_vs_faust", ratio("faust"), target=1.2),
        Figure("gate_workers", WORKERS["gate"], "as `samband hub up` starts here"),
        Figure("gate_one_vs_copy", ratio("copy", "gate_one")),
        Figure("gate_vs_untuned_copy", ratio("untuned_copy")),
        *(Figure(f"{name}_per_second", statistics.median(rate[name]), "messages/s") for name in rate),
        *(
            Figure(f"{name}_cpu_us", statistics.median(each["cpu_us"] for each in runs), "µs of its own CPU a message")
            for name, runs in found.items()
        ),
    ]


def latency_figures(ours: list[list[float]], copies: list[list[float]]) -> list[Figure]:
    """Return ratios, as medians over the rounds of each round's own ratio, and the figures over all rounds."""
    made = []
    for name, part in (("p50", 0.5), ("p99", 0.99)):
        each = [percentile(our, part) / percentile(copy, part) for our, copy in zip(ours, copies, strict=True)]
        made.append(Figure(f"latency_{name}_ratio", statistics.median(each), target=2.0, least=False))
    for name, part in (("p50", 0.5), ("p99", 0.99)):
        for who, times in (("latency", ours), ("copy_latency", copies)):
            made.append(Figure(f"{who}_{name}_ms", percentile([ms for each in times for ms in each], part), "ms"))
    return made


def memory_figures(ground: Ground, firsts: Sequence[bytes], count: int, say: Callable[[str], None]) -> list[Figure]:
    """Return what `count` consents cost: a decision, bytes, a restart; `firsts` are each partition's first record."""
    say(f"deciding among {count} consents")
    us, state_bytes, memory_bytes = decision_us(ground, count)
    fewest, most = us[min(us)], us[max(us)]
    say(f"restarting with {count} consents")
    spread, kafka_bytes = restart_s(ground, firsts, count, WORKERS["gate"])
    say(f"restarting with {count} consents in one partition")
    alone, _ = restart_s(ground, firsts[:1], count, 1)
    return [
        Figure("decision_us_1m", most, f"µs, median, {count:,} consents", target=10, least=False),
        Figure("decision_us_growth", most / fewest, f"from {min(us):,} to {max(us):,} children"),
        Figure("restart_s_1m", spread, "s from start until every partition has decided", target=10, least=False),
        Figure("restart_one_partition_s_1m", alone, "s, all in one partition, one worker"),
        Figure("bytes_per_consent", state_bytes, "bytes of state"),
        Figure("memory_bytes_per_consent", memory_bytes, "bytes of the gate's memory"),
        Figure("kafka_bytes_per_consent", kafka_bytes, "bytes of the state topic"),
        *(Figure(f"decision_us_{number}", each, "µs") for number, each in us.items()),
    ]


def table(figures: Sequence[Figure]) -> Table:
    """Return the figures as a table."""
    shown = Table(title="Samband beside a plain copy, a Faust passthrough and Tessera", title_justify="left")
    shown.add_column("figure")
    shown.add_column("value", justify="right")
    shown.add_column("target", justify="right")
    shown.add_column("")
    for each in figures:
        value = f"{each.value:,.0f}" if each.value >= 100 else f"{each.value:.2f}"
        bound = "" if each.target is None else f"{'≥' if each.least else '≤'} {each.target}"
        mark = "" if each.target is None else "[green]✓[/]" if each.ok else "[bold red]✗[/]"
        shown.add_row(each.name, f"{value} {each.unit}".strip(), bound, mark)
    return shown


def gate_figures(ground: Ground, arguments: argparse.Namespace, say: Callable[[str], None]) -> list[Figure]:
    """Return what the gate costs beside the others."""
    say(f"sealing {arguments.messages} messages")
    records = ground.sealed(arguments.messages)
    ground.load(records)
    figures = speed_figures(rounds(ground, arguments.messages, arguments.rounds, say))
    judging, sealing = judge_us(ground.home, records)
    size, firsts = len(records[0][0]), [values[0] for values in records]
    del records
    ours, copies = latencies(ground, size, arguments.seconds, arguments.rounds, say)
    remembered = memory_figures(ground, firsts, arguments.consents, say)
    return [
        *figures[:2],
        *latency_figures(ours, copies),
        *remembered,
        *figures[2:],
        Figure("judge_us", judging, "µs of CPU a message"),
        Figure("state_seal_us", sealing, "µs of CPU a message"),
        Figure("record_bytes", size, "bytes of an outbox record"),
    ]


def measure(arguments: argparse.Namespace, console: Console) -> list[Figure]:
    """Run everything that is asked for; what needs Kafka, on one."""
    with console.status("starting") as status:

        def say(line: str) -> None:
            status.update(line)
            if not console.is_terminal:
                console.print(line)

        figures: list[Figure] = []
        if arguments.only in (None, "gate", "log"):
            ground = Ground(say)
            try:
                if arguments.only in (None, "gate"):
                    figures += gate_figures(ground, arguments, say)
                if arguments.only in (None, "log"):
                    figures += log_figures(ground, arguments.leaves, arguments.rounds, say)
            finally:
                ground.close()
        if arguments.only in (None, "proofs"):
            figures += proof_figures(arguments.entries, say)
        if arguments.only in (None, "console"):
            figures += console_figures(arguments.decisions, arguments.pages, say)
        if arguments.only in (None, "host"):
            figures += host_figures(arguments.parties, say)
        if arguments.only in (None, "edges"):
            figures += edge_figures(arguments.messages, arguments.rounds, say)
        return figures


def main() -> int:
    """Measure and tell; 0 when every target is met, 1 when one is not, 2 when nothing could be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="where the figures go")
    parser.add_argument("--messages", type=int, default=24_000, help="records that each contender carries in a round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each measurement")
    parser.add_argument("--seconds", type=float, default=20, help="length of a latency round")
    parser.add_argument("--consents", type=int, default=1_000_000, help="consents that the gate remembers")
    parser.add_argument("--leaves", type=int, default=60_000, help="audit records that the log takes in a round")
    parser.add_argument("--entries", type=int, default=10_000_000, help="entries of the log that proofs come from")
    parser.add_argument("--decisions", type=int, default=COUNT, help="decisions that the console finds its way in")
    parser.add_argument("--pages", type=int, default=REQUESTS, help="requests of each kind of the console's pages")
    parser.add_argument("--parties", type=int, default=200, help="parties that one host serves")
    parser.add_argument("--only", choices=("gate", "log", "proofs", "console", "host", "edges"), help="one part alone")
    arguments = parser.parse_args()
    console = Console()
    try:
        figures = measure(arguments, console)
    except (SambandError, RuntimeError, TimeoutError) as error:
        console.print(f"samband: {error}", style="red", highlight=False)
        return 2
    console.print(table(figures))
    told = {
        **{each.name: round(each.value, 4) for each in figures},
        "ok": all(each.ok for each in figures),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "messages": arguments.messages,
        "rounds": arguments.rounds,
        "consents": arguments.consents,
        "latency_seconds": arguments.seconds,
        "leaves": arguments.leaves,
        "entries": arguments.entries,
        "decisions": arguments.decisions,
        "parties": arguments.parties,
        "only": arguments.only,
    }
    arguments.json.write_text(json.dumps(told, indent=2) + "\n", "utf-8")
    return 0 if told["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
