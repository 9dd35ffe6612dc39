"""The agreement's authority on one machine: founds a hub, adds parties, signs their cards.

    home/
      hub.toml                     what `hub up` runs
      authority/                   root keys, child-reference key, TLS authority: offline in a real deployment
      hub/keys  hub/tls            the gate's keys, the month keys of the audit records (`keys/audit`), certificates
      hub/directory                every signed card, key card and version of the rules, and the head over them
      hub/log-tiles                the log, as any static web server may publish it; `hub/sequencer` is its journal
      hub/records                  every audit record, as long as the law asks for it, sealed
      hub/kafka  hub/log  hub/run  the embedded Kafka's data, logs, who runs
      parties/<party>/             what a party carries home: connector.toml, root.json, keys, certificate

The hub has no copy of the child-reference key; only `authority/` and the parties have it. `add_party` makes a party's
keys on this machine, for a hub of one's own; a party elsewhere makes its own (`samband join`).
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from samband.schemas.agreement import parse as parse_terms
from samband.schemas.card import Card
from samband.schemas.errors import InputError, OperatorError, TrustError
from samband.schemas.key_card import Reason, Revocation
from samband.schemas.reference_key import FIRST_EPOCH
from samband.schemas.rulebook import parse, shipped_text
from samband.schemas.signed_rules import Rules
from samband.schemas.units import PartyId, Unit
from samband.streams.audit import AuditKeys
from samband.streams.certificates import Credential, issue, make_authority
from samband.streams.crypto.keys import Kid, OpenKey, Purpose, SignKey, realm_of
from samband.streams.directory import HUB, Directory
from samband.streams.directory_records import key_name, revoke, sign_card, sign_key
from samband.streams.keyfile import KeyFolder
from samband.streams.periods import PERIODS
from samband.streams.publication import Publication
from samband.streams.references import NOTICE_MS, seal_reference, sign_reference
from samband.streams.root import Root
from samband.streams.roster import check_change
from samband.streams.rules import RulesInForce, sign_rules
from samband.streams.settings import KafkaSettings, load
from samband.streams.topics import RESERVED

__all__ = ["EMBEDDED", "PRINCIPALS", "Home", "HubSettings", "KafkaChoice", "check_name", "key_cards"]

EMBEDDED: Final = "embedded"
PRINCIPALS: Final = (HUB, "gate", "derived", "log", "records", "registrar")
"""Who the hub's own processes are to Kafka, each with a certificate of its own."""

_REFERENCE: Final = "reference-"
_PARTY: Final = re.compile(r"(?=.{2,40}$)[a-z0-9](-?[a-z0-9])*", re.ASCII)
_HOST: Final = "127.0.0.1"
_OWN_KEYS: Final = (Purpose.GATE_HOP, Purpose.GATE_STAMP, Purpose.DIRECTORY_HEAD, Purpose.LOG)
"""What the hub's own party has from the beginning."""


def workers_here() -> int:
    """Return how many gate workers a new hub on this machine runs.

    Two, so that they use two cores, and one carries on while the other starts again; one where there is one core.
    """
    return min(2, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class KafkaChoice:
    """Which Kafka: the embedded one on a loopback port, or any cluster by `bootstrap`.

    `tls` is a folder with one of each of `PRINCIPALS`, each with `ca.pem`, `client.pem` and `client.key`; without it
    the hub's own certificates are used.
    """

    bootstrap: str = EMBEDDED
    port: int = 0
    tls: Path | None = None
    replication: int = 1


@dataclass(frozen=True, slots=True)
class LogChoice:
    """When a checkpoint of the log is witnessed.

    `witnesses` of the parties have cosigned it; at least one of another organisation than `operator`, where that is
    named. Checkpoints are put to the witnesses at most every `witness_minutes`.
    """

    witnesses: int = 1
    operator: str = ""
    witness_minutes: float = 5.0


@dataclass(frozen=True, slots=True)
class ConsoleChoice:
    """Where the console's index lies: a file of SQLite, or the PostgreSQL that `postgres` names.

    `postgres` is a file of its own with a libpq URI on one line, because the URI may hold a password.
    """

    postgres: Path | None = None


@dataclass(frozen=True, slots=True)
class HubSettings:
    """`hub.toml`."""

    gate_workers: int = 1
    console: ConsoleChoice = field(default_factory=ConsoleChoice)
    kafka: KafkaChoice = field(default_factory=KafkaChoice)
    log: LogChoice = field(default_factory=LogChoice)


class Home:
    """A hub's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.authority = path / "authority"
        self.hub = path / "hub"
        self.parties = path / "parties"

    @property
    def exists(self) -> bool:
        """Say whether a hub was founded here."""
        return (self.path / "hub.toml").exists()

    @property
    def settings(self) -> HubSettings:
        """What `hub up` runs.

        Raises:
            OperatorError: no hub here, or a setting that is not known.
        """
        if not self.exists:
            raise OperatorError("HUB_MISSING", f"there is no hub in `{self.path}`", "samband hub up founds one")
        return load(self.path / "hub.toml", HubSettings)

    @property
    def root(self) -> Root:
        """The root metadata."""
        return Root.read(self.hub / "root.json")

    @property
    def hub_keys(self) -> KeyFolder:
        """The gate's keys and the hub store secret."""
        return KeyFolder(self.hub / "keys", self.root.realm)

    @property
    def audit_keys(self) -> AuditKeys:
        """The month keys of audit records and of what is kept of them."""
        return AuditKeys(KeyFolder(self.hub / "keys" / "audit", self.root.realm))

    def found(
        self,
        agreement: str,
        *,
        now: datetime,
        environment: str = "test",
        shards: int = 4,
        workers: int = 1,
        port: int = 0,
        terms: str = "",
        roots: int = 1,
        threshold: int = 1,
    ) -> None:
        """Found a hub: root keys, reference key, gate keys, certificates and the hub's card.

        `threshold` of the `roots` root keys must sign whatever the authority says.

        Raises:
            OperatorError: there is one already, or the folder cannot be written.
        """
        if self.exists:
            raise OperatorError("HUB_EXISTS", f"there is a hub in `{self.path}` already")
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise OperatorError("HOME_WRITE", f"`{self.path}` cannot be written: {error.strerror}") from error
        # The root keys are made first without a realm, since the realm is the hash of their metadata.
        seeds = [os.urandom(32) for _ in range(roots)]
        public = [SignKey(realm_of(b""), Purpose.ROOT, seed).public for seed in seeds]
        created = now.isoformat(timespec="seconds")
        data = Root.compose(agreement, environment, shards, public, created, threshold=threshold)
        root = Root.parse(data)
        self.hub.mkdir(mode=0o700)
        (self.hub / "root.json").write_bytes(data)
        authority = KeyFolder(self.authority, root.realm)
        for number, seed in enumerate(seeds, 1):
            authority.make_secret(f"root-{number}", seed)
        authority.make_secret(f"{_REFERENCE}{FIRST_EPOCH}")
        hub = KeyFolder(self.hub / "keys", root.realm)
        party_root = hub.make(Purpose.PARTY_ROOT)
        assert isinstance(party_root, SignKey)
        keys = [hub.make(purpose) for purpose in _OWN_KEYS]
        hub.make_secret("store")
        tls = make_authority(self.authority / "tls")
        issue(tls, "broker", self.hub / "tls" / "broker", hosts=("localhost", _HOST))
        for principal in PRINCIPALS:
            issue(tls, principal, self.hub / "tls" / principal)
        self.publish_card(self._card(PartyId(HUB), "Samband", "", (), party_root))
        self.publication.add(*key_cards(party_root, HUB, [(key, "") for key in keys], _ms(now)))
        self.publish_rules(shipped_text(), terms=terms, now=now)
        kafka = f'[kafka]\nbootstrap = "{EMBEDDED}"\nport = {port or _free_port()}\n'
        (self.path / "hub.toml").write_text(f"gate_workers = {workers}\n\n{kafka}", "utf-8")

    def add_party(
        self, party: str, name: str, organisation: str, units: Sequence[Unit], *, now: datetime, extra: str = ""
    ) -> Path:
        """Add a party: keys, certificate, signed card and `connector.toml`; return its folder.

        `extra` is TOML appended to `connector.toml`: the units' adapters.

        Raises:
            InputError: a name that cannot be one.
            OperatorError: there is such a party already, or the folder cannot be written.
        """
        check_name(party)
        if not units or any(unit.party != party for unit in units):
            raise InputError("PARTY_UNITS", "a party has at least one unit, and only its own")
        folder = self.parties / party
        if folder.exists():
            raise OperatorError("PARTY_EXISTS", f"there is a party `{party}` already")
        root = self.root
        self.parties.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700)
        keys = KeyFolder(folder / "keys", root.realm)
        party_root = keys.make(Purpose.PARTY_ROOT)
        assert isinstance(party_root, SignKey)
        made: list[tuple[OpenKey | SignKey, str]] = [
            (keys.make(Purpose.PARTY_SIGN), ""),
            (keys.make(Purpose.PARTY_HOP), ""),
            (keys.make(Purpose.PARTY_WITNESS), ""),
            *((keys.make(Purpose.UNIT_CONTENT, unit.id), unit.id) for unit in units),
        ]
        keys.make_secret("store")
        for e, secret in self.references().items():
            keys.make_secret(f"{_REFERENCE}{e}", secret)
        issue(make_authority(self.authority / "tls"), party, folder / "tls")
        (folder / "root.json").write_bytes(root.data)
        self.publish_card(self._card(PartyId(party), name, organisation, tuple(units), party_root))
        self.publication.add(*key_cards(party_root, party, made, _ms(now)))
        text = (
            f'party = "{party}"\nprotected = "hold"\n\n'
            f'[kafka]\nbootstrap = "{self.bootstrap}"\nca = "tls/ca.pem"\n'
            # Both in one file, so that a renewal replaces them as one.
            f'certificate = "tls/keystore.pem"\nkey = "tls/keystore.pem"\n{extra}'
        )
        (folder / "connector.toml").touch(mode=0o600)
        (folder / "connector.toml").write_text(text, "utf-8")
        return folder

    def issue_missing(self) -> None:
        """Make the certificates of principals that this hub has none of yet, where its TLS authority is here."""
        if self.settings.kafka.tls is None and (self.authority / "tls").exists():
            tls = make_authority(self.authority / "tls")
            for principal in PRINCIPALS:
                if not (self.hub / "tls" / principal / "client.pem").exists():
                    issue(tls, principal, self.hub / "tls" / principal)

    @property
    def bootstrap(self) -> str:
        """Where Kafka is."""
        kafka = self.settings.kafka
        return f"{_HOST}:{kafka.port}" if kafka.bootstrap == EMBEDDED else kafka.bootstrap

    def kafka(self, principal: str) -> KafkaSettings:
        """Return how one of the hub's principals (`PRINCIPALS`) reaches Kafka."""
        if (given := self.settings.kafka.tls) is not None:
            tls = given / principal
            return KafkaSettings(self.bootstrap, tls / "ca.pem", tls / "client.pem", tls / "client.key")
        own = self.credential(principal)
        return KafkaSettings(self.bootstrap, own.ca, own.keystore, own.keystore)

    def credential(self, principal: str) -> Credential:
        """Return the TLS files of one of the hub's principals."""
        tls = self.hub / "tls" / principal
        return Credential(tls / "ca.pem", tls / "client.pem", tls / "client.key", tls / "keystore.pem")

    def publish_rules(
        self, rulebook: str, *, terms: str = "", now: datetime, effective_from: datetime | None = None
    ) -> int:
        """Sign a rulebook with the agreement's terms as the next version, to hold from a time, and return its number.

        Raises:
            OperatorError: it does not parse, or begins in the past.
        """
        parse(rulebook)
        if terms:
            parse_terms(terms)
        begins = effective_from or now
        if begins < now:
            raise OperatorError("RULES_TIME", "rules begin now or later; the past was decided by others")
        number = len(self.rules()) + 1
        rules = Rules(number=number, effective_from=_ms(begins), rulebook=rulebook, terms=terms)
        self.publication.add(sign_rules(self.root_keys(), rules))
        return number

    def rules(self) -> dict[str, bytes]:
        """Return every signed version of the rules by name, as Kafka values."""
        return {name: value for name, value in self.records().items() if name.startswith("rules-")}

    def check_rules(self, now: datetime) -> None:
        """Check that the gate has rules that it may decide by.

        Raises:
            OperatorError: no version has begun, or in production one has a permitting row that nobody verified.
        """
        root = self.root
        known = RulesInForce(root, production=root.production)
        for value in self.rules().values():
            known.learn(value)
        if known.at(int(now.timestamp() * 1000)) is None:
            raise OperatorError("RULES_MISSING", "no rules are in force", "samband rules publish FILE")

    @property
    def publication(self) -> Publication:
        """The signed records of the directory."""
        return Publication(self.hub / "directory", self.root)

    def records(self) -> dict[str, bytes]:
        """Return every signed record of the directory by name, as Kafka values; without head."""
        return self.publication.records()

    def published(self, now: int) -> dict[str, bytes]:
        """Return what everybody reads from the directory topic at `now` (ms): every record by name, the head last."""
        return self.publication.current(now, self._head_key)

    def _head_key(self) -> SignKey:
        return self.hub_keys.sign_key(Purpose.DIRECTORY_HEAD)

    def directory(self, now: int) -> Directory:
        """Return the directory as the hub publishes it at `now` (ms).

        Raises:
            OperatorError: a record cannot be read, or rules cannot hold.
        """
        directory = Directory(self.root)
        directory.restore(self.published(now).values())
        return directory

    def root_keys(self) -> list[SignKey]:
        """Return the root keys that are on this machine.

        Raises:
            OperatorError: fewer than must sign (`ROOT_KEYS`).
        """
        root, folder = self.root, KeyFolder(self.authority, self.root.realm)
        keys = [SignKey(root.realm, Purpose.ROOT, secret) for secret in folder.secrets("root-")]
        if len(keys) < root.threshold:
            raise OperatorError(
                "ROOT_KEYS",
                f"{root.threshold} root keys must sign and {len(keys)} are here",
                f"bring the others to {self.authority} for this one act, then take them away again",
            )
        return keys

    def publish_card(self, card: Card) -> None:
        """Sign a party card as the authority and keep it for publication.

        Raises:
            InputError: it drops a unit or changes its kind, or a covering unit cannot cover (`check_change`).
            OperatorError: too few root keys are here.
            TrustError: a unit stands on another party's card.
        """
        cards = self.cards()
        check_change(cards.get(card.party), card, cards)
        self.publication.add(sign_card(self.root_keys(), card))

    def revoke_key(self, kid: Kid, reason: Reason, at: int) -> None:
        """Take a party's key back as the authority, from `at` (ms) on.

        Raises:
            InputError: no card names the key.
            OperatorError: too few root keys are here.
        """
        name, known = key_name(kid), self.publication.book().keys().get(kid)
        if known is None:
            raise InputError("KEY_UNKNOWN", "no card names the key", "samband keys list --all")
        word = Revocation(revoked=kid, party=known.party, at=at, reason=reason)
        self.publication.add(revoke(self.records()[name], word, self.root_keys()))

    def references(self) -> dict[int, bytes]:
        """Return the child-reference keys by epoch: what a party that joins must get."""
        return KeyFolder(self.authority, self.root.realm).numbered(_REFERENCE)

    def rotate_reference(self, now: int, effective_from: int = 0) -> tuple[int, list[str]]:
        """Make the next child-reference key and seal it to each party; return (epoch, parties that got it).

        `effective_from` (ms): from when messages go under it; 0: `NOTICE_MS` from now.

        Raises:
            InputError: it begins in the past, or before an epoch that was announced (`REFERENCE_TIME`).
            OperatorError: too few root keys are here, or the folder cannot be written.
        """
        epochs = self.directory(now).epochs
        begins, e = effective_from or now + NOTICE_MS, epochs.newest + 1
        if begins < now or begins <= max(epochs.begins.values()):
            raise InputError("REFERENCE_TIME", "the next epoch begins now or later, and after every other one")
        roots, folder = self.root_keys(), KeyFolder(self.authority, self.root.realm)
        secret = self.references().get(e)  # made by an attempt that did not come to its end
        return e, self._seal_reference(e, secret or folder.make_secret(f"{_REFERENCE}{e}"), begins, now, roots)

    def share_reference(self, now: int) -> tuple[int, list[str]]:
        """Seal the newest child-reference key again, to each party's hop key of now; return as `rotate_reference`.

        For a party that has joined since, or that has lost the hop key that it was sealed to.

        Raises:
            InputError: it was never rotated (`REFERENCE_FIRST`).
            OperatorError: too few root keys are here.
        """
        epochs = self.directory(now).epochs
        e = epochs.newest
        if e == FIRST_EPOCH:
            raise InputError("REFERENCE_FIRST", "the child-reference key was never rotated")
        return e, self._seal_reference(e, self.references()[e], epochs.begins[e], now, self.root_keys())

    def _seal_reference(self, e: int, secret: bytes, begins: int, now: int, roots: Sequence[SignKey]) -> list[str]:
        directory, agreement = self.directory(now), self.root.agreement
        values, parties = [], []
        for party in self.party_names():
            try:
                hop = directory.seal_key(party, Purpose.PARTY_HOP, now)
            except TrustError:  # it has no key that is good: `share_reference` when it has
                continue
            record = seal_reference(
                hop, secret, agreement=agreement, party=party, e=e, effective_from=begins, issued=now
            )
            values.append(sign_reference(roots, record))
            parties.append(party)
        self.publication.add(*values)
        return parties

    def card(self, party: str) -> Card:
        """Return a party's card.

        Raises:
            InputError: there is no such party.
        """
        found = self.cards().get(party)
        if found is None:
            raise InputError("PARTY_UNKNOWN", f"there is no party `{party}`", "samband party list")
        return found

    def change_card(self, party: str, **changes: object) -> Card:
        """Sign a party's card anew with some fields changed, as its next version, and return it.

        Raises:
            InputError: there is no such party.
        """
        card = self.card(party)
        changed = replace(card, version=card.version + 1, **changes)  # type: ignore[arg-type]
        self.publish_card(changed)
        return changed

    def cards(self) -> dict[str, Card]:
        """Return the party cards by party, the hub's own too."""
        book = self.publication.book()
        return dict(sorted(book.cards().items()))

    def party_names(self) -> list[str]:
        """Return the parties that are not retired, sorted."""
        return [party for party, card in self.cards().items() if party != HUB and not card.retired]

    def _card(self, party: PartyId, name: str, organisation: str, units: tuple[Unit, ...], party_root: SignKey) -> Card:
        root = self.root
        return Card(
            party=party,
            version=1,
            name=name,
            organisation=organisation,
            agreement=root.agreement,
            environment=root.environment,
            root=party_root.public,
            units=units,
        )

    def write_run(self, fields: dict[str, object]) -> None:
        """Keep who runs (process ids), for `hub status` and `hub down`."""
        (self.hub / "run").mkdir(exist_ok=True)
        path = self.hub / "run" / "hub.json"
        path.with_suffix(".new").write_text(json.dumps(fields), "utf-8")
        path.with_suffix(".new").replace(path)

    def read_run(self) -> dict[str, object] | None:
        """Return who runs, or None where nobody does."""
        try:
            fields: dict[str, object] = json.loads((self.hub / "run" / "hub.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return fields

    def clear_run(self) -> None:
        """Forget who ran."""
        (self.hub / "run" / "hub.json").unlink(missing_ok=True)


def check_name(party: str) -> None:
    """Check that a text can name a party.

    Raises:
        InputError: it cannot (`PARTY_NAME`).
    """
    if not _PARTY.fullmatch(party) or party in RESERVED | set(PRINCIPALS):
        raise InputError("PARTY_NAME", f"`{party}` cannot name a party", "2–40 of a–z, 0–9 and single hyphens")


def key_cards(party_root: SignKey, party: str, keys: Iterable[tuple[OpenKey | SignKey, str]], now: int) -> list[bytes]:
    """Return the signed cards of new keys, each with its unit, that begin at `now` (ms)."""
    return [sign_key(party_root, PERIODS[key.purpose].card(key, party, unit, now)) for key, unit in keys]


def _ms(now: datetime) -> int:
    return int(now.timestamp() * 1000)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port
