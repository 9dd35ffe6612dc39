"""A certificate is made where its key is, signed where the authority is, and put in use as one file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from samband.schemas.errors import InputError, OperatorError, TrustError
from samband.streams.certificates import Authority, credential_in, install, issue, make_authority, make_request
from samband.streams.certificates import sign_request as sign


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Give a new authority."""
    return make_authority(tmp_path / "ca")


def request(common_name: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, *more: x509.NameAttribute) -> bytes:
    """Return a request by any key for any name."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name), *more])
    built = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return built.public_bytes(serialization.Encoding.PEM)


def test_the_key_never_leaves(authority: Authority, tmp_path: Path) -> None:
    """What the party sends holds no private key, and what it installs works with the key that stayed."""
    folder = tmp_path / "skola"
    asked = make_request(folder, "skola")
    assert b"PRIVATE" not in asked
    credential = install(folder, sign(authority, asked, "skola"), authority.certificate.read_bytes())
    certificate = x509.load_pem_x509_certificate(credential.certificate.read_bytes())
    key = serialization.load_pem_private_key(credential.key.read_bytes(), None)
    assert certificate.public_key() == key.public_key()
    assert certificate.subject.rfc4514_string() == "CN=skola"
    kept = [path.name for path in folder.iterdir() if path.stat().st_mode & 0o077 == 0]
    assert sorted(kept) == ["client.key", "keystore.pem"]
    assert x509.load_pem_x509_certificate(credential.keystore.read_bytes()) == certificate


def test_the_present_key_stays_until_the_answer(authority: Authority, tmp_path: Path) -> None:
    """Asking for a new certificate disturbs nothing, and asked twice it is the same key's request."""
    credential = issue(authority, "skola", tmp_path / "skola")
    before = credential.keystore.read_bytes(), credential.key.read_bytes()
    first, second = (x509.load_pem_x509_csr(make_request(tmp_path / "skola", "skola")) for _ in range(2))
    assert first.public_key() == second.public_key()
    assert (credential.keystore.read_bytes(), credential.key.read_bytes()) == before
    install(tmp_path / "skola", sign(authority, make_request(tmp_path / "skola", "skola"), "skola"),
            authority.certificate.read_bytes())  # fmt: skip
    assert credential.keystore.read_bytes() != before[0]


def test_issuing_anew_takes_no_waiting_key(authority: Authority, tmp_path: Path) -> None:
    """A key that lay waiting when a folder was copied by somebody is not the key of the next certificate."""
    waiting = x509.load_pem_x509_csr(make_request(tmp_path / "skola", "skola")).public_key()
    credential = issue(authority, "skola", tmp_path / "skola")
    assert x509.load_pem_x509_certificate(credential.certificate.read_bytes()).public_key() != waiting


def tampered(pem: bytes) -> bytes:
    """Return the request with the last byte of its signature changed."""
    der = bytearray(x509.load_pem_x509_csr(pem).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    return x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM)


P256 = ec.generate_private_key(ec.SECP256R1())
BAD = {
    "no request": b"skola",
    "another's name": request("social", P256),
    "another generation": request("skola.2", P256),
    "more than a name": request("skola", P256, x509.NameAttribute(NameOID.ORGANIZATION_NAME, "hub")),
    "two names": request("skola", P256, x509.NameAttribute(NameOID.COMMON_NAME, "hub")),
    "another curve": request("skola", ec.generate_private_key(ec.SECP384R1())),
    "RSA": request("skola", rsa.generate_private_key(65537, 2048)),
    "signature": tampered(request("skola", P256)),
}


@pytest.mark.parametrize("what", BAD)
def test_a_request_that_is_refused(what: str, authority: Authority) -> None:
    """The authority signs only a well-formed request, in the asker's own name, proved by the key that it is for."""
    with pytest.raises(InputError) as refusal:
        sign(authority, BAD[what], "skola")
    assert refusal.value.code == "CERTIFICATE_REQUEST"


def test_the_request_chooses_nothing(authority: Authority) -> None:
    """A request that asks for a server's or an authority's certificate gets a client's."""
    asked = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "skola")]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(P256, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    certificate = x509.load_pem_x509_certificate(sign(authority, asked, "skola"))
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    with pytest.raises(x509.ExtensionNotFound):
        certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)


def test_no_certificate_outlives_its_authority(tmp_path: Path) -> None:
    """Near the authority's end a certificate ends with it."""
    authority = make_authority(tmp_path / "ca", now=datetime.now(UTC) - timedelta(days=3600))
    ends = x509.load_pem_x509_certificate(authority.certificate.read_bytes()).not_valid_after_utc
    certificate = x509.load_pem_x509_certificate(sign(authority, request("skola", P256), "skola"))
    assert certificate.not_valid_after_utc == ends


def test_an_answer_that_is_refused(authority: Authority, tmp_path: Path) -> None:
    """A party installs no certificate of another key or another authority, and keeps what it has."""
    folder = tmp_path / "skola"
    before = issue(authority, "skola", folder).keystore.read_bytes()
    asked = make_request(folder, "skola")
    ca = authority.certificate.read_bytes()
    other = make_authority(tmp_path / "other")
    for answer, by in (
        (sign(authority, request("skola", P256), "skola"), ca),
        (sign(other, asked, "skola"), ca),
        (b"nothing", ca),
    ):
        with pytest.raises(TrustError) as refusal:
            install(folder, answer, by)
        assert refusal.value.code == "CERTIFICATE_ANSWER"
    assert credential_in(folder).keystore.read_bytes() == before


def test_nothing_asked_for_nothing_installed(authority: Authority, tmp_path: Path) -> None:
    """A certificate that nobody asked for here is not put in use."""
    credential = issue(authority, "skola", tmp_path / "skola")
    with pytest.raises(OperatorError) as refusal:
        install(tmp_path / "skola", credential.certificate.read_bytes(), authority.certificate.read_bytes())
    assert refusal.value.code == "CERTIFICATE_FILES"


@pytest.mark.parametrize("name", ["", "Skola", "skola/x", "a b", ".skola", "å", "a" * 65])
def test_a_name_that_is_no_principal(name: str, authority: Authority, tmp_path: Path) -> None:
    """A name that Kafka's mapping would refuse or read otherwise is never asked for or signed."""
    for act in (lambda: make_request(tmp_path, name), lambda: sign(authority, b"", name)):
        with pytest.raises(OperatorError) as refusal:
            act()
        assert refusal.value.code == "PRINCIPAL_NAME"
