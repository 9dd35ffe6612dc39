"""Sweden's municipalities and regions by code, and who serves which: public facts from Statistics Sweden (SCB).

    code_of("Köping")           "1983"; also "1983", "Köpings kommun"
    name_of("1983")             "Köping";  name_of("19")  "Region Västmanland"
    region_of("1983")           "19"

The first two digits of a municipality's code are its region's.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from samband.schemas.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["area_of", "code_of", "municipalities", "name_of", "named_in", "region_of", "regions"]

_WORDS: Final = re.compile(r"[^\W_]+(?:-[^\W_]+)*")


@cache
def _table() -> tuple[Mapping[str, str], Mapping[str, str]]:
    text = resources.files("samband.schemas").joinpath("municipalities.toml").read_text("utf-8")
    rows = tomllib.loads(text)["region"]
    towns = {code: name for row in rows for code, name in row["municipalities"].items()}
    return MappingProxyType(towns), MappingProxyType({row["code"]: row["name"] for row in rows})


def municipalities() -> Mapping[str, str]:
    """Return the names of the 290 municipalities by four-digit code."""
    return _table()[0]


def regions() -> Mapping[str, str]:
    """Return the names of the 21 regions by two-digit code."""
    return _table()[1]


def name_of(code: str) -> str:
    """Return the name of a municipality or region; the code itself where there is none."""
    return municipalities().get(code) or regions().get(code) or code


def region_of(municipality: str) -> str:
    """Return the code of the region that a municipality lies in."""
    return municipality[:2]


def code_of(text: str) -> str:
    """Return the code of a municipality that is named by code or name.

    Raises:
        InputError: there is none (`MUNICIPALITY_UNKNOWN`).
    """
    if text in municipalities():
        return text
    found = _by_name().get(_plain(text))
    if found is None or len(found) != 4:
        raise InputError(
            "MUNICIPALITY_UNKNOWN", f"no municipality is called `{text}`", "a code such as 1983, or a name"
        )
    return found


def area_of(text: str) -> str:
    """Return the code of a municipality or region that is named by code or name.

    Raises:
        InputError: there is none (`MUNICIPALITY_UNKNOWN`).
    """
    if text in regions():
        return text
    return _by_name().get(_plain(text)) or code_of(text)


def named_in(words: list[str]) -> tuple[str, list[str]]:
    """Return (code, the other words) of the first municipality or region among words, else ("", words)."""
    for size in (3, 2, 1):
        for at in range(len(words) - size + 1):
            if code := _by_name().get(_plain(" ".join(words[at : at + size]))):
                return code, words[:at] + words[at + size :]
    return "", words


@cache
def _by_name() -> Mapping[str, str]:
    found = {_plain(name): code for code, name in regions().items()}
    for code, name in municipalities().items():
        found[_plain(name)] = code  # Gotland is both: the municipality is meant
        found.setdefault(f"{_plain(name)}s", code)  # as in `Köpings kommun`
    return MappingProxyType(found)


def _plain(name: str) -> str:
    words = _WORDS.findall(name.casefold())
    return " ".join(word for word in words if word not in ("kommun", "stad", "municipality"))
