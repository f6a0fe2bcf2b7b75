"""A whole sign-in at a real OpenID Connect server (Canaille), with its own pages: login, password, and back."""

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from kleanxmpp import staff_roles
from kleanxmpp.provider_sign_ins import Matches
from kleanxmpp.website_ports import StaffRole
from tests.integration.admin_api.desk import Desk
from tests.integration.website.browser import Browser, browser_at
from tests.integration.website.pretender import CLIENT, SECRET, desk_with, settings_for

PASSWORD = "correct horse battery"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def canaille(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The server, which knows one person. It is imported only here: that takes longer than the test."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    from canaille import create_app
    from canaille.app import models
    from canaille.backends import Backend
    from joserfc.jwk import RSAKey
    from pytest_iam import Server

    port, key = free_port(), RSAKey.generate_key(2048, {"kid": "1"})
    config = {
        "TESTING": True,
        "SECRET_KEY": "for this test",
        "WTF_CSRF_ENABLED": False,
        "PREFERRED_URL_SCHEME": "http",
        "SERVER_NAME": f"localhost:{port}",
        "CANAILLE": {
            "DATABASE": "memory",
            "JAVASCRIPT": False,
            "ACL": {"DEFAULT": {"PERMISSIONS": ["use_oidc"]}},
            "LOGGING": {"version": 1, "disable_existing_loggers": False},
        },
        "CANAILLE_OIDC": {"ACTIVE_JWKS": [key.as_dict(private=True)]},
    }
    server = Server(create_app(config=config, env_file=".no-such-file", env_prefix="NO_SUCH_"), port, Backend.instance)
    running = threading.Thread(target=server.httpd.serve_forever)
    running.start()
    try:
        with server.app.app_context():
            server.backend.save(
                models.User(
                    formatted_name="Aylin Öztürk",
                    family_name="Öztürk",
                    user_name="emp-1",
                    emails=["aylin@firma.test"],
                    password=PASSWORD,
                )
            )
        yield server
    finally:
        server.httpd.shutdown()
        running.join()
        server.httpd.server_close()


def register(canaille: Any, desk: Desk) -> None:
    """Make the desk a client of the server."""
    home = str(desk.client.make_url("/"))
    with canaille.app.app_context():
        client = canaille.models.Client(
            client_id=CLIENT,
            client_secret=SECRET,
            client_name="Chat",
            client_uri=home,
            redirect_uris=[f"{home}oidc/callback"],
            post_logout_redirect_uris=[f"{home}sign-in"],
            contacts=["it@firma.test"],
            grant_types=["authorization_code"],
            response_types=["code"],
            scope=["openid", "email", "profile"],
            token_endpoint_auth_method="client_secret_basic",
        )
        canaille.backend.save(client)
        client.audience = [client]
        canaille.backend.save(client)


async def fill_in(browser: Browser, url: str, **values: str) -> tuple[str, str]:
    """Send the form of the provider's page; return where that leads, and what is there."""
    async with browser.session.get(url) as page:
        fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', await page.text()))
    async with browser.session.post(url, data=fields | values) as answer:
        return str(answer.url), await answer.text()


async def test_a_person_signs_in_with_the_password_of_the_company(canaille: Any) -> None:
    issuer = canaille.url.rstrip("/")
    by_number = settings_for(issuer, claim="sub", matches=Matches.EXTERNAL_ID)
    async with desk_with(firma=by_number) as desk, browser_at(desk) as browser, asyncio.timeout(60):
        register(canaille, desk)
        made = await desk.person("Aylin Öztürk", external_id="emp-1")
        roles = frozenset({StaffRole.HR})
        now = datetime.now(UTC)
        await staff_roles.give(desk.directory, desk.company, made["id"], roles=roles, actor="test", now=now)
        async with browser.session.get(desk.client.make_url("/sign-in/with/firma.test?next=/me")) as page:
            assert str(page.url) == f"{issuer}/login"
        url, _ = await fill_in(browser, f"{issuer}/login", login="emp-1")
        assert url == f"{issuer}/auth/password"
        url, text = await fill_in(browser, url, password="wrong")
        assert url.startswith(issuer), "the provider lets nobody in with a wrong password"
        url, text = await fill_in(browser, f"{issuer}/auth/password", password=PASSWORD)
        assert url == str(desk.client.make_url("/me")) and "Aylin Öztürk" in text
        await browser.open("/me")
        shown = await browser.send("/sign-out")
        assert f'href="{issuer}/oauth/end_session?client_id=chat' in shown.text
        shown = await browser.open("/sign-in/with/firma.test")
        assert (shown.status, shown.path) == (200, "/"), "still signed in at the provider"


async def test_an_address_that_a_real_server_does_not_vouch_for_is_nobodys(canaille: Any) -> None:
    async with (
        desk_with(firma=settings_for(canaille.url.rstrip("/"))) as desk,
        browser_at(desk) as browser,
    ):
        register(canaille, desk)
        await desk.person("Aylin Öztürk", email="aylin@firma.test")
        with canaille.app.app_context():
            canaille.login(canaille.backend.get(canaille.models.User, user_name="emp-1"))
        shown = await browser.open("/sign-in/with/firma.test")
        assert shown.status == 403 and "Your e-mail address is not confirmed" in shown.text
