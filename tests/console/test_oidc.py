"""Signing in at the organisation's own provider: only what it says whole, to this browser, for us, gives a role."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import RSAKey

from samband.connectors.console.app import console
from samband.connectors.console.ask import House
from samband.connectors.console.roles import Role
from samband.connectors.console.settings import ConsoleSettings
from samband.connectors.web.guard import Settings
from samband.connectors.web.oidc import BACK, Provider
from samband.connectors.web.session import Door
from samband.schemas.errors import OperatorError, SambandError
from samband.streams.settings import load
from tests.console.house import HubHouse

ISSUER, ADDRESS = "https://idp.example", "https://konsol.example"
KEY, OTHER_KEY = (RSAKey.generate_key(2048, parameters={"kid": kid}) for kid in ("one", "two"))
TOML = f"""
address = "{ADDRESS}"
[oidc]
issuer = "{ISSUER}"
client_id = "samband"
client_secret = "secret.txt"
user = "employeeHsaId"
roles = "realm_access.roles"
[oidc.granted]
auditor = ["granskare"]
operator = ["drift", "jour"]
"""


class Idp:
    """A provider: signs whoever `claims` says in, with whatever is changed."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.key: Any = KEY
        self.algorithm = "RS256"
        self.published: list[Any] = [KEY]
        self.asked: dict[str, list[str]] = {}
        self.exchanged: list[dict[str, list[str]]] = []
        self.answer: Callable[[httpx.Request], httpx.Response | None] = lambda request: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        if (changed := self.answer(request)) is not None:
            return changed
        match request.url.path:
            case "/.well-known/openid-configuration":
                found = {"issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/auth",
                         "token_endpoint": f"{ISSUER}/token", "jwks_uri": f"{ISSUER}/keys"}  # fmt: skip
                return httpx.Response(200, json=found | self.metadata)
            case "/keys":
                return httpx.Response(200, json={"keys": [key.as_dict(private=False) for key in self.published]})
            case "/token":
                body = parse_qs(request.content.decode())
                self.exchanged.append(body)
                (challenge,) = self.asked["code_challenge"]
                if create_s256_code_challenge(body["code_verifier"][0]) != challenge:
                    return httpx.Response(400, json={"error": "invalid_grant"})
                return httpx.Response(200, json={"access_token": "x", "token_type": "Bearer", "id_token": self.token()})
        return httpx.Response(404)

    def token(self) -> str:
        """Return an id token."""
        now = int(time.time())
        claims = {
            "iss": ISSUER, "aud": "samband", "sub": "1", "iat": now, "exp": now + 60, "nonce": self.asked["nonce"][0],
            "employeeHsaId": "SE2321000131-ANNA", "realm_access": {"roles": ["granskare", "annat"]}, **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "kid": getattr(self.key, "kid", None)}
        return jwt.encode(header, claims, self.key, algorithms=[self.algorithm])


class World:
    """A console behind TLS, its provider, and browsers."""

    def __init__(self, folder: Path, house: House) -> None:
        (folder / "secret.txt").write_text("hemlig\n")
        (folder / "console.toml").write_text(TOML)
        settings = load(folder / "console.toml", ConsoleSettings)
        settings.check()
        self.idp, self.now = Idp(), 1000.0
        client = httpx.Client(transport=httpx.MockTransport(self.idp))
        self.provider = Provider(settings, client, lambda: self.now)
        self.app = console(
            house, Settings(frozenset({"konsol.example"}), https=True), Door(), lambda: self.now, self.provider
        )

    def begin(self) -> str:
        """Begin in a browser and return what its cookie says; the provider is told the rest."""
        address, browser = self.provider.begin("sv")
        self.idp.asked = parse_qs(urlsplit(address).query)
        return browser

    def finish(self, browser: str, **changes: str) -> Any:
        """Come back in a browser; empty changes leave something out."""
        query = {"state": self.idp.asked["state"][0], "code": "abc", **changes}
        return self.provider.finish({name: value for name, value in query.items() if value}, browser)


@pytest.fixture
def world(tmp_path: Path, hub: HubHouse) -> World:
    return World(tmp_path, House(hub.source, None, hub.attention))


def test_somebody_signs_in(world: World) -> None:
    """Who signs in at the provider has the roles that the claims give and no other, and the code was ours to use."""
    person = world.finish(world.begin())
    assert person[:3] == ("SE2321000131-ANNA", (Role.AUDITOR,), "sv")
    asked, (exchanged,) = world.idp.asked, world.idp.exchanged
    assert (asked["response_type"], asked["code_challenge_method"], asked["redirect_uri"]) == (
        ["code"], ["S256"], [ADDRESS + BACK],
    )  # fmt: skip
    assert exchanged["redirect_uri"] == asked["redirect_uri"]
    world.idp.claims = {"realm_access": {"roles": ["jour", "granskare"]}}
    assert world.finish(world.begin()).roles == (Role.AUDITOR, Role.OPERATOR)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"}, {"aud": "another"}, {"aud": ["another"]}, {"exp": 1}, {"exp": None},
        {"nonce": "another"}, {"nonce": None}, {"sub": None}, {"iat": None}, {"nbf": 9_999_999_999},
        {"aud": ["samband", "another"], "azp": "another"}, {"employeeHsaId": None}, {"employeeHsaId": ""},
        {"employeeHsaId": ["a"]}, {"employeeHsaId": "a\nb"}, {"employeeHsaId": "a" * 65}, {"realm_access": None},
        {"realm_access": {"roles": []}}, {"realm_access": {"roles": ["annat"]}}, {"realm_access": {"roles": 7}},
        {"realm_access": {"roles": [["granskare"]]}}, {"realm_access": "granskare"},
    ],
    ids=str,
)  # fmt: skip
def test_a_claim_that_does_not_hold(world: World, claims: dict[str, Any]) -> None:
    """Another's token, an old one, one of another sign-in, one that names nobody or gives no role signs nobody in."""
    world.idp.claims = claims
    with pytest.raises(SambandError) as refused:
        world.finish(world.begin())
    assert refused.value.code == "CONSOLE_OIDC"
    assert "SE2321000131" not in str(refused.value)


def test_a_token_of_another_key(world: World) -> None:
    """A token that another key signed, or the public key as a secret, or nobody, is refused."""
    world.idp.key = OTHER_KEY
    with pytest.raises(SambandError, match="CONSOLE_OIDC"):
        world.finish(world.begin())
    for forge in (by_secret, lambda body: f"{plain({'alg': 'none'})}.{body}."):
        world.idp.key = KEY
        browser = world.begin()
        forged = forge(world.idp.token().split(".")[1])
        answer = httpx.Response(200, json={"id_token": forged})
        world.idp.answer = lambda request, answer=answer: answer if request.url.path == "/token" else None  # type: ignore[misc]
        with pytest.raises(SambandError, match="CONSOLE_OIDC"):
            world.finish(browser)


def plain(value: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def by_secret(body: str) -> str:
    """Return a token with claims that would hold, signed with the public key as if it were a shared secret."""
    head = plain({"alg": "HS256", "kid": "one"})
    mac = hmac.digest(KEY.as_pem(private=False), f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def test_a_new_key_is_found(world: World) -> None:
    """When the provider changes its key, its keys are read again, at most once a minute."""
    assert world.finish(world.begin())
    world.idp.key, world.idp.published = OTHER_KEY, [KEY, OTHER_KEY]
    with pytest.raises(SambandError):
        world.finish(world.begin())
    world.now += 61
    assert world.finish(world.begin())


def test_the_way_back_is_this_browsers(world: World) -> None:
    """An answer that this browser did not begin, that is used again, late, or another provider's, signs nobody in."""
    browser = world.begin()
    for wrong in (
        {"state": "x"},
        {"state": ""},
        {"iss": "https://evil.example"},
        {"code": ""},
        {"error": "access_denied"},
    ):
        with pytest.raises(SambandError, match="CONSOLE_OIDC"):
            world.finish(world.begin(), **wrong)
    world.begin()
    with pytest.raises(SambandError, match="CONSOLE_OIDC"):
        world.finish(browser)
    browser = world.begin()
    assert world.finish(browser)
    with pytest.raises(SambandError, match="CONSOLE_OIDC"):
        world.finish(browser)
    browser = world.begin()
    world.now += 601
    with pytest.raises(SambandError, match="CONSOLE_OIDC"):
        world.finish(browser)


@pytest.mark.parametrize("metadata", [
    {"issuer": "https://evil.example"}, {"token_endpoint": "http://idp.example/token"}, {"jwks_uri": "file:///etc/passwd"},
    {"authorization_endpoint": "javascript:alert(1)"}, {"token_endpoint": None},
])  # fmt: skip
def test_a_provider_that_is_none(world: World, metadata: dict[str, Any]) -> None:
    """Metadata of another issuer, or an address without TLS, is not followed."""
    world.idp.metadata = metadata
    with pytest.raises(OperatorError):
        world.provider.begin("sv")


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b"{", b"x" * 300_000])
def test_a_provider_that_talks_nonsense(world: World, answer: bytes) -> None:
    """What is not a JSON object of a usual size is an error that says so."""
    world.idp.answer = lambda request: httpx.Response(200, content=answer)
    with pytest.raises(OperatorError):
        world.provider.begin("sv")


@pytest.mark.parametrize("change", [
    ('address = "https://konsol.example"', 'address = "http://konsol.example"'),
    ('address = "https://konsol.example"', 'address = "https://konsol.example/x"'),
    ('issuer = "https://idp.example"', 'issuer = "http://idp.example"'),
    ('issuer = "https://idp.example"', 'issuer = "https://a:b@idp.example"'),
])  # fmt: skip
def test_settings_that_cannot_carry_a_session(tmp_path: Path, change: tuple[str, str]) -> None:
    """Addresses without TLS, or with more than they should have, are refused when the console starts."""
    (tmp_path / "console.toml").write_text(TOML.replace(*change))
    with pytest.raises(OperatorError, match="CONSOLE_ADDRESS"):
        load(tmp_path / "console.toml", ConsoleSettings).check()


async def test_through_the_pages(world: World) -> None:
    """From the link to the overview: the session's cookie is secure and strict, and is sent by a page of our own."""
    transport = httpx.ASGITransport(app=world.app)
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as browser:
        assert 'href="/sv/oidc"' in (await browser.get("/sv/login")).text
        leave = await browser.get("/sv/oidc")
        assert leave.headers["location"].startswith(f"{ISSUER}/auth?")
        assert "HttpOnly" in leave.headers["set-cookie"]
        world.idp.asked = parse_qs(urlsplit(leave.headers["location"]).query)
        back = await browser.get(BACK, params={"state": world.idp.asked["state"][0], "code": "abc"})
        assert back.status_code == 200
        assert '<meta http-equiv="refresh" content="0; url=/sv/">' in back.text
        session = next(each for each in back.headers.get_list("set-cookie") if each.startswith("samband_console="))
        assert "HttpOnly; SameSite=Strict; Secure" in session
        assert back.headers["strict-transport-security"]
        page = await browser.get("/sv/")
        assert "inloggad som SE2321000131-ANNA: granskare" in page.text
        again = await browser.get(BACK, params={"state": world.idp.asked["state"][0], "code": "abc"})
        assert again.status_code == 403
