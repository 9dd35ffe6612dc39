"""The table: every way in. A new parser is one line here, or one in the module of its kind.

Target("card", seeds, Card.decode, avro(schema))
"""

from __future__ import annotations

from typing import Final

from tests.fuzz import directory, gate, hub, inbox, joining, texts, wire
from tests.fuzz.target import Target

__all__ = ["TARGETS", "named"]

TARGETS: Final[dict[str, Target]] = {
    each.name: each
    for each in (
        *wire.TARGETS,
        *directory.TARGETS,
        *gate.TARGETS,
        *inbox.TARGETS,
        *hub.TARGETS,
        *joining.TARGETS,
        *texts.TARGETS,
    )
}


def named(pattern: str) -> list[Target]:
    """Return the targets whose name is, or begins with, a word; all for the empty one."""
    return [each for name, each in TARGETS.items() if name == pattern or name.startswith(pattern)]
