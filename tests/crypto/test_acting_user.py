"""The commitment to an acting user: one party can say whose it is, nobody else can tell two of them together."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from samband.schemas.errors import InputError
from samband.streams.crypto.acting_user import user_commitment
from samband.streams.crypto.keys import realm_of

REALM, SECRET, ID = realm_of(b"root"), b"s" * 32, b"m" * 16


def test_it_is_what_the_format_page_says() -> None:
    """SHA-256(D("user") ‖ salt ‖ id ‖ 0 ‖ role), the salt an HMAC of the message id under the party's own secret."""
    domain = b"samband/1/user\0" + REALM.id
    salt = hmac.digest(SECRET, domain + ID, "sha256")
    expected = hashlib.sha256(domain + salt + "anna01\0läkare".encode()).digest()
    assert user_commitment(SECRET, REALM, ID, "anna01", "läkare") == expected


def test_nothing_in_common() -> None:
    """Another message, user, role, party or realm gives another; a boundary cannot be moved between id and role."""
    made = [
        user_commitment(SECRET, REALM, ID, "anna01", "x"),
        user_commitment(SECRET, REALM, b"n" * 16, "anna01", "x"),
        user_commitment(SECRET, REALM, ID, "anna02", "x"),
        user_commitment(SECRET, REALM, ID, "anna01", "y"),
        user_commitment(SECRET, REALM, ID, "anna0", "1x"),
        user_commitment(b"t" * 32, REALM, ID, "anna01", "x"),
        user_commitment(SECRET, realm_of(b"other"), ID, "anna01", "x"),
    ]
    assert len(set(made)) == len(made)
    for user, role in (("anna\0", "x"), ("anna", "\0x")):
        with pytest.raises(InputError) as caught:
            user_commitment(SECRET, REALM, ID, user, role)
        assert caught.value.code == "ACTING_USER"
