"""JSON from an identity provider: https (http on loopback only), no redirects, not for long, and not much."""

import asyncio
import ipaddress
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from kleanxmpp import __version__

from .troubles import Away, Untrusted

SECONDS = 10.0
MOST = 512 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came. `body` empty: no JSON object, as errors may be."""

    status: int
    body: Mapping[str, Any]


def checked(address: object) -> URL:
    """Return an address that may be asked. Raises Untrusted."""
    try:
        url = URL(address if isinstance(address, str) else "")
    except ValueError:
        raise Untrusted("an address of the provider cannot be read") from None
    safe = url.scheme == "https" or (url.scheme == "http" and _is_loopback(url.host or ""))
    if not safe or not url.host or url.user is not None:
        raise Untrusted("an address of the provider is not https")
    return url


async def get(address: URL, *, tls: ssl.SSLContext, bearer: str | None = None) -> Mapping[str, Any]:
    """Return what is there, at an address that was `checked`. Raises Away, Untrusted."""
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    answer = await _ask("GET", address, tls=tls, headers=headers, form=None)
    if answer.status != 200:
        raise Untrusted("the provider refused a request")
    return answer.body


async def post(address: URL, *, tls: ssl.SSLContext, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
    """Send a form, and return the answer whatever it is. Raises Away, Untrusted."""
    return await _ask("POST", address, tls=tls, headers=headers, form=form)


async def _ask(
    method: str, url: URL, *, tls: ssl.SSLContext, headers: Mapping[str, str], form: Mapping[str, str] | None
) -> Answer:
    try:
        async with (
            asyncio.timeout(SECONDS),
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=tls, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                headers={"User-Agent": f"KleanXMPP/{__version__}", "Accept": "application/json"},
            ) as session,
            session.request(method, url, data=form, headers=headers, allow_redirects=False) as answer,
        ):
            if answer.status >= 500 or answer.status == 429:
                raise Away("the provider says that it cannot at the moment")
            return Answer(status=answer.status, body=_object(await _read(answer), answer.status))
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise Away("the provider does not answer") from error


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(65_536):
        body += chunk
        if len(body) > MOST:
            raise Untrusted("the provider's answer is too large")
    return bytes(body)


def _object(body: bytes, status: int) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return found
    if status == 200:
        raise Untrusted("the provider's answer is no JSON object")
    return {}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
