"""Runs the fuzzer: `make fuzz ARGS="--cases N --target X --seed S --minutes M"`; ends with 1 after a finding."""

# ruff: noqa: T201  it talks to a terminal

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from pathlib import Path

from samband.schemas.errors import SambandError
from tests.fuzz.cover import executable
from tests.fuzz.engine import Finding, Seen, apart, attempt, limited
from tests.fuzz.target import Target, scratch
from tests.fuzz.targets import TARGETS, named

FINDINGS = Path("fuzz-findings.txt")
PARSERS = (
    "connectors/cli/said.py", "connectors/folder.py", "connectors/webhook.py", "schemas/agreement.py",
    "schemas/card.py", "schemas/catalogue.py", "schemas/codec.py", "schemas/events.py", "schemas/flat.py",
    "schemas/head.py", "schemas/identifiers.py", "schemas/key_card.py", "schemas/message.py", "schemas/routing.py",
    "schemas/rulebook.py", "schemas/signed_rules.py", "schemas/stamp.py", "schemas/toml.py", "streams/audit.py",
    "streams/crypto/content.py", "streams/crypto/hub.py", "streams/crypto/lane.py", "streams/crypto/merkle.py",
    "streams/crypto/signature.py", "streams/derived/codec.py", "streams/derived/status.py", "streams/directory.py",
    "streams/directory_book.py", "streams/directory_records.py", "streams/gate/checks.py", "streams/gate/judge.py",
    "streams/gate/lanes.py", "streams/gate/state.py", "streams/gate/verdicts.py", "streams/inbox.py",
    "streams/keyfile.py", "streams/root.py", "streams/rules.py", "streams/settings.py",
)  # fmt: skip
"""The files that the figure of coverage is about."""


def main() -> int:
    """Read the arguments and do what they say."""
    options = _arguments()
    chosen = named(options.target)
    if not chosen:
        print(f"no target `{options.target}`: {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    if options.replay:
        return _replay(chosen[0], bytes.fromhex(options.replay))
    scratch()  # made here, so that it outlives the children
    began = time.monotonic()
    until = began + 60 * options.minutes if options.minutes else float("inf")
    print(f"{options.cases} cases, {len(chosen)} targets, seed {options.seed}", flush=True)
    shares = sum(each.share for each in chosen)
    seen: dict[str, Seen] = {}
    for number, target in enumerate(chosen, 1):
        cases = round(options.cases * target.share / shares)
        left = (until - time.monotonic()) / (len(chosen) - number + 1)
        start = time.monotonic()
        seen[target.name] = apart(target, random.Random(f"{options.seed}/{target.name}"), cases, start + left)
        _progress(number, len(chosen), target, seen[target.name], time.monotonic() - start)
    return _end(seen, time.monotonic() - began, options.findings)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000, help="cases in all; a slow target gets fewer")
    parser.add_argument("--target", default="", help="a target's name, or the beginning of several; all by default")
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(1 << 32), help="printed at the start"
    )
    parser.add_argument("--minutes", type=float, default=0, help="stop after; no limit by default")
    parser.add_argument("--replay", default="", metavar="HEX", help="run one case of --target and show how it ends")
    parser.add_argument("--findings", type=Path, default=FINDINGS, help="file for what is found")
    return parser.parse_args()


def _progress(number: int, count: int, target: Target, seen: Seen, took: float) -> None:
    print(
        f"{number:3}/{count} {target.name:20} {seen.cases:7} cases {seen.cases / max(took, 0.001):7.0f}/s "
        f"{seen.accepted:6} taken {seen.endings:4} ways to end {len(seen.findings) or 'no'} findings",
        flush=True,
    )
    for each in seen.findings:
        print(f"    ✗ {each.kind} {each.where}", flush=True)


def _end(seen: dict[str, Seen], took: float, path: Path) -> int:
    cases = sum(each.cases for each in seen.values())
    print(f"\n{cases} cases in {took:.0f} s, {cases / took:.0f} a second")
    _cover(seen)
    findings = [each for one in seen.values() for each in one.findings]
    if findings:
        write(findings, path)
        print(f"{len(findings)} findings, in {path}")
    return 1 if findings else 0


def _cover(seen: dict[str, Seen]) -> None:
    """Print how much of the code in the parsers' functions was reached; their writing halves are in it too."""
    lines: dict[str, set[int]] = {}
    for one in seen.values():
        for name, found in one.lines.items():
            lines.setdefault(name, set()).update(found)
    reached = whole = 0
    for name in PARSERS:
        every, found = executable(name), lines.get(name, set())
        reached, whole = reached + len(found & every), whole + len(every)
        print(f"  {name:40} {len(found & every):4} of {len(every):4} lines")
    print(f"coverage: {reached} of {whole} lines of {len(PARSERS)} files, {100 * reached / whole:.0f} %")


def write(findings: list[Finding], path: Path) -> None:
    """Write findings, each with the command that repeats it; the hex is a line of `tests/fuzz/seeds/TARGET.txt`."""
    text = "".join(
        f"# {each.target}: {each.kind} {each.where}\n{each.replay}\n{each.case.hex()}\n\n" for each in findings
    )
    path.write_text(text, "utf-8")


def _replay(target: Target, case: bytes) -> int:
    with limited() as begin:
        begin()
        error = attempt(target, case)
    if not isinstance(error, BaseException):
        print("taken")
        return 0
    if isinstance(error, SambandError):
        print(f"refused: {error}")
        return 0
    traceback.print_exception(error)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
