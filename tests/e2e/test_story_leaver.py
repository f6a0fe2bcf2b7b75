"""A person who leaves is out at once and everywhere, and nothing of it is taken on trust."""

import asyncio
import time

import pytest

from kleanxmpp.desired import GATE
from tests.e2e.made_up import new_name
from tests.e2e.service import DOMAIN, ROOMS, Circle, Person, Service
from tests.e2e.staff import Attempt, Client, LoginRefused, Staff

pytestmark = pytest.mark.asyncio(loop_scope="session")

only_installed = pytest.mark.parametrize("service", ["23.01"], indirect=True)
ITEMS = {"logins", "gate", "sessions", "rooms", "contact_groups", "bookmarks"}


async def everywhere(service: Service, leaver: Person, colleague: Person, *, rooms: int) -> list[Circle]:
    """Return many groups that the two share."""
    founding = [service.found("Team", members=[colleague], moderators=[leaver], done=False) for _ in range(rooms)]
    circles = list(await asyncio.gather(*founding))
    await service.calm()
    return circles


async def in_rooms(client: Client, name: str, circles: list[Circle]) -> None:
    for circle in circles:
        await client.join(circle.room, name)


async def nothing_is_left(service: Service, staff: Staff, leaver: Person, circles: list[Circle]) -> None:
    """Assert, on the server itself, that no door is open."""
    assert await service.sessions(leaver.username) == set()
    assert await service.server.groups.of_user(leaver.username, host=DOMAIN) == frozenset()
    for circle in circles:
        affiliations = await service.affiliations(circle)
        assert affiliations is not None
        assert leaver.jid not in affiliations
        assert leaver.jid not in await service.occupants(circle)
        found = await service.server.rooms.affiliations_of(leaver.jid, service=ROOMS, rooms=[circle.slug])
        assert found in ({}, {circle.slug: "none"})
    assert await stored_bookmarks(service, leaver) == ""
    assert (await staff.refused_login(leaver.login)).step == "login"


async def stored_bookmarks(service: Service, person: Person) -> str:
    """Return the rooms of our service that stand in the person's bookmarks on the server."""
    xml = await service.server.accounts.private(
        person.username, host=DOMAIN, element="storage", namespace="storage:bookmarks"
    )
    return xml if ROOMS in xml else ""


async def test_who_leaves_is_out_of_everything_on_every_device(service: Service, staff: Staff) -> None:
    leaver, colleague = await service.hire_many("Ludwig", "Carla")
    circles = await everywhere(service, leaver, colleague, rooms=10)
    second, _ = await service.device(leaver.id, label="Tablet")
    phone = await staff.login(leaver.login)
    tablet = await staff.login(second, resource="tablet")
    asleep = await staff.login(leaver.login, resource="funkloch", stream_management=True)
    other = await staff.login(colleague.login)
    for client in (phone, tablet, asleep):
        await in_rooms(client, leaver.name, circles)
    await in_rooms(other, colleague.name, circles)
    assert set(other.contacts) == {leaver.jid}
    await asleep.cut()
    assert await service.sessions(leaver.username) == {"handy", "tablet", "funkloch"}
    other.forget()

    answer = await service.api(
        "POST", f"/users/{leaver.id}/deactivate", {"reason": "Vertrag endet"}, wait=20, expect=200
    )
    assert answer["complete"] is True
    evidence = {line["item"]: line for line in answer["evidence"]}
    assert evidence.keys() >= ITEMS
    assert all(line["closed"] is True and line["left"] == 0 for line in evidence.values()), evidence
    assert (evidence["sessions"]["done"], evidence["rooms"]["done"]) == (3, 10)

    await nothing_is_left(service, staff, leaver, circles)
    for client in (phone, tablet):
        await client.wait_for("closed")
        assert client.find("stream_error", condition="policy-violation")
    for login in (leaver.login, second):
        assert (await staff.refused_login(login)).condition == "not-authorized"
    with pytest.raises(LoginRefused, match="not-authorized"):
        await asleep.come_back()
    for circle in circles:
        await other.wait_for("presence", type="unavailable", **{"from": f"{circle.room}/{leaver.name}"})
    for resource in ("handy", "tablet", "funkloch"):
        await other.wait_for("presence", type="unavailable", **{"from": f"{leaver.jid}/{resource}"})
    await other.wait_for_contacts(set())
    assert await other.fetch_contacts() == {}


async def test_who_writes_to_a_leaver_gets_an_error_and_nothing_is_stored(service: Service, staff: Staff) -> None:
    leaver, colleague = await service.hire_many("Ludwig", "Carla")
    await service.api("POST", f"/users/{leaver.id}/deactivate", {}, wait=20, expect=200)
    other = await staff.login(colleague.login)
    body = new_name("Bist du noch da")
    for kind, to in (("chat", leaver.jid), ("normal", leaver.jid), ("chat", f"{leaver.jid}/handy")):
        other.forget()
        await other.say(to, body, kind=kind, identifier="an-ludwig")
        refusal = await other.wait_for("message", type="error", id="an-ludwig")
        assert refusal.facts["error"] == "service-unavailable"
    assert await service.server.accounts.offline_count(leaver.username, host=DOMAIN) == 0
    await service.api("POST", f"/users/{leaver.id}/reactivate", {}, wait=20, expect=200)
    back = await staff.login(leaver.login)
    assert body not in await back.archive()
    assert back.find("message", body=body) is None


async def sleep_and_wake(client: Client) -> list[Attempt]:
    """Cut the connection and resume the stream (XEP-0198), again and again, until the server refuses several times."""
    attempts: list[Attempt] = []
    while len([attempt for attempt in attempts if attempt.outcome.startswith("login")]) < 3:
        client.forget()
        if not attempts or not attempts[-1].outcome.startswith("login"):
            await client.cut()
        began = time.time()
        try:
            outcome = await client.come_back()
        except LoginRefused as refused:
            outcome = str(refused)
        attempts.append(Attempt(began=began, ended=time.time(), outcome=outcome))
    return attempts


async def test_a_client_that_comes_back_again_and_again_never_gets_in(service: Service, staff: Staff) -> None:
    leaver, colleague = await service.hire_many("Ludwig", "Carla")
    circles = await everywhere(service, leaver, colleague, rooms=3)
    hammering = [await staff.hammer(leaver.login) for _ in range(2)]
    asleep = [await staff.login(leaver.login, resource=f"funkloch{n}", stream_management=True) for n in range(2)]
    waking = [asyncio.create_task(sleep_and_wake(client)) for client in asleep]
    asked = time.time()
    await service.api("POST", f"/users/{leaver.id}/deactivate", {}, expect=202)
    committed = time.time()
    await service.proven(leaver)
    complete = time.time()
    for _ in range(3):  # a few more rounds of the clients, whatever they take
        assert (await staff.refused_login(leaver.login)).step == "login"
    attempts = [attempt for one in hammering for attempt in await one.stop()]
    woken = [attempt for one in waking for attempt in await asyncio.wait_for(one, 30)]
    assert {attempt.outcome for attempt in woken if attempt.ended < asked} <= {"session_resumed"}
    assert {attempt.outcome for attempt in woken if attempt.began > committed} == {"login: not-authorized"}
    attempts += woken
    assert any(attempt.outcome == "in" for attempt in attempts if attempt.ended < committed)
    late = [attempt for attempt in attempts if attempt.began > committed]
    assert len(late) >= 4
    assert {attempt.outcome for attempt in late} == {"login: not-authorized"}
    inside = ("in", "session_resumed", "session_start")
    assert not [attempt for attempt in attempts if attempt.outcome in inside and attempt.ended > complete]
    await nothing_is_left(service, staff, leaver, circles)


async def test_who_is_let_in_again_has_everything_back(service: Service, staff: Staff) -> None:
    leaver, colleague = await service.hire_many("Ludwig", "Carla")
    circles = await everywhere(service, leaver, colleague, rooms=3)
    other = await staff.login(colleague.login)
    await service.api("POST", f"/users/{leaver.id}/deactivate", {}, wait=20, expect=200)
    await nothing_is_left(service, staff, leaver, circles)
    await other.wait_for_contacts(set())

    await service.api("POST", f"/users/{leaver.id}/reactivate", {"reason": "Irrtum"}, wait=20, expect=200)
    phone = await staff.login(leaver.login)
    assert set(phone.contacts) == {colleague.jid}
    assert set(phone.contacts[colleague.jid].groups) == {circle.name for circle in circles}
    assert {mark.room for mark in (await phone.stored_bookmarks()).values()} == {circle.room for circle in circles}
    await in_rooms(phone, leaver.name, circles)
    for circle in circles:
        assert await service.affiliations(circle) == {leaver.jid: "admin", colleague.jid: "member"}
    await other.wait_for_contacts({leaver.jid})
    assert (await other.fetch_contacts())[leaver.jid].name == leaver.name


async def test_withdrawing_the_chat_permission_is_an_offboarding_too(service: Service, staff: Staff) -> None:
    leaver, colleague = await service.hire_many("Ludwig", "Carla")
    circles = await everywhere(service, leaver, colleague, rooms=2)
    phone = await staff.login(leaver.login)
    await in_rooms(phone, leaver.name, circles)
    await service.api("PATCH", f"/users/{leaver.id}", {"chat_permission": False})
    assert (await staff.refused_login(leaver.login)).step == "login"
    found = await service.proven(leaver)
    assert found["state"] == "complete"
    await phone.wait_for("closed")
    await nothing_is_left(service, staff, leaver, circles)
    await service.api("PATCH", f"/users/{leaver.id}", {"chat_permission": True})
    await service.calm()
    assert set((await staff.login(leaver.login)).contacts) == {colleague.jid}


async def test_hr_takes_somebody_out_by_the_external_id(service: Service, staff: Staff) -> None:
    name, external_id = new_name("Ludwig"), f"hr-{new_name('').strip()}"
    leaver = await service.hire(name=name, external_id=external_id)
    phone = await staff.login(leaver.login)
    body = {"display_name": name, "active": False, "chat_permission": True}
    await service.api("PUT", f"/users/by-external-id/{external_id}", body, expect=200)
    await phone.wait_for("closed")
    await service.proven(leaver)
    await nothing_is_left(service, staff, leaver, [])


async def test_a_revoked_credential_ends_sessions_and_the_other_device_comes_back(
    service: Service, staff: Staff
) -> None:
    anna = await service.hire()
    second, _ = await service.device(anna.id, label="Tablet")
    phone, tablet = await staff.login(anna.login), await staff.login(second, resource="tablet")
    await service.api("DELETE", f"/users/{anna.id}/credentials/{anna.credential_id}", expect=204)
    assert (await staff.refused_login(anna.login)).condition == "not-authorized"
    for client in (phone, tablet):
        await client.wait_for("closed")
    await service.calm()  # within the second of the revocation a session may be of before, and doubt counts
    await tablet.come_back()
    assert await service.sessions(anna.username) == {"tablet"}
    await service.api("POST", "/reconcile", {})
    await service.calm()
    assert await service.sessions(anna.username) == {"tablet"}, "a session of afterwards stays"
    await tablet.ping()


async def test_a_leaver_gets_no_new_device_to_work(service: Service, staff: Staff) -> None:
    leaver = await service.hire("Ludwig")
    await service.api("POST", f"/users/{leaver.id}/deactivate", {}, wait=20, expect=200)
    issued = await service.api("POST", f"/users/{leaver.id}/credentials", {"label": "neu"}, expect=(201, 409))
    if issued.status == 201:
        login, _ = await service.device(leaver.id)
        assert (await staff.refused_login(login)).condition == "not-authorized"


async def test_who_was_never_online_is_offboarded_with_evidence_all_the_same(service: Service, staff: Staff) -> None:
    leaver = await service.hire("Ludwig", ready=False)
    answer = await service.api("POST", f"/users/{leaver.id}/deactivate", {}, wait=20, expect=200)
    assert {line["item"] for line in answer["evidence"]} >= ITEMS
    await nothing_is_left(service, staff, leaver, [])
    again = await service.api("POST", f"/users/{leaver.id}/deactivate", {}, wait=20, expect=200)
    assert again["complete"] is True and again["id"] != answer["id"]


async def test_one_leaves_and_all_others_stay(service: Service, staff: Staff) -> None:
    leaver, *others = await service.hire_many("Ludwig", "Anna", "Bernd")
    team = await service.found("Nord", members=[leaver, *others])
    phones = [await staff.login(person.login) for person in others]
    for phone, person in zip(phones, others, strict=True):
        await phone.join(team.room, person.name)
    await service.api("POST", f"/users/{leaver.id}/deactivate", {}, wait=20, expect=200)
    body = new_name("Weiter")
    await phones[0].say_in(team.room, body)
    for phone in phones:
        await phone.wait_for("message", body=body)
        assert not phone.closed
    assert await service.occupants(team) == {person.jid for person in others}
    for person in others:
        assert GATE in await service.server.groups.of_user(person.username, host=DOMAIN)


@only_installed
async def test_access_says_what_somebody_can_reach_right_now(service: Service, staff: Staff) -> None:
    anna = await service.hire()
    team = await service.found("Nord", members=[anna])
    await staff.login(anna.login)
    access = (await service.api("GET", f"/users/{anna.id}/access")).body
    assert (access["may_chat"], access["server"]["gate"], access["server"]["sessions"]) == (True, True, ["handy"])
    assert [room["room"] for room in access["server"]["rooms"]] == [team.room]
    await service.api("POST", f"/users/{anna.id}/deactivate", {}, wait=20, expect=200)
    access = (await service.api("GET", f"/users/{anna.id}/access")).body
    assert (access["may_chat"], access["server"]["gate"]) == (False, False)
    assert (access["server"]["sessions"], access["server"]["rooms"], access["server"]["bookmarks"]) == ([], [], [])
