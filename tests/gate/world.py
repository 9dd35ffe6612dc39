"""A small world in memory: an authority, a hub and three parties, and a gate for one partition.

    gate.say(world.concern())                       one message on its way: what the gate stamped about it
    gate.take(gate.record(message, "skola"))        records as Kafka gives them, good or bad

Nothing here is a mock: cards are signed, messages sealed, records in lanes. Only Kafka is left out.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import asdict, replace

from samband.connectors.party import Party, PartySettings
from samband.connectors.store import Store
from samband.schemas import events
from samband.schemas.card import Card
from samband.schemas.catalogue import categories, content_schema_id, encode_content
from samband.schemas.categories import Category
from samband.schemas.codec import frame, lp16, lp32
from samband.schemas.errors import FormatError
from samband.schemas.events import EventBody
from samband.schemas.head import HEAD_MS, Head
from samband.schemas.identifiers import age_band
from samband.schemas.key_card import KeyCard
from samband.schemas.message import RECORD, Message, Up
from samband.schemas.routing import Routing
from samband.schemas.rulebook import shipped_text
from samband.schemas.signed_rules import Rules
from samband.schemas.stamp import StampRecord
from samband.schemas.testdata import Child, synthetic
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams import topics
from samband.streams.audit import UnverifiedAudit, month_of
from samband.streams.crypto import lane as lanes
from samband.streams.crypto.hub import HubStore
from samband.streams.crypto.keys import SUITE, Kid, OpenKey, Purpose, SealKey, SignKey, realm_of
from samband.streams.crypto.lane import LaneOut, Opener
from samband.streams.crypto.reference import child_ref, partition_of
from samband.streams.crypto.signature import BatchCache, sign_batch
from samband.streams.directory import HUB, Directory
from samband.streams.directory_records import root_of, sign_card, sign_head, sign_key
from samband.streams.gate.checks import Checks
from samband.streams.gate.judge import Incoming, Judge, Turn
from samband.streams.gate.lanes import Lanes
from samband.streams.gate.state import State
from samband.streams.inbox import Accept, Received
from samband.streams.keyfile import KeyFolder
from samband.streams.outbox import Draft, seal
from samband.streams.root import Root
from samband.streams.rules import sign_rules
from samband.streams.settings import KafkaSettings

NOW = 1_800_000_000_000
HOUR = 3_600_000
DAY = 24 * HOUR
AGREEMENT = "barn"
SHARDS = 2
UNITS = {
    "social": (("IFO", UnitKind.SOCIAL_IFO, Regime.OSL_26, ()),),
    "skola": (
        ("SKOLA", UnitKind.SCHOOL_PEDAGOGIC, Regime.OSL_23, ()),
        ("EMI", UnitKind.SCHOOL_MEDICAL, Regime.OSL_25, ()),
    ),
    "bup": (("BUP", UnitKind.CARE_BUP, Regime.OSL_25, ("health_exam.request", "dialogue.message", "receipt")),),
}
PARTY_OF = {unit[0]: party for party, units in UNITS.items() for unit in units}
CONTENT = {
    "school.absence_signal": {"period_from": "2026-11-01", "period_to": "2026-11-20", "extent": "much"},
    "concern.report": {"urgency": "normal", "concern": "HEMLIGT-ORD om oron", "family_told": "yes"},
    "placement.notice": {"event": "started", "law": "SoL", "from_date": "2027-01-10"},
    "health_exam.request": {"part": "physical", "law": "SoL", "placed_on": "2027-01-10"},
    "dialogue.message": {"text": "HEMLIGT-ORD i dialogen"},
}


@dataclass
class PartyKeys:
    """What a party keeps to itself."""

    sign: SignKey
    witness: SignKey
    hop: OpenKey
    content: dict[str, OpenKey]
    instance: bytes


def key_of(kind: Any, realm: Any, purpose: Purpose, name: str) -> Any:
    """Return the key that a name gives: the same in every run, so that a failure repeats."""
    seed = hashlib.shake_256(name.encode()).digest(96 if kind is OpenKey else 32)
    return kind(realm, purpose, seed)


class World:
    """Authority, hub and parties."""

    def __init__(self, name: str = "root", life: int = 400 * DAY) -> None:
        seed = hashlib.sha256(name.encode()).digest()
        public = SignKey(realm_of(b""), Purpose.ROOT, seed).public
        data = Root.compose(AGREEMENT, "test", SHARDS, [public], "2027-01-01")
        self.root = Root.parse(data)
        self.realm = self.root.realm
        self.life = life
        self.signer = SignKey(self.realm, Purpose.ROOT, seed)
        self.reference = hashlib.sha256(b"reference" + seed).digest()
        self.store = HubStore(hashlib.sha256(b"store" + seed).digest())
        self.audit_seed = b"audit" + seed
        self.hop = key_of(OpenKey, self.realm, Purpose.GATE_HOP, f"{name}/gate")
        self.stamp = key_of(SignKey, self.realm, Purpose.GATE_STAMP, f"{name}/stamp")
        self.parties = {
            party: PartyKeys(
                key_of(SignKey, self.realm, Purpose.PARTY_SIGN, f"{name}/{party}/sign"),
                key_of(SignKey, self.realm, Purpose.PARTY_WITNESS, f"{name}/{party}/witness"),
                key_of(OpenKey, self.realm, Purpose.PARTY_HOP, f"{name}/{party}/hop"),
                {unit[0]: key_of(OpenKey, self.realm, Purpose.UNIT_CONTENT, f"{name}/{unit[0]}") for unit in units},
                hashlib.md5(party.encode(), usedforsecurity=False).digest(),
            )
            for party, units in UNITS.items()
        }
        self.head_key = key_of(SignKey, self.realm, Purpose.DIRECTORY_HEAD, f"{name}/head")
        self.roots = {
            party: key_of(SignKey, self.realm, Purpose.PARTY_ROOT, f"{name}/{party}") for party in (HUB, *UNITS)
        }
        self.records: list[bytes] = [
            self.card(HUB, ()),
            *(self.key(HUB, key) for key in (self.hop, self.stamp, self.head_key)),
            self.rules(),
        ]
        for party, keys in self.parties.items():
            self.records.append(self.card(party, self.units(party)))
            self.records += [self.key(party, key) for key in (keys.sign, keys.witness, keys.hop)]
            self.records += [self.key(party, key, unit) for unit, key in keys.content.items()]
        self.directory = Directory(self.root)
        self.publish(self.directory)
        self.child = self.child_of(0)

    def audit_key(self, month: int) -> HubStore:
        """Return the key of a month's audit records."""
        return HubStore(hashlib.sha256(self.audit_seed + month.to_bytes(4, "big")).digest())

    def open_party(self, name: str, folder: Path, kafka: KafkaSettings | None = None, *, made: bool = True) -> Party:
        """Return a party with its keys and a store on disk; without `made`, with the keys that lie there."""
        keys, none = self.parties[name], Path("none")
        files = KeyFolder(folder / "keys", self.realm)
        for unit, key in (
            *(("", key) for key in (self.roots[name], keys.sign, keys.witness, keys.hop)),
            *keys.content.items(),
        ):
            if made and not list((folder / "keys").glob(f"*{key.kid.hex()[:12]}*")):
                files.keep(key, unit)
        return Party(
            folder=folder,
            settings=PartySettings(name, kafka or KafkaSettings("", none, none, none)),
            root=self.root,
            directory=self.directory,
            keys=files,
            signs={Kid(keys.sign.kid): keys.sign},
            hop={keys.hop.kid: keys.hop},
            content={key.kid: (unit, key) for unit, key in keys.content.items()},
            references={1: self.reference},
            store=Store(folder / "store.db", bytes(32)),
            witness={Kid(keys.witness.kid): keys.witness},
        )

    def publish(self, directory: Directory, *added: bytes, now: int = NOW) -> bytes:
        """Give a directory the world's records with further ones, and the head over them; return the head."""
        self.records += added
        for value in self.records:
            directory.learn(value, now)
        self.last_head = self.head(directory, now=now)
        directory.learn(self.last_head, now)
        return self.last_head

    def published(self) -> dict[str, bytes]:
        """Return what is on the directory's topic: every record, the head last."""
        return {**{str(number): value for number, value in enumerate(self.records)}, "head": self.last_head}

    def head(self, directory: Directory, *, now: int = NOW, signer: SignKey | None = None, **changes: Any) -> bytes:
        """Return the signed head over what a directory has read, that follows its last one."""
        records = directory.records
        fields = {
            "agreement": AGREEMENT, "version": directory.version + 1, "previous": directory.head_hash,
            "root": root_of(self.realm, records), "count": len(records), "suite": SUITE,
            "issued": now, "expires": now + HEAD_MS,
        }  # fmt: skip
        return sign_head(signer or self.head_key, Head(**{**fields, **changes}))

    def units(self, party: str) -> tuple[Unit, ...]:
        """Return a party's units."""
        return tuple(
            Unit(UnitId(unit), PartyId(party), kind, regime, unit, receives=receives)
            for unit, kind, regime, receives in UNITS[party]
        )

    def rules(
        self, number: int = 1, effective_from: int = 0, rulebook: str = "", signer: SignKey | None = None
    ) -> bytes:
        """Return signed rules."""
        made = Rules(number=number, effective_from=effective_from, rulebook=rulebook or shipped_text(), terms="")
        return sign_rules([signer or self.signer], made)

    def card(self, party: str, units: tuple[Unit, ...], version: int = 1, **changes: Any) -> bytes:
        """Return a signed party card."""
        card = Card(
            party=PartyId(party), version=version, name=party, organisation="", agreement=AGREEMENT,
            environment="test", root=self.roots[party].public, units=units,
        )  # fmt: skip
        return sign_card([self.signer], dataclasses.replace(card, **changes))

    def key(self, party: str, key: Any, unit: str = "", signer: SignKey | None = None, **changes: Any) -> bytes:
        """Return a key card, signed by the party's root key."""
        card = KeyCard(
            party=party, purpose=key.purpose.value, unit=unit, suite=SUITE, public=key.public,
            not_before=NOW - DAY, not_after=NOW + self.life,
        )  # fmt: skip
        return sign_key(signer or self.roots[party], dataclasses.replace(card, **changes))

    def child_of(self, partition: int, skip: int = 0) -> Child:
        """Return a synthetic child of a partition, the first one after `skip` others."""
        found: dict[str, Child] = {}  # two seeds may give one child
        seed = 0
        while len(found) <= skip:
            child = synthetic(seed, born=datetime(2014, 5, 1, tzinfo=UTC).date())
            if partition_of(self.ref(child), SHARDS) == partition:
                found.setdefault(child.identifier, child)
            seed += 1
        return list(found.values())[-1]

    def ref(self, child: Child) -> bytes:
        """Return a child's reference."""
        return child_ref(self.reference, self.realm, AGREEMENT, 1, child.identifier)

    # what is said

    def draft(self, type_name: str, sender: str, recipient: str, child: Child | None = None, **changes: Any) -> Draft:
        """Return a draft; `content` adds fields, everything else replaces what an honest client would write."""
        child = child or self.child
        content = {
            "child_identifier": child.identifier,
            "child_name": child.name,
            "acting_user": {"id": "u", "role": "r"},
            **CONTENT[type_name],
            **changes.pop("content", {}),
        }
        kind = self.directory.unit(sender).kind
        values: dict[str, Any] = {
            **self._label(type_name, sender, recipient, child),
            "categories": categories(type_name, content, kind),
            "limb": "under_18",
            "content_schema": content_schema_id(type_name),
            "content": encode_content(type_name, content),
        }
        return Draft(**{**values, **changes})

    def event(
        self, body: EventBody, unit: str, child: Child | None = None, recipient: str = "", **changes: Any
    ) -> Draft:
        """Return the draft of an event."""
        label = self._label(events.name_of(body), unit, recipient or unit, child or self.child)
        return Draft(**{**label, "body": events.encode(body), **changes})

    def _label(self, type_name: str, sender: str, recipient: str, child: Child) -> dict[str, Any]:
        self._count = getattr(self, "_count", 0) + 1
        message_id = hashlib.sha256(b"id%d" % self._count).digest()[:16]
        return {
            "agreement": AGREEMENT,
            "message_id": message_id,
            "conversation": message_id,
            "sender": sender,
            "recipient": recipient,
            "e": 1,
            "ref": self.ref(child),
            "type": type_name,
            "age_band": age_band(child.birth_date, datetime.fromtimestamp(NOW / 1000, UTC).date()),
            "created": NOW,
            "expires": NOW + 13 * DAY,
        }

    def concern(self, **changes: Any) -> Draft:
        """Return a concern report of the school: permitted on duty."""
        return self.draft("concern.report", "SKOLA", "IFO", **changes)

    def notice(self, **changes: Any) -> Draft:
        """Return a placement notice to the school: permitted only on consent."""
        return self.draft("placement.notice", "IFO", "SKOLA", **changes)

    def receipt(self, of: Draft, level: events.Level = events.Level.HANDED_OVER, **changes: Any) -> Draft:
        """Return the receipt that a draft's recipient gives."""
        body = events.Receipt(events.Id16(of.message_id), level)
        return self.event(body, of.recipient, recipient=of.sender, **{"ref": of.ref, **changes})

    def seal(self, draft: Draft, *, sign: SignKey | None = None, content: bytes | None = None, **label: Any) -> Message:
        """Return the message of a draft; `label` alters the label after sealing and before signing."""
        party = PARTY_OF.get(draft.sender, "social")
        sign = sign or self.parties[party].sign
        message = seal([draft], self.directory, self.parties[party].sign, NOW)[0]
        routing = replace(Routing.decode(message.routing), **label).encode()
        return sign_batch(
            sign, [(routing if label else message.routing, message.content if content is None else content)]
        )[0]

    def lane(self, owner: str, now: int = NOW, **changes: Any) -> LaneOut:
        """Return a lane of a party to the gate; `sign`, `to`, `party`, `instance`, `agreement` may be another."""
        keys = self.parties[owner]
        made: dict[str, Any] = {
            "sign": keys.sign,
            "to": SealKey(self.realm, Purpose.GATE_HOP, self.hop.public),
            "party": owner,
            "instance": keys.instance,
            "agreement": AGREEMENT,
            "now": now,
            **changes,
        }
        return LaneOut(made.pop("sign"), made.pop("to"), **made)

    def opener_bytes(self, opener: Opener, sign: SignKey, to: SealKey, secret: bytes) -> bytes:
        """Return an opener whose fields nobody checked."""
        o = lanes._OPENER.encode(asdict(opener))
        kem = to.seal("opener", o, secret)
        return lp16(o) + lp16(kem) + sign.sign("opener", o + kem)

    def accept(self, party: str) -> Accept:
        """Return a party's checks."""
        keys = self.parties[party]
        return Accept(
            directory=self.directory,
            party=party,
            agreement=AGREEMENT,
            hop={keys.hop.kid: keys.hop},
            content={key.kid: (unit, key) for unit, key in keys.content.items()},
            reference={1: self.reference},
        )


@dataclass
class Gate:
    """The gate of one partition, with its state, and the parties' ends of it."""

    world: World
    partition: int = 0
    new_per_hour: int = 60
    state: State = field(default_factory=State)
    offset: int = 0
    now: int = NOW
    seqs: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    turns: list[Turn] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the judge."""
        world = self.world
        self.topic = topics.outbox(AGREEMENT)
        gate_lanes = Lanes(
            world.directory, AGREEMENT, {world.hop.kid: world.hop}, world.stamp, b"g" * 16, self.new_per_hour
        )
        self.judge = Judge(
            directory=world.directory,
            lanes=gate_lanes,
            checks=Checks(world.directory, AGREEMENT, self.partition, SHARDS, BatchCache()),
            stamp=world.stamp,
            store=world.store,
            audit=lambda now: (month_of(now), world.audit_key(month_of(now))),
            audit_of=world.audit_key,
            source=(self.topic, self.partition),
        )
        self._lanes: dict[str, LaneOut] = {}

    def lane(self, party: str) -> LaneOut:
        """Return a party's lane to this gate, a new one when its hour is over."""
        if party not in self._lanes or not self._lanes[party].fresh(self.now):
            self._lanes[party] = self.world.lane(party, self.now)
        return self._lanes[party]

    def record(self, message: Message | bytes, party: str, *, seq: int | None = None, lane: LaneOut | None = None,
               topic: str = "", partition: int | None = None) -> Incoming:  # fmt: skip
        """Return a message as a record of the outbox, with the party's next seq."""
        if seq is None:
            self.seqs[party] += 1
            seq = self.seqs[party]
        data = message if isinstance(message, bytes) else message.encode()
        sealed = 0 if isinstance(message, bytes) else len(message.content)
        place = (topic or self.topic, self.partition if partition is None else partition)
        lane, hop = lane or self.lane(party), Up(seq, data).encode()
        try:
            return self.raw(lane.seal(hop, sealed, *place))
        except FormatError:  # a sender that does not keep to the lengths
            nonce, aad = bytes(12), lanes._aad(lane._realm, lane._hash, *place)
            ct = lane._aead.encrypt(nonce, lp32(hop), aad)
            return self.raw(frame(RECORD, {"v": 1, "opener": lane._bytes, "nonce": nonce, "ct": ct}))

    def raw(self, value: bytes | None, *, bare: bool = True) -> Incoming:
        """Return any bytes as the next record of the outbox."""
        self.offset += 1
        return Incoming(self.offset - 1, value, self.now, bare)

    def take(self, *records: Incoming) -> Turn:
        """Judge records in one turn and commit it."""
        turn = self.judge.turn(records, self.state.values, self.now, self.state.expired(self.now))
        for name, data in turn.changes.items():
            self.state.load(name, data)
        self.turns.append(turn)
        return turn

    def say(self, *what: Draft | Message, party: str = "") -> list[StampRecord]:
        """Send messages in one turn and return what the gate stamped."""
        records = []
        for each in what:
            message = each if isinstance(each, Message) else self.world.seal(each)
            own = party or PARTY_OF[Routing.decode(message.routing).sender]
            records.append(self.record(message, own))
        return self.stamps(self.take(*records))

    def values(self, turn: Turn, topic: str) -> list[bytes]:
        """Return what a turn writes to a topic."""
        return [value or b"" for name, _, records in turn.outputs if name == topic for _, value, _ in records]

    def stamps(self, turn: Turn) -> list[StampRecord]:
        """Return what a turn stamped, as the audit topic has it."""
        found = []
        for value in self.values(turn, topics.AUDIT):
            found.append(UnverifiedAudit.decode(value).record(self.world.audit_key))
        return found

    def inbox(self, turn: Turn, party: str) -> list[Received]:
        """Return what a turn wrote to a party, verified by that party."""
        accept = self.world.accept(party)
        return [accept.open(value) for value in self.values(turn, topics.inbox(party))]

    def notes(self, turn: Turn) -> list[tuple[bytes, bytes]]:
        """Return (name, note) of what a turn put into quarantine."""
        return [
            self.world.store.open(name, key or b"", value or b"")
            for name, _, records in turn.outputs
            if name == topics.QUARANTINE
            for key, value, _ in records
        ]

    def remembered(self) -> dict[bytes, bytes]:
        """Return the state without what each turn counts."""
        counts = (b"seq/", b"box/", b"rate/", b"audit", b"clock", b"digest", b"position")
        return {name: data for name, data in self.state.values.items() if not name.startswith(counts)}

    def messages(self) -> list[bytes]:
        """Return the names of the messages that are remembered."""
        return [name for name in self.state.values if name.startswith(b"msg/")]


def consent(number: int = 1, **changes: Any) -> events.ConsentGiven:
    """Return a consent that carries the placement notice."""
    values: dict[str, Any] = {
        "consent_id": bytes([number]) * 16,
        "disclosers": ("IFO",),
        "recipients": (events.Recipient("SKOLA"),),
        "categories": (Category.IDENTITY, Category.PLACEMENT, Category.SCHEDULE),
        "purpose": "coordination",
        "valid_from": NOW // 1000 - 60,
        "valid_to": NOW // 1000 + 90 * 86400,
        "givers": (events.Giver(events.GiverRole.GUARDIAN, "guardian-1"),),
        "signed_by": ("guardian-1",),
        "child_view": events.ChildView(events.View.AGREES),
        "evidence": bytes(32),
        "recorder_role": "social_secretary",
        "acting_user": bytes(32),
    }
    return events.ConsentGiven(**{**values, **changes})
