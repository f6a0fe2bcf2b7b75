"""A person who is erased leaves nothing behind, and nobody ever gets their username."""

import sqlite3

import pytest

from kleanxmpp.desired import GATE
from kleanxmpp.ids import sha256_hex
from tests.e2e.made_up import new_name
from tests.e2e.service import DOMAIN, ROOMS, Person, Service
from tests.e2e.staff import Login, Staff
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_erased_are_unknown_and_their_username_is_given_to_nobody(service: Service, staff: Staff) -> None:
    name = new_name("Ludwig")
    leaver, anna = await service.hire(name=name), await service.hire()
    team = await service.found("Nord", members=[leaver, anna])
    phone = await staff.login(leaver.login)
    await phone.join(team.room, leaver.name)
    answer = await service.api("DELETE", f"/users/{leaver.id}", wait=20, expect=200)
    assert answer["complete"] is True
    await phone.wait_for("closed")

    await service.api("GET", f"/users/{leaver.id}", expect=404)
    assert (await service.api("GET", f"/users/{leaver.id}/offboardings"))["items"][0]["complete"] is True
    assert (await staff.refused_login(leaver.login)).condition == "not-authorized"
    assert await service.affiliations(team) == {anna.jid: "member"}
    names = await service.server.accounts.names(leaver.username, host=DOMAIN)
    assert (names.full_name, names.nickname) == (None, None)

    await service.api("POST", "/users", {"display_name": "Anders", "username": leaver.username}, expect=409)
    namesake = await service.hire(name=name)
    assert namesake.username != leaver.username
    again = await staff.login(namesake.login)
    assert (again.contacts, await again.stored_bookmarks(), await again.archive()) == ({}, {}, [])
    other = await service.found("Süd", members=[namesake])
    assert (await again.join(other.room, name)).nick == name, "the name itself is free again"


async def test_an_erasure_repeats_harmlessly_and_can_follow_a_deactivation(service: Service) -> None:
    leaver = await service.hire("Ludwig")
    await service.api("POST", f"/users/{leaver.id}/deactivate", {}, wait=20, expect=200)
    await service.api("DELETE", f"/users/{leaver.id}", wait=20, expect=200)
    await service.api("DELETE", f"/users/{leaver.id}", wait=20, expect=404)


async def as_if_never_erased(service: Service, person: Person) -> Login:
    """Let the person in again past our directory, to see with their own eyes what the server still has."""
    ghosts = service.folder / "ghosts.db"
    with sqlite3.connect(ghosts) as connection:
        connection.executescript(
            "CREATE TABLE logins (domain, username, secret_sha256); CREATE VIEW may_chat AS SELECT * FROM logins;"
        )
        row = (DOMAIN, person.username, sha256_hex(person.login.credential))
        connection.execute("INSERT INTO logins VALUES (?, ?, ?)", row)
    connection.close()
    extauth = service.folder / "extauth.toml"
    extauth.write_text(extauth.read_text().replace(service.database, f"sqlite:///{ghosts}"))
    await service.server.groups.join([(person.username, GATE)], host=DOMAIN)
    await service.gate_is_open(person.username)
    return person.login


async def test_the_server_keeps_nothing_of_the_erased(own_service: Service, staff: Staff) -> None:
    service = own_service
    leaver, anna = await service.hire_many("Ludwig", "Anna")
    team = await service.found("Nord", members=[leaver, anna])
    phone, other = await staff.login(leaver.login), await staff.login(anna.login)
    await other.is_there()
    body, waiting = new_name("Mein Geheimnis"), new_name("Für später")
    await phone.say(anna.jid, body)
    await other.wait_for("message", body=body)
    await phone.iq("set", "<vCard xmlns='vcard-temp'><URL>https://ludwig.example</URL></vCard>")
    await phone.iq("set", "<query xmlns='jabber:iq:private'><zettel xmlns='urn:x'>privat</zettel></query>")
    published = "<publish node='urn:xmpp:vcard4'><item id='current'><x xmlns='urn:x'>privat</x></item></publish>"
    await phone.iq("set", f"<pubsub xmlns='http://jabber.org/protocol/pubsub'>{published}</pubsub>")
    assert body in await phone.archive()
    await phone.logout()
    await other.say(leaver.jid, waiting)
    await other.ping()
    assert await service.server.accounts.offline_count(leaver.username, host=DOMAIN) == 1

    await service.api("DELETE", f"/users/{leaver.id}", wait=20, expect=200)
    await eventually(lambda: service.sessions(leaver.username), lambda found: not found, what="no session")
    ghost = await staff.login(await as_if_never_erased(service, leaver))
    await ghost.ping()
    assert ghost.find("message") is None
    assert (ghost.contacts, await ghost.stored_bookmarks(), await ghost.archive()) == ({}, {}, [])
    assert await ghost.published_bookmarks() == {}
    assert list(await ghost.iq("get", "<vCard xmlns='vcard-temp'/>")) == []
    private = await ghost.iq("get", "<query xmlns='jabber:iq:private'><zettel xmlns='urn:x'/></query>")
    assert "privat" not in "".join(private.itertext())
    nodes = await ghost.iq("get", "<query xmlns='http://jabber.org/protocol/disco#items'/>", to=ghost.bare)
    assert [node for item in nodes if (node := item.get("node"))] == []
    assert leaver.jid not in (await service.affiliations(team) or {})
    found = await service.server.rooms.affiliations_of(leaver.jid, service=ROOMS, rooms=[team.slug])
    assert found in ({}, {team.slug: "none"})
    assert body in await other.archive(), "what colleagues received is theirs"
