"""`samband audit affected`: every message that was handed over because of something, and the draft of an incident."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samband.connectors.cli.audit_topic import audit_records
from samband.connectors.cli.incident import LANGUAGES, Tally
from samband.connectors.cli.terminal import Answer, As, Exit, Json, bad, home_of, moment, note, party_of
from samband.connectors.cli.words import either
from samband.connectors.handed import Cause, Handed, Trail, by_user, of_party
from samband.schemas.errors import InputError, SambandError
from samband.schemas.rulebook import shipped

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.streams.authority import Home

__all__ = ["affected"]


def affected(
    *,
    consent: Annotated[
        str, typer.Option(metavar="ID", help="A consent: its id with --as; its log entry, or the message that said it.")
    ] = "",
    unit: Annotated[str, typer.Option(metavar="UNIT", help="A unit, as sender or recipient.")] = "",
    rule: Annotated[str, typer.Option(metavar="GROUND", help="A ground of the rulebook, such as CONSENT.")] = "",
    user: Annotated[str, typer.Option(metavar="ID[:ROLE]", help="One of your own users; needs --as.")] = "",
    who: As = "",
    as_json: Json = False,
) -> None:
    """List every message that was handed over because of a consent, unit, rule or user, and draft the incident.

    Without --as on the hub's machine, from the audit records that Kafka still keeps (the list says how far back). With
    --as from the party's own store: what it said and what came to it. The draft is in Swedish and English, says what
    data protection law asks for within 72 hours, and names no child. Exit code 3: a record could not be read, so the
    list may lack something.

    \b
    samband audit affected --as social --consent 5c…              the consent's own id
    samband audit affected --consent 9f…                          its log entry, at the hub
    samband audit affected --as social --user anna01 --json
    """  # noqa: D301  typer's mark for lines that are not folded
    named = {"consent": consent, "unit": unit, "rule": rule, "user": user}
    cause = {key: value for key, value in named.items() if value}
    if len(cause) != 1:
        raise bad("one cause is looked for at a time", "--consent, --unit, --rule or --user")
    if rule and rule not in {row.ground for row in shipped().rules}:
        note(
            either("Ingen sådan grund finns i den regelbok som följer med.", "No such ground is in the shipped rules.")
        )
    report = _Report(cause, as_json=as_json)
    if who:
        party = party_of(who)
        for handed in of_party(party, _party_cause(party, cause)):
            report.add(handed)
        report.end({"source": party.name, "on_their_way": None, "unreadable": 0, "reach": None})
    else:
        asyncio.run(_at_hub(home_of(), _hub_cause(cause), report))


def _party_cause(party: Party, named: dict[str, str]) -> Cause:
    if text := named.get("user"):
        user, _, role = text.partition(":")
        return Cause(user=by_user(party, user, [role] if role else party.store.roles_of(user)))
    if text := named.get("consent"):
        return Cause(consents={_entry_of(party, text)})
    return Cause(unit=named.get("unit", ""), rule=named.get("rule", ""))


def _entry_of(party: Party, text: str) -> bytes:
    """Return the log entry of a consent that this party recorded, or the entry itself."""
    from samband.connectors.book import ConsentBook

    if len(found := _hex(text)) == 32:
        return found
    recorded = ConsentBook(party).entry(found)
    steps = party.store.steps(bytes.fromhex(recorded["message_id"]))
    entry = next((step.detail["entry"] for step in steps if step.outcome == "accepted"), "")
    if not entry:
        raise InputError("CONSENT_UNKNOWN", "the gate has not accepted that consent", "samband consent list")
    return bytes.fromhex(entry)


def _hub_cause(named: dict[str, str]) -> Cause:
    if "user" in named:
        raise bad("the hub knows no users: only their own party can tell them", "--as PARTY", "PARTY_WHO")
    if text := named.get("consent"):
        found = _hex(text)
        return Cause(consents={found}) if len(found) == 32 else Cause(event=found)
    return Cause(unit=named.get("unit", ""), rule=named.get("rule", ""))


def _hex(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) not in (16, 32):
        raise bad("a consent is named by 32 or 64 hexadecimal digits", "samband consent list", "CONSENT_ID")
    return found


async def _at_hub(home: Home, cause: Cause, report: _Report) -> None:
    """Follow the audit records from the oldest that Kafka keeps."""
    from samband.streams.audit import UnverifiedAudit

    keys, trail = home.audit_keys, Trail(cause)
    oldest, newest, unreadable = 0, 0, 0
    async for _, value, part in audit_records(home):
        report.progress.show(either(f"läser loggen, {part:.0%}", f"reading the log, {part:.0%}"))
        try:
            audit = UnverifiedAudit.decode(value)
            record = audit.record(keys.of)
        except SambandError:
            unreadable += 1
            continue
        oldest, newest = oldest or record.decided_at, record.decided_at
        if (handed := trail.take(audit.entry, record)) is not None:
            report.add(handed)
    if cause.event and not cause.consents:
        note(either("Händelsen finns inte bland loggposterna: ange samtyckets loggpost, eller --as.",
                    "No such event is in the records: give the consent's log entry, or --as."))  # fmt: skip
    reach = {"from": oldest, "to": newest}
    report.end({"source": "hub", "on_their_way": len(trail.on_their_way), "unreadable": unreadable, "reach": reach})


class _Progress:
    """One line on a terminal's standard error that says how far the reading is; nothing elsewhere."""

    def __init__(self) -> None:
        self._shown = ""

    def show(self, text: str) -> None:
        """Say how far it is."""
        if sys.stderr.isatty() and text != self._shown:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
            self._shown = text

    def clear(self) -> None:
        """Make room for a line of the answer."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = ""


class _Report:
    """Prints each message as it is found, and the incident at the end: nothing is gathered but sums."""

    def __init__(self, cause: dict[str, str], *, as_json: bool) -> None:
        self._json = as_json
        self._tally = Tally()
        self.progress = _Progress()
        ((self._kind, self._name),) = cause.items()
        if as_json:
            sys.stdout.write(f'{{"cause": {json.dumps(cause, ensure_ascii=False)},\n "messages": [')

    def add(self, handed: Handed) -> None:
        """Print a message."""
        self.progress.clear()
        if self._json:
            sys.stdout.write(("," if self._tally.count else "") + "\n  " + json.dumps(_plain(handed)))
        else:
            print(f"{moment(handed.handed_over_at)}  {handed.message_id.hex()}  {handed.type}  "
                  f"{handed.sender} → {handed.recipient}  {', '.join(handed.grounds)}")  # fmt: skip
        self._tally.add(handed)

    def end(self, found: dict[str, Any]) -> None:
        """Print sums and drafts.

        Raises:
            Answer: something could not be read, so the list may lack something.
        """
        self.progress.clear()
        now = datetime.now(UTC)
        drafts = {each: self._tally.text(each, self._cause(each), now) for each in LANGUAGES}
        if self._json:
            rest = {**found, "sum": self._tally.json(), "incident": drafts}
            sys.stdout.write("],\n" + json.dumps(rest, ensure_ascii=False, indent=1).removeprefix("{\n") + "\n")
        else:
            print("\n" + "\n".join(drafts.values()))
            _explain(found)
        if found["unreadable"]:
            raise Answer(Exit.OPERATOR)

    def _cause(self, language: str) -> str:
        kinds = {"consent": ("samtycke", "consent"), "unit": ("uppgifter till eller från enheten", "unit"),
                 "rule": ("grunden", "ground"), "user": ("användaren", "user")}  # fmt: skip
        return f"{kinds[self._kind][language == 'en']} {self._name}"


def _explain(found: dict[str, Any]) -> None:
    if reach := found["reach"]:
        note(either(f"Loggposterna räcker från {moment(reach['from'])} till {moment(reach['to'])}.",
                    f"The records reach from {moment(reach['from'])} to {moment(reach['to'])}."))  # fmt: skip
    if count := found["on_their_way"]:
        note(either(f"{count} till har tillåtits och är inte överlämnade: återkalla dem med samband recall.",
                    f"{count} more are permitted and not handed over: samband recall stops them."))  # fmt: skip
    if count := found["unreadable"]:
        note(either(f"{count} loggposter gick inte att läsa; listan kan vara ofullständig.",
                    f"{count} records could not be read; the list may lack something."))  # fmt: skip


def _plain(handed: Handed) -> dict[str, Any]:
    return {
        "message_id": handed.message_id.hex(),
        "type": handed.type,
        "sender": handed.sender,
        "recipient": handed.recipient,
        "grounds": list(handed.grounds),
        "categories": list(handed.categories),
        "consents": [each.hex() for each in handed.consents],
        "decided_at": handed.decided_at,
        "handed_over_at": handed.handed_over_at,
    }
