"""The doctor's border on a real ejabberd: clients' streams, ports and certificates from outside, our module inside."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import aiohttp

from ejabberd.api import EjabberdApi, Refused
from ejabberd.checkup import CheckupRecord, checkup
from ejabberd.modules import source_digest
from ejabberd.records import Json
from kleanxmpp import errors
from kleanxmpp.desired import GATE
from kleanxmpp.doctor.facts import Certificate, Entry, Inside, Listener, NoModule, Stream
from kleanxmpp.doctor.findings import Words
from kleanxmpp.doctor.ports import Device
from kleanxmpp.model import Company

from .device import ClientDevice
from .xml_stream import SASL, TLS, XmlStream, connect

_FAST, _REGISTER = "urn:xmpp:fast:0", "http://jabber.org/features/iq-register"
_EXPIRED = 10  # OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED
_SECONDS = 10.0
_NOBODY = "klean-doctor-nobody"
_CLOSED = frozenset({401, 403, 404})
_NO_MODULE = NoModule(
    why=Words(
        de="mod_klean ist nicht geladen, oder älter als dieses Programm.",
        en="mod_klean is not loaded, or older than this program.",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckupSettings:
    """Where clients connect, and whom they trust. `ca_file` None: the authorities that the machine trusts."""

    xmpp_host: str
    xmpp_port: int
    websocket_url: str | None
    api_url: str
    rooms_prefix: str
    component_prefix: str
    ca_file: Path | None


class EjabberdCheckup:
    """See `kleanxmpp.doctor.ports.Checkup`."""

    def __init__(self, api: EjabberdApi, settings: CheckupSettings) -> None:
        self._api, self._settings = api, settings

    async def release(self) -> tuple[int, int]:
        """Return year and month of the server's release."""
        return (await self._api.status()).release

    async def inside(self, company: Company) -> Inside | NoModule:
        """Ask our module what runs."""
        try:
            found = await checkup(self._api, host=company.domain)
        except Refused as error:
            if error.status == 404:
                return _NO_MODULE
            raise errors.Permanent(
                "ejabberd's API account may not run klean_checkup. Write ejabberd's configuration anew: "
                "kleanxmpp ejabberd config."
            ) from error
        own = f"{self._settings.component_prefix}.{company.domain}"
        return make_inside(found, domain=company.domain, component=own, now=datetime.now(UTC))

    async def stream(self, company: Company) -> Stream:
        """Open a client's stream, look at what is offered, and leave."""
        async with self._connected(company) as stream:
            before = await stream.open()
            after = before
            if before.find(f"{{{TLS}}}starttls") is not None:
                await self._encrypt(stream, _trusting_everybody())
                after = await stream.open()
        return make_stream(before, after)

    async def certificates(self, company: Company) -> tuple[Certificate, ...]:
        """Return the certificates that clients meet."""
        found = [await self._certificate_of_stream(company)]
        if self._settings.websocket_url is not None:
            found.append(await self._certificate_of_websocket(self._settings.websocket_url))
        return tuple(found)

    async def open_commands(self, company: Company) -> frozenset[str]:
        """Return which commands of the server's API run without a credential; those tried change nothing."""
        someone: Mapping[str, Json] = {"user": _NOBODY, "host": company.domain}
        host: Mapping[str, Json] = {"host": company.domain}
        tried = {
            "klean_checkup": host,
            "connected_users_vhost": host,
            "srg_list": host,
            "user_sessions_info": someone,
            "kick_user": someone,
        }
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
            answers = {name: await self._status(session, name, arguments) for name, arguments in tried.items()}
        opened = frozenset(name for name, status in answers.items() if status == 200)
        if not opened and not set(answers.values()) <= _CLOSED:
            raise errors.Temporary("ejabberd's API neither allowed nor refused a command without a credential.")
        return opened

    async def gate_exists(self, company: Company) -> bool:
        """Whether the gate's group is there."""
        return await self._api.groups.info(GATE, host=company.domain) is not None

    async def in_gate(self, company: Company, username: str) -> bool:
        """Whether the gate is open for somebody."""
        return GATE in await self._api.groups.of_user(username, host=company.domain)

    async def close_gate(self, company: Company, username: str) -> None:
        """Close the gate for the synthetic user, past the directory."""
        await self._api.groups.leave([(username, GATE)], host=company.domain)

    async def remove_rooms(self, company: Company, *, prefix: str) -> None:
        """Remove rooms that an interrupted trial made."""
        service = f"{self._settings.rooms_prefix}.{company.domain}"
        names = [room.partition("@")[0] for room in await self._api.rooms.all(service=service)]
        for name in names:
            if name.startswith(prefix):
                await self._api.rooms.destroy(name, service=service)

    @asynccontextmanager
    async def log_in(self, company: Company, username: str, credential: str) -> AsyncIterator[Device]:
        """Try to log in, and leave at the end."""
        async with self._connected(company) as stream:
            async with _in_time():
                entry = await self._entry(stream, username, credential)
            yield ClientDevice(stream, entry, api=self._api)

    async def _entry(self, stream: XmlStream, username: str, credential: str) -> Entry:
        features = await stream.open()
        if features.find(f"{{{TLS}}}starttls") is None:
            return Entry(refused_at="login", condition="no TLS")
        await self._encrypt(stream, self._trust())
        await stream.open()
        condition = await stream.authenticate(username, credential)
        if condition is not None:
            return Entry(refused_at="login", condition=condition)
        await stream.open()
        condition = await stream.bind()
        return Entry() if condition is None else Entry(refused_at="bind", condition=condition)

    def _trust(self) -> ssl.SSLContext:
        """Return whom the synthetic user trusts: on this machine everybody, so that a bad certificate is one line."""
        return _trusting_everybody() if _on_this_machine(self._settings.xmpp_host) else self._verifying()

    def _verifying(self) -> ssl.SSLContext:
        file = self._settings.ca_file
        try:
            return ssl.create_default_context(cafile=None if file is None else str(file))
        except OSError as error:
            raise errors.Invalid(f"doctor.ca_file {file} cannot be read.", field="doctor.ca_file") from error

    @asynccontextmanager
    async def _connected(self, company: Company) -> AsyncIterator[XmlStream]:
        settings = self._settings
        stream = await connect(settings.xmpp_host, settings.xmpp_port, domain=company.domain)
        try:
            yield stream
        finally:
            await stream.close()

    async def _encrypt(self, stream: XmlStream, context: ssl.SSLContext) -> None:
        try:
            await stream.encrypt(context)
        except OSError as error:  # ssl.SSLError among them
            raise errors.Temporary("The clients' port does not speak TLS that could be trusted.") from error

    async def _certificate_of_stream(self, company: Company) -> Certificate:
        async with self._connected(company) as stream:
            await stream.open()
            try:
                await stream.encrypt(self._verifying())
            except ssl.SSLCertVerificationError as error:
                return _refused(company.domain, error)
            except OSError as error:
                raise errors.Temporary("The clients' port does not speak TLS.") from error
            return _accepted(company.domain, stream.certificate())

    async def _certificate_of_websocket(self, url: str) -> Certificate:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
        try:
            _, writer = await asyncio.open_connection(host, port, ssl=self._verifying())
        except ssl.SSLCertVerificationError as error:
            return _refused(host, error)
        except OSError as error:
            raise errors.Temporary(f"There is no TLS connection to {host}:{port}.") from error
        found = _accepted(host, writer.get_extra_info("peercert"))
        writer.transport.abort()
        return found

    async def _status(self, session: aiohttp.ClientSession, command: str, arguments: Mapping[str, Json]) -> int:
        try:
            url = f"{self._settings.api_url.rstrip('/')}/{command}"
            async with session.post(url, json=dict(arguments), allow_redirects=False) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise errors.Temporary(f"ejabberd's API did not answer ({type(error).__name__}).") from error


def make_inside(found: CheckupRecord, *, domain: str, component: str, now: datetime) -> Inside:
    """Return what the module said, as the core's value."""
    known = found.lists["module_route"] | found.lists["host"] | {component}
    return Inside(
        source=found.values["source"],
        expected_source=source_digest(),
        clock_off=now - found.now,
        spool=found.values["spool"],
        auth_use_cache=found.values["auth_use_cache"] != "false",
        auth_methods=found.lists["auth_method"],
        s2s_rule=found.values["s2s_access"],
        s2s_allowed=found.values["s2s_allowed"] != "false",
        modules=found.lists["module"],
        listeners=tuple(
            Listener(
                port=one.port,
                module=one.module,
                tls=one.tls,
                lets_strangers_in=one.access == "open",
                any_sender=one.sender == "anybody",
            )
            for one in found.listeners
        ),
        handlers=frozenset(text.partition(" ")[2] for text in found.lists["handler"]),
        strange_routes=frozenset(one for one in found.lists["route"] - known if one.endswith(f".{domain}")),
        open_rooms=found.lists["open_room"],
        push=found.push,
    )


def make_stream(before: Element, after: Element) -> Stream:
    """Return what a server's features say, before and after TLS."""
    both = [part.tag for features in (before, after) for part in features.iter()]
    return Stream(
        mechanisms_without_tls=_mechanisms(before),
        mechanisms=_mechanisms(after),
        tokens=any(tag.startswith(f"{{{_FAST}}}") for tag in both),
        registration=f"{{{_REGISTER}}}register" in both,
    )


def _mechanisms(features: Element) -> frozenset[str]:
    return frozenset(part.text or "" for part in features.iter(f"{{{SASL}}}mechanism"))


def _accepted(address: str, certificate: Mapping[str, object] | None) -> Certificate:
    ends = str((certificate or {}).get("notAfter", ""))
    if not ends:
        raise errors.Temporary(f"The certificate of {address} cannot be read.")
    return Certificate(
        address=address, fault=None, valid_until=datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)
    )


def _refused(address: str, error: ssl.SSLCertVerificationError) -> Certificate:
    return Certificate(address=address, fault=error.verify_message, expired=error.verify_code == _EXPIRED)


def _trusting_everybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _on_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_SECONDS):
            yield
    except TimeoutError as error:
        raise errors.Temporary("The clients' port did not answer in time.") from error
