"""Who finds an attack on state, audit topic or log, and how: printed by `python -m tests.attacks --finders`.

Every attack of these lines is here; a test compares.
"""

from __future__ import annotations

from typing import Final

__all__ = ["FINDERS", "LINES"]

LINES: Final = (
    "forged, swapped, rolled-back state record",
    "dropped, repeated, reordered audit record",
    "stolen gate key backdates after revocation",
    "entry of the log changed, dropped, reordered, inserted",
    "log rewritten or cut with its own key",
    "stamped but not logged",
    "fork toward one witness, witness store rolled back, too few cosignatures",
    "record missing without an erase leaf",
    "guessed record without salt",
    "unstamped entry",
)

_VERIFIER: Final = ("whoever verifies", "`audit verify`: the entries do not give the signed root (`LOG_ROOT`)")
_KEEPER: Final = ("the keeper", "`audit_seq` has a gap or a repeat: alarm, `audit check`, console")
_SEQUENCER: Final = ("the sequencer", "`audit_seq` has a gap or a repeat: alarm, console")

FINDERS: Final[dict[str, tuple[str, str]]] = {
    "broker.state-forged": ("the gate", "the record does not open: the partition stays closed (`STATE_BROKEN`)"),
    "broker.state-swapped": ("the gate", "the record does not open in that place (`STATE_BROKEN`)"),
    "broker.state-one-old": ("the gate", "the sum over the state is another one (`STATE_ALTERED`), doctor, metrics"),
    "broker.state-rolled-back": ("the gate", "its last number is lower than the audit topic's (`STATE_ROLLED_BACK`)"),
    "broker.audit-dropped": _KEEPER,
    "broker.audit-repeated": _KEEPER,
    "broker.audit-reordered": _KEEPER,
    "log.audit-dropped": _SEQUENCER,
    "log.audit-repeated": _SEQUENCER,
    "log.audit-reordered": _SEQUENCER,
    "directory.stolen-stamp": ("the recipient", "no witnessed log had it before: refused (`KEY_REVOKED`), doctor"),
    "directory.stolen-stamp-logged": ("the recipient", "the log has it only since: refused, `keys doubt` lists it"),
    "log.changed": _VERIFIER,
    "log.dropped": _VERIFIER,
    "log.reordered": _VERIFIER,
    "log.inserted": _VERIFIER,
    "log.stolen-key": ("every witness", "the entries do not continue its mirror (`LOG_FORK`), both kept"),
    "log.cut": ("the sequencer", "others have more than it: it does not start (`LOG_ROLLED_BACK`)"),
    "log.truncated": ("whoever verifies", "`audit verify --beside`: others were shown more (`LOG_ROLLED_BACK`)"),
    "log.hidden": ("sender and recipient", "tick-off: not in the log after ten minutes (`TICK_OFF_LATE`)"),
    "log.withheld": ("the party that gets less", "the gate's heads name more than comes (`LOG_WITHHELD`)"),
    "log.fork": ("a witness", "another's cosignature is on another state (`LOG_FORK`), both kept"),
    "log.fork-gate": ("a party", "the gate's head names another state than its mirror (`LOG_FORK`)"),
    "log.fork-word": (
        "the hub",
        "the witness's word is on another state (`disagrees`): console, doctor, `audit verify`",
    ),
    "log.witness-rolled-back": ("the witness", "its own later word on a checkpoint (`LOG_WITNESS_ROLLED_BACK`)"),
    "log.too-few": ("whoever asks for k of n", "each witness counts once (`LOG_COSIGNATURES`)"),
    "log.own-only": ("whoever asks for k of n", "none is of another organisation (`LOG_COSIGNATURES_OWN`)"),
    "log.unstamped": ("the sequencer", "no gate has signed it: alarm, never a leaf"),
    "broker.unstamped": ("the keeper", "no gate has signed it: alarm, not kept"),
    "broker.unstamped-forms": ("the keeper", "no gate has signed it: alarm, not kept"),
    "broker.record-gone": ("whoever checks", "`audit check`: gone without an erasure that names it"),
    "broker.guessed": ("nobody needs to", "without its salt no guess gives the entry"),
    "broker.guessed-after-erasure": ("nobody needs to", "the salt went with the record"),
}
