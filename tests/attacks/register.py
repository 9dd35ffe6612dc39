"""The attack list of the format page as data, and what is mounted of each line.

    LINES       every line of the list, in its order and wording; a test compares it with docs/wire-format.md
    ATTACKS     what a test here mounts, by id
    EXISTING    what another test mounts already: it is run once more with the defence off, and must fail

A line without either says what it waits for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.attacks.defences import DEFENCES

__all__ = ["ATTACKS", "EXISTING", "LINES", "Attack", "Existing", "Line", "attack", "existing", "lines_of"]


@dataclass(frozen=True)
class Line:
    """One line of the list. `waits_for`: what must be built before (the rest of) it can be mounted."""

    family: str
    wording: str
    waits_for: str = ""
    why: str = ""


_LIST: Final[dict[str, tuple[str, ...]]] = {
    "Format": (
        "flip each byte of every signed or bound field",
        "trailing byte, split block",
        "lifted opener re-signed",
        "opener for another gate, realm, agreement, expired, future",
        "record moved to another topic, partition, inbox",
        "content re-signed by another",
        "recipient or its key swapped",
        "routing altered under the same epoch key by a hostile gate",
        "an AES-GCM ciphertext that opens under two keys",
        "odd-leaf duplicate, wrong n, i, path, leaf as node",
        "signature of one purpose used for another",
        "suite below the minimum",
        "swapped-field writer schema",
        "wrong plain_commit, non-zero padding",
        "every type, minimum and maximum, has its class's one length",
    ),
    "Sender": (
        "another's unit, wrong kind, retired unit",
        "replay in the same epoch, a new one, after restart, after eviction",
        "restored or cloned store",
        "expired, post-dated",
        "wrong partition, parallel consent there",
        "floods of openers, quarantine, oversize",
        "open transaction on the outbox, gate's transactional id, gate's group",
        "batch cache after revocation",
    ),
    "Truth": (
        "content of child A under reference B",
        "understated category, other type",
        "receipt for what was never received, another's, falling level",
        "part of a file lost, altered, swapped, of another message, judged as less, unsafe name",
    ),
    "Consent and circle": (
        "matrix event × signer's relation",
        "recorder is recipient",
        "uninvolved party consents, claims, lifts",
        "withdrawal against parallel, unknown, old-epoch, not-yet-arrived consents",
        "handover without acceptance, two claims",
        "clocks ±1 year",
        "emergency against each forbid row",
        "`ask` and denial equal in bytes",
        "identity event onto another child",
        "role look-ups equal for filled, unfilled, unknown",
        "authority A signing for authority B of the same municipality",
    ),
    "Broker": (
        "aborted stamped record shown as committed",
        "garbage, old, another's record in an inbox",
        "dropped record, tail, recall",
        "freeze",
        "forged, swapped, rolled-back state record",
        "dropped, repeated, reordered audit record",
        "no 16-byte string of an outbox record in an inbox, audit or state record (openers within one topic excepted)",
        "header whitelist",
    ),
    "Directory and log": (
        "rollback, freeze, mix and match, unknown root, too few signatures",
        "key card by the wrong party",
        "stolen gate key backdates after revocation",
        "entry of the log changed, dropped, reordered, inserted",
        "log rewritten or cut with its own key",
        "stamped but not logged",
        "fork toward one witness, witness store rolled back, too few cosignatures",
        "record missing without an erase leaf",
        "guessed record without salt",
        "unstamped entry",
    ),
    "Recovery": (
        "topics and hub backup after the key period open nothing",
        "lost unit key: senders re-seal, exactly once",
    ),
    "Edges": ("metrics, logs, traces, errors hold no reference, unit pair or type", "every parser fuzzed"),
}

_WAITS: Final[dict[str, tuple[str, str]]] = {}

LINES: Final[dict[str, Line]] = {
    wording: Line(family, wording, *_WAITS.get(wording, ()))
    for family, wordings in _LIST.items()
    for wording in wordings
}


def lines_of(page: str) -> list[tuple[str, str]]:
    """Return (family, wording) of each line of the list in a page's text, in order."""
    text = page.partition("## Attacks that are tests")[2]
    found = []
    for family, items in re.findall(r"\*([A-Z][A-Za-z ]+)\*: (.*?)\.(?= \*|\n|$)", text):
        found += [(family, item) for item in re.split(r" · |; ", items)]
    return found


@dataclass(frozen=True)
class Attack:
    """An attack that is mounted here: `mount` returns whether the harm was done.

    With one of its defences on it fails; it succeeds only with all of them off.
    """

    id: str
    line: str
    defences: tuple[str, ...]
    mount: Callable[[Any], bool]

    @property
    def promise(self) -> str:
        """What holds, in one sentence."""
        return " ".join((self.mount.__doc__ or "").split())


@dataclass(frozen=True)
class Existing:
    """An attack that a test elsewhere mounts, by its node id."""

    id: str
    line: str
    defence: str
    test: str

    @property
    def kafka(self) -> bool:
        """Say whether it needs a broker."""
        return self.test.startswith("tests/kafka/")


ATTACKS: Final[dict[str, Attack]] = {}
EXISTING: Final[dict[str, Existing]] = {}


def attack(name: str, line: str, *defences: str) -> Callable[[Callable[[Any], bool]], Callable[[Any], bool]]:
    """Enter an attack under a line of the list, with every defence that alone stops it."""
    assert line in LINES, line
    assert defences, name
    assert set(defences) <= set(DEFENCES), set(defences) - set(DEFENCES)

    def enter(mount: Callable[[Any], bool]) -> Callable[[Any], bool]:
        assert name not in ATTACKS, name
        ATTACKS[name] = Attack(name, line, defences, mount)
        assert ATTACKS[name].promise, name
        return mount

    return enter


def existing(name: str, line: str, defence: str, test: str) -> None:
    """Enter a test that mounts an attack already."""
    assert line in LINES, line
    assert defence in DEFENCES, defence
    assert name not in EXISTING, name
    assert test not in {each.test for each in EXISTING.values()}, test
    EXISTING[name] = Existing(name, line, defence, test)
