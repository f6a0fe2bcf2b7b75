"""What identity providers need of a SCIM server, point by point: the numbers are those of the table in docs/scim.md."""

import asyncio
import logging
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kleanxmpp import tokens, users
from kleanxmpp.drafts import NewUser
from kleanxmpp.guard import Limits
from kleanxmpp.model import Door, Role
from kleanxmpp.ports import Directory
from kleanxmpp.testing_directory import MemoryDirectory
from tests.integration.admin_api.desk import EVERYWHERE, SETTINGS, logged, opened
from tests.integration.scim.client import BULK, ENTERPRISE, GROUP, LIST, PATCH, USER, Scim, error, recorded

OUT = {"op": "replace", "path": "active", "value": False}


async def found_by(scim: Scim, query: str, path: str = "/Users") -> list[str]:
    """Return the ids of what a filter finds; totalResults says the same."""
    listed = await scim.found(path, filter=query)
    resources = [one["id"] for one in listed["Resources"]]
    assert listed["totalResults"] == len(resources)
    return resources


async def test_01_op_and_names_in_any_case_and_schemas_last(quick_scim: Scim) -> None:
    user = await quick_scim.person("a@firma.test")
    body = {"operations": [{"OP": "RePlAcE", "Path": "DISPLAYNAME", "Value": "Anna Alt"}], "schemas": [PATCH]}
    answer = await quick_scim.call("PATCH", f"/Users/{user['id']}", body, expect=200)
    assert answer.body["displayName"] == "Anna Alt"
    added = await quick_scim.call("POST", "/Users", {"USERNAME": "b@firma.test", "Active": False, "schemas": [USER]})
    assert (added.status, added.body["userName"], added.body["active"]) == (201, "b@firma.test", False)


@pytest.mark.parametrize("value", [True, "True", "true", False, "False", "false"])
@pytest.mark.parametrize("with_path", [True, False])
async def test_02_booleans_as_text_are_booleans(quick_scim: Scim, value: object, with_path: bool) -> None:
    before = str(value).lower() != "true"
    user = await quick_scim.person("a@firma.test", active=before)
    said = {"path": "active", "value": value} if with_path else {"value": {"active": value}}
    answer = await quick_scim.patch(f"/Users/{user['id']}", {"op": "Replace", **said}, expect=200)
    assert answer.body["active"] is not before


@pytest.mark.parametrize("value", ["", "no", "0", "FALSE ", 0, 1, [], {}, ["False"], 0.0])
async def test_02_anything_else_is_no_boolean_and_changes_nothing(quick_scim: Scim, value: object) -> None:
    user = await quick_scim.person("a@firma.test", active=True)
    path = f"/Users/{user['id']}"
    for sent in (
        {"op": "replace", "path": "active", "value": value},
        {"op": "replace", "value": {"active": value, "title": "x"}},
        {"op": "add", "path": f"{USER}:active", "value": value},
    ):
        answer = await quick_scim.patch(path, sent, expect=400)
        assert error(answer) == "invalidValue"
    put = {"schemas": [USER], "userName": "a@firma.test", "active": value}
    assert error(await quick_scim.call("PUT", path, put, expect=400)) == "invalidValue"
    assert await quick_scim.read(path) == user


@EVERYWHERE
async def test_03_several_operations_in_order_and_none_if_one_is_bad(scim: Scim) -> None:
    user = await scim.person("a@firma.test")
    path = f"/Users/{user['id']}"
    several: list[dict[str, Any]] = [
        {
            "op": "replace",
            "value": {"name.givenName": "Anna", "name.familyName": "Alt", f"{ENTERPRISE}:department": "N"},
        },
        {"op": "replace", "path": "name.familyName", "value": "Neu"},
    ]
    answer = await scim.patch(path, *several, expect=200)
    assert answer.body["name"] == {"givenName": "Anna", "familyName": "Neu"}
    before = await scim.read(path)
    for bad in (
        {"op": "replace", "path": "nickname.nope", "value": "x"},
        {"op": "frobnicate", "path": "title", "value": "x"},
        {"op": "replace", "path": "id", "value": "x"},
        {"op": "remove"},
        {"op": "remove", "path": "userName"},
        {"op": "replace", "path": "emails[type eq", "value": "x"},
        {"op": "replace", "path": f"{ENTERPRISE}:department", "value": "x" * 201},
        {"op": "replace", "path": "displayName", "value": "x\u0000y"},
    ):
        answer = await scim.patch(path, {"op": "replace", "path": "title", "value": "Chef"}, OUT, bad, expect=400)
        assert error(answer)
        assert await scim.read(path) == before
    team = await scim.group("Team")
    adding = {"op": "add", "path": "members", "value": [{"value": user["id"]}]}
    for bad in (
        {"op": "add", "path": "members", "value": [{"value": "nobody"}]},
        {"op": "add", "path": "x", "value": 1},
    ):
        assert error(await scim.patch(f"/Groups/{team['id']}", adding, bad, expect=400))
        assert await scim.read(f"/Groups/{team['id']}") == team


@EVERYWHERE
async def test_04_removing_members_never_removes_others(scim: Scim) -> None:
    one, two, three = [(await scim.person(f"{n}@firma.test"))["id"] for n in range(3)]
    group = f"/Groups/{(await scim.group('Team', one, two, three))['id']}"
    await scim.patch(group, {"op": "remove", "path": "members", "value": [{"value": one}]}, expect=204)
    assert (await scim.read(group))["members"] != []
    await scim.patch(group, {"op": "remove", "path": "members", "value": []}, expect=204)
    bare = await scim.patch(group, {"op": "remove", "path": "members"}, expect=400)
    assert error(bare) == "invalidValue"
    for value in ([{}], [{"value": ""}], [{"value": None}], "", 7):
        assert error(await scim.patch(group, {"op": "remove", "path": "members", "value": value}, expect=400))
    assert await scim.members(group.removeprefix("/Groups/")) == {two, three}
    both = f'members[value eq "{two}" or value eq "{three}"]'
    await scim.patch(group, {"op": "remove", "path": both}, expect=204)
    assert await scim.members(group.removeprefix("/Groups/")) == set()


async def test_04_a_setting_lets_a_bare_remove_empty_the_group(directory: Directory) -> None:
    async with opened(directory, settings=replace(SETTINGS, scim_lenient=True)) as desk:
        scim = Scim(desk=desk, token=await desk.token_for(tokens.SCIM))
        user, team = await scim.person("a@firma.test"), await scim.group("Team")
        adding = [{"value": user["id"]}, {"value": "nobody"}]
        added = await scim.patch(f"/Groups/{team['id']}", {"op": "add", "path": "members", "value": adding}, expect=200)
        assert [member["value"] for member in added.body["members"]] == [user["id"]]
        emptied = await scim.patch(f"/Groups/{team['id']}", {"op": "remove", "path": "members"}, expect=200)
        assert "members" not in emptied.body


async def test_05_members_are_added_and_removed_repeatably_and_must_exist(scim: Scim) -> None:
    user = (await scim.person("a@firma.test"))["id"]
    team = (await scim.group("Team"))["id"]
    for op in ("add", "add", "remove", "remove"):
        await scim.patch(f"/Groups/{team}", {"op": op, "path": "members", "value": [{"value": user}]}, expect=204)
        assert await scim.members(team) == ({user} if op == "add" else set())
    for unknown in ("nobody", secrets.token_hex(16), team, "x" * 5000, "ä\u0000"):
        value = [{"value": user}, {"value": unknown}]
        for op in ("add", "replace"):
            answer = await scim.patch(f"/Groups/{team}", {"op": op, "path": "members", "value": value})
            assert (answer.status, error(answer)) == (400, "invalidValue")
        put = {"schemas": [GROUP], "displayName": "Team", "members": value}
        assert (await scim.call("PUT", f"/Groups/{team}", put)).status == 400
        assert (await scim.call("POST", "/Groups", put | {"displayName": "Neu"})).status == 400
    assert await scim.members(team) == set()
    assert (await scim.found("/Groups"))["totalResults"] == 1, "nothing came of the refused group"


async def test_06_groups_of_more_than_a_hundred_are_whole_and_need_not_be_sent(scim: Scim) -> None:
    new = [{"schemas": [USER], "userName": f"{n}@firma.test"} for n in range(150)]
    people = [{"method": "POST", "path": "/Users", "bulkId": one["userName"], "data": one} for one in new]
    done = await scim.call("POST", "/Bulk", {"schemas": [BULK], "Operations": people}, expect=200)
    ids = [one["location"].rsplit("/", 1)[-1] for one in done.body["Operations"]]
    last = ids.pop()
    team = (await scim.group("Alle", *ids))["id"]
    await scim.patch(f"/Groups/{team}", {"op": "add", "path": "members", "value": [{"value": last}]}, expect=204)
    assert await scim.members(team) == {*ids, last}
    for path in (f"/Groups/{team}", "/Groups"):
        answer = await scim.call("GET", path, params={"excludedAttributes": "members"}, expect=200)
        assert ids[0] not in answer.text
        assert answer.body.get("displayName", answer.body.get("Resources", [{}])[0].get("displayName")) == "Alle"
    listed = await scim.found("/Groups", filter='displayName eq "alle"', excludedAttributes="members")
    assert (listed["totalResults"], "members" in listed["Resources"][0]) == (1, False)
    named = await scim.call("GET", f"/Groups/{team}", params={"attributes": "members"}, expect=200)
    assert len(named.body["members"]) == 150


@EVERYWHERE
async def test_07_searching_for_nobody_is_an_empty_list_and_names_compare_in_any_case(scim: Scim) -> None:
    anna = await scim.person(
        "Anna@Firma.test", externalId="E-1", emails=[{"value": "Anna.Alt@firma.test", "type": "work"}]
    )
    for query in (
        'userName eq "anna@firma.TEST"',
        'externalId eq "E-1"',
        f'id eq "{anna["id"]}"',
        'emails[type eq "work"].value eq "anna.alt@firma.test"',
        'emails.value eq "anna.alt@firma.test"',
        'userName eq "ANNA@firma.test" and active eq true',
        'userName sw "anna" or externalId eq "nope"',
        'meta.lastModified gt "2020-01-01T00:00:00Z"',
        f'{USER}:userName co "@FIRMA"',
    ):
        assert await found_by(scim, query) == [anna["id"]], query
    for query in ('userName eq "nobody"', 'externalId eq "e-1"', 'userName eq "anna@firma.test" and active eq false'):
        listed = await scim.found("/Users", filter=query)
        assert (listed["totalResults"], listed["Resources"]) == (0, [])
    team = await scim.group("Team", anna["id"], externalId="G-1")
    for query in ('displayName eq "TEAM"', 'externalId eq "G-1"', f'members.value eq "{anna["id"]}"',
                  f'members[value eq "{anna["id"]}"]'):  # fmt: skip
        assert await found_by(scim, query, "/Groups") == [team["id"]], query
    assert (await scim.found("/Groups", filter='displayName eq "nope"'))["totalResults"] == 0
    posted = await scim.call("POST", "/Users/.search", {"filter": 'userName eq "anna@firma.test"', "schemas": []})
    assert (posted.status, posted.body["totalResults"]) == (200, 1)


@pytest.mark.parametrize(
    "query",
    [
        "title pr",
        'not (userName eq "a")',
        'title eq "Chef"',
        'name.familyName eq "Alt"',
        'emails[type eq "home"].value eq "a"',
        'userName ew "x"',
        'userName ne "x"',
        'externalId co "x"',
        f'{ENTERPRISE}:department eq "N"',
        "userName eq",
        "active eq 1",
        'meta.created gt "gestern"',
        'nope eq "x"',
    ],
)
async def test_07_what_the_database_cannot_search_is_refused_not_scanned(quick_scim: Scim, query: str) -> None:
    assert error(await quick_scim.call("GET", "/Users", params={"filter": query}, expect=400)) in {
        "invalidFilter", "invalidValue", "invalidPath",
    }  # fmt: skip


@EVERYWHERE
async def test_08_pages_are_numbered_in_a_stable_order(scim: Scim) -> None:
    ids = [(await scim.person(f"{name}@firma.test"))["id"] for name in ("c", "a", "b")]
    listed = await scim.found("/Users", startIndex=1, count=2)
    assert [one["id"] for one in listed["Resources"]] == ids[:2]
    numbers = {name: listed[name] for name in ("totalResults", "itemsPerPage", "startIndex")}
    assert numbers == {"totalResults": 3, "itemsPerPage": 2, "startIndex": 1}
    rest = await scim.found("/Users", startIndex=3, count=100)
    assert [one["id"] for one in rest["Resources"]] == ids[2:]
    assert (await scim.found("/Users", startIndex=9))["Resources"] == []
    assert ((await scim.found("/Users", count=0))["Resources"], (await scim.found("/Users"))["totalResults"]) == ([], 3)
    by_name = await scim.found("/Users", sortBy="userName", sortOrder="descending")
    assert [one["userName"][0] for one in by_name["Resources"]] == ["c", "b", "a"]
    assert error(await scim.call("GET", "/Users", params={"sortBy": "title"}, expect=400)) == "invalidPath"
    assert error(await scim.call("GET", "/Users", params={"count": "viele"}, expect=400)) is not None


async def test_09_a_leaver_stays_visible(scim: Scim) -> None:
    user = await scim.person("a@firma.test")
    await scim.patch(f"/Users/{user['id']}", OUT, expect=200)
    assert (await scim.read(f"/Users/{user['id']}"))["active"] is False
    assert [one["active"] for one in (await scim.found("/Users"))["Resources"]] == [False]
    assert await found_by(scim, 'userName eq "a@firma.test"') == [user["id"]]


@EVERYWHERE
async def test_10_a_user_name_is_given_once_and_the_id_is_ours(scim: Scim) -> None:
    body = {"schemas": [USER], "userName": "Anna@firma.test"}
    first = await scim.call("POST", "/Users", body | {"id": "mine"}, expect=201)
    assert first.body["id"] not in {"mine", None}
    assert first.headers["Location"].endswith(f"/scim/v2/Users/{first.body['id']}")
    again = await scim.call("POST", "/Users", {"schemas": [USER], "userName": "ANNA@firma.test"}, expect=409)
    assert error(again) == "uniqueness"
    other = await scim.call("POST", "/Users", {"schemas": [USER], "userName": "b", "id": first.body["id"]}, expect=201)
    assert other.body["id"] != first.body["id"]
    taken = {"op": "replace", "path": "userName", "value": "anna@FIRMA.test"}
    assert error(await scim.patch(f"/Users/{other.body['id']}", taken, expect=409)) == "uniqueness"
    put = {"schemas": [USER], "userName": "anna@firma.test"}
    assert error(await scim.call("PUT", f"/Users/{other.body['id']}", put, expect=409)) == "uniqueness"
    assert (await scim.read(f"/Users/{first.body['id']}")) == first.body


async def test_10_who_came_by_another_door_is_visible_and_taken_over_by_external_id(scim: Scim) -> None:
    desk = scim.desk
    known = await desk.person("Aylin Öztürk", external_id="4711", email="aylin@firma.test", attributes={"site": ["O1"]})
    plain = await desk.person("Bea Bauer")
    seen = {one["id"]: one["userName"] for one in (await scim.found("/Users"))["Resources"]}
    assert seen == {known["id"]: "aylin@firma.test", plain["id"]: "bea.bauer"}
    body = {"schemas": [USER], "userName": "aylin@firma.test"}
    assert error(await scim.call("POST", "/Users", body, expect=409)) == "uniqueness"
    adopted = await scim.call("POST", "/Users", body | {"externalId": "4711", "title": "Leitung"}, expect=201)
    assert (adopted.body["id"], adopted.body["displayName"]) == (known["id"], "Aylin Öztürk")
    ours = (await desk.call("GET", f"/users/{known['id']}")).body
    assert ours["attributes"] == {"role": ["Leitung"], "site": ["O1"]}
    again = await scim.call("POST", "/Users", body | {"externalId": "4711", "userName": "x"}, expect=409)
    assert error(again) == "uniqueness"


@EVERYWHERE
async def test_11_put_without_active_neither_lets_in_nor_out(scim: Scim) -> None:
    for active in (False, True):
        user = await scim.person(f"{active}@firma.test", active=active, title="Chef")
        put = {"schemas": [USER], "userName": f"{active}@firma.test"}
        answer = await scim.call("PUT", f"/Users/{user['id']}", put, expect=200)
        assert (answer.body["active"], answer.body.get("title")) == (active, None)
        gone = await scim.patch(f"/Users/{user['id']}", {"op": "remove", "path": "active"}, expect=200)
        assert "active" not in gone.body
        assert (await scim.desk.call("GET", f"/users/{user['id']}")).body["active"] is active


async def test_12_a_changed_group_is_answered_without_a_body_and_its_name_is_its_own(quick_scim: Scim) -> None:
    group = await quick_scim.group("Team")
    assert "members" not in group
    answer = await quick_scim.patch(f"/Groups/{group['id']}", {"op": "replace", "path": "displayName", "value": "Neu"})
    assert (answer.status, answer.text) == (204, "")
    asked = await quick_scim.patch(
        f"/Groups/{group['id']}",
        {"op": "replace", "path": "displayName", "value": "Neuer"},
        params={"attributes": "displayName"},
    )
    assert (asked.status, asked.body["displayName"]) == (200, "Neuer")
    body = {"schemas": [GROUP], "displayName": "Neuer"}
    assert error(await quick_scim.call("POST", "/Groups", body, expect=409)) == "uniqueness"
    other = await quick_scim.group("Anders")
    rename = {"op": "replace", "path": "displayName", "value": "Neuer"}
    assert error(await quick_scim.patch(f"/Groups/{other['id']}", rename, expect=409)) == "uniqueness"


async def test_13_discovery_media_types_and_errors_are_scims_own(quick_scim: Scim) -> None:
    for path in ("/ResourceTypes", "/Schemas"):
        answer = await quick_scim.call("GET", path, expect=200)
        assert answer.body["schemas"] == [LIST]
        assert isinstance(answer.body["totalResults"], int)
        assert "null" not in answer.text
    config = await quick_scim.call("GET", "/ServiceProviderConfig", expect=200)
    assert "null" not in config.text
    assert all(config.body[name]["supported"] for name in ("patch", "bulk", "filter", "sort", "etag"))
    assert config.headers["Content-Type"].startswith("application/scim+json")
    for media_type in ("application/json", "application/scim+json; charset=utf-8"):
        body = {"schemas": [USER], "userName": media_type}
        await quick_scim.call("POST", "/Users", body, headers={"Content-Type": media_type}, expect=201)
    wrong = {"headers": {"Content-Type": "text/plain"}}
    user_id = (await quick_scim.person("a@firma.test"))["id"]
    for method, path, body, options, status in (
        ("GET", "/Users/nobody", None, {}, 404),
        ("GET", "/Nothing", None, {}, 404),
        ("GET", "/a/b/c/d", None, {}, 404),
        ("DELETE", "/Users", None, {}, 405),
        ("TRACE", "/Users", None, {}, 405),
        ("POST", "/Users", b"{", {}, 400),
        ("POST", "/Users", b"[]", {}, 400),
        ("POST", "/Users", b"\xff", {}, 400),
        ("POST", "/Users", {"schemas": [USER]}, {}, 400),
        ("POST", "/Users", {"schemas": [USER], "userName": "x", "unknown": 1}, {}, 400),
        ("POST", "/Users", {"schemas": [USER], "userName": " "}, {}, 400),
        ("POST", "/Users", {"schemas": [USER], "userName": "x"}, wrong, 415),
        ("POST", "/Users", b" " * 200_001, {}, 413),
        ("POST", "/Bulk", b" " * 200_001, {}, 413),
        ("PUT", f"/Users/{user_id}", {"schemas": [USER], "userName": "x"}, {"headers": {"If-Match": 'W/"9"'}}, 412),
        ("GET", "/Me", None, {}, 501),
        ("GET", "/Users/x", None, {"token": None}, 401),
        ("GET", "/Users/x", None, {"token": "klean_wrong"}, 401),
        ("GET", "/Nothing", None, {"token": quick_scim.desk.token}, 403),
    ):
        answer = await quick_scim.call(method, path, body, expect=status, **options)
        error(answer)
        assert ("WWW-Authenticate" in answer.headers) == (status == 401)
        assert ("Allow" in answer.headers) == (status == 405)
    assert (await quick_scim.found("/Users"))["totalResults"] == 3


async def test_13_a_changed_resource_has_another_entity_tag(scim: Scim) -> None:
    user, group = await scim.person("a@firma.test"), await scim.group("Team")
    for path, change in (
        (f"/Users/{user['id']}", {"op": "replace", "path": "title", "value": "Chef"}),
        (f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": [{"value": user["id"]}]}),
    ):
        first = await scim.call("GET", path, expect=200)
        tag = first.headers["ETag"]
        assert tag == first.body["meta"]["version"]
        assert (await scim.call("GET", path, headers={"If-None-Match": tag})).status == 304
        assert (await scim.patch(path, change, headers={"If-Match": tag})).status in {200, 204}
        assert (await scim.call("GET", path)).headers["ETag"] != tag
        assert error(await scim.patch(path, change, headers={"If-Match": tag}, expect=412)) is None
        assert error(await scim.call("DELETE", path, headers={"If-Match": tag}, expect=412)) is None


async def test_14_nothing_but_the_token_is_asked_for(quick_scim: Scim) -> None:
    url = quick_scim.desk.client.make_url("/")
    reader, writer = await asyncio.open_connection(url.host, url.port)
    query = f"/scim/v2/Users?filter=userName+eq+%22{secrets.token_hex(16)}%22"
    writer.write(f"GET {query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {quick_scim.token}\r\n\r\n".encode())
    assert (await reader.readline()).split()[1] == b"200"
    writer.close()
    await writer.wait_closed()


async def test_15_two_tokens_are_valid_at_once_and_good_for_nothing_else(scim: Scim) -> None:
    desk = scim.desk
    issued = await desk.call("POST", "/tokens", {"name": "Entra neu", "scopes": ["scim"]})
    assert issued.status == 201
    for token in (scim.token, issued.body["token"]):
        assert (await scim.call("GET", "/Users", token=token)).status == 200
        for path in ("/users", "/groups", "/tokens", "/audit", "/status"):
            assert (await desk.call("GET", path, token=token)).problem == "missing-scope"
        assert (await desk.call("POST", "/tokens", {"name": "x", "scopes": ["scim"]}, token=token)).status == 403
    await desk.call("DELETE", f"/tokens/{issued.body['id']}")
    assert (await scim.call("GET", "/Users", token=issued.body["token"])).status == 401
    assert (await scim.call("GET", "/Users")).status == 200
    mixed = await desk.call("POST", "/tokens", {"name": "x", "scopes": ["scim", "users:read"]})
    assert (mixed.status, mixed.fields) == (422, ["scopes"])
    elsewhere = await desk.token_for("scim", company=await desk.company_named("andere.test"))
    await scim.person("a@firma.test")
    assert (await scim.call("GET", "/Users", token=elsewhere)).body["totalResults"] == 0


async def test_16_what_is_not_mapped_comes_back_as_it_was_sent(quick_scim: Scim) -> None:
    sent = {
        "userName": "Anna.ALT@Büro.local",
        "displayName": "Anna  Alt ",
        "phoneNumbers": [{"value": "+49 (0)40 / 12 34-5", "type": "work"}],
        "emails": [{"value": "Anna.ALT@Büro.local", "type": "work"}, {"value": "x@HOME.de", "type": "home"}],
        "addresses": [{"type": "work", "formatted": "Straße 1\nHamburg"}],
        "roles": [{"value": "Nutzer", "primary": True}],
        "entitlements": [{"value": "chat"}],
        "profileUrl": "https://firma.test/ANNA?x=%20",
        "x509Certificates": [{"value": "QUJD"}],
        "preferredLanguage": "fr-FR",
        "timezone": "Europe/Berlin",
        "userType": "Intern",
        ENTERPRISE: {"organization": "Firma  GmbH", "costCenter": "K 1"},
    }
    user = (await quick_scim.call("POST", "/Users", {"schemas": [USER, ENTERPRISE]} | sent, expect=201)).body
    assert {name: user[name] for name in sent} == sent
    await quick_scim.desk.call("PATCH", f"/users/{user['id']}", {"attributes": {"cost_center": ["K 2"]}})
    corrected = await quick_scim.read(f"/Users/{user['id']}")
    assert {name: corrected[name] for name in sent} == sent | {
        ENTERPRISE: {"organization": "Firma  GmbH", "costCenter": "K 2"}
    }
    ours = (await quick_scim.desk.call("GET", f"/users/{user['id']}")).body
    assert (ours["display_name"], ours["email"], ours["chat_permission"]) == ("Anna Alt", "Anna.ALT@Büro.local", True)


async def test_17_who_comes_back_is_a_member_again(quick_scim: Scim) -> None:
    user = await quick_scim.person("a@firma.test")
    team = await quick_scim.group("Team", user["id"])
    await quick_scim.patch(f"/Users/{user['id']}", OUT, expect=200)
    assert await quick_scim.members(team["id"]) == {user["id"]}
    await quick_scim.patch(f"/Users/{user['id']}", {"op": "Replace", "path": "active", "value": "True"}, expect=200)
    async with quick_scim.desk.directory.read() as tx:
        circle = await tx.group_circle(quick_scim.desk.company.id, team["id"])
    assert circle is not None and list(circle.members.values()) == [Role.MEMBER]


async def test_20_who_asks_too_fast_is_told_when_to_come_back() -> None:
    slow = replace(SETTINGS, requests_per_second=0.5, requests_burst=3)
    async with opened(MemoryDirectory(), settings=slow) as desk:
        scim = Scim(desk=desk, token=await desk.token_for(tokens.SCIM))
        other = await desk.token_for(tokens.SCIM)
        answers = [await scim.call("GET", "/Users") for _ in range(4)]
        assert [one.status for one in answers] == [200, 200, 200, 429]
        assert error(answers[-1]) is None
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 2
        assert (await scim.call("GET", "/Users", token=other)).status == 200


async def test_20_wrong_tokens_are_not_looked_up_for_ever() -> None:
    async with opened(MemoryDirectory(), settings=replace(SETTINGS, requests_per_second=100)) as desk:
        scim = Scim(desk=desk, token=await desk.token_for(tokens.SCIM))
        await scim.call("GET", "/Users", expect=200)
        answers = [await scim.call("GET", "/Users", token=f"klean_{number}") for number in range(25)]
        assert [one.status for one in answers] == [401] * 20 + [429] * 5
        assert error(answers[-1]) is None
        assert int(answers[-1].headers["Retry-After"]) >= 1
        await scim.call("GET", "/Users", expect=200)


async def test_20_silence_is_noticed(scim: Scim) -> None:
    await scim.found("/Users")
    async with scim.desk.directory.read() as tx:
        heard = await tx.contacts(scim.desk.company.id)
    assert (datetime.now(UTC) - heard[Door.SCIM]).total_seconds() < 60


@EVERYWHERE
async def test_23_a_user_name_may_be_given_again_but_never_the_address(scim: Scim) -> None:
    first = await scim.person("anna@firma.test", displayName="Anna Alt", externalId="E-1")
    await scim.call("DELETE", f"/Users/{first['id']}", expect=204)
    second = await scim.person("ANNA@firma.test", displayName="Anna Alt", externalId="E-1")
    async with scim.desk.directory.read() as tx:
        people = await tx.users_by_id(scim.desk.company.id, [first["id"], second["id"]])
    assert (people[first["id"]].username, people[second["id"]].username) == ("anna.alt", "anna.alt2")
    async with scim.desk.working():
        await scim.desk.until("/status", lambda answer: answer.body["due"]["count"] == 0)
    third = await scim.person("third@firma.test", displayName="Anna Alt")
    assert (await scim.desk.call("GET", f"/users/{third['id']}")).body["username"] == "anna.alt3"


@EVERYWHERE
async def test_24_deleting_is_repeatable_and_nobody_is_too_important_to_leave(scim: Scim) -> None:
    desk = scim.desk
    boss = await desk.person("Berta Boss", admin=True)
    team = await scim.group("Team", boss["id"])
    await desk.call("PUT", f"/groups/{team['id']}/members/{boss['id']}", {"role": "moderator"})
    path = f"/Users/{boss['id']}"
    await scim.call("DELETE", path, expect=204)
    assert error(await scim.call("GET", path, expect=404)) is None
    await scim.call("DELETE", path, expect=204)
    assert error(await scim.patch(path, OUT, expect=404)) is None
    assert await scim.members(team["id"]) == set()
    async with desk.working():
        await desk.until(f"/users/{boss['id']}", lambda answer: answer.status == 404)
        await desk.until("/status", lambda answer: answer.body["due"]["count"] == 0)
    await scim.call("DELETE", path, expect=204)
    assert (await scim.call("DELETE", f"/Users/{secrets.token_hex(16)}")).status == 404
    await scim.call("DELETE", f"/Groups/{team['id']}", expect=204)
    await scim.call("DELETE", f"/Groups/{team['id']}", expect=204)
    assert (await scim.call("GET", f"/Groups/{team['id']}")).status == 404
    assert (await scim.found("/Groups"))["totalResults"] == 0


@EVERYWHERE
async def test_new_people_in_one_request_are_who_they_are_one_by_one(scim: Scim) -> None:
    work = {"department": "Lager", "manager": {"value": "m1"}}
    new = [
        {"userName": "a@x.test", "externalId": "a", "displayName": "Jan Meier", ENTERPRISE: work},
        {"userName": "b@x.test", "displayName": "Jan Meier", "emails": [{"value": "b@x.test"}], "active": False},
        {"userName": "c@x.test", "externalId": "", "preferredLanguage": "en", "title": "Leitung", "nickName": "C"},
    ]

    def bodies(mark: str) -> list[dict[str, Any]]:
        named = [one | {"userName": mark + one["userName"]} for one in new]
        return [one | {"schemas": [USER], **({"externalId": mark} if one.get("externalId") else {})} for one in named]

    singly = [(await scim.call("POST", "/Users", one, expect=201)).body for one in bodies("1")]
    operations = [{"method": "POST", "path": "/Users", "bulkId": one["userName"], "data": one} for one in bodies("2")]
    done = (await scim.call("POST", "/Bulk", {"schemas": [BULK], "Operations": operations}, expect=200)).body
    assert [(one["bulkId"], one["status"]) for one in done["Operations"]] == [
        (f"2{one['userName']}", "201") for one in new
    ]
    for single, outcome in zip(singly, done["Operations"], strict=True):
        together = await scim.read("/Users/" + outcome["location"].rpartition("/")[2])
        assert (outcome["location"], outcome["version"]) == (together["meta"]["location"], together["meta"]["version"])
        assert together["userName"] == single["userName"].replace("1", "2", 1)
        told = {"id", "meta", "userName", "externalId"}
        assert {k: v for k, v in together.items() if k not in told} == {
            k: v for k, v in single.items() if k not in told
        }


async def test_people_in_one_request_who_cannot_all_be_new_are_looked_at_one_by_one(scim: Scim) -> None:
    def operations(*people: dict[str, Any]) -> dict[str, Any]:
        post = {"method": "POST", "path": "/Users"}
        sent = [post | {"bulkId": str(n), "data": {"schemas": [USER], **one}} for n, one in enumerate(people)]
        return {"schemas": [BULK], "Operations": sent}

    known = await scim.desk.person("Eva Alt", external_id="e1")
    fresh = {"userName": "neu@x.test"}
    body = operations(fresh, {"userName": "eva@x.test", "externalId": "e1"})
    done = (await scim.call("POST", "/Bulk", body, expect=200)).body["Operations"]
    assert [one["status"] for one in done] == ["201", "201"]
    assert done[1]["location"].endswith(known["id"])
    for bad, status in (
        ({"userName": "NEU@x.test"}, "409"),
        ({"userName": "eva2@x.test", "externalId": "e1"}, "409"),
        ({"userName": "z@x.test"}, "409"),
        ({"userName": "y@x.test", "displayName": "x" * 201}, "400"),
        ({"userName": "w@x.test", "active": "vielleicht"}, "400"),
    ):
        body = operations({"userName": "Z@x.test"}, bad, {"userName": "later@x.test"})
        done = (await scim.call("POST", "/Bulk", body, expect=200)).body["Operations"]
        assert [one["status"] for one in done] == ["424", status, "424"], bad
    assert (await scim.found("/Users"))["totalResults"] == 2


async def test_a_bulk_request_is_applied_whole_or_not_at_all(scim: Scim) -> None:
    def post(name: str, **data: Any) -> dict[str, Any]:
        data = {"schemas": [USER], "userName": name, **data}
        return {"method": "POST", "path": "/Users", "bulkId": name, "data": data}

    members = [{"value": "bulkId:a"}, {"value": "bulkId:b"}]
    group = {"schemas": [GROUP], "displayName": "Team", "members": members}
    both = [post("a"), post("b"), {"method": "POST", "path": "/Groups", "bulkId": "g", "data": group}]
    body = {"schemas": [BULK], "Operations": both}
    done = await scim.call("POST", "/Bulk", body, expect=200)
    assert [one["status"] for one in done.body["Operations"]] == ["201"] * 3
    (team,) = (await scim.found("/Groups"))["Resources"]
    assert len(team["members"]) == 2
    before = (await scim.found("/Users"))["Resources"]
    out = {"schemas": [PATCH], "Operations": [OUT]}
    for bad in (
        post("A"),
        {"method": "PATCH", "path": "/Users/nobody", "data": out},
        {"method": "POST", "path": "/Groups", "bulkId": "x", "data": group | {"members": [{"value": "y"}]}},
        post("c", active="vielleicht"),
    ):  # fmt: skip
        operations = [
            post("new"),
            {"method": "PATCH", "path": f"/Users/{before[0]['id']}", "data": out},
            bad,
            post("z"),
        ]
        answer = await scim.call("POST", "/Bulk", {"schemas": [BULK], "Operations": operations}, expect=200)
        told = [one["status"] for one in answer.body["Operations"]]
        assert (told[0], told[1], told[3]) == ("424",) * 3
        assert told[2] in {"400", "404", "409"}
        assert (await scim.found("/Users"))["Resources"] == before
    async with scim.desk.directory.read() as tx:
        assert await tx.open_offboardings(scim.desk.company.id) == []
    many = {"schemas": [BULK], "Operations": [post(str(n)) for n in range(1001)]}
    assert error(await scim.call("POST", "/Bulk", many, expect=413)) is None


@EVERYWHERE
async def test_a_mass_change_waits_and_is_told_honestly(directory: Directory) -> None:
    async with opened(directory, settings=replace(SETTINGS, limits=Limits(people=1, percent=100))) as desk:
        scim = Scim(desk=desk, token=await desk.token_for(tokens.SCIM))
        one, two, three = [await scim.person(f"{n}@firma.test") for n in range(3)]
        assert (await scim.patch(f"/Users/{one['id']}", OUT, expect=200)).body["active"] is False
        title = {"op": "replace", "path": "title", "value": "x"}
        assert (await scim.patch(f"/Users/{two['id']}", OUT, title, expect=200)).body["active"] is True
        refused = await scim.call("DELETE", f"/Users/{three['id']}", expect=409)
        assert error(refused) is None
        assert (await scim.read(f"/Users/{three['id']}"))["active"] is True
        (hold,) = (await desk.call("GET", "/held")).body["items"]
        assert {change["user_id"] for change in hold["changes"]} == {two["id"], three["id"]}
        await scim.patch(f"/Users/{two['id']}", {"op": "replace", "path": "title", "value": "y"}, expect=200)
        assert (await desk.call("GET", "/held")).body["items"][0]["people"] == 2, "another change is no word on it"
        await scim.patch(f"/Users/{two['id']}", OUT | {"value": True}, expect=200)
        assert (await desk.call("GET", "/held")).body["items"][0]["people"] == 1
        await desk.call("POST", f"/held/{hold['id']}/confirm")
        assert (await scim.read(f"/Users/{three['id']}"))["active"] is False
        await scim.call("DELETE", f"/Users/{three['id']}", expect=204)


async def test_nothing_personal_reaches_the_logs(scim: Scim, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    user = await scim.person("geheimnis@firma.test", displayName="Geheimnis", password="Geheimnis1")
    await scim.call("PATCH", f"/Users/{user['id']}", recorded("entra_default_deactivate"), expect=200)
    await scim.call("GET", "/Users", params={"filter": 'title eq "Geheimnis"'}, expect=400)
    await scim.call("POST", "/Users", {"schemas": [USER], "userName": "GEHEIMNIS@firma.test"}, expect=409)
    await scim.call("POST", "/Users", {"Geheimnis": "Geheimnis"}, expect=400)
    told = logged(caplog.records).lower()
    assert "geheimnis" not in told
    assert scim.token not in told


async def test_who_was_added_by_scim_can_be_found_by_other_doors(scim: Scim) -> None:
    await scim.person("a@firma.test", externalId="4711")
    found = (await scim.desk.call("GET", "/users?external_id=4711")).body["items"]
    assert [one["display_name"] for one in found] == ["a@firma.test"]
    added = await users.add_user(
        scim.desk.directory, scim.desk.company, NewUser(display_name="B", external_id="4712"), actor="t",
        now=datetime.now(UTC),
    )  # fmt: skip
    assert (await scim.read(f"/Users/{added.id}"))["externalId"] == "4712"
