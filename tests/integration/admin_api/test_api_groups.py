"""Groups and their circles over HTTP."""

import asyncio

import pytest

from tests.integration.admin_api.desk import Desk


async def test_a_group_is_added_and_shown_with_its_room(desk: Desk) -> None:
    answer = await desk.call("POST", "/groups", {"name": "Frühschicht Nord", "kind": "announcement"})
    group = answer.body
    assert (answer.status, answer.headers["Location"]) == (201, f"/api/v1/groups/{group['id']}")
    assert (group["slug"], group["room"]) == ("fruehschicht-nord", "fruehschicht-nord@gruppen.firma.test")
    assert (group["kind"], group["description"], group["version"]) == ("announcement", "", 1)
    assert (await desk.call("GET", f"/groups/{group['id']}")).body == group
    assert (await desk.call("GET", "/groups")).body == {"items": [group], "next_cursor": None}


async def test_groups_come_in_pages(desk: Desk) -> None:
    names = [(await desk.group(f"Gruppe {n}"))["slug"] for n in range(5)]
    first = (await desk.call("GET", "/groups?limit=3")).body
    second = (await desk.call("GET", f"/groups?limit=3&cursor={first['next_cursor']}")).body
    assert [group["slug"] for group in first["items"] + second["items"]] == sorted(names)
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "A\nB\u0000"}, "name"),
        ({"name": "A", "kind": "party"}, "kind"),
        ({"name": "A", "description": "x" * 501}, "description"),
        ({"name": "A", "descripton": ""}, "descripton"),
    ],
)
async def test_a_bad_field_of_a_group_is_named(quick_desk: Desk, body: object, field: str) -> None:
    answer = await quick_desk.call("POST", "/groups", body)
    assert (answer.status, answer.fields) == (422, [field])


async def test_a_group_is_changed_and_its_name_is_its_own(desk: Desk) -> None:
    group = await desk.group()
    await desk.group("Spätschicht")
    path = f"/groups/{group['id']}"
    answer = await desk.call("PATCH", path, {"description": "Ab fünf"}, headers={"If-Match": '"1"'})
    assert answer.body == group | {"description": "Ab fünf", "version": 2}
    assert (await desk.call("PATCH", path, {"name": "X"}, headers={"If-Match": '"1"'})).problem == "stale"
    duplicate = await desk.call("PATCH", path, {"name": "Spätschicht"})
    assert (duplicate.status, duplicate.fields) == (409, ["name"])
    duplicate = await desk.call("POST", "/groups", {"name": "Spätschicht"})
    assert (duplicate.status, duplicate.fields) == (409, ["name"])
    assert (await desk.call("GET", path, headers={"If-None-Match": '"2"'})).status == 304


async def test_a_deleted_group_is_gone(desk: Desk) -> None:
    group = await desk.group()
    path = f"/groups/{group['id']}"
    assert (await desk.call("DELETE", path, headers={"If-Match": '"2"'})).status == 412
    answer = await desk.call("DELETE", path, headers={"If-Match": '"1"'})
    assert (answer.status, answer.text) == (204, "")
    for method, below in (("GET", ""), ("DELETE", ""), ("GET", "/members"), ("PUT", "/members/x")):
        assert (await desk.call(method, path + below)).status == 404
    assert (await desk.call("GET", "/groups")).body["items"] == []


async def test_an_archived_group_is_kept_and_brought_back(desk: Desk) -> None:
    group, other = await desk.group(), await desk.group("Glas")
    user = await desk.person()
    path = f"/groups/{group['id']}"
    await desk.call("PUT", f"{path}/members/{user['id']}", {})
    assert (await desk.call("POST", path + "/archive", headers={"If-Match": '"2"'})).problem == "stale"
    answer = await desk.call("POST", path + "/archive", headers={"If-Match": '"1"'})
    assert (answer.status, answer.headers["ETag"], answer.body["version"]) == (200, '"2"', 2)
    archived = answer.body
    assert archived["archived_at"] and archived == group | {"version": 2, "archived_at": archived["archived_at"]}
    again = await desk.call("POST", path + "/archive")
    assert (again.status, again.body) == (200, archived), "archiving twice changes nothing"

    assert (await desk.call("GET", path)).body == archived
    for query, expected in (("", [other]), ("?archived=false", [other]), ("?archived=true", [archived])):
        assert (await desk.call("GET", "/groups" + query)).body["items"] == expected
    assert (await desk.call("GET", "/groups?archived=perhaps")).fields == ["archived"]
    (member,) = (await desk.call("GET", path + "/members")).body["items"]
    assert (member["user_id"], member["effective"]) == (user["id"], False)
    explained = await desk.call("GET", f"{path}/explain?user={user['id']}&lang=en")
    assert explained.body["in"] and not explained.body["effective"]
    assert "The group is archived: until it is brought back nobody has it." in explained.body["sentences"]
    (reach,) = (await desk.call("GET", f"/users/{user['id']}/access")).body["directory"]["groups"]
    assert (reach["id"], reach["effective"]) == (group["id"], False)
    taken = await desk.call("POST", "/groups", {"name": group["name"]})
    assert (taken.status, taken.fields) == (409, ["name"]), "the name stays the archived group's"

    second = await desk.person("Bea Blum")
    changed = await desk.call("PATCH", path + "/members", {"add": [{"user_id": second["id"]}]})
    assert (changed.status, changed.body["total"]) == (200, 2), "the directory is changed as always"
    for _ in range(2):
        restored = await desk.call("POST", path + "/restore")
        assert (restored.status, restored.body) == (200, group | {"version": 3})
    assert [one["effective"] for one in (await desk.call("GET", path + "/members")).body["items"]] == [True, True]
    assert (await desk.call("GET", "/groups?archived=true")).body["items"] == []


async def test_only_who_may_write_groups_archives_them(desk: Desk) -> None:
    group = await desk.group()
    reader = await desk.token_for("groups:read")
    for verb in ("archive", "restore"):
        refused = await desk.call("POST", f"/groups/{group['id']}/{verb}", token=reader)
        assert (refused.status, refused.problem) == (403, "missing-scope")
        assert (await desk.call("POST", f"/groups/unknown/{verb}")).status == 404
    assert (await desk.call("DELETE", f"/groups/{group['id']}")).status == 204
    assert (await desk.call("POST", f"/groups/{group['id']}/restore")).status == 404, "what is deleted is gone"


async def test_a_circle_is_replaced_in_one_go(desk: Desk) -> None:
    group = await desk.group()
    people = [await desk.person(f"Person {n}", username=f"p{n}") for n in range(4)]
    path = f"/groups/{group['id']}/members"
    items = [{"user_id": people[0]["id"], "role": "moderator"}, {"user_id": people[1]["id"]}]
    answer = await desk.call("PUT", path, {"members": items})
    assert (answer.status, answer.body) == (200, {"group_id": group["id"], "total": 2, "by_rule": 0, "version": 2})
    items = [{"user_id": people[0]["id"]}, {"user_id": people[2]["id"], "role": "member"}]
    answer = await desk.call("PUT", path, {"members": items}, headers={"If-Match": answer.headers["ETag"]})
    assert answer.status == 200
    found = await desk.call("GET", path)
    assert [(one["username"], one["role"], one["effective"]) for one in found.body["items"]] == [
        ("p0", "moderator", True),
        ("p2", "member", True),
    ]
    assert (found.body["total"], found.headers["ETag"]) == (2, '"3"')
    stale = await desk.call("PUT", path, {"members": []}, headers={"If-Match": '"2"'})
    assert (stale.status, (await desk.call("GET", path)).body["total"]) == (412, 2)
    assert (await desk.call("PUT", path, {"members": []})).body["total"] == 0


async def test_people_come_and_go_one_by_one(desk: Desk) -> None:
    group, user = await desk.group(), await desk.person()
    path = f"/groups/{group['id']}/members/{user['id']}"
    for body, role in (({}, "member"), ({"role": "moderator"}, "moderator"), ({}, "moderator"), (None, "moderator")):
        answer = await desk.call("PUT", path, body)
        assert (answer.status, answer.body["role"], answer.body["user_id"]) == (200, role, user["id"])
    assert answer.headers["ETag"] == '"3"'
    for _ in range(2):
        answer = await desk.call("DELETE", path)
        assert (answer.status, answer.headers["ETag"]) == (204, '"4"')
    assert (await desk.call("DELETE", path, headers={"If-Match": '"3"'})).status == 412
    for unknown in (f"/groups/{group['id']}/members/unknown", f"/groups/unknown/members/{user['id']}"):
        assert (await desk.call("PUT", unknown, {})).problem == "not-found"


async def test_people_are_added_and_removed_together(desk: Desk) -> None:
    group = await desk.group()
    one, two = await desk.person(), await desk.person("Bea Blum")
    path = f"/groups/{group['id']}/members"
    await desk.call("PATCH", path, {"add": [{"user_id": one["id"], "role": "moderator"}]})
    answer = await desk.call("PATCH", path, {"add": [{"user_id": two["id"]}], "remove": [one["id"], "nobody"]})
    assert (answer.status, answer.body["total"], answer.body["version"]) == (200, 1, 3)
    deactivated = await desk.call("POST", f"/users/{two['id']}/deactivate")
    assert deactivated.status == 202
    (member,) = (await desk.call("GET", path)).body["items"]
    assert (member["user_id"], member["effective"]) == (two["id"], False)
    same = await desk.call("PATCH", path, {})
    assert same.body["version"] == 3


@pytest.mark.parametrize(
    ("method", "body", "field"),
    [
        ("PUT", {"members": [{"user_id": "nobody"}]}, "members"),
        ("PUT", {}, "members"),
        ("PUT", {"members": [{"user": "nobody"}]}, "members.0.user_id"),
        ("PUT", {"members": [{"user_id": "a", "role": "owner"}]}, "members.0.role"),
        ("PUT", {"members": [{"user_id": "a"}, {"user_id": "a"}]}, "members"),
        ("PUT", {"members": [{"user_id": "\u0000"}]}, "members.0.user_id"),
        ("PATCH", {"add": [{"user_id": "nobody"}]}, "members"),
        ("PATCH", {"add": [{"user_id": "a"}], "remove": ["a"]}, "remove"),
        ("PATCH", {"remove": ["a", "a"]}, "remove"),
        ("PATCH", {"delete": []}, "delete"),
    ],
)
async def test_a_bad_circle_is_refused_whole(desk: Desk, method: str, body: object, field: str) -> None:
    group, user = await desk.group(), await desk.person()
    path = f"/groups/{group['id']}/members"
    await desk.call("PUT", path, {"members": [{"user_id": user["id"]}]})
    answer = await desk.call(method, path, body)
    assert (answer.status, field in answer.fields) == (422, True), answer.text
    assert (await desk.call("GET", path)).body["total"] == 1


async def test_a_circle_comes_in_pages(desk: Desk) -> None:
    group = await desk.group()
    people = await asyncio.gather(*(desk.person(f"Person {n}", username=f"p{n:02}") for n in range(25)))
    path = f"/groups/{group['id']}/members"
    await desk.call("PUT", path, {"members": [{"user_id": person["id"]} for person in people]})
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (await desk.call("GET", f"{path}?limit=10" + (f"&cursor={cursor}" if cursor else ""))).body
        seen += [member["username"] for member in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [f"p{n:02}" for n in range(25)]
    assert len((await desk.call("GET", path)).body["items"]) == 25
