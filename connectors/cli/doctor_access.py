"""What `samband doctor` asks about certificates and rights: do they hold, and is the cluster as it should be.

Kafka hangs up on a certificate that has ended and says nothing; a revoked one gets in and is then nobody. Both look
like a network that is down, so both are told here by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from samband.connectors.cli.doctor_trust import FAIL, OK, WARN, Check
from samband.schemas.errors import OperatorError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from samband.connectors.party import Party
    from samband.streams.authority import Home

__all__ = ["hub_checks", "party_checks"]

_RENEW: Final = "samband party certificate renew"


def hub_checks(home: Home, *, reached: bool) -> Iterator[Check]:
    """Check the parties' certificates that are here, the broker's, and what the cluster gives to whom."""
    from samband.streams.renewal import folder_of, is_due, principals_of
    from samband.streams.topics import BROKER

    now, principals = datetime.now(UTC), principals_of(home)
    renews = (home.authority / "tls" / "ca.key").exists()
    for principal in (BROKER, *home.party_names()):
        if (folder := folder_of(home, principal)) is None:
            continue
        path = folder / "keystore.pem"
        if (ended := _ended(path, now)) is not None:
            yield Check(f"certificate {principal}", FAIL, ended, f"{_RENEW} {principal}")
        elif is_due(path, principals.current(principal), now):
            way_out = "a running hub renews it within the hour" if renews else "bring the authority's key, then renew"
            yield Check(f"certificate {principal}", WARN, "a third of its life is left, or less", way_out)
    if not reached:
        return
    try:
        yield from _cluster(home, now)
    except OperatorError as error:
        yield Check("rights", FAIL, f"{error.message} [{error.code}]", error.hint)


def party_checks(party: Party, *, reached: bool) -> Iterator[Check]:
    """Check that the party's certificate has not ended, and that its name has the rights of a party."""
    kafka = party.settings.kafka
    if (ended := _ended(kafka.certificate, datetime.now(UTC))) is not None:
        yield Check("rights", FAIL, ended, f"at the hub: {_RENEW} {party.name}")
    elif reached:
        yield _rights(party)


def _cluster(home: Home, now: datetime) -> Iterator[Check]:
    from samband.streams.access import look
    from samband.streams.provision import wanted

    change = look(home.kafka("hub"), wanted(home, now)).change
    told = "not as the topic table says" if change else "as the topic table says"
    yield Check("rights", WARN if change else OK, told, "samband topics diff" if change else "")
    if change.foreign:
        who = ", ".join(sorted({right.principal for right in change.foreign}))
        yield Check("rights of others", WARN, f"on Samband's topics: {who}", "take them away if nobody knows why")


def _rights(party: Party) -> Check:
    from confluent_kafka import KafkaError, KafkaException, TopicCollection
    from confluent_kafka.admin import AdminClient

    from samband.streams.topics import inbox

    admin = AdminClient({**party.settings.kafka.confluent(), "log_level": 0})
    topic = inbox(party.name)
    try:
        admin.describe_topics(TopicCollection([topic]), request_timeout=8)[topic].result()
    except KafkaException as error:
        code = error.args[0].code()
        if code in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.UNKNOWN_TOPIC_OR_PART):
            name = _name(party.settings.kafka.certificate)
            return Check("rights", FAIL, f"`{name}` has none: its certificate was revoked, or the party has left",
                         "ask the hub's operator for the next certificate")  # fmt: skip
        return Check("rights", FAIL, "Kafka does not let this certificate in", "is it of this hub's authority?")
    return Check("rights", OK, "a party's")


def _ended(path: Path, now: datetime) -> str | None:
    """Return in words that a certificate has ended; None where it has not, or cannot be read."""
    certificate = _read(path)
    if certificate is None or now < certificate.not_valid_after_utc:
        return None
    return f"the certificate ended {certificate.not_valid_after_utc:%Y-%m-%d}: Kafka hangs up on it"


def _name(path: Path) -> str:
    certificate = _read(path)
    return certificate.subject.rfc4514_string().removeprefix("CN=") if certificate else "?"


def _read(path: Path) -> Certificate | None:
    from cryptography.x509 import load_pem_x509_certificate

    try:
        return load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None
