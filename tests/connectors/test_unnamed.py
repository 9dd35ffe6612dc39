"""A message that names nobody: what the sender's connector knows of a child does not leave in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.store import Store
from samband.connectors.unnamed import check_names_nobody
from samband.schemas.catalogue import encode_content
from samband.schemas.errors import InputError
from samband.schemas.examples import example
from samband.schemas.testdata import synthetic
from samband.streams.outbox import Draft

TYPE = "consult.question"
HEARD, SAID = synthetic(31), synthetic(32)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return the store of a party that has had one message about a child, and has said one about another."""
    store = Store(tmp_path / "store.db", bytes(32))
    letter = {"content": {"child_identifier": HEARD.identifier, "child_name": HEARD.name, "text": None}}
    held: dict[str, Any] = {"content": None}
    content = example("dialogue.message") | {"child_identifier": SAID.identifier, "child_name": SAID.name}
    draft = Draft(
        agreement="a", message_id=b"d" * 16, conversation=b"d" * 16, sender="s", recipient="r", e=1, ref=bytes(16),
        type="dialogue.message", age_band="<12", created=0, expires=1,
        content=encode_content("dialogue.message", content),
    )  # fmt: skip
    with store.transaction():
        for number, each in ((b"1" * 16, letter), (b"2" * 16, held)):
            store.add_letter(
                number, offset=0, ref=bytes(16), unit="u", type="x", expires=1, held=False, letter=each, now=0
            )
        store.add_draft(draft, 0)
    yield store
    store.close()


def test_the_example_names_nobody(store: Store) -> None:
    """A question that names nobody goes, whatever the connector knows."""
    check_names_nobody(store, TYPE, example(TYPE))


@pytest.mark.parametrize("child", [HEARD, SAID], ids=["heard", "said"])
@pytest.mark.parametrize("field", ["question", "contact"])
@pytest.mark.parametrize("way", ["name", "shouted", "broken", "number"])
def test_a_known_child_is_refused(store: Store, child: Any, field: str, way: str) -> None:
    """The name or number of a child that the connector has heard of or spoken of does not leave, in any field."""
    named = {
        "name": child.name,
        "shouted": child.name.upper(),
        "broken": child.name.replace(" ", "\n  "),
        "number": child.identifier,
    }[way]
    with pytest.raises(InputError) as caught:
        check_names_nobody(store, TYPE, example(TYPE) | {field: f"Det gäller {named}."})
    assert caught.value.code == "NAMES_A_CHILD"
    shown = f"{caught.value} {caught.value.hint}"
    assert f"`{field}`" in shown
    assert child.identifier not in shown
    assert child.name not in shown


def test_a_stranger_s_number_is_refused_too(store: Store) -> None:
    """A number that the connector has never heard of is a child's number all the same, also without its century."""
    for number in (synthetic(33).identifier, synthetic(33).identifier[2:]):
        with pytest.raises(InputError):
            check_names_nobody(store, TYPE, example(TYPE) | {"question": f"Det gäller {number}"})


def test_part_of_a_word_is_no_name(store: Store) -> None:
    """A name inside a longer word is not that child's name."""
    check_names_nobody(store, TYPE, example(TYPE) | {"question": f"Det gäller {HEARD.name}skolan"})
