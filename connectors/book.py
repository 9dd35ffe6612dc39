"""The consent book: what this party has itself recorded about consents, so that it can sign, withdraw, list and print.

One sealed file per consent, `consents/<id>.consent` in the party's folder, and one per withdrawal,
`<message id>.withdrawal`, readable by their owner only. The gate does not read them; it decides on what it has recorded
itself. What other parties recorded is not in them.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from samband.schemas.errors import InputError

if TYPE_CHECKING:
    from samband.connectors.party import Party

__all__ = ["ConsentBook"]

_TOPIC = "consent-book"


class ConsentBook:
    """A party's consent book."""

    def __init__(self, party: Party) -> None:
        self._folder = party.folder / "consents"
        self._box = party.store.box

    def keep(self, consent: bytes, entry: dict[str, Any]) -> None:
        """Keep or replace an entry: a dict of JSON values with `child`, `message_id` and what was recorded."""
        self._keep(consent, entry, "consent")

    def keep_withdrawal(self, message: bytes, entry: dict[str, Any]) -> None:
        """Keep what a withdrawal said: a dict of JSON values with `child`, `scope` and what it names."""
        self._keep(message, entry, "withdrawal")

    def _keep(self, name: bytes, entry: dict[str, Any], suffix: str) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._folder / f"{name.hex()}.{suffix}"
        sealed = self._box.seal(_TOPIC, name, json.dumps(entry).encode())[1]
        handle = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        path.with_suffix(".new").replace(path)

    def entry(self, consent: bytes) -> dict[str, Any]:
        """Return an entry.

        Raises:
            InputError: this party recorded no such consent (`CONSENT_UNKNOWN`).
        """
        try:
            return self._read(consent, "consent")
        except OSError as error:
            raise InputError(
                "CONSENT_UNKNOWN", "this party has recorded no such consent", "samband consent list; or name --child"
            ) from error

    def _read(self, name: bytes, suffix: str) -> dict[str, Any]:
        sealed = (self._folder / f"{name.hex()}.{suffix}").read_bytes()
        found: dict[str, Any] = json.loads(self._box.open(_TOPIC, self._box.key(name), sealed)[1])
        return found

    def entries(self) -> list[tuple[bytes, dict[str, Any]]]:
        """Return all entries, oldest first."""
        ids = [bytes.fromhex(path.stem) for path in self._folder.glob("*.consent")]
        return sorted(((each, self.entry(each)) for each in ids), key=lambda pair: pair[1]["recorded_at"])

    def withdrawals(self) -> dict[bytes, dict[str, Any]]:
        """Return all withdrawals by message id, in no order."""
        ids = [bytes.fromhex(path.stem) for path in self._folder.glob("*.withdrawal")]
        return {each: self._read(each, "withdrawal") for each in ids}
