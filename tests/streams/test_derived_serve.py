"""Where the derived streams answer, without Kafka behind them."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any, cast

import pytest

from samband.schemas.errors import OperatorError
from samband.streams.authority import Home
from samband.streams.derived.app import Derived
from samband.streams.derived.serve import PATH_MAX, serving
from samband.streams.derived.track import ask_summary, is_ready


class Nothing:
    """A table without rows."""

    unreadable = 3

    def rows(self) -> list[Any]:
        """Return none."""
        return []


@pytest.mark.parametrize("depth", [0, 4])
async def test_long_home_is_answered_too(tmp_path: Path, depth: int) -> None:
    """A home whose path is too long for a socket is served too, and what a crash left goes at the next start."""
    home = Home(tmp_path.joinpath(*["a-rather-long-folder-name"] * depth, "home"))
    run = home.hub / "run"
    run.mkdir(parents=True)
    is_long = len(os.fsencode(run / "derived.sock")) > PATH_MAX
    assert is_long or depth == 0
    with pytest.raises(OperatorError, match="DERIVED_DOWN"):
        ask_summary(home)
    derived = cast("Derived", Nothing())
    async with serving(derived, run):
        left = json.loads((run / "derived.json").read_text())  # what a kill would leave behind
        answer = await asyncio.to_thread(ask_summary, home)
        assert answer == {"states": {}, "unreadable": 3}
        assert is_ready(home, os.getpid())
        async with serving(derived, run):
            assert not is_long or not Path(left["socket"]).exists()  # noqa: ASYNC240
    assert not list(run.iterdir())
    assert not Path(left["socket"]).exists()  # noqa: ASYNC240
    assert not is_ready(home, os.getpid())
