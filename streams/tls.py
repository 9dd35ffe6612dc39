"""A client's TLS context that takes a renewed certificate by itself, at the next connection that it is used for.

    context = RenewingContext(ca, certificate, key)
    AIOKafkaProducer(ssl_context=context, …)

Kafka clients hold one context for as long as they live, which may be longer than a certificate. Before each new
connection this one looks whether the certificate's file was replaced, and reads it again. Invariants: mutual TLS 1.3,
the server's name is checked; a file that cannot be read just now leaves the certificate that was there; a connection
that stands goes on with the certificate that it began with.
"""

from __future__ import annotations

import contextlib
import ssl
from pathlib import Path
from typing import Any, Self

__all__ = ["RenewingContext"]

Stamp = tuple[int, int]


class RenewingContext(ssl.SSLContext):
    """A context of one certificate, whose file may be replaced."""

    _files: tuple[Path, Path]
    _stamp: Stamp

    def __new__(cls, ca: Path, certificate: Path, key: Path) -> Self:
        """Read the three files.

        Raises:
            OSError: one is missing, or (`ssl.SSLError`) is not what it should be.
        """
        context = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(ca)
        context._files, context._stamp = (certificate, key), _stamp(certificate)
        context.load_cert_chain(certificate, key)
        return context

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """Begin a connection, with the certificate that is there now."""
        with contextlib.suppress(OSError):
            if (stamp := _stamp(self._files[0])) != self._stamp:
                self.load_cert_chain(*self._files)
                self._stamp = stamp
        return super().wrap_bio(*args, **kwargs)


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns
