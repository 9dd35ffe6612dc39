"""What was said about a message, in order; and in which roles a user has acted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from samband.connectors.store.file import StoreFile

__all__ = ["Ladders", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was said about a message."""

    at: int
    kind: str
    outcome: str
    code: str
    detail: dict[str, Any]


class Ladders(StoreFile):
    """The table `steps`, and the users who acted."""

    def add_step(self, message_id: bytes, step: Step) -> None:
        """Add to a message's ladder."""
        self._db.execute(
            "INSERT INTO steps (message_id, at, kind, outcome, code, detail) VALUES (?, ?, ?, ?, ?, ?)",
            (message_id, step.at, step.kind, step.outcome, step.code, json.dumps(step.detail)),
        )

    def steps(self, message_id: bytes) -> list[Step]:
        """Return a message's ladder."""
        rows = self._db.execute(
            "SELECT at, kind, outcome, code, detail FROM steps WHERE message_id = ? ORDER BY id", (message_id,)
        )
        return [Step(at, kind, outcome, code, json.loads(detail)) for at, kind, outcome, code, detail in rows]

    def ladders(self) -> Iterator[tuple[bytes, list[Step]]]:
        """Yield every message's ladder with its id, in no order that says anything; without pieces of files."""
        rows = self._db.execute(
            "SELECT message_id, at, kind, outcome, code, detail FROM steps WHERE message_id NOT IN"
            " (SELECT message_id FROM outbox WHERE main IS NOT NULL) ORDER BY message_id, id"
        )
        for message_id, steps in groupby(rows, key=lambda row: bytes(row[0])):
            yield (
                message_id,
                [Step(at, kind, outcome, code, json.loads(detail)) for _, at, kind, outcome, code, detail in steps],
            )

    def remember_role(self, user: str, role: str) -> None:
        """Keep that a user has acted in a role, so that what they said can be found by their id alone."""
        if role in self.roles_of(user):
            return
        with nullcontext() if self._db.in_transaction else self.transaction():
            self.keep_sealed(f"roles/{user}", json.dumps([*self.roles_of(user), role]).encode())

    def roles_of(self, user: str) -> list[str]:
        """Return the roles that a user has acted in."""
        roles: list[str] = json.loads(self.sealed(f"roles/{user}") or b"[]")
        return roles
