"""What is planned over HTTP: by HR and by name, listed, moved, cancelled, done."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.admin_api.desk import EVERYWHERE, Desk
from tests.integration.admin_api.hr_system import hr_system


def soon(seconds: float = 2.0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def planned(desk: Desk, user: dict[str, Any], kind: str = "employee.left", **facts: Any) -> Any:
    body = {"user_id": user["id"], "type": kind, "effective_at": "2199-12-31T18:00"} | facts
    answer = await desk.call("POST", "/scheduled", body)
    assert answer.status == 201, answer.text
    return answer.body


@EVERYWHERE
async def test_hr_announces_a_departure_and_the_desk_moves_it(desk: Desk) -> None:
    hr = await hr_system(desk)
    await hr.say("employee.joined", "4711", display_name="Zoë Öztürk")
    told = await hr.say("employee.left", "4711", effective_at="2199-12-31", reason="Vertragsende", expect=202)
    assert (told["result"], told["status_url"]) == ("scheduled", None)
    assert told["scheduled"]["effective_at"] == "2200-01-01T00:00:00+01:00", "the last day counts"
    assert told["waiting"] == [told["scheduled"]]
    (listed,) = (await desk.call("GET", "/scheduled")).body["items"]
    assert (listed["id"], listed["user_id"]) == (told["scheduled"]["id"], told["user_id"])
    assert (listed["type"], listed["door"], listed["state"]) == ("employee.left", "hr", "pending")
    assert (listed["reason"], listed["data"], listed["version"]) == ("Vertragsende", {"active": False}, 1)
    status = (await desk.call("GET", "/status")).body["scheduled"]
    assert status == {"pending": 1, "next_at": "2200-01-01T00:00:00+01:00", "failed": 0}

    path = f"/scheduled/{listed['id']}"
    read = await desk.call("GET", path)
    assert (read.body, read.headers["ETag"]) == (listed, '"1"')
    assert (await desk.call("GET", path, headers={"If-None-Match": '"1"'})).status == 304
    moved = await desk.call(
        "PATCH", path, {"effective_at": "2199-06-30", "reason": "früher"}, headers={"If-Match": '"1"'}
    )
    assert (moved.status, moved.headers["ETag"], moved.body["reason"]) == (200, '"2"', "früher")
    assert moved.body["effective_at"] == "2199-07-01T00:00:00+02:00"
    for method, body in (("PATCH", {"reason": "nein"}), ("DELETE", None)):
        assert (await desk.call(method, path, body, headers={"If-Match": '"1"'})).problem == "stale"
    assert (await desk.call("DELETE", path, headers={"If-Match": '"2"'})).status == 204
    assert (await desk.call("DELETE", path)).problem == "conflict"
    assert (await desk.call("GET", "/scheduled")).body["items"] == []
    (over,) = (await desk.call("GET", "/scheduled?state=cancelled")).body["items"]
    assert (over["data"], over["result"].split(":")[0]) == ({}, "cancelled by token")


@EVERYWHERE
async def test_what_was_planned_happens_on_time(desk: Desk) -> None:
    user = await desk.person()
    async with desk.working():
        at = soon()
        plan = await planned(desk, user, effective_at=at, reason="Vertragsende")
        done = await desk.until(f"/scheduled/{plan['id']}", lambda answer: answer.body["state"] != "pending")
        evidence = await desk.until(
            f"/users/{user['id']}/offboardings",
            lambda answer: [one["complete"] for one in answer.body["items"]] == [True],
        )
    assert (done.body["state"], done.body["result"]) == ("done", "applied")
    late = datetime.fromisoformat(done.body["finished_at"]) - datetime.fromisoformat(at)
    assert timedelta() <= late < timedelta(seconds=1)
    (one,) = evidence.body["items"]
    assert (one["reason"], one["mode"], one["actor"]) == ("Vertragsende", "left", plan["actor"])
    assert (await desk.call("GET", f"/users/{user['id']}")).body["may_chat"] is False


async def test_plans_are_paged_and_filtered(quick_desk: Desk) -> None:
    anna, ben = await quick_desk.person("Anna"), await quick_desk.person("Ben")
    third = await planned(quick_desk, anna, effective_at="2199-03-01")
    first = await planned(quick_desk, ben, "employee.paused", effective_at="2199-01-01", mode="garden_leave")
    second = await planned(quick_desk, anna, "permission.changed", effective_at="2199-02-01", chat_permission=False)
    found, path = [], "/scheduled?limit=1"
    while path:
        page = (await quick_desk.call("GET", path)).body
        found += [one["id"] for one in page["items"]]
        path = page["next_cursor"] and f"/scheduled?limit=1&cursor={page['next_cursor']}"
    assert found == [first["id"], second["id"], third["id"]]
    mine = (await quick_desk.call("GET", f"/scheduled?user_id={anna['id']}")).body["items"]
    assert [one["id"] for one in mine] == [second["id"], third["id"]]
    for wrong in ("cursor=abc", "cursor=MjAyNi0wMS0wMXwx", "state=later", "limit=0"):
        assert (await quick_desk.call("GET", f"/scheduled?{wrong}")).status == 422


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"effective_at": "2020-01-01"}, "effective_at"),
        ({"effective_at": "31.12.2199"}, "effective_at"),
        ({"type": "employee.joined", "display_name": "Zoë"}, "type"),
        ({"display_name": "Zoë"}, "display_name"),
        ({"type": "employee.returned", "hand_over_to": "x"}, "hand_over_to"),
        ({"type": "employee.updated"}, "type"),
        ({"type": "employee.paused", "returns_on": "2199-01-01"}, "returns_on"),
        ({"active": False}, "active"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(quick_desk: Desk, facts: dict[str, Any], named: str) -> None:
    user = await quick_desk.person()
    body = {"user_id": user["id"], "type": "employee.left", "effective_at": "2199-12-31"} | facts
    answer = await quick_desk.call("POST", "/scheduled", body)
    assert (answer.status, answer.fields) == (422, [named])
    assert (await quick_desk.call("GET", "/scheduled")).body["items"] == []


async def test_other_companies_and_missing_scopes_see_nothing(quick_desk: Desk) -> None:
    plan = await planned(quick_desk, await quick_desk.person())
    other = await quick_desk.company_named("nachbar.test")
    stranger = await quick_desk.token_for("admin", company=other)
    reader = await quick_desk.token_for("users:read")
    assert (await quick_desk.call("GET", "/scheduled", token=stranger)).body["items"] == []
    for method, body in (("GET", None), ("PATCH", {"reason": "x"}), ("DELETE", None)):
        answer = await quick_desk.call(method, f"/scheduled/{plan['id']}", body, token=stranger)
        assert answer.status == 404
    assert (await quick_desk.call("GET", f"/scheduled/{plan['id']}", token=reader)).status == 200
    assert (await quick_desk.call("DELETE", f"/scheduled/{plan['id']}", token=reader)).status == 403


async def test_a_new_zone_moves_nothing_that_is_planned(quick_desk: Desk) -> None:
    plan = await planned(quick_desk, await quick_desk.person(), effective_at="2199-12-31T18:00")
    assert (await quick_desk.call("PATCH", "/company", {"timezone": "America/New_York"})).status == 200
    found = (await quick_desk.call("GET", f"/scheduled/{plan['id']}")).body["effective_at"]
    assert (plan["effective_at"], found) == ("2199-12-31T18:00:00+01:00", "2199-12-31T12:00:00-05:00")
