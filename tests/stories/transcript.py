"""A story is a page of Markdown whose console blocks are run: what it shows is what happens.

    ```console
    $ samband ask placement.notice --as social --to SE2120002080-SKOLA --child "$ELLA"
    Not permitted.
      …
    (exit 10)
    ```

`$NAME` in a command is a value that the story is given. In what is printed, `…` alone on a line stands for any lines,
`…` inside a line for anything, and `‹name›` for an id that a later command may use. A block without `(exit N)` ends
with 0. Blanks at the ends of lines do not count.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Command", "commands", "play"]

_FENCE = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_EXIT = re.compile(r"^\(exit (\d+)\)$")
_NAMED = re.compile(r"‹([a-z_]+)›")


@dataclass(frozen=True)
class Command:
    """One command of a story: where it stands, what is typed, what is printed, how it ends."""

    line: int
    typed: str
    printed: tuple[str, ...]
    code: int


def commands(text: str) -> Iterator[Command]:
    """Yield the commands of a page in order."""
    for block in _FENCE.finditer(text):
        first = text.count("\n", 0, block.start(1)) + 1
        lines = block[1].splitlines()
        starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
        assert starts[:1] == [0], f"line {first}: a block begins with a command"
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
            body = lines[start:end]
            typed = body.pop(0)[2:]
            while typed.endswith("\\"):
                typed = typed[:-1] + body.pop(0).strip()
            code = 0
            if body and (said := _EXIT.match(body[-1])):
                code = int(said[1])
                body.pop()
            yield Command(first + start, typed, tuple(body), code)


def play(
    page: Path, values: Mapping[str, str], run: Callable[[list[str]], tuple[int, str]]
) -> Iterator[tuple[Command, str]]:
    """Run a page's commands; yield each with what differs from the page, empty where nothing does.

    `run` takes the words after `samband` and returns (exit code, what was printed).
    """
    known = dict(values)
    for command in commands(page.read_text("utf-8")):
        words = [_filled(word, known) for word in shlex.split(command.typed)]
        assert words.pop(0) == "samband", f"line {command.line}"
        code, printed = run(words)
        lines = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
        found = re.fullmatch(_pattern(command.printed, known), lines)
        if code != command.code:
            yield command, f"ended with {code}:\n{printed}"
        elif found is None:
            yield command, f"printed:\n{printed}"
        else:
            known |= found.groupdict()
            yield command, ""


def _filled(word: str, known: Mapping[str, str]) -> str:
    word = re.sub(r"\$([A-Z_]+)", lambda name: known[name[1]], word)
    return _NAMED.sub(lambda name: known[name[1]], word)


def _pattern(lines: tuple[str, ...], known: Mapping[str, str]) -> str:
    """Return the regular expression of what is printed."""
    parts: list[str] = []
    named: set[str] = set()
    for line in lines:
        if line.strip() == "…":
            parts.append(r"(?:.*\n)*?")
            continue
        text = ""
        for piece in re.split(r"(…|‹[a-z_]+›|\$[A-Z_]+)", line.rstrip()):
            if piece == "…":
                text += ".*"
            elif piece.startswith("$") and piece[1:] in known:
                text += re.escape(known[piece[1:]])
            elif name := _NAMED.fullmatch(piece):
                text += _id(name[1], named, known)
            else:
                text += re.escape(piece)
        parts.append(text + r"\n")
    return "".join(parts) if parts else r"(?:.|\n)*"


def _id(name: str, named: set[str], known: Mapping[str, str]) -> str:
    if name in known:
        return re.escape(known[name])
    if name in named:
        return f"(?P={name})"
    named.add(name)
    return f"(?P<{name}>[0-9a-f]{{8,64}})"
