"""A ciphertext that opens under two AES-256-GCM keys, each time to something else (Dodis et al., CRYPTO 2018).

    ciphertext(one, other, plain, free=0)        opens under both keys with the zero nonce

The tag is a polynomial in one secret of the key, over the ciphertext. With one block that may be anything both
polynomials can be made to give the same tag.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

__all__ = ["NONCE", "ciphertext"]

NONCE = bytes(12)
_R = 0xE1 << 120


def _times(x: int, y: int) -> int:
    """Multiply in GF(2^128), GCM's bit order."""
    product = 0
    for bit in range(127, -1, -1):
        product ^= y * ((x >> bit) & 1)
        y = (y >> 1) ^ (_R * (y & 1))
    return product


def _power(x: int, n: int) -> int:
    result = 1 << 127  # one, in this bit order
    while n:
        if n & 1:
            result = _times(result, x)
        x, n = _times(x, x), n >> 1
    return result


def _block(key: bytes, data: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(data)  # noqa: S305  GCM's own hash key and mask


def _stream(key: bytes, length: int) -> bytes:
    return Cipher(algorithms.AES(key), modes.CTR(NONCE + b"\0\0\0\2")).encryptor().update(bytes(length))


def _sum(key: bytes, blocks: list[bytes]) -> int:
    """Return the tag over whole blocks and no associated data."""
    h = int.from_bytes(_block(key, bytes(16)), "big")
    total = 0
    for block in (*blocks, (0).to_bytes(8, "big") + (128 * len(blocks)).to_bytes(8, "big")):
        total = _times(total ^ int.from_bytes(block, "big"), h)
    return total ^ int.from_bytes(_block(key, NONCE + b"\0\0\0\1"), "big")


def ciphertext(one: bytes, other: bytes, plain: bytes, free: int) -> bytes:
    """Return what opens under `one` to `plain`, its block number `free` apart, and under `other` to something else."""
    data = bytes(a ^ b for a, b in zip(plain, _stream(one, len(plain)), strict=True))
    blocks = [data[k : k + 16] for k in range(0, len(data), 16)]
    blocks[free] = bytes(16)
    exponent = len(blocks) - free + 1
    both = (_power(int.from_bytes(_block(key, bytes(16)), "big"), exponent) for key in (one, other))
    h = next(both) ^ next(both)
    inverse = _power(h, 2**128 - 2)
    blocks[free] = _times(_sum(one, blocks) ^ _sum(other, blocks), inverse).to_bytes(16, "big")
    tag = _sum(one, blocks)
    assert tag == _sum(other, blocks)
    return b"".join(blocks) + tag.to_bytes(16, "big")
