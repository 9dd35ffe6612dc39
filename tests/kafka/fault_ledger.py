"""What is still open of the consents about each child: a second, naive reckoning beside the gate's.

    ledger.take(ref, entry, body)        in the order of the audit
    ledger.carries(record)               may this permit lean on the consents that it names?

It knows no dates, signers or signatures: the fault tests give only consents that everybody has signed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from samband.schemas.categories import Category
from samband.schemas.event_bodies import ConsentGiven, ConsentWithdrawn, Scope
from samband.schemas.stamp import StampRecord

__all__ = ["Ledger"]


@dataclass(slots=True)
class _Open:
    """One consent: to whom and about what it still carries."""

    given: ConsentGiven
    recipients: set[str]
    categories: set[Category]

    def close(self, taken: ConsentWithdrawn) -> None:
        match taken.scope:
            case Scope.EVERYTHING:
                self.recipients.clear()
            case Scope.CONSENT:
                if taken.consent_id == self.given.consent_id:
                    self.recipients.clear()
            case Scope.RECIPIENT:
                self.recipients.discard(taken.recipient)
            case Scope.CATEGORY:
                self.categories -= {taken.category}


@dataclass(slots=True)
class Ledger:
    """All children's consents, by reference and then by the log entry that recorded each."""

    _consents: defaultdict[bytes, dict[bytes, _Open]] = field(default_factory=lambda: defaultdict(dict))

    def take(self, ref: bytes, entry: bytes, body: ConsentGiven | ConsentWithdrawn) -> None:
        """Take the next accepted event about a child."""
        if isinstance(body, ConsentGiven):
            to = {recipient.unit for recipient in body.recipients}
            self._consents[ref][entry] = _Open(body, to, set(body.categories))
        else:
            for each in self._consents[ref].values():
                each.close(body)

    def carries(self, record: StampRecord) -> bool:
        """Say whether each consent that a permit names still reaches its recipient, and together they cover it."""
        known = self._consents[record.ref]
        if not record.consents or not set(record.consents) <= set(known):
            return False
        leaned = [known[entry] for entry in record.consents]
        covered = set[str]().union(*(each.categories for each in leaned))
        told = {tag.partition(":")[0] for tag in record.categories}
        return told <= covered and all(record.recipient in each.recipients for each in leaned)
