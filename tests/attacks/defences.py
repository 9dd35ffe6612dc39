"""The defences, each with its switch: one check of the product, where it stands, and how a test cuts it out.

    with off("gate.sender-party", "party.sender-party"): …

`where` names the code, `page` the section of the format page (docs/wire-format.md) that asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from samband.connectors import attachments, boxes, copies, gather, watch, witness
from samband.connectors.gather import Gather
from samband.connectors.receive import Receiver
from samband.connectors.store import Store
from samband.connectors.watch import Watch
from samband.connectors.witness import Witness
from samband.schemas import attachment, catalogue, codec, message
from samband.streams import inbox, keystore, topics
from samband.streams.audit import AuditKeys
from samband.streams.crypto import content, hub, keys, lane, merkle, signature
from samband.streams.decision import (
    circle,
    conditions,
    consents,
    identity,
    kernel,
    marks,
    sight,
    speech,
    support,
    withdrawals,
)
from samband.streams.directory import Directory
from samband.streams.directory_book import Book, Known
from samband.streams.gate import checks, digest, loop, verdicts
from samband.streams.gate.checks import Checks
from samband.streams.gate.judge import Judge
from samband.streams.gate.lanes import Lanes
from samband.streams.gate.state import View
from samband.streams.gate.verdicts import Verdicts
from samband.streams.inbox import Accept, InboxReader
from samband.streams.log import verify as log_verify
from samband.streams.log.checkpoint import Policy
from samband.streams.log.sequencer import Sequencer
from samband.streams.log.witnessed import Asking
from samband.streams.records import check
from samband.streams.records.keeper import Keeper
from samband.streams.root import Root
from tests.attacks.standins import Clear, Malleable, as_any_type, domain, duplicated, duplicating, lenient
from tests.attacks.switch import edited, patched, together, unraised

__all__ = ["DEFENCES", "Defence", "off"]

Switch = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Defence:
    """One check of the product."""

    name: str
    holds: str
    where: str
    page: str
    off: Switch


DEFENCES: Final[dict[str, Defence]] = {}


@contextmanager
def off(*names: str) -> Iterator[None]:
    """Switch defences off."""
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(DEFENCES[name].off())
        yield


def _enter(name: str, holds: str, page: str, function: Any, switch: Switch, code: str = "") -> None:
    assert name not in DEFENCES
    plain = getattr(function, "__wrapped__", getattr(function, "__func__", function))
    where = f"{plain.__module__.removeprefix('samband.')}:{plain.__qualname__}" + (f" `{code}`" if code else "")
    DEFENCES[name] = Defence(name, holds, where, page, switch)


def raises(name: str, holds: str, page: str, function: Any, code: str) -> None:
    """Enter a check that raises a code: an `if` that is cut out."""
    _enter(name, holds, page, function, lambda: unraised(function, code), code)


def does(name: str, holds: str, page: str, function: Any, *changes: tuple[str, str]) -> None:
    """Enter a step that is more than an `if`: pieces of the function's text, and what stands there without it."""
    _enter(name, holds, page, function, lambda: edited(function, *changes))


def parts(name: str, holds: str, page: str, function: Any, *switches: Switch) -> None:
    """Enter a defence that stands in several places, here named by the first."""
    _enter(name, holds, page, function, lambda: together(*switches))


LAYOUT, NAMES, GATE, PARTY = "Layout", "Names", "Gate accepts", "Party accepts"
LOG, STATE, FILES = "Log", "State", "Attachments"
SPEECH, DIRECTORY, ERASURE, SUPPRESSION = "Who may say what, at the gate", "Directory", "Erasure", "Suppression"


# Bytes and names

_enter("codec.one-form", "a record is read in its one encoding only", LAYOUT, codec.FlatCodec.decode_as,
       lambda: patched(codec.FlatCodec, "decode_as", lenient))  # fmt: skip
raises("codec.end", "no byte is left behind the last field", LAYOUT, codec.Reader.end, "FORMAT_TRAILING")
does("codec.cut-off", "bytes that end too early are a format error", LAYOUT, codec.Reader.take,
     ("raise FormatError('FORMAT_SHORT', 'the bytes end too early')", "raise IndexError"))  # fmt: skip
raises("hop.padding", "a hop is filled with zeros and nothing else", LAYOUT, message.unpad, "FORMAT_PADDING")
does("hop.length", "every hop of a class has the class's one length", LAYOUT, message.pad,
     (".ljust(length, b'\\x00')", ""))  # fmt: skip
_enter("domain.label", "a signature or seal says what it is for", NAMES, keys._domain,
       domain(("label.encode()", "b''")))  # fmt: skip
_enter("domain.realm", "a signature, seal or key name says in which realm it holds", NAMES, keys._domain,
       domain((" + realm", "")))  # fmt: skip

# Lanes

does("lane.topic", "a record's seal is bound to its topic", LAYOUT, lane._aad, ("topic.encode()", "b''"))
does("lane.partition", "a record's seal is bound to its partition", LAYOUT, lane._aad,
     ("partition.to_bytes(4, 'big')", "b''"))  # fmt: skip
does("lane.seal-opener", "a record's seal is bound to its opener", LAYOUT, lane._aad, (" + opener_hash", ""))
does("lane.key-opener", "a lane's key is bound to its opener", LAYOUT, lane._key, (" + opener_hash", ""))
parts("lane.kem-opener", "a lane's secret is sealed for the fields of its opener", LAYOUT, lane.LaneIn.__init__,
      lambda: edited(lane.LaneIn.__init__, ("own.open('opener', o, kem)", "own.open('opener', b'', kem)")),
      lambda: edited(lane.LaneOut.__init__,
                     ("to.seal('opener', o, secret)", "to.seal('opener', b'', secret)")))  # fmt: skip
_enter("lane.tag", "a record that was altered does not open", LAYOUT, lane._key,
       lambda: patched(lane, "AESGCM", Malleable))  # fmt: skip
_enter("lane.encryption", "a record is encrypted", LAYOUT, lane._key, lambda: patched(lane, "AESGCM", Clear))
does("opener.signature", "an opener is signed by the party that it names", LAYOUT, lane.LaneIn.__init__,
     ("signer.verify('opener', o + kem, sig)", "pass"))  # fmt: skip
raises("opener.life", "a lane lives for an hour at most", LAYOUT, lane.LaneIn.__init__, "OPENER_LIFE")
raises("opener.suite", "an opener of another suite is not read", NAMES, lane.UnverifiedRecord.opener, "FORMAT_SUITE")
raises("opener.realm", "an opener of another realm is not read", NAMES, lane.UnverifiedRecord.opener, "REALM")
does("opener.addressee", "an opener names the gate's key that it is for", GATE, Lanes._accept,
     ("self.own.get(Kid(opener.to_kid))", "next(iter(self.own.values()))"))  # fmt: skip
raises("opener.keys", "an opener names the keys that it is checked with", GATE, lane.LaneIn.__init__, "OPENER_KEY")
raises("opener.agreement", "an opener is for this agreement", GATE, Lanes._accept, "AGREEMENT")
raises("opener.party", "an opener names the party of its key", GATE, Lanes._accept, "OPENER_PARTY")
raises("opener.time", "a lane is used within its hour, an open one too", GATE, Lanes.reading, "LANE_EXPIRED")
raises("opener.quota", "a party opens a bounded number of lanes an hour", GATE, Lanes._count, "LANE_QUOTA")

# Signatures and trees

does("batch.signature", "a message is signed by its sender", LAYOUT, signature.BatchCache.verify,
     ("self._held.verify(key, 'batch', message.n, ", "(lambda _: None)("), (", message.sig)", ")"))  # fmt: skip
raises("batch.purpose", "a message is signed with a party's signing key", GATE, signature.BatchCache.verify,
       "KEY_PURPOSE")  # fmt: skip
does("batch.n", "the size of the tree is signed", LAYOUT, signature._signed_root, ("n.to_bytes(4, 'big')", "b''"))
does("stamp.signature", "a stamp is signed by the gate", PARTY, signature.verify_entry,
     ("checks.verify(key, 'stamp', stamped.n, root, stamped.sig)", "pass"))  # fmt: skip
parts("merkle.odd", "an odd node is never paired with itself", LAYOUT, merkle.root_and_paths,
      lambda: patched(signature, "root_and_paths", duplicating),
      lambda: patched(signature, "root_from_path", duplicated))  # fmt: skip
does("merkle.inside", "a leaf's place lies in its tree", LAYOUT, merkle.root_from_path, ("not 0 <= i < n", "False"))
does("merkle.length", "a path is as long as its place in the tree says", LAYOUT, merkle.root_from_path,
     ("if last:", "if False:"))  # fmt: skip
parts("merkle.prefix", "a leaf is hashed as a leaf and a node as a node", LAYOUT, merkle.leaf_hash,
      lambda: edited(merkle.leaf_hash, ("b'\\x00' + ", "")),
      lambda: edited(merkle.node_hash, ("b'\\x01' + ", "")),
      lambda: edited(merkle.root_and_paths, ("b'\\x01' + ", "")),
      lambda: edited(merkle.root_from_path, ("b'\\x01' + step + root", "step + root"),
                     ("b'\\x01' + root + step", "root + step")))  # fmt: skip
raises("key.purpose", "a key is used for its one purpose", NAMES, Directory.key, "KEY_PURPOSE")

does("key.time", "a key is used within its time, whatever was verified with it before", GATE, Known.is_good,
     ("self.card.not_before <= now < self.card.not_after", "True"))  # fmt: skip
does("key.revoked", "a key that was taken back is used no more, whatever was verified with it before", GATE,
     Known.is_good, ("now >= self.revocation.at", "False"))  # fmt: skip

# Content

parts("content.label", "a content's seal is bound to its label", LAYOUT, content.open_content,
      lambda: edited(content.seal_content, (" + hashlib.sha256(routing).digest()", "")),
      lambda: edited(content.open_content, (" + hashlib.sha256(routing).digest()", "")))  # fmt: skip
raises(
    "content.commit", "a content is the one that its label commits to", LAYOUT, content.open_content, "COMMIT_BROKEN"
)
raises("content.padding", "a content is filled with zeros and nothing else", LAYOUT, content.open_content,
       "FORMAT_PADDING")  # fmt: skip
does("content.length", "a content has its class's one length", LAYOUT, content.pad_content,
     (".ljust(content_class(len(head)), b'\\x00')", ""))  # fmt: skip

# The gate

raises("gate.headers", "a record has no key and only the format's headers", LAYOUT, Judge._take, "RECORD_HEADERS")
_enter("gate.bare", "what is no header of the format is seen", LAYOUT, loop._bare,
       lambda: patched(loop, "_bare", lambda record: True))  # fmt: skip
raises("gate.record-size", "a record larger than any honest one is not even opened", GATE, Judge._take,
       "RECORD_TOO_LARGE")  # fmt: skip
does("gate.quarantine", "what cannot be read is put aside and stops nothing", GATE, Judge._take,
     ("except SambandError as error:", "except KeyboardInterrupt as error:"))  # fmt: skip
does("gate.seq", "a connector's records are taken once and in order", GATE, Judge._take,
     ("if up.seq != last + 1:", "if False:"))  # fmt: skip
raises("gate.message-id", "an id is judged once", GATE, Verdicts.of, "MESSAGE_ID_USED")
raises("gate.sender-party", "lane, signature and sender unit are one party's", GATE, Checks.check, "SENDER_PARTY")
raises("gate.sender-key", "the label names the key that signed it", GATE, Checks.check, "SENDER_KEY")
raises("gate.agreement", "a label is for this agreement", GATE, Checks.check, "AGREEMENT")
raises("gate.partition", "a message lies in its child's partition", GATE, Checks.check, "WRONG_PARTITION")
raises("gate.post-dated", "a message is not made in the future", GATE, Checks._check_time, "CLOCK_AHEAD")
raises("gate.long-lived", "a message lives for 14 days at most", GATE, Checks._check_time, "EXPIRES_TOO_LATE")
raises("gate.expired", "a message's time is not over", GATE, Checks._check_time, "EXPIRED")
raises("gate.recipient-key", "a content is sealed to the recipient unit's own key", GATE, Directory.content_key_of,
       "RECIPIENT_KEY")  # fmt: skip
raises("gate.kinds", "units of these kinds send each other this type", GATE, Checks._check_type, "TYPE_NOT_FOR_KIND")
raises("gate.schema", "a content is written with the schema of its type", GATE, Checks._check_type, "SCHEMA_UNKNOWN")
raises("gate.content-size", "a content has one of five lengths", GATE, Checks._check_type, "CONTENT_SIZE")
does("gate.clock", "the gate's clock never goes back", "Clock", Judge.turn,
     ("max(now, view.number(b'clock'))", "now"))  # fmt: skip
raises("gate.receipt-of", "a receipt is for a message that was permitted to this very unit", GATE, Verdicts._receipt,
       "RECEIPT_UNKNOWN")  # fmt: skip
raises("gate.receipt-level", "a receipt's level only rises", GATE, Verdicts._receipt, "RECEIPT_LEVEL")
raises("gate.quota", "questions and marks are counted by the hour", SPEECH, View.spend, "QUOTA")
does("gate.fault-code", "a fault of the gate's own is a code and nothing of what it was about", GATE, Judge._judge,
     ("except Exception:", "except Exception as fault:"), ("'GATE_ERROR'", "str(fault)[:40]"))  # fmt: skip
does("gate.recall", "what rests on a closed consent and is not handed over is recalled", SPEECH, Verdicts._recall_all,
     ("track is None or not stops(", "track is None or True or not stops("))  # fmt: skip

# The recipient

raises("party.leaf", "the stamp is for this very message", PARTY, Accept._check_sender, "LEAF")
raises("party.sender-party", "a message is signed by its sender unit's party", PARTY, Accept._check_sender,
       "SENDER_PARTY")  # fmt: skip
raises("party.recipient", "a message is for a unit of the party's own", PARTY, Accept._check_sender, "RECIPIENT")
raises("party.permit", "a message came with a permit", PARTY, Accept._check_sender, "NOT_PERMITTED")
raises("party.stamp", "no message is taken without a stamp", PARTY, Accept.open, "STAMP_MISSING")
raises("party.stamp-hub", "a stamp, or a lane into an inbox, is made with a key of the hub's card", PARTY,
       Directory.stamp_key, "STAMP_KEY")  # fmt: skip
raises("party.stamp-purpose", "a stamp is made with a stamping key", PARTY, signature.verify_entry, "KEY_PURPOSE")
raises("party.expired", "nothing is handed over after its time, by the own clock", PARTY, inbox._to_open, "EXPIRED")
raises("party.recipient-key", "the content is sealed to the key of the unit that it is for", PARTY, Accept._opened,
       "RECIPIENT_KEY")  # fmt: skip
raises("party.schema", "the content is written with the schema of its type", PARTY, Accept.letter, "SCHEMA_UNKNOWN")
raises("party.child", "the content is about the child that was judged", PARTY, Accept._compare, "MISMATCH_CHILD")
raises("party.categories", "the content tells what was judged and nothing else", PARTY, Accept._compare,
       "MISMATCH_CATEGORIES")  # fmt: skip
raises("party.age", "the child is as old as was judged", PARTY, Accept._compare, "MISMATCH_AGE")
raises("party.part-label", "a part of a file is the one that its label says", FILES, Accept.part, "MISMATCH_PART")
does("party.part-judged", "a part of a file was judged as its message was", FILES, gather._same,
     ("return all(", "return True or all("))  # fmt: skip
parts("party.part-missing", "no message is handed over without every part of its files", FILES, Gather.check,
      lambda: unraised(Gather.check, "ATTACHMENT_MISSING"), lambda: unraised(attachments.joined, "ATTACHMENT_MISSING"),
      lambda: edited(attachments.joined, ("size != file.size or", "size >= file.size and")))  # fmt: skip
raises("party.file", "a file is the one that its message describes", FILES, attachments.joined, "ATTACHMENT_MISMATCH")
does("party.file-kind", "a file begins as its name and media type say", FILES, attachments.check_whole,
     ("check_head(kind, head)", "pass"))  # fmt: skip
raises("party.file-name", "a file's name has no path and nothing invisible", FILES, attachment.safe_name,
       "ATTACHMENT_NAME")  # fmt: skip
does("gate.part", "a part of a file goes with a type that takes files, and says with which message", FILES,
     checks._is_part, ("row.takes_files and (routing.ref_to is not None)", "True"))  # fmt: skip
_enter("party.form", "the content reads as its type and in its one form", PARTY, catalogue.decode_content,
       lambda: patched(inbox, "decode_content", as_any_type))  # fmt: skip
does("withdrawals.first-said", "a withdrawal said in one epoch ends what was given before it in every other", SPEECH,
     withdrawals.reaches, ("bool(consent.given.first_said) and", "False and"))  # fmt: skip
does("gate.epoch", "a reference is of an epoch that the authority has announced", GATE, Checks.check,
     ("self.directory.epochs.check(routing.e, now, event=row.event, ends=row.name in _ENDS)", "pass"))  # fmt: skip
does("party.epoch", "a reference is of an epoch whose key the party holds", PARTY, Accept._compare,
     ("self.reference.get(routing.e)", "self.reference.get(1)"))  # fmt: skip
does("party.box-seq", "an inbox's records are taken once", PARTY, Receiver._take,
     ("is Place.REPEAT:", "is None:"))  # fmt: skip
does("suppression.gap", "a number that is missing is told, and taken when it comes", SUPPRESSION, boxes.take_number,
     ("if number > last + 1:", "if False:"))  # fmt: skip
does("suppression.recall", "a recall is remembered while what it stops may be missing", SUPPRESSION, Receiver._recall,
     ("elif row is None and gaps(self._store):", "elif False:"))  # fmt: skip
does("suppression.silence", "75 minutes without a head are an alarm", SUPPRESSION, Watch.look,
     ("quiet >= SILENCE_MS", "False"))  # fmt: skip
does("suppression.old-head", "a head that was held back is no sign of life", SUPPRESSION, watch.heard,
     ("abs(now - stamp.decided_at) < SILENCE_MS", "True"))  # fmt: skip
does("suppression.directory", "a directory that the gate has and nobody shows is an alarm", SUPPRESSION, Watch.look,
     ("waited > DIRECTORY_MS", "False"))  # fmt: skip
does("suppression.answer", "what was acknowledged without an answer is said again", SUPPRESSION, Receiver._acknowledge,
     ("self._store.repeat_unanswered(down.partition, down.ack)", "0"))  # fmt: skip
_enter("recovery.seal-again", "what could not be read for want of a key is sealed again", DIRECTORY, Store.seal_again,
       lambda: patched(Store, "seal_again", lambda *_: False))  # fmt: skip
does("suppression.own", "a store sees that somebody else speaks with its numbers", SUPPRESSION, copies.check_own,
     ("if not beyond and all(", "if True or all("))  # fmt: skip
does("party.message-id", "a message's id is taken once", PARTY, Store.add_letter,
     ("DO NOTHING", "DO UPDATE SET state = excluded.state"))  # fmt: skip
does("party.incident", "a record that is not believed stops no other", PARTY, Receiver.take,
     ("except Exception as error:", "except KeyboardInterrupt as error:"))  # fmt: skip
does("party.log-code", "a connector logs a code and nothing of a message", "Erasure", Receiver.take,
     ("type(error).__name__", "str(error)"))  # fmt: skip
does("party.committed", "only committed records are read", PARTY, InboxReader.batches,
     ("isolation_level='read_committed'", "isolation_level='read_uncommitted'"))  # fmt: skip
_FREE_FOR_PARTIES: Final = """    rights |= {
        Acl(each, kind, "*", operation)
        for each in parties
        for kind, operation in (("transactional_id", "write"), ("group", "read"))
    }
"""
does("topics.no-transaction", "no party has a right on a transactional id or a group", DIRECTORY, topics.acls_for,
     ("    for row in TABLE:\n", f"{_FREE_FOR_PARTIES}    for row in TABLE:\n"))  # fmt: skip

# Who may say what, and what is decided

does("speech.rows", "an event is said by a unit with one of its row's relations", SPEECH, speech.may,
     ("not held.isdisjoint(row.by)", "True"))  # fmt: skip
raises("consents.recorder", "nobody becomes recipient by an own record", SPEECH, consents.record,
       "RECORDER_IS_RECIPIENT")  # fmt: skip
does("consents.confirmed", "a discloser that did not record a consent confirms it", SPEECH, support._miss,
     ("sender.party != consent.recorded_party and", "False and"))  # fmt: skip
does("consents.remembered", "a withdrawal that came first closes the consent that it named", SPEECH, consents.record,
     ("for earlier in state.withdrawals:", "for earlier in ():"))  # fmt: skip
does("withdrawals.all", "a withdrawal closes what is in its scope, whoever recorded it", SPEECH, withdrawals.close,
     ("or not in_scope(consent, taken)",
      "or not in_scope(consent, taken) or consent.recorded_by != taken.by"))  # fmt: skip
does("circle.offer", "a handover changes nothing until it is accepted", SPEECH, circle.hand_over,
     ("handing_to='' if to.id == signer.id else to.id", "responsible=to.id"))  # fmt: skip
does("circle.contested", "while two claim a child nothing rests on consent", SPEECH, conditions.fails,
     ("if child.circle.contender:", "if False:"))  # fmt: skip
raises("marks.two", "one party alone lifts no mark", SPEECH, marks._lift, "MARK_LIFT_NEEDS_TWO")
does("marks.first-word", "the first word to lift a mark lifts nothing", SPEECH, marks._lift,
     ("lift_at=now)", "lift_at=now, lifted_at=now)"))  # fmt: skip
raises("identity.protected", "nothing is linked where a child lives under a threat", SPEECH, identity.change,
       "IDENTITY_PROTECTED")  # fmt: skip
does("kernel.forbids", "a forbid row wins over every ground", SPEECH, kernel._decide,
     ("if forbids(row, question, child):", "if False:"))  # fmt: skip
does("kernel.kinds", "units of these kinds send each other this type", SPEECH, kernel._decide,
     ("or not message_type.may(sender.kind, recipient.kind)", ""))  # fmt: skip
does("kernel.role", "a role is held by its unit at this moment", SPEECH, kernel._decide,
     ("if question.recipient_role and", "if False and"))  # fmt: skip
does("sight.answer", "a unit without part in the child is never told the decision", SPEECH, sight.told,
     ("decision.outcome is Outcome.PERMIT or", "True or"))  # fmt: skip
does("sight.seen", "its answer is made from what it may see", SPEECH, sight.seen_by,
     ("ChildState(consents=own,", "ChildState(circle=child.circle, consents=own,"))  # fmt: skip
does("verdicts.alone", "its answer is stamped by itself", SPEECH, Verdicts._decide, (", alone=True)", ")"))

# The directory

does("root.twice", "a root key signs once", DIRECTORY, Root.verify, ("sorted(set(kids)) != kids", "False"))
does("root.threshold", "as many root keys sign as the root metadata asks for", DIRECTORY, Root.verify,
     ("if len(kids) < self.threshold:", "if False:"))  # fmt: skip
does("root.known", "only the root's own keys sign", DIRECTORY, Root.verify,
     ("raise TrustError('ROOT_UNKNOWN', f'a {label} is signed by another root')", "continue"))  # fmt: skip
does("root.signature", "a card is signed", DIRECTORY, Root.verify, ("key.verify(label, data, each['sig'])", "pass"))
raises(
    "book.key-signer", "a key card is signed by its party's root key", DIRECTORY, Book._verify_key, "KEY_CARD_SIGNER"
)
does("book.key-signature", "a key card is signed", DIRECTORY, Book._verify_key,
     ("owner.verify('key', signed['key'], signed['sig'])", "pass"))  # fmt: skip
raises("book.key-purpose", "a party has no key of the hub's, nor the hub one of a party's", DIRECTORY, Book._open,
       "KEY_CARD_PURPOSE")  # fmt: skip
raises("book.key-unit", "a key is for a unit of its own party", DIRECTORY, Book._open, "KEY_CARD_UNIT")
raises("book.suite", "a key of another suite is not read", NAMES, Book._open, "FORMAT_SUITE")
parts("book.key-once", "nothing overwrites a key card but its revocation", DIRECTORY, Book._learn_key,
      lambda: unraised(Book._learn_key, "KEY_CARD_CHANGED"),
      lambda: edited(Book._learn_key, ("if before is None or", "if True or")))  # fmt: skip
does("book.weight", "a revocation is not taken back", DIRECTORY, Book._learn_key,
     ("_weight(known.revocation) > _weight(before.revocation)", "True"))  # fmt: skip
raises("book.revocation", "a revocation is of one key", DIRECTORY, Book._revocation, "REVOCATION")
raises("directory.rollback", "no head is older than the last one", DIRECTORY, Directory._check_head, "HEAD_ROLLBACK")
raises("directory.fork", "a head follows the last one", DIRECTORY, Directory._check_head, "HEAD_FORK")
raises("directory.expired", "a head is taken within its day", DIRECTORY, Directory._check_head, "HEAD_EXPIRED")
raises("directory.future", "a head is not made in the future", DIRECTORY, Directory._check_head, "HEAD_FUTURE")
does("directory.fits", "a head is taken over exactly the records that it names", DIRECTORY, Directory._take_head,
     ("if not self._fits(head):", "if False:"))  # fmt: skip
raises("directory.head-key", "a head is signed with the hub's head key", DIRECTORY, Directory._take_head, "HEAD_KEY")
does("directory.head-signature", "a head is signed", DIRECTORY, Directory._take_head,
     ("known.key.verify('head', head.encode(), unframe(SIGNED_HEAD, value)['sig'])", "pass"))  # fmt: skip
raises("directory.suite", "a head that asks for a higher suite than is known is not taken", NAMES,
       Directory._take_head, "SUITE")  # fmt: skip
does("directory.suite-keys", "no key of a suite below the head's lowest is used", NAMES, Directory._use,
     (" if known.card.suite >= head.suite", ""))  # fmt: skip
does("directory.kept", "whoever starts again begins with what it had", DIRECTORY, Directory.restore,
     ("for value in values:", "for value in ():"))  # fmt: skip
does("directory.keeps", "a head is on disk before it is used", DIRECTORY, Directory._take_head,
     ("self._keep([*self._book.verified().values(), value])", "pass"))  # fmt: skip
raises("directory.stale", "nothing is decided on a head of over 72 hours", DIRECTORY, Directory.check_fresh,
       "DIRECTORY_STALE")  # fmt: skip
raises("key.stolen", "what a stolen key has stamped counts only where the log had it before, whatever time it names",
       DIRECTORY, Accept._check_stands, "KEY_REVOKED")  # fmt: skip
does("key.before", "what counts as before is what witnesses had cosigned by then", DIRECTORY, witness.witnessed_before,
     ("if when < at", ""))  # fmt: skip
raises("state.sum", "a state that is read back is what its last commit left, name by name", STATE, digest.check,
       "STATE_ALTERED")  # fmt: skip
raises("state.number", "a state that is read back is not older than what the gate has logged", STATE, digest.compare,
       "STATE_ROLLED_BACK")  # fmt: skip
does("gate.come-again", "only the very message that nobody could read for want of a key comes again", DIRECTORY,
     verdicts._may_come_again, ("return same and", "return"))  # fmt: skip
raises("gate.key-yours", "a party says something about its own keys only", DIRECTORY, Verdicts._key, "KEY_NOT_YOURS")
does("gate.retired-sender", "a closed unit says nothing new", GATE, Checks._check_retired,
     ("if sender.retired and", "if False and"))  # fmt: skip
does("gate.retired-recipient", "nothing new is said to a closed unit", GATE, Checks._check_retired,
     ("if recipient.retired and", "if False and"))  # fmt: skip

# What the hub keeps

parts("hub.place", "a hub record is bound to its topic and key", LAYOUT, hub.HubStore.open,
      lambda: edited(hub.HubStore.seal, ("topic.encode() + key", "b''")),
      lambda: edited(hub.HubStore.open, ("topic.encode() + key", "b''")))  # fmt: skip
_enter("hub.tag", "a hub record that was altered does not open", LAYOUT, hub.HubStore.open,
       lambda: patched(hub, "AESGCM", Malleable))  # fmt: skip
_enter("hub.encryption", "what the hub keeps for itself is encrypted", LAYOUT, hub.HubStore.seal,
       lambda: patched(hub, "AESGCM", Clear))  # fmt: skip
does("records.seq", "a leaf that is missing or repeated is an alarm", ERASURE, Keeper._keep,
     ("if audit.audit_seq != expected:", "if False:"))  # fmt: skip
does("records.stamped", "a leaf is kept only under the gate's signature", ERASURE, Keeper._take,
     ("verify_entry(key, audit.entry, audit.proof)", "pass"))  # fmt: skip
does("records.gone", "a record that is gone without an erasure is found", ERASURE, check.check,
     ("report.findings.append(_at(leaf, 'gone'))", "pass"))  # fmt: skip
does("keys.over", "a key that opens is destroyed when Kafka keeps nothing more for it", ERASURE,
     keystore.expired_keys, ("return [kid for", "return [] and [kid for"))  # fmt: skip
does("records.month-key", "a month's key is destroyed, and with it every copy of what it opens", ERASURE,
     AuditKeys.destroy, ("self._folder.destroy_secret(_name(month))", "pass"))  # fmt: skip
does("records.salt", "an entry says nothing without its salt", LAYOUT, signature.entry_of,
     (" + salt + record", " + record"))  # fmt: skip

# The log

does("log.stamped", "what the gate did not stamp never becomes a leaf", LOG, Sequencer._verified,
     ("verify_entry(key, audit.entry, audit.proof, self._held)", "pass"))  # fmt: skip
does("log.root", "whoever verifies works the root out anew from the entries", LOG, log_verify.verify,
     ("if edge.root() != checkpoint.root:", "if False:"))  # fmt: skip
raises("log.never-back", "the log starts only where it has what others have", LOG, Sequencer.recover,
       "LOG_ROLLED_BACK")  # fmt: skip
does("log.continues", "a witness takes a checkpoint only when its entries give the root", LOG, Witness._extend,
     ("if edge.root() != checkpoint.root:", "if False:"))  # fmt: skip
does("log.begins", "a witness compares what others have cosigned with its own mirror", LOG, Witness._checkpoint,
     ("elif not self._fits(checkpoint):", "elif False:"))  # fmt: skip
does("log.rolled-back", "a witness whose store is older than its own word cosigns no more", LOG, Witness._cosign,
     ("name in self._state['rolled_back'] or ", ""))  # fmt: skip
does("log.tick-off", "what was stamped for a party and is not in the log is an alarm", LOG, Witness._tick_off,
     ("late > 0", "False"))  # fmt: skip
does("log.head", "a party compares what the gate's heads name of the log with its own mirror", SUPPRESSION,
     Witness._compare_named, ("if not self._fits(checkpoint):", "if False:"))  # fmt: skip
does("log.withheld", "a party to whom less of the log comes than the gate knows says so", SUPPRESSION,
     Witness._compare_named, ("at + LATE_MS < now", "False"))  # fmt: skip
does("log.words", "the log compares every witness's word with its own tree", LOG, Asking.hear,
     ("self._root_at(checkpoint.size) == checkpoint.root", "True"))  # fmt: skip
does("log.seq", "a number that is missing, repeated or out of order on the audit topic is an alarm", LOG,
     Sequencer._place, ("if seq != expected:", "if False:"))  # fmt: skip
does("log.beside", "what others were shown must be a beginning of the log that is verified", LOG, log_verify.verify,
     ("if each.size > checkpoint.size", "if False"))  # fmt: skip
raises("log.count", "a checkpoint is witnessed by as many as are asked for", LOG, Policy.check, "LOG_COSIGNATURES")
raises("log.outside", "one of them is of another organisation than the operator's", LOG, Policy.check,
       "LOG_COSIGNATURES_OWN")  # fmt: skip
