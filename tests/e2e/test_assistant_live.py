"""The assistant on a real server: found, greeted by, asked by chat, by command and by search."""

from pathlib import Path

import pytest

from component.addresses import Addresses
from component.handlers.assistant import assistant_handlers
from tests.e2e.component_world import FIRMA, ZWEI, ejabberd_world, live_server
from tests.e2e.raw_client import local

BOT, HOST = "klean@klean.firma.test", "klean.firma.test"


@pytest.mark.e2e
async def test_a_person_finds_a_colleague_by_chat_command_and_search(tmp_path: Path) -> None:
    async with live_server(tmp_path) as live:
        addresses = Addresses(domains=(FIRMA.domain, ZWEI.domain))
        handlers = tuple(assistant_handlers(live.directory, addresses=addresses))
        async with ejabberd_world(live, handlers=handlers) as world:
            asking, wanted = await world.member(), await world.member()
            stranger = await world.member(company=ZWEI)
            link, address = f"xmpp:{wanted}@firma.test?message", f"{wanted}@firma.test"
            client = await world.client(asking)

            await client.send(f"<presence to='{BOT}'/>")
            greeting = await client.wait(lambda stanza: local(stanza) == "message")
            assert asking in "".join(greeting.itertext())

            await client.send(f"<message type='chat' id='m' to='{BOT}'><body>wer {wanted}</body></message>")
            reply = await client.wait(lambda stanza: local(stanza) == "message")
            assert reply.get("from") == BOT and link in "".join(reply.itertext())

            listed = await client.iq(
                "get",
                "<query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/>",
                to=HOST,
            )
            assert [item.get("node") for item in listed[0]] == ["hilfe", "gruppen", "wer", "kontakt"]
            form = f"<x xmlns='jabber:x:data' type='submit'><field var='name'><value>{wanted}</value></field></x>"
            done = await client.iq(
                "set",
                f"<command xmlns='http://jabber.org/protocol/commands' node='wer' sessionid='s'>{form}</command>",
                to=BOT,
            )
            assert address in list(done.itertext())

            found = await client.iq("set", f"<query xmlns='jabber:iq:search'><nick>{wanted}</nick></query>", to=HOST)
            assert [item.get("jid") for item in found.iter("{jabber:iq:search}item")] == [address]

            other = await world.client(stranger, company=ZWEI)
            await other.send(f"<message type='chat' to='{BOT}'><body>wer {wanted}</body></message>")
            await other.settle()
            assert not any(link in "".join(stanza.itertext()) for stanza in other.inbox)

            await live.dismiss(asking)
            await client.send(f"<message type='chat' id='late' to='{BOT}'><body>wer {wanted}</body></message>")
            refusal = await client.wait(lambda stanza: stanza.get("id") == "late")
            assert refusal.get("type") == "error" and link not in "".join(refusal.itertext())
