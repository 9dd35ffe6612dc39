"""What a message type is: its kinds of units, its fields, and what each field tells about whom.

A kind pattern is a family (`school`) or one kind (`school.medical`). The rows are in `message_types`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from samband.schemas.attachment import FILE_SCHEMA, MOST_FILES
from samband.schemas.categories import CategoryTag
from samband.schemas.media_types import KIND_PREFIX
from samband.schemas.units import Unit, UnitKind

__all__ = ["Field", "FieldKind", "MessageType", "matches"]


class FieldKind(StrEnum):
    """How a field is written."""

    TEXT = "text"
    CHOICE = "choice"
    DATE = "date"
    """`YYYY-MM-DD`."""
    FLAG = "flag"
    FILES = "files"
    """A list of what goes with the message: `samband.schemas.attachment.File`."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a type's content."""

    name: str
    kind: FieldKind
    label_sv: str
    label_en: str
    tag: CategoryTag | None = None
    """What the filled field tells; None where it tells nothing about a person."""
    required: bool = False
    max_length: int = 0
    """Characters; set for text, computed for the rest."""
    free_text: bool = False
    """Counts as the most sensitive category of the sending kind besides its own tag."""
    choices: tuple[str, ...] = ()
    required_when: tuple[str, str] | None = None
    """Another field and its value that makes this one required: a declined invitation needs a reason."""

    @property
    def avro(self) -> str | dict[str, Any]:
        """Return the Avro type of a filled field."""
        match self.kind:
            case FieldKind.FLAG:
                return "boolean"
            case FieldKind.FILES:
                return FILE_SCHEMA
            case _:
                return "string"

    @property
    def limit(self) -> int:
        """Return the largest length in characters; of files, how many there may be."""
        match self.kind:
            case FieldKind.TEXT:
                return self.max_length
            case FieldKind.CHOICE:
                return max(map(len, self.choices))
            case FieldKind.DATE:
                return 10
            case FieldKind.FLAG:
                return 1
            case FieldKind.FILES:
                return MOST_FILES


@dataclass(frozen=True, slots=True)
class MessageType:
    """One row of the catalogue."""

    name: str
    label_sv: str
    label_en: str
    sender_kinds: tuple[str, ...]
    recipient_kinds: tuple[str, ...]
    """Empty for an event: it goes to the gate, its texts to the recorder's own unit."""
    fields: tuple[Field, ...]
    tags: tuple[CategoryTag, ...] = ()
    """What the type tells by itself, whatever is filled."""
    grounds: tuple[str, ...] = ()
    expected_reply: str = ""
    """The type that is expected next: from the recipient or, after an acceptance, from the sender itself."""
    deadline: str = ""
    """Name of the step in the agreement that holds the time; empty for none."""
    event: bool = False
    """Read by the gate: it has a body in routing."""
    carries_content: bool = True
    """Tells the recipient something about the child, so the kernel decides on it."""
    unidentified: bool = False
    """Names nobody: the identifier is a random reference of its own, and there is no name or case number."""
    opt_in: bool = False
    """Off until a unit's card names it among what the unit receives."""

    def may(self, sender: UnitKind, recipient: UnitKind) -> bool:
        """Say whether a kind of unit may send this type to a kind of unit."""
        return matches(sender, self.sender_kinds) and (self.event or matches(recipient, self.recipient_kinds))

    @property
    def takes_files(self) -> bool:
        """Say whether files may go with it."""
        return any(field.kind is FieldKind.FILES for field in self.fields)

    def taken_by(self, unit: Unit) -> bool:
        """Say whether a unit takes this type: one whose card names no types takes all but what it must ask for."""
        named = any(not each.startswith(KIND_PREFIX) for each in unit.receives)
        return self.name in unit.receives or not (named or self.opt_in)


@cache
def matches(kind: UnitKind, patterns: tuple[str, ...]) -> bool:
    """Say whether a kind is named by a pattern: itself or its family."""
    return kind.value in patterns or kind.family in patterns
