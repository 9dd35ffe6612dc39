"""Where a principal's TLS files are, and how they are written: whole or not at all, secrets for their owner only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from samband.schemas.errors import OperatorError

__all__ = ["Credential", "credential_in", "private_key", "private_pem", "write"]


@dataclass(frozen=True, slots=True)
class Credential:
    """Where one principal's TLS files are: PEM, `key` and `keystore` with mode 0600.

    `keystore` is key and certificate in one file, as Kafka's own PEM key stores want it.
    """

    ca: Path
    certificate: Path
    key: Path
    keystore: Path


def credential_in(directory: Path) -> Credential:
    """Return where the TLS files of a principal's folder are."""
    return Credential(
        directory / "ca.pem", directory / "client.pem", directory / "client.key", directory / "keystore.pem"
    )


def private_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Read a private key.

    Raises:
        OperatorError: `CERTIFICATE_FILES`: it cannot be read, or is of another kind.
    """
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise OperatorError("CERTIFICATE_FILES", f"`{path}` cannot be read", "restore the right file") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise OperatorError("CERTIFICATE_FILES", f"`{path}` is not an ECDSA key", "restore the right file")
    return key


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a private key as PKCS#8 in PEM, not encrypted: Kafka clients read it so."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def write(path: Path, content: bytes, *, secret: bool) -> None:
    """Write a file in place of the one there is, with mode 0600 for a secret.

    Raises:
        OperatorError: `CERTIFICATE_FILES`, for what the disk refuses.
    """
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
