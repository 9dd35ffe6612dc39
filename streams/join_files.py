"""The files by which a party joins, as both sides sign, verify and name them.

    fingerprint(data)                 what is read out by telephone
    signed(invitation, "invitation", root_keys)
    verify_by(root, welcome, "welcome")
    same_world(root, request)         test and production never meet, nor two realms

Format page: § Joining.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TypeVar

from msgspec.structs import replace

from samband.schemas.codec import lp16
from samband.schemas.errors import FormatError, TrustError
from samband.schemas.joining import Invitation, Paper, Request, Signature, Welcome, clear
from samband.streams.crypto.keys import SignKey
from samband.streams.root import Root, sign_by

__all__ = [
    "digest", "environment", "fingerprint", "fits", "reference_context", "same_world", "signed", "signed_part",
    "verify_by",
]  # fmt: skip

P = TypeVar("P", Invitation, Request, Welcome)


def environment(root: Root) -> str:
    """Return `TEST` or `PRODUCTION`."""
    return root.environment.upper()


def digest(data: bytes) -> str:
    """Return what names a file: its SHA-256 in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def fingerprint(data: bytes) -> str:
    """Return what a person reads out by telephone: 128 bits of SHA-256 as eight groups of four hexadecimal digits."""
    digits = hashlib.sha256(b"samband/1/fingerprint\0" + data).hexdigest()[:32]
    return " ".join(digits[at : at + 4] for at in range(0, 32, 4))


def fits(heard: str, data: bytes) -> bool:
    """Say whether what a person heard is the fingerprint of `data`, however it was written down."""
    return "".join(heard.casefold().replace(":", " ").replace("-", " ").split()) == fingerprint(data).replace(" ", "")


def reference_context(party: str, epoch: int) -> bytes:
    """Return what the seal of a child-reference key is bound to."""
    return lp16(party.encode()) + epoch.to_bytes(4, "big")


def signed_part(paper: Invitation | Request | Welcome) -> bytes:
    """Return the bytes that are signed: the file without its signatures."""
    return clear(replace(paper, signatures=()))


def signed(paper: P, label: str, keys: Iterable[SignKey]) -> bytes:
    """Return a file signed by keys."""
    made = sign_by(keys, label, signed_part(paper))
    return clear(replace(paper, signatures=tuple(Signature(each["kid"].hex(), each["sig"].hex()) for each in made)))


def verify_by(root: Root, paper: Invitation | Welcome, label: str) -> None:
    """Check that enough of the authority's root keys signed a file.

    Raises:
        FormatError, TrustError: they did not.
    """
    try:
        signatures = [{"kid": bytes.fromhex(each.kid), "sig": bytes.fromhex(each.sig)} for each in paper.signatures]
    except ValueError as error:
        raise FormatError("JOIN_FORM", "a signature of the file is not written in hexadecimal digits") from error
    root.verify(label, signed_part(paper), signatures)


def same_world(root: Root, paper: Paper) -> None:
    """Check that a file is of this environment and realm.

    Raises:
        TrustError: it is not (`OTHER_ENVIRONMENT`, `OTHER_REALM`).
    """
    if paper.environment != environment(root):
        raise TrustError(
            "OTHER_ENVIRONMENT",
            f"the file is for {paper.environment}, and this is {environment(root)}",
            "test and production never meet: use another folder",
        )
    if paper.realm != root.realm.id.hex():
        raise TrustError("OTHER_REALM", "the file is another installation's", "ask for one of this hub's")
