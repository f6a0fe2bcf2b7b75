"""The HTTP API on every supported version: who may use it, and what each typed method really does."""

import asyncio
from xml.etree import ElementTree as ET

import aiohttp
import pytest

from ejabberd.api import EjabberdApi, Refused
from ejabberd.config import GATE_GROUP
from ejabberd.records import RoomAffiliation, RoomOccupant, SharedGroup, ShownNames
from kleanxmpp.errors import Permanent, Temporary
from tests.e2e.ejabberd.ejabberd_world import API_PASSWORD, API_USER, DOMAIN, ROOMS, World

pytestmark = pytest.mark.e2e

BOOKMARKS = "storage:bookmarks"


def bookmark(name: str) -> str:
    return f"<storage xmlns='{BOOKMARKS}'><conference jid='r@{ROOMS}' name='{name}' autojoin='true'/></storage>"


@pytest.mark.parametrize("path", ["/api/v0/kick_user", "/api/kick_user", "/kick_user", "/admin/", "/ws"])
async def test_a_local_process_without_credential_is_refused(world: World, path: str) -> None:
    base = world.server.api_url.removesuffix("/api/v0")
    body = {"user": "anna", "host": DOMAIN}
    async with aiohttp.ClientSession() as session, session.post(base + path, json=body) as response:
        assert response.status in (400, 401, 403, 404)


@pytest.mark.parametrize(
    ("user", "password"),
    [(API_USER, "wrong"), ("klean-api@zwei.test", API_PASSWORD), ("admin@firma.test", API_PASSWORD), ("", "")],
)
async def test_a_wrong_credential_is_refused(world: World, user: str, password: str) -> None:
    async with EjabberdApi(world.server.api_url, user=user, password=password) as api:
        with pytest.raises(Permanent):
            await api.status()


async def test_a_users_credential_is_not_good_for_the_api(world: World) -> None:
    username = await world.person()
    user, password = f"{username}@{DOMAIN}", f"secret:of:{username}"
    async with EjabberdApi(world.server.api_url, user=user, password=password) as api:
        with pytest.raises(Permanent):
            await api.sessions.kick_users([username], host=DOMAIN)


@pytest.mark.parametrize("command", ["stop", "register", "change_password", "oauth_issue_token", "registered_users"])
async def test_commands_that_we_do_not_need_are_refused(world: World, command: str) -> None:
    with pytest.raises(Permanent):
        await world.api.call(command)


async def test_the_service_account_gets_no_token(world: World) -> None:
    """Tokens would outlive a change of the password."""
    base = world.server.api_url.removesuffix("/api/v0")
    async with aiohttp.ClientSession() as session, session.post(base + "/oauth/token") as response:
        assert response.status >= 400


async def test_the_version_is_told(world: World) -> None:
    status = await world.api.status()
    assert status.release == world.server.home.release
    assert status.release >= (23, 1)


async def test_sessions(world: World) -> None:
    username = await world.person()
    assert await world.api.sessions.of_user(username, host=DOMAIN) == ()
    client = await world.login(username, resource="phone")
    (session,) = await world.api.sessions.of_user(username, host=DOMAIN)
    assert session.resource == "phone"
    assert 0 <= session.uptime < 60
    assert client.jid in await world.api.sessions.connected(host=DOMAIN)
    assert await world.api.sessions.kick_users([username], host=DOMAIN) == {username: 1}
    await client.wait_closed()
    async with asyncio.timeout(10):
        while await world.api.sessions.of_user(username, host=DOMAIN):
            pass
    assert await world.api.sessions.kick_users([username], host=DOMAIN) == {username: 0}


async def test_shared_groups(world: World) -> None:
    groups, name, other = world.api.groups, world.new_name("klean-g-"), world.new_name("klean-g-")
    assert await groups.info(name, host=DOMAIN) is None
    await groups.create(other, host=DOMAIN, label="Other")
    await groups.create(name, host=DOMAIN, label="Süd, Halle 3", description="Büro & Flur", display=[name, other])
    assert await groups.info(name, host=DOMAIN) == SharedGroup(
        label="Süd, Halle 3", description="Büro & Flur", display=frozenset({name, other})
    )
    assert {name, other} <= set(await groups.names(host=DOMAIN))
    await groups.join([("anna", name)], host=DOMAIN)
    await groups.join([("anna", name)], host=DOMAIN)
    await groups.create(name, host=DOMAIN, label="Süd")
    assert await groups.info(name, host=DOMAIN) == SharedGroup(label="Süd", description="", display=frozenset())
    assert await groups.members(name, host=DOMAIN) == (f"anna@{DOMAIN}",)
    assert await groups.of_user("anna", host=DOMAIN) & {name, other} == {name}
    await groups.leave([("anna", name)], host=DOMAIN)
    await groups.leave([("anna", name)], host=DOMAIN)
    assert name not in await groups.of_user("anna", host=DOMAIN)
    await groups.delete(name, host=DOMAIN)
    await groups.delete(name, host=DOMAIN)
    assert name not in await groups.names(host=DOMAIN)
    assert await groups.members(name, host=DOMAIN) == ()


async def test_a_member_of_a_group_that_was_never_created_is_found(world: World) -> None:
    """Success of `add_user` proves nothing, and only `members` and `of_user` see such a leftover."""
    groups, name, username = world.api.groups, world.new_name("klean-ghost-"), world.new_name()
    await groups.join([(username, name)], host=DOMAIN)
    assert name not in await groups.names(host=DOMAIN)
    assert await groups.info(name, host=DOMAIN) is None
    assert await groups.of_user(username, host=DOMAIN) == {name}
    assert await groups.members(name, host=DOMAIN) == (f"{username}@{DOMAIN}",)
    await groups.delete(name, host=DOMAIN)
    assert await groups.of_user(username, host=DOMAIN) == frozenset()


async def test_an_unknown_host_is_no_empty_answer(world: World) -> None:
    with pytest.raises((Temporary, Permanent)):
        await world.api.groups.names(host="nowhere.test")
    with pytest.raises((Temporary, Permanent)):
        await world.api.groups.of_user("anna", host="nowhere.test")
    with pytest.raises((Temporary, Permanent)):
        await world.api.rooms.all(service="gruppen.nowhere.test")


async def test_rooms(world: World) -> None:
    rooms, name, jid = world.api.rooms, world.new_name("room"), f"anna@{DOMAIN}"
    where = {"service": ROOMS}
    assert await rooms.options(name, **where) is None
    assert await rooms.affiliations(name, **where) is None
    assert await rooms.affiliations_of(jid, rooms=[name], **where) == {}
    assert await rooms.occupants(name, **where) is None
    await rooms.create(name, host=DOMAIN, options={"title": "Räume: A & B; C", "moderated": "true"}, **where)
    await rooms.create(name, host=DOMAIN, options={"title": "second"}, **where)
    options = await rooms.options(name, **where)
    assert options is not None
    assert options["title"] == "Räume: A & B; C"
    await rooms.set_option(name, option="title", value="Neu: ä", **where)
    options = await rooms.options(name, **where)
    assert options is not None
    assert options["title"] == "Neu: ä"
    assert await rooms.affiliations(name, **where) == ()
    await rooms.set_affiliation(name, jid=jid, affiliation="member", **where)
    entry = RoomAffiliation(jid=jid, affiliation="member", reason="")
    assert await rooms.affiliations(name, **where) == (entry,)
    assert await rooms.affiliations_of(jid, rooms=["no-room", name], **where) == {name: "member"}
    assert await rooms.affiliations_of(f"eve@{DOMAIN}", rooms=[name], **where) == {name: "none"}
    assert f"{name}@{ROOMS}" in await rooms.all(**where)
    assert await rooms.destroy(name, **where)
    async with asyncio.timeout(10):
        while f"{name}@{ROOMS}" in await rooms.all(**where):
            pass
    assert not await rooms.destroy(name, **where)
    with pytest.raises(Refused):
        await rooms.set_affiliation(name, jid=jid, affiliation="member", **where)


async def test_occupants(world: World) -> None:
    username, name = await world.person(), world.new_name("room")
    await world.api.rooms.create(name, service=ROOMS, host=DOMAIN, options={})
    await world.api.rooms.set_affiliation(name, service=ROOMS, jid=f"{username}@{DOMAIN}", affiliation="member")
    client = await world.login(username)
    await client.send(f"<presence to='{name}@{ROOMS}/Änne'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
    await client.wait(lambda element: element.find("{jabber:client}subject") is not None)
    occupant = RoomOccupant(jid=client.jid, nick="Änne", role="participant")
    assert await world.api.rooms.occupants(name, service=ROOMS) == (occupant,)
    await world.api.rooms.set_affiliation(name, service=ROOMS, jid=f"{username}@{DOMAIN}", affiliation="none")
    await client.wait(lambda element: element.get("type") == "unavailable")
    assert await world.api.rooms.occupants(name, service=ROOMS) == ()


async def test_nicknames_on_the_room_service(world: World) -> None:
    rooms, nick = world.api.rooms, world.new_name("Änne ")
    anna, eve = f"anna@{DOMAIN}", f"eve@{DOMAIN}"
    await rooms.register_nick(nick, jid=anna, service=ROOMS)
    await rooms.register_nick(nick, jid=anna, service=ROOMS)
    with pytest.raises(Refused):
        await rooms.register_nick(nick, jid=eve, service=ROOMS)
    await rooms.register_nick(f"{nick} 2", jid=anna, service=ROOMS)
    await rooms.register_nick(nick, jid=eve, service=ROOMS)
    for jid in (anna, eve, eve):
        await rooms.unregister_nick(jid=jid, service=ROOMS)


async def test_names(world: World) -> None:
    accounts, username = world.api.accounts, world.new_name()
    assert await accounts.names(username, host=DOMAIN) == ShownNames(full_name=None, nickname=None)
    await accounts.set_names(username, host=DOMAIN, full_name="Änne <M> & Co 😀", nickname="Änne")
    assert await accounts.names(username, host=DOMAIN) == ShownNames(full_name="Änne <M> & Co 😀", nickname="Änne")
    await accounts.set_names(username, host=DOMAIN, full_name="Anna", nickname="Anna")
    assert await accounts.names(username, host=DOMAIN) == ShownNames(full_name="Anna", nickname="Anna")


async def test_private_storage(world: World) -> None:
    """It does not need the account to exist."""
    accounts, username = world.api.accounts, world.new_name()
    empty = await accounts.private(username, host=DOMAIN, element="storage", namespace=BOOKMARKS)
    assert list(ET.fromstring(empty)) == []
    xml = bookmark("Räume &amp; &lt;mehr&gt;")
    await accounts.set_private({username: xml}, host=DOMAIN)
    answer = await accounts.private(username, host=DOMAIN, element="storage", namespace=BOOKMARKS)
    stored = ET.fromstring(answer)
    assert [room.get("name") for room in stored] == ["Räume & <mehr>"]
    with pytest.raises(Refused):
        await accounts.set_private({username: "<broken"}, host=DOMAIN)


async def test_belongings_of_many_people_in_one_call(world: World) -> None:
    """In any order; what somebody does not have is empty."""
    accounts, known, unknown = world.api.accounts, world.new_name(), world.new_name()
    await accounts.set_names(known, host=DOMAIN, full_name="Änne <M> 😀", nickname="Änne")
    await accounts.set_private({known: bookmark("Räume &amp; mehr")}, host=DOMAIN)
    found = {person.username: person for person in await accounts.belongings([unknown, known], host=DOMAIN)}
    first, second = found[unknown], found[known]
    assert (first.username, first.full_name, first.nickname) == (unknown, "", "")
    assert list(ET.fromstring(first.bookmarks)) == []
    assert (second.username, second.full_name, second.nickname) == (known, "Änne <M> 😀", "Änne")
    assert [room.get("name") for room in ET.fromstring(second.bookmarks)] == ["Räume & mehr"]


async def test_erasing_an_account(world: World) -> None:
    """Everything ejabberd keeps for it goes; memberships of shared groups stay and are ours to remove."""
    accounts, username = world.api.accounts, await world.person()
    sender = await world.login(await world.person())
    await accounts.set_names(username, host=DOMAIN, full_name="Anna", nickname="Anna")
    await accounts.set_private({username: bookmark("Room")}, host=DOMAIN)
    await sender.send(f"<message type='chat' to='{username}@{DOMAIN}'><body>hello</body></message>")
    await sender.barrier()
    assert await accounts.offline_count(username, host=DOMAIN) == 1
    client = await world.login(username)
    world.directory.deactivate(username)
    await accounts.unregister(username, host=DOMAIN)
    await client.wait_closed()
    assert await accounts.names(username, host=DOMAIN) == ShownNames(full_name=None, nickname=None)
    stored = await accounts.private(username, host=DOMAIN, element="storage", namespace=BOOKMARKS)
    assert list(ET.fromstring(stored)) == []
    assert await accounts.offline_count(username, host=DOMAIN) == 0
    assert await world.api.groups.of_user(username, host=DOMAIN) == {GATE_GROUP}
    await accounts.unregister(world.new_name(), host=DOMAIN)
    await accounts.remove_archive(world.new_name(), host=DOMAIN)


async def test_values_of_arguments_do_not_get_into_errors(world: World) -> None:
    with pytest.raises(Refused) as caught:
        await world.api.call("klean_kick_users", users=["anna"], host=DOMAIN, group="secret-value")
    assert str(caught.value) == "ejabberd refused klean_kick_users (400)"
