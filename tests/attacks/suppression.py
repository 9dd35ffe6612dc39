"""Attacks by withholding: a record, the tail of an inbox, everything; and a store that speaks with old numbers."""

from __future__ import annotations

from tests.attacks.register import existing

DROPPED = "dropped record, tail, recall"
HERE = "tests/connectors/test_suppression.py"

existing("suppression.record", DROPPED, "suppression.gap", f"{HERE}::test_a_late_letter_is_taken")
existing("suppression.recall", DROPPED, "suppression.recall", f"{HERE}::test_a_late_letter_that_was_recalled")
existing("suppression.tail", DROPPED, "suppression.silence", f"{HERE}::test_silence")
existing("suppression.old-heads", "freeze", "suppression.old-head",
         f"{HERE}::test_a_head_that_was_held_back_is_no_sign_of_life")  # fmt: skip
existing("suppression.directory", "freeze", "suppression.directory",
         f"{HERE}::test_directory_records_that_are_withheld")  # fmt: skip

OTHERS = "tests/connectors/test_copies.py"

existing("suppression.answer", DROPPED, "suppression.answer", f"{OTHERS}::test_a_lost_answer")

COPIES = "restored or cloned store"

existing("suppression.restored", COPIES, "suppression.own", f"{OTHERS}::test_a_restored_store[3-True]")
existing("suppression.restored-a-little", COPIES, "suppression.answer",
         f"{OTHERS}::test_a_restored_store_is_behind_by_less_than_it_says")  # fmt: skip
existing("suppression.cloned", COPIES, "suppression.own", f"{OTHERS}::test_a_cloned_store[abab]")
