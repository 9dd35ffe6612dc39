"""Certificates that renew themselves, as far as the authority's key and their folders are on this machine.

    renewed = renew_due(home, now)       names of what was renewed
    reload_broker(home.kafka("hub"))     the embedded Kafka takes its new certificate without a restart
    Renewal(home, print).look()          both, from a running hub, now and then

A certificate is renewed when less than a third of its life is left. Its name stays, and so do its rights; clients take
it at their next connection (`samband.streams.tls`). A revoked one is replaced at once by the next generation's name
(`samband.streams.principals`), for a party whose folder is here. A party on its own machine asks with
`certificates.make_request`. Certificates of another authority (`tls` in hub.toml) are that authority's to renew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource
from cryptography import x509

from samband.schemas.errors import OperatorError
from samband.streams.authority import EMBEDDED, PRINCIPALS, Home
from samband.streams.certificates import Authority, issue, open_authority
from samband.streams.principals import Principals
from samband.streams.settings import KafkaSettings
from samband.streams.topics import BROKER

__all__ = ["Renewal", "folder_of", "is_due", "principals_of", "reload_broker", "renew", "renew_due"]

LIFE_LEFT: Final = 1 / 3
"""A year's certificate is renewed after eight months: four are left for whatever kept it from being renewed."""
BROKER_HOSTS: Final = ("localhost", "127.0.0.1")
_LOOK_EVERY_S: Final = 3600.0
_LISTENERS: Final = ("clients", "controller")


def principals_of(home: Home) -> Principals:
    """Return which generation of each principal's certificates holds.

    Raises:
        OperatorError: `PRINCIPALS_FILE`.
    """
    return Principals.read(home.hub / "principals.json")


def folder_of(home: Home, principal: str) -> Path | None:
    """Return the TLS folder of a principal; None where it is not in this home, or another authority's."""
    if principal in (*PRINCIPALS, BROKER):
        kafka = home.settings.kafka
        if kafka.tls is not None or (principal == BROKER and kafka.bootstrap != EMBEDDED):
            return None
        folder = home.hub / "tls" / principal
    else:
        folder = home.parties / principal / "tls"
    return folder if folder.is_dir() else None


def is_due(certificate: Path, name: str, now: datetime) -> bool:
    """Tell whether a certificate must be renewed: little life left, another name than it should have, or unreadable."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError):
        return True
    life = found.not_valid_after_utc - found.not_valid_before_utc
    return found.not_valid_after_utc - now < life * LIFE_LEFT or found.subject.rfc4514_string() != f"CN={name}"


def renew(home: Home, principal: str, now: datetime | None = None) -> Path:
    """Issue a new certificate with a new key to a principal whose folder is here, and return the folder.

    Raises:
        OperatorError: `CERTIFICATE_FILES`: its folder or the authority's key is not here.
    """
    folder = folder_of(home, principal)
    if folder is None:
        raise OperatorError(
            "CERTIFICATE_FILES",
            f"the TLS folder of `{principal}` is not in this home",
            "a party on its own machine asks for its certificate from there",
        )
    _issue(home, open_authority(home.authority / "tls"), principal, folder, now)
    return folder


def renew_due(home: Home, now: datetime) -> list[str]:
    """Renew what is due here, and return the principals; none where the authority's key is elsewhere.

    Raises:
        OperatorError: `CERTIFICATE_FILES` for what the disk refuses, `PRINCIPALS_FILE`.
    """
    principals, renewed = principals_of(home), []
    due = [
        (principal, folder)
        for principal, folder in _here(home)
        if is_due(folder / "keystore.pem", principals.current(principal), now)
    ]
    if due and (home.authority / "tls" / "ca.key").exists():
        authority = open_authority(home.authority / "tls")
        for principal, folder in due:
            _issue(home, authority, principal, folder, now)
            renewed.append(principal)
    return renewed


def reload_broker(settings: KafkaSettings) -> None:
    """Let the embedded Kafka read its key store again, on both listeners, while it runs.

    A setting that names the same file makes it read it; taken back at once, so that the home may still move.

    Raises:
        OperatorError: `KAFKA_REFUSED`, when it refuses the certificate or does not answer.
    """
    admin = AdminClient({**settings.confluent(), "log_level": 0})
    store = settings.certificate.parent.parent / BROKER / "keystore.pem"
    try:
        for listener in _LISTENERS:
            name = f"listener.name.{listener}.ssl.keystore.location"
            for operation, value in ((AlterConfigOpType.SET, str(store.resolve())), (AlterConfigOpType.DELETE, None)):
                entry = ConfigEntry(name, value, incremental_operation=operation)
                change = ConfigResource(ConfigResource.Type.BROKER, "1", incremental_configs=[entry])
                for future in admin.incremental_alter_configs([change]).values():
                    future.result(30)
    except KafkaException as error:
        raise OperatorError(
            "KAFKA_REFUSED", "kafka did not take its renewed certificate", "samband hub down, then up"
        ) from error


class Renewal:
    """What a running hub does about certificates, now and then."""

    def __init__(self, home: Home, progress: Callable[[str], None], provision: Callable[[Home], None]) -> None:
        """Name it.

        Args:
            home: the hub's.
            progress: told what was renewed, a line at a time.
            provision: brings the cluster's rights to what they should be.
        """
        self._home = home
        self._progress = progress
        self._provision = provision
        self._again_at = time.monotonic() + _LOOK_EVERY_S
        self._looked_at = datetime.now(UTC)
        self._broker_waits = False

    def look(self, *, at_once: bool = False) -> None:
        """Renew what is due, at most once an hour; an error is told, and it is tried again the next time."""
        if time.monotonic() < self._again_at and not at_once:
            return
        self._again_at = time.monotonic() + _LOOK_EVERY_S
        try:
            self._look()
        except OperatorError as error:
            self._progress(f"certificates: {error}")

    def _look(self) -> None:
        now = datetime.now(UTC)
        renewed = renew_due(self._home, now)
        for principal in renewed:
            self._progress(f"renewed the certificate of {principal}")
        self._broker_waits |= BROKER in renewed
        if self._broker_waits:
            reload_broker(self._home.kafka("hub"))
            self._broker_waits = False
        since_ms, now_ms = (int(each.timestamp() * 1000) for each in (self._looked_at, now))
        if principals_of(self._home).has_ended(since_ms, now_ms):
            self._provision(self._home)
        self._looked_at = now


def _here(home: Home) -> Iterator[tuple[str, Path]]:
    """Yield the principals whose TLS folders are in this home."""
    for principal in (*PRINCIPALS, BROKER, *home.party_names()):
        if (folder := folder_of(home, principal)) is not None:
            yield principal, folder


def _issue(home: Home, authority: Authority, principal: str, folder: Path, now: datetime | None) -> None:
    hosts = BROKER_HOSTS if principal == BROKER else ()
    issue(authority, principals_of(home).current(principal), folder, hosts=hosts, now=now)
