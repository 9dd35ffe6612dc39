"""The edges: what a connector costs where systems meet it, beside the plain way to do the same work.

`rest` is `POST /v1/messages` with an idempotency key, until the message is in the durable outbox; `rest_out` is
listing, fetching and acknowledging; `drop` is files that
become messages, each with its result; `folder` and `webhook` are the hand-over of letters that wait, store and receipt
included. The plain side (`edges_plain`) takes the same bytes over the same HTTP server, commits as durably, and checks
next to nothing: it has no identities, keys, ladders, receipts or repeats. Each round runs both, one after the other.

**No Kafka is here.** Sealing, sending and reading are told by themselves (`edge_seal_cpu_us`), or by the other parts.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final

import aiohttp

from tests.bench.figures import Figure
from tests.bench.process import Process

__all__ = ["edge_figures"]

_AT_ONCE: Final = 16
_PAGE: Final = 50
_MOST: Final = 2_000
"""Messages in a round at the most: more tell nothing more."""

Say = Callable[[str], None]
Found = dict[str, list[tuple[float, float]]]
"""Edge → (messages a second, µs of CPU a message) of each round."""


class _Contender:
    """A side, and its process."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.told: dict[str, Any] = json.loads(process.hear())
        self.url: str = self.told["url"]
        self.tokens: dict[str, str] = {}
        self.found: Found = defaultdict(list)

    def ask(self, do: str, **more: Any) -> Any:
        return self.process.ask(json.dumps({"do": do, **more}))

    def hand_over(self, way: str, at: str, count: int) -> None:
        """Measure the hand-over of letters, which the process does itself."""
        answer = self.ask(way, at=at, count=count)
        self.found[way].append((count / answer["seconds"], answer["cpu"] / count * 1e6))

    def drop(self, at: str, body: str, count: int) -> None:
        """Measure the taking of files that the party's own system has dropped."""
        answer = self.ask("drop", at=at, body=body, count=count)
        self.found["drop"].append((count / answer["seconds"], answer["cpu"] / count * 1e6))

    def call(self, name: str, count: int, work: Callable[[], Awaitable[None]]) -> None:
        """Measure what its interface does; our own HTTP client's CPU is in this process, and not counted."""
        cpu = self.ask("cpu")["cpu"]
        began = time.perf_counter()
        asyncio.run(_whole(work))
        took = time.perf_counter() - began
        self.found[name].append((count / took, (self.ask("cpu")["cpu"] - cpu) / count * 1e6))

    def headers(self, client: str) -> dict[str, str]:
        token = self.tokens.get(client)
        return {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}


async def _whole(work: Callable[[], Awaitable[None]]) -> None:
    await work()


def edge_figures(messages: int, rounds: int, say: Say) -> list[Figure]:
    """Return rates, their ratios to the plain way, and CPU, of each edge."""
    count = min(messages, _MOST)
    with tempfile.TemporaryDirectory(prefix="samband-bench-") as name:
        folder = Path(name)
        for each in ("ours", "plain", "peer"):
            (folder / each).mkdir()

        def process(kind: str, at: str) -> Process:
            return Process("tests.bench.edges_side", kind, folder / at, log=folder / f"{at}.log")

        say("opening a house, a plain side and a far side; no Kafka")
        with process("ours", "ours") as first, process("plain", "plain") as second, process("plain", "peer") as third:
            ours, plain, peer = _Contender(first), _Contender(second), _Contender(third)
            asyncio.run(_tokens(ours))
            plain.ask("samples", document=ours.told["document"], event=ours.told["event"])
            body, hook = ours.told["body"], f"{peer.url}/hook"
            for side in (ours, plain):  # not counted: imports, first connections, first pages of the files
                _round(side, folder / f"warm-{side is ours}", body, hook, min(count, _PAGE))
                side.found.clear()
            ours.ask("seal")
            for number in range(rounds):
                for side, called in ((ours, "ours"), (plain, "plain")):
                    say(f"round {number + 1} of {rounds}: {called}")
                    _round(side, folder / f"{called}-{number}", body, hook, count)
            sealed = ours.ask("seal")
    seal_us = sealed["cpu"] / sealed["count"] * 1e6 if sealed["count"] else 0.0
    return [
        *_figures(ours.found, plain.found),
        Figure("edge_seal_cpu_us", seal_us, "µs of CPU a message, sealed later"),
    ]


def _round(side: _Contender, root: Path, body: str, hook: str, count: int) -> None:
    side.call("rest", count, lambda: _post(side, body, count, _AT_ONCE))
    few = max(1, count // 10)  # each waits for the disk by itself
    side.call("rest_alone", few, lambda: _post(side, body, few, 1))
    side.drop(f"{root}-drop", body, count)
    side.ask("letters", count=count)
    side.call("rest_out", count, lambda: _fetch(side, count))
    side.hand_over("folder", str(root), count)
    side.hand_over("webhook", hook, count)


def _figures(ours: Found, plain: Found) -> list[Figure]:
    what = {
        "rest": f"messages/s accepted, {_AT_ONCE} at once",
        "rest_alone": "messages/s accepted, one at a time",
        "drop": "messages/s accepted from files, a result each",
        "rest_out": f"messages/s listed, fetched and acknowledged, {_AT_ONCE} at once",
        "folder": "messages/s handed over as files",
        "webhook": "messages/s handed over by POST",
    }
    made: list[Figure] = []
    for name, unit in what.items():
        pairs = list(zip(ours[name], plain[name], strict=True))
        ratio = statistics.median(our[0] / their[0] for our, their in pairs)
        share = statistics.median(1 - their[1] / our[1] for our, their in pairs)
        made += [
            Figure(f"{name}_per_s", _median(rate for rate, _ in ours[name]), unit),
            Figure(f"{name}_vs_plain", ratio),
            Figure(f"{name}_plain_per_s", _median(rate for rate, _ in plain[name]), "messages/s"),
            Figure(f"{name}_cpu_us", _median(cpu for _, cpu in ours[name]), "µs of CPU a message"),
            Figure(f"{name}_plain_cpu_us", _median(cpu for _, cpu in plain[name]), "µs of CPU a message"),
            Figure(f"{name}_share", share, "of its CPU is ours"),
        ]
    return made


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


async def _tokens(side: _Contender) -> None:
    async with aiohttp.ClientSession() as session:
        for client, secret in side.told["clients"].items():
            form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
            async with session.post(f"{side.url}/oauth2/token", data=form) as answer:
                side.tokens[client] = (await answer.json())["access_token"]


async def _post(side: _Contender, body: str, count: int, at_once: int) -> None:
    """Send so many messages, and check that each is accepted."""
    headers, data, left = side.headers("skola"), body.encode(), iter(range(count))
    run = time.time_ns()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once)) as session:

        async def work() -> None:
            for number in left:
                key = {"idempotency-key": f"{run}-{number}"}
                async with session.post(f"{side.url}/v1/messages", data=data, headers=headers | key) as answer:
                    _check(answer, 202)
                    await answer.read()

        await asyncio.gather(*(work() for _ in range(at_once)))


async def _fetch(side: _Contender, count: int) -> None:
    """List, fetch and acknowledge everything that waits, page by page."""
    headers, done = side.headers("socialtjanst"), 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_AT_ONCE), headers=headers) as session:
        while True:
            async with session.get(f"{side.url}/v1/inbox?limit={_PAGE}") as answer:
                _check(answer, 200)
                left = iter([each["message_id"] for each in (await answer.json())["items"]])
            taken = sum(await asyncio.gather(*(_take(session, side.url, left) for _ in range(_AT_ONCE))))
            if not taken:
                break
            done += taken
    if done != count:
        raise RuntimeError(f"{done} letters of {count} were fetched")


async def _take(session: aiohttp.ClientSession, url: str, left: Iterable[str]) -> int:
    taken = 0
    for each in left:
        async with session.get(f"{url}/v1/inbox/{each}") as answer:
            _check(answer, 200)
            await answer.read()
        async with session.post(f"{url}/v1/inbox/{each}/acknowledge", data=b"{}") as answer:
            _check(answer, 200)
            await answer.read()
        taken += 1
    return taken


def _check(answer: aiohttp.ClientResponse, status: int) -> None:
    if answer.status != status:
        raise RuntimeError(f"a side answered {answer.status} where {status} was to come")
