"""Who may call: tokens, secrets, certificates, an issuer of the organisation's own, and limits."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import RSAKey

from samband.connectors.rest import app
from samband.connectors.rest.auth import Door
from samband.connectors.rest.problems import ProblemError
from samband.connectors.rest.secrets import digest_of_secret, new_secret
from samband.connectors.rest.serving import serving
from samband.connectors.rest.settings import IssuerSettings, RestClient, RestSettings, Scope
from samband.schemas.errors import OperatorError
from tests.rest.conftest import Apis, House, token
from tests.rest.test_messages import concern


async def test_without_a_token_nothing(http: httpx.AsyncClient) -> None:
    """Each address but health, token and description wants a token, and says so in the standard's words."""
    for path in ("/v1/messages", "/v1/inbox", "/v1/events", "/v1/consents", "/v1/units"):
        answer = await http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_MISSING")
        assert answer.headers["www-authenticate"] == "Bearer"
        answer = await http.get(path, headers={"authorization": "Bearer nothing"})
        assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_INVALID")
    for path in ("/health", "/openapi.json"):
        assert (await http.get(path)).status_code == 200
    assert (await http.get("/nowhere")).json()["code"] == "ADDRESS_UNKNOWN"
    assert (await http.delete("/v1/inbox")).json()["code"] == "METHOD"


async def test_a_token(house: House, http: httpx.AsyncClient) -> None:
    """Credentials by Basic or in the form give a token; wrong ones the standard's error."""
    good = await token(http, "skola", house.secrets["skola"])
    assert good.json()["token_type"] == "Bearer"
    assert good.headers["cache-control"] == "no-store"
    form = {
        "grant_type": "client_credentials",
        "client_id": "skola",
        "client_secret": house.secrets["skola"],
        "scope": "inbox",
    }
    assert (await http.post("/oauth2/token", data=form)).json()["scope"] == "inbox"
    for client, secret in (("skola", "wrong"), ("nobody", house.secrets["skola"]), ("skola", house.secrets["social"])):
        answer = await token(http, client, secret)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    wide = await token(http, "skola", house.secrets["skola"], scope="inbox everything")
    assert wide.json()["error"] == "invalid_scope"
    other = await http.post("/oauth2/token", data={"grant_type": "password"})
    assert other.json()["error"] == "unsupported_grant_type"


async def test_a_scope_is_a_limit(house: House, http: httpx.AsyncClient) -> None:
    """A token does what its scopes say and nothing more."""
    answer = await token(http, "skola", house.secrets["skola"], scope="inbox")
    headers = {"authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await http.get("/v1/inbox", headers=headers)).status_code == 200
    denied = await http.post("/v1/messages", headers=headers, json=concern(house))
    assert (denied.status_code, denied.json()["code"]) == (403, "SCOPE_MISSING")
    assert 'scope="send"' in denied.headers["www-authenticate"]


async def test_two_secrets_hold_while_they_change(house: House, http: httpx.AsyncClient) -> None:
    """Two lines are two secrets; one that is taken out is out at once."""
    old, new = house.secrets["skola"], new_secret()
    file = house.folder / "skola" / "rest.secret"
    file.write_text(f"{digest_of_secret(new)}\n{digest_of_secret(old)}\n")
    assert [(await token(http, "skola", each)).status_code for each in (old, new)] == [200, 200]
    file.write_text(f"{digest_of_secret(new)}\n")
    assert [(await token(http, "skola", each)).status_code for each in (old, new)] == [401, 200]


def test_a_token_ends(house: House) -> None:
    """A token ends by itself."""
    house.open("skola")
    now = 0.0
    door = Door(house.hosted, clock=lambda: now)
    made, life, _ = door.token("skola", house.secrets["skola"], "")
    assert _enter(door, made) is not None
    now = life + 1.0
    assert _enter(door, made) is None


def _enter(door: Door, made: str) -> Any:
    import asyncio

    try:
        return asyncio.run(door.enter(f"Bearer {made}", None))
    except ProblemError:
        return None


async def test_guessing_is_slow(house: House, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong secrets from one address are answered a while, and then not at all."""
    monkeypatch.setattr(app, "time", SimpleNamespace(monotonic=lambda: 0.0))  # however long these requests take
    answers = [(await token(http, "skola", "wrong")).status_code for _ in range(40)]
    assert answers[0] == 401
    assert answers[-1] == 429


async def test_limits(house: House, http: httpx.AsyncClient, api: Apis) -> None:
    """Too large a body, a page of a browser, and an address that says something unknown or twice stop at the door."""
    headers = api["skola"].headers | {"content-type": "application/json"}
    large = await http.post("/v1/messages", headers=headers, content=b" " * (2 * 1024 * 1024 + 1))
    assert (large.status_code, large.json()["code"]) == (413, "BODY_SIZE")

    async def unsaid() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    grows = await http.post("/v1/messages", headers=headers, content=unsaid())
    assert (grows.status_code, grows.json()["code"]) == (413, "BODY_SIZE"), "also where no length was said"
    page = await http.get("/v1/inbox", headers=headers | {"origin": "https://evil.example"})
    assert (page.status_code, page.json()["code"]) == (403, "BROWSER")
    for query, code in (("x=1", "QUERY_UNKNOWN"), ("limit=1&limit=2", "QUERY_TWICE"), ("limit=0", "QUERY_FORM")):
        assert (await http.get(f"/v1/inbox?{query}", headers=headers)).json()["code"] == code
    text = await http.post("/v1/messages", headers=headers | {"content-type": "text/plain"}, content=b"{}")
    assert text.status_code == 415


async def test_a_flood_of_one_client(house: House) -> None:
    """A client that calls too often is told to wait; another is not slowed."""
    for name in ("social", "skola"):
        house.open(name, requests_per_minute=20 if name == "skola" else 1000)
    async with (
        serving(house.hosted, RestSettings(listen="127.0.0.1:0"), clock=house.clock) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        made = {
            name: (await token(http, name, house.secrets[name])).json()["access_token"] for name in house.connectors
        }

        async def call(name: str) -> int:
            return (await http.get("/v1/inbox", headers={"authorization": f"Bearer {made[name]}"})).status_code

        statuses = [await call("skola") for _ in range(30)]
        assert statuses[0] == 200
        assert statuses[-1] == 429
        assert await call("social") == 200


class Issuer:
    """The organisation's own issuer."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, parameters={"kid": "one"})
        self.fetched = 0

    def http(self) -> httpx.AsyncClient:
        """Return a client that reaches it."""

        def answer(request: httpx.Request) -> httpx.Response:
            self.fetched += 1
            return httpx.Response(200, json={"keys": [self.key.as_dict(private=False)]})

        return httpx.AsyncClient(transport=httpx.MockTransport(answer))

    def token(self, key: RSAKey | None = None, **changes: Any) -> str:
        """Return an access token."""
        claims = {
            "iss": "https://idp.example",
            "aud": "samband",
            "exp": int(time.time()) + 60,
            "client_id": "skola",
            "scope": "inbox send everything",
        }
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims | changes, key or self.key)


async def test_tokens_of_an_own_issuer(house: House) -> None:
    """A token of the named issuer, for us, for a client of ours, gives the scopes that both say; no other does."""
    issuer = Issuer()
    named = IssuerSettings("https://idp.example", "samband", "https://idp.example/jwks")
    house.open("skola", Scope.INBOX, Scope.CIRCLE, issuer=named)
    door = Door(house.hosted, http=issuer.http)
    caller = await door.enter(f"Bearer {issuer.token()}", None)
    assert caller.scopes == {Scope.INBOX}
    other = RSAKey.generate_key(2048, parameters={"kid": "one"})
    for bad in (
        issuer.token(iss="https://other.example"),
        issuer.token(aud="else"),
        issuer.token(exp=int(time.time()) - 3600),
        issuer.token(client_id="nobody"),
        issuer.token(key=other),
        "eyJhbGciOiJub25lIn0." + issuer.token().split(".")[1] + ".",
        "a.b.c",
    ):
        with pytest.raises(ProblemError):
            await door.enter(f"Bearer {bad}", None)
    assert issuer.fetched == 1, "a wrong token makes nobody fetch keys again and again"


def _certificate(name: str, signer: tuple[Any, x509.Certificate] | None = None) -> tuple[Any, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer[1].subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if signer:
        issuer_key = signer[0].public_key()
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    return key, builder.sign(signer[0] if signer else key, hashes.SHA256())


def _write(folder: Path, name: str, made: tuple[Any, x509.Certificate]) -> tuple[Path, Path]:
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(made[1].public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        made[0].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate, key


@pytest.fixture
async def secure(house: House) -> AsyncIterator[Any]:
    """Serve `skola` over real TLS, and give what makes a client with or without a certificate."""
    authority = _certificate("authority")
    ca, _ = _write(house.folder, "ca", authority)
    server = _write(house.folder, "server", _certificate("localhost", authority))
    system, stranger = _certificate("system", authority), _certificate("stranger", authority)
    connector = house.open("skola")
    client = replace(house.hosted["skola"].settings.client[0], certificate=system[1].fingerprint(hashes.SHA256()).hex())
    settings = RestSettings(listen="localhost:0", certificate=server[0], key=server[1], client_ca=ca, client=(client,))
    settings.check()
    house.hosted["skola"] = type(house.hosted["skola"])(connector.party, connector.service, settings)

    def context(shown: tuple[Any, x509.Certificate] | None) -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=ca)
        if shown:
            made.load_cert_chain(*_write(house.folder, "shown", shown))
        return made

    async with serving(house.hosted, replace(settings, listen="127.0.0.1:0"), clock=house.clock) as port:
        yield lambda shown: httpx.AsyncClient(verify=context(shown), base_url=f"https://localhost:{port}"), {
            "system": system, "stranger": stranger, "self": _certificate("system"), "none": None,
        }  # fmt: skip


async def test_a_certificate_instead_of_a_token(house: House, secure: Any) -> None:
    """The named certificate is enough; another of the same authority isn't, and one of nobody's ends the handshake."""
    client, certificates = secure
    async with client(certificates["system"]) as http:
        assert (await http.get("/v1/inbox")).status_code == 200
    for name in ("stranger", "none"):
        async with client(certificates[name]) as http:
            assert (await http.get("/v1/inbox")).status_code == 401
    async with client(certificates["self"]) as http:
        with pytest.raises(httpx.TransportError):
            await http.get("/v1/inbox")
    async with client(None) as http:
        made = (await token(http, "skola", house.secrets["skola"])).json()["access_token"]
        assert (await http.get("/v1/inbox", headers={"authorization": f"Bearer {made}"})).status_code == 200


def test_settings_that_cannot_be(tmp_path: Path) -> None:
    """Open to the network without TLS, clients that share an id or have nothing to show: said at once."""
    file = tmp_path / "secret"
    for wrong in (
        RestSettings(listen="0.0.0.0:8460"),
        RestSettings(listen="nowhere"),
        RestSettings(certificate=file),
        RestSettings(client_ca=file),
        RestSettings(client=(RestClient("a", file), RestClient("a", file))),
        RestSettings(client=(RestClient("a"),)),
        RestSettings(client=(RestClient("A b", file),)),
        RestSettings(client=(RestClient("a", certificate="5c" * 32),)),
        RestSettings(issuer=IssuerSettings("https://i", "a", "http://i/jwks")),
        RestSettings(token_seconds=0),
    ):
        with pytest.raises(OperatorError) as caught:
            wrong.check()
        assert caught.value.code == "SETTINGS_REST"
    RestSettings(client=(RestClient("a", file),)).check()
