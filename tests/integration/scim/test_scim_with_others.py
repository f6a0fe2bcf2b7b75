"""SCIM beside the other doors: what it changes is audited, follows rules, and gives way to what they did."""

from typing import Any

from tests.integration.scim.client import GROUP, USER, Scim, error

NEVER_LOGGED = ("Wichtig", "wichtig@", "Verloren", "0049")


async def written(scim: Scim, seen: list[int]) -> list[tuple[str, Any]]:
    """Return the actions and details of the entries since the last call, oldest first; SCIM's token did it all."""
    entries = (await scim.desk.call("GET", "/audit?limit=50")).body["items"]
    new = [entry for entry in reversed(entries) if entry["id"] > max(seen, default=0)]
    seen += [entry["id"] for entry in new]
    for entry in new:
        assert not [word for word in NEVER_LOGGED if word in str(entry)]
    return [(entry["action"], entry["details"]) for entry in new if entry["reason"] == "SCIM"]


async def test_every_change_leaves_an_entry_without_names(scim: Scim) -> None:
    seen: list[int] = []
    known = await scim.desk.person("Rosa Wichtig")
    await written(scim, seen)
    user = await scim.person("zoe.wichtig@firma.test", displayName="Zoë Wichtig")
    assert [action for action, _ in await written(scim, seen)] == ["user.added"]
    path = f"/Users/{user['id']}"
    phone = {"op": "add", "path": "phoneNumbers", "value": [{"value": "0049"}]}
    for someone in (path, f"/Users/{known['id']}"):
        await scim.patch(someone, phone, expect=200)
        assert await written(scim, seen) == [("user.changed", {"fields": ["scim"]})]
        await scim.patch(someone, phone | {"op": "replace"}, expect=200)
        assert await written(scim, seen) == [], "nothing new was said"
    await scim.patch(path, {"op": "replace", "path": "displayName", "value": "Zoë Sehr Wichtig"}, expect=200)
    assert await written(scim, seen) == [("user.changed", {"fields": ["display_name"]})]
    await scim.patch(path, {"op": "replace", "path": "active", "value": False}, expect=200)
    assert [action for action, _ in await written(scim, seen)] == ["user.deactivated"]
    group = await scim.group("Verloren", user["id"])
    assert [action for action, _ in await written(scim, seen)] == ["group.added", "group.circle_changed"]
    await scim.patch(f"/Groups/{group['id']}", {"op": "replace", "path": "externalId", "value": "Wichtig"}, expect=204)
    assert await written(scim, seen) == [("group.changed", {"fields": ["scim"]})]
    await scim.patch(f"/Groups/{group['id']}", {"op": "replace", "path": "displayName", "value": "Verlorenes"})
    assert await written(scim, seen) == [("group.changed", {"fields": ["name"]})]
    await scim.call("DELETE", f"/Groups/{group['id']}", expect=204)
    assert [action for action, _ in await written(scim, seen)] == ["group.deleted"]
    await scim.call("DELETE", path, expect=204)
    assert [action for action, _ in await written(scim, seen)] == ["user.erasure_requested"]


async def test_who_is_erased_by_name_frees_the_user_name_at_once(scim: Scim) -> None:
    user = await scim.person("anna@firma.test")
    assert (await scim.desk.call("DELETE", f"/users/{user['id']}")).status == 202
    assert (await scim.call("GET", f"/Users/{user['id']}")).status == 404
    await scim.person("Anna@firma.test")


async def test_what_scim_says_lets_people_into_the_circles_of_rules(scim: Scim) -> None:
    rule = {"attribute": "role", "in": ["Reinigung"]}
    group = await scim.desk.group("Reinigung", rule=rule)
    user = await scim.person("a@firma.test", title="Reinigung")
    assert await scim.members(group["id"]) == {user["id"]}
    out = {"op": "remove", "path": f'members[value eq "{user["id"]}"]'}
    assert error(await scim.patch(f"/Groups/{group['id']}", out, expect=409)) is None
    await scim.patch(f"/Users/{user['id']}", {"op": "replace", "path": "title", "value": "Leitung"}, expect=200)
    assert await scim.members(group["id"]) == set()


async def test_groups_and_people_of_others_are_not_there(scim: Scim) -> None:
    desk = scim.desk
    elsewhere = Scim(desk=desk, token=await desk.token_for("scim", company=await desk.company_named("andere.test")))
    user, group = await scim.person("a@firma.test"), await scim.group("Team")
    for path in (f"/Users/{user['id']}", f"/Groups/{group['id']}"):
        for method, body in (
            ("GET", None),
            ("PUT", {"schemas": [USER if "Users" in path else GROUP], "userName": "x", "displayName": "x"}),
            ("DELETE", None),
        ):
            body = {k: v for k, v in body.items() if k != "userName" or "Users" in path} if body else None
            assert (await elsewhere.call(method, path, body)).status == 404
    stranger = (await elsewhere.person("a@firma.test"))["id"]
    adding = {"op": "add", "path": "members", "value": [{"value": stranger}]}
    assert error(await scim.patch(f"/Groups/{group['id']}", adding, expect=400)) == "invalidValue"
    assert await scim.members(group["id"]) == set()


async def test_an_archived_group_stays_a_group_with_its_members(scim: Scim) -> None:
    user, late = await scim.person("anna@firma.test"), await scim.person("ben@firma.test")
    group = await scim.group("Objekt 12", user["id"])
    assert (await scim.desk.call("POST", f"/groups/{group['id']}/archive")).status == 200
    shown = await scim.call("GET", f"/Groups/{group['id']}")
    assert (shown.status, shown.body["displayName"]) == (200, "Objekt 12")
    assert await scim.members(group["id"]) == {user["id"]}
    put = {"op": "add", "path": "members", "value": [{"value": late["id"]}]}
    await scim.patch(f"/Groups/{group['id']}", put, expect=204)
    assert await scim.members(group["id"]) == {user["id"], late["id"]}
    found = await scim.call("GET", '/Groups?filter=displayName eq "Objekt 12"')
    assert found.body["totalResults"] == 1
    assert (await scim.desk.call("GET", f"/groups/{group['id']}")).body["archived_at"], "SCIM brings nothing back"
