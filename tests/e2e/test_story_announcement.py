"""In an announcement group everybody hears and only moderators speak."""

import pytest

from tests.e2e.made_up import new_name
from tests.e2e.service import Service
from tests.e2e.staff import Client, Staff

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_members_hear_what_moderators_say(service: Service, staff: Staff) -> None:
    boss, anna = await service.hire_many("Berta", "Anna")
    board = await service.found("Aushang", kind="announcement", moderators=[boss], members=[anna])
    speaking, listening = await staff.login(boss.login), await staff.login(anna.login)
    await speaking.join(board.room, boss.name)
    await listening.join(board.room, anna.name)
    body = new_name("Betriebsfest am")
    await speaking.say_in(board.room, body)
    await listening.wait_for("message", type="groupchat", body=body, **{"from": f"{board.room}/{boss.name}"})
    assert body in await listening.archive(of=board.room)


async def test_a_members_message_is_refused_and_reaches_nobody(service: Service, staff: Staff) -> None:
    boss, anna, bernd = await service.hire_many("Berta", "Anna", "Bernd")
    board = await service.found("Aushang", kind="announcement", moderators=[boss], members=[anna, bernd])
    phones: list[Client] = []
    for person in (boss, anna, bernd):
        phones.append(await staff.login(person.login))
        await phones[-1].join(board.room, person.name)
    speaking, member, other = phones
    body = new_name("Ich auch")
    reaction = "<reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>👍</reaction></reactions>"
    for number, content in enumerate((f"<body>{body}</body>", reaction, f"<subject>{body}</subject>")):
        await member.send(f"<message to='{board.room}' type='groupchat' id='r{number}'>{content}</message>")
        refusal = await member.wait_for("message", type="error", id=f"r{number}", **{"from": board.room})
        assert refusal.facts["error"] == "forbidden"
    await speaking.ping()
    for client in (speaking, other):
        await client.has_nothing("message", **{"from": f"{board.room}/{anna.name}"})
    assert body not in await other.archive(of=board.room)


async def test_an_announcement_group_makes_nobody_a_contact(service: Service, staff: Staff) -> None:
    boss, anna = await service.hire_many("Berta", "Anna")
    board = await service.found("Aushang", kind="announcement", moderators=[boss], members=[anna])
    phone = await staff.login(anna.login)
    assert phone.contacts == {}
    assert set(await phone.stored_bookmarks()) == {board.room}


async def test_a_team_that_becomes_an_announcement_group_falls_silent_while_people_are_inside(
    service: Service, staff: Staff
) -> None:
    boss, anna = await service.hire_many("Berta", "Anna")
    team = await service.found("Nord", moderators=[boss], members=[anna])
    speaking, member = await staff.login(boss.login), await staff.login(anna.login)
    await speaking.join(team.room, boss.name)
    await member.join(team.room, anna.name)
    await service.api("PATCH", f"/groups/{team.id}", {"kind": "announcement"})
    await service.calm()
    await member.say_in(team.room, "Darf ich noch?")
    assert (await member.wait_for("message", type="error")).facts["error"] == "forbidden"
    await member.wait_for_contacts(set())

    await service.api("PATCH", f"/groups/{team.id}", {"kind": "team"})
    await service.calm()
    await member.say_in(team.room, "Wieder alle")
    await speaking.wait_for("message", type="groupchat", body="Wieder alle")
    await member.wait_for_contacts({boss.jid})


async def test_who_is_made_moderator_speaks_at_once(service: Service, staff: Staff) -> None:
    boss, anna = await service.hire_many("Berta", "Anna")
    board = await service.found("Aushang", kind="announcement", moderators=[boss], members=[anna])
    phone = await staff.login(anna.login)
    await phone.join(board.room, anna.name)
    await service.api("PUT", f"/groups/{board.id}/members/{anna.id}", {"role": "moderator"})
    await service.calm()
    await phone.say_in(board.room, "Jetzt ich")
    await phone.wait_for("message", type="groupchat", body="Jetzt ich", **{"from": f"{board.room}/{anna.name}"})
