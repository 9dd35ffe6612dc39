"""One side of `tests.bench.edges` as a process of its own: `ours FOLDER` or `plain FOLDER`. Both answer the same."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.edges_ours import Ours
from tests.bench.edges_plain import Plain
from tests.bench.process import lines, tell


async def _answer(side: Ours | Plain, asked: dict[str, Any]) -> dict[str, Any]:
    count = asked.get("count", 0)
    match asked["do"]:
        case "samples" if isinstance(side, Plain):
            side.document, side.event = asked["document"].encode(), asked["event"].encode()
        case "letters":
            side.letters(count)
        case "drop":
            side.files(Path(asked["at"]), asked["body"].encode(), count)
            cpu = time.process_time()
            return {"seconds": await side.drop(count), "cpu": time.process_time() - cpu}
        case "folder" | "webhook" as way:
            if isinstance(side, Ours):
                side.letters(count)
            cpu = time.process_time()
            took = await (
                side.folder(Path(asked["at"]), count) if way == "folder" else side.webhook(asked["at"], count)
            )
            return {"seconds": took, "cpu": time.process_time() - cpu}
        case "seal":
            cpu = time.process_time()
            return {"count": side.seal(), "cpu": time.process_time() - cpu}
    return {"cpu": time.process_time()}


async def _serve(words: Sequence[str]) -> None:
    """Answer each line of standard input until it ends."""
    asked = await lines(limit=1 << 20)
    kind: type[Ours | Plain] = Ours if words[0] == "ours" else Plain
    async with kind.opened(Path(words[1])) as (side, told):
        tell(json.dumps(told))
        while line := await asked.readline():
            tell(json.dumps(await _answer(side, json.loads(line))))


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1:]))
