"""Groups with rules over HTTP."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from kleanxmpp import rule_text, rules
from tests.integration.admin_api.desk import EVERYWHERE, Desk

DOCS = Path(__file__).parents[3] / "docs" / "groups.md"
TEXT = 'site = "Objekt 12" and role in ("Reinigung", "Glas")'
RULE = {
    "all": [{"attribute": "site", "in": ["Objekt 12"]}, {"attribute": "role", "in": ["Reinigung", "Glas"]}]
}  # fmt: skip
HERE = {"site": ["objekt 12"], "role": ["Glas"]}


async def circle(desk: Desk, group: dict[str, Any]) -> dict[str, Any]:
    """Return the circle: username -> (role, whether by rule)."""
    answer = await desk.call("GET", f"/groups/{group['id']}/members")
    return {one["username"]: (one["role"], one["by_rule"]) for one in answer.body["items"]}


@EVERYWHERE
async def test_a_group_follows_its_rule(desk: Desk) -> None:
    group = await desk.group("Objekt 12", rule=TEXT)
    assert (group["rule"], group["rule_text"]) == (RULE, TEXT)
    anna = await desk.person("Anna", username="anna", attributes=HERE)
    bob = await desk.person("Bob", username="bob")
    assert await circle(desk, group) == {"anna": ("member", True)}
    path = f"/groups/{group['id']}"
    put = await desk.call("PUT", f"{path}/members/{bob['id']}", {"role": "moderator"})
    assert (put.status, put.body["by_rule"]) == (200, False)
    changed = await desk.call("PATCH", path, {"rule": {"attribute": "site", "in": ["Objekt 7"]}})
    assert (changed.status, changed.body["rule_text"], changed.body["version"]) == (200, 'site = "Objekt 7"', 2)
    assert await circle(desk, group) == {"bob": ("moderator", False)}
    moved = await desk.call("PATCH", f"/users/{anna['id']}", {"attributes": {"site": ["Objekt 7"]}})
    assert moved.status == 200
    assert await circle(desk, group) == {"anna": ("member", True), "bob": ("moderator", False)}
    removed = await desk.call("PATCH", path, {"rule": None})
    assert (removed.body["rule"], removed.body["rule_text"]) == (None, None)
    assert await circle(desk, group) == {"bob": ("moderator", False)}


async def test_members_by_rule_are_kept_on_demand(desk: Desk) -> None:
    group = await desk.group("Objekt 12", rule=TEXT)
    await desk.person("Anna", username="anna", attributes=HERE)
    path = f"/groups/{group['id']}"
    refused = await desk.call("PATCH", path, {"name": "Neu", "keep_members": True})
    assert (refused.status, refused.fields) == (422, ["keep_members"])
    assert (await desk.call("PATCH", path, {"rule": None, "keep_members": True})).status == 200
    assert await circle(desk, group) == {"anna": ("member", False)}


async def test_who_is_in_by_the_rule_is_taken_out_by_an_exception(desk: Desk) -> None:
    group = await desk.group("Objekt 12", rule=TEXT)
    anna = await desk.person("Anna", username="anna", attributes=HERE)
    member, exception = (f"/groups/{group['id']}/{what}/{anna['id']}" for what in ("members", "exceptions"))
    refused = await desk.call("DELETE", member)
    assert (refused.status, refused.problem) == (409, "conflict")
    assert "exception" in refused.body["detail"]
    refused = await desk.call("PATCH", f"/groups/{group['id']}/members", {"remove": [anna["id"]]})
    assert (refused.status, refused.fields) == (409, ["remove"])
    assert (await desk.call("GET", exception)).status == 404
    for _ in range(2):
        added = await desk.call("PUT", exception)
        shown = {"user_id": anna["id"], "username": "anna", "display_name": "Anna"}
        assert added.body == shown | {"since": added.body["since"], "is_member": False}
    assert await circle(desk, group) == {}
    assert (await desk.call("GET", exception)).body == added.body
    listed = (await desk.call("GET", f"/groups/{group['id']}/exceptions")).body
    assert listed == {"items": [added.body], "next_cursor": None}
    for _ in range(2):
        assert (await desk.call("DELETE", exception)).status == 204
    assert await circle(desk, group) == {"anna": ("member", True)}


async def test_a_fixed_member_falls_back_to_the_rule(desk: Desk) -> None:
    group = await desk.group("Objekt 12", rule=TEXT)
    anna = await desk.person("Anna", username="anna", attributes=HERE)
    bob = await desk.person("Bob", username="bob")
    members = f"/groups/{group['id']}/members"
    items = [{"user_id": anna["id"], "role": "moderator"}, {"user_id": bob["id"]}]
    answer = await desk.call("PATCH", members, {"add": items})
    assert (answer.body["total"], answer.body["by_rule"]) == (2, 0)
    kept = await desk.call("DELETE", f"{members}/{anna['id']}")
    assert (kept.status, kept.body["role"], kept.body["by_rule"]) == (200, "member", True)
    assert kept.headers["ETag"] == (await desk.call("GET", members)).headers["ETag"]
    assert (await desk.call("DELETE", f"{members}/{bob['id']}")).status == 204
    answer = await desk.call("PUT", members, {"members": []})
    assert (answer.body["total"], answer.body["by_rule"]) == (1, 1)


async def test_a_preview_counts_first_and_changes_nothing(desk: Desk) -> None:
    group = await desk.group("Objekt 12", rule=TEXT)
    await desk.person("Anna", username="anna", attributes=HERE)
    bob = await desk.person("Bob", username="bob", attributes={"site": ["Objekt 7"]})
    path = f"/groups/{group['id']}/rule/preview"
    found = (await desk.call("POST", path, {"rule": 'site = "Objekt 7"'})).body
    assert {name: found[name] for name in ("joins", "leaves", "total")} == {"joins": 1, "leaves": 1, "total": 1}
    assert found["joining"] == [{"user_id": bob["id"], "username": "bob", "display_name": "Bob"}]
    assert [one["username"] for one in found["leaving"]] == ["anna"]
    assert (await desk.call("POST", path, {"rule": None})).body["leaves"] == 1
    assert await circle(desk, group) == {"anna": ("member", True)}
    assert (await desk.call("POST", path, {})).fields == ["rule"]


async def test_an_explanation_says_what_is_wanted_and_what_is_known(desk: Desk) -> None:
    group = await desk.group("Objekt 12", rule='site = "Objekt 12" and not role = "Leitung"')
    anna = await desk.person("Anna", username="anna", attributes={"site": ["Objekt 12"]})
    path = f"/groups/{group['id']}/explain?user={anna['id']}"
    found = (await desk.call("GET", path)).body
    assert {name: found[name] for name in ("in", "because", "holds", "excepted", "role", "effective")} == {
        "in": False, "because": "rule", "holds": None, "excepted": False, "role": None, "effective": False,
    }  # fmt: skip
    assert found["conditions"] == [
        {"attribute": "site", "wanted": ["Objekt 12"], "negated": False, "has": ["Objekt 12"], "holds": True},
        {"attribute": "role", "wanted": ["Leitung"], "negated": True, "has": [], "holds": None},
    ]
    assert found["sentences"][0].startswith("Anna gehört nicht zur Gruppe „Objekt 12“, weil etwas nicht bekannt ist")
    english = (await desk.call("GET", path, headers={"Accept-Language": "en"})).body["sentences"]
    assert english[2] == "job: wanted is not “Leitung”, nothing is known: not met."
    assert (await desk.call("GET", path + "&lang=de", headers={"Accept-Language": "en"})).body == found
    assert (await desk.call("GET", f"/groups/{group['id']}/explain")).fields == ["user"]
    assert (await desk.call("GET", f"/groups/{group['id']}/explain?user=unknown")).status == 404
    for scope, status in (("groups:read", 403), ("users:read", 200)):
        token = await desk.token_for(scope)
        assert (await desk.call("GET", path, token=token)).status == status


@pytest.mark.parametrize(
    "rule",
    [
        "", "site", "site = Nord", 'not site = "Nord"', {}, {"all": []}, {"attribute": "site"}, {"attribute": "Site"},
        {"attribute": "site", "in": "Nord"}, {"not": {"attribute": "site", "in": ["Nord"]}}, "x" * 20_001,
    ],
)  # fmt: skip
async def test_what_is_no_rule_is_refused_by_name(quick_desk: Desk, rule: object) -> None:
    answer = await quick_desk.call("POST", "/groups", {"name": "A", "rule": rule})
    assert (answer.status, {field.partition(".")[0] for field in answer.fields}) == (422, {"rule"})


async def test_rules_stay_within_the_company(desk: Desk) -> None:
    await desk.person("Anna", username="anna", attributes=HERE)
    token = await desk.token_for("admin", company=await desk.company_named("andere.test"))
    answer = await desk.call("POST", "/groups", {"name": "Objekt 12", "rule": TEXT}, token=token)
    members = await desk.call("GET", f"/groups/{answer.body['id']}/members", token=token)
    assert (answer.status, members.body["total"]) == (201, 0)


def test_the_rules_of_the_guide_are_rules() -> None:
    text = DOCS.read_text()
    written = re.findall(r"^    (\S.*)$", text, re.MULTILINE)
    parsed = [rule_text.parse(line) for line in written]
    assert len(parsed) == 3
    (as_json,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    assert rules.from_json(json.loads(as_json)) == parsed[1]
