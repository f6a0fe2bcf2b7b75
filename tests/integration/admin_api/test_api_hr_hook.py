"""The HR hook: who is let in, what events do, and that what is refused changes and tells nothing."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from kleanxmpp import signatures
from kleanxmpp.guard import Limits
from kleanxmpp.model import Door
from kleanxmpp.ports import Directory
from kleanxmpp.testing_directory import MemoryDirectory
from tests.integration.admin_api.desk import EVERYWHERE, SETTINGS, Desk, logged, opened
from tests.integration.admin_api.hr_system import PATH, HrSystem, an_event, hr_system

JOINED = an_event("employee.joined", "4711", display_name="Zoë Öztürk")


@pytest.fixture
async def hr(desk: Desk) -> HrSystem:
    return await hr_system(desk)


@pytest.fixture
async def generous_desk(directory: Directory) -> AsyncIterator[Desk]:
    """A desk whose guard holds nobody, so that one person can leave again and again."""
    async with opened(directory, settings=replace(SETTINGS, limits=Limits(people=99, percent=100))) as found:
        yield found


@pytest.fixture
async def quick_hr(quick_desk: Desk) -> HrSystem:
    return await hr_system(quick_desk)


async def person(desk: Desk, external_id: str = "4711") -> Any:
    found = (await desk.call("GET", f"/users?external_id={external_id}")).body["items"]
    return found[0] if found else None


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("kleanxmpp_hook_events_total", {"hook": "hr", "outcome": outcome}) or 0.0


@EVERYWHERE
async def test_the_life_of_an_employee_as_hr_tells_it(generous_desk: Desk) -> None:
    desk, hr = generous_desk, await hr_system(generous_desk)
    site = {"site": ["Objekt 12"]}
    joined = await hr.say("employee.joined", "4711", display_name="Zoë Öztürk", username="zoe", attributes=site)
    zoe = await person(desk)
    assert (joined["result"], joined["user_id"]) == ("applied", zoe["id"])
    assert (zoe["username"], zoe["may_chat"], zoe["attributes"]) == ("zoe", True, site)

    await hr.say("employee.updated", "4711", display_name="Zoë Kaya", email="zoe@post.test", attributes={"site": []})
    zoe = await person(desk)
    assert (zoe["display_name"], zoe["email"], zoe["attributes"]) == ("Zoë Kaya", "zoe@post.test", {})
    await hr.say("employee.updated", "4711", email=None)

    withdrawn = await hr.say("permission.changed", "4711", chat_permission=False, reason="Vertrag")
    assert (await desk.call("GET", withdrawn["status_url"])).body["mode"] == "permission_withdrawn"
    await hr.say("permission.changed", "4711", chat_permission=True)

    away = await hr.say("employee.paused", "4711", returns_on="2199-03-01", reason="Elternzeit")
    assert (await desk.call("GET", away["status_url"])).body["mode"] == "paused"
    zoe = await person(desk)
    assert (zoe["access"], zoe["returns_on"]) == ("paused", "2199-03-01T00:00:00+01:00")
    await hr.say("employee.joined", "4711", display_name="Zoë Kaya")
    assert (await person(desk))["access"] == "paused", "being employed does not end an absence"
    await hr.say("employee.paused", "4711", mode="garden_leave")
    await hr.say("employee.returned", "4711")

    left = await hr.say("employee.left", "4711", reason="Kündigung")
    evidence = (await desk.call("GET", left["status_url"])).body
    assert (evidence["mode"], evidence["reason"]) == ("left", "Kündigung")
    assert evidence["actor"].startswith("hook:")
    again = await hr.say("employee.left", "4711")
    assert (again["result"], again["status_url"]) == ("applied", left["status_url"])
    back = await hr.say("employee.joined", "4711", display_name="Zoë Kaya", username="zoe")
    assert (back["user_id"], (await person(desk))["may_chat"]) == (zoe["id"], True)
    async with desk.directory.read() as tx:
        assert (await tx.contacts(desk.company.id)).keys() == {Door.HR}


@EVERYWHERE
async def test_a_message_is_carried_out_once(hr: HrSystem) -> None:
    assert (await hr.send(JOINED, message_id="msg_1")).status == 200
    before = counted("message-repeated")
    for event in (JOINED, an_event("employee.left", "4711")):
        again = await hr.send(event, message_id="msg_1")
        assert (again.status, again.problem) == (409, "message-repeated")
    assert (await person(hr.desk))["active"] is True
    assert counted("message-repeated") == before + 2


@EVERYWHERE
async def test_of_two_at_the_same_moment_one_is_carried_out(hr: HrSystem) -> None:
    answers = await asyncio.gather(*(hr.send(JOINED, message_id="msg_1") for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]


@EVERYWHERE
async def test_a_refused_event_can_be_mended_and_sent_again(hr: HrSystem) -> None:
    taken = await hr.desk.person("Anna", username="anna")
    bad = an_event("employee.joined", "4711", display_name="Zoë", username=taken["username"])
    refused = await hr.send(bad, message_id="msg_1")
    assert (refused.status, refused.fields) == (409, ["data.username"])
    assert await person(hr.desk) is None
    async with hr.desk.directory.read() as tx:
        assert await tx.contacts(hr.desk.company.id) == {}
    assert (await hr.send(JOINED, message_id="msg_1")).status == 200


@pytest.mark.parametrize(
    "kind", ["employee.updated", "employee.paused", "employee.left", "employee.returned", "permission.changed"]
)
async def test_nobody_known_is_refused_for_good(quick_hr: HrSystem, kind: str) -> None:
    facts = {"employee.updated": {"email": None}, "permission.changed": {"chat_permission": False}}
    answer = await quick_hr.send(an_event(kind, "unknown", **facts.get(kind, {})))
    assert (answer.status, answer.problem) == (404, "not-found")
    answer = await quick_hr.send(an_event(kind, "unknown", effective_at="2199-01-01", **facts.get(kind, {})))
    assert answer.status == 404


@pytest.mark.parametrize(
    ("event", "named"),
    [
        ({"type": "employee.fired", "timestamp": "2026-12-01T09:30:00Z", "data": {"external_id": "1"}}, "type"),
        ({"type": "employee.left", "data": {"external_id": "1"}}, "timestamp"),
        ({"type": "employee.left", "timestamp": "gestern", "data": {"external_id": "1"}}, "timestamp"),
        ({**JOINED, "more": 1}, "more"),
        (an_event("employee.left", ""), "data.external_id"),
        (an_event("employee.left", "4711", effective_at="31.12.2026"), "data.effective_at"),
        (an_event("employee.left", "4711", effective_at="2026-02-30"), "data.effective_at"),
        (an_event("employee.left", "4711", display_name="Zoë"), "data.display_name"),
        (an_event("employee.left", "4711", active=False), "data.active"),
        (an_event("employee.joined", "4711"), "data.display_name"),
        (an_event("employee.joined", "4711", display_name="Zoë", mode="paused"), "data.mode"),
        (an_event("employee.updated", "4711"), "type"),
        (an_event("employee.updated", "4711", locale="fr"), "data.locale"),
        (an_event("employee.paused", "4711", returns_on="2020-01-01"), "data.returns_on"),
        (an_event("employee.paused", "4711", mode="left"), "data.mode"),
        (an_event("employee.paused", "4711", effective_at="2199-01-02", returns_on="2199-01-01"), "data.returns_on"),
        (an_event("permission.changed", "4711"), "data.chat_permission"),
        (an_event("permission.changed", "4711", chat_permission="no"), "data.chat_permission"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(quick_hr: HrSystem, event: dict[str, Any], named: str) -> None:
    await quick_hr.send(JOINED)
    before = await person(quick_hr.desk)
    answer = await quick_hr.send(event)
    assert (answer.status, answer.problem, answer.fields) == (422, "invalid", [named])
    assert await person(quick_hr.desk) == before


async def test_who_left_is_not_absent(quick_hr: HrSystem) -> None:
    await quick_hr.send(JOINED)
    await quick_hr.say("employee.left", "4711")
    answer = await quick_hr.send(an_event("employee.paused", "4711"))
    assert (answer.status, answer.fields) == (422, ["type"])


async def test_only_what_is_signed_right_now_by_somebody_known_comes_in(
    quick_hr: HrSystem, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    body, now = json.dumps(JOINED).encode(), datetime.now(UTC)
    right = signatures.headers_for("msg_1", body, secrets=quick_hr.secrets, at=now)
    stranger = signatures.headers_for("msg_1", body, secrets=[signatures.new_secret()], at=now)
    minutes = timedelta(minutes=5, seconds=5)
    early, late = (
        signatures.headers_for("msg_1", body, secrets=quick_hr.secrets, at=at) for at in (now - minutes, now + minutes)
    )
    before = counted("unsigned")
    wrong = [
        {},
        {name: value for name, value in right.items() if name != "webhook-id"},
        {name: value for name, value in right.items() if name != "webhook-timestamp"},
        {name: value for name, value in right.items() if name != "webhook-signature"},
        right | {"webhook-id": "msg_2"},
        right | {"webhook-timestamp": str(int(now.timestamp()) - 60)},
        right | {"webhook-signature": "v1,AAAA"},
        right | {"webhook-signature": right["webhook-signature"].replace("v1,", "v2,")},
        right | {"webhook-signature": "v1a," + "A" * 88},
        stranger,
        early,
        late,
        {"Authorization": f"Bearer {quick_hr.desk.token}"},
    ]
    for headers in wrong:
        answer = await quick_hr.post(body, headers)
        assert (answer.status, answer.problem) == (401, "unsigned"), headers
        assert "WWW-Authenticate" in answer.headers
    answer = await quick_hr.post(body.replace(b"4711", b"4712"), right)
    assert answer.status == 401
    assert await person(quick_hr.desk) is None
    assert counted("unsigned") == before + len(wrong) + 1
    told = logged(caplog.records)
    assert "hook refused" in told and "unsigned" in told
    for private in ("4711", "Zoë", "Öztürk", "msg_1", quick_hr.secrets[0], right["webhook-signature"]):
        assert private not in told
    assert (await quick_hr.post(body, right)).status == 200, "none of them used up the id"


async def test_refusals_after_the_signature_tell_the_log_nothing_about_people(
    quick_hr: HrSystem, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await quick_hr.send(an_event("employee.left", "hr-4711", reason="Diebstahl", display_name="Zoë"))
    await quick_hr.send(an_event("employee.left", "hr-4711", reason="Diebstahl"))
    told = logged(caplog.records)
    assert "'why': 'invalid'" in told and "'why': 'not-found'" in told
    for private in ("hr-4711", "Diebstahl", "Zoë", quick_hr.secrets[0]):
        assert private not in told


async def test_what_is_too_large_or_no_json_is_refused(quick_hr: HrSystem) -> None:
    big = an_event("employee.left", "4711", reason="x" * 70_000)
    answer = await quick_hr.send(big)
    assert (answer.status, answer.problem) == (413, "body-too-large")
    for body, content_type, status in ((b"{", "application/json", 400), (b"{}", "text/plain", 415)):
        headers = signatures.headers_for("msg_1", body, secrets=quick_hr.secrets, at=datetime.now(UTC))
        answer = await quick_hr.post(body, headers | {"Content-Type": content_type})
        assert answer.status == status


async def test_what_nobody_signed_is_soon_not_even_read() -> None:
    async with opened(MemoryDirectory(), settings=replace(SETTINGS, requests_per_second=100)) as desk:
        stranger = HrSystem(desk=desk, secrets=[signatures.new_secret()])
        before = counted("too-fast")
        answers = [await stranger.send(JOINED) for _ in range(10)]
        answers += [await stranger.post(b"{}", {}) for _ in range(12)]
        assert [one.status for one in answers] == [401] * 20 + [429] * 2
        assert (answers[-1].problem, answers[-1].headers["Retry-After"]) == ("too-fast", "2")
        assert counted("too-fast") == before + 2
        unread = await _begun(desk, "Content-Length: 60000")
        assert unread.startswith("HTTP/1.1 429 "), "it is answered though no body comes"
        assert (await desk.call("GET", "/users")).status == 200, "who has a token goes on"


async def test_who_signs_rightly_goes_on_beside_a_stranger_at_the_same_address() -> None:
    async with opened(MemoryDirectory(), settings=replace(SETTINGS, requests_per_second=100)) as desk:
        hr, stranger = await hr_system(desk), HrSystem(desk=desk, secrets=[signatures.new_secret()])
        await hr.say("employee.joined", "4711", display_name="Zoë")
        answers = [await stranger.send(JOINED) for _ in range(30)]
        assert {one.status for one in answers} == {401}
        await hr.say("employee.left", "4711")


async def test_one_secret_signs_so_many_messages_and_another_goes_on() -> None:
    slow = replace(SETTINGS, requests_per_second=0.5, requests_burst=3, limits=Limits(people=99, percent=100))
    async with opened(MemoryDirectory(), settings=slow) as desk:
        one, two = await hr_system(desk), await hr_system(desk)
        answers = [await one.send(JOINED, message_id=f"msg_{number}") for number in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert answers[-1].problem == "too-fast"
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 2
        assert (await two.send(JOINED, message_id="msg_3")).status == 200, "the id was not used up"


async def _begun(desk: Desk, *headers: str) -> str:
    """Send the head of a message and no body; return the first line of what comes back."""
    reader, writer = await asyncio.open_connection(desk.client.host, desk.client.port)
    try:
        head = (f"POST /api/v1{PATH} HTTP/1.1", "Host: x", "Content-Type: application/json", *headers)
        writer.write(("\r\n".join(head) + "\r\n\r\n").encode())
        return (await asyncio.wait_for(reader.readline(), 10)).decode()
    finally:
        writer.close()
        await writer.wait_closed()


@EVERYWHERE
async def test_two_secrets_hold_while_one_replaces_the_other(desk: Desk) -> None:
    old = (await desk.call("POST", f"{PATH}/secrets", {})).body
    new = (await desk.call("POST", f"{PATH}/secrets", {})).body
    listed = (await desk.call("GET", f"{PATH}/secrets")).body["items"]
    assert [one.keys() for one in listed] == [{"id", "created_at"}] * 2
    assert [one["id"] for one in listed] == [old["id"], new["id"]]
    for secret in (old["secret"], new["secret"]):
        assert (await HrSystem(desk=desk, secrets=[secret]).send(JOINED)).status == 200
    assert (await HrSystem(desk=desk, secrets=[old["secret"], new["secret"]]).send(JOINED)).status == 200
    assert (await desk.call("DELETE", f"{PATH}/secrets/{old['id']}")).status == 204
    assert (await desk.call("DELETE", f"{PATH}/secrets/{old['id']}")).status == 404
    assert (await HrSystem(desk=desk, secrets=[old["secret"]]).send(JOINED)).status == 401
    assert (await HrSystem(desk=desk, secrets=[new["secret"]]).send(JOINED)).status == 200


@EVERYWHERE
async def test_the_secret_says_which_company_is_meant(desk: Desk) -> None:
    other = await desk.company_named("nachbar.test")
    theirs = await hr_system(desk, company=other)
    mine = await hr_system(desk)
    await theirs.say("employee.joined", "4711", display_name="Nachbar")
    assert await person(desk) is None
    await mine.say("employee.joined", "4711", display_name="Zoë")
    await theirs.say("employee.left", "4711")
    assert (await person(desk))["active"] is True
    taken = await desk.call("POST", f"{PATH}/secrets", {"secret": theirs.secrets[0]})
    assert (taken.status, taken.fields) == (409, ["secret"])


async def test_a_given_secret_may_be_set_and_bad_ones_are_refused(quick_desk: Desk) -> None:
    secret = signatures.new_secret().removeprefix("whsec_")
    added = (await quick_desk.call("POST", f"{PATH}/secrets", {"secret": secret})).body
    assert added["secret"] == f"whsec_{secret}"
    assert (await HrSystem(desk=quick_desk, secrets=[secret]).send(JOINED)).status == 200
    for bad in ("short", "whsec_AAAA", "whsec_" + "A" * 120, ""):
        answer = await quick_desk.call("POST", f"{PATH}/secrets", {"secret": bad})
        assert (answer.status, answer.fields) == (422, ["secret"])
    for _ in range(4):
        await quick_desk.call("POST", f"{PATH}/secrets", {})
    assert (await quick_desk.call("POST", f"{PATH}/secrets", {})).problem == "conflict"


async def test_secrets_need_their_scope_and_are_shown_once(quick_desk: Desk) -> None:
    reader, keeper = await quick_desk.token_for("users:write"), await quick_desk.token_for("hooks:write")
    assert (await quick_desk.call("GET", f"{PATH}/secrets", token=reader)).status == 403
    key = {"Idempotency-Key": "k1"}
    first = await quick_desk.call("POST", f"{PATH}/secrets", {}, token=keeper, headers=key)
    assert (first.status, len(first.body["secret"]) > 40) == (201, True)
    again = await quick_desk.call("POST", f"{PATH}/secrets", {}, token=keeper, headers=key)
    assert (again.problem, again.body["id"]) == ("secret-shown-once", first.body["id"])


@EVERYWHERE
async def test_one_mistake_of_the_hr_system_does_not_empty_the_company(hr: HrSystem) -> None:
    for number in range(12):
        await hr.say("employee.joined", str(number), display_name=f"Person {number}")
    first = await hr.say("employee.left", "0")
    assert first["result"] == "applied"
    for number in range(1, 12):
        kind = "employee.left" if number % 2 else "employee.paused"
        told = await hr.say(kind, str(number), expect=202, reason="Nachtlauf")
        assert (told["result"], told["status_url"]) == ("held", None)
    (hold,) = (await hr.desk.call("GET", "/held")).body["items"]
    assert (hold["id"], hold["door"], hold["people"]) == (told["hold_id"], "hr", 11)
    assert {(tuple(one["loses"]), one["absence"]) for one in hold["changes"]} == {(("active",), None), ((), "paused")}
    assert (await person(hr.desk, "1"))["may_chat"] is True
    await hr.say("employee.returned", "2")
    confirmed = await hr.desk.call("POST", f"/held/{hold['id']}/confirm", {"people": 10})
    assert len(confirmed.body["off_boarded"]) == 10
    assert [(await person(hr.desk, str(n)))["access"] for n in (1, 2, 4)] == ["none", "full", "paused"]
