"""`samband audit watch`: whoever looks from outside is told of each way in which a log can fail them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.cli import main
from samband.connectors.logwatch import Seen, own_matters
from samband.schemas.errors import OperatorError
from samband.streams.crypto.keys import Purpose, SignKey
from samband.streams.log.checkpoint import key_text, witness_text
from samband.streams.log.folder import LogFolder
from samband.streams.log.verify import WITNESSED
from tests.gate.world import NOW, World
from tests.log.logs import KEY, ORIGIN, WITNESSES, Log, entries


class Watched:
    """A published log, and somebody who looks at it now and then."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = LogFolder(folder / "log"), capsys
        self.state = folder / "log.watch.json"
        self.log = Log()

    def publish(self, *names: str, log: Log | None = None, ago: int = 0) -> None:
        """Publish what there is, witnessed by some so many seconds ago."""
        log = log or self.log
        self.folder.write(log.files.items())
        if names:
            self.folder.write([(WITNESSED, log.cosigned(*names, timestamp=int(time.time()) - ago))])

    def look(self, *more: str) -> tuple[int, dict[str, Any]]:
        """Look once; return the exit code and what was said."""
        words = ["audit", "watch", "--folder", str(self.folder.path), "--key", key_text(KEY, ORIGIN)]
        for each in WITNESSES:
            words += ["--witness", witness_text(each)]
        code = main(["--home", "/nowhere", "--lang", "en", *words, "--once", "--json", "--cosigned", "1", *more])
        return code, json.loads(self._capsys.readouterr().out)

    def codes(self, *more: str) -> set[str]:
        """Look once and return the alarms' codes; the exit code fits them."""
        code, told = self.look(*more)
        found = {each["code"] for each in told["alarms"]}
        assert code == (10 if found else 0)
        return found

    def age(self, minutes: int) -> None:
        """Let everything that was seen have been seen so many minutes earlier."""
        value = json.loads(self.state.read_text())
        for name in ("at", "witnessed_at"):
            value[name] -= minutes * 60_000
        self.state.write_text(json.dumps(value))


@pytest.fixture
def watched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Watched:
    """Give a log of 300 that one has looked at."""
    found = Watched(tmp_path, capsys)
    found.log.add(entries(300))
    found.publish("skola")
    code, told = found.look()
    assert (code, told["size"], told["witnessed"], told["witnesses"], told["new"]) == (0, 300, 300, ["skola"], True)
    return found


def test_a_log_that_grows(watched: Watched) -> None:
    """Each state continues the last one; the same one again is nothing new; the age is the witness's word."""
    assert watched.look()[1]["new"] is False
    watched.log.add(entries(40, 300))
    watched.publish("skola", "bup", ago=30)
    code, told = watched.look()
    assert (code, told["size"], told["new"], told["witnesses"]) == (0, 340, True, ["bup", "skola"])
    assert 30_000 <= told["age_ms"] < 60_000


def test_two_pasts(watched: Watched) -> None:
    """A log that is signed anew over another past, longer or of one size, is a fork; both checkpoints are kept."""
    seen = watched.state.read_bytes()
    for size in (300, 500):
        forged = Log([bytes(32), *entries(size - 1, 1)])
        watched.publish("skola", log=forged)
        assert "LOG_FORK" in watched.codes()
        assert watched.state.read_bytes() == seen, "what was seen first stays"
    kept = watched.state.with_name("log.watch.json.evidence").read_bytes()
    assert kept.count(ORIGIN.encode() + b"\n300\n") == 3, "the one seen, the one shown, and the one witnessed"
    watched.publish("skola")
    assert watched.codes() == set()


def test_a_log_that_is_cut(watched: Watched) -> None:
    """A shorter log is a rollback, also where only the witnessed checkpoint went back."""
    watched.publish("skola", log=Log(entries(200)))
    assert "LOG_ROLLED_BACK" in watched.codes()
    watched.publish()
    watched.folder.write([(WITNESSED, Log(entries(200)).cosigned("skola"))])
    assert watched.codes() == {"LOG_ROLLED_BACK"}


def test_a_witnessed_checkpoint_of_another_past(watched: Watched) -> None:
    """What witnesses stand behind must be the beginning of what the log shows."""
    watched.log.add(entries(10, 300))
    watched.publish()
    watched.folder.write([(WITNESSED, Log(entries(305, 7)).cosigned("skola"))])
    assert "LOG_FORK" in watched.codes()


def test_a_quiet_log(watched: Watched) -> None:
    """Nothing new for longer than was said is an alarm, by the watcher's own clock; a new leaf ends it."""
    watched.age(60)
    assert watched.codes() == set()
    assert watched.codes("--quiet", "30") == {"LOG_QUIET"}
    watched.age(60)
    assert watched.codes() == {"LOG_QUIET"}
    watched.log.add(entries(1, 300))
    watched.publish("skola")
    assert watched.codes() == set()


def test_too_few_cosignatures(watched: Watched) -> None:
    """Fewer witnesses than asked for, none at all, and leaves that nobody has witnessed for long."""
    assert watched.codes("--cosigned", "2") == {"LOG_COSIGNATURES"}
    watched.log.add(entries(5, 300))
    watched.publish()
    assert watched.codes() == set(), "they may take a while"
    watched.age(80)
    assert "LOG_UNWITNESSED" in watched.codes()
    (watched.folder.path / WITNESSED).unlink()
    assert "LOG_COSIGNATURES" in watched.codes()


def test_what_is_not_the_log(watched: Watched, tmp_path: Path) -> None:
    """Another key, a folder without a log, a state that cannot be read: each is said, and nothing is believed."""
    watched.publish("skola", log=Log(entries(300), key=SignKey(KEY.realm, Purpose.LOG, bytes([9]) * 32)))
    assert watched.codes() == {"LOG_KEY"}
    (watched.folder.path / "checkpoint").unlink()
    assert watched.codes() == {"LOG_MISSING"}
    watched.state.write_text("{")
    with pytest.raises(OperatorError):
        Seen.read(watched.state)
    words = ["audit", "watch", "--once"]
    assert main(["--home", "/nowhere", *words, "--key", key_text(KEY, ORIGIN)]) == 2
    assert main(["--home", str(tmp_path / "none"), *words]) == 3


def test_keys_in_ones_own_name(tmp_path: Path) -> None:
    """A key that the directory names in a party's name and that it does not have is told; its own older ones are not.

    One that is over or taken back binds nobody.
    """
    world = World()
    party = world.open_party("skola", tmp_path)
    seen, alarms = own_matters(party, Seen(), NOW)
    assert alarms == []
    own = next(iter(party.signs))
    del party.signs[own]
    assert own_matters(party, seen, NOW) == (seen, []), "it was held before"
    forged = SignKey(world.realm, Purpose.PARTY_SIGN, bytes([3]) * 32)
    world.publish(world.directory, world.key("skola", forged))
    (alarm,) = own_matters(party, seen, NOW)[1]
    assert (alarm.code, alarm.about) == ("OWN_KEY", f"party-sign {forged.kid.hex()}")
    over = max(each.card.not_after for each in world.directory.keys.values())
    assert own_matters(party, seen, over + 1)[1] == []
    other = world.open_party("social", tmp_path / "social")
    assert own_matters(other, Seen(), NOW)[1] == [], "another party's is no matter of ours"
    party.store.close()
    other.store.close()


def test_another_root_in_ones_own_name(tmp_path: Path) -> None:
    """A card that names another root key than the one here, or than before where it lies elsewhere, is told."""
    world = World()
    party = world.open_party("skola", tmp_path)
    seen, _ = own_matters(party, Seen(), NOW)
    for each in (tmp_path / "keys").glob("party-root*"):
        each.unlink()
    assert own_matters(party, seen, NOW)[1] == []
    stale = Seen(own=seen.own, root="00" * 32)
    found, alarms = own_matters(party, stale, NOW)
    assert ([each.code for each in alarms], found.root) == (["OWN_ROOT"], "00" * 32)
    party.store.close()
