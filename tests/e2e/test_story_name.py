"""Nobody appears under a colleague's name: names come from the directory, and stay."""

import base64
import hashlib
from collections.abc import Callable
from contextlib import suppress
from xml.etree.ElementTree import Element

import pytest

from tests.e2e.made_up import new_name
from tests.e2e.service import DOMAIN, Person, Service
from tests.e2e.staff import Client, Refused, Staff
from tests.photos import a_picture

pytestmark = pytest.mark.asyncio(loop_scope="session")

_VCARD = "{vcard-temp}"


async def shown_name(client: Client, person: Person) -> dict[str, str | None]:
    """Return what a colleague's client reads in the person's vCard."""
    card = await client.iq("get", "<vCard xmlns='vcard-temp'/>", to=person.jid)
    return {part: card.findtext(f"{_VCARD}{part}") for part in ("FN", "NICKNAME", "URL")}


async def test_a_colleagues_name_is_refused_in_every_room(service: Service, staff: Staff) -> None:
    anna, bernd, mallory = await service.hire_many("Anna", "Bernd", "Mallory")
    shared = await service.found("Nord", members=[anna, mallory])
    elsewhere = await service.found("Süd", members=[bernd, mallory])
    phone = await staff.login(mallory.login)
    for circle in (shared, elsewhere):
        with pytest.raises(Refused, match="conflict"):
            await phone.join(circle.room, anna.name)
        assert mallory.jid not in await service.occupants(circle)


async def test_nobody_changes_to_a_colleagues_name_inside_a_room(service: Service, staff: Staff) -> None:
    anna, mallory = await service.hire_many("Anna", "Mallory")
    team = await service.found("Nord", members=[anna, mallory])
    phone = await staff.login(mallory.login)
    await phone.join(team.room, mallory.name)
    await phone.send(f"<presence to='{team.room}/{anna.name}'/>")
    refusal = await phone.wait_for("presence", type="error")
    assert refusal.facts["error"] in ("conflict", "not-acceptable", "not-allowed")


async def test_nobody_registers_a_name_of_their_own_choice(service: Service, staff: Staff) -> None:
    anna, mallory = await service.hire_many("Anna", "Mallory")
    team = await service.found("Nord", members=[mallory])
    phone = await staff.login(mallory.login)
    form = "<x xmlns='jabber:x:data' type='submit'><field var='nick'><value>{}</value></field></x>"
    wish = f"<query xmlns='jabber:iq:register'>{form}</query>"
    for name in (anna.name, "Chefin"):
        with pytest.raises(Refused):
            await phone.iq("set", wish.format(name), to=f"gruppen.{DOMAIN}")
    assert (await phone.join(team.room, mallory.name)).nick == mallory.name


async def test_what_a_client_writes_over_its_name_is_put_back(service: Service, staff: Staff) -> None:
    anna, mallory = await service.hire_many("Anna", "Mallory")
    await service.found("Nord", members=[anna, mallory])
    phone, other = await staff.login(mallory.login), await staff.login(anna.login)
    card = (
        f"<vCard xmlns='vcard-temp'><FN>{anna.name}</FN><N><FAMILY>{anna.name}</FAMILY></N>"
        f"<NICKNAME>{anna.name}</NICKNAME><URL>xmpp:example.test</URL></vCard>"
    )
    await phone.iq("set", card)
    true_names = {"FN": mallory.name, "NICKNAME": mallory.name, "URL": "xmpp:example.test"}
    assert await shown_name(other, mallory) == true_names
    assert await shown_name(phone, mallory) == true_names
    assert (await other.fetch_contacts())[mallory.jid].name == mallory.name
    names = await service.server.accounts.names(mallory.username, host=DOMAIN)
    assert (names.full_name, names.nickname) == (mallory.name, mallory.name)


async def shown_photo(client: Client, person: Person) -> str | None:
    """Return the hash of the picture that a colleague's client reads in the person's vCard."""
    card = await client.iq("get", "<vCard xmlns='vcard-temp'/>", to=person.jid)
    content = card.findtext(f"{_VCARD}PHOTO/{_VCARD}BINVAL")
    return content and hashlib.sha1(base64.b64decode(content), usedforsecurity=False).hexdigest()


async def test_the_directorys_photo_is_what_colleagues_see_whatever_a_client_writes(
    service: Service, staff: Staff
) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    await service.found("Nord", members=[anna, bernd])
    phone, other = await staff.login(anna.login), await staff.login(bernd.login)
    first = await service.give_photo(anna, a_picture(exif=True))
    await other.wait_for("presence", photo=first)
    assert await shown_photo(other, anna) == first
    own = base64.b64encode(a_picture(kind="PNG", size=(40, 40))).decode()
    forged = f"<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>{own}</BINVAL></PHOTO></vCard>"
    await phone.iq("set", forged)
    assert await shown_photo(other, anna) == await shown_photo(phone, anna) == first
    node = "urn:xmpp:avatar:metadata"
    item = f"<publish node='{node}'><item id='x'><metadata xmlns='{node}'/></item></publish>"
    with pytest.raises(Refused, match="forbidden"):
        await phone.iq("set", f"<pubsub xmlns='http://jabber.org/protocol/pubsub'>{item}</pubsub>")
    second = await service.give_photo(anna, a_picture(colours=((0, 90, 0), (90, 90, 0))))
    await other.wait_for("presence", photo=second)
    await service.calm()
    assert [info.get("id") for info in (await published(other, node, of=anna)).iter(f"{{{node}}}info")] == [second]
    other.forget()
    await service.api("DELETE", f"/users/{anna.id}/photo")
    await other.wait_for("presence", photo="", **{"from": phone.jid})
    assert await shown_photo(other, anna) is None
    await service.calm()
    await phone.iq("set", forged)
    assert await shown_photo(other, anna) is not None


async def test_an_emptied_vcard_keeps_the_name(service: Service, staff: Staff) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    phone = await staff.login(anna.login)
    await phone.iq("set", "<vCard xmlns='vcard-temp'/>")
    other = await staff.login(bernd.login)
    assert (await shown_name(other, anna))["FN"] == anna.name


async def test_two_people_of_the_same_name_are_told_apart(service: Service, staff: Staff) -> None:
    name = new_name("Maria")
    first, second = await service.hire(name=name), await service.hire(name=name)
    bernd = await service.hire("Bernd")
    assert first.username != second.username
    team = await service.found("Nord", members=[first, second, bernd])
    phone = await staff.login(bernd.login)
    shown = {phone.contacts[person.jid].name for person in (first, second)}
    assert len(shown) == 2 and all(name in (one or "") for one in shown)
    nicks = set()
    for person in (first, second):
        own = await staff.login(person.login)
        nick = (await own.stored_bookmarks())[team.room].nick
        assert (await own.join(team.room, nick)).nick == nick
        nicks.add(nick)
    assert nicks == shown


async def test_in_rooms_the_real_address_of_everybody_is_visible(service: Service, staff: Staff) -> None:
    anna, mallory = await service.hire_many("Anna", "Mallory")
    team = await service.found("Nord", members=[anna, mallory])
    phone, other = await staff.login(mallory.login), await staff.login(anna.login)
    await phone.join(team.room, mallory.name)
    assert (await other.join(team.room, anna.name)).occupants[mallory.name].jid == mallory.jid


async def test_nobody_sends_in_somebody_elses_name(service: Service, staff: Staff) -> None:
    anna, bernd, mallory = await service.hire_many("Anna", "Bernd", "Mallory")
    phone, other = await staff.login(mallory.login), await staff.login(bernd.login)
    await phone.send(f"<message from='{anna.jid}' to='{bernd.jid}' type='chat'><body>Ich bin Anna</body></message>")
    await phone.wait_for("closed")
    await other.has_nothing("message", body="Ich bin Anna")


@pytest.mark.parametrize(
    "disguise",
    [str.upper, str.lower, lambda name: f"{name}.", lambda _: "Geschäftsleitung"],
    ids=["upper", "lower", "dotted", "made up"],
)
async def test_in_a_room_everybody_stands_under_the_own_name_whatever_the_client_asks_for(
    service: Service, staff: Staff, disguise: Callable[[str], str]
) -> None:
    anna, mallory = await service.hire_many("Anna", "Mallory")
    team = await service.found("Nord", members=[anna, mallory])
    phone = await staff.login(mallory.login)
    assert (await phone.join(team.room, disguise(anna.name))).nick == mallory.name
    await phone.say_in(team.room, "Guten Tag")
    other = await staff.login(anna.login)
    await other.join(team.room, anna.name)
    await phone.say_in(team.room, "Wie geht es Ihnen?")
    await other.wait_for("message", body="Wie geht es Ihnen?", **{"from": f"{team.room}/{mallory.name}"})


@pytest.mark.parametrize(
    ("node", "payload"),
    [
        ("http://jabber.org/protocol/nick", "<nick xmlns='http://jabber.org/protocol/nick'>{}</nick>"),
        ("urn:xmpp:vcard4", "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text>{}</text></fn></vcard>"),
    ],
)
async def test_no_name_is_published_past_the_directory(service: Service, staff: Staff, node: str, payload: str) -> None:
    anna, mallory = await service.hire_many("Anna", "Mallory")
    await service.found("Nord", members=[anna, mallory])
    phone, other = await staff.login(mallory.login), await staff.login(anna.login)
    await publish(phone, node, payload.format(anna.name))
    with pytest.raises(Refused):
        await published(other, node, of=mallory)


async def test_the_picture_that_somebody_publishes_is_seen_by_colleagues(service: Service, staff: Staff) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    await service.found("Nord", members=[anna, bernd])
    phone, other = await staff.login(anna.login), await staff.login(bernd.login)
    node, picture = "urn:xmpp:avatar:metadata", "<info bytes='9' id='bild' type='image/png'/>"
    await publish(phone, node, f"<metadata xmlns='{node}'>{picture}</metadata>")
    assert [info.get("id") for info in (await published(other, node, of=anna)).iter(f"{{{node}}}info")] == ["bild"]


async def publish(client: Client, node: str, payload: str) -> None:
    """Publish something of one's own (PEP); a server may refuse that right away."""
    item = f"<publish node='{node}'><item id='current'>{payload}</item></publish>"
    with suppress(Refused):
        await client.iq("set", f"<pubsub xmlns='http://jabber.org/protocol/pubsub'>{item}</pubsub>")


async def published(client: Client, node: str, *, of: Person) -> Element:
    """Read what a colleague published. Raises Refused."""
    request = f"<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='{node}'/></pubsub>"
    return await client.iq("get", request, to=of.jid)
