"""The `Sender` port over HTTP: one connection for each attempt, to an address that was looked at when it was dialled.

The connection's socket is made only for an address that messages may go to. That is the last moment before connecting,
behind every name, redirect and odd spelling of an address. Nothing of an answer is kept but its status and Retry-After.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from kleanxmpp import __version__, destinations, errors
from kleanxmpp.destinations import Allowed
from kleanxmpp.event_ports import Sent

from .webhook_names import Names

_ENOUGH = 4096
"""Bytes of an answer that are read, so that the receiver may finish; they are thrown away."""
_COURTESY = 1.0
_FORBIDDEN = "The host's address is not a public one, and webhooks.allow_private does not name it."


class _Forbidden(OSError):
    """Nothing may be sent to this address."""


class HttpSender:
    """Implements `kleanxmpp.event_ports.Sender`. `resolver` looks names up; None: as this machine does."""

    def __init__(
        self,
        *,
        allowed: Allowed,
        timeout: float = 10.0,
        ca_file: Path | None = None,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._allowed, self._timeout, self._resolver = allowed, timeout, resolver or Names()
        try:
            self._tls = ssl.create_default_context()
            if ca_file is not None:
                self._tls.load_verify_locations(ca_file)
        except OSError as error:
            raise errors.Invalid(f"The authority {ca_file} cannot be read.", field="webhooks.ca_file") from error

    async def send(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Sent:
        """POST it once. Never raises for what the receiver or the network does."""
        began = time.monotonic()
        status, retry_after, error = None, None, None
        try:
            destinations.checked_url(url, allowed=self._allowed)  # the settings may be other ones by now
            async with asyncio.timeout(self._timeout):
                status, retry_after = await self._post(url, headers=headers, body=body)
        except TimeoutError:
            error = f"No answer within {self._timeout:g} seconds."
        except errors.Invalid as refused:
            error = str(refused)
        except (aiohttp.ClientError, OSError, ValueError) as failed:
            error = _in_words(failed)
        took = round((time.monotonic() - began) * 1000)
        return Sent(status=status, error=error, milliseconds=took, retry_after=retry_after)

    async def _post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> tuple[int, str | None]:
        target = URL(url)
        connector = aiohttp.TCPConnector(
            ssl=self._tls,
            force_close=True,
            use_dns_cache=False,
            resolver=self._resolver,
            socket_factory=self._socket_factory(anything=self._allowed.has_host(target.raw_host or "")),
        )
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                headers={"User-Agent": f"KleanXMPP/{__version__}"},
            ) as session,
            session.post(target, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            with contextlib.suppress(TimeoutError, aiohttp.ClientError):  # it has answered: the rest is a courtesy
                async with asyncio.timeout(_COURTESY):
                    await answer.content.read(_ENOUGH)
            return answer.status, answer.headers.get("Retry-After", "")[:100] or None

    def _socket_factory(self, *, anything: bool) -> Callable[[Any], socket.socket]:
        """Return what makes sockets for allowed addresses only; `anything`: the host's name is allowed."""

        def make(info: tuple[Any, ...]) -> socket.socket:
            family, kind, protocol, _, (host, *_) = info
            address = ipaddress.ip_address(host)
            if not anything and not destinations.may_connect(address, allowed=self._allowed):
                raise _Forbidden(_FORBIDDEN)
            return socket.socket(family=family, type=kind, proto=protocol)

        return make


def _in_words(error: BaseException) -> str:
    """Say what went wrong. Never what the error says: it may quote the receiver."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, _Forbidden):
        return _FORBIDDEN
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "The host's name cannot be found."
        case aiohttp.ClientConnectorCertificateError():
            return "The receiver's certificate is not valid."
        case aiohttp.ClientConnectorSSLError():
            return "No encrypted connection could be made."
        case aiohttp.ClientConnectorError():
            return "The host cannot be connected to."
        case ValueError():
            return "This is no address."
        case _:
            return "The connection ended without an answer."
