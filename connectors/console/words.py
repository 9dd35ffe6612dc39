"""The console's words: Swedish first, English beside; texts are data, `words.toml`.

words = Words("sv")
words("decisions.title")              "Beslut"
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

from samband.connectors.web import words
from samband.connectors.web.words import LANGUAGES

__all__ = ["LANGUAGES", "Words"]


@cache
def _texts() -> dict[str, Any]:
    path = resources.files("samband.connectors.console").joinpath("words.toml")
    return tomllib.loads(path.read_text("utf-8"))


class Words(words.Words):
    """The words of one language."""

    def __init__(self, language: str) -> None:
        super().__init__(language, _texts())

    def alarm(self, kind: str) -> str:
        """Return what an alarm is; one that has no words here, as it is."""
        pair = self._texts["alarm"].get(kind)
        return kind if pair is None else self.of(pair)

    def check(self, name: str) -> str:
        """Return the name of a check of the doctor; one that has no words here, as it is."""
        for known in (name, name.partition(" ")[0]):
            if (pair := self._texts["check"].get(known)) is not None:
                return self.of(pair) + (f" {name.partition(' ')[2]}" if known != name else "")
        return name
