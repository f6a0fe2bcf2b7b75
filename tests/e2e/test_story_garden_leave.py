"""Garden leave: reading announcements and nothing else, until somebody ends it."""

from datetime import UTC, datetime

import pytest

from kleanxmpp import users
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.desired import GATE, READ_ONLY
from kleanxmpp.model import Mode
from tests.e2e.made_up import new_name
from tests.e2e.service import DOMAIN, Person, Service
from tests.e2e.staff import Refused, Staff

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def send_on_garden_leave(service: Service, person: Person) -> dict[str, object]:
    """Begin a garden leave and return its evidence by item."""
    directory = SqlDirectory(service.database)
    try:
        async with directory.read() as tx:
            company = await tx.company_by_domain(DOMAIN)
        assert company is not None
        departure = users.Departure(mode=Mode.GARDEN_LEAVE)
        await users.deactivate(
            directory, company, person.id, departure=departure, actor="tests", reason=None, now=datetime.now(UTC)
        )
    finally:
        await directory.close()
    proven = await service.proven(person)
    return {line["item"]: line for line in proven["evidence"]}


async def keys(service: Service, person: Person) -> frozenset[str]:
    return await service.server.groups.of_user(person.username, host=DOMAIN) & {GATE, READ_ONLY}


async def test_a_moderator_on_garden_leave_reads_announcements_and_has_everything_back_afterwards(
    service: Service, staff: Staff
) -> None:
    berta, doris, anna = await service.hire_many("Berta", "Doris", "Anna")
    board = await service.found("Aushang", kind="announcement", moderators=[berta, doris], members=[anna])
    team = await service.found("Nord", moderators=[berta, doris], members=[anna])
    before = {circle.room: await service.affiliations(circle) for circle in (board, team)}
    phone, speaking, other = [await staff.login(person.login) for person in (berta, doris, anna)]
    for client, person in ((phone, berta), (speaking, doris), (other, anna)):
        for circle in (board, team):
            await client.join(circle.room, person.name)

    evidence = await send_on_garden_leave(service, berta)
    assert {"writing", "rooms", "contact_groups", "bookmarks"} <= evidence.keys()
    assert await keys(service, berta) == {GATE, READ_ONLY}
    assert await service.sessions(berta.username) == {"handy"}
    await phone.wait_for("presence", type="unavailable", **{"from": f"{team.room}/{berta.name}"})
    await other.wait_for_contacts({doris.jid})
    await phone.wait_for_contacts(set())
    with pytest.raises(Refused):
        await phone.join(team.room, berta.name)
    with pytest.raises(Refused):
        await phone.archive(of=team.room)
    assert {mark.room for mark in (await phone.stored_bookmarks()).values()} == {board.room}

    news, whisper = new_name("Betriebsfest am"), new_name("Psst")
    await speaking.say_in(board.room, news)
    await phone.wait_for("message", type="groupchat", body=news)
    again = await staff.login(berta.login, resource="tablet")
    await again.join(board.room, berta.name)
    assert news in await again.archive(of=board.room)
    for number, (to, kind) in enumerate(
        ((board.room, "groupchat"), (team.room, "groupchat"), (anna.jid, "chat"), (f"{board.room}/{anna.name}", "chat"))
    ):
        await again.say(to, whisper, kind=kind, identifier=f"w{number}")
        refusal = await again.wait_for("message", type="error", id=f"w{number}")
        assert refusal.facts["error"] == "forbidden"
    await other.say(berta.jid, whisper, identifier="an-berta")
    assert (await other.wait_for("message", type="error", id="an-berta")).facts["error"] == "service-unavailable"
    for client in (phone, speaking, other):
        await client.has_nothing("message", body=whisper, type=lambda kind: kind != "error")

    await service.api("POST", f"/users/{berta.id}/reactivate", {}, wait=20, expect=200)
    await service.calm()
    assert await keys(service, berta) == {GATE}
    assert {circle.room: await service.affiliations(circle) for circle in (board, team)} == before
    await other.wait_for_contacts({doris.jid, berta.jid})
    await phone.join(team.room, berta.name)
    answer = new_name("Wieder da")
    await phone.say_in(board.room, answer)
    await other.wait_for("message", type="groupchat", body=answer)
    await other.say(berta.jid, answer)
    await phone.wait_for("message", type="chat", body=answer)
