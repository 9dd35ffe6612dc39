"""Which rules hold when: only what the authority signed, from its time on, and in production only what is verified."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from samband.schemas.agreement import shipped_text as shipped_terms
from samband.schemas.errors import OperatorError, SambandError
from samband.schemas.rulebook import shipped_text
from samband.schemas.signed_rules import Rules
from samband.streams.authority import Home
from samband.streams.crypto.keys import Purpose, SignKey, realm_of
from samband.streams.root import Root
from samband.streams.rules import RulesInForce, sign_rules

METADATA = Root.parse(
    Root.compose("barn", "test", 1, [SignKey(realm_of(b""), Purpose.ROOT, bytes(32)).public], "2027-01-01")
)
REALM = METADATA.realm
ROOT = SignKey(REALM, Purpose.ROOT, bytes(32))
TEXT = shipped_text()
VERIFIED = TEXT.replace('status = "read"', 'status = "verified"')


def known(*, production: bool = False) -> RulesInForce:
    return RulesInForce(METADATA, production=production)


def signed(number: int, effective_from: int, text: str = TEXT, signer: SignKey = ROOT) -> bytes:
    return sign_rules([signer], Rules(number=number, effective_from=effective_from, rulebook=text, terms=""))


def refused(rules: RulesInForce, value: bytes) -> str:
    with pytest.raises(SambandError) as caught:
        rules.learn(value)
    return caught.value.code


def test_the_newest_version_that_has_begun_holds() -> None:
    """Rules hold from their time on; a later number that has begun replaces them, whichever came first."""
    rules = known()
    for number, begins in ((2, 2000), (1, 1000), (3, 9000)):
        rules.learn(signed(number, begins, TEXT + f"# {number}\n"))
    assert rules.at(999) is None
    held = [rules.at(now) for now in (1000, 1999, 2000, 8999, 9000)]
    assert [version.number for version in held if version] == [1, 1, 2, 2, 3]


def test_only_the_authority_says_what_holds() -> None:
    """Rules of another root, another realm or with a changed byte are refused."""
    other = SignKey(REALM, Purpose.ROOT, b"\x01" * 32)
    assert refused(known(), signed(1, 0, signer=other)) == "ROOT_UNKNOWN"
    value = bytearray(signed(1, 0))
    value[300] ^= 1
    assert refused(known(), bytes(value)) == "SIGNATURE_BROKEN"
    assert refused(known(), signed(1, 0, "[[rule]]\n")) == "RULEBOOK_INVALID"


def test_a_version_never_changes() -> None:
    """One number has one text: the same again is the same, another is refused."""
    rules = known()
    first = rules.learn(signed(1, 0))
    assert rules.learn(signed(1, 0)) is first
    assert refused(rules, signed(1, 0, TEXT + "# another\n")) == "RULES_NUMBER"
    assert refused(rules, signed(1, 5)) == "RULES_NUMBER"


def test_production_decides_by_verified_rows_only() -> None:
    """In production a version with a permitting row that the lawyers have not verified is never in force."""
    rules = known(production=True)
    assert refused(rules, signed(1, 0)) == "RULES_UNVERIFIED"
    assert rules.at(10) is None
    assert rules.learn(signed(1, 0, VERIFIED)).number == 1


def test_a_production_hub_does_not_start_on_unverified_rows(tmp_path: Path) -> None:
    """A production hub refuses to start and names the rows; with a verified rulebook it would start."""
    now = datetime.now(UTC)
    home = Home(tmp_path / "home")
    home.found("barn", now=now, environment="production", shards=1)
    with pytest.raises(OperatorError) as caught:
        home.check_rules(now)
    assert caught.value.code == "RULES_UNVERIFIED"
    assert "CONSENT" in caught.value.message
    other = Home(tmp_path / "other")
    other.found("barn", now=now, environment="test", shards=1)
    other.check_rules(now)
    assert other.publish_rules(VERIFIED, now=now, effective_from=now + timedelta(days=1)) == 2
    with pytest.raises(OperatorError) as past:
        other.publish_rules(VERIFIED, now=now, effective_from=now - timedelta(days=1))
    assert past.value.code == "RULES_TIME"


def test_the_agreement_says_how_long_a_consent_lasts() -> None:
    """The longest life of a consent is the signed agreement's own; without one it is a year."""
    rules = known()
    longest = {}
    for number, terms in ((1, ""), (2, shipped_terms("vastmanland")), (3, shipped_terms("vastra_gotaland"))):
        signed_terms = Rules(number=number, effective_from=number, rulebook=TEXT, terms=terms)
        longest[number] = rules.learn(sign_rules([ROOT], signed_terms)).longest // 86_400
    assert longest[1] == 366
    assert longest[2] != longest[3]
    held = rules.at(3)
    assert held is not None
    assert held.terms is not None
    assert held.terms.name == "vastra_gotaland"
