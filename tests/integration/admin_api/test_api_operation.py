"""What the operator sees: what is out of step, sweeps, health, numbers, the audit log, and what is in the log."""

import hashlib
import json
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest

from kleanxmpp.desired import GATE
from kleanxmpp.ports import Transaction
from kleanxmpp.testing_directory import MemoryDirectory
from tests.integration.admin_api.desk import Desk, Store, logged, opened


async def test_status_says_what_waits_and_why(desk: Desk) -> None:
    user = await desk.person()
    await desk.call("POST", f"/users/{user['id']}/deactivate")
    body = (await desk.call("GET", "/status")).body
    assert body["due"]["count"] == 2  # the person, and the company as a whole
    first = body["due"]["items"][0]
    assert (first["kind"], first["id"], first["priority"], first["attempts"]) == ("user", user["id"], "offboarding", 0)
    assert body["due"]["oldest"] is not None
    assert [one["user_id"] for one in body["open_offboardings"]] == [user["id"]]
    assert (body["server"]["reachable"], body["last_sweep"]) == (False, None)
    assert body["server"]["unreachable_since"] is not None
    async with desk.working():
        done = await desk.until("/status", lambda answer: answer.body["due"]["count"] == 0)
        assert done.body["server"] == {"reachable": True, "why": None, "unreachable_since": None}
        assert done.body["open_offboardings"] == []
        swept = await desk.until("/status", lambda answer: answer.body["last_sweep"] is not None)
    assert swept.body["last_sweep"]["people"] == 1


async def test_a_sweep_reports_and_mends(desk: Desk) -> None:
    async with desk.working():
        group = await desk.group()
        await desk.until("/status", lambda answer: answer.body["due"]["count"] == 0)
        desk.server.remove_room(desk.company, group["slug"])
        desk.server.add_room(desk.company, "wild")
        looked = await desk.call("POST", "/reconcile", {"dry_run": True})
        assert (looked.status, looked.body["dry_run"], looked.body["repairing"]) == (200, True, 0)
        assert (looked.body["differing"], looked.body["strange_rooms"]) == (1, ["wild"])
        (drift,) = looked.body["drift"]
        assert (drift["kind"], drift["id"]) == ("group", group["id"])
        assert {"change": "CreateRoom", "target": group["slug"], "people": 0} in drift["plan"]
        assert (await desk.call("GET", "/status")).body["due"]["count"] == 0
        swept = await desk.call("POST", "/reconcile")
        assert (swept.status, swept.body["repairing"]) == (202, 1)
        await desk.until("/status", lambda answer: answer.body["due"]["count"] == 0)
    assert {"wild", group["slug"]} == set(desk.server.holdings(desk.company).rooms)


async def test_a_sweep_that_would_remove_too_much_is_held_unless_forced(desk: Desk) -> None:
    async with desk.working():
        await desk.until("/status", lambda answer: answer.body["due"]["count"] == 0)
        desk.server.add_group_members(desk.company, "klean-may-chat", [f"stranger{n}" for n in range(30)])
        held = await desk.call("POST", "/reconcile")
        assert (held.status, held.problem) == (409, "unsafe-plan")
        assert len(await desk.server.key_holders(desk.company, GATE)) == 30
        assert (await desk.call("GET", "/status")).body["last_sweep"]["held"] is not None
        assert (await desk.call("POST", "/reconcile", {"force": True})).status == 202
    assert not await desk.server.key_holders(desk.company, GATE)


async def test_without_the_server_nothing_is_swept(quick_desk: Desk) -> None:
    quick_desk.server.away = True
    answer = await quick_desk.call("POST", "/reconcile", {"dry_run": True})
    assert (answer.status, answer.problem) == (503, "server-unreachable")
    assert answer.headers["Retry-After"] == "5"
    answer = await quick_desk.call("POST", "/reconcile", {"dryrun": True})
    assert (answer.status, answer.fields) == (422, ["dryrun"])


async def test_without_the_directory_everything_says_so_and_keeps_living() -> None:
    directory = MemoryDirectory()
    async with opened(directory) as desk:
        user = await desk.person()
        directory.available = False
        for method, path, body in (
            ("GET", "/users", None),
            ("POST", "/users", {"display_name": "A"}),
            ("POST", f"/users/{user['id']}/deactivate", None),
            ("GET", "/status", None),
        ):
            answer = await desk.call(method, path, body)
            assert (answer.status, answer.problem) == (503, "directory-unavailable")
            assert answer.headers["Retry-After"] == "5"
        assert (await desk.call("GET", "/healthz", token=None)).status == 200
        ready = await desk.call("GET", "/readyz", token=None)
        assert (ready.status, ready.problem, ready.fields) == (503, "not-ready", ["directory"])
        directory.available = True
        assert (await desk.call("GET", "/readyz", token=None)).body == {"status": "ready", "late": []}
        desk.server.away = True
        ready = await desk.call("GET", "/readyz", token=None)
        assert (ready.status, ready.fields) == (503, ["server"])
        assert (await desk.call("POST", "/users", {"display_name": "A"})).status == 201


async def test_the_audit_log_tells_who_did_what_newest_first(desk: Desk) -> None:
    user = await desk.person()
    await desk.call("POST", f"/users/{user['id']}/deactivate", {"reason": "left"})
    for n in range(5):
        await desk.group(f"Gruppe {n}")
    entries = (await desk.call("GET", "/audit")).body["items"]
    assert entries[0]["action"] == "group.added"
    off = next(entry for entry in entries if entry["action"] == "user.deactivated")
    assert (off["subject"], off["reason"]) == (f"user:{user['id']}", "left")
    assert off["actor"].startswith("token:")
    seen: list[int] = []
    page = (await desk.call("GET", "/audit?limit=3")).body
    while True:
        seen += [entry["id"] for entry in page["items"]]
        if page["next_cursor"] is None:
            break
        page = (await desk.call("GET", f"/audit?limit=3&cursor={page['next_cursor']}")).body
    assert seen == [entry["id"] for entry in entries]
    bad = await desk.call("GET", "/audit?cursor=YWJj")
    assert (bad.status, bad.fields) == (422, ["cursor"])


async def test_numbers_are_told_without_personal_data(quick_desk: Desk) -> None:
    user = await quick_desk.person("Zacharias Zimmermann")
    await quick_desk.call("GET", f"/users/{user['id']}")
    await quick_desk.call("GET", "/users?q=Zimmermann")
    await quick_desk.call("GET", "/zimmermann")
    answer = await quick_desk.call("GET", "/metrics", token=None)
    assert answer.status == 200
    assert 'route="/api/v1/users/{user_id}"' in answer.text
    assert "zimmermann" not in answer.text.lower()
    assert user["id"] not in answer.text


async def test_the_log_has_one_line_a_request_and_no_names_or_secrets(
    quick_desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    user = await quick_desk.person("Zacharias Zimmermann", external_id="zz-4711", email="zz@firma.test")
    issued = await quick_desk.call("POST", f"/users/{user['id']}/credentials", {"label": "Zimmermanns Handy"})
    token = await quick_desk.call("POST", "/tokens", {"name": "zz-token", "scopes": ["users:read"]})
    caplog.clear()
    await quick_desk.call("GET", "/users?q=Zimmermann")
    await quick_desk.call("PUT", "/users/by-external-id/zz-4711", {"display_name": "Zacharias Zimmermann"})
    await quick_desk.call("POST", "/users", {"display_name": "Z", "external_id": "zz-4711"})
    await quick_desk.call("GET", "/users/zimmermann/nowhere")
    await quick_desk.call("GET", "/users", token="klean_wrong-secret")
    lines = [record.__dict__ for record in caplog.records if record.name == "admin_api.middlewares"]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "/api/v1/users", 200),
        ("PUT", "/api/v1/users/by-external-id/{external_id}", 200),
        ("POST", "/api/v1/users", 409),
        ("GET", "unknown", 404),
        ("GET", "/api/v1/users", 401),
    ]
    assert all(line["milliseconds"] >= 0 for line in lines)
    assert (lines[0]["token"] is not None, lines[4]["token"]) == (True, None)
    everything = logged(caplog.records).lower()
    for secret in (
        quick_desk.token, issued.body["credential"], token.body["token"], "wrong-secret", "zimmermann", "zz-4711",
    ):  # fmt: skip
        assert secret.lower() not in everything


class BrokenDirectory(MemoryDirectory):
    """Has a defect that quotes personal data."""

    broken = False

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        if self.broken:
            raise ZeroDivisionError("zimmermann@firma.test")
        async with super().read() as tx:
            yield tx


async def test_a_defect_is_answered_without_internals_and_logged_without_values(
    caplog: pytest.LogCaptureFixture,
) -> None:
    directory = BrokenDirectory()
    async with opened(directory) as desk:
        directory.broken = True
        answer = await desk.call("GET", "/users")
        directory.broken = False
    assert (answer.status, answer.problem) == (500, "internal")
    assert "Zero" not in answer.text
    record = next(record for record in caplog.records if record.levelno == logging.ERROR)
    assert (record.__dict__["kind"], "test_api_operation.py" in record.__dict__["where"]) == ("ZeroDivisionError", True)
    assert "zimmermann" not in logged(caplog.records)


async def test_every_answer_has_safe_headers(quick_desk: Desk) -> None:
    for path in ("/users", "/nowhere", "/api/openapi.json", "/api/docs", "/healthz", "/metrics", "/problems/stale"):
        answer = await quick_desk.call("GET", path)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Server"] == "kleanxmpp"
    answer = await quick_desk.call("GET", "/users")
    assert answer.headers["Cache-Control"] == "no-store"


async def test_the_audit_log_is_exported_page_by_page_and_each_line_is_what_was_hashed(desk: Desk) -> None:
    user = await desk.person()
    await desk.call("POST", f"/users/{user['id']}/deactivate", {"reason": "Kündigung"})
    exported: list[dict[str, Any]] = []
    while True:
        page = await desk.call("GET", f"/audit/export?after={exported[-1]['number'] if exported else 0}&limit=2")
        assert (page.status, page.headers["Content-Type"]) == (200, "application/jsonl; charset=utf-8")
        exported += [json.loads(line) for line in page.text.splitlines()]
        if len(page.text.splitlines()) < 2:
            break
    assert [line["number"] for line in exported] == list(range(1, len(exported) + 1))
    previous = "0" * 64
    for line in exported:
        stated, _ = line.pop("hash"), line.pop("id")
        assert line["previous"] == previous
        previous = hashlib.sha256(
            json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        ).hexdigest()
        assert stated == previous
    newest = (await desk.call("GET", "/audit?limit=1")).body["items"][0]
    assert (newest["number"], newest["hash"]) == (len(exported), previous)
    assert {line["chain"] for line in exported} == {desk.company.id}
    assert (await desk.call("GET", "/audit/export?after=-1")).fields == ["after"]
    other = await desk.company_named("andere.test")
    operator = await desk.token_for("admin", operator=True)
    headers = {"X-Company": other.domain}
    (alone,) = (await desk.call("GET", "/audit/export", token=operator, headers=headers)).text.splitlines()
    assert json.loads(alone)["action"] == "company.added"


async def test_the_audit_log_is_verified(desk: Desk) -> None:
    await desk.person()
    intact = (await desk.call("GET", "/audit/verification")).body
    newest = (await desk.call("GET", "/audit?limit=1")).body["items"][0]
    assert intact == {
        "intact": True,
        "entries": newest["number"],
        "number": newest["number"],
        "head": newest["hash"],
        "problem": None,
        "problems": 0,
    }


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_a_changed_audit_log_is_told(desk: Desk, store: Store) -> None:
    await desk.person()
    with closing(sqlite3.connect(store.folder / "directory.sqlite")) as connection, connection:
        connection.execute("DROP TRIGGER audit_log_keeps_entries")
        connection.execute("UPDATE audit_log SET actor = 'nobody' WHERE number = 2")
    broken = (await desk.call("GET", "/audit/verification")).body
    assert (broken["intact"], broken["problems"]) == (False, 1)
    problem = broken["problem"]
    assert (problem["kind"], problem["number"]) == ("changed", 2)
    assert f"(id {problem['id']})" in problem["message"]
