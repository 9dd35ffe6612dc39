"""The reader of stories itself: what it takes for the same, and what not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stories.transcript import commands, play

PAGE = """# A story

```console
$ samband ask "$CHILD" \\
      --to unit
Not permitted.
  …
  message  ‹first›
(exit 10)
$ samband track ‹first›
…
ends
```

```text
$ samband is not run
```
"""


def told(tmp_path: Path, *answers: tuple[int, str]) -> list[str]:
    """Return the words of each command, and what the page did not foresee."""
    page = tmp_path / "story.md"
    page.write_text(PAGE, "utf-8")
    left, typed = list(answers), []

    def run(words: list[str]) -> tuple[int, str]:
        typed.append(" ".join(words))
        return left.pop(0)

    return [found for pair in play(page, {"CHILD": "no one"}, run) for found in (pair[1],)] + typed


ID = "0123456789abcdef"


def test_as_written(tmp_path: Path) -> None:
    """Any lines, any text and ids are taken as the page says; an id is filled in where it is used again."""
    assert told(tmp_path, (10, f"Not permitted.\n  why\n  who\n  message  {ID}\n"), (0, "a\nb\nends\n")) == [
        "", "", "ask no one --to unit", f"track {ID}",
    ]  # fmt: skip
    assert len(list(commands(PAGE))) == 2


@pytest.mark.parametrize(
    "answer", [(0, f"Not permitted.\n  x\n  message  {ID}"), (10, "Permitted.\n"), (10, "Not permitted.\n  message  x")]
)
def test_not_as_written(tmp_path: Path, answer: tuple[int, str]) -> None:
    """Another exit code, another line or no id is told."""
    with pytest.raises(KeyError):  # the id was never seen, so the second command cannot be typed
        assert told(tmp_path, answer, (0, "ends"))[0]
