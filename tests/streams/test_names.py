"""Names that an authority gives fit the fields that carry them."""

from __future__ import annotations

import pytest

from samband.schemas.errors import OperatorError
from samband.streams.authority import _PARTY
from samband.streams.crypto.keys import Purpose, SignKey, realm_of
from samband.streams.root import Root

PUBLIC = SignKey(realm_of(b""), Purpose.ROOT, bytes(32)).public


@pytest.mark.parametrize("agreement", ["b", "barn", "barn-vasteras", "a" * 14])
def test_agreement(agreement):
    """An agreement's name of up to 14 characters founds a realm."""
    assert Root.parse(Root.compose(agreement, "test", 1, [PUBLIC], "2027-01-01")).agreement == agreement


@pytest.mark.parametrize("agreement", ["", "a" * 15, "a-a-a-a-a-a-a-a-a", "-a", "a-", "a--b", "Barn", "barn\n", "å"])
def test_no_agreement(agreement):
    """A name that no card, label or topic could carry is refused when the hub is founded, not later."""
    with pytest.raises(OperatorError) as refusal:
        Root.compose(agreement, "test", 1, [PUBLIC], "2027-01-01")
    assert refusal.value.code == "ROOT_FORM"


@pytest.mark.parametrize(("party", "good"), [
    ("ab", True), ("a" * 40, True), ("a-" * 19 + "aa", True), ("a", False), ("a" * 41, False), ("a-" * 20 + "a", False),
    ("a--b", False), ("ab-", False), ("ab\n", False),
])  # fmt: skip
def test_party(party, good):
    """A party's name has 2 to 40 characters, hyphens counted."""
    assert bool(_PARTY.fullmatch(party)) is good
