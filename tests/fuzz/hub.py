"""What the hub keeps for itself on Kafka and on disk, and what the authority signs, sealed and signed anew."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from samband.schemas import agreement, rulebook, signed_rules, stamp
from samband.schemas.categories import Category
from samband.schemas.codec import frame, lp16, lp32
from samband.schemas.errors import InputError
from samband.schemas.signed_rules import SIGNED_RULES, Rules
from samband.schemas.stamp import AUDIT, Stamped, StampRecord
from samband.streams import topics
from samband.streams.audit import UnverifiedAudit, month_of, seal_audit
from samband.streams.crypto import hub
from samband.streams.crypto.signature import entry_of, stamp_all
from samband.streams.decision.child import ChildState
from samband.streams.decision.deadlines import deadline
from samband.streams.decision.kernel import decide
from samband.streams.decision.question import Claims, Question
from samband.streams.derived.codec import BROKEN, RowSchema, RowStore
from samband.streams.derived.status import Row, decode_row, encode_row, fold, status
from samband.streams.inbox import STOCKHOLM
from samband.streams.records.erasure import Wish
from samband.streams.records.keeper import Incoming
from samband.streams.root import sign_by
from samband.streams.rules import RulesInForce, sign_rules
from tests.fuzz.parts import avro, framed, layout, raw, text
from tests.fuzz.target import Target, audit_key, scratch, world
from tests.fuzz.wire import audits
from tests.gate.world import NOW
from tests.papers.world import NOW as DAY
from tests.records.ground import Ground

__all__ = ["TARGETS"]


def _records() -> list[StampRecord]:
    return [UnverifiedAudit.decode(value).record(audit_key) for value in audits()]


def _encoded() -> list[bytes]:
    return [each.encode() for each in _records()]


def _follow(record: StampRecord) -> Row | None:
    """Do what the derived streams do with a record."""
    row = fold(None, 0, 1, record)
    row = fold(row, 0, 2, record)
    if row is not None:
        json.dumps(status(row).json())
        assert decode_row(encode_row(row)) == row
    return row


@cache
def _ground() -> Ground:
    ground = Ground(Path(tempfile.mkdtemp(dir=scratch())))
    ground.world = world()
    return ground


class _BackError(Exception):
    """Nothing that a case did is kept."""


def _keep(value: bytes) -> None:
    """Take a record as the keeper does, and forget it again; whatever it is, it must pass or be an alarm."""
    try:
        with _ground().store.transaction():
            _ground().keeper._take(Incoming(0, value, NOW))
            raise _BackError
    except _BackError:
        return


def _stamp(data: bytes) -> None:
    """Stamp and seal a mutated record, as a gate that was broken into could."""
    if len(data) > 1500:
        raise InputError("FUZZ_SIZE", "longer than what the gate seals")
    ((entry, proof),) = stamp_all(world().stamp, [(bytes(32), data)])
    store = _ground().keys.making(month_of(NOW))
    value = seal_audit(month_of(NOW), store, 0, 1, entry, proof)
    try:
        _follow(StampRecord.decode(UnverifiedAudit.decode(value).open(store).record))
    finally:
        _keep(value)


def _audit(value: bytes) -> None:
    UnverifiedAudit.decode(value).record(audit_key)


def _sealed_audit(data: bytes) -> None:
    """Seal mutated salt and record under the month's key."""
    audit = UnverifiedAudit.decode(audits()[0])
    sealed = audit_key(audit.month).seal(topics.AUDIT, audit.entry, data)[1]
    again = UnverifiedAudit(audit.month, 0, 1, audit.entry, audit.proof, sealed)
    proof: Stamped = again.open(audit_key(audit.month))
    entry_of(world().realm, proof.salt, proof.record)
    StampRecord.decode(proof.record)


@cache
def _rows() -> RowStore:
    return RowStore(world().store)


@cache
def _row_seeds() -> list[Row]:
    return [row for record in _records() if (row := _follow(record)) is not None]


def _row(data: bytes) -> None:
    row = decode_row(data)
    json.dumps(status(row).json())


class _Message:
    """A Kafka record as Faust hands it over."""

    def __init__(self, key: bytes, value: bytes) -> None:
        self.key, self.value = key, value


def _row_sealed(data: bytes) -> None:
    """Read a sealed row as a recovering table does: it raises nothing."""
    name = b"track/" + _row_seeds()[0].message_id
    key, value = world().store.seal(topics.DERIVED_CHANGELOG, name, data)
    found = RowSchema(_rows()).loads_value(None, _Message(key, value))
    if found != BROKEN:
        json.dumps(status(decode_row(found)).json())


def _hub(value: bytes) -> None:
    key = world().store.key(b"name")
    world().store.open("topic", key, value)


def _seal_any(data: bytes) -> None:
    key, nonce = world().store.key(b"name"), bytes(12)
    aead = hub.AESGCM(world().store._value_key(bytes(16)))
    ct = aead.encrypt(nonce, data, b"topic" + key)
    world().store.open("topic", key, frame(hub._HUB, {"v": 1, "salt": bytes(16), "nonce": nonce, "ct": ct}))


# what the authority signs


def _small(full: str, table: str, keep: int) -> str:
    """Return the beginning of a TOML text, with a few of its tables."""
    return f"[[{table}]]".join(full.split(f"[[{table}]]")[: keep + 1])


@cache
def _book() -> str:
    return _small(rulebook.shipped_text(), "rule", 3)


@cache
def _terms() -> str:
    full = agreement.shipped_text("vastmanland")
    head, _, rest = full.partition("[[area]]")
    tables = ["[[area]]" + rest.split("[[")[0]]
    tables += ["[[" + each for each in rest.split("[[") if each.startswith(("deadline]]", "entry_point]]"))][:4]
    tables += [full[full.index("[[entry_point]]") :].split("\n\n")[0]] if "[[entry_point]]" in full else []
    return head + "\n".join(tables)


def _decide(book: rulebook.Rulebook) -> None:
    """Decide by a rulebook that was taken: whatever is in its rows, that must work."""
    for sender, recipient, about in (("SKOLA", "IFO", "concern.report"), ("IFO", "SKOLA", "placement.notice")):
        question = Question(
            type=about, sender=world().directory.unit(sender), recipient=world().directory.unit(recipient),
            categories=tuple(f"{each}:child" for each in (Category.PLACEMENT, Category.ADDRESS)),
            claims=Claims("12-14", "under_18", "urgent", False), claimed_ground="", recipient_role="", ref_to=b"",
        )  # fmt: skip
        decision = decide(question, ChildState(), book, NOW // 1000)
        record = _records()[0]
        changed = {"grounds": decision.grounds, "reasons": decision.reasons, "obligations": decision.obligations}
        StampRecord(**{name: getattr(record, name) for name in record.__struct_fields__} | changed).encode()
    assert isinstance(book.unverified(), tuple)
    "; ".join(book.citation(rule.ground) for rule in book.rules)


def _rulebook(data: bytes) -> None:
    _decide(rulebook.parse(_decoded(data)))


def _agreement(data: bytes) -> None:
    terms = agreement.parse(_decoded(data))
    for step in terms.deadlines:
        deadline(terms, step, DAY, STOCKHOLM)
    terms.entry_point("concern.report")
    terms.area_of("1980")


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InputError("FUZZ_TEXT", "the file is read as UTF-8 elsewhere") from None


def _learn(value: bytes) -> None:
    rules = RulesInForce(world().root, production=False)
    rules.learn(value)
    held = rules.at(NOW)
    if held is not None:
        _decide(held.rulebook)


def _signed(data: bytes) -> None:
    signer = world().signer
    _learn(frame(SIGNED_RULES, {"v": 1, "rules": data, "sigs": sign_by([signer], "rules", data)}))


def _both() -> Rules:
    return Rules(number=1, effective_from=0, rulebook=_book(), terms=_terms())


def _wish(data: bytes) -> None:
    Wish.decode(data)


TARGETS: Final = (
    Target(
        "hub.record",
        lambda: [world().store.seal("topic", b"name", b"data" * 9)[1]],
        _hub,
        framed(avro(hub._HUB.schema)),
    ),
    Target("hub.sealed", lambda: [lp16(b"name") + b"data"], _seal_any, layout("lp2")),
    Target("audit.open", audits, _audit, framed(avro(AUDIT.schema))),
    Target(
        "audit.sealed",
        lambda: [bytes(32) + lp16(each).ljust(1504, b"\0") for each in _encoded()],
        _sealed_audit,
        layout("32", "lp2"),
    ),
    Target("audit.stamp", _encoded, _stamp, avro(stamp._CODEC.schema), 0.2),
    Target("row", lambda: [encode_row(row) for row in _row_seeds()], _row, raw),
    Target("row.sealed", lambda: [lp32(encode_row(row)) for row in _row_seeds()], _row_sealed, layout("lp4")),
    Target("wish", lambda: [Wish("records.care", "BUP", NOW, 0, "RS 1/26", NOW).encode()], _wish, text),
    Target("rulebook", lambda: [_book().encode()], _rulebook, text, 0.1),
    Target("agreement", lambda: [_terms().encode()], _agreement, text, 0.1),
    Target("rules", lambda: [sign_rules([world().signer], _both())], _learn, framed(avro(SIGNED_RULES.schema)), 0.2),
    Target("rules.signed", lambda: [_both().encode()], _signed, avro(signed_rules._RULES.schema), 0.1),
)
