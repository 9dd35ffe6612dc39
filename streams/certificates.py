"""A small certificate authority for Kafka's mutual TLS: one key pair per party, for the wire only.

The certificate's common name is the Kafka principal: `CN=skola` becomes `User:skola` by `PRINCIPAL_RULES`, and the
access rights of `samband.streams.topics` name it. These keys open nothing and sign no message; those keys are
`samband.streams.crypto`'s and never meet these.

    authority = make_authority(home / "ca")
    credential = issue(authority, "skola", home / "skola" / "tls")      # where the authority is

    request = make_request(home / "skola" / "tls", "skola")             # where the party is: its key stays there
    certificate = sign_request(authority, request, "skola")             # where the authority is
    credential = install(home / "skola" / "tls", certificate, ca)       # where the party is

Invariants: ECDSA P-256; a common name is exactly one lower-case identifier, so that no name can be read as two; private
keys are PKCS#8 with mode 0600, written before anything can read them; nothing is overwritten, except by asking anew;
a certificate outlives no authority; whoever reads `keystore` never sees a key without its certificate, for it is
replaced as one file. A request is believed in nothing but its key: name, life and purposes are the authority's to say.
A real deployment brings certificates of its own authority instead, with the same common names.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from samband.schemas.errors import InputError, OperatorError, TrustError
from samband.streams.certificate_files import Credential, credential_in, private_key, private_pem, write

__all__ = [
    "PRINCIPAL_RULES", "Authority", "Credential", "credential_in", "install", "issue", "make_authority",
    "make_request", "open_authority", "sign_request",
]  # fmt: skip

# Kafka's `ssl.principal.mapping.rules`. No DEFAULT after it: a subject of another form is refused, not guessed at.
PRINCIPAL_RULES = "RULE:^CN=([a-z0-9][a-z0-9.-]*)$/$1/"
COMMON_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}", re.ASCII)

AUTHORITY_DAYS = 3650  # a test hub's own root; a real one has its own
CERTIFICATE_DAYS = 365
_NEXT_KEY = "next.key"  # the key that a certificate was asked for and has not come for
CLOCK_SKEW = datetime.timedelta(minutes=5)  # a peer whose clock is a little late must not refuse a new certificate


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
    write(authority.key, private_pem(key), secret=True)
    write(authority.certificate, certificate.public_bytes(serialization.Encoding.PEM), secret=False)
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
    """Issue a certificate with a new key to `common_name`, and write its files into `directory` over earlier ones.

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
    _forget_request(directory)  # a key that waits here may have been copied
    request = make_request(directory, common_name)
    certificate = sign_request(authority, request, common_name, days=days, hosts=hosts, now=now)
    return install(directory, certificate, authority.certificate.read_bytes())


def make_request(directory: Path, common_name: str) -> bytes:
    """Make a new key in `directory` and return the request (PKCS#10, PEM) for its certificate.

    The present certificate and key, if there are any, stay in use until `install`. Asked again before that, it is the
    same key's request, so an answer that was lost on the way may come twice.

    Args:
        directory: the principal's TLS folder, made with mode 0700 if missing.
        common_name: the Kafka principal to be.

    Raises:
        OperatorError: `PRINCIPAL_NAME` for a name of another form, `CERTIFICATE_FILES` for what the disk refuses.
    """
    _check_name(common_name)
    path = directory / _NEXT_KEY
    if path.exists():
        key = private_key(path)
    else:
        key = ec.generate_private_key(ec.SECP256R1())
        write(path, private_pem(key), secret=True)
    request = x509.CertificateSigningRequestBuilder().subject_name(_name(common_name)).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM)


def sign_request(
    authority: Authority,
    csr_pem: bytes,
    common_name: str,
    *,
    days: int = CERTIFICATE_DAYS,
    hosts: Sequence[str] = (),
    now: datetime.datetime | None = None,
) -> bytes:
    """Return the certificate (PEM) that the authority gives to the key of a request.

    Args:
        authority: who signs.
        csr_pem: the request, as `make_request` gives it: PKCS#10, ECDSA P-256, no subject but the common name.
        common_name: who has proved to be the asker; the request must name exactly it.
        days: how long the certificate holds; never longer than the authority's own.
        hosts: DNS names and addresses for a server; what the request itself asks for is not looked at.
        now: an aware time to count from, for tests; else the clock's.

    Raises:
        InputError: `CERTIFICATE_REQUEST`: no such request, not signed by its own key, or another's name.
        OperatorError: `PRINCIPAL_NAME` for a name of another form, `CERTIFICATE_FILES` for a broken authority.
    """
    _check_name(common_name)
    public = _requested_key(csr_pem, common_name)
    issuer = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    issuer_key = private_key(authority.key)
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if hosts else [])]
    builder = (
        _builder(_name(common_name), issuer.subject, public, days, now, issuer.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(issues=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def install(directory: Path, certificate_pem: bytes, ca_pem: bytes) -> Credential:
    """Put the certificate that answers `make_request` in use, with its key, and return where they are.

    Clients that run read it at their next connection (`KafkaSettings.aiokafka`).

    Raises:
        TrustError: `CERTIFICATE_ANSWER`: it is not for the key that was asked for, or not of this authority.
        OperatorError: `CERTIFICATE_FILES` for what the disk refuses, or where nothing was asked for.
    """
    path = directory / _NEXT_KEY
    if not path.is_file():
        raise OperatorError("CERTIFICATE_FILES", f"no certificate was asked for in `{directory}`", "ask for one first")
    key = private_key(path)
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(ca_pem))
        fits = certificate.public_key() == key.public_key()
    except (ValueError, TypeError, InvalidSignature) as error:
        raise TrustError("CERTIFICATE_ANSWER", "the certificate is not of this authority") from error
    if not fits:
        raise TrustError("CERTIFICATE_ANSWER", "the certificate is for another key than was asked for")
    private, certificate_pem = private_pem(key), certificate.public_bytes(serialization.Encoding.PEM)
    credential = credential_in(directory)
    write(credential.key, private, secret=True)
    write(credential.certificate, certificate_pem, secret=False)
    write(credential.ca, ca_pem, secret=False)
    write(credential.keystore, private + certificate_pem + ca_pem, secret=True)  # in use from here on
    _forget_request(directory)
    return credential


def _requested_key(csr_pem: bytes, common_name: str) -> ec.EllipticCurvePublicKey:
    try:
        request = x509.load_pem_x509_csr(csr_pem)
        public, proved = request.public_key(), request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError("CERTIFICATE_REQUEST", "that is no certificate request", "PKCS#10 in PEM") from error
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise InputError("CERTIFICATE_REQUEST", "the requested key is not ECDSA P-256", "make the request with samband")
    if not proved:
        raise InputError("CERTIFICATE_REQUEST", "the request is not signed by the key that it is for")
    if request.subject != _name(common_name):
        raise InputError("CERTIFICATE_REQUEST", f"the request is not for `{common_name}`", "ask in your own name only")
    return public


def _check_name(common_name: str) -> None:
    if not COMMON_NAME.fullmatch(common_name):
        raise OperatorError("PRINCIPAL_NAME", f"`{common_name}` cannot be a principal", "use a-z, 0-9, `.` and `-`")


def _forget_request(directory: Path) -> None:
    (directory / _NEXT_KEY).unlink(missing_ok=True)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    days: int,
    now: datetime.datetime | None,
    latest: datetime.datetime | None = None,
) -> x509.CertificateBuilder:
    start = (now or datetime.datetime.now(datetime.UTC)) - CLOCK_SKEW
    end = start + datetime.timedelta(days=days)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(min(end, latest) if latest else end)
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
