"""The doctor on real servers: an unbroken one is green, and each line that a server can break is red on a broken one.

What no server can be made to show (an old version, a full disk, old backups, a wrong clock) is proven on the pure
judgement in tests/unit/doctor.
"""

import json
import sys
from asyncio import create_subprocess_exec, subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from ejabberd.certificate import make_certificate
from ejabberd.launcher import free_ports
from ejabberd.modules import SOURCE, compile_module
from kleanxmpp import settings
from kleanxmpp.cli.doctor import open_doctor
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.desired import GATE
from kleanxmpp.doctor.findings import Level, Report
from kleanxmpp.doctor.run import Doctor
from kleanxmpp.doctor.trial import PREFIX, Patience
from kleanxmpp.model import Company
from tests.contracts.checkup import CheckupContract
from tests.e2e.answers import Circle
from tests.e2e.ejabberd.xmpp_wire import component
from tests.e2e.service import DOMAIN, ROOMS, Service, running_service
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

_SECRET = "component-secret-of-tests"
_QUICK = Patience(end=2.0, removal=2.0)
_ALWAYS_YELLOW = {"version", "backups"}
"""Both servers are older than 26.07, and tests set no place for backups."""

BROKEN: dict[str, list[str]] = {
    "s2s_access: none": ["s2s_access: all"],
    "access: c2s": ["access: all"],
    "starttls_required: true": ["starttls: true"],
    "- external": ["- external", "- anonymous"],
    "- ANONYMOUS": [],
    "- X-OAUTH2": [],
    "auth_use_cache: false": ["auth_use_cache: true"],
    "access_create: klean_component_only": ["access_create: all"],
    "mod_adhoc: {}": [
        "mod_adhoc: {}",
        "mod_register: {}",
        "mod_mqtt: {}",
        "mod_privilege: {}",
        "mod_last: {}",
        "mod_http_upload: {}",
        "mod_push: {include_body: true}",
    ],
    "- klean_kick_users": [],
    "api_permissions:": [
        "api_permissions:",
        "  local: {from: [mod_http_api], who: {ip: 127.0.0.0/8}, what: [connected_users_vhost]}",
    ],
    "klean.firma.test:": ["bot.firma.test: {password: component-secret-of-tests}", "klean.firma.test:"],
}
"""Lines of the configuration, and what a careless operator has there."""

RED = {
    "mod-klean", "s2s", "components", "privilege", "last-activity", "registration", "anonymous", "mechanisms", "tokens",
    "mqtt", "auth-cache", "gate", "api-credential", "public-rooms", "push-content", "certificates", "try-room-creation",
    "try-foreign-room", "try-outside", "try-gate", "try-session-end", "try-comeback",
}  # fmt: skip


async def test_an_unbroken_server_is_green_and_nothing_stays_of_the_trial(service: Service) -> None:
    await service.found()
    process = await create_subprocess_exec(
        sys.executable, "-m", "kleanxmpp.cli", "doctor", "--company", DOMAIN, "--json",
        cwd=service.folder, stdout=subprocess.PIPE,
    )  # fmt: skip
    told, _ = await process.communicate()
    lines = {line["id"]: line for line in json.loads(told)["lines"]}
    assert {name for name, line in lines.items() if line["level"] != "green"} == _ALWAYS_YELLOW, lines
    assert process.returncode == 0

    told_by_service = await service.api("GET", "/doctor")
    assert {line["id"] for line in told_by_service["lines"] if line["level"] != "green"} == _ALWAYS_YELLOW

    assert _SECRET not in str(await service.server.call("klean_checkup", host=DOMAIN))
    people = await service.api("GET", "/users?limit=500")
    assert not [user for user in people["items"] if user["username"].startswith(PREFIX)]
    rooms = await service.server.rooms.all(service=ROOMS)
    assert not [room for room in rooms if room.startswith(PREFIX)]
    for group in await service.server.groups.names(host=DOMAIN):
        assert not [member for member in await service.server.groups.members(group, host=DOMAIN) if PREFIX in member]


async def test_each_promise_that_a_server_breaks_is_a_red_line(tmp_path: Path) -> None:
    async with running_service(tmp_path, version="23.01", start=False) as service:
        service.server_logs_are_ours = False  # the careless operator's modules log what they like
        await _break(service)
        await service.ejabberd.start()
        await service.process.start()
        circle = await service.found()
        for option, value in (("members_only", "false"), ("public", "true"), ("public_list", "true")):
            await service.server.rooms.set_option(circle.slug, service=ROOMS, option=option, value=value)
        stranger = await component(service.ejabberd.component_port, f"bot.{DOMAIN}", _SECRET)
        report = await _examined(service)
        await stranger.close()

        found = {finding.id: finding for finding in report.findings}
        assert {name for name, finding in found.items() if finding.level is Level.RED} == RED, report
        assert found["upload-links"].level is Level.YELLOW
        assert found["try-login"].level is Level.GREEN
        assert "has expired" in found["certificates"].words.en


async def test_a_gate_that_is_gone_and_a_login_that_fails_are_red(own_service: Service) -> None:
    _edit(own_service.ejabberd.files.config, {"access: c2s": ["access: none"]})
    await own_service.calm()
    sweep = await own_service.last_sweep()
    await own_service.ejabberd.restart()
    await own_service.process.wait_answering("/readyz")
    await own_service.calm(sweep_after=sweep)  # the gate that is missing would be made again by that one
    await own_service.server.groups.delete(GATE, host=DOMAIN)
    report = await _examined(own_service)
    red = {finding.id for finding in report.findings if finding.level is Level.RED}
    assert red == {"gate", "try-login"}, report


async def test_what_cannot_be_looked_at_is_not_green(tmp_path: Path) -> None:
    async with running_service(tmp_path, version="23.01", start=False) as service:
        report = await _examined(service)
    green = {finding.id for finding in report.findings if finding.level is Level.GREEN}
    assert green == {"database", "audit-chain", "disk", "sources"}, report
    assert report.count(Level.NOT_CHECKED) == len(report.findings) - len(green) - 1


class EjabberdCheckupWorld:
    def __init__(self, service: Service, doctor: Doctor, company: Company, circle: Circle) -> None:
        self.checkup, self.company, self.room = doctor.checkup, company, f"{circle.slug}@{ROOMS}"
        self._service = service

    async def person(self) -> tuple[str, str]:
        person = await self._service.hire()
        return person.username, person.login.credential

    async def make_room(self, name: str) -> None:
        await self._service.server.rooms.create(name, service=ROOMS, host=DOMAIN, options={})

    async def rooms(self) -> set[str]:
        # a destroyed room may still be found for a moment
        found = await eventually(
            lambda: self._service.server.rooms.all(service=ROOMS),
            lambda rooms: not any(room.startswith(PREFIX) for room in rooms),
            what="the trial's room is gone",
        )
        return {room.partition("@")[0] for room in found}


class TestEjabberdCheckup(CheckupContract):
    @pytest_asyncio.fixture(loop_scope="session")
    async def world(self, service: Service) -> AsyncIterator[EjabberdCheckupWorld]:
        circle = await service.found()
        async with _doctor(service) as (doctor, company):
            yield EjabberdCheckupWorld(service, doctor, company, circle)


async def _break(service: Service) -> None:
    server = service.ejabberd
    (port,) = free_ports(1)
    listener = ["listen:", f"  - port: {port}", '    ip: "127.0.0.1"', "    module: ejabberd_s2s_in"]
    _edit(server.files.config, {**BROKEN, "listen:": listener})
    changed = service.folder / "mod_klean.erl"
    changed.write_text(_without_wall(SOURCE.read_text()))
    await compile_module(server.home, server.files.code, source=changed)
    await make_certificate(server.files.folder / "tls", names=(DOMAIN, "localhost"), days=0)


def _without_wall(source: str) -> str:
    hook = "    ejabberd_hooks:add(filter_packet, ?MODULE, keep_inside, 40),\n"
    assert hook in source
    return source.replace(hook, "")


def _edit(file: Path, edits: dict[str, list[str]]) -> None:
    lines, unused = [], set(edits)
    for line in file.read_text().splitlines():
        content = line.strip()
        unused.discard(content)
        indent = line[: len(line) - len(line.lstrip())]
        lines += [indent + new for new in edits.get(content, [content])]
    assert not unused, f"the configuration has no line like {unused}"
    file.write_text("\n".join(lines) + "\n")


async def _examined(service: Service) -> Report:
    async with _doctor(service) as (doctor, company):
        return await doctor.examine(company)


@asynccontextmanager
async def _doctor(service: Service) -> AsyncIterator[tuple[Doctor, Company]]:
    directory = SqlDirectory(service.database)
    try:
        async with directory.read() as tx:
            company = await tx.company_by_domain(DOMAIN)
        assert company is not None
        async with open_doctor(settings.read(service.folder / "kleanxmpp.toml"), directory) as doctor:
            yield replace(doctor, surroundings=replace(doctor.surroundings, patience=_QUICK)), company
    finally:
        await directory.close()
