"""What must hold after the races, by the gate's own stamped records: the audit's order, and each inbox's.

    failures, figures = judge(seen, races)

`fault_checks.check` says the rest: no permit on a consent that was closed, one answer each, nothing lost or twice.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from samband.connectors.party import Party
from samband.streams.inbox import Accept
from samband.streams.topics import inbox
from tests.kafka.fault_checks import Entry, Evidence, read_topic
from tests.kafka.linear_race import DISCLOSER, Race

__all__ = ["Result", "judge", "one_sided", "wrong_with"]

LEAST_SHARE: Final = 0.05
"""Both must win at least so many of the races at one moment, or the run tried one order only."""


@dataclass(frozen=True, slots=True)
class Result:
    """One race as the audit tells it, with places in the partition's order."""

    race: Race
    message: Entry
    withdrawal: Entry
    after: Entry
    handed_over: int
    """Place of the receipt that says so, 0 for none."""
    recalled: int

    @property
    def message_won(self) -> bool:
        """Say whether the message was decided before the withdrawal."""
        return self.message.seq < self.withdrawal.seq


def judge(seen: Evidence, races: Sequence[Race]) -> tuple[list[str], dict[str, int]]:
    """Return what does not hold, with message ids, and the races' figures."""
    failures: list[str] = []
    results: list[Result] = []
    by_id = _by_id(seen)
    for race in races:
        try:
            results.append(_replay(race, by_id))
        except LookupError:
            failures.append(f"{race.message.hex()}: message, withdrawal and the message after have not one answer each")
    for result in results:
        failures += wrong_with(result)
        failures += _told(result.race, seen)
    for name, party in seen.parties.items():
        failures += _inbox(name, party, seen)
    counts = Counter(result.message_won for result in results if result.race.covers and not result.race.late)
    failures += one_sided(counts[True], counts[False])
    return failures, _figures(results, counts)


def one_sided(by_message: int, by_withdrawal: int) -> Iterator[str]:
    """Say so where one side won next to all races: the other order was not tried."""
    races = by_message + by_withdrawal
    for who, won in (("message", by_message), ("withdrawal", by_withdrawal)):
        if won < LEAST_SHARE * races or not won:
            yield f"the {who} won {won} of {races} races: too few to have tried that order"


def _by_id(seen: Evidence) -> dict[tuple[str, bytes], list[Entry]]:
    """Return the audit by (kind, message), where receipts and recalls stand under the message that they are about."""
    found: defaultdict[tuple[str, bytes], list[Entry]] = defaultdict(list)
    for entry in seen.audit:
        record = entry.record
        about = record.subject if record.kind in ("receipt", "recall") else None
        found[f"{record.kind} {record.outcome}" if about else record.kind, about or record.message_id].append(entry)
    return found


def _replay(race: Race, by_id: dict[tuple[str, bytes], list[Entry]]) -> Result:
    """Return a race as the audit tells it.

    Raises:
        LookupError: an answer is missing, or stands twice.
    """

    def only(kind: str, message_id: bytes) -> Entry:
        found = by_id.get((kind, message_id), [])
        if len(found) != 1:
            raise LookupError(kind)
        return found[0]

    def place(kind: str) -> int:
        return next((entry.seq for entry in by_id.get((kind, race.message), [])), 0)

    return Result(
        race,
        only("decision", race.message),
        only("event", race.withdrawal),
        only("decision", race.after),
        place("receipt handed_over"),
        place("recall recalled"),
    )


def wrong_with(result: Result) -> Iterator[str]:
    """Decided before the withdrawal: permitted, and handed over by then or recalled. After it: denied."""
    race, message, taken = result.race, result.message, result.withdrawal
    name = f"{race.message.hex()} ({race.scope}, by {race.by})"
    if len({each.partition for each in (message, taken, result.after)}) != 1:
        yield f"{name}: what concerns one child is not in one partition"
    if result.after.seq < taken.seq:
        yield f"{name}: the message after the receipt was decided before the withdrawal"
    if not race.covers:
        if result.recalled:
            yield f"{name}: recalled by a withdrawal that does not concern it"
        return
    if result.after.record.outcome == "permit":
        yield f"{race.after.hex()} ({race.scope}, by {race.by}): permitted after the receipt of the withdrawal"
    if result.message_won != (message.record.outcome == "permit"):
        order = "before" if result.message_won else "after"
        yield f"{name}: {message.record.outcome} {order} the withdrawal"
    if result.message_won:
        in_time = 0 < result.handed_over < taken.seq
        if in_time == (result.recalled > taken.seq):
            places = f"withdrawn at {taken.seq}, handed over at {result.handed_over}, recalled at {result.recalled}"
            yield f"{name}: {places}"
    elif result.handed_over or result.recalled:
        yield f"{name}: handed over or recalled, and was never permitted"


def _told(race: Race, seen: Evidence) -> Iterator[str]:
    """The withdrawing party has the gate's receipt once, and so has the sender for each of its messages."""
    for party, message_id in ((race.by, race.withdrawal), (DISCLOSER, race.message), (DISCLOSER, race.after)):
        kinds = [step.kind for step in seen.parties[party].store.steps(message_id)]
        if kinds.count("event") + kinds.count("decision") != 1:
            yield f"{message_id.hex()}: `{party}` was told {kinds}"


def _inbox(name: str, party: Party, seen: Evidence) -> Iterator[str]:
    """What a party is told of a partition stands in the audit, and comes in the audit's order."""
    audit = {each.entry: (each.partition, each.seq) for each in seen.audit}
    accept = Accept(
        directory=party.directory,
        party=name,
        agreement=party.root.agreement,
        hop=party.hop,
        content=party.content,
        reference=party.references,
    )
    last: defaultdict[int, int] = defaultdict(int)
    for value in read_topic(seen.home, inbox(name)):
        received = accept.open(value)
        entries = [received.entry, *(entry for _, entry in received.more)] if received.stamp else []
        for entry in entries:
            partition, seq = audit.get(entry, (-1, 0))
            if partition != received.down.partition or seq <= last[partition]:
                yield f"inbox of `{name}`: {seq} of partition {partition} after {last[partition]}"
            last[partition] = seq


def _figures(results: Sequence[Result], counts: Counter[bool]) -> dict[str, int]:
    covered = [result for result in results if result.race.covers]
    won = [result for result in covered if result.message_won]
    close = [result for result in results if not result.race.late]
    apart = [abs(each.message.record.appended_at - each.withdrawal.record.appended_at) for each in close]
    scopes = Counter(f"  withdrawn by scope {each.race.scope}" for each in covered)
    by = Counter(f"  withdrawn by {each.race.by}" for each in results)
    return {
        "races": len(results),
        "  at one moment, won by the message": counts[True],
        "  at one moment, won by the withdrawal": counts[False],
        "  withdrawn later": len(results) - len(close),
        "  withdrawn beside the message": len(results) - len(covered),
        **dict(sorted(scopes.items())),
        **dict(sorted(by.items())),
        "permitted before the withdrawal": len(won),
        "  and handed over before it": sum(0 < each.handed_over < each.withdrawal.seq for each in won),
        "  and recalled": sum(each.recalled > 0 for each in won),
        "  and recalled on their way over": sum(each.recalled > 0 and each.handed_over > 0 for each in won),
        "apart at the broker, median ms": round(statistics.median(apart or [0])),
        "  in the same ms": apart.count(0),
        "  decided at once": sum(each.message.record.decided_at == each.withdrawal.record.decided_at for each in close),
    }
