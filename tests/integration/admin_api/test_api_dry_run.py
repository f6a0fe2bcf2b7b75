"""A dry run tells what would change, and changes nothing: every table is as before, and nobody is woken."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy import text

from admin_api.routes import OPERATIONS
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.tables import metadata
from kleanxmpp.ports import Directory
from kleanxmpp.testing_directory import MemoryDirectory
from tests.integration.admin_api.desk import EVERYWHERE, Answered, Desk

WITHOUT = {
    "issue_credential", "make_link", "open_chat", "issue_token", "erase_file", "confirm_held", "discard_held",
    "reconcile", "add_hr_secret", "add_webhook", "rotate_webhook_secret", "test_webhook",
}  # fmt: skip


async def everything(directory: Directory) -> object:
    """Return what is in every table."""
    if isinstance(directory, MemoryDirectory):
        return directory._tables.copy()
    assert isinstance(directory, SqlDirectory)
    async with directory.engines.reading.connect() as connection:
        return {
            table.name: sorted(repr(row) for row in (await connection.execute(text(f'SELECT * FROM "{table.name}"'))))
            for table in metadata.sorted_tables
        }


async def tried(desk: Desk, method: str, path: str, body: Any = None, **options: Any) -> Answered:
    """Try a request, and fail if it changed anything."""
    before = await everything(desk.directory)
    answer = await desk.call(method, f"{path}?dry_run=true", body, **options)
    assert await everything(desk.directory) == before
    return answer


async def change(desk: Desk, method: str, path: str, body: Any = None) -> Mapping[str, Any]:
    """Try a request that changes one subject, and return what it would change."""
    answer = await tried(desk, method, path, body)
    assert answer.status == 200, answer.text
    assert answer.body["dry_run"] is True
    (one,) = answer.body["changes"]
    return dict(one)


@EVERYWHERE
async def test_every_change_can_be_tried(desk: Desk) -> None:
    new = await change(desk, "POST", "/users", {"display_name": "Aylin Kaya", "external_id": "1"})
    assert (new["name"], new["actions"]) == ("Aylin Kaya", ["user.added"])
    assert new["values"]["username"] == {"before": None, "after": "aylin.kaya"}
    aylin, bea = await desk.person("Aylin Kaya", external_id="1"), await desk.person("Bea Blum")
    one, other = f"/users/{aylin['id']}", f"/users/{bea['id']}"
    patched = await change(desk, "PATCH", one, {"email": "a@b.example", "attributes": {"site": ["Nord"]}})
    assert patched["values"] == {
        "email": {"before": None, "after": "a@b.example"},
        "attributes": {"before": {}, "after": {"site": ["Nord"]}},
    }
    assert patched["off_boarding"] is None
    put = await change(desk, "PUT", "/users/by-external-id/1", {"display_name": "Aylin Kaya", "active": False})
    assert (put["off_boarding"], put["actions"]) == ("left", ["user.deactivated"])
    gone = await change(desk, "POST", one + "/deactivate", {"mode": "paused"})
    assert (gone["off_boarding"], gone["values"]) == ("paused", {"absence": {"before": None, "after": "paused"}})
    erased = await change(desk, "DELETE", one)
    assert erased["actions"] == ["user.deactivated", "user.erasure_requested"]
    same = await tried(desk, "POST", other + "/reactivate")
    assert (same.status, same.body["changes"]) == (200, [])

    assert (await change(desk, "POST", "/groups", {"name": "Nord"}))["values"]["slug"]["after"] == "nord"
    group = f"/groups/{(await desk.group('Nord'))['id']}"
    assert (await change(desk, "PATCH", group, {"name": "Süd"}))["values"]["name"] == {"before": "Nord", "after": "Süd"}
    place = {"user_id": aylin["id"], "before": None, "after": "moderator"}
    members = {"members": [{"user_id": aylin["id"], "role": "moderator"}]}
    assert (await change(desk, "PUT", group + "/members", members))["circle"] == [place]
    assert (await change(desk, "PATCH", group + "/members", {"add": members["members"]}))["circle"] == [place]
    member = f"{group}/members/{aylin['id']}"
    assert (await change(desk, "PUT", member, {"role": "moderator"}))["circle"] == [place]
    await desk.call("PUT", member, {"role": "moderator"})
    left = await change(desk, "DELETE", member)
    assert left["circle"] == [{"user_id": aylin["id"], "before": "moderator", "after": None}]
    archived = await change(desk, "POST", group + "/archive")
    assert (archived["actions"], archived["values"]["archived_at"]["before"]) == (["group.archived"], None)
    assert (await change(desk, "DELETE", group))["values"]["deleted"] == {"before": False, "after": True}

    await desk.call("PATCH", other, {"attributes": {"site": ["Nord"]}})
    ruled = await change(desk, "PATCH", group, {"rule": 'site = "Nord"'})
    assert [(place["user_id"], place["after"]) for place in ruled["circle"]] == [(bea["id"], "member")]
    assert ruled["values"]["rule"] == {"before": None, "after": 'site = "Nord"'}
    company = await change(desk, "PATCH", "/company", {"contacts_max": 7})
    assert company["values"] == {"contacts_max": {"before": 250, "after": 7}}
    expected = await change(desk, "PATCH", "/company", {"sources_expected": {"scim": 3600}})
    assert expected["values"] == {"sources_expected.scim": {"before": None, "after": "PT1H"}}
    device = (await desk.call("POST", one + "/credentials", {"label": "Handy"})).body
    assert (await change(desk, "DELETE", f"{one}/credentials/{device['id']}"))["actions"] == ["credential.revoked"]
    link = (await desk.call("POST", one + "/links")).body
    assert (await change(desk, "DELETE", f"{one}/links/{link['id']}"))["actions"] == ["link.revoked"]
    token = (await desk.call("POST", "/tokens", {"name": "x", "scopes": ["users:read"]})).body
    assert (await change(desk, "DELETE", f"/tokens/{token['id']}"))["actions"] == ["token.revoked"]
    operations = [
        {"method": "POST", "path": "/users", "body": {"display_name": "Cem"}, "bulk_id": "cem"},
        {"method": "PUT", "path": f"{group}/members/bulkId:cem", "body": {}},
        {"method": "POST", "path": one + "/deactivate"},
    ]
    many = await tried(desk, "POST", "/bulk", {"operations": operations})
    assert many.status == 200, many.text
    assert [entry["actions"] for entry in many.body["changes"]] == [
        ["user.added"],
        ["group.circle_changed"],
        ["user.deactivated"],
    ]


async def test_what_cannot_be_tried_says_so_and_is_not_carried_out(quick_desk: Desk) -> None:
    changing = [one for one in OPERATIONS if not one.reads and one.scope is not None]
    assert {one.name for one in changing if not one.can_be_tried and not one.tries_itself} == WITHOUT
    person = await quick_desk.person()
    for one in changing:
        if one.name not in WITHOUT:
            continue
        path = one.path
        for name in one.path_names:
            path = path.replace(f"{{{name}}}", person["id"])
        answer = await tried(quick_desk, one.method, path, {"label": "x"})
        assert (answer.status, answer.problem) == (422, "no-dry-run"), one.name
        assert answer.body["detail"] == one.why_no_dry_run


async def test_a_signed_message_is_never_carried_out_as_a_trial(quick_desk: Desk) -> None:
    answer = await quick_desk.call("POST", "/hooks/hr?dry_run=true", {"type": "employee.left"}, token=None)
    assert (answer.status, answer.problem) == (422, "no-dry-run")


async def test_an_unclear_wish_is_refused(quick_desk: Desk) -> None:
    for query in ("dry_run=1", "dry_run=True", "dry_run", "dry_run=true&dry_run=false"):
        answer = await quick_desk.call("POST", f"/users?{query}", {"display_name": "Aylin"})
        assert (answer.status, answer.fields) == (422, ["dry_run"])
    carried_out = await quick_desk.call("POST", "/users?dry_run=false", {"display_name": "Aylin"})
    assert carried_out.status == 201


@EVERYWHERE
async def test_refusals_are_those_of_the_request_itself(desk: Desk) -> None:
    aylin = await desk.person("Aylin", username="aylin")
    taken = await tried(desk, "POST", "/users", {"display_name": "B", "username": "aylin"})
    assert (taken.status, taken.fields) == (409, ["username"])
    stale = await tried(desk, "PATCH", f"/users/{aylin['id']}", {"email": "a@b.example"}, headers={"if-match": '"9"'})
    assert stale.problem == "stale"
    operations = [{"method": "PATCH", "path": "/users/nobody", "body": {"active": False}}]
    assert (await tried(desk, "POST", "/bulk", {"operations": operations})).problem == "bulk-refused"
    assert (await desk.call("PATCH", f"/users/{aylin['id']}", {"email": "a@b.example"})).status == 200


@EVERYWHERE
async def test_a_dry_run_waits_for_nothing_wakes_nobody_and_spends_no_key(desk: Desk) -> None:
    person = await desk.person("Aylin")
    await _quiet(desk.directory.wait_for_change)
    path, headers = f"/users/{person['id']}/deactivate", {"Prefer": "wait=30", "Idempotency-Key": "k"}
    async with asyncio.timeout(5):
        answer = await tried(desk, "POST", path, headers=headers)
    assert answer.body["status"] == 202
    began = asyncio.get_running_loop().time()
    await desk.directory.wait_for_change(timeout=0.2)
    assert asyncio.get_running_loop().time() - began > 0.15, "nothing was woken"
    assert (await desk.call("POST", path, headers={"Idempotency-Key": "k"})).status == 202
    assert (await desk.call("GET", f"/users/{person['id']}")).body["active"] is False


@EVERYWHERE
async def test_what_a_guard_would_hold_is_told(desk: Desk) -> None:
    people = [await desk.person(f"Person {number}") for number in range(3)]
    operations = [{"method": "POST", "path": f"/users/{one['id']}/deactivate"} for one in people]
    answer = await tried(desk, "POST", "/bulk", {"operations": operations})
    by_subject = {one["subject"]: (one["actions"], one["off_boarding"]) for one in answer.body["changes"]}
    assert [by_subject[f"user:{one['id']}"] for one in people] == [
        (["user.deactivated"], "left"),
        (["user.held"], None),
        (["user.held"], None),
    ]


async def _quiet(wait: Callable[..., Awaitable[None]]) -> None:
    """Take what was woken before."""
    await wait(timeout=0.1)
    await wait(timeout=0.1)
