"""Who calls: an access token of ours, one of the organisation's own issuer, or a client certificate.

    POST /oauth2/token  grant_type=client_credentials   with the client's id and secret (RFC 6749 section 4.4)
    Authorization: Bearer …                             afterwards

A secret is 32 random bytes that `samband rest secret` makes; only its SHA-256 is kept, so nothing here needs a slow
hash. Two lines in the file are two secrets that hold at once: put the new one in, change the system, take the old one
out. Tokens live in memory, hashed: after a restart a client asks for another, as after their end.

A certificate counts by its own fingerprint (RFC 8705 section 2.2), and only where a client names it; TLS itself has
checked that the far side has its key.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from samband.connectors.rest.problems import ProblemError
from samband.connectors.rest.secrets import digest_of_secret, is_digest
from samband.connectors.rest.settings import IssuerSettings, RestClient, Scope

if TYPE_CHECKING:
    from samband.connectors.rest.house import Hosted

__all__ = ["Caller", "Door"]

log = logging.getLogger("samband.rest")

_TOKENS: Final = 10_000
_ALGORITHMS: Final = ["RS256", "PS256", "ES256", "EdDSA"]
_KEYS_S: Final = 60.0
"""How soon the issuer's keys are fetched again at the earliest."""
_LEEWAY_S: Final = 60


@dataclass(frozen=True, slots=True)
class Caller:
    """A client that has shown who it is."""

    client: RestClient
    hosted: Hosted
    scopes: frozenset[Scope]
    expires: float = field(default=float("inf"))
    """By the monotonic clock."""

    def check(self, scope: Scope) -> None:
        """Check that it may do something.

        Raises:
            ProblemError: `SCOPE_MISSING`.
        """
        if scope not in self.scopes:
            challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
            raise ProblemError(
                403, "SCOPE_MISSING", f"this client has not the scope `{scope}`",
                headers={"www-authenticate": challenge},
            )  # fmt: skip


class Door:
    """Lets clients in."""

    def __init__(
        self, house: Mapping[str, Hosted], *, clock: Callable[[], float] = time.monotonic,
        http: Callable[[], httpx.AsyncClient] = lambda: httpx.AsyncClient(timeout=10, follow_redirects=False),
    ) -> None:  # fmt: skip
        """Know the clients of some parties, by the parties' names; an id belongs to one client."""
        self._clock = clock
        self._clients = {each.id: (each, hosted) for hosted in house.values() for each in hosted.settings.client}
        self._certificates = {
            each.certificate: (each, hosted) for each, hosted in self._clients.values() if each.certificate
        }
        self._tokens: OrderedDict[bytes, Caller] = OrderedDict()
        named = {hosted.settings.issuer for hosted in house.values() if hosted.settings.issuer}
        self._issuers = {each.issuer: _Issuer(each, clock, http) for each in named}

    def token(self, client_id: str, secret: str, wanted: str) -> tuple[str, int, str]:
        """Return (token, seconds, scopes) for a client's id and secret.

        Raises:
            ProblemError: `invalid_client` or `invalid_scope`, which the token's address tells in OAuth's own form.
        """
        client, hosted = self._clients.get(client_id, (None, None))
        known = [] if client is None or client.secrets is None else _digests(client)
        said = digest_of_secret(secret)
        # Every line is compared, also for a client that does not exist: time tells nothing.
        matches = [hmac.compare_digest(each, said) for each in (known or ["sha256:"])]
        if client is None or hosted is None or not known or not any(matches):
            raise ProblemError(401, "invalid_client", "no such client, or a wrong secret")
        scopes = frozenset(client.scopes)
        if wanted:
            asked = set(wanted.split(" "))
            if not asked <= {each.value for each in scopes}:
                raise ProblemError(400, "invalid_scope", "the client has not all of these scopes")
            scopes = frozenset(Scope(each) for each in asked)
        token, life = secrets.token_urlsafe(32), hosted.settings.token_seconds
        self._tokens[_hash(token)] = Caller(client, hosted, scopes, self._clock() + life)
        while len(self._tokens) > _TOKENS:
            self._tokens.popitem(last=False)
        return token, life, " ".join(sorted(scopes))

    async def enter(self, authorization: str, certificate: bytes | None) -> Caller:
        """Return who calls.

        Raises:
            ProblemError: `TOKEN_MISSING` or `TOKEN_INVALID`.
        """
        scheme, _, token = authorization.partition(" ")
        if not authorization and certificate is not None:
            found = self._certificates.get(hashlib.sha256(certificate).hexdigest())
            if found is None:
                raise _unknown("TOKEN_MISSING", "no client has this certificate, and there is no access token")
            return Caller(found[0], found[1], frozenset(found[0].scopes))
        if not authorization:
            raise _unknown("TOKEN_MISSING", "there is no access token")
        if scheme.lower() != "bearer" or not token:
            raise _unknown("TOKEN_INVALID", "the access token is not valid, or over")
        caller = self._tokens.get(_hash(token))
        if caller is not None and caller.expires > self._clock():
            return caller
        return await self._of_issuer(token)

    async def _of_issuer(self, token: str) -> Caller:
        for issuer in self._issuers.values():
            claims = await issuer.claims(token)
            if claims is None:
                continue
            name = claims.get("client_id", claims.get("azp", ""))
            client, hosted = self._clients.get(str(name), (None, None))
            if client is None or hosted is None or hosted.settings.issuer != issuer.settings:
                break
            scope = claims.get("scope", "")
            said = set(scope.split()) if isinstance(scope, str) else set()
            left = float(claims["exp"]) - time.time()
            scopes = frozenset(each for each in client.scopes if each.value in said)
            return Caller(client, hosted, scopes, self._clock() + left)
        raise _unknown("TOKEN_INVALID", "the access token is not valid, or over")


class _Issuer:
    """An issuer's keys, fetched when a token needs them."""

    def __init__(
        self, settings: IssuerSettings, clock: Callable[[], float], http: Callable[[], httpx.AsyncClient]
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._http = http
        self._keys: KeySet | None = None
        self._fetched = float("-inf")

    async def claims(self, token: str) -> dict[str, Any] | None:
        """Return what a token says, None where it is not this issuer's, not for us, or over."""
        if token.count(".") != 2 or len(token) > 16 * 1024:
            return None
        found = self._decoded(token)
        if found is None and self._clock() - self._fetched > _KEYS_S:
            await self._fetch()
            found = self._decoded(token)
        if found is None:
            return None
        wanted = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": self.settings.audience},
            exp={"essential": True},
        )
        try:
            wanted.validate(found.claims)
        except JoseError:
            return None
        return dict(found.claims)

    def _decoded(self, token: str) -> jwt.Token | None:
        if self._keys is None:
            return None
        try:
            return jwt.decode(token, self._keys, algorithms=_ALGORITHMS)
        except (JoseError, ValueError, TypeError, KeyError):
            return None

    async def _fetch(self) -> None:
        self._fetched = self._clock()
        try:
            async with self._http() as client:
                answer = await client.get(self.settings.jwks)
                answer.raise_for_status()
                self._keys = KeySet.import_key_set(answer.json())
        except (httpx.HTTPError, ValueError, TypeError, KeyError, JoseError) as error:
            log.warning("issuer's keys cannot be fetched", extra={"code": type(error).__name__})


def _digests(client: RestClient) -> list[str]:
    """Return the digests of a client's secrets, read anew: taking a line out takes the secret away."""
    assert client.secrets is not None
    try:
        lines = client.secrets.read_text("ascii").split()
    except (OSError, ValueError):
        log.error("a client's secrets cannot be read", extra={"client": client.id})
        return []
    return [each for each in lines if is_digest(each)][:2]


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _unknown(code: str, detail: str) -> ProblemError:
    error = "" if code == "TOKEN_MISSING" else ' error="invalid_token"'
    return ProblemError(401, code, detail, headers={"www-authenticate": f"Bearer{error}"})
