"""People over HTTP."""

import asyncio

import pytest

from tests.factories import a_user
from tests.integration.admin_api.desk import EVERYWHERE, Desk


async def test_a_person_is_added_with_a_username_and_an_address(desk: Desk) -> None:
    answer = await desk.call("POST", "/users", {"display_name": "Aylin Öztürk", "external_id": "4711"})
    assert answer.status == 201
    user = answer.body
    assert user["username"] == "aylin.oeztuerk"
    assert user["jid"] == "aylin.oeztuerk@firma.test"
    assert (user["active"], user["chat_permission"], user["may_chat"]) == (True, True, True)
    assert (user["locale"], user["email"], user["version"]) == ("de", None, 1)
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Location"] == f"/api/v1/users/{user['id']}"
    assert (await desk.call("GET", f"/users/{user['id']}")).body == user


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "display_name"),
        ({"display_name": ""}, "display_name"),
        ({"display_name": "  "}, "display_name"),
        ({"display_name": "x" * 201}, "display_name"),
        ({"display_name": "A\u0000B"}, "display_name"),
        ({"display_name": 7}, "display_name"),
        ({"display_name": "A", "active": "yes"}, "active"),
        ({"display_name": "A", "chat_permission": 1}, "chat_permission"),
        ({"display_name": "A", "username": "with space"}, "username"),
        ({"display_name": "A", "email": "nobody"}, "email"),
        ({"display_name": "A", "external_id": "4\u00007"}, "external_id"),
        ({"display_name": "A", "external_id": ""}, "external_id"),
        ({"display_name": "A", "locale": "fr"}, "locale"),
        ({"display_name": "A", "pasword": "geheim-123"}, "pasword"),
        ([], "body"),
    ],
)
async def test_a_bad_field_is_named_and_its_value_is_not_repeated(quick_desk: Desk, body: object, field: str) -> None:
    answer = await quick_desk.call("POST", "/users", body)
    assert (answer.status, answer.problem, answer.fields) == (422, "invalid", [field])
    assert "geheim" not in answer.text
    assert (await quick_desk.call("GET", "/users")).body["items"] == []


async def test_a_duplicate_names_the_field(desk: Desk) -> None:
    await desk.person(username="aylin", external_id="4711")
    for field, value in (("username", "aylin"), ("external_id", "4711")):
        answer = await desk.call("POST", "/users", {"display_name": "Bea Blum", field: value})
        assert (answer.status, answer.problem, answer.fields) == (409, "conflict", [field])


async def test_a_patch_changes_what_it_names_and_null_removes(desk: Desk) -> None:
    user = await desk.person(email="aylin@firma.test", external_id="4711")
    answer = await desk.call("PATCH", f"/users/{user['id']}", {"email": None, "display_name": "Aylin Kaya"})
    assert answer.status == 200
    assert answer.body == user | {"email": None, "display_name": "Aylin Kaya", "version": 2}
    assert answer.headers["ETag"] == '"2"'


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"active": None}, "active"),
        ({"locale": None}, "locale"),
        ({"username": "new"}, "username"),
        ({"id": "1"}, "id"),
    ],
)
async def test_a_patch_refuses_what_cannot_be_changed(quick_desk: Desk, body: object, field: str) -> None:
    user = await quick_desk.person()
    answer = await quick_desk.call("PATCH", f"/users/{user['id']}", body)
    assert (answer.status, answer.fields) == (422, [field])


@EVERYWHERE
async def test_of_two_admins_with_the_same_version_one_wins(desk: Desk) -> None:
    user = await desk.person()
    answers = await asyncio.gather(
        *(
            desk.call("PATCH", f"/users/{user['id']}", {"display_name": name}, headers={"If-Match": '"1"'})
            for name in ("Aylin Kaya", "Aylin Demir")
        )
    )
    assert sorted(answer.status for answer in answers) == [200, 412]
    loser = next(answer for answer in answers if answer.status == 412)
    assert loser.problem == "stale"
    winner = next(answer for answer in answers if answer.status == 200)
    assert (await desk.call("GET", f"/users/{user['id']}")).body == winner.body


@pytest.mark.parametrize(("tag", "status"), [("*", 200), ('"1"', 200), ('"9"', 412), ("1", 412), ('W/"1"', 412)])
async def test_if_match_wants_the_present_version(quick_desk: Desk, tag: str, status: int) -> None:
    user = await quick_desk.person()
    answer = await quick_desk.call("PATCH", f"/users/{user['id']}", {"locale": "en"}, headers={"If-Match": tag})
    assert answer.status == status


async def test_several_entity_tags_are_refused(quick_desk: Desk) -> None:
    user = await quick_desk.person()
    answer = await quick_desk.call("PATCH", f"/users/{user['id']}", {}, headers={"If-Match": '"1", "2"'})
    assert (answer.status, answer.fields) == (422, ["If-Match"])


async def test_an_unchanged_person_is_not_sent_again(desk: Desk) -> None:
    user = await desk.person()
    path = f"/users/{user['id']}"
    same = await desk.call("GET", path, headers={"If-None-Match": 'W/"7", "1"'})
    assert (same.status, same.text, same.headers["ETag"]) == (304, "", '"1"')
    await desk.call("PATCH", path, {"locale": "en"})
    assert (await desk.call("GET", path, headers={"If-None-Match": '"1"'})).status == 200


async def test_disabling_the_company_changes_the_entity_tag_because_it_changes_who_may_chat(desk: Desk) -> None:
    user = await desk.person()
    operator = await desk.token_for("admin", operator=True)
    changed = await desk.call(
        "PATCH", "/company", {"enabled": False}, token=operator, headers={"X-Company": "firma.test"}
    )
    assert changed.body["enabled"] is False
    answer = await desk.call("GET", f"/users/{user['id']}", headers={"If-None-Match": '"1"'})
    assert (answer.status, answer.body["may_chat"]) == (200, False)
    tag = answer.headers["ETag"]
    patched = await desk.call("PATCH", f"/users/{user['id']}", {"locale": "en"}, headers={"If-Match": tag})
    assert patched.status == 200


async def test_hr_can_send_the_same_again_and_again(desk: Desk) -> None:
    body = {"display_name": "Aylin Öztürk", "email": "aylin@firma.test"}
    path = "/users/by-external-id/HR%2F4711%20b"
    first = await desk.call("PUT", path, body)
    assert (first.status, first.body["external_id"]) == (201, "HR/4711 b")
    again = await desk.call("PUT", path, body)
    assert (again.status, again.body) == (200, first.body)
    moved = await desk.call("PUT", path, {"display_name": "Aylin Kaya", "active": False})
    assert moved.body == first.body | {
        "display_name": "Aylin Kaya", "active": False, "may_chat": False, "access": "none", "version": 2
    }  # fmt: skip
    assert (await desk.call("PUT", path, body, headers={"If-Match": '"1"'})).status == 412


async def test_hr_cannot_give_a_person_another_username(quick_desk: Desk) -> None:
    await quick_desk.person(external_id="4711")
    answer = await quick_desk.call(
        "PUT", "/users/by-external-id/4711", {"display_name": "Aylin Öztürk", "username": "other"}
    )
    assert (answer.status, answer.fields) == (409, ["username"])
    answer = await quick_desk.call(
        "PUT", "/users/by-external-id/4711", {"display_name": "Aylin Öztürk", "external_id": "4712"}
    )
    assert (answer.status, answer.fields) == (422, ["external_id"])
    answer = await quick_desk.call("PUT", "/users/by-external-id/%00", {"display_name": "A"})
    assert (answer.status, answer.fields) == (422, ["external_id"])


@EVERYWHERE
async def test_people_are_found_by_filters(desk: Desk) -> None:
    aylin = await desk.person(external_id="4711", email="a.oe@firma.test")
    bea = await desk.person("Bea Blum", active=False)
    carl = await desk.person("Carl Cuno", chat_permission=False)
    for query, expected in (
        ("", [aylin, bea, carl]),
        ("?q=oeztu", [aylin]),
        ("?q=a.oe@", [aylin]),
        ("?q=blum", [bea]),
        ("?active=false", [bea]),
        ("?active=true&chat_permission=true", [aylin]),
        ("?chat_permission=false", [carl]),
        ("?external_id=4711", [aylin]),
        ("?external_id=4711&active=false", []),
        ("?external_id=4712", []),
        ("?username=BEA.blum", [bea]),
    ):
        answer = await desk.call("GET", f"/users{query}")
        assert (answer.status, answer.body) == (200, {"items": expected, "next_cursor": None}), query


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=ten", "limit"),
        ("active=perhaps", "active"),
        ("cursor=%25", "cursor"),
        ("cursor=AA", "cursor"),
        ("cursor=a.b", "cursor"),
        ("cursor=", "cursor"),
        ("actve=true", "actve"),
        ("q=", "q"),
        ("limit=1&limit=2", "limit"),
        ("q=a&username=b", "body"),
    ],
)
async def test_a_bad_parameter_is_named(quick_desk: Desk, query: str, field: str) -> None:
    answer = await quick_desk.call("GET", f"/users?{query}")
    assert (answer.status, answer.problem, answer.fields) == (422, "invalid", [field])


@EVERYWHERE
async def test_cursors_walk_a_thousand_people_while_one_is_added(desk: Desk) -> None:
    async with desk.directory.write(desk.company.id) as tx:
        await tx.add_users([a_user(desk.company, username=f"p{n:04}") for n in range(1000)])
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await desk.call("GET", f"/users?limit=150{cursor}")).body
        seen += [user["username"] for user in page["items"]]
        if len(seen) == 300:
            await desk.person("Late", username="p0000-before")
            await desk.person("Late", username="p0500-after")
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == sorted([*(f"p{n:04}" for n in range(1000)), "p0500-after"])


@EVERYWHERE
async def test_what_belongs_to_another_company_is_not_found(desk: Desk) -> None:
    user, group = await desk.person(), await desk.group()
    other = await desk.company_named("andere.test")
    stranger = await desk.token_for("admin", company=other)
    for method, path, body in (
        ("GET", f"/users/{user['id']}", None),
        ("PATCH", f"/users/{user['id']}", {"active": False}),
        ("DELETE", f"/users/{user['id']}", None),
        ("POST", f"/users/{user['id']}/deactivate", None),
        ("POST", f"/users/{user['id']}/reactivate", None),
        ("GET", f"/users/{user['id']}/access", None),
        ("GET", f"/users/{user['id']}/offboardings", None),
        ("GET", f"/users/{user['id']}/offboardings/x", None),
        ("GET", f"/users/{user['id']}/credentials", None),
        ("POST", f"/users/{user['id']}/credentials", None),
        ("DELETE", f"/users/{user['id']}/credentials/x", None),
        ("GET", f"/users/{user['id']}/links", None),
        ("POST", f"/users/{user['id']}/links", None),
        ("DELETE", f"/users/{user['id']}/links/x", None),
        ("GET", f"/groups/{group['id']}", None),
        ("PATCH", f"/groups/{group['id']}", {"name": "Other"}),
        ("DELETE", f"/groups/{group['id']}", None),
        ("GET", f"/groups/{group['id']}/members", None),
        ("PUT", f"/groups/{group['id']}/members", {"members": []}),
        ("PATCH", f"/groups/{group['id']}/members", {}),
        ("PUT", f"/groups/{group['id']}/members/{user['id']}", None),
        ("DELETE", f"/groups/{group['id']}/members/{user['id']}", None),
        ("DELETE", "/tokens/x", None),
    ):
        answer = await desk.call(method, path, body, token=stranger)
        assert (answer.status, answer.problem) == (404, "not-found"), (method, path)
    assert (await desk.call("GET", f"/users/{user['id']}")).body == user
