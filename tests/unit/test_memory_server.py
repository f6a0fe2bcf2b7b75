"""The twin in memory passes the contract, and can be spoiled the way tests need it."""

import itertools

import pytest

from kleanxmpp import changes, errors
from kleanxmpp.desired import GATE
from kleanxmpp.model import Company
from kleanxmpp.state import Affiliation, Leftovers
from kleanxmpp.testing_devices import mark_of
from kleanxmpp.testing_server import MemoryServer
from tests.contracts.server import ServerContract, look_at

FIRMA = Company(id="c1", domain="firma.test", name="Firma")
ZWEI = Company(id="c2", domain="zwei.test", name="Zwei")


class MemoryWorld:
    company, other = FIRMA, ZWEI

    def __init__(self) -> None:
        self.server = MemoryServer()
        self._numbers = itertools.count(1)

    def name(self, kind: str) -> str:
        return f"{kind}{next(self._numbers)}"

    async def hire(self, kind: str) -> str:
        return self.name(kind)

    async def log_in(self, username: str, *, resource: str) -> None:
        self.server.log_in(self.company, username, resource, secret=f"secret of {username}")

    async def lose(self, username: str, *, resource: str) -> None:
        self.server.lose(self.company, username, resource)

    def mark(self, username: str) -> str:
        return mark_of(f"secret of {username}")

    async def write_to(self, username: str, *, messages: int) -> None:
        self.server.holdings(self.company).leftovers[username] = Leftovers(offline_messages=messages)
        self.server.holdings(self.company).messages_sent += messages

    def rooms_domain(self, company: Company) -> str:
        return f"gruppen.{company.domain}"


@pytest.fixture
async def world() -> MemoryWorld:
    world = MemoryWorld()
    for company in (FIRMA, ZWEI):
        await world.server.apply(company, changes.SetSharedGroup(name=GATE, label="", displayed=False))
    return world


class TestMemoryServer(ServerContract):
    pass


async def test_a_server_that_is_away_knows_and_does_nothing() -> None:
    server = MemoryServer()
    server.away = True
    with pytest.raises(errors.Temporary):
        await server.check()
    with pytest.raises(errors.Temporary):
        await server.observe_user(FIRMA, look_at("anna"))
    with pytest.raises(errors.Temporary):
        await server.apply(FIRMA, changes.OpenGate(username="anna"))
    assert server.applied == []
    assert dict(server.calls) == {"check": 1, "observe_user": 1, "apply": 1}


async def test_a_restored_backup_brings_back_who_had_left_but_no_session() -> None:
    server = MemoryServer()
    await server.apply(FIRMA, changes.OpenGate(username="anna"))
    server.log_in(FIRMA, "anna", "phone")
    backup = server.snapshot()
    await server.apply(FIRMA, changes.CloseGate(username="anna"))
    await server.apply(FIRMA, changes.EndSessions(username="anna"))
    server.restore(backup)
    assert await server.key_holders(FIRMA, GATE) == {"anna"}
    assert await server.online(FIRMA) == frozenset()


async def test_rooms_can_be_spoiled_behind_our_back() -> None:
    server = MemoryServer()
    await server.apply(FIRMA, changes.CreateRoom(room="a", title="A", description="", announcement=False))
    server.tamper_affiliation(FIRMA, "a", "mallory@firma.test", Affiliation.MEMBER)
    server.tamper_options(FIRMA, "a")
    server.add_room(FIRMA, "strange")
    held = server.holdings(FIRMA)
    assert held.rooms["a"].affiliations == {"mallory@firma.test": Affiliation.MEMBER}
    assert not held.rooms["a"].as_promised
    server.remove_room(FIRMA, "a")
    assert await server.room_names(FIRMA) == {"strange"}
