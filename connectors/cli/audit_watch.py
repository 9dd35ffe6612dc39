"""`samband audit watch`: follow the log from outside its hub, and say when it contradicts itself, is quiet or alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from samband.connectors.cli.terminal import Answer, As, Exit, Json, bad, emit, home_of, moment
from samband.connectors.cli.words import either

if TYPE_CHECKING:
    from samband.connectors.logwatch import Alarm, Look, Seen, Trust
    from samband.connectors.party import Party
    from samband.streams.directory import Directory
    from samband.streams.root import Root

__all__ = ["watch"]

_MINUTE_MS: Final = 60_000


def watch(
    folder: Annotated[
        Path | None, typer.Option(help="A copy of a log's folder; else the hub's own, or the party's mirror.")
    ] = None,
    key: Annotated[str, typer.Option(metavar="VKEY", help="The log's public key, from somebody you trust.")] = "",
    witness: Annotated[
        list[str] | None, typer.Option(metavar="VKEY", help="With --key: a witness's public key.")
    ] = None,
    who: As = "",
    state: Annotated[Path | None, typer.Option(metavar="FILE", help="What was seen last is kept here.")] = None,
    cosigned: Annotated[
        int, typer.Option(min=0, help="How many witnesses a checkpoint needs.", show_default="as the settings say")
    ] = 0,
    quiet: Annotated[int, typer.Option(min=1, help="Minutes without anything new, or without witnesses.")] = 75,
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks.")] = 10.0,
    once: Annotated[bool, typer.Option("--once", help="Look once, for a timer.")] = False,
    as_json: Json = False,
) -> None:
    """Follow the log's checkpoints: size, age of the newest cosignature, who cosigned; a line for each new one.

    Each continues the last one seen, which is kept on disk with the log's signature. Alarms, exit code 10: two pasts
    (both checkpoints are kept as evidence) or a shorter log end it at once; a quiet log, too few cosignatures, leaves
    that nobody witnesses. With --as a party watches its own mirror, which its connector reads from Kafka, and the
    directory for keys in its own name that are not its own.
    """
    from samband.connectors.logwatch import ENDS, Seen, look_at, own_matters

    said: set[Alarm] = set()
    alarmed = False
    try:
        while True:
            now = time.time_ns() // 1_000_000
            read, trust, path, party = _watched(folder, key, witness or [], who, state, cosigned, quiet)
            seen = Seen.read(path)
            look = look_at(read.read, trust, seen, now)
            if party is not None:
                look.seen, more = own_matters(party, look.seen, now)
                look.alarms += more
                party.store.close()
            if any(each.code in ENDS for each in look.alarms):
                _evidence(path, seen, read.read, now)
            look.seen.write(path)
            alarmed = alarmed or bool(look.alarms)
            if as_json:
                if once or look.new or set(look.alarms) - said:
                    _told(look, now)
            else:
                _show(look, now, said, once=once)
            said = set(look.alarms)
            if once or any(each.code in ENDS for each in look.alarms):
                break
            time.sleep(every)
    except KeyboardInterrupt:
        pass
    if alarmed:
        raise Answer(Exit.DENIED)


def _watched(
    folder: Path | None, key: str, texts: list[str], who: str, state: Path | None, cosigned: int, quiet: int
) -> tuple[Any, Trust, Path, Party | None]:
    """Return the folder, what to believe, where to keep what was seen, and the party that watches."""
    from samband.connectors.logwatch import Trust
    from samband.streams.crypto.keys import Realm
    from samband.streams.log.checkpoint import Policy, key_from, witness_from
    from samband.streams.log.folder import LogFolder

    if key:
        origin, found = key_from(key)
        if folder is None:
            raise bad("--key goes with --folder")
        try:
            realm = Realm(bytes.fromhex(origin.rpartition("/")[2]))
        except ValueError:
            raise bad("the log's name ends with its realm") from None
        witnesses = [witness_from(each, realm) for each in texts]
        policy = Policy(cosigned or max(len(witnesses), 1))
        trust = Trust([found], origin, witnesses, policy, quiet * _MINUTE_MS)
        return LogFolder(folder), trust, state or folder.with_name(f"{folder.name}.watch.json"), None
    if texts:
        raise bad("--witness goes with --key: without it the directory names the witnesses")
    party = None
    if who:
        party = _fresh(who)
        where, kept = folder or party.folder / "log", party.folder / "watch.json"
        choice: Any = party.settings.log
        root, directory = party.root, party.directory
    else:
        home = home_of()
        where, kept = folder or home.hub / "log-tiles", home.hub / "run" / "watch.json"
        choice, root, directory = home.settings.log, home.root, home.directory(time.time_ns() // 1_000_000)
    policy = Policy(cosigned or max(choice.witnesses, 1), choice.operator)
    return LogFolder(where), _trust(root, directory, policy, quiet), state or kept, party


def _fresh(who: str) -> Party:
    """Open a party as it stands now: keys and directory change while one watches."""
    from samband.connectors.cli.terminal import config_of
    from samband.connectors.party import Party as Opened

    return Opened.load(config_of(who))


def _trust(root: Root, directory: Directory, policy: Any, quiet: int) -> Trust:
    from samband.connectors.logwatch import Trust
    from samband.streams.crypto.keys import Purpose, VerifyKey
    from samband.streams.log.checkpoint import origin_of
    from samband.streams.log.witnessed import witnesses_of

    keys = [each.key for each in directory.keys.values()
            if each.card.purpose == Purpose.LOG and isinstance(each.key, VerifyKey)]  # fmt: skip
    witnesses = witnesses_of(root, directory, None)
    return Trust(keys, origin_of(root.realm, root.agreement), witnesses, policy, quiet * _MINUTE_MS)


def _evidence(path: Path, seen: Seen, read: Any, now: int) -> None:
    """Keep what was seen before and what is shown now, beside the state."""
    from samband.streams.log.tiles import CHECKPOINT
    from samband.streams.log.verify import WITNESSED
    from samband.streams.snapshot import write_whole

    if path.with_name(f"{path.name}.evidence").exists():
        return  # the first contradiction is kept
    found = [seen.note]
    for name in (CHECKPOINT, WITNESSED):
        try:
            found.append(read(name))
        except FileNotFoundError:
            found.append(b"")
    write_whole(path.with_name(f"{path.name}.evidence"), f"{now}\n\n".encode() + b"\n".join(found))


_ALARMS: Final = {
    "LOG_FORK": ("loggen motsäger sig: två historier är signerade", "the log contradicts itself: two pasts are signed"),
    "LOG_ROLLED_BACK": ("loggen är kortare än den var", "the log is shorter than it was"),
    "LOG_QUIET": ("inget nytt i loggen", "nothing new in the log"),
    "LOG_COSIGNATURES": ("för få vittnen", "too few witnesses"),
    "LOG_COSIGNATURES_OWN": ("bara driftorganisationens egna vittnen", "only the operator's own witnesses"),
    "LOG_UNWITNESSED": ("loggposter som ingen bevittnar", "leaves that nobody witnesses"),
    "LOG_MISSING": ("det finns ingen logg där", "there is no log there"),
    "OWN_KEY": ("en nyckel i ert namn som inte finns här: samband keys revoke",
                "a key in your name that is not here: samband keys revoke"),
    "OWN_ROOT": ("kortet i ert namn har en annan rotnyckel: fråga avtalets myndighet",
                 "the card in your name has another root key: ask the agreement's authority"),
}  # fmt: skip


def _show(look: Look, now: int, said: set[Alarm], *, once: bool) -> None:
    if look.new or once:
        names = ", ".join(look.witnesses) or "–"
        age = "–" if look.age_ms is None else _age(look.age_ms)
        told = either(f"{look.size} loggposter, bevittnad till {look.witnessed} av {names}, för {age} sedan",
                      f"{look.size} leaves, witnessed up to {look.witnessed} by {names}, {age} ago")  # fmt: skip
        print(f"{moment(now)}  {told}", flush=True)
    for each in look.alarms:
        if each not in said:
            words = either(*_ALARMS.get(each.code, (each.code, each.code)))
            typer.secho(f"{moment(now)}  {words} [{each.code}] {each.about}".rstrip(), fg=typer.colors.RED, bold=True)
    for each in said - set(look.alarms):
        typer.secho(f"{moment(now)}  {either('över', 'over')} [{each.code}]", fg=typer.colors.GREEN)


def _age(ms: int) -> str:
    seconds = max(ms, 0) // 1000
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def _told(look: Look, now: int) -> None:
    emit({"at": now, "size": look.size, "new": look.new, "witnessed": look.witnessed,
          "witnesses": list(look.witnesses), "age_ms": look.age_ms,
          "alarms": [each._asdict() for each in look.alarms]})  # fmt: skip
