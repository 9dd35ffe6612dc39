"""Every code that a sender can be answered with has words in both languages."""

from __future__ import annotations

import re
from pathlib import Path

from samband.schemas.reasons import REASONS, REFUSALS, Remedy, explain

ROOT = Path(__file__).parents[2]
ANSWERS = (
    "streams/gate/checks.py",
    "streams/gate/verdicts.py",
    "streams/crypto/signature.py",
    "streams/decision",
    "connectors/folder.py",
)
RAISED = re.compile(r'(?:Refused|Trust|Format|Delivery)Error\(\s*"([A-Z_]+)"')


def test_whatever_the_gate_answers_is_explained() -> None:
    """No refusal reaches a sender as a bare code."""
    files = [path for place in ANSWERS for path in sorted((ROOT / place).rglob("*.py")) or [ROOT / place]]
    raised = {code for path in files for code in RAISED.findall(path.read_text("utf-8"))}
    assert len(raised) > 30
    assert raised - REASONS.keys() - REFUSALS.keys() == set()


def test_words_are_whole_sentences_in_both_languages() -> None:
    """Each refusal says in Swedish and in English what happened and who can remedy."""
    for code, reason in REFUSALS.items():
        assert reason == explain(code)
        assert reason.remedy in Remedy
        for words in (reason.sv, reason.en, reason.remedy_sv, reason.remedy_en):
            assert words[0].isupper()
            assert words.endswith(".")
    assert REASONS.keys() & REFUSALS.keys() == set()


def test_an_unknown_code_is_an_operators_matter() -> None:
    """A code from a newer hub is shown as it is, with a way out."""
    assert explain("FROM_THE_FUTURE").remedy is Remedy.OPERATOR
