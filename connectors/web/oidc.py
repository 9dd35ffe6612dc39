"""Signing in at the organisation's own provider: OpenID Connect, authorization code with PKCE, configurable claims.

address = "https://konsol.region.example"      # as people reach the site; something before it ends TLS

[oidc]
issuer = "https://idp.region.example"
client_id = "samband"
client_secret = "oidc.secret"                  # a file
user = "employeeHsaId"                         # the claim that says who it is
roles = "groups"                               # the claim that says what for; `realm_access.roles` reaches inside

[oidc.granted]                                 # by the site's own roles, each a field of its settings
auditor = ["samband-granskare"]

The provider's word is believed only whole: its own metadata, a code that this browser began, a token signed with a key
that the provider publishes, for us, now, with our nonce. Whoever has none of the granted values gets no session.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import urlsplit

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from samband.schemas.errors import OperatorError, RefusedError

__all__ = ["BACK", "SIGNIN_COOKIE", "OidcSettings", "Person", "Provider", "SiteSettings", "check_addresses"]

BACK: Final = "/oidc/back"
"""Where the provider sends people back to; register it there."""
SIGNIN_COOKIE: Final = "samband_signin"
_PATIENCE_S: Final = 10.0
_LARGEST: Final = 256 * 1024
_LIFE_S: Final = 600.0
_MOST: Final = 200
_AGAIN_S: Final = 60.0
"""The provider's keys are read again for an unknown one, but not more often."""
_SKEW_S: Final = 60
_ALGORITHMS: Final = ("RS256", "PS256", "ES256", "ES384", "Ed25519", "EdDSA")
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """`[oidc]` of a site's settings; a site adds `granted`, with a field of values for each of its roles."""

    issuer: str
    client_id: str
    client_secret: Path
    user: str = "sub"
    roles: str = "groups"
    scope: str = "openid profile"


class SiteSettings(Protocol):
    """What a site's own settings hold."""

    @property
    def address(self) -> str:
        """Scheme and host, as people reach it."""

    @property
    def oidc(self) -> Any:
        """Its `OidcSettings`, with `granted`."""


def check_addresses(settings: SiteSettings) -> None:
    """Check that the site's and the provider's addresses are ones that may carry a session.

    Raises:
        OperatorError: one is not https, or has more than a host (`CONSOLE_ADDRESS`).
    """
    for name, address in (("address", settings.address), ("issuer", settings.oidc.issuer)):
        _check_address(name, address)
    if urlsplit(settings.address).path or settings.address.endswith("/"):
        raise OperatorError("CONSOLE_ADDRESS", "`address` is scheme and host only", "https://konsol.region.example")


class Person(NamedTuple):
    """Who signed in, what for, and in which language they began."""

    user: str
    roles: tuple[str, ...]
    """The site's own names."""
    language: str
    claims: Mapping[str, Any]

    def texts(self, claim: str) -> tuple[str, ...]:
        """Return what a claim holds, one text or a list of them."""
        value = _inside(self.claims, claim) if claim else None
        return (value,) if isinstance(value, str) else tuple(filter(_is_text, value)) if isinstance(value, list) else ()


@dataclass(frozen=True, slots=True)
class _Begun:
    nonce: str
    verifier: str
    browser: str
    language: str
    ends: float


class Provider:
    """The organisation's provider."""

    def __init__(
        self, settings: SiteSettings, client: httpx.Client | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings: Any = settings.oidc
        self._back = settings.address + BACK
        self._client = client or httpx.Client(timeout=_PATIENCE_S, follow_redirects=False)
        self._clock = clock
        self._begun: OrderedDict[str, _Begun] = OrderedDict()
        self._known: dict[str, Any] | None = None
        self._keys: KeySet | None = None
        self._keys_read = -_AGAIN_S

    @property
    def settings(self) -> OidcSettings:
        """The site's own `[oidc]`."""
        found: OidcSettings = self._settings
        return found

    def begin(self, language: str) -> tuple[str, str]:
        """Return (address at the provider, value of the cookie that binds the answer to this browser).

        Raises:
            OperatorError: the provider does not answer as one (`OIDC_PROVIDER`).
        """
        state, browser, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
        self._begun[state] = _Begun(nonce, verifier, browser, language, self._clock() + _LIFE_S)
        while len(self._begun) > _MOST:
            self._begun.popitem(last=False)
        address: str = prepare_grant_uri(
            self._metadata()["authorization_endpoint"], client_id=self._settings.client_id, response_type="code",
            redirect_uri=self._back, scope=self._settings.scope, state=state, nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier), code_challenge_method="S256",
        )  # fmt: skip
        return address, browser

    def finish(self, query: Mapping[str, str], browser: str) -> Person:
        """Return who came back.

        Raises:
            RefusedError: this browser did not begin it, the token is not for us, or gives no role (`CONSOLE_OIDC`).
            OperatorError: the provider does not answer as one.
        """
        begun = self._begun.pop(query.get("state", ""), None)
        if begun is None or self._clock() >= begun.ends or not hmac.compare_digest(begun.browser, browser):
            raise _refused("it was not begun in this browser, or too long ago")
        if query.get("iss", self._settings.issuer) != self._settings.issuer:  # RFC 9207
            raise _refused("another provider answered")
        if not query.get("code") or "error" in query:
            raise _refused("the provider did not sign anybody in")
        claims = self._claims(self._exchange(query["code"], begun.verifier), begun.nonce)
        user = _inside(claims, self._settings.user)
        if not isinstance(user, str) or not 0 < len(user) <= 64 or not user.isprintable():
            raise _refused("the token does not say who it is")
        roles = self._roles(_inside(claims, self._settings.roles))
        if not roles:
            raise _refused("the person has no role here")
        return Person(user, roles, begun.language, claims)

    def _roles(self, value: object) -> tuple[str, ...]:
        told = {value} if isinstance(value, str) else set(filter(_is_text, value)) if isinstance(value, list) else set()
        granted = self._settings.granted
        return tuple(each.name for each in fields(granted) if told & set(getattr(granted, each.name)))

    def _exchange(self, code: str, verifier: str) -> str:
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=self._back, code_verifier=verifier,
        )  # fmt: skip
        try:
            secret = self._settings.client_secret.read_text("utf-8").strip()
        except OSError as error:
            raise OperatorError("OIDC_SECRET", "the file of `client_secret` cannot be read") from error
        answer = self._ask(
            "POST", self._metadata()["token_endpoint"], content=body, auth=(self._settings.client_id, secret),
            headers={"content-type": "application/x-www-form-urlencoded", "accept": "application/json"},
        )  # fmt: skip
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise _refused("the provider gave no identity for the code")
        return token

    def _claims(self, token: str, nonce: str) -> Mapping[str, Any]:
        """Return the claims of an id token that is the provider's, for us, now."""
        try:
            decoded = self._decoded(token)
            params = {"nonce": nonce, "client_id": self._settings.client_id}
            options = {
                "iss": {"essential": True, "value": self._settings.issuer},
                "aud": {"essential": True, "value": self._settings.client_id},
            }
            claims = CodeIDToken(decoded.claims, decoded.header, options, params)
            claims.validate(leeway=_SKEW_S)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _refused("the provider's token does not hold") from error
        return dict(claims)

    def _decoded(self, token: str) -> jwt.Token:
        try:
            return jwt.decode(token, self._key_set(), algorithms=list(_ALGORITHMS))
        except (JoseError, ValueError):
            if self._clock() - self._keys_read < _AGAIN_S:
                raise
            self._keys = None  # perhaps the provider has a new key
            return jwt.decode(token, self._key_set(), algorithms=list(_ALGORITHMS))

    def _key_set(self) -> KeySet:
        if self._keys is None:
            self._keys_read = self._clock()
            found = self._ask("GET", self._metadata()["jwks_uri"])
            self._keys = KeySet.import_key_set(found)  # type: ignore[arg-type]
        return self._keys

    def _metadata(self) -> dict[str, Any]:
        if self._known is None:
            found = self._ask("GET", f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self._settings.issuer:
                raise OperatorError("OIDC_PROVIDER", "the provider's metadata is another issuer's")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                _check_address(name, str(found.get(name, "")))
            self._known = found
        return self._known

    def _ask(self, method: str, address: str, **given: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, address, **given)
            found = answer.json() if answer.status_code < 500 and len(answer.content) <= _LARGEST else None
        except (httpx.HTTPError, ValueError) as error:
            raise OperatorError("OIDC_PROVIDER", "the provider does not answer", retriable=True) from error
        if not isinstance(found, dict):
            raise OperatorError("OIDC_PROVIDER", "the provider's answer is none")
        return found


def _check_address(name: str, address: str) -> None:
    parts = urlsplit(address)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not safe or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise OperatorError("CONSOLE_ADDRESS", f"`{name}` is no https address")


def _inside(claims: Mapping[str, Any], name: str) -> object:
    """Return a claim; `a.b` is `b` inside `a`, unless there is a claim of the whole name."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _refused(why: str) -> RefusedError:
    return RefusedError("CONSOLE_OIDC", why)
