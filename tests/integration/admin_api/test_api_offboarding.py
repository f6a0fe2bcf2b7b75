"""Off-boarding over HTTP: at once, with evidence, and what a person can reach before and after."""

import asyncio

import pytest

from kleanxmpp.ports import Directory
from kleanxmpp.state import Affiliation
from tests.integration.admin_api.desk import EVERYWHERE, Desk, opened

DOORS = {"logins", "gate", "sessions", "rooms", "contact_groups", "bookmarks"}


async def _settled(desk: Desk) -> None:
    await desk.until("/status", lambda answer: answer.body["due"]["count"] == 0)


async def _member_with_a_session(desk: Desk) -> tuple[dict[str, object], dict[str, object]]:
    user, group = await desk.person(), await desk.group()
    await desk.call("POST", f"/users/{user['id']}/credentials", {"label": "Diensthandy"})
    answer = await desk.call("PUT", f"/groups/{group['id']}/members/{user['id']}", {"role": "moderator"})
    assert answer.status == 200
    await _settled(desk)
    desk.server.log_in(desk.company, "aylin.oeztuerk", "phone")
    return user, group


async def test_the_caller_who_waits_gets_the_evidence(desk: Desk) -> None:
    async with desk.working():
        user, _ = await _member_with_a_session(desk)
        answer = await desk.call(
            "POST", f"/users/{user['id']}/deactivate", {"reason": "left"}, headers={"Prefer": "wait=10"}
        )
    assert (answer.status, answer.headers["Preference-Applied"]) == (200, "wait=10")
    body = answer.body
    assert (body["complete"], body["state"], body["reason"], body["user_id"]) == (True, "complete", "left", user["id"])
    assert {line["item"] for line in body["evidence"]} >= DOORS
    assert all(line["closed"] and line["left"] == 0 for line in body["evidence"])
    assert body["milliseconds"] >= 0
    assert body["status_url"] == answer.headers["Location"]
    assert (await desk.call("GET", body["status_url"])).body == body
    assert (await desk.call("GET", f"/users/{user['id']}/offboardings")).body["items"] == [body]


async def test_who_does_not_wait_is_told_where_to_look(desk: Desk) -> None:
    user = await desk.person()
    answer = await desk.call("POST", f"/users/{user['id']}/deactivate")
    assert (answer.status, answer.body["state"], answer.body["complete"]) == (202, "running", False)
    assert "Preference-Applied" not in answer.headers
    assert not (await desk.call("GET", f"/users/{user['id']}")).body["may_chat"]
    async with desk.working():
        await desk.until(answer.body["status_url"], lambda found: found.body["state"] == "complete")


async def test_waiting_ends_with_the_time_when_the_server_is_away(desk: Desk) -> None:
    user = await desk.person()
    desk.server.away = True
    async with desk.working():
        answer = await desk.call("POST", f"/users/{user['id']}/deactivate", headers={"Prefer": "wait=1"})
    assert (answer.status, answer.body["state"], answer.headers["Preference-Applied"]) == (202, "running", "wait=1")


async def test_who_is_let_in_again_meanwhile_is_not_reported_as_off_boarded(desk: Desk) -> None:
    user = await desk.person()
    waiting = asyncio.create_task(desk.call("POST", f"/users/{user['id']}/deactivate", headers={"Prefer": "wait=30"}))
    await desk.until(f"/users/{user['id']}", lambda answer: not answer.body["active"])
    await desk.call("POST", f"/users/{user['id']}/reactivate")
    answer = await asyncio.wait_for(waiting, 10)
    assert (answer.status, answer.body["state"], answer.body["complete"]) == (202, "cancelled", False)


async def test_reactivation_restores_and_can_be_waited_for(desk: Desk) -> None:
    async with desk.working():
        user, group = await _member_with_a_session(desk)
        await desk.call("POST", f"/users/{user['id']}/deactivate", headers={"Prefer": "wait=10"})
        answer = await desk.call(
            "POST", f"/users/{user['id']}/reactivate", {"reason": "came back"}, headers={"Prefer": "wait=10"}
        )
    assert (answer.status, answer.body["done"], answer.body["may_chat"]) == (200, True, True)
    access = (await desk.call("GET", answer.body["status_url"])).body
    assert access["server"]["rooms"] == [{"room": group["room"], "affiliation": "admin"}]


async def test_reactivation_without_waiting_is_accepted(quick_desk: Desk) -> None:
    user = await quick_desk.person(active=False)
    answer = await quick_desk.call("POST", f"/users/{user['id']}/reactivate")
    assert (answer.status, answer.body["done"], answer.body["active"]) == (202, False, True)
    assert answer.headers["Location"] == answer.body["status_url"]


@EVERYWHERE
async def test_after_erasure_the_evidence_stays_and_the_person_is_gone(desk: Desk) -> None:
    async with desk.working():
        user, _ = await _member_with_a_session(desk)
        answer = await desk.call("DELETE", f"/users/{user['id']}", headers={"Prefer": "wait=10", "If-Match": '"1"'})
        assert (answer.status, answer.body["complete"]) == (200, True)
        await desk.until(f"/users/{user['id']}/access", lambda found: found.status == 404)
    assert (await desk.call("GET", f"/users/{user['id']}")).status == 404
    assert (await desk.call("DELETE", f"/users/{user['id']}")).status == 404
    assert (await desk.call("GET", answer.body["status_url"])).body == answer.body
    assert (await desk.call("GET", f"/users/{user['id']}/offboardings")).body["items"] == [answer.body]
    again = await desk.call("POST", "/users", {"display_name": "Aylin Öztürk", "username": "aylin.oeztuerk"})
    assert (again.status, again.fields) == (409, ["username"])


async def test_who_is_being_erased_is_not_shown_but_can_be_looked_up(desk: Desk) -> None:
    user, group = await desk.person(external_id="4711"), await desk.group()
    await desk.call("PUT", f"/groups/{group['id']}/members/{user['id']}")
    answer = await desk.call("DELETE", f"/users/{user['id']}")
    assert answer.status == 202
    assert (await desk.call("GET", f"/users/{user['id']}")).status == 404
    assert (await desk.call("GET", "/users")).body["items"] == []
    assert (await desk.call("GET", "/users?external_id=4711")).body["items"] == []
    assert (await desk.call("GET", f"/groups/{group['id']}/members")).body["items"] == []
    assert (await desk.call("PUT", "/users/by-external-id/4711", {"display_name": "A"})).fields == ["external_id"]
    access = (await desk.call("GET", f"/users/{user['id']}/access")).body
    assert (access["may_chat"], "being erased" in access["why"]) == (False, True)


async def test_erasure_of_a_stale_version_is_refused(desk: Desk) -> None:
    user = await desk.person()
    answer = await desk.call("DELETE", f"/users/{user['id']}", headers={"If-Match": '"7"'})
    assert (answer.status, answer.problem) == (412, "stale")
    assert (await desk.call("GET", f"/users/{user['id']}")).status == 200


async def test_access_shows_directory_and_server(desk: Desk) -> None:
    async with desk.working():
        user, group = await _member_with_a_session(desk)
    body = (await desk.call("GET", f"/users/{user['id']}/access")).body
    assert body["may_chat"] is True
    assert body["directory"] == {
        "active": True,
        "chat_permission": True,
        "company_enabled": True,
        "absence": None,
        "credentials": 1,
        "groups": [
            {"id": group["id"], "slug": group["slug"], "room": group["room"], "role": "moderator", "effective": True}
        ],
    }
    assert body["server"] == {
        "reachable": True,
        "gate": True,
        "read_only": False,
        "sessions": ["phone"],
        "devices": [{"resource": "phone", "credential_id": None, "label": None, "connected": True}],
        "rooms": [{"room": group["room"], "affiliation": "admin"}],
        "shared_groups": [f"klean-g-{group['slug']}"],
        "bookmarks": [group["room"]],
    }
    assert body["server_error"] is None


async def test_access_shows_what_is_wrong_on_the_server(desk: Desk) -> None:
    async with desk.working():
        user, group = await _member_with_a_session(desk)
        await desk.call("POST", f"/users/{user['id']}/deactivate", headers={"Prefer": "wait=10"})
    jid = str(user["jid"])
    desk.server.tamper_affiliation(desk.company, str(group["slug"]), jid, Affiliation.MEMBER)
    body = (await desk.call("GET", f"/users/{user['id']}/access")).body
    assert (body["may_chat"], body["why"]) == (False, "the person is not active")
    assert body["directory"]["groups"][0]["effective"] is False
    assert body["server"]["rooms"] == [{"room": group["room"], "affiliation": "member"}]
    assert (body["server"]["gate"], body["server"]["sessions"]) == (False, [])


async def test_what_cannot_be_asked_is_null_and_never_empty(quick_desk: Desk) -> None:
    user = await quick_desk.person()
    quick_desk.server.away = True
    answer = await quick_desk.call("GET", f"/users/{user['id']}/access")
    assert (answer.status, answer.body["server"]) == (200, None)
    assert "cannot be asked" in answer.body["server_error"]


async def test_a_process_without_server_says_so(directory: Directory) -> None:
    async with opened(directory, only_api=True) as desk:
        user = await desk.person()
        body = (await desk.call("GET", f"/users/{user['id']}/access")).body
        assert (body["server"], "only the API" in body["server_error"]) == (None, True)
        status = (await desk.call("GET", "/status")).body
        assert status["server"] == {"reachable": None, "why": None, "unreachable_since": None}
        refused = await desk.call("POST", "/reconcile")
        assert (refused.status, refused.problem) == (503, "no-reconciler")
        assert (await desk.call("GET", "/readyz")).status == 200


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [("wait=0", "wait=0"), ("respond-async, wait=0; x=y", "wait=0"), ("wait=soon", None), ("wait=-1", None)],
)
async def test_preferences_are_read_kindly(quick_desk: Desk, prefer: str, applied: str | None) -> None:
    user = await quick_desk.person()
    answer = await quick_desk.call("POST", f"/users/{user['id']}/deactivate", headers={"Prefer": prefer})
    assert (answer.status, answer.headers.get("Preference-Applied")) == (202, applied)


@pytest.mark.parametrize("body", [{"reason": "x" * 501}, {"reason": 7}, {"reason": "\u0000"}])
async def test_a_bad_reason_is_named_and_nobody_is_deactivated(quick_desk: Desk, body: object) -> None:
    user = await quick_desk.person()
    answer = await quick_desk.call("POST", f"/users/{user['id']}/deactivate", body)
    assert (answer.status, answer.fields) == (422, ["reason"])
    assert (await quick_desk.call("GET", f"/users/{user['id']}")).body["active"] is True


async def test_an_offboarding_is_found_under_its_own_person_only(quick_desk: Desk) -> None:
    one, two = await quick_desk.person(), await quick_desk.person("Bea Blum")
    begun = (await quick_desk.call("POST", f"/users/{one['id']}/deactivate")).body
    for path in (f"/users/{two['id']}/offboardings/{begun['id']}", f"/users/{one['id']}/offboardings/unknown"):
        assert (await quick_desk.call("GET", path)).status == 404
    assert (await quick_desk.call("GET", f"/users/{two['id']}/offboardings")).body["items"] == []
    assert (await quick_desk.call("GET", "/users/unknown/offboardings")).status == 404
