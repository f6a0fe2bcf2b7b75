"""An identity provider that says what a test wants, true or not."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import RSAKey
from yarl import URL

from admin_api.oidc.settings import ProviderSettings
from kleanxmpp.testing_directory import MemoryDirectory
from tests.integration.admin_api.desk import SETTINGS, Desk, opened

CLIENT, SECRET = "chat", "client/secret+with:odd letters"


@cache
def a_key(kid: str = "1") -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


@dataclass(slots=True, kw_only=True)
class Pretender:
    """What it says next: what a test gives here goes over what is right. `tokens` answers for the token endpoint."""

    key: RSAKey = field(default_factory=a_key)
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, str] = field(default_factory=dict)
    tokens: Callable[[], web.Response] | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    redeemed: list[tuple[dict[str, str], str]] = field(default_factory=list)
    keys_read: int = 0
    url: str = ""
    server: TestServer | None = None

    def id_token(self, *, nonce: str) -> str:
        now = int(datetime.now(UTC).timestamp())
        claims = {
            "iss": self.url,
            "sub": "emp-1",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "email": "aylin@firma.test",
            "email_verified": True,
        } | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    async def _describe(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize?realm=x",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "end_session_endpoint": f"{self.url}/end",
            }
            | self.metadata
        )

    async def _authorize(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.query))
        answer = {"state": request.query["state"]} | (self.answer or {"code": str(len(self.asked) - 1)})
        back = URL(request.query["redirect_uri"]).with_query(answer)
        return web.Response(status=302, headers={"Location": str(back)})

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.redeemed.append((form, request.headers.get("Authorization", "")))
        if self.tokens is not None:
            return self.tokens()
        asked = self.asked[int(form["code"])]
        hashed = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if hashed != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        id_token = self.id_token(nonce=asked["nonce"])
        return web.json_response({"access_token": "at", "token_type": "Bearer", "id_token": id_token})

    async def _keys(self, _: web.Request) -> web.Response:
        self.keys_read += 1
        unusable = [{"kty": "oct", "k": "c2VjcmV0"}, {"kty": "AKP", "alg": "ML-DSA-44"}, {"kty": "RSA", "n": 3}, "?"]
        return web.json_response({"keys": [*unusable, self.key.as_dict(private=False)]})

    async def _userinfo(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer at"
        return web.json_response({"sub": "emp-1"} | self.userinfo)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._describe)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_get("/keys", self._keys)
        app.router.add_get("/userinfo", self._userinfo)
        return app


@asynccontextmanager
async def pretending(**facts: Any) -> AsyncIterator[Pretender]:
    """Serve one on a port of its own."""
    pretender = Pretender(**facts)
    async with TestServer(pretender.app()) as server:
        pretender.server, pretender.url = server, str(server.make_url("/")).rstrip("/")
        yield pretender


def settings_for(url: str, **facts: Any) -> ProviderSettings:
    return ProviderSettings(**({"issuer": url, "client_id": CLIENT, "client_secret": SECRET} | facts))


@asynccontextmanager
async def desk_with(*, api: dict[str, Any] | None = None, **providers: ProviderSettings) -> AsyncIterator[Desk]:
    """Open a desk whose companies sign in there; `firma` is the company `firma.test`."""
    sign_in_at = {f"{name}.test": chosen for name, chosen in providers.items()}
    changed = {name: getattr(SETTINGS, name) for name in SETTINGS.__dataclass_fields__} | (api or {})
    async with opened(MemoryDirectory(), settings=type(SETTINGS)(**changed | {"sign_in_at": sign_in_at})) as desk:
        yield desk


async def gone(pretender: Pretender) -> None:
    """Take it off the network."""
    assert pretender.server is not None
    async with asyncio.timeout(5):
        await pretender.server.close()
