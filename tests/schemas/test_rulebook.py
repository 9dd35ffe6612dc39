"""The rulebook: rows as data, one hash, and nothing unknown in it."""

from __future__ import annotations

from importlib import resources

import pytest

from samband.schemas.errors import OperatorError
from samband.schemas.reasons import REASONS, Remedy, explain
from samband.schemas.rulebook import Effect, parse, shipped

TEXT = resources.files("samband.schemas").joinpath("rulebook.toml").read_text("utf-8")


def test_the_shipped_rows_are_the_law_s() -> None:
    """The shipped rows: forbids first, duties, necessity, manual grounds, consent; each cited and in two languages."""
    book = shipped()
    effects = {effect: [rule.ground for rule in book.rules if rule.effect is effect] for effect in Effect}
    assert effects[Effect.FORBID] == [
        "FORBID_PROTECTED", "FORBID_REPORTER", "FORBID_CARE_REPORTER", "FORBID_CRIME", "FORBID_FRAUD",
    ]  # fmt: skip
    assert effects[Effect.PERMIT] == [
        "DUTY_REPORT", "FEEDBACK", "DUTY_INVESTIGATION", "DUTY_HEALTH_EXAM", "DUTY_LVU_EXAM", "SCHOOL_CHANGE",
        "CARE_TO_SOCIAL", "SOCIAL_TO_CARE", "SOCIAL_TO_SOCIAL", "CARE_TO_CARE", "CARE_INTERNAL", "EMI_INTERNAL",
        "UNIDENTIFIED", "CONSENT_PART", "CONSENT",
    ]  # fmt: skip
    assert effects[Effect.ASK] == ["CANNOT_CONSENT", "GENERAL_CLAUSE", "NECESSARY_OWN", "ONE_GUARDIAN", "LVU_BOARD"]
    assert [rule.effect for rule in book.rules][:5] == [Effect.FORBID] * 5
    for rule in book.rules:
        assert rule.citation
        assert rule.text_sv
        assert rule.text_en
        assert book.citation(rule.ground) == rule.citation
    assert book.citation("MADE_UP") == ""


def test_a_ground_is_unverified_until_the_lawyers_say_so() -> None:
    """What ships is read, not verified: a production gate would not start on it; verified rows are no longer named."""
    assert "CONSENT" in shipped().unverified()
    assert parse(TEXT.replace('status = "read"', 'status = "verified"')).unverified() == ()


def test_the_hash_follows_the_rows_and_nothing_else() -> None:
    """The same rows have the same hash, whatever the comments; any changed word is another rulebook."""
    book = shipped()
    assert parse("# another comment\n" + TEXT).hash == book.hash == shipped().hash
    assert len(book.hash) == 32
    for old, new in (('version = "2"', 'version = "3"'), ("utan samtycke", "utan vidare"), ('"osl25"', '"osl26"')):
        assert old in TEXT
        assert parse(TEXT.replace(old, new, 1)).hash != book.hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('ground = "CONSENT"', 'ground = "DUTY_REPORT"'),
        ('effect = "permit"', 'effect = "wave_through"'),
        ('senders = ["social"]', 'senders = ["socail"]'),
        ('senders = ["social"]', "senders = []"),
        ('recipient_regimes = ["osl26"]', 'recipient_regimes = ["osl99"]'),
        ('types = ["consent.part"]', 'types = ["concern.rumour"]'),
        ('"school_name"]', '"shoe_size"]'),
        ('"15-17"] }', '"15-99"] }'),
        ('reason = "PROTECTED_ADDRESS"\n', ""),
        ('needs = ["consent"]', 'needs = ["consent"]\nreason = "ERROR"'),
        ('needs = ["consent"]', 'needs = ["luck"]'),
        ('needs = ["consent"]', 'sender_kinds = ["care"]'),
        ('status = "read"', 'status = "hearsay"'),
        ('version = "2"', 'version = "2"\nextra = 1'),
        ('version = "2"', ""),
        ('version = "2"', "version = 1"),
        ("[[rule]]", "[[rule"),
    ],
)
def test_a_rulebook_with_anything_unknown_is_refused(old: str, new: str) -> None:
    """A misspelt key, kind, regime, type or category must not quietly make a row mean something else."""
    assert old in TEXT
    with pytest.raises(OperatorError) as caught:
        parse(TEXT.replace(old, new, 1))
    assert caught.value.code == "RULEBOOK_INVALID"


def test_reasons_are_explained() -> None:
    """A known code has its words; an unknown one sends the reader to the operator instead of failing."""
    assert explain("CONSENT_MISSING") is REASONS["CONSENT_MISSING"]
    assert explain("CONSENT_MISSING").remedy is Remedy.FAMILY
    assert explain("SOMETHING_NEW").remedy is Remedy.OPERATOR
    assert explain("SOMETHING_NEW").code == "SOMETHING_NEW"
