"""What somebody has begun to write: sealed in the party's store, theirs alone, gone when it is sent or after two weeks.

    draft = Draft(id=…, type="dialogue.message", unit="SE…", to="SE…", values={"text": "…"}, …)
    drafts = Drafts(party, "anna01");  drafts.keep(draft, now);  drafts.all(now);  drafts.drop(draft.id)

A draft's id is the id of the message that it becomes, so sending it twice is sending it once. It is no message: until
it is sent nobody else at the party sees it, and nothing of it leaves the machine. Its files lie beside it, in pieces.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from samband.connectors.desk.attached import Attached, forget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from samband.connectors.party import Party
    from samband.connectors.store import Store

__all__ = ["LIFE_MS", "Draft", "Drafts", "erase_old"]

LIFE_MS: Final = 14 * 86_400_000
_USERS: Final = "desk/drafting"
_MOST: Final = 50
"""Drafts of one person; the oldest go first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message that is not sent."""

    id: str
    """16 bytes in hexadecimal digits."""
    type: str
    unit: str
    to: str
    values: dict[str, str] = field(default_factory=dict)
    """As they were typed, by field."""
    child: str = ""
    """The child's number, where it was not typed: from the letter that is answered, or a random one."""
    conversation: str = ""
    reply: str = ""
    """The letter that it answers."""
    kept: int = 0
    """ms since 1970 UTC."""
    sent: bool = False
    """It is said, and kept until the gate has permitted it: a refusal gives it back."""
    of: str = ""
    """The message that it was, which was refused."""
    files: list[dict[str, Any]] = field(default_factory=list)
    """`Attached.kept` of each."""

    @property
    def attached(self) -> tuple[Attached, ...]:
        """Its files, as far as they are whole."""
        return tuple(each for each in map(Attached.of, self.files) if each.whole)

    def with_files(self, files: Sequence[Attached]) -> Draft:
        """Return it with these files."""
        return replace(self, files=[each.kept for each in files])


class Drafts:
    """One person's drafts at one party."""

    def __init__(self, party: Party, user: str) -> None:
        self._store = party.store
        self._user = user
        self._index = f"desk/drafts/{user}"

    def all(self, now: int) -> list[Draft]:
        """Return what is kept, newest first; what is too old is erased."""
        self.erase_old(now)
        found = [each for each in (self.get(one) for one in self._ids()) if each is not None]
        return sorted(found, key=lambda each: -each.kept)

    def erase_old(self, now: int) -> None:
        """Erase what is too old."""
        for draft_id in self._ids():
            draft = self.get(draft_id)
            if draft is None or draft.kept < now - LIFE_MS:
                self.drop(draft_id)

    def get(self, draft_id: str) -> Draft | None:
        """Return one of theirs."""
        data = self._store.sealed(_name(draft_id)) if draft_id in self._ids() else None
        return None if data is None else Draft(**json.loads(data))

    def keep(self, draft: Draft, now: int) -> Draft:
        """Keep a draft, in place of the one with its id; files that it has no more are erased."""
        kept, before = replace(draft, kept=now), self.get(draft.id)
        ids = [draft.id, *(each for each in self._ids() if each != draft.id)]
        with self._store.transaction():
            if before is not None:
                forget(self._store, [each for each in before.files if each["key"] not in _keys(kept)])
            self._store.keep_sealed(_name(draft.id), _written(asdict(kept)))
            self._store.keep_sealed(self._index, _written(ids[:_MOST]))
            if self._user not in (users := _users(self._store)):
                self._store.keep_sealed(_USERS, _written([*users, self._user]))
            for each in ids[_MOST:]:
                self._erase(each)
        return kept

    def again(self, draft: Draft, following: Draft, now: int) -> Draft:
        """Keep a draft as another, which takes its files over."""
        kept = self.keep(following, now)
        with self._store.transaction():
            self._store.keep_sealed(self._index, _written([each for each in self._ids() if each != draft.id]))
            self._store.forget_sealed(_name(draft.id))
        return kept

    def drop(self, draft_id: str) -> None:
        """Erase a draft."""
        ids = self._ids()
        if draft_id not in ids:
            return
        with self._store.transaction():
            self._store.keep_sealed(self._index, _written([each for each in ids if each != draft_id]))
            self._erase(draft_id)

    def any(self) -> bool:
        """Say whether there is one."""
        return bool(self._ids())

    def _ids(self) -> list[str]:
        found: list[str] = json.loads(self._store.sealed(self._index) or b"[]")
        return found

    def _erase(self, draft_id: str) -> None:
        if (data := self._store.sealed(_name(draft_id))) is not None:
            forget(self._store, Draft(**json.loads(data)).files)
        self._store.forget_sealed(_name(draft_id))


def erase_old(party: Party, now: int) -> None:
    """Erase everybody's drafts that are too old; who has none is forgotten."""
    users = _users(party.store)
    left = []
    for user in users:
        drafts = Drafts(party, user)
        drafts.erase_old(now)
        left += [user] if drafts.any() else []
    if left != users:
        with party.store.transaction():
            party.store.keep_sealed(_USERS, _written(left))


def _users(store: Store) -> list[str]:
    found: list[str] = json.loads(store.sealed(_USERS) or b"[]")
    return found


def _keys(draft: Draft) -> set[str]:
    return {each["key"] for each in draft.files}


def _name(draft_id: str) -> str:
    return f"desk/draft/{draft_id}"


def _written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
