"""Every ground of the shipped rulebook is tried both ways."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from samband.schemas.rulebook import shipped

TESTS = {
    node.name: ast.get_docstring(node) or ""
    for path in sorted(Path(__file__).parent.glob("test_grounds*.py"))
    for node in ast.parse(path.read_text("utf-8")).body
    if isinstance(node, ast.FunctionDef)
}


@pytest.mark.parametrize("way", ["permits", "refuses"])
@pytest.mark.parametrize("ground", [rule.ground for rule in shipped().rules])
def test_each_ground_has_a_test_that_says_its_rule(ground: str, way: str, kit: Any) -> None:
    """Each ground has tests that permit and that refuse, named after it, whose docstring is the rule in words."""
    assert ground in {rule.ground for rule in kit.BOOK.rules}
    named = [words for name, words in TESTS.items() if name.startswith(f"test_{ground.lower()}_{way}")]
    assert named, f"no test_{ground.lower()}_{way}…"
    assert all(words.startswith(f"{ground}: ") for words in named)
