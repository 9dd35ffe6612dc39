"""Words of a page: Swedish first, English beside; a site's own texts are data.

    words = Words("sv", tomllib.loads(…))
    words("decisions.title")              "Beslut"
    words.type("placement.notice")        "Besked om placering"

Types, reasons, rules and categories bring their own words from the schemas.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from samband.connectors.cli.words import both, category_both
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.reasons import Reason, explain
from samband.schemas.rulebook import Rulebook, shipped
from samband.schemas.units import KIND_TEXTS
from samband.streams.audit import STOCKHOLM

__all__ = ["LANGUAGES", "Words"]

LANGUAGES: Final = ("sv", "en")


class Words:
    """The words of one language; `texts` are a site's own (Swedish, English) pairs by name."""

    def __init__(self, language: str, texts: Mapping[str, Any]) -> None:
        self.language = language
        self._at = LANGUAGES.index(language)
        self._texts = texts

    def __call__(self, key: str, **values: object) -> str:
        """Return a text by its name in the texts, such as `login.title`."""
        found: Any = self._texts
        for part in key.split("."):
            found = found[part]
        text: str = found[self._at]
        return text.format(**values) if values else text

    @property
    def other(self) -> str:
        """The other language."""
        return LANGUAGES[1 - self._at]

    def of(self, pair: tuple[str, str]) -> str:
        """Return the one of a (Swedish, English) pair."""
        return pair[self._at]

    def say(self, word: str) -> str:
        """Return a word that is told as the command line tells it: a state, a kind, an outcome."""
        return self.of(both(word))

    def type(self, name: str) -> str:
        """Return a message type's label; a name that is not known, as it is."""
        found = CATALOGUE.get(name)
        return self.of((found.label_sv, found.label_en)) if found else name

    def kind(self, kind: str) -> str:
        """Return the words of a kind of unit."""
        return self.of(KIND_TEXTS.get(kind, (kind, kind)))

    def category(self, tag: str) -> str:
        """Return what a category says."""
        return self.of(category_both(tag))

    def ground(self, name: str, book: Rulebook | None = None) -> dict[str, str]:
        """Return a ground's name, citation and rule in words; empty where the rulebook has no such row."""
        rule = next((rule for rule in (book or shipped()).rules if rule.ground == name), None)
        if rule is None:
            return {"code": name, "name": name, "citation": "", "text": ""}
        return {
            "code": name,
            "name": self.of((rule.name_sv, rule.name_en)),
            "citation": rule.citation,
            "text": self.of((rule.text_sv, rule.text_en)),
        }

    def reason(self, code: str) -> dict[str, str]:
        """Return a reason in words, with who can remedy it and how."""
        found: Reason = explain(code)
        return {
            "code": code,
            "text": self.of((found.sv, found.en)),
            "who": self.say(found.remedy.value),
            "remedy": self.of((found.remedy_sv, found.remedy_en)),
        }

    def moment(self, ms: int) -> str:
        """Return a time as people in Sweden write it, to the second."""
        return _local(ms).strftime("%Y-%m-%d %H:%M:%S")

    def day(self, ms: int) -> str:
        """Return a day as people in Sweden write it."""
        return _local(ms).strftime("%Y-%m-%d")

    def iso(self, ms: int) -> str:
        """Return a time as machines write it."""
        return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _local(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(STOCKHOLM)
