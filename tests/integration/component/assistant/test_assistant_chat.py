"""Chat with the assistant, stanza in and stanza out."""

import logging
from collections.abc import AsyncIterator

import pytest

from component.commands.rate import Rate
from component.locale import ENGLISH, GERMAN
from tests.integration.component.assistant.talking import (
    ANNA,
    BOT,
    Talk,
    body_of,
    condition_of,
    message,
    talking,
)
from tests.unit.component.commands.scene import a_directory
from tests.unit.component.fake_server import NS, eventually

RECEIPT = "{urn:xmpp:receipts}received"
ASK_RECEIPT = "<request xmlns='urn:xmpp:receipts'/>"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    async with talking(await a_directory()) as made:
        yield made


async def test_a_question_is_answered_to_the_device_that_asked(talk: Talk) -> None:
    await talk.chat("hallo")
    reply = await talk.chat("Gruppen", more="<thread>t1</thread>")
    assert (reply.get("from"), reply.get("to"), reply.get("type")) == (BOT, ANNA, "chat")
    assert reply.get(LANGUAGE) == "de"
    assert reply.findtext(f"{NS}thread") == "t1"
    assert body_of(reply) == (
        "Sie sind in 2 Gruppen. Zum Öffnen bitte antippen:\n"
        "• Aushang (Ankündigungen, 3 Mitglieder, Sie moderieren): xmpp:aushang@gruppen.firma.test?join\n"
        "• Team Nord (3 Mitglieder): xmpp:team-nord@gruppen.firma.test?join"
    )


async def test_the_first_contact_is_greeted_and_a_reply_carries_no_empty_thread(talk: Talk) -> None:
    first = await talk.chat("wer groß")
    greeting = GERMAN.greeting.format(name="Anna Müller", company="Firma Sauber")
    assert body_of(first).startswith(greeting)
    assert body_of(first).endswith("• Jörg Groß: xmpp:joerg@firma.test?message")
    assert first.find(f"{NS}thread") is None


async def test_everybody_is_answered_in_their_own_language_whatever_word_they_used(talk: Talk) -> None:
    bob = "bob@firma.test/laptop"
    await talk.chat("hi", sender=bob)
    assert body_of(await talk.chat("hilfe", sender=bob)).startswith(ENGLISH.help_lead)
    await talk.chat("hi")
    assert body_of(await talk.chat("help")).startswith(GERMAN.help_lead)


async def test_several_companies_share_the_stream_and_never_meet(talk: Talk) -> None:
    zoe, bot = "zoe@zwei.test/x", "klean@klean.zwei.test"
    reply = await talk.chat("wer müller", sender=zoe, to=bot)
    assert (reply.get("from"), reply.get("to")) == (bot, zoe)
    assert "xmpp:zoe@zwei.test?message" in body_of(reply)
    assert "anna" not in body_of(reply)
    assert "zoe" not in body_of(await talk.chat("wer müller"))


async def test_the_components_own_address_answers_too(talk: Talk) -> None:
    reply = await talk.chat("hilfe", to="klean.firma.test", type="normal")
    assert (reply.get("from"), reply.get("type")) == ("klean.firma.test", "normal")


@pytest.mark.parametrize(
    ("sender", "to", "condition"),
    [
        ("carla@firma.test/x", BOT, "forbidden"),
        ("dora@firma.test/x", BOT, "forbidden"),
        ("nobody@firma.test/x", BOT, "forbidden"),
        (ANNA, "boss@klean.firma.test", "item-not-found"),
    ],
)
async def test_whoever_may_not_ask_gets_an_error_without_a_body(
    talk: Talk, sender: str, to: str, condition: str
) -> None:
    refusal = await talk.chat("gruppen", sender=sender, to=to)
    assert condition_of(refusal) == condition
    assert (refusal.get("to"), refusal.get("id"), body_of(refusal)) == (sender, "m1", "")


@pytest.mark.parametrize(
    "stanza",
    [
        message("hilfe", type="error"),
        message("hilfe", type="groupchat"),
        message("hilfe", type="headline"),
        message(""),
        message("", more="<composing xmlns='http://jabber.org/protocol/chatstates'/>"),
        message("", more="<received xmlns='urn:xmpp:receipts' id='r'/>"),
        message("x", more="<received xmlns='urn:xmpp:receipts' id='r'/>"),
        message("hilfe", more="<sent xmlns='urn:xmpp:carbons:2'/>"),
        message("hilfe", more="<received xmlns='urn:xmpp:carbons:2'/>"),
        message("hilfe", more="<result xmlns='urn:xmpp:mam:2'/>"),
        message("hilfe", more="<x xmlns='http://jabber.org/protocol/muc#user'/>"),
        message("> hilfe", more="<reactions xmlns='urn:xmpp:reactions:0' id='r'/>"),
        message("hilfe", sender="team-nord@gruppen.firma.test/Bob"),
        message("hilfe", sender="klean@klean.zwei.test"),
        message("hilfe", sender=BOT),
        message("hilfe", sender="other.firma.test"),
        message("hilfe", sender="zoe@zwei.test/x"),
        message("hilfe", to="klean@klean.zwei.test"),
        message("hilfe", sender="stranger@elsewhere.test/x"),
    ],
)
async def test_what_could_answer_in_turn_is_met_with_silence(talk: Talk, stanza: str) -> None:
    await talk.silence_after(stanza)


async def test_silence_would_be_noticed(talk: Talk) -> None:
    with pytest.raises(AssertionError):
        await talk.silence_after(message("wer anna"))


async def test_a_server_that_writes_in_its_own_name_is_no_person(talk: Talk) -> None:
    assert condition_of(await talk.chat("hilfe", sender="firma.test")) == "service-unavailable"


async def test_a_receipt_is_given_when_asked_for_and_before_the_reply(talk: Talk) -> None:
    receipt = await talk.chat("hilfe", more=ASK_RECEIPT)
    named = receipt.find(RECEIPT)
    assert named is not None and named.get("id") == "m1"
    assert (receipt.get("from"), receipt.get("to"), receipt.get("type")) == (BOT, ANNA, "chat")
    assert body_of(receipt) == ""
    await eventually(lambda: len(talk.server.stanzas("message")) == 2)
    assert body_of(talk.server.stanzas("message")[1])


async def test_nobody_who_may_not_chat_gets_a_receipt(talk: Talk) -> None:
    refusal = await talk.chat("hilfe", sender="carla@firma.test/x", more=ASK_RECEIPT)
    assert refusal.find(RECEIPT) is None and condition_of(refusal) == "forbidden"


async def test_an_encrypted_message_is_answered_with_what_to_do(talk: Talk) -> None:
    reply = await talk.chat("[encrypted]", more="<encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:omemo:2'/>")
    assert body_of(reply) == GERMAN.encrypted


async def test_a_looping_client_gets_one_notice_and_then_nothing() -> None:
    async with talking(await a_directory(), rate=Rate(burst=2, seconds_each=3600)) as talk:
        await talk.chat("hilfe")
        await talk.chat("hilfe")
        assert body_of(await talk.chat("hilfe")) == GERMAN.too_fast
        for _ in range(3):
            await talk.silence_after(message("hilfe"))
        assert body_of(await talk.chat("hilfe", sender="bob@firma.test/x"))


async def test_an_unavailable_directory_is_told_in_words_and_names_nobody(talk: Talk) -> None:
    directory = talk.directory
    directory.away = True
    reply = await talk.chat("gruppen")
    assert body_of(reply) == f"{GERMAN.unavailable}\n{ENGLISH.unavailable}"
    directory.away = False
    assert body_of(await talk.chat("gruppen")).startswith("Guten Tag")


async def test_presence_of_a_new_person_is_greeted_once(talk: Talk) -> None:
    await talk.messages.greet("firma.test", "bob", "laptop")
    await eventually(lambda: len(talk.server.stanzas("message")) == 1)
    greeting = talk.server.stanzas("message")[0]
    assert (greeting.get("from"), greeting.get("to")) == (BOT, "bob@firma.test/laptop")
    assert body_of(greeting).startswith("Hello, Bob Smith!")
    await talk.messages.greet("firma.test", "bob", "laptop")
    await talk.messages.greet("firma.test", "carla")
    await talk.messages.greet("firma.test", "joerg")
    await eventually(lambda: len(talk.server.stanzas("message")) == 2)
    assert talk.server.stanzas("message")[1].get("to") == "joerg@firma.test"
    reply = await talk.chat("help", sender="bob@firma.test/x")
    assert body_of(reply).startswith(ENGLISH.help_lead)
    assert len(talk.server.stanzas("message")) == 3


async def test_a_greeting_is_not_used_up_while_there_is_no_stream_or_no_directory(talk: Talk) -> None:
    talk.directory.away = True
    await talk.messages.greet("firma.test", "bob")
    talk.directory.away = False
    talk.connection.stop()
    await eventually(lambda: not talk.connection.ready)
    await talk.messages.greet("firma.test", "bob")
    async with talk.directory.read() as tx:
        bob = await tx.user_by_username("c1", "bob")
    assert bob is not None and not bob.greeted
    assert talk.server.stanzas("message") == []


async def test_what_people_write_is_in_no_log(talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await talk.chat("wer geheimniskrämer")
    await talk.chat("streng vertraulich geheimniskrämer", sender="carla@firma.test/x")
    assert "geheimnis" not in caplog.text
