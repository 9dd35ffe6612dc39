"""Which rules hold when: versions of rulebook and terms, signed by the agreement's authority.

    rules = RulesInForce(root, production=False)
    rules.learn(value)                        verified, or an error
    rules.at(now_ms).rulebook                 what a decision at that time is made by

Invariants: a version never changes once it was learned; in production no version is learned that has a permitting row
which the lawyers have not verified, so a production gate cannot decide by one.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from samband.schemas import agreement
from samband.schemas.agreement import Agreement
from samband.schemas.codec import frame, unframe
from samband.schemas.errors import FormatError, OperatorError, TrustError
from samband.schemas.rulebook import Rulebook, parse
from samband.schemas.signed_rules import SIGNED_RULES, Rules
from samband.streams.crypto.keys import SignKey
from samband.streams.decision.said import LONGEST
from samband.streams.root import Root, sign_by

__all__ = ["InForce", "RulesInForce", "check_verified", "read_rules", "sign_rules"]

DAY: Final = 86_400
MOST: Final = 1000
"""Versions that are kept; more is a fault."""


@dataclass(frozen=True, slots=True)
class InForce:
    """A version that may hold."""

    number: int
    effective_from: int
    rules: Rules
    rulebook: Rulebook
    terms: Agreement | None
    """The agreement as data, where the authority has signed one."""
    longest: int
    """Longest life of a consent, in seconds."""


def sign_rules(roots: Iterable[SignKey], rules: Rules) -> bytes:
    """Return signed rules as a Kafka value."""
    data = rules.encode()
    return frame(SIGNED_RULES, {"v": 1, "rules": data, "sigs": sign_by(roots, "rules", data)})


def read_rules(root: Root, value: bytes) -> Rules:
    """Return the rules in a Kafka value, verified.

    Raises:
        FormatError: not rules.
        TrustError: the authority did not sign them.
    """
    signed = unframe(SIGNED_RULES, value)
    if signed["v"] != 1:
        raise FormatError("FORMAT_VERSION", f"version {signed['v']} is not read here, only 1")
    root.verify("rules", signed["rules"], signed["sigs"])
    return Rules.decode(signed["rules"])


def check_verified(rulebook: Rulebook) -> None:
    """Check that the lawyers have confirmed every row that lets something pass.

    Raises:
        OperatorError: they have not; the message names the rows (`RULES_UNVERIFIED`).
    """
    if rows := rulebook.unverified():
        raise OperatorError(
            "RULES_UNVERIFIED",
            f"{len(rows)} rows of the rulebook that permit something are not verified: {', '.join(rows)}",
            "let the lawyers confirm them (status = `verified`), then samband rules publish FILE",
        )


class RulesInForce:
    """Every version that was learned."""

    def __init__(self, root: Root, *, production: bool) -> None:
        self._root = root
        self._production = production
        self._versions: list[InForce] = []

    def learn(self, value: bytes) -> InForce:
        """Verify signed rules and take them; what is known already changes nothing.

        Raises:
            FormatError, TrustError: as in `read_rules`.
            OperatorError, TrustError: as in `take`.
        """
        return self.take(read_rules(self._root, value))

    def take(self, rules: Rules) -> InForce:
        """Take verified rules.

        Raises:
            TrustError: there is another text under the same number.
            OperatorError: rulebook or terms do not parse, or a production hub's has an unverified row.
        """
        for known in self._versions:
            if known.number == rules.number:
                if known.rules != rules:
                    raise TrustError("RULES_NUMBER", f"there is another text with the number {rules.number}")
                return known
        if len(self._versions) >= MOST:
            raise TrustError("RULES_NUMBER", f"there are more than {MOST} versions of the rules")
        rulebook = parse(rules.rulebook)
        if self._production:
            check_verified(rulebook)
        terms = agreement.parse(rules.terms) if rules.terms else None
        longest = terms.longest_consent_days * DAY if terms else LONGEST
        version = InForce(rules.number, rules.effective_from, rules, rulebook, terms, longest)
        insort(self._versions, version, key=lambda each: each.number)
        return version

    @property
    def versions(self) -> tuple[InForce, ...]:
        """Every version, by number."""
        return tuple(self._versions)

    def at(self, now: int) -> InForce | None:
        """Return what holds at `now` (ms): the highest number that has begun; None where nothing has."""
        return next((each for each in reversed(self._versions) if each.effective_from <= now), None)
