"""The directory: which party, unit, key and rule there is, as the last head that was taken names them.

    directory = Directory(root, keep=snapshot.write)
    directory.restore(snapshot.read())           what was taken before; nothing older is taken after it
    directory.learn(value, now)                  a record of the directory's topic, in any order
    directory.unit("SE2120002080-IFO").kind
    directory.check_fresh(now)                   or an error that says why nothing more may be decided

Nothing is believed that its signer did not sign: cards and rules the agreement's authority, key cards the party. And
nothing is in use before a head fits all records together: no old card beside a new one, none held back. A head is
compared with the last one, then kept on disk, then used. Format page: § Directory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from samband.schemas.card import Card
from samband.schemas.codec import is_framed, unframe
from samband.schemas.errors import FormatError, OperatorError, RefusedError, TrustError
from samband.schemas.head import SIGNED_HEAD, STALE_MS, Head
from samband.schemas.key_card import Reason
from samband.schemas.reference_key import Reference
from samband.schemas.units import Unit
from samband.streams.crypto.keys import SUITE, Kid, Purpose, Realm, SealKey, VerifyKey
from samband.streams.directory_book import Book, Known
from samband.streams.directory_records import HEAD_NAME, HUB, hash_of, root_of
from samband.streams.references import Epochs
from samband.streams.root import Root
from samband.streams.rules import RulesInForce

__all__ = ["HUB", "Directory", "Known"]

_SKEW_MS: Final = 300_000
"""How far the head's clock may be ahead, in milliseconds."""


class Directory:
    """All that the last head names, by party, unit and key."""

    def __init__(
        self,
        root: Root,
        *,
        production: bool = False,
        keep: Callable[[Sequence[bytes]], None] = lambda values: None,
    ) -> None:
        """Begin with nothing.

        Args:
            root: the realm's root metadata.
            production: take no rules into force that the lawyers have not verified.
            keep: writes a snapshot to disk before it is used; raises OperatorError where it cannot.
        """
        self._root = root
        self._keep = keep
        self._book = Book(root)
        self._waiting_head: bytes | None = None
        self.realm: Realm = root.realm
        self.rules = RulesInForce(root, production=production)
        self.head: Head | None = None
        self.head_hash = bytes(32)
        """What names the head in use; zeros where there is none."""
        self.cards: Mapping[str, Card] = {}
        self.epochs = Epochs()
        """The epochs of the child-reference key that are announced."""
        self._references: Sequence[Reference] = ()
        self._units: dict[str, Unit] = {}
        self._keys: dict[Kid, Known] = {}
        self._to_seal: dict[tuple[str, str, str], list[Known]] = {}

    # learning

    @property
    def version(self) -> int:
        """The version of the head in use; 0 where there is none."""
        return self.head.version if self.head else 0

    @property
    def records(self) -> dict[str, bytes]:
        """Every verified record that was read, by name: what the next head should name."""
        return self._book.verified()

    def learn(self, value: bytes, now: int) -> str:
        """Verify a record at `now` (ms) and return its name. It is in use once a head that names it was taken.

        Raises:
            FormatError: no record of the directory.
            TrustError: not signed by whom it must be; or a head that is old, expired, or another beside the last one.
            OperatorError: a snapshot cannot be kept, or rules that cannot hold.
        """
        if is_framed(SIGNED_HEAD, value):
            self._check_head(value, now)
            self._waiting_head = value
            name = HEAD_NAME
        else:
            name = self._book.learn(value)
        if self._waiting_head is not None:
            self._take_head(self._waiting_head, now)
        return name

    def read_key(self, value: bytes) -> Known:
        """Verify a signed key card, perhaps with a revocation, against the cards in use; nothing is kept.

        Raises:
            FormatError: no key card.
            TrustError: not signed by its party's root key, or of a key that the party may not have.
        """
        return self._book.read_key(value)

    def restore(self, values: Iterable[bytes]) -> None:
        """Take a snapshot that was kept here before, however old it is; does nothing with an empty one.

        Raises:
            FormatError, TrustError: it is not whole, or not of this realm.
        """
        head = None
        for value in values:
            if is_framed(SIGNED_HEAD, value):
                head = value
            else:
                self._book.learn(value)
        if head is None:
            return
        known, _ = self._read_head(head)
        if not self._fits(known):
            raise TrustError("HEAD_UNFIT", "the kept directory is not what its head names")
        self._use(known)  # rules that do not hold here were told when they were taken

    def _read_head(self, value: bytes) -> tuple[Head, Kid]:
        signed = unframe(SIGNED_HEAD, value)
        if signed["v"] != 1:
            raise FormatError("FORMAT_VERSION", f"version {signed['v']} is not read here, only 1")
        head = Head.decode(signed["head"])
        if head.agreement != self._root.agreement:
            raise TrustError("AGREEMENT", "the head is another agreement's")
        return head, Kid(signed["kid"])

    def _check_head(self, value: bytes, now: int) -> None:
        """Compare a head with the last one and with the clock; its signature waits for its key's card."""
        head, _ = self._read_head(value)
        last = self.head
        if last is not None:
            if head.version < last.version:
                raise TrustError("HEAD_ROLLBACK", "the head is older than the last one")
            follows = head.version == last.version + 1
            if (head.version == last.version and head != last) or (follows and head.previous != self.head_hash):
                raise TrustError("HEAD_FORK", "there are two heads for one version")
        if now >= head.expires:
            raise TrustError("HEAD_EXPIRED", "the head's day is over", retriable=True)
        if head.issued > now + _SKEW_MS:
            raise TrustError("HEAD_FUTURE", "the head was made in the future, or this clock is late", retriable=True)

    def _take_head(self, value: bytes, now: int) -> None:
        head, kid = self._read_head(value)
        if head == self.head:
            self._waiting_head = None
            return
        if not self._fits(head):
            return  # a record is still on its way, or a newer head is
        known = self._book.keys().get(kid)
        self._waiting_head = None
        if known is None or known.party != HUB or known.card.purpose != Purpose.DIRECTORY_HEAD:
            raise TrustError("HEAD_KEY", "the head is not signed by the directory's head key")
        known.check(now)
        assert isinstance(known.key, VerifyKey)
        known.key.verify("head", head.encode(), unframe(SIGNED_HEAD, value)["sig"])
        if head.suite > SUITE:
            raise TrustError("SUITE", f"the agreement accepts suite {head.suite} and higher; this program has {SUITE}")
        self._check_head(value, now)  # again: meanwhile another may have been taken
        self._keep([*self._book.verified().values(), value])
        if trouble := self._use(head):
            raise trouble

    def _fits(self, head: Head) -> bool:
        return len(self._book) == head.count and root_of(self.realm, self._book.verified()) == head.root

    def _use(self, head: Head) -> OperatorError | None:
        """Answer from this head on; return why rules that it names are not in force here, if they are not."""
        units = self._book.units()
        keys = {kid: known for kid, known in self._book.keys().items() if known.card.suite >= head.suite}
        to_seal: dict[tuple[str, str, str], list[Known]] = {}
        for known in sorted(keys.values(), key=lambda each: -each.card.not_before):
            to_seal.setdefault((known.party, known.card.purpose, known.card.unit), []).append(known)
        trouble: OperatorError | None = None
        for rules in self._book.rules():
            try:
                self.rules.take(rules)
            except OperatorError as error:  # signed and counted, and never in force here
                trouble = error
        self.cards, self._units, self._keys, self._to_seal = self._book.cards(), units, keys, to_seal
        self._references = self._book.references()
        self.epochs = Epochs.of(self._references)
        self.head, self.head_hash = head, hash_of(head)
        self._waiting_head = None
        return trouble

    # asking

    def check_fresh(self, now: int) -> None:
        """Check that the directory is not so old that a revocation could have been missed for days.

        Raises:
            OperatorError: there is none (`DIRECTORY_EMPTY`), or its head is over 72 hours old (`DIRECTORY_STALE`).
        """
        if self.head is None:
            raise OperatorError("DIRECTORY_EMPTY", "no head of the directory was read yet", "is the hub up?")
        if now - self.head.issued > STALE_MS:
            raise OperatorError(
                "DIRECTORY_STALE",
                f"the directory's head is {(now - self.head.issued) // 3_600_000} hours old: nothing is decided on it",
                "is the hub up, and is this clock right? a frozen directory hides what was revoked",
            )

    def unit(self, unit: str) -> Unit:
        """Return a unit, a retired one too.

        Raises:
            RefusedError: no card names it.
        """
        if found := self._units.get(unit):
            return found
        raise RefusedError("UNIT_UNKNOWN", "no card names this unit")

    def find_unit(self, unit: str) -> Unit | None:
        """Return a unit, or None where no card names it."""
        return self._units.get(unit)

    @property
    def units(self) -> tuple[Unit, ...]:
        """All units, by id, retired ones too."""
        return tuple(sorted(self._units.values(), key=lambda unit: unit.id))

    @property
    def keys(self) -> Mapping[Kid, Known]:
        """All keys by kid, whatever their time and revocation."""
        return self._keys

    def references(self, party: str) -> Sequence[Reference]:
        """Return the child-reference keys of a party, sealed, by epoch."""
        return [each for each in self._references if each.party == party]

    def known(self, kid: bytes) -> Known:
        """Return a key whatever its time and revocation.

        Raises:
            TrustError: no card names it.
        """
        if (found := self._keys.get(Kid(kid))) is None:
            raise TrustError("KEY_UNKNOWN", "no card names the key")
        return found

    def key(self, kid: bytes, purpose: Purpose, now: int) -> Known:
        """Return a key that is good for `purpose` at `now`.

        Raises:
            TrustError: no card names it, it has another purpose, it is revoked, or it is outside its time.
        """
        found = self._keys.get(Kid(kid))
        if found is None:
            raise TrustError("KEY_UNKNOWN", f"no card names the {purpose} key")
        if found.card.purpose != purpose:
            raise TrustError("KEY_PURPOSE", f"a {found.card.purpose} key was used as {purpose}")
        found.check(now)
        return found

    def verify_key(self, kid: bytes, purpose: Purpose, now: int) -> tuple[str, VerifyKey]:
        """Return (party, key) of a signing key that is good at `now`.

        Raises:
            TrustError: as in `key`.
        """
        found = self.key(kid, purpose, now)
        assert isinstance(found.key, VerifyKey)
        return found.party, found.key

    def stamp_key(self, kid: bytes, now: int) -> tuple[VerifyKey, int | None]:
        """Return the gate's stamp key that signed something at `now`, and when it was taken back as stolen, if it was.

        What it signed counts then only where the log had it before: in a checkpoint that was witnessed earlier.

        Raises:
            TrustError: as in `key`; not the gate's (`STAMP_KEY`).
        """
        found = self.key(kid, Purpose.GATE_STAMP, now)
        if found.party != HUB:
            raise TrustError("STAMP_KEY", "a stamp must be the gate's")
        assert isinstance(found.key, VerifyKey)
        taken_back = found.revocation
        stolen = taken_back is not None and taken_back.reason is Reason.STOLEN
        return found.key, taken_back.at if taken_back is not None and stolen else None

    def newest(self, kids: Iterable[Kid], now: int) -> Kid:
        """Return which of one's own keys is the one to sign with: the newest that is good.

        Raises:
            TrustError: the directory knows none of them as good (`KEY_MISSING`).
        """
        known = [self._keys[kid] for kid in kids if kid in self._keys]
        good = [each for each in known if each.is_good(now)]
        if not good:
            code = "KEY_REVOKED" if any(each.revocation for each in known) else "KEY_MISSING"
            raise TrustError(code, "the directory has no card of ours that is good now for this key", retriable=True)
        return max(good, key=lambda each: each.card.not_before).kid

    def seal_key(self, party: str, purpose: Purpose, now: int, unit: str = "") -> SealKey:
        """Return the newest key to seal to for a party, or for one of its units.

        Raises:
            TrustError: it has none that is good at `now`.
        """
        for known in self._to_seal.get((party, purpose, unit), ()):
            if known.is_good(now):
                assert isinstance(known.key, SealKey)
                return known.key
        raise TrustError("KEY_MISSING", f"party `{party}` has no {purpose} key that is good now", retriable=True)

    def content_key_of(self, kid: bytes, unit: Unit, now: int) -> None:
        """Check that `kid` is a content key of `unit`, current or in overlap.

        Raises:
            TrustError: another unit's, unknown, revoked, or outside its time.
        """
        found = self._keys.get(Kid(kid))
        if found is None or found.party != unit.party or found.card.unit != unit.id:
            raise TrustError("RECIPIENT_KEY", "the content is sealed to a key that is not the recipient unit's")
        if found.card.purpose not in (Purpose.UNIT_CONTENT, Purpose.UNIT_REPORTER):
            raise TrustError("KEY_PURPOSE", "the content is sealed to a key that is not for content")
        found.check(now)
