"""Notes, checkpoints and cosignatures: the specifications' own examples, and what is refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samband.schemas.errors import FormatError, TrustError
from samband.streams.crypto.keys import Purpose, SignKey
from samband.streams.log.checkpoint import (
    Checkpoint,
    Policy,
    cosigners,
    key_from,
    key_text,
    opened,
    sign,
)
from samband.streams.log.note import ED25519, Note, vkey
from tests.log.logs import KEY, ORIGIN, PUBLIC, REALM, WITNESS_KEYS, WITNESSES, Log, entries

EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()


def test_the_specification_s_note() -> None:
    """The example of C2SP signed-note verifies under its key, and is written back byte by byte."""
    name, key = key_from(EXAMPLE_KEY)
    note = Note.parse(EXAMPLE)
    assert note.encode() == EXAMPLE
    assert note.lines[0].is_of(name, ED25519, key.public)
    key.verify_note(note.text, note.lines[0].signature)
    assert vkey(name, ED25519, key.public) == EXAMPLE_KEY
    with pytest.raises(TrustError):
        key.verify_note(note.text + b" ", note.lines[0].signature)


def test_a_checkpoint_is_read_by_its_key_only() -> None:
    """A signed checkpoint opens with its log's key and origin; the same state gives the same bytes."""
    log = Log(entries(5))
    data = log.files["checkpoint"]
    assert opened(data, [PUBLIC], ORIGIN)[0] == log.checkpoint
    assert sign(KEY, log.checkpoint) == data
    other = SignKey(REALM, Purpose.LOG, bytes([2]) * 32)
    for bad, code in [(sign(other, log.checkpoint), "LOG_KEY"), (data.replace(b"\n5\n", b"\n6\n"), "SIGNATURE_BROKEN")]:
        with pytest.raises(TrustError) as caught:
            opened(bad, [PUBLIC], ORIGIN)
        assert caught.value.code == code
    with pytest.raises(TrustError) as caught:
        opened(data, [PUBLIC], "another")
    assert caught.value.code == "LOG_ORIGIN"
    assert key_from(key_text(KEY, ORIGIN))[0] == ORIGIN


def test_a_line_of_a_stranger_is_passed_over() -> None:
    """Signatures of keys that nobody knows change nothing, before or behind the log's own."""
    log = Log(entries(5))
    note = Note.parse(log.cosigned("skola"))
    for lines in (note.lines, note.lines[::-1]):
        assert opened(Note(note.text, lines).encode(), [PUBLIC], ORIGIN)[0] == log.checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "a\n1\n" + "A" * 43 + "=\nmore\n",
        "a\n01\n" + "A" * 43 + "=\n",
        "a\n-1\n" + "A" * 43 + "=\n",
        "a\n1\nAAAA\n",
        "a b\n1\n" + "A" * 43 + "=\n",
        "a\n1\n" + "A" * 42 + "B=\n",
        "a\n1\n" + "A" * 43 + "=",
        "",
    ],
)
def test_a_text_that_is_no_checkpoint(text: str) -> None:
    """A checkpoint has one form."""
    with pytest.raises(FormatError):
        Checkpoint.parse(text.encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\n\xe2\x80\x94 name AAAAAAA=",
        b"text\n\n- name AAAAAAA=\n",
        b"text\n\n\xe2\x80\x94 na+me AAAAAAA=\n",
        b"text\n\n\xe2\x80\x94 name AAAA\n",
        b"text\n\n\xe2\x80\x94 name AAAAAAB=\n",
        b"te\rxt\n\n\xe2\x80\x94 name AAAAAAA=\n",
        b"te\xffxt\n\n\xe2\x80\x94 name AAAAAAA=\n",
        b"text\n\n" + b"\xe2\x80\x94 name AAAAAAA=\n" * 65,
        b"x" * 70_000 + b"\n\n\xe2\x80\x94 name AAAAAAA=\n",
    ],
)
def test_bytes_that_are_no_note(data: bytes) -> None:
    """A note has one form."""
    with pytest.raises(FormatError):
        Note.parse(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_note_or_refused(data: bytes) -> None:
    """The parser refuses with a code or gives back what it would write."""
    with suppress(FormatError):
        assert Note.parse(data).encode() == data


def test_cosignatures_hold_for_one_state() -> None:
    """A witness's word holds over the very text that it was given for, with its time, and for no other witness."""
    log = Log(entries(5))
    note = Note.parse(log.cosigned("bup", "skola", timestamp=77))
    assert [(each.witness.name, each.timestamp) for each in cosigners(note, WITNESSES)] == [
        (f"{ORIGIN}/bup", 77), (f"{ORIGIN}/skola", 77),
    ]  # fmt: skip
    assert cosigners(note, WITNESSES[:1])[0].witness is WITNESSES[0]
    later = Log(entries(6))
    moved = Note(later.checkpoint.text(), note.lines)
    with pytest.raises(TrustError):
        cosigners(moved, WITNESSES)


def test_too_few_witnesses() -> None:
    """A policy counts parties, not signatures, and wants one from outside the operator's organisation."""
    log = Log(entries(5))
    note = Note.parse(log.cosigned("bup", "bup", "bup"))
    said = cosigners(note, WITNESSES)
    Policy(1).check(said)
    for policy, code in [
        (Policy(2), "LOG_COSIGNATURES"),
        (Policy(1, "organisation of bup"), "LOG_COSIGNATURES_OWN"),
    ]:
        with pytest.raises(TrustError) as caught:
            policy.check(said)
        assert caught.value.code == code
    both = cosigners(Note.parse(log.cosigned("bup", "skola")), WITNESSES)
    Policy(2, "organisation of bup").check(both)


@pytest.mark.parametrize("purpose", [purpose for purpose in Purpose if purpose in ("party-sign", "gate-stamp", "root")])
def test_keys_of_notes_sign_nothing_else(purpose: Purpose) -> None:
    """A log's or witness's key signs notes only, and no other key signs one: neither's word passes for the other's."""
    with pytest.raises(TrustError):
        SignKey(REALM, purpose, bytes(32)).sign_note(b"text\n")
    for key in (KEY, WITNESS_KEYS["bup"]):
        with pytest.raises(TrustError):
            key.sign("batch", b"text")
