"""Webhooks over HTTP, and what their receivers are told, with real receivers on loopback."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kleanxmpp.event_ports import EventType
from kleanxmpp.testing_directory import MemoryDirectory
from tests.integration.admin_api.desk import EVERYWHERE, Answered, Desk, logged, opened
from tests.receiver import Receiver, receiving

ALL = [kind.value for kind in EventType]


async def added(desk: Desk, receiver: Receiver, **facts: Any) -> dict[str, Any]:
    answer = await desk.call("POST", "/webhooks", {"url": receiver.url, **facts})
    assert answer.status == 201, answer.text
    return dict(answer.body)


def of(kind: str, **data: Any) -> Any:
    """Return what finds messages of a type with these values in their data."""
    return lambda message: message.type == kind and data.items() <= message.data.items()


async def test_a_webhook_is_added_shown_without_its_secret_changed_and_removed(desk: Desk) -> None:
    async with receiving() as receiver:
        hook = await added(desk, receiver)
        assert hook["secret"].startswith("whsec_")
        shown = await desk.call("GET", f"/webhooks/{hook['id']}")
        assert shown.body == {key: value for key, value in hook.items() if key != "secret"}
        assert (shown.body["types"], shown.body["enabled"], shown.body["version"]) == (ALL, True, 1)
        listed = await desk.call("GET", "/webhooks")
        assert listed.body == {"items": [shown.body], "next_cursor": None}
        patch = {"enabled": False, "types": ["user.offboarded"]}
        stale = await desk.call("PATCH", f"/webhooks/{hook['id']}", patch, headers={"If-Match": '"7"'})
        assert stale.problem == "stale"
        changed = await desk.call("PATCH", f"/webhooks/{hook['id']}", patch, headers={"If-Match": '"1"'})
        assert (changed.body["enabled"], changed.body["types"], changed.body["version"]) == (
            False, ["user.offboarded"], 2,
        )  # fmt: skip
        rotated = await desk.call("POST", f"/webhooks/{hook['id']}/rotate-secret")
        assert rotated.body["secret"] != hook["secret"] and rotated.body["previous_secret_until"] is not None
        for path in ("/webhooks", f"/webhooks/{hook['id']}", "/audit", "/status"):
            text = (await desk.call("GET", path)).text
            assert hook["secret"] not in text and rotated.body["secret"] not in text
        assert (await desk.call("DELETE", f"/webhooks/{hook['id']}")).status == 204
        for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate-secret"), ("POST", "/test")):
            gone = await desk.call(method, f"/webhooks/{hook['id']}{path}", patch if method == "PATCH" else None)
            assert gone.problem == "not-found"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://app.example.org/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://user:geheim@app.example.org/"}, "url"),
        ({"url": "https://app.example.org/", "types": []}, "types"),
        ({"url": "https://app.example.org/", "types": ["user.deleted"]}, "types.0"),
        ({"url": "https://app.example.org/", "types": ["webhook.test"]}, "types.0"),
        ({"url": "https://app.example.org/", "secret": "whsec_mine"}, "secret"),
        ({}, "url"),
    ],
)
async def test_what_is_no_receiver_is_refused(quick_desk: Desk, body: dict[str, Any], field: str) -> None:
    answer = await quick_desk.call("POST", "/webhooks", body)
    assert (answer.problem, answer.fields) == ("invalid", [field])
    assert "geheim" not in answer.text


async def test_a_company_has_ten_webhooks_and_sees_no_others(quick_desk: Desk) -> None:
    for number in range(10):
        answer = await quick_desk.call("POST", "/webhooks", {"url": f"https://app.example.org/{number}"})
        assert answer.status == 201
    assert (await quick_desk.call("POST", "/webhooks", {"url": "https://app.example.org/"})).problem == "conflict"
    other = await quick_desk.token_for("webhooks:write", company=await quick_desk.company_named("andere.test"))
    assert (await quick_desk.call("GET", "/webhooks", token=other)).body["items"] == []
    for path in ("", "/deliveries"):
        strange = await quick_desk.call("GET", f"/webhooks/{answer.body['id']}{path}", token=other)
        assert strange.problem == "not-found"


async def test_it_needs_its_own_scope_and_a_secret_is_not_repeated(quick_desk: Desk) -> None:
    lesser = await quick_desk.token_for("users:write", "groups:write", "tokens:write", "audit:read")
    assert (await quick_desk.call("GET", "/webhooks", token=lesser)).problem == "missing-scope"
    body, headers = {"url": "https://app.example.org/"}, {"Idempotency-Key": "once"}
    first = await quick_desk.call("POST", "/webhooks", body, headers=headers)
    again = await quick_desk.call("POST", "/webhooks", body, headers=headers)
    assert again.problem == "secret-shown-once" and again.body["id"] == first.body["id"]


async def test_a_test_message_tells_how_it_went(desk: Desk) -> None:
    async with receiving() as receiver:
        hook = await added(desk, receiver)
        well = await desk.call("POST", f"/webhooks/{hook['id']}/test")
        assert well.body.keys() == {"event_id", "delivered", "status", "milliseconds", "error"}
        assert (well.body["delivered"], well.body["status"], well.body["error"]) == (True, 204, None)
        (message,) = receiver.messages
        assert (message.type, message.id) == ("webhook.test", well.body["event_id"])
        assert message.is_signed_by(hook["secret"])
        receiver.usual = 418
        bad = await desk.call("POST", f"/webhooks/{hook['id']}/test")
        assert (bad.body["delivered"], bad.body["status"], bad.body["error"]) == (
            False, 418, "The receiver answered 418.",
        )  # fmt: skip
    away = await desk.call("POST", f"/webhooks/{hook['id']}/test")
    assert (away.body["status"], away.body["error"]) == (None, "The host cannot be connected to.")
    assert (await desk.call("GET", f"/webhooks/{hook['id']}/deliveries")).body["items"] == []


async def test_a_process_without_sender_says_so() -> None:
    async with opened(MemoryDirectory(), only_api=True) as desk:
        hook = await desk.call("POST", "/webhooks", {"url": "https://app.example.org/"})
        assert (await desk.call("POST", f"/webhooks/{hook.body['id']}/test")).problem == "no-sender"


@EVERYWHERE
async def test_the_receiver_is_told_what_the_api_shows(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with receiving() as receiver, desk.working(), desk.delivering():
        hook = await added(desk, receiver)
        zoe = await desk.person("Zoë Wichtig", external_id="4711", attributes={"site": ["Objekt 12"]})
        (message,) = await receiver.got(1, where=of("user.updated"))
        assert message.data == {"change": "added", "fields": [], "user": zoe}
        until = {"mode": "paused", "returns_on": "2099-03-01"}
        await desk.call("POST", f"/users/{zoe['id']}/deactivate", until, headers={"Prefer": "wait=10"})
        paused = (await desk.call("GET", f"/users/{zoe['id']}")).body
        message = (await receiver.got(2, where=of("user.updated")))[1]
        assert message.data["user"] == paused and paused["returns_on"] is not None
        assert message.data["fields"] == ["absence", "access", "may_chat", "returns_on"]
        await desk.call("POST", f"/users/{zoe['id']}/reactivate", {})
        assert (await receiver.got(3, where=of("user.updated")))[2].data["change"] == "reactivated"

        group = await desk.group("Fundsachen", kind="announcement")
        (message,) = await receiver.got(1, where=of("group.updated"))
        assert message.data == {"change": "added", "fields": [], "group": group, "members": None}
        await desk.call("PUT", f"/groups/{group['id']}/members/{zoe['id']}", {"role": "moderator"})
        (message,) = await receiver.got(1, where=of("group.updated", change="circle_changed"))
        assert message.data["members"] == {
            "put": [{"user_id": zoe["id"], "role": "moderator"}], "removed": [], "put_count": 1, "removed_count": 0,
        }  # fmt: skip
        ruled = await desk.group("Objekt 12", rule='site = "Objekt 12"')
        (message,) = await receiver.got(
            1, where=lambda one: one.data.get("group") == ruled and one.data["change"] == "added"
        )
        assert message.data["group"]["rule_text"] == ruled["rule_text"]
        (_, message) = await receiver.got(2, where=of("group.updated", change="circle_changed"))
        assert message.data["members"]["put"] == [{"user_id": zoe["id"], "role": "member"}], "who is in by the rule"
        left = await desk.call(
            "POST", f"/users/{zoe['id']}/deactivate", {"reason": "Umzug"}, headers={"Prefer": "wait=10"}
        )
        assert left.status == 200 and left.body["handovers"]
        (_, message) = await receiver.got(2, where=of("user.offboarded"))
        assert message.data == {"offboarding": left.body}
        assert message.data["offboarding"]["complete"] and message.data["offboarding"]["evidence"]
        log = await desk.until(f"/webhooks/{hook['id']}/deliveries", all_delivered)
        assert {item["event_id"] for item in log.body["items"]} == {one.id for one in receiver.messages}
    assert all(message.is_signed_by(hook["secret"]) for message in receiver.messages)
    text = logged(caplog.records)
    assert hook["secret"] not in text and receiver.url not in text


def all_delivered(answer: Answered) -> bool:
    return all(item["state"] == "delivered" for item in answer.body["items"])


async def test_the_log_is_paged_and_events_are_told_again(desk: Desk) -> None:
    async with receiving() as receiver, desk.delivering():
        hook = await added(desk, receiver, types=["user.updated"])
        before = datetime.now(UTC)
        for number in range(5):
            await desk.person(f"Person {number}")
        await receiver.got(5)
        path = f"/webhooks/{hook['id']}/deliveries"
        whole = (await desk.until(path, all_delivered)).body["items"]
        assert [item["event_id"] for item in whole] == sorted((m.id for m in receiver.messages), reverse=True)
        first = (await desk.call("GET", f"{path}?limit=3")).body
        rest = (await desk.call("GET", f"{path}?limit=3&cursor={first['next_cursor']}")).body
        assert (first["items"] + rest["items"], rest["next_cursor"]) == (whole, None)
        assert whole[0].keys() == {
            "event_id", "type", "happened_at", "state", "attempts", "next_attempt_at", "attempted_at", "status",
            "milliseconds", "error",
        }  # fmt: skip

        one = await replayed(desk, hook, {"event_id": whole[2]["event_id"]})
        assert (one.status, one.body) == (202, {"events": 1})
        assert (await receiver.got(6))[5].id == whole[2]["event_id"]
        assert (await replayed(desk, hook, {"since": before.isoformat()})).body == {"events": 5}
        await receiver.got(11)
        assert (await replayed(desk, hook, {"failed": True})).body == {"events": 0}
        later = (before + timedelta(hours=1)).isoformat()
        assert (await replayed(desk, hook, {"since": later})).body == {"events": 0}
        assert (await replayed(desk, hook, {"event_id": "gone"})).problem == "not-found"
        for body in ({}, {"failed": False}, {"failed": True, "event_id": "x"}, {"since": "2026-11-22T08:00:00"}):
            assert (await replayed(desk, hook, body)).problem == "invalid"


async def replayed(desk: Desk, hook: dict[str, Any], body: dict[str, Any]) -> Answered:
    return await desk.call("POST", f"/webhooks/{hook['id']}/replay", body)


@EVERYWHERE
async def test_erasure_takes_what_was_told_of_the_person_and_leaves_the_proof(desk: Desk) -> None:
    hooks = []
    async with receiving() as receiver:
        for _ in range(2):
            hooks.append(await added(desk, receiver))
        await desk.call("PATCH", f"/webhooks/{hooks[1]['id']}", {"enabled": False})
        zoe = await desk.person("Zoë Wichtig", external_id="4711")
        async with desk.working():
            erased = await desk.call("DELETE", f"/users/{zoe['id']}", headers={"Prefer": "wait=10"})
            assert erased.status == 200
            await desk.until(f"/users/{zoe['id']}", lambda answer: answer.status == 404)
        async with desk.delivering():
            (proof,) = await receiver.got(1)
            await desk.call("PATCH", f"/webhooks/{hooks[1]['id']}", {"enabled": True})
            await receiver.got(2)
        for hook in hooks:
            log = (await desk.call("GET", f"/webhooks/{hook['id']}/deliveries")).body["items"]
            assert [item["type"] for item in log] == ["user.offboarded"]
            again = {"since": "2000-01-01T00:00:00Z"}
            assert (await replayed(desk, hook, again)).body == {"events": 1}
    assert proof.data["offboarding"]["mode"] == "erased" and proof.data["offboarding"]["complete"]
    for message in receiver.messages:
        assert "Wichtig" not in message.body.decode() and "4711" not in message.body.decode()


async def test_status_names_failing_webhooks(desk: Desk) -> None:
    async with receiving(usual=410) as receiver, desk.delivering():
        hook = await added(desk, receiver)
        assert (await desk.call("GET", "/status")).body["failing_webhooks"] == []
        await desk.person()
        status = await desk.until("/status", lambda answer: bool(answer.body["failing_webhooks"]))
        metrics = await desk.until("/metrics", lambda answer: "kleanxmpp_webhooks_disabled 1.0" in answer.text)
    (one,) = status.body["failing_webhooks"]
    assert (one["id"], one["enabled"], one["why"]) == (hook["id"], False, "The receiver answered 410 Gone.")
    assert receiver.url not in metrics.text
