"""The words of a paper: what a cell's value is called in its language, and the texts around the rows.

Texts are data, `sv.toml`, `en.toml` and `easy.toml`; easy Swedish borrows from Swedish what it does not say itself.
Message types, reasons and categories bring their own words from the schemas.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, time
from functools import cache
from importlib import resources
from typing import Any, Final
from zoneinfo import ZoneInfo

from samband.connectors.papers.row import Cell, Column, Language, Put, Reader
from samband.schemas.catalogue import CATALOGUE, find
from samband.schemas.categories import CATEGORY_TEXTS, Category
from samband.schemas.reasons import explain
from samband.schemas.rulebook import shipped

__all__ = ["Words"]

_STOCKHOLM: Final = ZoneInfo("Europe/Stockholm")


@cache
def _texts(language: Language) -> dict[str, Any]:
    path = resources.files("samband.connectors.papers").joinpath(f"{language}.toml")
    own = tomllib.loads(path.read_text("utf-8"))
    return _over(_texts(Language.SV), own) if language is Language.EASY else own


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return one table laid over another."""
    return below | {
        key: _over(below[key], value) if isinstance(value, dict) and isinstance(below.get(key), dict) else value
        for key, value in above.items()
    }


class Words:
    """The words of one language for one reader."""

    def __init__(self, language: Language, reader: Reader) -> None:
        self._texts = _texts(language)
        self._reader = reader
        self._english = language is Language.EN

    @property
    def lang(self) -> str:
        """The language's tag, as in HTML."""
        return self.text("lang")

    def text(self, *path: str, **filled: str) -> str:
        """Return a text for the reader, with its `{names}` filled in."""
        found = self._at(path)
        assert isinstance(found, str)
        return found.format(**filled) if filled else found

    def texts(self, *path: str, **filled: str) -> list[str]:
        """Return several texts for the reader; none where there are none."""
        found = self._at(path, default=[])
        return [each.format(**filled) if filled else each for each in found]

    def _at(self, path: tuple[str, ...], default: Any = None) -> Any:
        found: Any = self._texts
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        found = self._for_reader(found)
        if found is None and default is None:
            raise KeyError(".".join(path))
        return default if found is None else found

    def _for_reader(self, found: Any) -> Any:
        """Return a text as it is, or the reader's own of several."""
        if not isinstance(found, dict):
            return found
        names = (self._reader.value, "own" if self._reader.own else "other", "other")
        return next((found[name] for name in names if name in found), None)

    def column(self, column: Column) -> str:
        """Return what stands in a column."""
        return ", ".join(map(self.cell, column))

    def cell(self, cell: Cell) -> str:
        """Return a value in words."""
        match cell.put:
            case Put.TEXT:
                return cell.value
            case Put.DAY:
                return self.day(datetime.fromtimestamp(int(cell.value), UTC))
            case Put.MOMENT:
                at = datetime.fromtimestamp(int(cell.value), UTC)
                return self.text("moment", day=self.day(at), time=f"{at.astimezone(_STOCKHOLM):%H.%M}")
            case Put.DATE:
                return self.day(datetime.combine(date.fromisoformat(cell.value), time(12), _STOCKHOLM))
            case Put.FIELD:
                type_name, _, name = cell.value.partition("/")
                field = next(each for each in find(type_name).fields if each.name == name)
                return self._either(field.label_sv, field.label_en)
            case Put.CATEGORY:
                return self._category(cell.value)
            case Put.TYPE:
                row = CATALOGUE.get(cell.value)
                return cell.value if row is None else self._either(row.label_sv, row.label_en)
            case Put.GROUND:
                return self._known("ground", cell.value, self._rule(cell.value))
            case Put.REASON:
                reason = explain(cell.value)
                return self._known("reason", cell.value, self._either(reason.sv, reason.en))
            case Put.KIND:
                return self._known("kind", cell.value, cell.value)
            case Put.WORD:
                group, _, code = cell.value.partition("/")
                return self._word(group, code)

    def _rule(self, ground: str) -> str:
        """Return the rulebook's own words for a ground that the papers have none for."""
        rule = next((rule for rule in shipped().rules if rule.ground == ground), None)
        return ground if rule is None else self._either(rule.text_sv, rule.text_en)

    def day(self, at: datetime) -> str:
        """Return the day in Sweden, such as `24 november 2026`."""
        local = at.astimezone(_STOCKHOLM)
        return f"{local.day} {self._texts['months'][local.month - 1]} {local.year}"

    def _word(self, group: str, code: str) -> str:
        """Return a code's word; a number behind a hyphen is filled in, an unknown code stands as it is."""
        name, _, number = code.rpartition("-")
        if name and number.isdigit():
            return self._known(f"word.{group}", name, code).format(n=number)
        return self._known(f"word.{group}", code, code)

    def _category(self, tag: str) -> str:
        category, _, about = tag.partition(":")
        if category not in list(Category):
            return tag
        whose = {
            "guardian": ("vårdnadshavares", "a guardian's"),
            "sibling": ("syskons", "a sibling's"),
            "other": ("annans", "another person's"),
        }
        named = about in whose and category != Category.REPORTER_IDENTITY  # whose that is, is what it says
        prefix = f"{self._either(*whose[about])} " if named else ""
        return prefix + self._known("category", category, self._either(*CATEGORY_TEXTS[Category(category)]))

    def _known(self, table: str, key: str, otherwise: str) -> str:
        found: Any = self._texts
        for part in table.split("."):
            found = found.get(part, {})
        return str(self._for_reader(found.get(key, otherwise)))

    def _either(self, swedish: str, english: str) -> str:
        return english if self._english else swedish
