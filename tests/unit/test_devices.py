"""When devices were seen: written down once a minute, nothing lost by a restart, and never made up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kleanxmpp import changes, credentials, devices, errors
from kleanxmpp.counting import Counter
from kleanxmpp.device_ports import DeviceSeen
from kleanxmpp.model import Company, Credential, User
from kleanxmpp.testing_directory import MemoryDirectory
from kleanxmpp.testing_server import MemoryServer
from tests.contracts.directory_base import saved_company, saved_user
from tests.factories import a_company

SOON = timedelta(seconds=10)


class Office:
    """A company with somebody who has devices, and the round that looks at them."""

    def __init__(self, directory: MemoryDirectory, company: Company, user: User) -> None:
        self.directory, self.server, self.company, self.user = directory, MemoryServer(), company, user
        self.counter = Counter(directory=directory, server=self.server)

    async def device(self, label: str) -> tuple[Credential, str]:
        now = datetime.now(UTC)
        return await credentials.issue(self.directory, self.company, self.user.id, label=label, actor="test", now=now)

    async def connect(self, resource: str, secret: str) -> None:
        await self.server.apply(self.company, changes.OpenGate(username=self.user.username))
        self.server.log_in(self.company, self.user.username, resource, secret=secret)

    async def look(self, *, now: datetime | None = None) -> None:
        await self.counter.look(now=now or datetime.now(UTC) + SOON)

    async def moments(self) -> dict[str, datetime | None]:
        async with self.directory.read() as tx:
            return {one.label: one.last_seen_at for one in await tx.credentials(self.user.id)}

    async def live(self) -> list[tuple[str, str | None, bool]]:
        found = await devices.live(self.directory, self.server, self.company, self.user, within=1.0)
        return [(one.resource, one.credential.label if one.credential else None, one.awake) for one in found]

    @property
    def waiting(self) -> dict[tuple[str, str], DeviceSeen]:
        return self.server.holdings(self.company).devices.seen


@pytest.fixture
async def office() -> Office:
    directory = MemoryDirectory()
    company = await saved_company(directory, a_company())
    return Office(directory, company, await saved_user(directory, company))


async def test_of_two_devices_the_one_that_connects_is_seen(office: Office) -> None:
    _, phone = await office.device("Phone")
    await office.device("Tablet")
    await office.connect("a", phone)
    await office.look()
    seen = await office.moments()
    assert seen["Tablet"] is None and seen["Phone"] is not None
    assert abs(seen["Phone"] - datetime.now(UTC)) < SOON
    async with office.directory.read() as tx:
        user = await tx.user(office.company.id, office.user.id)
        audit = [entry.action for entry in await tx.page_audit(office.company.id, before=None, limit=9)]
    assert user == office.user and audit == ["credential.issued"] * 2, "no new version, no line in the log"


async def test_what_is_live_says_which_device_it_is(office: Office) -> None:
    _, phone = await office.device("Phone")
    _, tablet = await office.device("Tablet")
    await office.connect("a", phone)
    await office.connect("b", tablet)
    await office.connect("c", "revoked meanwhile")
    office.server.log_in(office.company, office.user.username, "d")
    office.server.lose(office.company, office.user.username, "b")
    assert await office.live() == [("a", "Phone", True), ("b", "Tablet", False), ("c", None, True), ("d", None, True)]


async def test_the_server_forgets_what_is_written_down_and_nothing_before(office: Office) -> None:
    _, phone = await office.device("Phone")
    await office.connect("a", phone)
    office.directory.available = False
    with pytest.raises(errors.DirectoryUnavailable):
        await devices.write_down(office.directory, office.server, office.company, taken=(), now=datetime.now(UTC))
    office.directory.available = True
    assert office.waiting
    await office.look()
    assert office.waiting and (await office.moments())["Phone"]
    await office.look()
    assert not office.waiting


async def test_a_restart_between_two_looks_loses_nothing(office: Office) -> None:
    _, phone = await office.device("Phone")
    await office.look()
    await office.connect("a", phone)
    office.counter = Counter(directory=office.directory, server=office.server)
    await office.look()
    before = (await office.moments())["Phone"]
    await office.server.apply(office.company, changes.EndSessions(username=office.user.username))
    office.counter = Counter(directory=office.directory, server=office.server)
    await office.look()
    after = (await office.moments())["Phone"]
    assert before is not None and after is not None and after > before


async def test_a_server_whose_clock_is_ahead_saw_the_device_now(office: Office) -> None:
    _, phone = await office.device("Phone")
    await office.connect("a", phone)
    now = datetime.now(UTC) - timedelta(hours=1)
    await office.look(now=now)
    assert await office.moments() == {"Phone": now}


class Deaf(MemoryServer):
    """Says nothing about the devices of one company, as an older module does."""

    deaf = ""

    async def devices_seen(self, company: Company, *, taken: object = ()) -> list[DeviceSeen]:
        if company.id == self.deaf:
            raise errors.Permanent("no such command")
        return list(await super().devices_seen(company, taken=[]))


async def test_a_company_that_cannot_be_looked_at_keeps_its_moments_and_stops_nobody(office: Office) -> None:
    _, phone = await office.device("Phone")
    await office.connect("a", phone)
    await office.look()
    before = await office.moments()
    other = await saved_company(office.directory, replace(a_company(), domain="aaa.test"))
    somebody = await saved_user(office.directory, other)
    _, secret = await credentials.issue(
        office.directory, other, somebody.id, label="Tablet", actor="test", now=datetime.now(UTC)
    )
    server = Deaf()
    for company in (office.company, other):
        server.deaf = company.id
        for user, one, credential in ((office.user, office.company, phone), (somebody, other, secret)):
            await server.apply(one, changes.OpenGate(username=user.username))
            server.log_in(one, user.username, "a", secret=credential)
        await Counter(directory=office.directory, server=server).look(now=datetime.now(UTC) + SOON)
        async with office.directory.read() as tx:
            theirs = [one.last_seen_at for one in await tx.credentials(somebody.id)]
            counted = [len(await tx.daily_counts(one.id)) for one in (office.company, other)]
        if company == office.company:
            assert await office.moments() == before and theirs != [None]
    assert (await office.moments())["Phone"] != before["Phone"]
    assert counted == [1, 1], "days are counted all the same"


async def test_revoking_a_device_takes_its_moment_along(office: Office) -> None:
    made, phone = await office.device("Phone")
    await office.connect("a", phone)
    await credentials.revoke(
        office.directory, office.company, office.user.id, made.id, actor="test", now=datetime.now(UTC)
    )
    await office.look()
    assert await office.moments() == {}
