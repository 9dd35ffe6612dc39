"""A small certificate authority for Kafka's mutual TLS: one key pair per party, for the wire only.

The certificate's common name is the Kafka principal: `CN=skola` becomes `User:skola` by `PRINCIPAL_RULES`, and the
access rights of `samband.streams.topics` name it. These keys open nothing and sign no message; those keys are
`samband.streams.crypto`'s and never meet these.

    authority = make_authority(home / "ca")
    credential = issue(authority, "skola", home / "skola" / "tls")

Invariants: ECDSA P-256; a common name is exactly one lower-case identifier, so that no name can be read as two; private
keys are PKCS#8 with mode 0600, written before anything can read them; nothing is overwritten, except by asking anew.
A real deployment brings certificates of its own authority instead, with the same common names.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from samband.schemas.errors import OperatorError

__all__ = ["PRINCIPAL_RULES", "Authority", "Credential", "issue", "make_authority", "open_authority"]

# Kafka's `ssl.principal.mapping.rules`. No DEFAULT after it: a subject of another form is refused, not guessed at.
PRINCIPAL_RULES = "RULE:^CN=([a-z0-9][a-z0-9.-]*)$/$1/"
COMMON_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}", re.ASCII)

AUTHORITY_DAYS = 3650  # a test hub's own root; a real one has its own
CERTIFICATE_DAYS = 365
CLOCK_SKEW = datetime.timedelta(minutes=5)  # a peer whose clock is a little late must not refuse a new certificate


@dataclass(frozen=True, slots=True)
class Credential:
    """Where one principal's TLS files are: PEM, `key` and `keystore` with mode 0600.

    `keystore` is key and certificate in one file, as Kafka's own PEM key stores want it.
    """

    ca: Path
    certificate: Path
    key: Path
    keystore: Path


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority on disk: its certificate is public, its key issues principals."""

    certificate: Path
    key: Path


def make_authority(directory: Path, *, now: datetime.datetime | None = None) -> Authority:
    """Make an authority in `directory`, or open the one that is there.

    Raises:
        OperatorError: `CERTIFICATE_FILES`, when the directory cannot be written or holds half an authority.
    """
    authority = Authority(directory / "ca.pem", directory / "ca.key")
    if authority.key.exists() or authority.certificate.exists():
        return open_authority(directory)
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("samband-ca")
    certificate = (
        _builder(name, name, key.public_key(), AUTHORITY_DAYS, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(issues=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(authority.key, _private_pem(key), secret=True)
    _write(authority.certificate, certificate.public_bytes(serialization.Encoding.PEM), secret=False)
    return authority


def open_authority(directory: Path) -> Authority:
    """Return the authority in `directory`.

    Raises:
        OperatorError: `CERTIFICATE_FILES`, when its key or its certificate is missing.
    """
    authority = Authority(directory / "ca.pem", directory / "ca.key")
    for path in (authority.key, authority.certificate):
        if not path.is_file():
            raise OperatorError(
                "CERTIFICATE_FILES", f"`{path}` is missing", "restore it, or make a new hub: certificates hang on it"
            )
    return authority


def issue(
    authority: Authority,
    common_name: str,
    directory: Path,
    *,
    days: int = CERTIFICATE_DAYS,
    hosts: Sequence[str] = (),
    now: datetime.datetime | None = None,
) -> Credential:
    """Issue a certificate to `common_name` and write its files into `directory`, replacing earlier ones.

    Args:
        authority: who signs.
        common_name: the Kafka principal, `[a-z0-9][a-z0-9.-]*`.
        directory: made with mode 0700 if missing.
        days: how long the certificate holds.
        hosts: DNS names and addresses for a server; with none the certificate is good for clients only.
        now: an aware time to count from, for tests; else the clock's.

    Raises:
        OperatorError: `PRINCIPAL_NAME` for a name of another form, `CERTIFICATE_FILES` for what the disk refuses.
    """
    if not COMMON_NAME.fullmatch(common_name):
        raise OperatorError("PRINCIPAL_NAME", f"`{common_name}` cannot be a principal", "use a-z, 0-9, `.` and `-`")
    issuer = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    issuer_key = serialization.load_pem_private_key(authority.key.read_bytes(), password=None)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise OperatorError("CERTIFICATE_FILES", f"`{authority.key}` is not an ECDSA key", "restore the right file")
    key = ec.generate_private_key(ec.SECP256R1())
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if hosts else [])]
    builder = (
        _builder(_name(common_name), issuer.subject, key.public_key(), days, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(issues=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
    certificate = builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    ca = authority.certificate.read_bytes()
    private = _private_pem(key)
    credential = Credential(
        directory / "ca.pem", directory / "client.pem", directory / "client.key", directory / "keystore.pem"
    )
    _write(credential.key, private, secret=True)
    _write(credential.keystore, private + certificate + ca, secret=True)
    _write(credential.certificate, certificate, secret=False)
    _write(credential.ca, ca, secret=False)
    return credential


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int, now: datetime.datetime | None
) -> x509.CertificateBuilder:
    start = (now or datetime.datetime.now(datetime.UTC)) - CLOCK_SKEW
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=days))
    )


def _usage(*, issues: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not issues,
        key_cert_sign=issues,
        crl_sign=issues,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, *, secret: bool) -> None:
    fresh = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        fresh.replace(path)
    except OSError as error:
        raise OperatorError(
            "CERTIFICATE_FILES", f"cannot write `{path}`: {(error.strerror or str(error)).lower()}", "check the folder"
        ) from error
