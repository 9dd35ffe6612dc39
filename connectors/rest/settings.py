"""`[rest]` in connector.toml: where the interface listens, and who may use it.

[rest]
listen = "127.0.0.1:8460"            # elsewhere than on this machine: with certificate and key only
certificate = "tls/rest.pem"
key = "tls/rest.key"
client_ca = "tls/clients.pem"        # whose client certificates are asked for; leave out for none

[[rest.client]]
id = "verksamhetssystem"
secrets = "rest/verksamhetssystem"   # digests, one a line, two at most; `samband rest secret` writes it
certificate = "5c…"                  # SHA-256 of its certificate (DER), in hexadecimal digits
scopes = ["send", "inbox"]

[rest.issuer]                        # tokens of the organisation's own issuer, beside ours
issuer = "https://idp.example"
audience = "samband"
jwks = "https://idp.example/jwks"
"""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from samband.schemas.errors import OperatorError

__all__ = ["IssuerSettings", "RestClient", "RestSettings", "Scope"]

_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Scope(StrEnum):
    """What a client may do."""

    SEND = "send"
    """Send, ask, track and recall."""
    INBOX = "inbox"
    """List, fetch and acknowledge."""
    CONSENTS = "consents"
    """Give, sign, confirm, doubt, refuse and withdraw."""
    CIRCLE = "circle"
    """Say and see the units around a child."""
    PROTECTED = "protected"
    """See what is held back, for a stated reason that is recorded."""


@dataclass(frozen=True, slots=True)
class RestClient:
    """A system that may call."""

    id: str
    secrets: Path | None = None
    certificate: str = ""
    scopes: tuple[Scope, ...] = (Scope.SEND, Scope.INBOX)


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """Whose tokens count: JWT access tokens (RFC 9068), whose `client_id` is a client of ours."""

    issuer: str
    audience: str
    jwks: str
    """Where its keys are: https, or http on this machine."""


@dataclass(frozen=True, slots=True)
class RestSettings:
    """`[rest]`."""

    listen: str = "127.0.0.1:8460"
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
    token_seconds: int = 900
    """How long a token of ours holds: a client that is taken away is out within it."""
    requests_per_minute: int = 1200
    """Of one client: twenty a second is more than one system needs, and no flood."""
    body_bytes: int = 2 * 1024 * 1024
    """Of one request but a file: the largest content, escaped as JSON."""
    streams: int = 20
    """Answers that wait, or are open as streams, at once."""
    client: tuple[RestClient, ...] = ()
    issuer: IssuerSettings | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port.

        Raises:
            OperatorError: not of the form HOST:PORT.
        """
        host, _, port = self.listen.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise OperatorError("SETTINGS_REST", "`rest.listen` is HOST:PORT", "127.0.0.1:8460")
        return host.strip("[]"), int(port)

    def check(self) -> None:
        """Check what the types do not say.

        Raises:
            OperatorError: `SETTINGS_REST`.
        """
        host, _ = self.address
        if bool(self.certificate) != bool(self.key):
            raise _wrong("`rest.certificate` and `rest.key` belong together")
        if not self.certificate and not is_loopback(host):
            raise _wrong("`rest.listen` is not this machine itself, so `rest.certificate` and `rest.key` are needed")
        if self.client_ca and not self.certificate:
            raise _wrong("`rest.client_ca` needs `rest.certificate` and `rest.key`")
        if min(self.token_seconds, self.requests_per_minute, self.body_bytes, self.streams) < 1:
            raise _wrong("a limit of `rest` is below 1")
        ids = [each.id for each in self.client]
        if len(set(ids)) != len(ids):
            raise _wrong("two clients of `rest` have one id")
        for each in self.client:
            _check_client(each, tls=self.client_ca is not None, issuer=self.issuer is not None)
        if self.issuer:
            _check_issuer(self.issuer)


def _check_client(client: RestClient, *, tls: bool, issuer: bool) -> None:
    if not _ID.fullmatch(client.id):
        raise _wrong("a client's id is lower-case letters, digits, `.`, `_` and `-`")
    if client.certificate and not (_DIGEST.fullmatch(client.certificate) and tls):
        raise _wrong("a client's certificate is 64 lower-case hexadecimal digits, and needs `rest.client_ca`")
    if not (client.secrets or client.certificate or issuer):
        raise _wrong(f"client `{client.id}` has neither secrets nor a certificate")


def _check_issuer(issuer: IssuerSettings) -> None:
    parts = urlsplit(issuer.jwks)
    local = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if not (parts.hostname and (parts.scheme == "https" or local)):
        raise _wrong("`rest.issuer.jwks` must be an https address")
    if not issuer.issuer or not issuer.audience:
        raise _wrong("`rest.issuer` names issuer and audience")


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine itself."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _wrong(message: str) -> OperatorError:
    return OperatorError("SETTINGS_REST", message, "docs/rest.md")
