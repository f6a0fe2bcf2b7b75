"""Many changes in one request: all of them or none, and the guard in between."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.statements import count_statements
from kleanxmpp.guard import Limits
from kleanxmpp.testing_directory import MemoryDirectory
from tests.integration.admin_api.desk import EVERYWHERE, SETTINGS, Answered, Desk, opened


def put(number: int, **facts: Any) -> dict[str, Any]:
    body = {"display_name": f"Person {number:04}", **facts}
    return {"method": "PUT", "path": f"/users/by-external-id/{number}", "body": body}


async def bulk(desk: Desk, *operations: dict[str, Any], **options: Any) -> Answered:
    return await desk.call("POST", "/bulk", {"operations": list(operations)}, **options)


async def everybody(desk: Desk) -> list[str]:
    return [user["display_name"] for user in (await desk.call("GET", "/users?limit=500")).body["items"]]


@EVERYWHERE
async def test_people_and_groups_of_one_request_are_all_there_and_named_by_it(desk: Desk) -> None:
    answer = await bulk(
        desk,
        {"method": "POST", "path": "/groups", "body": {"name": "Nord"}, "bulk_id": "nord"},
        {"method": "POST", "path": "/users", "body": {"display_name": "Aylin Kaya"}, "bulk_id": "aylin"},
        put(1) | {"bulk_id": "one"},
        {
            "method": "PATCH",
            "path": "/groups/bulkId:nord/members",
            "body": {"add": [{"user_id": "bulkId:aylin", "role": "moderator"}, {"user_id": "bulkId:one"}]},
        },
        {"method": "PATCH", "path": "/users/bulkId:one", "body": {"email": "eins@example.org"}, "if_match": '"1"'},
        {"method": "DELETE", "path": "/groups/bulkId:nord/members/bulkId:one"},
    )
    assert answer.status == 200, answer.text
    results = answer.body["results"]
    assert [one["status"] for one in results] == [201, 201, 201, 200, 200, 204]
    assert [one["index"] for one in results] == list(range(6))
    group, aylin, one = (entry["body"] for entry in results[:3])
    assert results[0]["location"] == f"/api/v1/groups/{group['id']}"
    assert results[4]["etag"] == '"2"'
    members = (await desk.call("GET", f"/groups/{group['id']}/members")).body
    assert [(m["user_id"], m["role"]) for m in members["items"]] == [(aylin["id"], "moderator")]
    assert (await desk.call("GET", f"/users/{one['id']}")).body["email"] == "eins@example.org"
    due = (await desk.call("GET", "/status")).body["due"]["count"]
    assert due >= 3, "what a bulk request changes is work for the loop"
    verified = (await desk.call("GET", "/audit/verification")).body
    assert verified["intact"]


@EVERYWHERE
async def test_one_bad_operation_applies_none(desk: Desk) -> None:
    known = await desk.person("Aylin Kaya")
    aylin = f"/users/{known['id']}"
    before = (await desk.call("GET", "/audit")).body
    twice = {"display_name": "X", "username": known["username"]}
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"method": "POST", "path": "/users", "body": twice}, 409, "conflict"),
        ({"method": "PATCH", "path": aylin, "body": {"email": "a@b.c"}, "if_match": '"7"'}, 412, "stale"),
        ({"method": "PATCH", "path": "/users/unknown", "body": {"active": False}}, 404, "not-found"),
        ({"method": "PATCH", "path": aylin, "body": {"actve": False}}, 422, "invalid"),
        ({"method": "PUT", "path": "/users/by-external-id/7?x=1", "body": {"display_name": "X"}}, 422, "invalid"),
        ({"method": "DELETE", "path": aylin}, 422, "invalid"),
        ({"method": "POST", "path": aylin + "/deactivate", "body": {"mode": "paused"}}, 422, "invalid"),
        ({"method": "POST", "path": "/tokens", "body": {"name": "x", "scopes": ["admin"]}}, 422, "invalid"),
        ({"method": "POST", "path": "/bulk", "body": {"operations": []}}, 422, "invalid"),
        ({"method": "PATCH", "path": "/users/bulkId:nobody", "body": {"active": False}}, 422, "invalid"),
        ({"method": "DELETE", "path": "/groups/x/members/y", "body": {}}, 422, "invalid"),
    ]  # fmt: skip
    for bad, status, problem in cases:
        answer = await bulk(desk, put(1), bad, put(2))
        assert (answer.status, answer.problem) == (422, "bulk-refused"), (bad, answer.text)
        first, second, third = answer.body["results"]
        assert (first["status"], third["status"]) == (424, 424)
        assert first["problem"]["type"] == "/problems/not-applied"
        assert (second["index"], second["status"]) == (1, status), answer.text
        assert second["problem"]["type"] == f"/problems/{problem}", answer.text
    assert await everybody(desk) == ["Aylin Kaya"]
    assert (await desk.call("GET", "/audit")).body == before


async def test_everything_that_is_malformed_is_told_at_once(quick_desk: Desk) -> None:
    bad = {"method": "POST", "path": "/users", "body": {"display_name": ""}}
    answer = await bulk(quick_desk, bad, put(1), bad)
    assert [one["status"] for one in answer.body["results"]] == [422, 424, 422]
    assert answer.body["results"][2]["problem"]["errors"][0]["field"] == "display_name"
    for operations in (
        [],
        [put(1)] * 1001,
        [put(1) | {"bulk_id": "a"}, put(2) | {"bulk_id": "a"}],
        [{"path": "/users"}],
    ):
        refused = await bulk(quick_desk, *operations)
        assert (refused.status, refused.problem) == (422, "invalid")


@EVERYWHERE
async def test_many_losses_of_access_are_held_and_told(desk: Desk) -> None:
    people = [entry["body"] for entry in (await bulk(desk, *(put(n) for n in range(40)))).body["results"]]
    leaving = [
        *(put(n, active=False) for n in range(3)),
        *({"method": "PATCH", "path": f"/users/{p['id']}", "body": {"chat_permission": False}} for p in people[3:6]),
        *({"method": "POST", "path": f"/users/{p['id']}/deactivate", "body": {}} for p in people[6:9]),
    ]
    answer = await bulk(desk, *leaving)
    assert answer.status == 200, answer.text
    results = answer.body["results"]
    assert [one["held"] for one in results] == [False, False, *[True] * 7]  # 5 percent of 40
    assert [one["body"]["may_chat"] for one in results] == [False, False, *[True] * 7]
    (hold,) = (await desk.call("GET", "/held")).body["items"]
    assert (hold["door"], hold["people"]) == ("bulk", 7)
    named = await desk.call("POST", f"/users/{people[10]['id']}/deactivate")
    assert (named.status, (await desk.call("GET", f"/users/{people[10]['id']}")).body["active"]) == (202, False)
    back = await bulk(desk, {"method": "POST", "path": f"/users/{people[8]['id']}/reactivate"})
    assert back.status == 200
    (hold,) = (await desk.call("GET", "/held")).body["items"]
    assert hold["people"] == 6, "who is wanted back does not wait any more"


async def test_who_passes_the_guard_is_off_boarded(desk: Desk) -> None:
    async with desk.working():
        person = (await bulk(desk, put(1))).body["results"][0]["body"]
        answer = await bulk(
            desk, {"method": "POST", "path": f"/users/{person['id']}/deactivate", "body": {"reason": "left"}}
        )
        (result,) = answer.body["results"]
        assert (result["status"], result["held"], result["body"]["active"]) == (202, False, False)
        proven = await desk.until(result["location"], lambda found: found.body["complete"])
    assert (proven.body["reason"], proven.body["mode"]) == ("left", "left")


async def test_each_operation_needs_its_scope(quick_desk: Desk) -> None:
    token = await quick_desk.token_for("groups:write")
    group = {"method": "POST", "path": "/groups", "body": {"name": "Nord"}}
    assert (await bulk(quick_desk, group, token=token)).status == 200
    refused = await bulk(quick_desk, put(1), token=token)
    assert refused.body["results"][0]["problem"]["type"] == "/problems/missing-scope"
    assert (await bulk(quick_desk, group, token=None)).status == 401


@EVERYWHERE
async def test_a_repeated_request_is_answered_again_without_data_about_people(desk: Desk) -> None:
    key = {"Idempotency-Key": "night-1"}
    first = await bulk(desk, put(1), headers=key)
    again = await bulk(desk, put(1), headers=key)
    assert again.status == 200
    assert "Person" not in again.text
    assert [one["etag"] for one in again.body["results"]] == [one["etag"] for one in first.body["results"]]
    other = await bulk(desk, put(2), headers=key)
    assert other.problem == "idempotency-key-reused"


async def test_bulk_requests_at_the_same_moment_do_not_mix(desk: Desk) -> None:
    answers = await asyncio.gather(
        *(bulk(desk, *(put(n) for n in range(start, start + 10))) for start in (0, 10, 20)),
        bulk(desk, put(100), {"method": "PATCH", "path": "/users/unknown", "body": {"active": True}}),
    )
    assert [one.status for one in answers] == [200, 200, 200, 422]
    assert len(await everybody(desk)) == 30


@pytest.mark.parametrize("people", [1])
async def test_the_limits_are_those_of_the_settings(people: int) -> None:
    settings = replace(SETTINGS, limits=Limits(people=people, percent=100))
    async with opened(MemoryDirectory(), settings=settings) as desk:
        await bulk(desk, *(put(n) for n in range(5)))
        answer = await bulk(desk, *(put(n, active=False) for n in range(5)))
    assert [one["held"] for one in answer.body["results"]] == [False, True, True, True, True]


@EVERYWHERE
async def test_people_put_together_are_what_they_would_be_one_by_one(desk: Desk) -> None:
    other = await desk.token_for("admin", company=await desk.company_named("zwei.test"))
    said = [
        put(1, display_name="Anna Berg"),
        put(2, display_name="Anna Berg"),
        put(3, display_name="anna berg", username="anna.berg3"),
        {"method": "POST", "path": "/users", "body": {"display_name": "Anna  Berg", "external_id": "4"}},
        put(1, display_name="Bea Blum", email="bea@example.org"),
        put(5, display_name="Bea Blum"),
        put(2, display_name="Anna Berg", active=False),
        put(6, display_name="Cem", attributes={"site": ["Nord", "Nord"]}, locale="en", chat_permission=False),
    ]
    together = await bulk(desk, *said)
    assert together.status == 200, together.text
    for one, result in zip(said, together.body["results"], strict=True):
        alone = await desk.call(one["method"], one["path"], one["body"], token=other)
        assert (alone.status, alone.headers["ETag"]) == (result["status"], result["etag"])
        for name in alone.body.keys() - {"id", "jid", "created_at"}:
            assert alone.body[name] == result["body"][name], name
    pages = [(await desk.call("GET", "/users", token=token)).body["items"] for token in ("", other)]
    ours, theirs = ([(u["username"], u["display_name"], u["version"]) for u in page] for page in pages)
    assert ours == theirs


@EVERYWHERE
async def test_who_cannot_be_put_with_others_is_named(desk: Desk) -> None:
    await desk.person("Aylin Kaya", username="aylin", external_id="7")
    cases: list[tuple[dict[str, Any], int, str]] = [
        (put(2, username="Aylin"), 409, "username"),
        (put(2, username="first"), 409, "username"),
        (put(7, username="other"), 409, "username"),
        (put(2, locale="fr"), 422, "locale"),
        (put(2, username="a b"), 422, "username"),
        (put(2, external_id="3"), 422, "external_id"),
        ({"method": "POST", "path": "/users", "body": {"display_name": "X", "external_id": "7"}}, 409, "external_id"),
        ({"method": "POST", "path": "/users", "body": {"display_name": "X", "external_id": "1"}}, 409, "external_id"),
    ]
    for bad, status, field in cases:
        answer = await bulk(desk, put(1, username="first"), bad, put(3))
        second = answer.body["results"][1]
        assert (answer.status, second["status"]) == (422, status), (bad, answer.text)
        assert second["problem"]["errors"][0]["field"] == field, second
    for match in ('"9"', '"x"'):
        stale = await bulk(desk, put(1), put(7) | {"if_match": match}, put(8))
        assert [one["status"] for one in stale.body["results"]] == [424, 412, 424]
    assert await everybody(desk) == ["Aylin Kaya"]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_people_put_together_cost_as_many_statements_as_a_few(desk: Desk) -> None:
    async def cost(numbers: range, **facts: Any) -> int:
        assert isinstance(desk.directory, SqlDirectory)
        with count_statements(desk.directory) as sent:
            assert (await bulk(desk, *(put(n, **facts) for n in numbers))).status == 200
        return len(sent)

    few, many = await cost(range(10, 20)), await cost(range(1000, 1300))
    assert many <= few < 30
    assert await cost(range(1000, 1300)) <= await cost(range(10, 20)) < few
    assert await cost(range(1000, 1300), email="a@b.example") <= await cost(range(10, 20), email="a@b.example") < 30
