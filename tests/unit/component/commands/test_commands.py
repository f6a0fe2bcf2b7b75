"""Every command with the in-memory directory: what it says, to whom, and what it never says."""

from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from component.commands.base import Answer, Context, Entry, Tap
from component.commands.contact import Contact
from component.commands.conversation import reply_to
from component.commands.groups import MOST as MOST_GROUPS
from component.commands.groups import Groups
from component.commands.offered import COMMANDS, HELP
from component.commands.who import Who
from component.locale import ENGLISH, GERMAN
from kleanxmpp import assistant, errors
from kleanxmpp.model import Role
from kleanxmpp.ports import Transaction
from kleanxmpp.testing_directory import MemoryDirectory
from tests.unit.component.commands.scene import FIRMA, a_directory, a_group, a_user, asking


class Away(MemoryDirectory):
    """A directory whose database does not answer."""

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        raise errors.DirectoryUnavailable


async def without_database(context: Context) -> Context:
    return Context(
        person=context.person, directory=Away(), texts=context.texts, rooms_domain="r", argument=context.argument
    )


@pytest.fixture
async def directory() -> MemoryDirectory:
    return await a_directory()


async def who(directory: MemoryDirectory, argument: str, *, username: str = "anna") -> Answer:
    return await Who().run(await asking(directory, username, argument))


def names(answer: Answer) -> list[str]:
    return [entry.name for entry in answer.entries]


# help


async def test_help_lists_every_command_in_the_persons_language(directory: MemoryDirectory) -> None:
    german = await HELP.run(await asking(directory, "anna"))
    english = await HELP.run(await asking(directory, "bob"))
    assert german.lead.splitlines()[0] == GERMAN.help_lead
    assert english.lead.splitlines()[0] == ENGLISH.help_lead
    for answer, usages in ((german, ("hilfe", "gruppen", "wer NAME", "kontakt")), (english, ("who NAME", "contact"))):
        for usage in usages:
            assert f"• {usage}: " in answer.lead


async def test_no_command_is_offered_to_somebody_who_may_not_chat(directory: MemoryDirectory) -> None:
    context = await asking(directory)
    async with directory.write("c1") as tx:
        carla = await tx.person("c1", "u-carla")
    assert carla is not None
    assert all(command.allows(context.person) and not command.allows(carla) for command in COMMANDS)


def test_every_command_has_a_node_and_words_of_its_own() -> None:
    nodes = [command.node for command in COMMANDS]
    words = [word for command in COMMANDS for word in command.words]
    assert nodes == ["hilfe", "gruppen", "wer", "kontakt"]
    assert len(words) == len(set(words))
    assert {"hilfe", "help", "gruppen", "groups", "wer", "who", "kontakt", "contact"} <= set(words)


# groups


async def test_groups_are_named_with_size_kind_role_and_a_link_that_joins(directory: MemoryDirectory) -> None:
    answer = await Groups().run(await asking(directory))
    assert answer == Answer(
        lead="Sie sind in 2 Gruppen. Zum Öffnen bitte antippen:",
        entries=(
            Entry(
                name="Aushang",
                jid="aushang@gruppen.firma.test",
                tap=Tap.JOIN,
                notes=("Ankündigungen", "3 Mitglieder", "Sie moderieren"),
            ),
            Entry(name="Team Nord", jid="team-nord@gruppen.firma.test", tap=Tap.JOIN, notes=("3 Mitglieder",)),
        ),
    )


async def test_one_group_with_one_member_is_told_in_the_singular() -> None:
    directory = await a_directory(a_user("solo", "Solo Person"))
    async with directory.write("c1") as tx:
        await tx.add_groups([a_group("allein", "Allein")])
        await tx.put_members("g-allein", {"u-solo": Role.MEMBER})
    answer = await Groups().run(await asking(directory, "solo"))
    assert answer.lead == GERMAN.groups_one
    assert answer.entries[0].notes == ("1 Mitglied",)


async def test_a_person_without_groups_hears_so_kindly() -> None:
    directory = await a_directory(a_user("neu", "Neue Person", locale="en"))
    answer = await Groups().run(await asking(directory, "neu"))
    assert answer == Answer(lead=ENGLISH.groups_none)


async def test_very_many_groups_are_cut_and_the_rest_is_counted(directory: MemoryDirectory) -> None:
    many = [a_group(f"g{number}", f"Gruppe {number}") for number in range(MOST_GROUPS + 3)]
    async with directory.write("c1") as tx:
        await tx.add_groups(many)
        for group in many:
            await tx.put_members(group.id, {"u-joerg": Role.MEMBER})
    answer = await Groups().run(await asking(directory, "joerg"))
    assert len(answer.entries) == MOST_GROUPS
    assert answer.close == "Weitere Gruppen: 4"


# who


@pytest.mark.parametrize(
    "query",
    [
        "Müller",
        "mueller",
        "MÜLLER",
        "anna müller",
        "müller anna",
        "ann",
        "üll",
        "Anna Müler",
        "Anna Muller",
        "ist Anna?",
    ],
)
async def test_a_person_is_found_by_parts_of_the_name_however_it_is_spelled(
    directory: MemoryDirectory, query: str
) -> None:
    answer = await who(directory, query, username="joerg")
    assert answer.entries[0] == Entry(name="Anna Müller", jid="anna@firma.test", tap=Tap.MESSAGE)


@pytest.mark.parametrize("query", ["Gross", "groß", "joerg", "Jörg Gros", "jorg"])
async def test_sharp_s_and_umlauts_are_forgiven(directory: MemoryDirectory, query: str) -> None:
    assert names(await who(directory, query)) == ["Jörg Groß"]


@pytest.mark.parametrize("query", ["Zoe", "Carla Weg", "Dora Stumm"])
async def test_other_companies_and_people_who_may_not_chat_are_not_found(
    directory: MemoryDirectory, query: str
) -> None:
    found = names(await who(directory, query))
    assert not {"Zoe Müller", "Carla Weg", "Dora Stumm"} & set(found)


async def test_a_similar_name_is_offered_as_similar_only(directory: MemoryDirectory) -> None:
    exact, similar = await who(directory, "Groß"), await who(directory, "Grosz")
    assert exact.lead.startswith("Das habe ich zu „Groß“ gefunden")
    assert names(similar) == ["Jörg Groß"] and "Ähnliches" in similar.lead


async def test_nobody_found_is_said_with_the_name(directory: MemoryDirectory) -> None:
    answer = await who(directory, "Xaver Unbekannt")
    assert answer == Answer(lead=GERMAN.who_none.format(query="Xaver Unbekannt"))


@pytest.mark.parametrize("query", ["", "   ", "???", "ist", "is ?"])
async def test_without_a_name_the_assistant_asks_for_one(directory: MemoryDirectory, query: str) -> None:
    assert await who(directory, query) == Answer(lead=GERMAN.who_missing)


async def test_ten_people_are_shown_and_the_rest_is_counted() -> None:
    directory = await a_directory(*(a_user(f"m{n}", f"Maria Weber {chr(65 + n)}") for n in range(12)))
    answer = await who(directory, "weber")
    assert len(answer.entries) == 10
    assert answer.close == GERMAN.who_more_many.format(count=2)


async def test_one_person_more_is_told_in_the_singular() -> None:
    directory = await a_directory(*(a_user(f"m{n}", f"Maria Weber {chr(65 + n)}") for n in range(11)))
    assert (await who(directory, "weber")).close == GERMAN.who_more_one


async def test_a_very_long_name_is_cut_before_it_is_repeated(directory: MemoryDirectory) -> None:
    answer = await who(directory, "x" * 5000)
    assert len(answer.lead) < 300


async def test_braces_in_a_name_are_only_text(directory: MemoryDirectory) -> None:
    answer = await who(directory, "an {query.__class__} {0} a")
    assert "an {query.__class__} {0} a" in answer.lead


# contact


async def test_contact_names_the_moderators_of_the_persons_groups_but_not_the_person(
    directory: MemoryDirectory,
) -> None:
    answer = await Contact().run(await asking(directory))
    assert answer == Answer(
        lead=GERMAN.contact_lead.format(company="Firma Sauber"),
        entries=(
            Entry(name="Bob Smith", jid="bob@firma.test", tap=Tap.MESSAGE, notes=("moderiert Aushang, Team Nord",)),
            Entry(name="Jörg Groß", jid="joerg@firma.test", tap=Tap.MESSAGE, notes=("moderiert Aushang",)),
        ),
    )


async def test_contact_says_so_when_nobody_else_moderates() -> None:
    directory = await a_directory(a_user("solo", "Solo Person"))
    answer = await Contact().run(await asking(directory, "solo"))
    assert answer == Answer(lead=GERMAN.contact_none.format(company="Firma Sauber"))


async def test_contact_cuts_long_lists() -> None:
    extra = [a_user(f"m{n:02}", f"Moderator {n:02}") for n in range(12)]
    directory = await a_directory(*extra)
    async with directory.write("c1") as tx:
        await tx.put_members("g-team-nord", {user.id: Role.MODERATOR for user in extra})
    answer = await Contact().run(await asking(directory))
    assert len(answer.entries) == 10
    assert answer.close == GERMAN.contact_more.format(count=4)


# conversation


async def test_the_greeting_comes_with_the_first_reply_and_never_again(directory: MemoryDirectory) -> None:
    greeting = GERMAN.greeting.format(name="Anna Müller", company="Firma Sauber")
    first = await reply_to("gruppen", await asking(directory))
    second = await reply_to("gruppen", await asking(directory))
    assert first == f"{greeting}\n\n{second}"
    assert second.startswith("Sie sind in 2 Gruppen")


async def test_two_first_messages_at_once_are_greeted_once(directory: MemoryDirectory) -> None:
    context = await asking(directory)
    assert [await assistant.greet_once(directory, context.person) for _ in range(3)] == [True, False, False]


async def test_what_is_not_understood_gets_the_overview(directory: MemoryDirectory) -> None:
    await reply_to("hallo", await asking(directory))
    reply = await reply_to("blumenkohl", await asking(directory))
    assert reply.startswith(f"{GERMAN.not_understood}\n\n{GERMAN.help_lead}\n• hilfe")


async def test_a_salutation_is_returned(directory: MemoryDirectory) -> None:
    await reply_to("hi", await asking(directory, "bob"))
    assert (await reply_to("hi", await asking(directory, "bob"))).startswith("Hello, Bob Smith!\n\nThis is what")


@pytest.mark.parametrize("body", ["wer Anna", "kontakt"])
async def test_an_unavailable_directory_is_told_in_words(directory: MemoryDirectory, body: str) -> None:
    await reply_to("hallo", await asking(directory))
    context = await without_database(await asking(directory))
    assert await reply_to(body, context) == GERMAN.unavailable


# who may ask at all


@pytest.mark.parametrize(
    ("domain", "username"),
    [
        ("firma.test", "carla"),
        ("firma.test", "dora"),
        ("firma.test", "nobody"),
        ("firma.test", "zoe"),
        ("zwei.test", "anna"),
        ("drei.test", "anna"),
    ],
)
async def test_nobody_is_known_under_an_address_that_may_not_chat(
    directory: MemoryDirectory, domain: str, username: str
) -> None:
    assert await assistant.person_who_may_chat(directory, domain=domain, username=username) is None


async def test_nobody_of_a_disabled_company_may_ask(directory: MemoryDirectory) -> None:
    async with directory.write() as tx:
        await tx.save_company(replace(FIRMA, enabled=False))
    assert await assistant.person_who_may_chat(directory, domain="firma.test", username="anna") is None
