"""TOML from outside: the standard library's parser behind two guards.

    loads('version = "2"') == {"version": "2"}

The parser goes one call deeper for each bracket, and its time grows with the square of the dots in one key: a line of
40 000 characters took 9 s (Python 3.11). A file that people write has neither.
"""

from __future__ import annotations

import tomllib
from typing import Any, Final

__all__ = ["loads"]

DOTS: Final = 100
"""Most dots in a line; the shipped texts have at most six."""


def loads(text: str) -> dict[str, Any]:
    """Return the table in a TOML text.

    Raises:
        ValueError: no TOML, nested too deeply, or a line with more than 100 dots.
    """
    if any(line.count(".") > DOTS for line in text.split("\n")):
        raise ValueError(f"a line has more than {DOTS} dots")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
