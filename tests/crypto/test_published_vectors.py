"""Published vectors, run through what Samband really calls: its keys, its HMAC, its suite.

The files are in `tests/vectors/published/`; its README says where they come from and what was left out.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from samband.schemas.errors import FormatError, TrustError
from samband.streams.crypto import hub, keys
from samband.streams.crypto.keys import OpenKey, Purpose, Realm, SealKey, VerifyKey

FOLDER = Path(__file__).parents[1] / "vectors" / "published"
REALM = Realm(bytes(16))
LOW_ORDER = "ZeroSharedSecret"
HYBRID, X25519, SHA, AES, CHACHA = 0x647A, 0x20, 1, 2, 3
PLAIN = b"plain"


def rows(name: str) -> list[dict[str, Any]]:
    """Return the vectors of a file."""
    found: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return found


def vectors(name: str) -> Any:
    """Return a mark that runs a test with each vector of a file, its hex as bytes."""
    each = [{key: of_hex(key, value) for key, value in row.items()} for row in rows(name)]
    return pytest.mark.parametrize("vector", each, ids=[str(row["tcId"]) for row in each])


def of_hex(key: str, value: Any) -> Any:
    """Return a vector's field, bytes where it is hex."""
    return bytes.fromhex(value) if isinstance(value, str) and key not in ("comment", "result") else value


class Bare(Realm):
    """A realm whose domain strings are empty: published signatures and seals have none in front."""

    def domain(self, label: str) -> bytes:
        """Return nothing."""
        return b""


BARE = Bare(bytes(16))


@vectors("ed25519")
def test_ed25519(vector):
    """A valid Ed25519 signature verifies; an altered, malleated, cut or lengthened one is refused with TrustError."""
    key = VerifyKey(BARE, Purpose.PARTY_SIGN, vector["pk"])
    if vector["result"] == "valid":
        key.verify("", vector["msg"], vector["sig"])
        return
    with pytest.raises(TrustError) as refusal:
        key.verify("", vector["msg"], vector["sig"])
    assert refusal.value.code == "SIGNATURE_BROKEN"


def test_ed25519_domain_stands_in_front():
    """A published signature, which has no domain string in front, never verifies in a realm."""
    valid = [row for row in rows("ed25519") if row["result"] == "valid"]
    for row in valid:
        key = VerifyKey(REALM, Purpose.PARTY_SIGN, bytes.fromhex(row["pk"]))
        with pytest.raises(TrustError):
            key.verify("batch", bytes.fromhex(row["msg"]), bytes.fromhex(row["sig"]))
    assert len(valid) > 80


@vectors("aes_gcm")
def test_aes_gcm(vector):
    """AES-256-GCM gives the published ciphertext, and an altered tag does not open."""
    aead = AESGCM(vector["key"])
    sealed = vector["ct"] + vector["tag"]
    if vector["result"] == "valid":
        assert aead.encrypt(vector["iv"], vector["msg"], vector["aad"]) == sealed
        assert aead.decrypt(vector["iv"], sealed, vector["aad"]) == vector["msg"]
        return
    with pytest.raises(InvalidTag):
        aead.decrypt(vector["iv"], sealed, vector["aad"])


@vectors("hkdf_sha256")
def test_hkdf_sha256(vector):
    """HKDF-SHA256 gives the published key; no salt, as lanes and hub use it, is the empty salt."""
    salts = {vector["salt"]} if vector["salt"] else {b"", None}
    for salt in salts:
        derived = HKDF(SHA256(), vector["size"], salt=salt, info=vector["info"]).derive(vector["ikm"])
        assert derived == vector["okm"]


@vectors("hmac_sha256")
def test_hmac_sha256(vector):
    """The hub's own HMAC and the child reference's give the published tag, and never an altered one."""
    width = vector["tagSize"] // 8
    for tag in (hub._hmac(vector["key"])(vector["msg"]), hmac.digest(vector["key"], vector["msg"], "sha256")):
        assert (tag[:width] == vector["tag"]) is (vector["result"] == "valid")


@vectors("x25519")
def test_x25519(vector):
    """X25519 gives the published secret, also on the twist and for a key that is not canonical; never an all-zero one.

    A hybrid public key whose X25519 part gives the all-zero secret with every key is refused before it is used.
    """
    private = X25519PrivateKey.from_private_bytes(vector["private"])
    public = X25519PublicKey.from_public_bytes(vector["public"])
    hybrid = OPEN.public[:-32] + vector["public"]
    if LOW_ORDER not in vector["flags"]:
        assert private.exchange(public) == vector["shared"]
        SealKey(REALM, Purpose.UNIT_CONTENT, hybrid).seal("content", b"", PLAIN)
        return
    with pytest.raises(ValueError, match="shared key"):
        private.exchange(public)
    with pytest.raises(FormatError) as refusal:
        SealKey(REALM, Purpose.UNIT_CONTENT, hybrid)
    assert refusal.value.code == "KEY_FORMAT"


@vectors("mlkem768_seed")
def test_mlkem768_key_of_a_seed(vector):
    """The ML-KEM half of a private key has the public key that FIPS 203 gives its seed."""
    public = OpenKey(REALM, Purpose.UNIT_CONTENT, vector["seed"] + bytes(32)).public[:-32]
    assert hashlib.sha256(public).digest() == vector["ekSha256"]


@vectors("mlkem768_public")
def test_mlkem768_public_key_out_of_range(vector):
    """A public key with a coefficient outside the field, or of another length, is refused."""
    with pytest.raises(FormatError) as refusal:
        SealKey(REALM, Purpose.UNIT_CONTENT, vector["ek"] + OPEN.public[-32:])
    assert refusal.value.code == "KEY_FORMAT"


@vectors("mlkem768_decapsulate")
def test_mlkem768_decapsulate(vector):
    """ML-KEM-768 gives the published secret, the implicit rejection's too; another length is refused."""
    if vector["result"] == "valid":
        private = OpenKey(REALM, Purpose.UNIT_CONTENT, vector["seed"] + bytes(32))
        assert hashlib.sha256(private.public[:-32]).digest() == vector["ekSha256"]
        assert MLKEM768PrivateKey.from_seed_bytes(vector["seed"]).decapsulate(vector["c"]) == vector["K"]
        return
    if len(vector["seed"]) != 64:
        with pytest.raises(FormatError) as refusal:
            OpenKey(REALM, Purpose.UNIT_CONTENT, vector["seed"] + bytes(32))
        assert refusal.value.code == "KEY_FORMAT"
        return
    with pytest.raises(ValueError, match="ciphertext"):
        MLKEM768PrivateKey.from_seed_bytes(vector["seed"]).decapsulate(vector["c"])


# HPKE. The published vectors seal with additional data and, for the hybrid, with ChaCha20-Poly1305; the one call that
# `cryptography` has takes no additional data. So the steps up to key and nonce are compared with the published ones in
# full, and then one box is sealed by these steps with Samband's own AEAD and opened by Samband's own call.

HPKE = {row["kem_id"]: row for row in rows("hpke")}
OPEN = OpenKey(REALM, Purpose.UNIT_CONTENT, bytes(range(96)))


def labeled(suite: bytes, salt: bytes, label: bytes, data: bytes) -> bytes:
    """Return LabeledExtract (RFC 9180 § 4)."""
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + data, "sha256")


def expanded(suite: bytes, prk: bytes, label: bytes, info: bytes, size: int) -> bytes:
    """Return LabeledExpand (RFC 9180 § 4), at most one block."""
    whole = size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.digest(prk, whole + b"\x01", "sha256")[:size]


def schedule(kem: int, aead: int, shared: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Return (key, base nonce) of the base mode's key schedule (RFC 9180 § 5.1)."""
    suite = b"HPKE" + b"".join(each.to_bytes(2, "big") for each in (kem, SHA, aead))
    context = b"\0" + labeled(suite, b"", b"psk_id_hash", b"") + labeled(suite, b"", b"info_hash", info)
    secret = labeled(suite, shared, b"secret", b"")
    return expanded(suite, secret, b"key", context, 32), expanded(suite, secret, b"base_nonce", context, 12)


def shared_of(row: dict[str, Any]) -> bytes:
    """Return the shared secret that a vector's private key and encapsulated key give, by hand."""
    private, enc = bytes.fromhex(row["skRm"]), bytes.fromhex(row["enc"])
    if row["kem_id"] == X25519:
        own = X25519PrivateKey.from_private_bytes(private)
        point = own.exchange(X25519PublicKey.from_public_bytes(enc))
        suite, context = b"KEM" + X25519.to_bytes(2, "big"), enc + own.public_key().public_bytes_raw()
        return expanded(suite, labeled(suite, b"", b"eae_prk", point), b"shared_secret", context, 32)
    half = opened_by(private)
    inner = MLKEM768PrivateKey.from_seed_bytes(half.private()[:64]).decapsulate(enc[:1088])
    outer = X25519PrivateKey.from_private_bytes(half.private()[64:]).exchange(
        X25519PublicKey.from_public_bytes(enc[1088:])
    )
    return hashlib.sha3_256(inner + outer + enc[1088:] + half.public[-32:] + rb"\.//^" + b"\\").digest()


def opened_by(seed: bytes) -> OpenKey:
    """Return the private key that the hybrid's 32-byte seed stands for: what a key file keeps is the expanded one."""
    return OpenKey(BARE, Purpose.UNIT_CONTENT, hashlib.shake_256(seed).digest(96))


@pytest.mark.parametrize("kem", sorted(HPKE))
def test_hpke_key_schedule(kem):
    """Shared secret, key, nonce and every box of the published vector come out by hand."""
    row = HPKE[kem]
    shared = shared_of(row)
    assert shared.hex() == row["shared_secret"]
    key, nonce = schedule(kem, row["aead_id"], shared, bytes.fromhex(row["info"]))
    assert (key.hex(), nonce.hex()) == (row["key"], row["base_nonce"])
    aead = {AES: AESGCM, CHACHA: ChaCha20Poly1305}[row["aead_id"]](key)
    for box in row["encryptions"]:
        plain = aead.decrypt(*(bytes.fromhex(box[part]) for part in ("nonce", "ct", "aad")))
        assert plain == bytes.fromhex(box["pt"])


def box_of(row: dict[str, Any], aead: int, info: bytes) -> bytes:
    """Return `PLAIN` sealed by hand to a vector's key with its encapsulated key, no additional data."""
    key, nonce = schedule(row["kem_id"], aead, bytes.fromhex(row["shared_secret"]), info)
    return bytes.fromhex(row["enc"]) + AESGCM(key).encrypt(nonce, PLAIN, b"")


def test_hybrid_key_of_the_draft():
    """The draft's seed, expanded as it says, has the draft's public key as Samband's keys lay it out."""
    row = HPKE[HYBRID]
    assert opened_by(bytes.fromhex(row["skRm"])).public.hex() == row["pkRm"]


def test_hybrid_opens_the_drafts_shared_secret():
    """Samband's suite opens a box made from the draft's published shared secret, bound to its AEAD."""
    row = HPKE[HYBRID]
    own = opened_by(bytes.fromhex(row["skRm"]))
    info = bytes.fromhex(row["info"])
    assert own.open("", info, box_of(row, AES, info)) == PLAIN
    for aead, text in ((CHACHA, info), (AES, info + b"!")):
        with pytest.raises(TrustError) as refusal:
            own.open("", info, box_of(row, aead, text))
        assert refusal.value.code == "SEAL_BROKEN"


def test_hybrid_is_bound_to_label_and_realm():
    """The info of Samband's seals is D(label) before the context, here spelled out over the draft's shared secret."""
    row = HPKE[HYBRID]
    own = OpenKey(REALM, Purpose.UNIT_CONTENT, opened_by(bytes.fromhex(row["skRm"])).private())
    box = box_of(row, AES, b"samband/1/content\0" + bytes(16) + b"context")
    assert own.open("content", b"context", box) == PLAIN
    with pytest.raises(TrustError):
        own.open("opener", b"context", box)


@pytest.mark.parametrize("at", [0, 500, 1087, 1088, 1119, 1120, 1124, -1])
def test_hybrid_altered(at):
    """A flipped bit in either encapsulated half, in the ciphertext or in the tag keeps a box shut."""
    row = HPKE[HYBRID]
    own = opened_by(bytes.fromhex(row["skRm"]))
    box = bytearray(box_of(row, AES, b""))
    box[at] ^= 1
    with pytest.raises(TrustError) as refusal:
        own.open("", b"", bytes(box))
    assert refusal.value.code == "SEAL_BROKEN"


@pytest.mark.parametrize("size", [0, 1, 1087, 1088, 1119, 1120, 1135, 1136])
def test_hybrid_cut_short(size):
    """A box that is cut anywhere, before its tag or inside the encapsulated key, is a broken seal and nothing else."""
    row = HPKE[HYBRID]
    with pytest.raises(TrustError) as refusal:
        opened_by(bytes.fromhex(row["skRm"])).open("", b"", box_of(row, AES, b"")[:size])
    assert refusal.value.code == "SEAL_BROKEN"


@vectors("x25519")
def test_hybrid_low_order_encapsulation(vector):
    """An encapsulated key whose X25519 half gives the all-zero secret keeps a box shut."""
    if LOW_ORDER in vector["flags"]:
        row = HPKE[HYBRID]
        box = box_of(row, AES, b"")
        with pytest.raises(TrustError) as refusal:
            opened_by(bytes.fromhex(row["skRm"])).open("", b"", box[:1088] + vector["public"] + box[1120:])
        assert refusal.value.code == "SEAL_BROKEN"


def test_suite_of_rfc_9180():
    """`cryptography` opens RFC 9180's X25519 base mode with HKDF-SHA256 and AES-256-GCM: suite 1 but for the KEM."""
    row = HPKE[X25519]
    info = bytes.fromhex(row["info"])
    suite = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    private = X25519PrivateKey.from_private_bytes(bytes.fromhex(row["skRm"]))
    box = box_of(row, AES, info)
    assert suite.decrypt(box, private, info=info) == PLAIN
    for broken in (bytes([box[0] ^ 2]) + box[1:], box[:-1] + bytes([box[-1] ^ 1])):
        with pytest.raises(InvalidTag):
            suite.decrypt(broken, private, info=info)


def test_suite_is_the_one_that_is_pinned():
    """The box that Samband seals is encapsulated key 1120, ciphertext, tag 16, and opens by hand with suite 1."""
    seal = SealKey(BARE, Purpose.UNIT_CONTENT, OPEN.public).seal("", b"info", PLAIN)
    enc = seal[:1120]
    inner = MLKEM768PrivateKey.from_seed_bytes(OPEN.private()[:64]).decapsulate(enc[:1088])
    outer = X25519PrivateKey.from_private_bytes(OPEN.private()[64:]).exchange(
        X25519PublicKey.from_public_bytes(enc[1088:])
    )
    shared = hashlib.sha3_256(inner + outer + enc[1088:] + OPEN.public[-32:] + rb"\.//^" + b"\\").digest()
    key, nonce = schedule(HYBRID, AES, shared, b"info")
    assert AESGCM(key).decrypt(nonce, seal[1120:], b"") == PLAIN
    assert keys.SUITE == 1


def test_each_file_is_run():
    """Every file of published vectors is run here, and holds refused cases where its source has any."""
    here = Path(__file__).read_text("utf-8")
    names = {path.stem for path in FOLDER.glob("*.json")}
    assert all(f'vectors("{name}")' in here or f'rows("{name}")' in here for name in names)
    for name, count in {"ed25519": 63, "aes_gcm": 15, "hmac_sha256": 100, "mlkem768_public": 14}.items():
        assert sum(row["result"] == "invalid" for row in rows(name)) >= count
