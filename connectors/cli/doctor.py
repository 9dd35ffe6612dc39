"""`samband doctor`: is everything in order here, and if not, what to do. Each line is one check."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from samband.connectors.cli.doctor_trust import FAIL, OK, WARN, Check, certificate, head, hub_keys, trust
from samband.connectors.cli.environment import environment_words
from samband.connectors.cli.terminal import Answer, As, Exit, Json, emit, home_of, moment, party_of, table
from samband.schemas.errors import OperatorError, SambandError

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.streams.authority import Home
    from samband.streams.directory import Directory
    from samband.streams.keyfile import KeyFolder

__all__ = ["Check", "doctor", "hub_checks", "party_checks"]

_SOON: Final = timedelta(days=30)
_ROOM_MIB: Final = 512


def doctor(who: As = "", as_json: Json = False) -> None:
    """Check the hub on this machine, or with --as a party's connector: files, rights, dates, Kafka, gate, counters.

    Exit code 3 when a check fails; a warning is no failure.
    """
    checks = list(_guarded(_party_checks(party_of(who)) if who else _hub_checks(home_of())))
    if as_json:
        emit([asdict(each) for each in checks])
    else:
        colour = {OK: "green", WARN: "yellow", FAIL: "red"}
        table(
            ("", "check", "found", "way out"),
            [(each.state, each.check, each.found, each.way_out) for each in checks],
            row_styles=[colour[each.state] for each in checks],
        )
    if any(each.state == FAIL for each in checks):
        raise Answer(Exit.OPERATOR)


def hub_checks(home: Home) -> list[Check]:
    """Return every check of the hub on this machine."""
    return list(_guarded(_hub_checks(home)))


def party_checks(party: Party) -> list[Check]:
    """Return every check of a party's connector."""
    return list(_guarded(_party_checks(party)))


def _guarded(checks: Iterator[Check]) -> Iterator[Check]:
    """Turn an error within a check into its last line."""
    try:
        yield from checks
    except SambandError as error:
        yield Check("files", FAIL, f"{error.message} [{error.code}]", error.hint)


def _hub_checks(home: Home) -> Iterator[Check]:
    from samband.connectors.cli import doctor_access
    from samband.streams.authority import PRINCIPALS
    from samband.streams.hub import is_running
    from samband.streams.keyfile import KeyFolder

    yield _disk(home.path)
    yield Check("environment", OK, environment_words(home.root))
    for name, folder in (("hub keys", home.hub / "keys"), ("root key", home.authority)):
        yield _rights(name, folder)
    yield _at_rest(
        KeyFolder(home.hub / "keys", home.root.realm), KeyFolder(home.hub / "keys" / "audit", home.root.realm)
    )
    yield Check("root key", WARN, "it lies on this machine", f"keep {home.authority} offline in a real deployment")
    _ = home.hub_keys.secret("store")
    for principal in PRINCIPALS:
        tls = home.kafka(principal)
        yield certificate(f"certificate {principal}", (tls.certificate, tls.key, tls.ca), principal)
    directory = home.directory(time.time_ns() // 1_000_000)
    yield from head(directory, time.time_ns() // 1_000_000)
    yield from hub_keys(directory)
    yield _rules(directory)
    yield (reached := _port(home.bootstrap))
    yield from doctor_access.hub_checks(home, reached=reached.state == OK)
    running = is_running(home)
    yield Check(
        "hub", OK if running else FAIL, "running" if running else "not running", "" if running else "samband hub up"
    )
    if running and reached.state == OK:
        yield from _hub_answers(home)


def _rules(directory: Directory) -> Check:
    """Say which rules hold, and whether the lawyers have confirmed them."""
    held = directory.rules.at(time.time_ns() // 1_000_000)
    if held is None:
        return Check("rules", FAIL, "no rules are in force, so nothing is permitted", "samband rules publish FILE")
    unverified = len(held.rulebook.unverified())
    told = f"version {held.number}, " + (f"{unverified} permitting rows not verified" if unverified else "all verified")
    hint = "a production gate refuses them; have the lawyers verify them" if unverified else ""
    return Check("rules", WARN if unverified else OK, told, hint)


def _hub_answers(home: Home) -> Iterator[Check]:
    from samband.connectors.cli import quarantine
    from samband.connectors.cli.hub import gate_partitions
    from samband.streams.derived.track import ask_summary

    yield _records(home)
    yield quarantine.check(home)
    taken, shards = gate_partitions(home), home.root.shards
    yield Check("gate", OK if taken == shards else FAIL, f"{taken} of {shards} partitions in work",
                "" if taken == shards else f"{home.hub}/log/gate-0.log")  # fmt: skip
    yield from _gate_stands(home)
    yield from _witnesses(home)
    try:
        found = ask_summary(home)
    except OperatorError as error:
        yield Check("derived streams", FAIL, error.message, f"{home.hub}/log/derived.log")
        return
    unreadable = int(found.get("unreadable", 0))
    yield Check("derived streams", WARN if unreadable else OK, f"{unreadable} audit records unreadable",
                "compare with samband audit list" if unreadable else "")  # fmt: skip


def _gate_stands(home: Home) -> Iterator[Check]:
    """Say whether a partition stands still on its state, and whether the log contradicts itself."""
    from prometheus_client.parser import text_string_to_metric_families

    found: set[tuple[str, str]] = set()
    for path in sorted((home.hub / "run" / "metrics").glob("gate-*.prom")):
        with contextlib.suppress(OSError, ValueError):  # it goes when its process ends
            found |= {(sample.name, sample.labels.get("partition", ""))
                      for family in text_string_to_metric_families(path.read_text("utf-8"))
                      for sample in family.samples if sample.value}  # fmt: skip
    if still := sorted(number for name, number in found if name == "samband_gate_stopped"):
        yield Check("gate state", FAIL, f"partitions {', '.join(still)} stand still: their state is not the logged one",
                    "docs/operate.md, The gate stops on its state")  # fmt: skip
    if ("samband_gate_log_contradicts", "") in found:
        yield Check("gate's log", FAIL, "the log has shown the gate two states that contradict each other",
                    "samband audit verify; compare with a party's: samband doctor --as PARTY")  # fmt: skip


def _witnesses(home: Home) -> Iterator[Check]:
    """Say which witness is behind, and which has cosigned another log."""
    from samband.connectors.console.tree import stands_of

    stands = stands_of(home, home.directory(time.time_ns() // 1_000_000))
    for each in stands:
        if each.state == "disagrees":
            yield Check("log witness", FAIL, f"`{each.name}` has cosigned another log of {each.size} entries",
                        "it was shown another, or lies: look at its log/evidence; samband audit verify")  # fmt: skip
    if late := [each.name for each in stands if each.state == "behind"]:
        yield Check("log witnesses", WARN, f"behind: {', '.join(late)}", "ask them: samband doctor --as PARTY says why")


def _records(home: Home) -> Check:
    """Say whether the keeper has met anything that must not happen."""
    from samband.streams.records import opened

    with opened(home) as store:
        alarms = store.counts()
    told = ", ".join(f"{count} {kind}" for kind, count in alarms.items())
    return Check("records", WARN if alarms else OK, told or "no alarm", "samband audit check" if alarms else "")


def _party_checks(party: Party) -> Iterator[Check]:
    from samband.connectors.cli import doctor_access
    from samband.streams.keyfile import KeyFolder

    yield _disk(party.folder)
    yield Check("environment", OK, environment_words(party.root))
    yield _rights("keys", party.folder / "keys")
    yield _at_rest(
        KeyFolder(party.folder / "keys", party.root.realm), way_out=f"samband keys encrypt --as {party.name}"
    )
    tls = party.settings.kafka
    yield certificate("certificate", (tls.certificate, tls.key, tls.ca), party.name)
    reached = _port(party.settings.kafka.bootstrap)
    yield reached
    yield from doctor_access.party_checks(party, reached=reached.state == OK)
    if reached.state == OK:
        yield _attempt("Kafka", lambda: _metadata(party), "is the certificate of this hub's authority?")
    yield from trust(party)
    yield _attempt("adapters", lambda: f"{len(party.adapters())} usable", "look at [[adapter]] in connector.toml")
    without = [each.id for each in party.units if each.id not in {adapter.unit for adapter in party.settings.adapter}]
    if without:
        yield Check(
            "adapters", WARN, f"none for {', '.join(without)}", "add one to connector.toml, or use samband inbox"
        )
    yield from _references(party)
    yield from _store(party)


def _references(party: Party) -> Iterator[Check]:
    """Say which child-reference key is in use, and how far recording anew under the next one has come."""
    from samband.connectors.anew import Anew

    now, epochs = time.time_ns() // 1_000_000, party.directory.epochs
    if missing := [e for e in epochs.begins if e >= epochs.current(now) and e not in party.references]:
        way_out = "samband connect takes it; else, at the authority: samband hub keys rotate-reference --again"
        yield Check("child references", FAIL, f"the key of epoch {missing[-1]} is not here", way_out)
        return
    found = Anew(party).progress(now)
    if found is None:
        yield Check("child references", OK, f"epoch {party.epoch(now)}")
        return
    e, progress = found
    words = f"epoch {e}, {progress.done} recorded anew, {progress.waiting} on their way, {progress.left} left"
    if progress.refused:
        words += f", {progress.refused} refused"
    unready = progress.left or progress.waiting or progress.refused
    way_out = "the connector goes on by itself; what somebody doubts waits until that is settled" if unready else ""
    yield Check("child references", WARN if unready else OK, words, way_out)


def _store(party: Party) -> Iterator[Check]:
    store = party.store
    yield from _alarms(party)
    waiting = store.open_count()
    yield Check("outbox", WARN if waiting > 100 else OK, f"{waiting} messages that the gate has not decided",
                "does the connector run, and the hub?" if waiting > 100 else "")  # fmt: skip
    for name, check, words, way_out in (
        (
            "incident",
            "inbox incidents",
            "inbox records refused",
            "tell the hub's operator: somebody writes what is not the gate's",
        ),
        (
            "box_repeat",
            "inbox repeats",
            "inbox records repeated",
            "nothing was handed over twice; tell the hub's operator",
        ),
    ):
        count = store.number(f"count/{name}") or 0
        yield Check(check, WARN if count else OK, f"{count} {words}", way_out if count else "")
    if party.settings.notice is not None:
        yield _notice(party)
    stuck = [row for row in store.letters("waiting") if row.changed < time.time() * 1000 - 600_000]
    yield Check("hand-over", WARN if stuck else OK, f"{len(stuck)} letters wait more than ten minutes",
                "is the party's own system there?" if stuck else "")  # fmt: skip


def _notice(party: Party) -> Check:
    """Say whether the mail notices of the units at the desk go."""
    from samband.connectors.notice import failing

    if found := list(failing(party)):
        codes = ", ".join(sorted({each.code for each in found}))
        told = f"not taken since {moment(min(each.since for each in found))} [{codes}]"
        return Check("mail notice", WARN, told, "nothing is lost, and it is tried again; docs/desk.md, Mail")
    return Check("mail notice", OK, "none fails")


def _log(party: Party) -> Iterator[Check]:
    """Say what is wrong with the log, as this party sees it."""
    from samband.connectors import watch, witness
    from samband.connectors.mirror import how_forked

    store = party.store
    if watch.alarm(store, witness.FORK):
        found = _FOUND.get(how_forked(party.folder / "log"), "the log has shown two states that contradict each other")
        yield Check("log", FAIL, found,
                    f"evidence is in {party.folder / 'log' / 'evidence'}: show it to the other parties")  # fmt: skip
    if watch.alarm(store, witness.ROLLED_BACK):
        yield Check("log witness", FAIL, "this store is older than what it has cosigned: it cosigns no more",
                    "samband keys rotate makes its next witness key, when it is known why")  # fmt: skip
    if watch.alarm(store, witness.WITHHELD):
        yield Check("log", FAIL, "the gate knows more of the log than comes here",
                    "tell the hub's operator and the other parties: the log is withheld from this party")  # fmt: skip
    late = store.number("late_entries") or 0
    if watch.alarm(store, witness.TICK_OFF):
        yield Check("log entries", FAIL, f"{late} decisions were stamped and are not in the log",
                    "tell the hub's operator and the other parties: it is behind, or hides a decision")  # fmt: skip
    else:
        yield Check("log entries", OK, f"{store.number('ticked') or 0} decisions ticked off in the log")


def _alarms(party: Party) -> Iterator[Check]:
    """Say what does not come, and who else speaks with this store's numbers."""
    from samband.connectors import watch
    from samband.connectors.boxes import gaps
    from samband.connectors.receive import REVOKED
    from samband.connectors.waiting import waiting

    store, now = party.store, time.time_ns() // 1_000_000
    partitions = range(party.root.shards)
    if silent := [number for number in partitions if watch.alarm(store, str(number))]:
        yield Check("gate heads", FAIL, f"no sign of life from gate partitions {', '.join(map(str, silent))}",
                    "ask the hub's operator: the gate is down, the broker withholds, or a clock is wrong")  # fmt: skip
    else:
        heard = [store.number(f"head/{number}") for number in partitions]
        oldest = min((each for each in heard if each), default=0)
        told = f"each partition heard since {moment(oldest)}" if all(heard) else "not every partition was heard yet"
        yield Check("gate heads", OK, told)
    if watch.alarm(store, watch.DIRECTORY):
        yield Check("directory records", FAIL, "the gate decides by cards that are not here",
                    "tell the hub's operator: directory records are withheld")  # fmt: skip
    yield from _log(party)
    missing = gaps(store)
    yield Check("inbox gaps", WARN if missing else OK, f"{len(missing)} gaps in what the gate wrote",
                "samband inbox gaps; tell the hub's operator: withheld or lost" if missing else "")  # fmt: skip
    late = [each for each in waiting(party, now) if each.late]
    handed = sum(each.state == "permitted" for each in late)
    yield Check("decisions", WARN if len(late) > handed else OK, f"{len(late) - handed} messages not answered in time",
                "samband waiting; does the connector run, and the hub?" if len(late) > handed else "")  # fmt: skip
    yield Check("receipts", WARN if handed else OK, f"{handed} messages not handed over within a day",
                "samband waiting; ask the recipient: they go on by themselves" if handed else "")  # fmt: skip
    if refused := store.numbers(REVOKED):
        yield Check("taken back", WARN, f"{len(refused)} records came under a key that was taken back, last "
                    f"{moment(max(refused.values()))}",
                    "they were not believed: ask the senders by telephone what they have sent")  # fmt: skip
    for key, name, told, way_out in _ONCE:
        if at := store.number(key):
            yield Check(name, WARN, f"{told}, last {moment(at)}", way_out)


_FOUND: Final = {
    "checkpoint": "the log's checkpoints contradict each other: its later one does not begin with what this party has",
    "asked": "the log asked for a cosignature on another state than this party was shown",
    "checkpoint.witnessed": "other witnesses have cosigned another state of the log than this party was shown",
    "head": "the gate was shown another state of the log than this party: its head names it",
}
"""Who found that the log is forked, and how, by `how_forked`."""

_ONCE: Final = (
    ("cloned/at", "cloned store", "somebody else spoke in this party's name",
     "stop the other connector; is none yours, report the party's keys as stolen"),
    ("restored/at", "restored store", "the store was older than what it had said",
     "what was undecided went again; what came since the backup may be handed over again"),
    ("inbox_cut/at", "inbox cut", "the inbox ended before what was read",
     "tell the hub's operator: the broker lost records, or the topic was made anew"),
)  # fmt: skip
"""What happened once and somebody must know of: (when, check, found, way out)."""


def _disk(path: Path) -> Check:
    free = shutil.disk_usage(path).free >> 20
    return Check("disk", OK if free > _ROOM_MIB else FAIL, f"{free} MiB free", "" if free > _ROOM_MIB else "free some")


def _rights(name: str, folder: Path) -> Check:
    """Nobody but the owner may read a key."""
    paths = [folder, *folder.rglob("*.key")]
    open_ones = [path for path in paths if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]
    if open_ones:
        return Check(name, FAIL, f"{len(open_ones)} can be read by others", f"chmod -R go= {folder}")
    return Check(name, OK, f"{len(paths) - 1} files, the owner's only")


def _at_rest(*folders: KeyFolder, way_out: str = "samband keys encrypt, while the hub is down") -> Check:
    """Whoever copies the disk should not have the keys."""
    plain = sum(each.plain_files() for each in folders)
    left = sum(each.leftovers() for each in folders)
    if plain or left:
        told = [f"{plain} key files are not encrypted"] * bool(plain) + [f"{left} left by a crash"] * bool(left)
        return Check("keys at rest", WARN, ", ".join(told), way_out)
    return Check("keys at rest", OK, "encrypted")


def _port(bootstrap: str) -> Check:
    host, _, port = bootstrap.partition(",")[0].rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=3):
            return Check("Kafka port", OK, bootstrap)
    except (OSError, ValueError):
        return Check("Kafka port", FAIL, f"{bootstrap} does not answer", "is the hub up, and the network?")


def _metadata(party: Party) -> str:
    """Ask Kafka what this party sees: proves network, certificate and rights at once."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    try:
        seen = AdminClient({**party.settings.kafka.confluent(), "log_level": 0}).list_topics(timeout=8).topics
    except KafkaException as error:
        raise OperatorError("KAFKA_UNREACHABLE", "Kafka does not let this certificate in") from error
    return f"lets us in; {len(seen)} topics to be seen"


def _attempt(name: str, work: Callable[[], Any], way_out: str) -> Check:
    try:
        return Check(name, OK, str(work()))
    except SambandError as error:
        return Check(name, FAIL, f"{error.message} [{error.code}]", error.hint or way_out)
    except (OSError, ssl.SSLError) as error:
        return Check(name, FAIL, type(error).__name__, way_out)
