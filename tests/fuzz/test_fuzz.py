"""A short run of the fuzzer, and what it found before: no parser falls over bytes from outside."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samband.schemas import toml
from samband.schemas.errors import InputError
from tests.fuzz import engine
from tests.fuzz.engine import Finding, Seen, apart, attempt, finding, fuzz, limited
from tests.fuzz.mutate import mutate
from tests.fuzz.parts import avro, join
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

SEEDS = Path(__file__).parent / "seeds"
CASES = 60
"""For each target with a whole share: seconds for all of them."""


def unpacked(line: str) -> bytes:
    """Return the case that a line holds: hexadecimal words, `*N` after one repeats it."""
    parts = (word.partition("*") for word in line.split())
    return b"".join(bytes.fromhex(data) * int(times or 1) for data, _, times in parts)


def known() -> list[Any]:
    """Return (target, case) of everything that was found, named after the line above it."""
    found = []
    for path in sorted(SEEDS.glob("*.txt")):
        why = ""
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("#"):
                why = line[2:]
            else:
                found.append(pytest.param(path.stem, unpacked(line), id=f"{path.stem}: {why}"))
    return found


def found_in(target: Target, case: bytes) -> Finding | None:
    """Run a case within its time and return what is wrong."""
    with limited() as begin:
        begin()
        return finding(target, case, attempt(target, case))


@pytest.mark.parametrize(("name", "case"), known())
def test_what_was_found_once(name: str, case: bytes) -> None:
    """A case that a parser fell over is refused or taken, in time."""
    assert found_in(TARGETS[name], case) is None


@pytest.mark.parametrize("name", TARGETS)
def test_short_run(name: str) -> None:
    """Valid encodings, and some sixty mutations of them, end in the one tree of errors."""
    target = TARGETS[name]
    seen = fuzz(target, Random(name), max(6, round(CASES * min(target.share, 1))), trace=False)
    assert not seen.findings, seen.findings[0].replay
    assert seen.accepted, "no valid encoding among the seeds"


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_cut_into_fields(name: str) -> None:
    """The parts of an encoding make it again, so that what is mutated is what was cut."""
    for seed in TARGETS[name].seeds():
        assert join(TARGETS[name].split(seed)) == seed


FAST = sorted(name for name, each in TARGETS.items() if each.share >= 1)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(FAST), st.binary(max_size=200))
def test_any_bytes(name: str, data: bytes) -> None:
    """Bytes that are nothing at all end in the one tree of errors too."""
    assert found_in(TARGETS[name], data) is None


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(FAST), st.integers(0, 1 << 32), st.data())
def test_mutations(name: str, chance: int, data: Any) -> None:
    """So do mutations that Hypothesis chooses and makes smaller."""
    seeds = TARGETS[name].seeds()
    first, second = data.draw(st.sampled_from(seeds)), data.draw(st.sampled_from(seeds))
    split = TARGETS[name].split
    assert found_in(TARGETS[name], mutate(Random(chance), split(first), split(second))) is None


# the fuzzer itself


def broken(act: Any) -> Target:
    """Return a target that does something to each case."""
    return Target("broken", lambda: [b"seed", b"other"], act)


def test_an_error_outside_the_tree_is_a_finding() -> None:
    """A KeyError is found, once however often it happens; an error of the tree is none."""

    def act(case: bytes) -> None:
        if case != b"seed":
            raise KeyError
        raise InputError("SOME", "refused")

    found = fuzz(broken(act), Random(1), 100).findings
    assert [(each.kind, each.case) for each in found] == [("KeyError", b"other")]
    assert b"other".hex() in found[0].replay


def test_a_hang_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop without end is ended and found."""
    monkeypatch.setattr(engine, "CPU_S", 0.1)

    def act(case: bytes) -> None:
        while True:
            pass

    assert [each.kind for each in fuzz(broken(act), Random(1), 1, trace=False).findings] == ["HangError"]


def test_a_death_is_a_finding() -> None:
    """A case that ends the process is found, with its bytes."""
    end = broken(lambda case: os.kill(os.getpid(), signal.SIGKILL))
    seen = apart(end, Random(1), 5, time.monotonic() + 60)
    assert [(each.target, each.case) for each in seen.findings] == [("broken", b"seed")]
    assert seen.findings[0].kind.startswith("Death")


def test_memory_that_one_case_takes_is_a_finding() -> None:
    """A case that asks for a hundred megabytes is found among those that do not, whatever the process took before."""
    bytearray(400 << 20)

    def act(case: bytes) -> None:
        if case.startswith(b"other"):
            bytearray(200 << 20)

    quiet = [b"seed"] * 3000

    def seeds() -> list[bytes]:
        return [*quiet, b"other", *quiet[:600]]

    seen: Seen = fuzz(Target("greedy", seeds, act), Random(1), len(seeds()), trace=False)
    assert [(each.kind, each.case) for each in seen.findings] == [("Memory", b"other")]


def test_lengths_stay_true() -> None:
    """Mutations know the format: most of those of a string still have the length that they say."""
    split, rng = avro({"type": "record", "name": "r", "fields": [{"name": "a", "type": "string"}]}), Random(1)
    cases = [mutate(rng, split(b"\x06abc"), split(b"\x06abc")) for _ in range(400)]
    true = [case for case in cases if case and case[0] % 2 == 0 and case[0] < 128 and len(case) == case[0] // 2 + 1]
    assert len(true) > 80
    assert len(set(cases)) > 100


def test_dots() -> None:
    """A key of a hundred dots is read, one of more is refused before the parser sees it."""
    assert toml.loads("a." * 100 + "a = 1")
    with pytest.raises(ValueError, match="dots"):
        toml.loads("a." * 101 + "a = 1")
