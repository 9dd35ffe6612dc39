"""What a connector service calls: say something, ask first, record an event, see what became of it.

    client = Client(party)
    message = client.send("placement.notice", recipient="SE…-SKOLA", content={...}, now=now)
    client.outcome(message)

A call writes to the party's own store and returns at once; the running connector sends it. So a call succeeds while
hub or network is away, and what it returned is never lost.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from samband.connectors import attachments as files
from samband.connectors.party import Party
from samband.connectors.receipts import recall_of
from samband.connectors.reserve import Reserve, reserve_of
from samband.connectors.spoken import KEPT, Spoken
from samband.connectors.store import Step
from samband.connectors.unnamed import check_names_nobody
from samband.schemas import catalogue, events
from samband.schemas.attachment import PART_SCHEMA_ID, File, Part
from samband.schemas.errors import InputError
from samband.schemas.events import CircleUpdate, EventBody, IdentityChanged, Member
from samband.schemas.identifiers import ChildIdentifier, age_band, birth_date, normalise
from samband.schemas.message_types import COMMON_FIELDS
from samband.schemas.reference_key import FIRST_EPOCH
from samband.schemas.routing import NO_COMMIT
from samband.schemas.rulebook import Effect
from samband.schemas.units import Unit
from samband.streams.crypto.acting_user import user_commitment
from samband.streams.crypto.reference import partition_of
from samband.streams.inbox import STOCKHOLM
from samband.streams.outbox import Draft

if TYPE_CHECKING:
    from samband.connectors.service import Service

__all__ = ["FLOWING", "Client", "Outcome"]

_REPORT: Final = "concern.report"
_DAY_MS: Final = 86_400_000
_LIFE_DAYS: Final = 13
_PARTS_AT_ONCE: Final = 4
"""Of a file, in one transaction of the store: 2 MB."""
UNKNOWN_AGE: Final = "unknown"
"""Age band of a child whose number tells no birth date."""

ROLE: Final = "role:"
"""Before the name of a role, where a unit could stand."""

FLOWING: Final = frozenset({"permit", "accepted", "handed_over", "opened", "acted"})
"""States of a message that was permitted and goes on."""

_FINAL: Final = frozenset(
    {"deny", "ask", "refused", "recalled", "accepted", "handed_over", "opened", "acted", "mismatch", "misdirected"}
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of something that this party said."""

    message_id: bytes
    state: str
    """`waiting`, `permit`, `deny`, `ask`, `refused`, `accepted`, `handed_over`, `opened`, `acted`, `recalled`, …"""
    steps: tuple[Step, ...]

    @property
    def decided(self) -> bool:
        """Say whether the gate has answered."""
        return bool(self.steps)

    @property
    def final(self) -> bool:
        """Say whether nothing more is to be expected without a person."""
        return self.state in _FINAL


class Client:
    """The party's side of everything that is said."""

    def __init__(self, party: Party, service: Service | None = None) -> None:
        """Speak for a party; `service` is its connector, where that runs in this very process and sends at once."""
        self._party = party
        self._service = service
        self._spoken = Spoken(party.store)
        self._acted: set[tuple[str, str]] = set()
        """Users and roles that are known to be kept."""

    def send(
        self,
        type_name: str,
        *,
        recipient: str,
        content: Mapping[str, Any],
        now: datetime,
        unit: str = "",
        ground: str = "",
        limb: str = "",
        necessity: str = "",
        motive: bytes | None = None,
        conversation: bytes | None = None,
        ref_to: bytes | None = None,
        message_id: bytes | None = None,
        life_days: int = _LIFE_DAYS,
        attachments: Sequence[files.Source] = (),
        progress: files.Progress = lambda kept, size: None,
    ) -> bytes:
        """Take a message into the outbox and return its id. The same id again is the same message.

        `recipient` is a unit, or `role:NAME`: who has that role for the child, as this party last said the circle.
        Files are read piece by piece and go before their message, which is handed over with all of them or not at all.
        `motive` is the 32-byte digest of a named function's motivation, where `ground` is one that it decides on.

        Raises:
            InputError: the content is not its type's, the type is not for these units, the child is over 20, or
                nobody, or more than one unit, has the role (`ROLE_UNKNOWN`, `ROLE_AMBIGUOUS`), or the type names nobody
                and the content does (`NAMES_A_CHILD`), or a file cannot go: too large, of another kind than it says,
                or one that the type or the recipient does not take (`ATTACHMENT_…`). Nothing is said then.
            RefusedError: no card names the recipient.
        """
        row = catalogue.find(type_name)
        if row.event:
            raise InputError("TYPE_IS_EVENT", f"`{type_name}` is an event; it has its own command")
        files.check_given(row, content, attachments)
        given = [files.Given.of(each) for each in attachments]
        described = [files.described(each) for each in given]
        if described:
            content = {**content, "attachments": files.as_content(described)}
        data = catalogue.encode_content(type_name, content)
        if row.unidentified:
            check_names_nobody(self._party.store, type_name, content)
        child = ChildIdentifier(content["child_identifier"])
        recipient, role = self.resolve(recipient, child, now)
        sender, to = self._units(unit, recipient)
        files.check_taken(to, described)
        draft = self._draft(type_name, sender, to, child, now, message_id, self._answered(ref_to, now))
        draft = replace(
            draft,
            conversation=conversation or draft.conversation,
            ref_to=ref_to,
            categories=catalogue.categories(type_name, content, sender.kind),
            ground=ground,
            limb=limb or _natural_limb(draft.age_band),
            necessity=necessity,
            recipient_role=role,
            motive=motive,
            expires=draft.created + min(life_days, 14) * _DAY_MS,
            content_schema=catalogue.content_schema_id(type_name),
            content=data,
            user=self._user(draft.message_id, content["acting_user"]),
        )
        if described and not self._party.store.has_said(draft.message_id):
            self._keep_parts(draft, list(zip(given, described, strict=True)), content["acting_user"], progress)
        return self._take(draft, keep=lambda: self._party.store.release_parts(draft.message_id))

    def _keep_parts(
        self, main: Draft, given: Sequence[tuple[files.Given, File]], user: Mapping[str, str], progress: files.Progress
    ) -> None:
        """Keep the pieces of a message's files, some at a time; they go when the message is kept too."""
        store, partition = self._party.store, partition_of(main.ref, self._party.root.shards)
        size, kept = sum(file.size for _, file in given), 0
        with store.transaction():
            store.drop_parts(main.message_id)  # of a call that was broken off
        cut = (files.cut(each, file, main.message_id, number) for number, (each, file) in enumerate(given))
        pieces = chain.from_iterable(cut)
        try:
            while kept < size:
                with store.transaction():
                    for part in islice(pieces, _PARTS_AT_ONCE):
                        store.add_draft(self._piece(main, part, user), partition, main=main.message_id)
                        kept += len(part.data)
                progress(kept, size)
            next(pieces, None)  # where the last file is longer than it was
        except BaseException:
            with store.transaction():
                store.drop_parts(main.message_id)
            raise

    def _piece(self, main: Draft, part: Part, user: Mapping[str, str]) -> Draft:
        """Return a piece as a message of its own: labelled as the message that it goes with."""
        return replace(
            main,
            message_id=part.message_id,
            ref_to=main.message_id,
            content_schema=PART_SCHEMA_ID,
            content=part.encode(),
            user=self._user(part.message_id, user),
        )

    def parts(self, message_id: bytes) -> tuple[int, int]:
        """Return how many pieces of a message's files the gate has decided, and how many there are."""
        return self._party.store.parts_decided(message_id)

    def attachments(self, message_id: bytes) -> tuple[File, ...]:
        """Return the files that came with a message.

        Raises:
            InputError: no such message has come, or its content is erased (`MESSAGE_UNKNOWN`).
        """
        row = self._party.store.letter(message_id)
        if row is None or row.letter["content"] is None:
            raise InputError("MESSAGE_UNKNOWN", "no such message is kept here", "samband inbox list")
        return files.files_of(row.letter["content"])

    def attachment(self, message_id: bytes, index: int) -> Iterator[bytes]:
        """Yield the bytes of a file that came with a message, counted from 0, a piece at a time.

        Raises:
            InputError: no such message or file (`MESSAGE_UNKNOWN`, `ATTACHMENT_UNKNOWN`).
            RefusedError: at its end, where it is not whole any more.
        """
        named = self.attachments(message_id)
        if not 0 <= index < len(named):
            raise InputError("ATTACHMENT_UNKNOWN", "the message has no such attachment")
        return files.joined(named[index], self._party.store.file_data(message_id, index))

    def ask(
        self,
        type_name: str,
        *,
        recipient: str,
        child: str,
        now: datetime,
        unit: str = "",
        fields: tuple[str, ...] = (),
        ground: str = "",
        limb: str = "",
        necessity: str = "",
        message_id: bytes | None = None,
    ) -> bytes:
        """Ask whether a message would be permitted; nothing is forwarded. Return the question's id.

        `fields` are those that would be filled in, beside the required ones.

        Raises:
            InputError: no such type or field, or not for these units.
            RefusedError: no card names the recipient.
        """
        row = catalogue.find(type_name)
        number = normalise(child)
        recipient, role = self.resolve(recipient, number, now)
        sender, to = self._units(unit, recipient)
        known = {field.name for field in row.fields}
        if set(fields) - known - {field.name for field in COMMON_FIELDS}:
            raise InputError("CONTENT_INVALID", f"`{type_name}` lacks a field that was named")
        filled = {field.name: "" for field in row.fields if field.required} | dict.fromkeys(fields, "")
        draft = self._draft(type_name, sender, to, number, now, message_id)
        return self._take(
            replace(
                draft,
                ask=True,
                categories=catalogue.categories(type_name, {**filled, "child_identifier": number}, sender.kind),
                ground=ground,
                limb=limb or _natural_limb(draft.age_band),
                necessity=necessity,
                recipient_role=role,
            )
        )

    def record(
        self,
        body: EventBody,
        *,
        child: str,
        now: datetime,
        unit: str = "",
        content: Mapping[str, Any] | None = None,
        acting_user: Mapping[str, str] | None = None,
        message_id: bytes | None = None,
    ) -> bytes:
        """Take an event about a child (consent, mark, circle) into the outbox and return its id.

        `acting_user` is {id, role} of who says it; the log holds a commitment to it, no name. The same `message_id`
        again is the same event.

        Raises:
            InputError: the child's number cannot be used, or the content is not its type's.
            FormatError: the body is not valid.
        """
        draft = self.event(
            body, child=child, now=now, unit=unit, content=content, acting_user=acting_user, message_id=message_id
        )
        if isinstance(body, CircleUpdate):
            self._party.store.keep_sealed(f"circle/{draft.ref.hex()}", events.encode(body))
        if draft.type not in KEPT:
            return self._take(draft)
        number = normalise(child)
        return self._take(draft, keep=lambda: self._spoken.keep(draft, number, body))

    def event(
        self,
        body: EventBody,
        *,
        child: str,
        now: datetime,
        unit: str = "",
        content: Mapping[str, Any] | None = None,
        acting_user: Mapping[str, str] | None = None,
        e: int = 0,
        message_id: bytes | None = None,
    ) -> Draft:
        """Return the draft of an event, for who keeps it in a transaction of their own; else as `record`.

        `e`: the epoch of the child-reference key that it is said under; 0: the one that holds now.
        """
        type_name = events.name_of(body)
        own = self._party.own_unit(unit)
        draft = self._draft(type_name, own, own, normalise(child), now, message_id, e)
        data = None if content is None else catalogue.encode_content(type_name, content)
        return replace(
            draft,
            body=events.encode(body),
            content=data,
            content_schema=catalogue.content_schema_id(type_name) if data else bytes(32),
            user=self._user(draft.message_id, acting_user or (content or {}).get("acting_user")),
        )

    def circle(self, child: str) -> tuple[Member, ...]:
        """Return the units around a child as this party last said them; nobody else's word is in it."""
        found = (self._party.store.sealed(f"circle/{ref.hex()}") for ref in self._party.refs(normalise(child)))
        data = next((each for each in found if each is not None), None)
        body = None if data is None else events.decode("circle.update", data)
        return body.members if isinstance(body, CircleUpdate) else ()

    def change_identity(
        self, *, old: str, new: str, now: datetime, unit: str = "", arrived: bytes | None = None
    ) -> bytes:
        """Say that a child has another number, as one of two events; return its id.

        First, without `arrived`, at the new number. Then, when the gate has accepted that, with its id as `arrived` at
        the old number, which ends; the circle that this party has said goes along. The other way round a refusal would
        leave the child at neither.

        Raises:
            InputError: a number cannot be used, both are the same (`IDENTITY_SAME`), or the first event is not
                accepted (`IDENTITY_ORDER`).
        """
        leaves, arrives = normalise(old), normalise(new)
        if leaves == arrives:
            raise InputError("IDENTITY_SAME", "the old and the new number are the same")
        e = self._party.epoch(_ms(now))
        if arrived is None:
            body = IdentityChanged(events.Id16(self._party.ref(leaves, e)), arriving=True)
            return self.record(body, child=arrives, now=now, unit=unit)
        if self.outcome(arrived).state != "accepted":
            raise InputError("IDENTITY_ORDER", "the event at the new number is not accepted")
        at = int(now.timestamp())
        members = self.circle(arrives)
        if moved := tuple(each for each in self.circle(leaves) if not 0 < each.valid_to <= at and each not in members):
            self.record(CircleUpdate((*members, *moved)), child=arrives, now=now, unit=unit)
        body = IdentityChanged(events.Id16(self._party.ref(arrives, e)), arriving=False)
        return self.record(body, child=leaves, now=now, unit=unit)

    def recall(
        self, message_id: bytes, *, now: datetime, code: str = "MISDIRECTED", recall_id: bytes | None = None
    ) -> bytes:
        """Ask the gate to stop a message that is not handed over yet; return the recall's id.

        Raises:
            InputError: not a message of ours that can still be recalled.
        """
        draft = self._party.store.draft(message_id)
        if draft is None:
            raise InputError("MESSAGE_UNKNOWN", "this party has no such message that can still be recalled")
        return self._take(recall_of(draft, code, _ms(now), recall_id))

    def openings(self, step: Step) -> tuple[str, ...]:
        """Return the manual grounds on which a named function of ours could decide what a decision denied.

        None where a forbid row stands in the way: nobody overrides it.
        """
        directory = self._party.directory
        sender, recipient = (directory.find_unit(step.detail.get(side, "")) for side in ("sender", "recipient"))
        rules = directory.rules.at(step.at)
        if step.outcome != "deny" or step.detail.get("grounds") or not (sender and recipient and rules):
            return ()
        rows = rules.rulebook.rows(step.detail.get("type", "")).permits
        return tuple(row.ground for row in rows if row.effect is Effect.ASK and row.concerns(sender, recipient))

    def outcome(self, message_id: bytes) -> Outcome:
        """Return what became of something that this party said."""
        steps = tuple(self._party.store.steps(message_id))
        if steps and any(state == "said" for _, state in self._spoken.twins(message_id)):
            steps = ()  # it counts when it is taken under each child-reference key that is in use
        return Outcome(message_id, steps[-1].outcome if steps else "waiting", steps)

    def reserve(self, message_id: bytes, now: int) -> Reserve | None:
        """Return the reserve number of what waits while the hub is away; `now` in ms. None: nothing need be said."""
        return reserve_of(self._party, message_id, now)

    def resolve(self, recipient: str, child: str, now: datetime) -> tuple[str, str]:
        """Return (unit, role) of what a message or consent is addressed to: a unit, or `role:NAME`.

        Raises:
            InputError: this party knows nobody, or several, with the role (`ROLE_UNKNOWN`, `ROLE_AMBIGUOUS`).
        """
        if not recipient.startswith(ROLE):
            return recipient, ""
        role = recipient.removeprefix(ROLE)
        at = int(now.timestamp())
        found = {member.unit for member in self.circle(child) if member.role == role and member.holds_at(at)}
        if not found:
            raise InputError(
                "ROLE_UNKNOWN", "this party does not know a unit with that role for the child", "samband circle show"
            )
        if len(found) > 1:
            raise InputError("ROLE_AMBIGUOUS", "several units have that role for the child", "name the unit")
        return found.pop(), role

    def _units(self, unit: str, recipient: str) -> tuple[Unit, Unit]:
        return self._party.own_unit(unit), self._party.directory.unit(recipient)

    def _draft(
        self,
        type_name: str,
        sender: Unit,
        to: Unit,
        child: ChildIdentifier,
        now: datetime,
        message_id: bytes | None,
        e: int = 0,
    ) -> Draft:
        if not catalogue.find(type_name).may(sender.kind, to.kind):
            raise InputError(
                "TYPE_NOT_FOR_KIND", f"`{type_name}` is not sent from {sender.kind} to {to.kind}", "samband send --help"
            )
        created = _ms(now)
        message_id = message_id or secrets.token_bytes(16)
        born = birth_date(child)
        e = e or self._party.epoch(created)
        return Draft(
            agreement=self._party.root.agreement,
            message_id=message_id,
            conversation=message_id,
            sender=sender.id,
            recipient=to.id,
            e=e,
            ref=self._party.ref(child, e),
            type=type_name,
            age_band=age_band(born, now.astimezone(STOCKHOLM).date()) if born else UNKNOWN_AGE,
            created=created,
            expires=created + _LIFE_DAYS * _DAY_MS,
        )

    def _answered(self, ref_to: bytes | None, now: datetime) -> int:
        """Return the epoch of the report that is answered, where the gate knows of it under that key; else 0."""
        row = self._party.store.letter(ref_to) if ref_to else None
        if row is None or row.type != _REPORT:
            return 0
        e: int = row.letter.get("e", FIRST_EPOCH)
        return e if e in self._party.references and self._party.directory.epochs.is_open(e, _ms(now)) else 0

    def _user(self, message_id: bytes, user: Mapping[str, str] | None) -> bytes:
        """Return the commitment to who says a message; zeros where nobody is named."""
        if not user:
            return NO_COMMIT
        store = self._party.store
        commitment = user_commitment(store.secret, self._party.root.realm, message_id, user["id"], user["role"])
        if (acted := (user["id"], user["role"])) not in self._acted:
            store.remember_role(*acted)
            self._acted.add(acted)
        return commitment

    def _take(self, draft: Draft, *, keep: Callable[[], object] = lambda: None) -> bytes:
        store, service = self._party.store, self._service
        with store.transaction():
            if store.add_draft(draft, partition_of(draft.ref, self._party.root.shards)):
                keep()
            sealed = service.seal_new() if service else []
        if service:
            service.wake(sealed)
        return draft.message_id


def _natural_limb(band: str) -> str:
    return "" if band in ("18-20", UNKNOWN_AGE) else "under_18"


def _ms(now: datetime) -> int:
    return int(now.timestamp() * 1000)
