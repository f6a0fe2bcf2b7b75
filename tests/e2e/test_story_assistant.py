"""The assistant answers in chat, as commands and as search, in the person's own language; strangers get nothing."""

import pytest

from tests.e2e.made_up import new_name
from tests.e2e.seen import Seen
from tests.e2e.service import BOT, COMPONENT, NEIGHBOUR, Service
from tests.e2e.staff import Client, Staff

pytestmark = pytest.mark.asyncio(loop_scope="session")

only_installed = pytest.mark.parametrize("service", ["23.01"], indirect=True)
_COMMANDS = "http://jabber.org/protocol/commands"
_DATA = "{jabber:x:data}"
_SEARCH = "{jabber:iq:search}"


async def ask(client: Client, text: str) -> Seen:
    """Write to the assistant and return the answer."""
    client.forget()
    await client.say(BOT, text)
    return await client.wait_for("message", type="chat", **{"from": BOT}, body=bool)


async def answered(client: Client, text: str) -> str:
    return str((await ask(client, text)).facts["body"])


async def test_the_first_contact_is_greeted_once_with_what_can_be_asked(service: Service, staff: Staff) -> None:
    anna = await service.hire()
    phone = await staff.login(anna.login)
    first = await answered(phone, "Hallo")
    assert f"Guten Tag, {anna.name}!" in first and "Assistent" in first
    for word in ("hilfe", "gruppen", "wer NAME", "kontakt"):
        assert f"• {word}:" in first
    second = await answered(phone, "Hallo")
    assert "Assistent" not in second and f"Guten Tag, {anna.name}!" in second


async def test_adding_the_assistant_as_a_contact_is_enough_to_be_greeted(service: Service, staff: Staff) -> None:
    anna = await service.hire()
    phone = await staff.login(anna.login)
    await phone.send(f"<presence to='{BOT}'/>")
    greeting = await phone.wait_for("message", **{"from": BOT}, body=bool)
    assert anna.name in str(greeting.facts["body"])


async def test_help_in_both_languages(service: Service, staff: Staff) -> None:
    anna, emma = await service.hire("Anna"), await service.hire("Emma", locale="en")
    german, english = await staff.login(anna.login), await staff.login(emma.login)
    await answered(german, "Hallo")
    await answered(english, "Hello")
    for word in ("hilfe", "HELP", "Hilfe!", "hifle"):
        answer = await ask(german, word)
        assert "• gruppen: zeigt die Gruppen" in str(answer.facts["body"]) and answer.facts["lang"] == "de"
        answer = await ask(english, word)
        assert "• groups: shows the groups" in str(answer.facts["body"]) and answer.facts["lang"] == "en"


async def test_what_is_not_understood_gets_help_never_silence(service: Service, staff: Staff) -> None:
    anna = await service.hire()
    phone = await staff.login(anna.login)
    await answered(phone, "Hallo")
    for text in ("asdf", "?!", "<script>alert(1)</script>", "wer", "Wo ist der Schlüssel für Haus 7?"):
        assert "gruppen" in (body := await answered(phone, text)) or "wer Müller" in body


async def test_groups_are_listed_with_links_that_open_them(service: Service, staff: Staff) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    phone = await staff.login(anna.login)
    await answered(phone, "Hallo")
    assert "in keiner Gruppe" in await answered(phone, "gruppen")
    team = await service.found("Nord", moderators=[anna], members=[bernd])
    board = await service.found("Aushang", kind="announcement", members=[anna])
    body = await answered(phone, "Gruppen")
    assert f"{team.name} (2 Mitglieder, Sie moderieren): xmpp:{team.room}?join" in body
    assert f"{board.name} (Ankündigungen, 1 Mitglied): xmpp:{board.room}?join" in body
    await service.api("DELETE", f"/groups/{board.id}")
    assert board.name not in await answered(phone, "groups")


async def test_people_are_found_by_parts_of_the_name_with_umlauts_and_typing_errors(
    service: Service, staff: Staff
) -> None:
    surname = new_name("").strip()
    anna = await service.hire()
    wanted = await service.hire(name=f"Jürgen Groß{surname.lower()}")
    phone = await staff.login(anna.login)
    await answered(phone, "Hallo")
    link = f"xmpp:{wanted.username}@{wanted.jid.partition('@')[2]}?message"
    for query in (f"Groß{surname.lower()}", f"gross{surname}", f"Juergen gross{surname}", f"jurgen grosz{surname}"):
        body = await answered(phone, f"wer {query}")
        assert f"• {wanted.name}: {link}" in body, query
    assert "niemanden gefunden" in await answered(phone, "wer xqzzyqxw")


async def test_leavers_are_not_found(service: Service, staff: Staff) -> None:
    anna, leaver = await service.hire_many("Anna", "Ludwig")
    phone = await staff.login(anna.login)
    await answered(phone, "Hallo")
    assert leaver.username in await answered(phone, f"wer {leaver.name}")
    await service.api("POST", f"/users/{leaver.id}/deactivate", {}, wait=20, expect=200)
    assert leaver.username not in await answered(phone, f"wer {leaver.name}")


async def test_whom_to_ask(service: Service, staff: Staff) -> None:
    anna, boss = await service.hire_many("Anna", "Berta")
    phone = await staff.login(anna.login)
    await answered(phone, "Hallo")
    assert "niemanden, der moderiert" in await answered(phone, "kontakt")
    team = await service.found("Nord", moderators=[boss], members=[anna])
    assert f"• {boss.name} (moderiert {team.name}): xmpp:{boss.jid}?message" in await answered(phone, "Kontakt")


async def test_the_same_commands_are_offered_as_menus(service: Service, staff: Staff) -> None:
    anna, emma = await service.hire("Anna"), await service.hire("Emma", locale="en")
    team = await service.found("Nord", members=[anna, emma])
    query = f"<query xmlns='http://jabber.org/protocol/disco#items' node='{_COMMANDS}'/>"
    for person, titles in (
        (anna, ["Hilfe", "Meine Gruppen", "Person suchen", "Ansprechpersonen"]),
        (emma, ["Help", "My groups", "Find a person", "Whom to ask"]),
    ):
        phone = await staff.login(person.login)
        for address in (COMPONENT, BOT):
            items = list(await phone.iq("get", query, to=address))
            assert [item.get("name") for item in items] == titles
            assert [item.get("node") for item in items] == ["hilfe", "gruppen", "wer", "kontakt"]
        done = await phone.iq("set", f"<command xmlns='{_COMMANDS}' node='gruppen' action='execute'/>", to=BOT)
        assert done.get("status") == "completed"
        values = [value.text for value in done.iter(f"{_DATA}value")]
        assert {team.name, team.room, f"xmpp:{team.room}?join"} <= set(values)


async def test_searching_by_menu_asks_for_the_name_first(service: Service, staff: Staff) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    phone = await staff.login(anna.login)
    form = await phone.iq("set", f"<command xmlns='{_COMMANDS}' node='wer' action='execute'/>", to=COMPONENT)
    assert form.get("status") == "executing"
    assert [field.get("var") for field in form.iter(f"{_DATA}field")] == ["name"]
    filled = f"<x xmlns='jabber:x:data' type='submit'><field var='name'><value>{bernd.name}</value></field></x>"
    session = form.get("sessionid")
    done = await phone.iq(
        "set", f"<command xmlns='{_COMMANDS}' node='wer' action='complete' sessionid='{session}'>{filled}</command>",
        to=COMPONENT,
    )  # fmt: skip
    assert done.get("status") == "completed"
    assert bernd.jid in [value.text for value in done.iter(f"{_DATA}value")]


async def test_the_clients_search_window_finds_colleagues(service: Service, staff: Staff) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    phone = await staff.login(anna.login)
    fields = await phone.iq("get", "<query xmlns='jabber:iq:search'/>", to=COMPONENT)
    assert {"first", "last", "nick"} <= {child.tag.removeprefix(_SEARCH) for child in fields}
    last = bernd.name.rpartition(" ")[2]
    found = await phone.iq("set", f"<query xmlns='jabber:iq:search'><last>{last}</last></query>", to=COMPONENT)
    items = list(found.iter(f"{_SEARCH}item"))
    assert [(item.get("jid"), item.findtext(f"{_SEARCH}nick")) for item in items] == [(bernd.jid, bernd.name)]
    assert [item.findtext(f"{_SEARCH}email") for item in items] in ([""], [None])


async def test_somebody_of_another_company_gets_nothing(service: Service, staff: Staff) -> None:
    anna, stranger = await service.hire(), await service.hire("Mallory", domain=NEIGHBOUR)
    phone, other = await staff.login(anna.login), await staff.login(stranger.login)
    await other.say(BOT, f"wer {anna.name}")
    for payload in (
        f"<query xmlns='jabber:iq:search'><nick>{anna.name}</nick></query>",
        f"<command xmlns='{_COMMANDS}' node='gruppen' action='execute'/>",
    ):
        await other.send(f"<iq type='set' id='q' to='{COMPONENT}'>{payload}</iq>")
    await answered(phone, "hilfe")  # the component answers in order: the stranger has had their turn
    await other.ping()
    answers = [news for news in other.seen if COMPONENT in str(news.facts.get("from"))]
    assert not [news for news in answers if news.facts["type"] != "error"]
    assert not [news for news in answers if news.xml is not None and anna.username in "".join(news.xml.itertext())]


@only_installed
async def test_the_neighbours_have_an_assistant_of_their_own(service: Service, staff: Staff) -> None:
    anna = await service.hire()
    other, colleague = [await service.hire(first, domain=NEIGHBOUR) for first in ("Nora", "Niko")]
    phone = await staff.login(other.login)
    bot = f"klean@klean.{NEIGHBOUR}"
    for person, expected in ((anna, False), (colleague, True)):
        phone.forget()
        await phone.say(bot, f"wer {person.name}")
        answer = await phone.wait_for("message", type="chat", **{"from": bot}, body=bool)
        assert (f"xmpp:{person.jid}" in str(answer.facts["body"])) is expected


async def test_the_component_says_what_it_is(service: Service, staff: Staff) -> None:
    phone = await staff.login((await service.hire()).login)
    info = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
    for address, identity in ((COMPONENT, ("component", "generic")), (BOT, ("client", "bot"))):
        found = await phone.iq("get", info, to=address)
        namespace = "{http://jabber.org/protocol/disco#info}"
        identities = {(one.get("category"), one.get("type")) for one in found.iter(f"{namespace}identity")}
        features = {one.get("var") for one in found.iter(f"{namespace}feature")}
        assert identity in identities
        assert {_COMMANDS, "urn:xmpp:ping", "jabber:iq:version"} <= features
        assert ("jabber:iq:search" in features) is (address == COMPONENT)
        version = await phone.iq("get", "<query xmlns='jabber:iq:version'/>", to=address)
        assert [part.text for part in version][:1] == ["KleanXMPP"]
        await phone.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=address)
    items = await phone.iq("get", "<query xmlns='http://jabber.org/protocol/disco#items'/>", to=COMPONENT)
    assert BOT in {item.get("jid") for item in items}


@only_installed
async def test_who_asks_too_much_is_told_to_wait_and_others_are_not(service: Service, staff: Staff) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    phone, other = await staff.login(anna.login), await staff.login(bernd.login)
    for _ in range(60):
        await phone.say(BOT, "gruppen")
    await phone.wait_for("message", **{"from": BOT}, body=lambda body: "sehr viele Anfragen" in (body or ""))
    assert "gruppen" in await answered(other, "hilfe")
