"""A browser without a screen: keeps cookies, follows redirects, fills in forms, and says where a form came from."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from typing import Any

import aiohttp
from yarl import URL

from kleanxmpp import one_time_links, staff_roles
from kleanxmpp.model import User
from kleanxmpp.website_ports import StaffRole
from tests.integration.admin_api.desk import Desk

_FIELD = re.compile(r'<input[^>]*\bname="([^"]+)"[^>]*\bvalue="([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A page as it came."""

    status: int
    path: str
    headers: Any
    text: str

    @property
    def fields(self) -> dict[str, str]:
        """The fields that come with a value, the hidden ones above all."""
        return {unescape(name): unescape(value) for name, value in _FIELD.findall(self.text)}


@dataclass(slots=True, kw_only=True)
class Browser:
    """One browser at a desk. `language` is what it asks for."""

    desk: Desk
    session: aiohttp.ClientSession
    language: str = "en"
    last: Shown | None = field(default=None)

    async def open(self, path: str, *, headers: dict[str, str] | None = None, follow: bool = True) -> Shown:
        return await self._send("GET", path, None, headers, follow=follow)

    async def send(
        self,
        path: str,
        values: dict[str, Any] | None = None,
        *,
        csrf: str | None = "",
        headers: dict[str, str] | None = None,
        follow: bool = True,
    ) -> Shown:
        """Send a form as our own page does. `csrf` empty: that of the page that was opened last; None: none."""
        sent = dict(values or {})
        if csrf is not None:
            sent["csrf"] = csrf or (self.last.fields.get("csrf", "") if self.last else "")
        return await self._send("POST", path, sent, {"Sec-Fetch-Site": "same-origin"} | (headers or {}), follow=follow)

    async def _send(self, method: str, path: str, form: Any, headers: dict[str, str] | None, *, follow: bool) -> Shown:
        data = aiohttp.FormData(
            [(name, one) for name, value in form.items() for one in (value if isinstance(value, list) else [value])]
        ) if form is not None else None  # fmt: skip
        sent = {"Accept-Language": self.language} | (headers or {})
        url = self.desk.client.make_url(path)
        async with self.session.request(method, url, data=data, headers=sent, allow_redirects=follow) as answer:
            self.last = Shown(
                status=answer.status, path=str(answer.url.relative()), headers=answer.headers, text=await answer.text()
            )
        return self.last

    async def open_until_refused(self, path: str) -> Shown:
        """Open it again and again, until it is too often: meanwhile some of the budget comes back."""
        async with asyncio.timeout(30):
            while (shown := await self.open(path, follow=False)).status != 429:
                pass
        return shown

    async def sign_in(self, *roles: StaffRole, user: User | None = None) -> None:
        """Sign in with a link: as whoever holds it, or as a person, who gets these roles."""
        desk, now = self.desk, datetime.now(UTC)
        if user is not None:
            await staff_roles.give(desk.directory, desk.company, user.id, roles=frozenset(roles), actor="test", now=now)
        _, code = await one_time_links.make_sign_in(
            desk.directory,
            desk.company,
            user_id=user.id if user else None,
            roles=frozenset() if user else frozenset(roles or [StaffRole.ADMIN]),
            actor="test",
            now=now,
        )
        await self.open(f"/sign-in/{code}")
        shown = await self.send(f"/sign-in/{code}")
        assert (shown.status, shown.path) == (200, "/"), shown.text


def cookie_jar(desk: Desk) -> aiohttp.CookieJar:
    """Return a jar that treats the desk's loopback address as browsers do: as safe."""
    origin = URL(str(desk.client.make_url("/"))).origin()
    return aiohttp.CookieJar(unsafe=True, treat_as_secure_origin=origin)


@asynccontextmanager
async def browser_at(desk: Desk) -> AsyncIterator[Browser]:
    """Open a browser that nobody is signed in at."""
    async with aiohttp.ClientSession(cookie_jar=cookie_jar(desk)) as session:
        yield Browser(desk=desk, session=session)
