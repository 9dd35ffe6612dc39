"""A type that is off until a unit chooses it, whatever ground would carry it."""

from __future__ import annotations

import dataclasses
from typing import Any

from samband.schemas.categories import Category


def test_a_type_that_is_off_is_denied_until_the_recipient_names_it(kit: Any, monkeypatch: Any) -> None:
    """An absence signal is denied although everybody has consented, and permitted once the card names it."""
    state = kit.told((kit.consent(by=["school"], to=["ifo"], categories=tuple(Category)), "school"))
    signal = ("school.absence_signal", "school", "ifo", state)
    off = kit.ask(*signal, categories=("absence:child",))
    assert (off.outcome, off.reasons) == ("deny", ("TYPE_NOT_RECEIVED",))
    monkeypatch.setitem(kit.UNITS, "ifo", dataclasses.replace(kit.UNITS["ifo"], receives=("school.absence_signal",)))
    assert kit.ask(*signal, categories=("absence:child",)).grounds == ("CONSENT",)
