"""What became of a message, from audit records: pure."""

from __future__ import annotations

import secrets
from collections import defaultdict
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samband.schemas.errors import FormatError
from samband.schemas.stamp import StampRecord
from samband.streams.derived.status import (
    STEPS_PER_KIND,
    Row,
    State,
    decode_row,
    encode_row,
    fold,
    message_of,
    status,
)

MESSAGE, OTHER = bytes(range(16)), bytes(range(16, 32))
SENDER, RECIPIENT = "socialtjanst/barn-1", "skola/elevhalsa-2"
TYPE = "placement.notice"

Numbered = tuple[int, int, StampRecord]


def said(kind: str, outcome: str, at: int, *, about: bytes = MESSAGE, code: str = "", **more: object) -> StampRecord:
    """Return what the gate says of `about`; a receipt's or recall's own id is another."""
    back = kind == "receipt"
    fields: dict[str, object] = {
        "kind": kind,
        "leaf": bytes(32),
        "message_id": secrets.token_bytes(16) if back else about,
        "subject": about if kind in ("receipt", "recall") else None,
        "sender": RECIPIENT if back else SENDER,
        "recipient": SENDER if back else RECIPIENT,
        "ref": b"\x77" * 16,
        "type": "receipt" if back else TYPE,
        "outcome": outcome,
        "code": code,
        "rulebook": bytes(32),
        "directory": 1,
        "decided_at": at,
        "appended_at": at,
    }
    return StampRecord(**{**fields, **more})  # type: ignore[arg-type]


def folded(records: list[Numbered]) -> Row:
    row: Row | None = None
    for partition, seq, record in records:
        row = fold(row, partition, seq, record)
    assert row is not None
    return row


def story(*records: StampRecord) -> Row:
    return folded([(0, seq, record) for seq, record in enumerate(records, 1)])


PERMIT = said("decision", "permit", 10, grounds=("OSL 26:9",))


@pytest.mark.parametrize(
    ("records", "state", "code"),
    [
        ([PERMIT], State.WAITING, ""),
        ([said("decision", "deny", 10, reasons=("NO_CONSENT",))], State.DENIED, ""),
        ([said("decision", "ask", 10)], State.ASK, ""),
        ([said("decision", "permit", 10, ask=True)], State.ANSWERED, ""),
        ([said("event", "accepted", 10)], State.RECORDED, ""),
        ([said("refusal", "refused", 10, code="SIGNATURE")], State.REFUSED, "SIGNATURE"),
        ([PERMIT, said("receipt", "accepted", 11)], State.ACCEPTED, ""),
        ([PERMIT, said("receipt", "accepted", 11), said("receipt", "handed_over", 12)], State.HANDED_OVER, ""),
        ([PERMIT, said("receipt", "opened", 11)], State.OPENED, ""),
        ([PERMIT, said("receipt", "acted", 11)], State.ACTED, ""),
        ([PERMIT, said("receipt", "refused", 11, code="UNIT_CLOSED")], State.REFUSED, "UNIT_CLOSED"),
        ([PERMIT, said("receipt", "mismatch", 11, code="TYPE")], State.MISMATCH, "TYPE"),
        ([PERMIT, said("recall", "recalled", 11, code="CONSENT_WITHDRAWN")], State.RECALLED, "CONSENT_WITHDRAWN"),
        ([PERMIT, said("recall", "recalled", 11, code="EXPIRED")], State.EXPIRED, "EXPIRED"),
        (
            [PERMIT, said("recall", "recalled", 11, code="RECALLED_BY_SENDER"), said("receipt", "handed_over", 12)],
            State.HANDED_OVER,
            "",
        ),
    ],
)
def test_last_word_is_the_state(records: list[StampRecord], state: State, code: str) -> None:
    """Each way that a message can go is one state, with the code that says why it stopped."""
    found = status(story(*records))
    assert (found.state, found.code) == (state, code)
    assert (found.sender, found.recipient, found.type) == (SENDER, RECIPIENT, TYPE)
    assert [step.outcome for step in found.steps] == [record.outcome for record in records]


def test_ladder_says_when_and_why() -> None:
    """A step tells its time, grounds and reasons; the child's reference is in no status and no row."""
    row = story(said("decision", "deny", 10, grounds=("OSL 26:1",), reasons=("NO_CONSENT",)))
    (step,) = status(row).json()["steps"]
    assert step == {
        "at": 10,
        "kind": "decision",
        "outcome": "deny",
        "code": "",
        "grounds": ("OSL 26:1",),
        "reasons": ("NO_CONSENT",),
    }
    assert b"\x77" * 4 not in encode_row(row)


def test_receipt_is_no_row() -> None:
    """A receipt, refused or not, and a refusal of what nobody could read become no message."""
    assert message_of(said("receipt", "opened", 1)) == MESSAGE
    assert message_of(said("refusal", "refused", 1, type="receipt")) is None
    assert message_of(said("refusal", "refused", 1, about=bytes(16))) is None
    assert message_of(said("checkpoint", "signed", 1)) is None
    assert fold(None, 0, 1, said("refusal", "refused", 1, about=bytes(16))) is None


def test_forged_id_changes_nothing_told() -> None:
    """Who sends a message with another's id neither takes it over nor changes its state."""
    forged = said("refusal", "refused", 20, code="MESSAGE_ID_USED", sender="bup/x", recipient="bup/y", type="other")
    elsewhere = said("decision", "deny", 30, sender="bup/x", recipient="bup/y", type="other")
    row = folded([(0, 1, PERMIT), (0, 2, forged), (3, 1, elsewhere), (3, 2, said("recall", "recalled", 31))])
    found = status(row)
    assert (found.state, found.code, found.sender, found.type) == (State.WAITING, "", SENDER, TYPE)
    assert [step.kind for step in found.steps] == ["decision", "refusal"]
    late = folded([(0, 1, forged), (0, 2, said("decision", "permit", 40))])
    assert (status(late).sender, status(late).state) == (SENDER, State.WAITING)


def test_flood_of_refusals_is_bounded() -> None:
    """A row does not grow with what anybody may send, and the flood pushes out nothing of another kind."""
    flood = [said("refusal", "refused", 20 + n, code="MESSAGE_ID_USED") for n in range(1000)]
    row = story(PERMIT, *flood, said("receipt", "opened", 5000))
    assert len(row.steps) == STEPS_PER_KIND + 2
    assert status(row).state is State.OPENED


def test_lost_beginning_still_tells() -> None:
    """A receipt whose decision the topic no longer holds tells its state and both ends."""
    found = status(story(said("receipt", "opened", 11)))
    assert (found.state, found.sender, found.recipient, found.type) == (State.OPENED, SENDER, RECIPIENT, "")


def test_row_has_one_form() -> None:
    """A row comes back as it went; other bytes and versions are refused."""
    row = story(PERMIT, said("receipt", "opened", 11))
    assert decode_row(encode_row(row)) == row
    newer = Row(2, row.message_id, row.claim, row.steps)
    for data in (b"", b"garbage", encode_row(row)[:-1], encode_row(newer)):
        with pytest.raises(FormatError):
            decode_row(data)


KINDS = st.sampled_from(
    [
        ("decision", "permit", ""),
        ("decision", "deny", ""),
        ("receipt", "accepted", ""),
        ("receipt", "handed_over", ""),
        ("receipt", "refused", "UNIT_CLOSED"),
        ("recall", "recalled", "EXPIRED"),
        ("refusal", "refused", "MESSAGE_ID_USED"),
        ("ask", "deny", ""),
    ]
)


@st.composite
def logs(draw: st.DrawFn) -> list[Numbered]:
    """Return audit records of one message in a few partitions, numbered as the gate does."""
    seqs: defaultdict[int, int] = defaultdict(int)
    clocks: defaultdict[int, int] = defaultdict(int)
    records = []
    for partition, (kind, outcome, code), pause in draw(
        st.lists(st.tuples(st.integers(0, 2), KINDS, st.integers(0, 2)), min_size=1, max_size=30)
    ):
        seqs[partition] += 1
        clocks[partition] += pause
        ask = kind == "ask"
        record = said("decision" if ask else kind, outcome, clocks[partition], code=code, ask=ask)
        records.append((partition, seqs[partition], record))
    return records


@given(logs(), st.randoms(use_true_random=False))
def test_order_and_repeats_do_not_matter(records: list[Numbered], random: object) -> None:
    """Whatever the order and however often a record is read, the row is the same: at least once is enough."""
    once = folded(records)
    again = [*records, *records]
    random.shuffle(again)  # type: ignore[attr-defined]
    assert folded(again) == once
    partition, seq, record = records[-1]
    assert fold(once, partition, seq, record) is once


def test_every_order_of_a_story() -> None:
    """The same, for every order of a whole story."""
    records = [
        PERMIT,
        said("receipt", "accepted", 11),
        said("recall", "recalled", 12),
        said("receipt", "handed_over", 13),
    ]
    numbered = [(0, seq, record) for seq, record in enumerate(records, 1)]
    assert len({encode_row(folded(list(order))) for order in permutations(numbered)}) == 1
