"""What is asked before a message that names nobody leaves: does a name or number of a child that we know stand in it?

It catches what is written as it was written before: a number in any usual form, and the whole name of a child that
this party has had a message about. A nickname, a rare event or a small village tells who it is too, and no machine
sees it: the one who writes answers for that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from samband.connectors.store import Store
from samband.schemas.catalogue import decode_content
from samband.schemas.errors import InputError
from samband.schemas.identifiers import names_a_number

__all__ = ["check_names_nobody"]

_EVERY = -1
"""SQLite's word for no limit."""


def check_names_nobody(store: Store, type_name: str, content: Mapping[str, Any]) -> None:
    """Check that no text of a content holds a number, or the name or number of a child in the party's own store.

    Raises:
        InputError: one does (`NAMES_A_CHILD`); the field is named, what it holds is not.
    """
    texts = {
        name: " ".join(value.casefold().split())
        for name, value in content.items()
        if isinstance(value, str) and name != "child_identifier"
    }
    known = set(_known(store))
    for name, text in texts.items():
        if names_a_number(text) or any(re.search(rf"(?<!\w){re.escape(each)}(?!\w)", text) for each in known):
            raise InputError(
                "NAMES_A_CHILD",
                f"`{type_name}`: field `{name}` holds a child's name or number, and this type names nobody",
                "write it without, or send a dialogue.question about the child",
            )


def _known(store: Store) -> Iterator[str]:
    """Yield names and numbers of children in what came and in what was said and is still kept."""
    contents = [row.letter.get("content") or {} for row in store.letters(limit=_EVERY)]
    for row in store.said(limit=_EVERY):
        draft = store.draft(row.message_id)
        if draft is not None and draft.content:
            contents.append(decode_content(draft.type, draft.content))
    for content in contents:
        for key in ("child_identifier", "child_name"):
            if content.get(key):
                yield " ".join(str(content[key]).casefold().split())
