"""The assistant for clients with menus, forms and search windows: XEP-0030, XEP-0050 and XEP-0055."""

from collections.abc import AsyncIterator
from xml.etree.ElementTree import Element

import pytest

from component.commands.rate import Rate
from component.locale import ENGLISH, GERMAN
from tests.integration.component.assistant.talking import BOT, Talk, condition_of, talking
from tests.unit.component.commands.scene import a_directory, a_user

HOST = "klean.firma.test"
BOB = "bob@firma.test/laptop"
COMMANDS = "http://jabber.org/protocol/commands"
INFO = "http://jabber.org/protocol/disco#info"
ITEMS = "http://jabber.org/protocol/disco#items"
SEARCH = "jabber:iq:search"
C, D, S = f"{{{COMMANDS}}}", "{jabber:x:data}", f"{{{SEARCH}}}"


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    async with talking(await a_directory()) as made:
        yield made


def submitted(**values: str) -> str:
    fields = "".join(f"<field var='{name}'><value>{value}</value></field>" for name, value in values.items())
    return f"<x xmlns='jabber:x:data' type='submit'>{fields}</x>"


def command(node: str, inside: str = "", **attributes: str) -> str:
    more = "".join(f" {name}='{value}'" for name, value in attributes.items())
    return f"<command xmlns='{COMMANDS}' node='{node}'{more}>{inside}</command>"


def features(answer: Element) -> set[str | None]:
    return {element.get("var") for element in answer.iter(f"{{{INFO}}}feature")}


def items(answer: Element) -> list[tuple[str | None, str | None, str | None]]:
    return [(e.get("jid"), e.get("node"), e.get("name")) for e in answer.iter(f"{{{ITEMS}}}item")]


def rows(answer: Element) -> list[dict[str | None, str | None]]:
    return [{f.get("var"): f.findtext(f"{D}value") for f in item} for item in answer.iter(f"{D}item")]


async def run(talk: Talk, payload: str, *, sender: str = "anna@firma.test/phone", to: str = HOST) -> Element:
    answer = await talk.iq(payload, type="set", sender=sender, to=to)
    assert condition_of(answer) == ""
    found = answer.find(f"{C}command")
    assert found is not None
    return found


async def test_both_addresses_say_what_they_can_do(talk: Talk) -> None:
    service = features(await talk.iq(f"<query xmlns='{INFO}'/>"))
    bot = features(await talk.iq(f"<query xmlns='{INFO}'/>", to=BOT))
    assert {COMMANDS, SEARCH, INFO, ITEMS} <= service
    assert {COMMANDS, "urn:xmpp:receipts"} <= bot
    assert SEARCH not in bot


@pytest.mark.parametrize("address", [HOST, BOT])
async def test_commands_are_listed_in_the_language_of_who_asks(talk: Talk, address: str) -> None:
    question = f"<query xmlns='{ITEMS}' node='{COMMANDS}'/>"
    german, english = await talk.iq(question, to=address), await talk.iq(question, to=address, sender=BOB)
    assert items(german) == [
        (address, "hilfe", "Hilfe"),
        (address, "gruppen", "Meine Gruppen"),
        (address, "wer", "Person suchen"),
        (address, "kontakt", "Ansprechpersonen"),
    ]
    assert [name for _, _, name in items(english)] == ["Help", "My groups", "Find a person", "Whom to ask"]


async def test_each_command_describes_itself(talk: Talk) -> None:
    answer = await talk.iq(f"<query xmlns='{INFO}' node='wer'/>", sender=BOB)
    identity = next(answer.iter(f"{{{INFO}}}identity"))
    assert (identity.get("category"), identity.get("type"), identity.get("name")) == (
        "automation",
        "command-node",
        "Find a person",
    )
    assert {COMMANDS, "jabber:x:data"} <= features(answer)
    listed = await talk.iq(f"<query xmlns='{INFO}' node='{COMMANDS}'/>")
    assert next(listed.iter(f"{{{INFO}}}identity")).get("type") == "command-list"


async def test_a_command_without_question_is_complete_at_once(talk: Talk) -> None:
    done = await run(talk, command("gruppen", action="execute"), to=BOT)
    assert (done.get("status"), done.get("node")) == ("completed", "gruppen") and done.get("sessionid")
    assert done.findtext(f"{C}note") == "Sie sind in 2 Gruppen. Zum Öffnen bitte antippen:"
    assert rows(done)[1] == {
        "name": "Team Nord",
        "jid": "team-nord@gruppen.firma.test",
        "link": "xmpp:team-nord@gruppen.firma.test?join",
        "note": "3 Mitglieder",
    }
    reported = done.findall(f"{D}x/{D}reported/{D}field")
    assert [(field.get("var"), field.get("type")) for field in reported] == [
        ("name", "text-single"),
        ("jid", "jid-single"),
        ("link", "text-single"),
        ("note", "text-single"),
    ]


async def test_help_and_contact_run_as_commands_too(talk: Talk) -> None:
    shown = await run(talk, command("hilfe"), sender=BOB)
    assert (shown.findtext(f"{C}note") or "").startswith(ENGLISH.help_lead)
    assert shown.find(f"{D}x") is None
    assert [row["jid"] for row in rows(await run(talk, command("kontakt")))] == ["bob@firma.test", "joerg@firma.test"]


async def test_searching_takes_two_steps(talk: Talk) -> None:
    asked = await run(talk, command("wer", action="execute"))
    assert asked.get("status") == "executing"
    actions = asked.find(f"{C}actions")
    assert actions is not None and actions.get("execute") == "complete" and actions.find(f"{C}complete") is not None
    form = asked.find(f"{D}x")
    assert form is not None and form.get("type") == "form"
    [field] = form.findall(f"{D}field")
    assert (field.get("var"), field.get("label")) == ("name", GERMAN.who_question)
    assert field.find(f"{D}required") is not None

    session = asked.get("sessionid") or ""
    done = await run(talk, command("wer", submitted(name="grosz"), action="complete", sessionid=session))
    assert (done.get("status"), done.get("sessionid")) == ("completed", session)
    assert rows(done) == [{"name": "Jörg Groß", "jid": "joerg@firma.test", "link": "xmpp:joerg@firma.test?message"}]


async def test_the_default_action_finishes_as_well(talk: Talk) -> None:
    done = await run(talk, command("wer", submitted(name="Bob"), sessionid="s1"))
    assert done.get("status") == "completed" and len(rows(done)) == 1


@pytest.mark.parametrize(
    "payload",
    [
        command("wer", action="cancel", sessionid="s1"),
        command("wer", "<x xmlns='jabber:x:data' type='cancel'/>", sessionid="s1"),
    ],
)
async def test_a_search_can_be_cancelled(talk: Talk, payload: str) -> None:
    done = await run(talk, payload)
    assert (done.get("status"), done.get("sessionid"), len(done)) == ("canceled", "s1", 0)


@pytest.mark.parametrize(
    ("payload", "condition", "detail"),
    [
        (command("unbekannt"), "item-not-found", None),
        (command("wer", submitted(name="  "), action="complete", sessionid="s1"), "bad-request", "bad-payload"),
        (command("wer", action="complete", sessionid="s1"), "bad-request", "bad-payload"),
        (command("wer", submitted(name="Bob"), action="complete"), "bad-request", "bad-sessionid"),
        (command("wer", action="prev", sessionid="s1"), "bad-request", "bad-action"),
        (command("wer", action="dance", sessionid="s1"), "bad-request", "malformed-action"),
    ],
)
async def test_a_wrong_step_is_refused(talk: Talk, payload: str, condition: str, detail: str | None) -> None:
    refusal = await talk.iq(payload, type="set")
    assert condition_of(refusal) == condition
    assert detail is None or next(refusal.iter(f"{C}{detail}"), None) is not None


STRANGERS = [
    ("carla@firma.test/x", "forbidden"),
    ("nobody@firma.test/x", "forbidden"),
    ("firma.test", "service-unavailable"),
]
QUESTIONS = [
    (command("gruppen"), "set"),
    (f"<query xmlns='{ITEMS}' node='{COMMANDS}'/>", "get"),
    (f"<query xmlns='{INFO}' node='wer'/>", "get"),
    (f"<query xmlns='{SEARCH}'/>", "get"),
    (f"<query xmlns='{SEARCH}'><nick>anna</nick></query>", "set"),
]


@pytest.mark.parametrize(("payload", "type"), QUESTIONS)
async def test_another_company_hears_nothing(talk: Talk, payload: str, type: str) -> None:
    await talk.silence_after(f"<iq type='{type}' id='q' from='zoe@zwei.test/x' to='{HOST}'>{payload}</iq>")


@pytest.mark.parametrize(("payload", "type"), QUESTIONS)
async def test_asking_without_end_is_refused_for_a_while(payload: str, type: str) -> None:
    async with talking(await a_directory(), rate=Rate(burst=1, seconds_each=3600)) as talk:
        assert condition_of(await talk.iq(payload, type=type)) == ""
        refusal = await talk.iq(payload, type=type)
    assert condition_of(refusal) == "resource-constraint"


async def test_answers_of_others_are_not_taken_for_questions(talk: Talk) -> None:
    for payload in (command("gruppen"), f"<query xmlns='{SEARCH}'/>"):
        await talk.silence_after(f"<iq type='result' id='q' from='anna@firma.test/x' to='{HOST}'>{payload}</iq>")


@pytest.mark.parametrize(("sender", "condition"), STRANGERS)
@pytest.mark.parametrize(("payload", "type"), QUESTIONS)
async def test_strangers_learn_nothing(talk: Talk, sender: str, condition: str, payload: str, type: str) -> None:
    refusal = await talk.iq(payload, type=type, sender=sender)
    assert condition_of(refusal) == condition
    assert len(refusal) == 1


@pytest.mark.parametrize(
    ("payload", "type"),
    [(command("gruppen"), "set"), (f"<query xmlns='{SEARCH}'><nick>anna</nick></query>", "set")],
)
async def test_an_unavailable_directory_asks_to_wait(talk: Talk, payload: str, type: str) -> None:
    talk.directory.away = True
    refusal = await talk.iq(payload, type=type)
    assert condition_of(refusal) == "resource-constraint"
    assert next(refusal.iter("{jabber:component:accept}error")).get("type") == "wait"
    assert GERMAN.unavailable in "".join(refusal.itertext())


async def test_a_get_of_a_command_is_refused(talk: Talk) -> None:
    assert condition_of(await talk.iq(command("gruppen"))) == "bad-request"


async def test_the_search_window_gets_its_fields(talk: Talk) -> None:
    query = (await talk.iq(f"<query xmlns='{SEARCH}'/>")).find(f"{S}query")
    assert query is not None and query.findtext(f"{S}instructions") == GERMAN.search_instructions
    assert [child.tag for child in query][1:4] == [f"{S}first", f"{S}last", f"{S}nick"]
    fields = query.findall(f"{D}x/{D}field")
    assert [field.get("var") for field in fields] == ["FORM_TYPE", "first", "last", "nick"]
    assert fields[0].findtext(f"{D}value") == SEARCH


async def test_a_plain_search_gets_items(talk: Talk) -> None:
    answer = await talk.iq(f"<query xmlns='{SEARCH}'><first>Jorg</first><last>Gross</last></query>", type="set")
    [item] = answer.iter(f"{S}item")
    assert item.get("jid") == "joerg@firma.test"
    assert {child.tag.removeprefix(S): child.text for child in item} == {
        "first": "Jörg",
        "last": "Groß",
        "nick": "Jörg Groß",
        "email": None,
    }


async def test_a_search_by_form_gets_a_table(talk: Talk) -> None:
    answer = await talk.iq(f"<query xmlns='{SEARCH}'>{submitted(nick='müller')}</query>", type="set")
    assert rows(answer) == [
        {"jid": "anna@firma.test", "first": "Anna", "last": "Müller", "nick": "Anna Müller", "email": ""}
    ]
    assert list(answer.iter(f"{S}item")) == []


async def test_the_same_name_in_several_fields_is_one_search(talk: Talk) -> None:
    fields = "<nick>*bob*</nick><first>*bob*</first><last>*bob*</last>"
    answer = await talk.iq(f"<query xmlns='{SEARCH}'>{fields}</query>", type="set")
    assert [item.get("jid") for item in answer.iter(f"{S}item")] == ["bob@firma.test"]


async def test_nobody_found_is_an_empty_result(talk: Talk) -> None:
    answer = await talk.iq(f"<query xmlns='{SEARCH}'><nick>xxxxxx</nick></query>", type="set")
    assert condition_of(answer) == "" and list(answer.iter(f"{S}item")) == []


async def test_an_empty_search_lists_nobody(talk: Talk) -> None:
    for inside in ("", "<nick/>", "<email>a@b</email>", submitted(nick=" * ")):
        refusal = await talk.iq(f"<query xmlns='{SEARCH}'>{inside}</query>", type="set")
        assert condition_of(refusal) == "bad-request"


async def test_a_search_shows_fifty_at_most() -> None:
    many = [a_user(f"w{n:02}", f"Maria Weber {n:02}") for n in range(60)]
    async with talking(await a_directory(*many)) as talk:
        answer = await talk.iq(f"<query xmlns='{SEARCH}'><last>weber</last></query>", type="set")
    assert len(list(answer.iter(f"{S}item"))) == 50


async def test_the_assistants_own_address_is_no_search_service(talk: Talk) -> None:
    assert condition_of(await talk.iq(f"<query xmlns='{SEARCH}'/>", to=BOT)) == "service-unavailable"
