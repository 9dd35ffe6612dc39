"""`samband rules publish|list`: sign a rulebook for an agreement, and see which versions hold when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samband.connectors.cli.hub import terms_of
from samband.connectors.cli.terminal import Json, bad, emit, home_of, moment, note, table
from samband.connectors.cli.words import either, say

if TYPE_CHECKING:
    from samband.streams.authority import Home
    from samband.streams.rules import RulesInForce

__all__ = ["list_", "publish"]


def publish(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The rulebook.", show_default="the one that ships")
    ] = None,
    terms: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="The agreement as data.", show_default="as in the version before")
    ] = "",
    begins: Annotated[
        str, typer.Option("--from", metavar="TIME", help="When it begins to hold.", show_default="now")
    ] = "",
    as_json: Json = False,
) -> None:
    """Sign a rulebook as the agreement's next version, and publish it to everybody who takes part.

    It holds from its time on by the gate's clock, and each decision names the version that it was made by. In
    production it must be verified by the lawyers row by row. Needs the authority's key on this machine.

    \b
    samband rules check rulebook.toml
    samband rules diff shipped rulebook.toml
    samband rules publish rulebook.toml --from 2027-01-01
    """  # noqa: D301
    from samband.schemas.rulebook import parse, shipped_text
    from samband.streams.hub import refresh
    from samband.streams.rules import check_verified

    home, now = home_of(), datetime.now(UTC)
    text = shipped_text() if file in (None, Path("shipped")) else _read(file)
    if home.root.production:
        check_verified(parse(text))
    versions = _known(home).versions
    held = versions[-1].rules.terms if versions else ""
    number = home.publish_rules(
        text, terms=terms_of(terms) if terms else held, now=now, effective_from=_begins(begins, now)
    )
    told = refresh(home)
    if as_json:
        emit({"number": number, "published": told})
        return
    print(either(f"version {number} är signerad", f"version {number} is signed"))
    if not told:
        note(either("navet kör inte; den publiceras när det startar", "the hub does not run; it is published then"))


def list_(as_json: Json = False) -> None:
    """List the versions of the rules: from when each holds, which holds now, and how many rows are unverified."""
    known = _known(home_of())
    held = known.at(int(datetime.now(UTC).timestamp() * 1000))
    found: list[dict[str, Any]] = [
        {
            "number": each.number,
            "from": each.effective_from,
            "rulebook": each.rulebook.hash.hex(),
            "agreement": each.terms.name if each.terms else None,
            "longest_consent_days": each.longest // 86_400,
            "unverified": list(each.rulebook.unverified()),
            "holds": held is not None and each.number == held.number,
        }
        for each in known.versions
    ]
    if as_json:
        emit(found)
        return
    columns = ("version", say("from"), either("överenskommelse", "agreement"), either("overifierade", "unverified"), "")
    table(
        columns,
        [
            (
                str(each["number"]),
                moment(each["from"]),
                each["agreement"] or "–",
                str(len(each["unverified"])),
                either("gäller nu", "holds now") if each["holds"] else "",
            )
            for each in found
        ],
    )


def _known(home: Home) -> RulesInForce:
    from samband.streams.rules import RulesInForce

    known = RulesInForce(home.root, production=False)  # listed, not decided by
    for value in home.rules().values():
        known.learn(value)
    return known


def _read(file: Path | None) -> str:
    try:
        return Path(file or "").read_text("utf-8")
    except (OSError, ValueError):
        raise bad("the file cannot be read", "", "RULEBOOK_FILE") from None


def _begins(text: str, now: datetime) -> datetime | None:
    from samband.streams.inbox import STOCKHOLM

    if not text:
        return None
    try:
        begins = datetime.fromisoformat(text)
    except ValueError:
        raise bad("a time is written YYYY-MM-DD or YYYY-MM-DDTHH:MM", "--from 2027-01-01", "DATE_FORM") from None
    begins = begins if begins.tzinfo else begins.replace(tzinfo=STOCKHOLM)
    if begins < now - timedelta(minutes=1):
        raise bad("rules begin now or later; the past was decided by others", "", "RULES_TIME")
    return max(begins, now)
