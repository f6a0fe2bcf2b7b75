"""Pauses, garden leave and handing over, over HTTP."""

from typing import Any

import pytest

from kleanxmpp.desired import GATE, READ_ONLY, contact_group
from kleanxmpp.model import Group
from kleanxmpp.state import Affiliation
from tests.integration.admin_api.desk import EVERYWHERE, Desk

WAIT = {"Prefer": "wait=10"}


async def _settled(desk: Desk) -> None:
    await desk.until("/status", lambda answer: answer.body["due"]["count"] == 0)


async def _group(desk: Desk, group: dict[str, Any]) -> Group:
    async with desk.directory.read() as tx:
        found = await tx.group(desk.company.id, group["id"])
    assert found is not None
    return found


@EVERYWHERE
async def test_a_pause_takes_access_and_keeps_the_contact_with_a_mark(desk: Desk) -> None:
    async with desk.working():
        user, team = await desk.person(), await desk.group()
        await desk.call("PUT", f"/groups/{team['id']}/members/{user['id']}")
        await _settled(desk)
        desk.server.log_in(desk.company, "aylin.oeztuerk", "phone")
        body = {"mode": "paused", "returns_on": "2199-03-01", "reason": "Elternzeit"}
        answer = await desk.call("POST", f"/users/{user['id']}/deactivate", body, headers=WAIT)
        assert (answer.status, answer.body["mode"], answer.body["complete"]) == (200, "paused", True)
        shown = (await desk.call("GET", f"/users/{user['id']}")).body
        assert (shown["active"], shown["may_chat"], shown["access"], shown["absence"]) == (
            True, False, "paused", "paused",
        )  # fmt: skip
        assert shown["returns_on"] == "2199-03-01T00:00:00+01:00"
        held = desk.server.holdings(desk.company)
        assert "aylin.oeztuerk" not in held.sessions
        assert held.group_members[GATE] == set()
        assert held.group_members[contact_group(await _group(desk, team))] == {"aylin.oeztuerk"}
        assert held.profiles["aylin.oeztuerk"].full_name == "Aylin Öztürk (bis 01.03.)"
        access = (await desk.call("GET", f"/users/{user['id']}/access")).body
        assert access["why"] == (
            "the person is paused until 2199-03-01 00:00 (Europe/Berlin): memberships stay, nothing is reachable"
        )
        assert (access["access"], access["directory"]["absence"], access["server"]["rooms"]) == ("paused", "paused", [])
        back = await desk.call("POST", f"/users/{user['id']}/reactivate", headers=WAIT)
    assert (back.body["access"], back.body["absence"], back.body["returns_on"]) == ("full", None, None)
    held = desk.server.holdings(desk.company)
    assert held.group_members[GATE] == {"aylin.oeztuerk"}
    assert held.profiles["aylin.oeztuerk"].full_name == "Aylin Öztürk"


async def test_on_garden_leave_announcements_are_read_and_nothing_is_written(desk: Desk) -> None:
    async with desk.working():
        user, team = await desk.person(), await desk.group()
        news = await desk.group("Meldungen", kind="announcement")
        for group in (team, news):
            await desk.call("PUT", f"/groups/{group['id']}/members/{user['id']}", {"role": "moderator"})
        await _settled(desk)
        answer = await desk.call("POST", f"/users/{user['id']}/deactivate", {"mode": "garden_leave"}, headers=WAIT)
        assert (answer.status, answer.body["mode"]) == (200, "garden_leave")
        assert {line["item"] for line in answer.body["evidence"]} == {
            "writing", "rooms", "contact_groups", "bookmarks", "web_sessions", "links", "uploads",
        }  # fmt: skip
        held = desk.server.holdings(desk.company)
        assert held.group_members[GATE] == held.group_members[READ_ONLY] == {"aylin.oeztuerk"}
        assert held.rooms[news["slug"]].affiliations == {"aylin.oeztuerk@firma.test": Affiliation.MEMBER}
        assert held.rooms[team["slug"]].affiliations == {}
        access = (await desk.call("GET", f"/users/{user['id']}/access")).body
        assert (access["may_chat"], access["access"], access["server"]["read_only"]) == (False, "read", True)
        assert access["why"] == "the person is on garden leave: reads announcements, writes nothing"
        assert {g["slug"]: g["effective"] for g in access["directory"]["groups"]} == {
            team["slug"]: False, news["slug"]: True,
        }  # fmt: skip
        gone = await desk.call("POST", f"/users/{user['id']}/deactivate", headers=WAIT)
    assert (gone.body["mode"], gone.body["complete"]) == ("left", True)
    assert (await desk.call("GET", f"/users/{user['id']}")).body["absence"] is None
    assert held.rooms[news["slug"]].affiliations == {}


@EVERYWHERE
async def test_handing_over_is_told_with_the_groups_name(desk: Desk) -> None:
    leaver, heir = await desk.person(), await desk.person("Bea Blum")
    group = await desk.group()
    await desk.call("PUT", f"/groups/{group['id']}/members/{leaver['id']}", {"role": "moderator"})
    answer = await desk.call("POST", f"/users/{leaver['id']}/deactivate", {"hand_over_to": heir["id"]})
    expected = {"group_id": group["id"], "group_name": "Frühschicht", "to": [heir["id"]], "others": 0}
    assert answer.body["handovers"] == [expected]
    assert answer.body["actor"].startswith("token:")
    members = (await desk.call("GET", f"/groups/{group['id']}/members")).body["items"]
    assert {m["user_id"]: m["role"] for m in members}[heir["id"]] == "moderator"
    await desk.call("DELETE", f"/groups/{group['id']}")
    (listed,) = (await desk.call("GET", f"/users/{leaver['id']}/offboardings")).body["items"]
    assert listed["handovers"] == [expected | {"group_name": None}]


async def test_admins_take_over_what_nobody_else_moderates(quick_desk: Desk) -> None:
    leaver, chief = await quick_desk.person(), await quick_desk.person("Bea Blum", admin=True)
    assert (leaver["admin"], chief["admin"]) == (False, True)
    group = await quick_desk.group()
    await quick_desk.call("PUT", f"/groups/{group['id']}/members/{leaver['id']}", {"role": "moderator"})
    answer = await quick_desk.call("POST", f"/users/{leaver['id']}/deactivate")
    assert answer.body["handovers"][0]["to"] == [chief["id"]]


async def test_whether_somebody_is_an_admin_stays_unless_it_is_said(quick_desk: Desk) -> None:
    path, body = "/users/by-external-id/7", {"display_name": "Bea Blum"}
    assert (await quick_desk.call("PUT", path, body | {"admin": True})).body["admin"] is True
    kept = (await quick_desk.call("PUT", path, body)).body
    assert kept["admin"] is True
    assert (await quick_desk.call("PATCH", f"/users/{kept['id']}", {"admin": False})).body["admin"] is False


async def test_an_absence_is_ended_by_nobody_but_who_means_it(quick_desk: Desk) -> None:
    user = await quick_desk.person(external_id="7")
    await quick_desk.call("POST", f"/users/{user['id']}/deactivate", {"mode": "paused"})
    body = {"display_name": "Aylin Öztürk", "active": True}
    assert (await quick_desk.call("PUT", "/users/by-external-id/7", body)).body["absence"] == "paused"
    left = await quick_desk.call("PATCH", f"/users/{user['id']}", {"active": False})
    assert (left.body["access"], left.body["absence"]) == ("none", None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"mode": "vacation"}, "mode"),
        ({"mode": "erased"}, "mode"),
        ({"mode": "paused", "returns_on": "2020-01-01"}, "returns_on"),
        ({"mode": "paused", "returns_on": "2199-02-30"}, "returns_on"),
        ({"mode": "paused", "returns_on": "2199-03-01T06:00:00"}, "returns_on"),
        ({"mode": "paused", "returns_on": "9999-12-31T23:59:59-12:00"}, "returns_on"),
        ({"mode": "paused", "returns_on": "soon"}, "returns_on"),
        ({"mode": "paused", "returns_on": 4102444800}, "returns_on"),
        ({"mode": "left", "returns_on": "2199-03-01"}, "returns_on"),
        ({"hand_over_to": "unknown"}, "hand_over_to"),
        ({"hand_over_to": "not an id"}, "hand_over_to"),
        ({"until": "2199-03-01"}, "until"),
    ],
)
async def test_a_bad_field_is_named_and_nobody_is_off_boarded(
    quick_desk: Desk, body: dict[str, object], field: str
) -> None:
    user = await quick_desk.person()
    answer = await quick_desk.call("POST", f"/users/{user['id']}/deactivate", body)
    assert (answer.status, answer.fields) == (422, [field])
    assert (await quick_desk.call("GET", f"/users/{user['id']}")).body["access"] == "full"


async def test_who_left_is_not_absent(quick_desk: Desk) -> None:
    user = await quick_desk.person(active=False)
    answer = await quick_desk.call("POST", f"/users/{user['id']}/deactivate", {"mode": "paused"})
    assert (answer.status, answer.fields) == (422, ["mode"])


async def test_who_leaves_cannot_be_named_to_take_over(quick_desk: Desk) -> None:
    user = await quick_desk.person()
    answer = await quick_desk.call("POST", f"/users/{user['id']}/deactivate", {"hand_over_to": user["id"]})
    assert (answer.status, answer.fields) == (422, ["hand_over_to"])


async def test_a_day_begins_where_the_company_is(quick_desk: Desk) -> None:
    for bad in ("Mars/Base", "", "../Europe/Berlin"):
        refused = await quick_desk.call("PATCH", "/company", {"timezone": bad})
        assert (refused.status, refused.fields) == (422, ["timezone"])
    changed = await quick_desk.call("PATCH", "/company", {"timezone": "Asia/Tokyo"})
    assert (changed.status, changed.body["timezone"]) == (200, "Asia/Tokyo")
    user = await quick_desk.person()
    await quick_desk.call("POST", f"/users/{user['id']}/deactivate", {"mode": "paused", "returns_on": "2199-03-01"})
    async with quick_desk.directory.read() as tx:
        found = await tx.user(quick_desk.company.id, user["id"])
    assert found and found.absent_until and found.absent_until.isoformat() == "2199-02-28T15:00:00+00:00"
    shown = (await quick_desk.call("GET", f"/users/{user['id']}")).body
    assert shown["returns_on"] == "2199-03-01T00:00:00+09:00"


async def test_what_is_not_closed_yet_is_shown_while_it_is_tried(desk: Desk) -> None:
    async with desk.working():
        user = await desk.person()
        await _settled(desk)
        desk.server.away = True
        answer = await desk.call("POST", f"/users/{user['id']}/deactivate", {"mode": "paused"})
        assert (answer.body["state"], answer.body["evidence"]) == ("running", [])
        desk.server.away = False
        done = await desk.until(answer.body["status_url"], lambda found: found.body["state"] == "complete")
    assert all(line["closed"] and line["milliseconds"] >= 0 for line in done.body["evidence"])
