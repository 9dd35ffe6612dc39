"""A party as it stands on its own machine: settings, root, keys, store, and the cards that it has seen.

party = Party.load(Path("connector.toml"))

party = "skola"
protected = "hold"                        # or "deliver": hand over a marked child's content too

[retention]
transport_days = 30                       # after the terminal receipt
decision = "SN 2026/12 § 4"               # the disposal decision (gallringsbeslut); without one nothing is erased

[reserve]
after_minutes = 5                         # without the hub for so long, answers give a reserve number

[log]
cosign = true                             # be a witness of the log
witnesses = 1                             # cosignatures that a checkpoint needs to count as witnessed
operator = ""                             # whose own witnesses are not enough: an organisation number

[[handover]]
type = "placement.notice"
when = "logged"                           # handed over when its permit is in a witnessed checkpoint; else `stamped`

[kafka]
bootstrap = "127.0.0.1:19092"
ca = "tls/ca.pem"
certificate = "tls/client.pem"
key = "tls/client.key"

[[adapter]]
unit = "SE2120002080-SKOLA"
kind = "folder"                           # or "webhook" with `url` and `secret` (a file), or "desk"
path = "inbox"

[[drop]]                                  # files that are sent (`drop`)
path = "outbox"
unit = "SE2120002080-SKOLA"               # who speaks where a file does not say
after = "archive"                         # or "remove"

[rest]                                    # `docs/rest.md`: for units whose adapter is of kind "rest"
listen = "127.0.0.1:8460"

[desk]
port = 8650                               # `samband connect` serves the desk there; without it, `samband desk` does
settings = "desk.toml"                    # address and OpenID Connect; without it nobody can sign in there

[notice]                                  # `mail`: a unit at the desk is told by mail that something has come
"""

from __future__ import annotations

import contextlib
import logging
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeVar

from samband.connectors.adapter import Adapter
from samband.connectors.desk.adapter import DeskAdapter
from samband.connectors.drop import DropSettings
from samband.connectors.folder import FolderAdapter
from samband.connectors.mail import NoticeSettings
from samband.connectors.rest.settings import RestSettings
from samband.connectors.store import Store
from samband.connectors.webhook import WebhookAdapter
from samband.schemas.errors import InputError, OperatorError, SambandError, TrustError
from samband.schemas.reference_key import FIRST_EPOCH
from samband.schemas.units import Unit
from samband.streams.crypto.keys import Kid, OpenKey, Purpose, SignKey
from samband.streams.crypto.reference import child_ref
from samband.streams.directory import Directory
from samband.streams.keyfile import KeyFolder
from samband.streams.references import open_reference
from samband.streams.root import Root
from samband.streams.settings import KafkaSettings, load
from samband.streams.snapshot import opened

__all__ = ["AdapterSettings", "Party", "PartySettings", "RetentionSettings"]

Held = TypeVar("Held")

_REFERENCE: Final = "reference-"

log = logging.getLogger("samband.connector")


@dataclass(frozen=True, slots=True)
class AdapterSettings:
    """How a unit's messages are handed over."""

    unit: str
    kind: str
    path: Path | None = None
    url: str = ""
    secret: Path | None = None
    """One or several, one a line: each signs (`signing`)."""
    dead_letters: bool = True
    """Of a webhook: what it refuses for good waits for a person. False: the sender is told at once."""
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """How long the connector keeps its own copies of what was handed over."""

    transport_days: int = 30
    """After the terminal receipt, time to look at a hand-over that went wrong."""
    decision: str = ""
    """Reference of the disposal decision (gallringsbeslut); without one nothing is erased."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What this party does about the log, and whose word on it counts."""

    cosign: bool = True
    """Whether it is a witness."""
    witnesses: int = 1
    """How many cosignatures a checkpoint has before it counts as witnessed here."""
    operator: str = ""
    """The organisation that runs the hub: at least one of the witnesses is of another. Empty: not asked."""


@dataclass(frozen=True, slots=True)
class HandoverSettings:
    """When messages of a type are handed over."""

    type: str
    when: str
    """`stamped`: with the gate's permit. `logged`: when the permit is in a witnessed checkpoint, minutes later."""


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """Where the running connector serves the desk."""

    port: int
    settings: Path
    """`desk.toml`."""


@dataclass(frozen=True, slots=True)
class ReserveSettings:
    """The reserve routine (`reserve`)."""

    after_minutes: int = 5
    """How long the hub is not reached before that is said: a restart of Kafka takes a minute or two."""


@dataclass(frozen=True, slots=True)
class PartySettings:
    """`connector.toml`."""

    party: str
    kafka: KafkaSettings
    protected: str = "hold"
    retention: RetentionSettings = RetentionSettings()
    log: LogSettings = LogSettings()
    handover: tuple[HandoverSettings, ...] = ()
    adapter: tuple[AdapterSettings, ...] = ()
    rest: RestSettings | None = None
    desk: DeskSettings | None = None
    notice: NoticeSettings | None = None
    reserve: ReserveSettings = ReserveSettings()
    drop: tuple[DropSettings, ...] = ()


@dataclass(slots=True)
class Party:
    """Everything that a connector has, opened."""

    folder: Path
    settings: PartySettings
    root: Root
    directory: Directory
    keys: KeyFolder
    signs: dict[Kid, SignKey]
    hop: dict[Kid, OpenKey]
    content: dict[Kid, tuple[str, OpenKey]]
    references: dict[int, bytes]
    """Child-reference keys by epoch."""
    store: Store
    witness: dict[Kid, SignKey] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Party:
        """Open a party's files.

        Raises:
            OperatorError: a file is missing, readable by others, of another realm, or a setting is wrong.
        """
        settings = load(path, PartySettings)
        if settings.protected not in ("hold", "deliver"):
            raise OperatorError("SETTINGS_PROTECTED", "`protected` is `hold` or `deliver`")
        if settings.retention.transport_days < 1:
            raise OperatorError("SETTINGS_RETENTION", "`transport_days` is at least 1")
        if any(each.after not in ("archive", "remove") for each in settings.drop):
            raise OperatorError("SETTINGS_DROP", "`after` of a drop folder is `archive` or `remove`")
        if settings.reserve.after_minutes < 1:
            raise OperatorError("SETTINGS_RESERVE", "`after_minutes` of [reserve] is at least 1")
        if any(each.when not in ("stamped", "logged") for each in settings.handover):
            raise OperatorError("SETTINGS_HANDOVER", "`when` of a handover is `stamped` or `logged`")
        if settings.rest is not None:
            settings.rest.check()
        elif any(each.kind == "rest" for each in settings.adapter):
            raise OperatorError("SETTINGS_REST", "an adapter of kind `rest` needs the table `[rest]`")
        if settings.notice is not None:
            settings.notice.check(tuple(each.unit for each in settings.adapter if each.kind == "desk"))
        folder = path.resolve().parent
        root = Root.read(folder / "root.json")
        keys = KeyFolder(folder / "keys", root.realm)
        directory = opened(root, folder / "directory.snapshot")
        party = cls(
            folder=folder,
            settings=settings,
            root=root,
            directory=directory,
            keys=keys,
            signs={},
            hop={},
            content={},
            references={},
            store=Store(folder / "store.db", keys.secret("store")),
        )
        party.load_keys()
        if not party.references:
            keys.secret(f"{_REFERENCE}{FIRST_EPOCH}")  # says what is missing
        return party

    def load_keys(self) -> None:
        """Take the keys that lie in the folder now: another process may have made one, or destroyed one."""
        keys = self.keys
        _replace(self.signs, keys.sign_keys(Purpose.PARTY_SIGN))
        _replace(self.witness, keys.sign_keys(Purpose.PARTY_WITNESS))
        _replace(self.hop, {kid: key for kid, (_, key) in keys.open_keys(Purpose.PARTY_HOP).items()})
        _replace(self.content, keys.open_keys(Purpose.UNIT_CONTENT))
        self.references.update(keys.numbered(_REFERENCE))
        self._take_references()

    def _take_references(self) -> None:
        """Take the child-reference keys that the directory has for us and that are not here yet."""
        for record in self.directory.references(self.name):
            if record.e in self.references:
                continue
            try:
                known = self.directory.key(record.hop, Purpose.PARTY_HOP, record.issued)
                if known.party != self.name:
                    raise TrustError("REFERENCE_PARTY", "the child-reference key is sealed to another party's hop key")
                known.check_standing()
                secret = open_reference(record, self.name, self.hop)
            except TrustError as error:
                log.error("child-reference key not taken", extra={"code": error.code, "e": record.e})
                continue
            with contextlib.suppress(OperatorError):  # another process of ours was quicker
                self.keys.make_secret(f"{_REFERENCE}{record.e}", secret)
            self.references[record.e] = secret
            log.info("child-reference key taken", extra={"e": record.e})

    def epoch(self, now: int) -> int:
        """Return the newest epoch of the child-reference key that holds at `now` (ms) and whose key is here."""
        begins = self.directory.epochs.begins
        held = [e for e in self.references if begins.get(e, now + 1) <= now]
        return max(held, default=min(self.references))

    @property
    def name(self) -> str:
        """The party's id."""
        return self.settings.party

    def sign(self, now: int) -> SignKey:
        """Return the key to sign with at `now` (ms).

        Raises:
            TrustError: the directory knows none of ours as good.
        """
        return self.signs[self.directory.newest(self.signs, now)]

    @property
    def units(self) -> tuple[Unit, ...]:
        """The party's own units, as its card names them."""
        return tuple(unit for unit in self.directory.units if unit.party == self.name)

    def own_unit(self, unit: str = "") -> Unit:
        """Return one of the own units; the only one where none is named.

        Raises:
            InputError: not one of ours, or several to choose from.
            OperatorError: the directory was never read here.
        """
        own = self.units
        if not own:
            raise OperatorError(
                "DIRECTORY_EMPTY", "this party's card is not here yet", "samband connect CONFIG reads it"
            )
        for each in own:
            if each.id == unit or (not unit and len(own) == 1):
                return each
        raise InputError("UNIT_NOT_OWN", "name one of the party's own units", ", ".join(each.id for each in own))

    def ref(self, identifier: str, e: int) -> bytes:
        """Return a child's reference in this agreement, in an epoch whose key is here."""
        return child_ref(self.references[e], self.root.realm, self.root.agreement, e, identifier)

    def refs(self, identifier: str) -> dict[bytes, int]:
        """Return every reference that stands or stood for a child, each with its epoch, newest first."""
        return {self.ref(identifier, e): e for e in sorted(self.references, reverse=True)}

    def adapters(self) -> dict[str, Adapter]:
        """Make the adapters by unit; of kind `rest` there is none, since that far side fetches (`pickup`).

        Raises:
            OperatorError: a setting is missing or cannot be used.
        """
        return {each.unit: self._adapter(each) for each in self.settings.adapter if each.kind != "rest"}

    def _adapter(self, each: AdapterSettings) -> Adapter:
        match each.kind:
            case "desk":
                return DeskAdapter()
            case "folder" if each.path:
                return FolderAdapter(each.path)
            case "webhook" if each.url and each.secret:
                verify: ssl.SSLContext | Literal[True] = True
                try:
                    if each.ca:
                        verify = ssl.create_default_context(cafile=each.ca)
                    return WebhookAdapter(each.url, each.secret.read_text("utf-8").split(), verify=verify)
                except SambandError:
                    raise
                except OSError as error:
                    raise OperatorError(
                        "ADAPTER_FILES", f"a file of the webhook adapter cannot be read: {error}"
                    ) from error
        raise OperatorError(
            "ADAPTER_SETTINGS",
            f"the adapter of unit `{each.unit}` cannot be used",
            "kind = `folder` with `path`, `webhook` with `url` and `secret`, `rest`, or `desk`",
        )


def _replace(mine: dict[Kid, Held], there: dict[Kid, Held]) -> None:
    """Make a dictionary that others hold what another one is."""
    for kid in [kid for kid in mine if kid not in there]:
        del mine[kid]
    mine.update(there)
