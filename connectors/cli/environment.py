"""TEST or PRODUCTION: which world an answer is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from samband.connectors.cli.words import either

if TYPE_CHECKING:
    from samband.streams.root import Root

__all__ = ["environment_words", "world"]


def world(name: str) -> str:
    """Return an environment's name in capitals: `TEST`, `PRODUCTION`."""
    return either("PRODUKTION", "PRODUCTION") if name.casefold() == "production" else "TEST"


def environment_words(root: Root) -> str:
    """Return which world a realm is, with its number."""
    who = either("verkliga barn", "real children") if root.production else either("påhittade barn", "made-up children")
    return f"{world(root.environment)}, {who}; realm {root.realm.id.hex()[:8]}"
