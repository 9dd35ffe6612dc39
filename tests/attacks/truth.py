"""Attacks on what was judged: another child, other categories, another type, receipts for nothing."""

from __future__ import annotations

from msgspec.structs import replace

from samband.schemas import events
from samband.schemas.attachment import PART_SCHEMA_ID
from samband.schemas.catalogue import categories, content_schema_id, encode_content
from samband.schemas.events import Level
from samband.schemas.units import UnitKind
from samband.streams.crypto.reference import child_ref, partition_of
from tests.attacks.ground import Ground
from tests.attacks.register import attack, existing
from tests.gate.world import AGREEMENT, SHARDS, Gate, consent

CHILD = "content of child A under reference B"


@attack("truth.other-child", CHILD, "party.child")
def other_child(ground: Ground) -> bool:
    """A content about one child, judged as one about another, is not handed over."""
    return ground.carried(ground.world.concern(ref=ground.world.ref(ground.world.child_of(0, skip=1))), "skola")


@attack("truth.other-age", CHILD, "party.age")
def other_age(ground: Ground) -> bool:
    """A content about a child of another age than was judged is not handed over."""
    return ground.carried(ground.world.concern(age_band="15-17"), "skola")


WITHDRAWAL = "withdrawal against parallel, unknown, old-epoch, not-yet-arrived consents"
existing("consent.old-epoch", WITHDRAWAL, "withdrawals.first-said",
         "tests/decision/test_epochs.py::test_nothing_comes_to_life_again")  # fmt: skip


@attack("truth.other-epoch", WITHDRAWAL, "gate.epoch", "party.epoch")
def other_epoch(ground: Ground) -> bool:
    """A message under a reference of another epoch, where no withdrawal comes, is not handed over."""
    world, child = ground.world, ground.world.child
    ref = child_ref(world.reference, world.realm, AGREEMENT, 2, child.identifier)
    ground.gate = Gate(world, partition=partition_of(ref, SHARDS))
    said = {"e": 2, "ref": ref}
    ground.gate.say(world.event(consent(), "IFO", **said))
    Gate(world).say(world.event(events.ConsentWithdrawn(), "IFO"))
    return ground.carried(world.notice(**said), "social", "skola")


SAID = "understated category, other type"


@attack("truth.understated", SAID, "party.categories")
def understated(ground: Ground) -> bool:
    """A message that tells an address and does not say so is not handed over."""
    honest = ground.world.concern().categories
    draft = ground.world.concern(content={"address": "Hemliga gatan 1"}, categories=honest)
    return ground.carried(draft, "skola")


@attack("truth.other-type", SAID, "party.form")
def other_type(ground: Ground) -> bool:
    """A content of one type, judged as one of another, is not handed over."""
    said = {"child_identifier": ground.world.child.identifier, "child_name": ground.world.child.name,
            "acting_user": {"id": "u", "role": "r"}, "text": "HEMLIGT-ORD i dialogen"}  # fmt: skip
    draft = replace(ground.world.concern(), content=encode_content("dialogue.message", said))
    told = categories("concern.report", said, UnitKind.SCHOOL_PEDAGOGIC)
    return ground.carried(ground.forge(draft, categories=told), "skola")


@attack("truth.other-schema", SAID, "gate.schema")
def other_schema(ground: Ground) -> bool:
    """A label of one type that names the schema of another is not let through."""
    return ground.permitted(
        ground.forge(ground.world.concern(), content_schema=content_schema_id("dialogue.message")), "skola"
    )


FILES = "part of a file lost, altered, swapped, of another message, judged as less, unsafe name"
_TESTS = "tests/connectors/test_attachments.py::"
for name, defence, test in (
    ("lost", "party.part-missing", "test_a_lost_piece"),
    ("altered", "party.file", "test_other_files[altered]"),
    ("swapped", "party.file", "test_other_files[swapped]"),
    ("of-another", "party.part-label", "test_a_piece_under_another_id"),
    ("judged-as-less", "party.part-judged", "test_judged_as_their_message"),
    ("other-kind", "party.file-kind", "test_not_what_it_calls_itself"),
    ("unsafe-name", "party.file-name", "test_a_message_that_lies_about_its_files[lie1]"),
):
    existing(f"files.{name}", FILES, defence, _TESTS + test)


@attack("files.of-no-type", FILES, "gate.part")
def part_of_no_type(ground: Ground) -> bool:
    """A part of a file under a type that takes none is not let through."""
    ground.say(ground.world.event(consent(), "IFO"))
    draft = ground.world.notice()
    return ground.permitted(ground.forge(draft, content_schema=PART_SCHEMA_ID, ref_to=b"m" * 16), "social")


RECEIPT = "receipt for what was never received, another's, falling level"


@attack("truth.receipt-for-nothing", RECEIPT, "gate.receipt-of")
def receipt_for_nothing(ground: Ground) -> bool:
    """Nobody receipts a message that was never let through: its sender would take it for handed over."""
    notice = ground.world.notice()
    assert ground.say(notice).outcome == "deny"
    return ground.say(ground.world.receipt(notice)).outcome == "handed_over"


@attack("truth.receipt-of-another", RECEIPT, "gate.receipt-of")
def receipt_of_another(ground: Ground) -> bool:
    """Nobody receipts a message that was let through to another unit."""
    draft = ground.world.concern()
    assert ground.permitted(draft)
    body = events.Receipt(events.Id16(draft.message_id), Level.HANDED_OVER)
    return ground.say(ground.world.event(body, "BUP", recipient="SKOLA")).outcome == "handed_over"


@attack("truth.receipt-falls", RECEIPT, "gate.receipt-level")
def receipt_falls(ground: Ground) -> bool:
    """What was handed over is not refused afterwards: a level only rises."""
    draft = ground.world.concern()
    assert ground.permitted(draft)
    assert ground.say(ground.world.receipt(draft)).outcome == "handed_over"
    before = ground.gate.remembered()
    ground.say(ground.world.receipt(draft, Level.REFUSED))
    return ground.gate.remembered() != before


existing("truth.receipt-other-unit", RECEIPT, "gate.receipt-of",
         "tests/gate/test_verdicts.py::test_receipt_of_another_unit")  # fmt: skip
existing("truth.receipt-other-child", RECEIPT, "gate.receipt-of",
         "tests/gate/test_verdicts.py::test_receipt_about_another_child")  # fmt: skip
