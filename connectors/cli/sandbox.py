"""`samband sandbox`: a whole house in one process, to connect a system to."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samband.connectors.cli.terminal import Json, bad, emit, table
from samband.connectors.cli.words import either, say
from samband.schemas.errors import OperatorError

if TYPE_CHECKING:
    from samband.connectors.sandbox.serving import Came

__all__ = ["sandbox"]


def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 8700,
    once: Annotated[bool, typer.Option("--once", help="Try each answer that is told, say what came, and end.")] = False,
    webhook: Annotated[
        list[str] | None,
        typer.Option(metavar="UNIT=URL", help="Hand a unit's messages over to your own system. Repeatable."),
    ] = None,
    rest: Annotated[
        list[str] | None,
        typer.Option(metavar="UNIT", help="Let a unit's system fetch over REST. Repeatable."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="Keep it in this new folder.", show_default="none kept")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run hub, directory and four parties in this one process, without Kafka or Java, until Ctrl-C.

    Gate, log, connectors, keys and stores are the real ones; only Kafka is not. Five children who do not exist have
    answers that your tests can rest on. http://127.0.0.1:8700/sandbox says who is there, lets a party say something
    to you, and lets things go wrong on request: delay, drop, duplicate, refuse, away. Needs `pip install
    samband[sandbox]`; docs/connectors.md.
    """
    try:
        from samband.connectors.sandbox import serving
    except ModuleNotFoundError as error:
        raise OperatorError(
            "SANDBOX_MISSING", f"the sandbox needs `{error.name}`", "pip install 'samband[sandbox]'"
        ) from error
    if folder is not None and folder.exists() and any(folder.iterdir()):
        raise OperatorError("SANDBOX_FOLDER", f"`{folder}` is not empty", "name a new folder")
    webhooks = dict(_webhook(each) for each in webhook or [])

    async def run() -> bool:
        async with serving.opened(webhooks, folder, rest or ()) as house:
            if once:
                came: list[Came] = []
                good = await serving.once(house, came.append)
                _show(came, as_json=as_json)
                return good
            with serving.listening(port) as listener:
                address = f"http://127.0.0.1:{listener.getsockname()[1]}"
                if as_json:
                    emit({"address": address, "folder": str(house.home.path)})
                else:
                    _welcome(address, house.home.path, webhooks, rest or [])
                await serving.serve(listener, house)
            return True

    if not asyncio.run(run()):
        raise typer.Exit(1)


def _webhook(text: str) -> tuple[str, str]:
    unit, equals, url = text.partition("=")
    if not (unit and equals and url):
        raise bad("a webhook is written UNIT=URL", "--webhook SE2120002080-SKOLA=http://127.0.0.1:9000/samband", "")
    return unit, url


def _welcome(address: str, home: Path, webhooks: dict[str, str], fetching: list[str]) -> None:
    from samband.connectors.sandbox.app import NOT_REAL
    from samband.connectors.sandbox.children import CHILDREN
    from samband.connectors.sandbox.doors import secret_of
    from samband.connectors.sandbox.places import PARTIES
    from samband.connectors.sandbox.serving import SECRET

    print(either(f"Sandlådan är uppe: {address}/sandbox\n", f"The sandbox is up: {address}/sandbox\n"))
    ways = webhooks | {unit: either("hämtar med REST", "fetches over REST") for unit in fetching}
    rows = [
        (place.party, unit.id, unit.kind.value, ways.get(unit.id, f"{home}/parties/{place.party}/inbox/{unit.id}"))
        for place in PARTIES
        for unit in place.units
    ]
    table((either("part", "party"), say("unit"), "", either("lämnas till", "handed over to")), rows)
    print()
    table(
        (either("barn", "child"), either("nummer", "number"), ""),
        [(each.key, each.identifier, either(*each.told)) for each in CHILDREN.values()],
    )
    if webhooks:
        print(either(f"\nWebhookar signeras med {SECRET}", f"\nWebhooks are signed with {SECRET}"))
    print(
        either(
            f"\nREST: {address}/parties/PART/openapi.json, klient PART, hemlighet {secret_of('PART')}",
            f"\nREST: {address}/parties/PARTY/openapi.json, client PARTY, secret {secret_of('PARTY')}",
        )
    )
    print(f"\n{NOT_REAL}\n")
    told = '{"from": "SE2120002080-SKOLA", "to": "SE2120002080-IFO", "type": "concern.report", "child": "permitted"}'
    print(f"  curl {address}/sandbox/say -H 'content-type: application/json' -d '{told}'\n")
    print(either("Ctrl-C avslutar.", "Ctrl-C ends it."), flush=True)


def _show(came: list[Came], *, as_json: bool) -> None:
    if as_json:
        emit([_plain(each) for each in came])
        return
    rows = [
        (
            "ok" if each.ok else either("FEL", "WRONG"),
            each.told.child,
            each.told.type,
            f"{each.told.sender} → {each.told.recipient}",
            f"{each.outcome} {' '.join(each.why)}",
            each.state,
            str(each.ms),
        )
        for each in came
    ]
    head = ("", either("barn", "child"), say("type"), "", either("beslut", "decision"), say("state"), "ms")
    table(head, rows)


def _plain(each: Came) -> dict[str, Any]:
    told = each.told
    return {
        "child": told.child, "type": told.type, "from": told.sender, "to": told.recipient, "outcome": each.outcome,
        "why": list(each.why), "state": each.state, "ok": each.ok, "ms": each.ms,
    }  # fmt: skip
