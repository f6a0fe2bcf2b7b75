"""Idempotency-Key: what is repeated is answered again, not carried out again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kleanxmpp import errors
from kleanxmpp.ports import Transaction
from kleanxmpp.testing_directory import MemoryDirectory
from tests.integration.admin_api.desk import EVERYWHERE, Desk, opened

KEY = {"Idempotency-Key": "0197a1c2-4d5e"}


@EVERYWHERE
async def test_the_same_request_is_answered_again(desk: Desk) -> None:
    body = {"display_name": "Aylin Öztürk"}
    first = await desk.call("POST", "/users", body, headers=KEY)
    again = await desk.call("POST", "/users", body, headers=KEY)
    assert (again.status, again.text) == (first.status, first.text) == (201, again.text)
    assert (again.headers["ETag"], again.headers["Location"]) == (first.headers["ETag"], first.headers["Location"])
    assert len((await desk.call("GET", "/users")).body["items"]) == 1


async def test_another_request_with_the_same_key_is_refused(desk: Desk) -> None:
    user = await desk.person()
    await desk.call("POST", "/groups", {"name": "Frühschicht"}, headers=KEY)
    for path, body in (
        ("/groups", {"name": "Spätschicht"}),
        ("/users", {"display_name": "Bea Blum"}),
        (f"/users/{user['id']}/deactivate", None),
    ):
        answer = await desk.call("POST", path, body, headers=KEY)
        assert (answer.status, answer.problem) == (422, "idempotency-key-reused")
    assert (await desk.call("GET", f"/users/{user['id']}")).body["active"] is True


async def test_keys_of_different_tokens_have_nothing_to_do_with_each_other(desk: Desk) -> None:
    other = await desk.token_for("groups:write")
    one = await desk.call("POST", "/groups", {"name": "Frühschicht"}, headers=KEY)
    two = await desk.call("POST", "/groups", {"name": "Spätschicht"}, headers=KEY, token=other)
    assert (one.status, two.status) == (201, 201)


async def test_the_operator_repeats_in_one_company_only(desk: Desk) -> None:
    await desk.company_named("andere.test")
    operator = await desk.token_for("admin", operator=True)
    for company, status in (("firma.test", 201), ("andere.test", 422), ("firma.test", 201)):
        answer = await desk.call(
            "POST", "/groups", {"name": "Frühschicht"}, headers={**KEY, "X-Company": company}, token=operator
        )
        assert answer.status == status


async def test_a_secret_is_not_kept_and_what_it_belongs_to_is_named(desk: Desk) -> None:
    user = await desk.person()
    for path, body, secret in (
        (f"/users/{user['id']}/credentials", {"label": "phone"}, "credential"),
        (f"/users/{user['id']}/links", {}, "url"),
        (f"/users/{user['id']}/chat-sessions", None, "url"),
        ("/tokens", {"name": "HR", "scopes": ["users:read"]}, "token"),
    ):
        headers = {"Idempotency-Key": path.rpartition("/")[2]}
        first = await desk.call("POST", path, body, headers=headers)
        again = await desk.call("POST", path, body, headers=headers)
        assert (again.status, again.problem, again.body["id"]) == (409, "secret-shown-once", first.body["id"])
        assert first.body[secret] not in again.text
        async with desk.directory.read() as tx:
            token_id = next(t.id for t in await tx.tokens(desk.company.id) if t.name == "admin")
        now = datetime.now(UTC)
        async with desk.directory.write() as tx:
            kept = await tx.claim_answer(
                token_id=token_id, key=headers["Idempotency-Key"], fingerprint="", at=now, abandoned_before=now
            )
        assert kept is not None and kept.status == 201
        assert first.body[secret] not in repr(kept)
    assert len((await desk.call("GET", f"/users/{user['id']}/credentials")).body["items"]) == 1


async def test_a_refusal_is_not_kept_because_it_may_go_well_later(desk: Desk) -> None:
    refused = await desk.call("POST", "/users", {"display_name": ""}, headers=KEY)
    assert refused.status == 422
    taken = await desk.group("Frühschicht")
    assert (await desk.call("POST", "/groups", {"name": "Frühschicht"}, headers=KEY)).status == 409
    await desk.call("DELETE", f"/groups/{taken['id']}")
    assert (await desk.call("POST", "/groups", {"name": "Frühschicht"}, headers=KEY)).status == 201


async def test_a_repeated_off_boarding_begins_no_second_one(desk: Desk) -> None:
    user = await desk.person()
    path = f"/users/{user['id']}/deactivate"
    first = await desk.call("POST", path, {"reason": "left"}, headers=KEY)
    async with desk.working():
        await desk.until(first.body["status_url"], lambda found: found.body["state"] == "complete")
    again = await desk.call("POST", path, {"reason": "left"}, headers=KEY)
    assert (again.status, again.body) == (202, first.body)
    assert len((await desk.call("GET", f"/users/{user['id']}/offboardings")).body["items"]) == 1


@pytest.mark.parametrize("key", ["", "with space", "x" * 201, "ü"])
async def test_a_bad_key_is_named(quick_desk: Desk, key: str) -> None:
    answer = await quick_desk.call("POST", "/groups", {"name": "A"}, headers={"Idempotency-Key": key})
    assert (answer.status, answer.fields) == (422, ["Idempotency-Key"])


@EVERYWHERE
async def test_the_same_request_at_the_same_time_is_carried_out_once(desk: Desk) -> None:
    """The first one waits for a proof that does not come, because nobody works on what is due."""
    user = await desk.person()
    path = f"/users/{user['id']}/deactivate"
    first = asyncio.create_task(desk.call("POST", path, {}, headers=KEY | {"Prefer": "wait=60"}))
    await desk.until(f"/api/v1/users/{user['id']}", lambda found: found.body["active"] is False)
    second = await desk.call("POST", path, {}, headers=KEY)
    assert (second.status, second.problem, second.headers["Retry-After"]) == (409, "request-in-progress", "1")
    async with desk.working():
        answer = await asyncio.wait_for(first, 10)
    assert (await desk.call("POST", path, {}, headers=KEY)).text == answer.text
    assert len((await desk.call("GET", f"/users/{user['id']}/offboardings")).body["items"]) == 1


async def test_what_raised_gives_its_key_back(desk: Desk) -> None:
    taken = await desk.group("Frühschicht")
    assert (await desk.call("POST", "/groups", {"name": "Frühschicht"}, headers=KEY)).status == 409
    assert (await desk.call("POST", "/groups", {"name": "Spätschicht"}, headers=KEY)).status == 201
    assert taken["name"] == "Frühschicht"


class ForgetfulDirectory(MemoryDirectory):
    """Cannot keep answers."""

    @asynccontextmanager
    async def write(self, company_id: str | None = None) -> AsyncIterator[Transaction]:
        async with super().write(company_id) as tx:
            yield _Forgetful(tx)  # type: ignore[misc]  # delegates everything but one method


class _Forgetful:
    def __init__(self, inner: Transaction) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def remember(self, **_: object) -> None:
        raise errors.DirectoryUnavailable


async def test_what_was_done_is_answered_even_if_the_answer_cannot_be_kept() -> None:
    async with opened(ForgetfulDirectory()) as desk:
        answer = await desk.call("POST", "/groups", {"name": "Frühschicht"}, headers=KEY)
        assert answer.status == 201


async def test_old_answers_are_forgotten(desk: Desk) -> None:
    await desk.call("POST", "/groups", {"name": "Frühschicht"}, headers=KEY)
    async with desk.directory.write() as tx:
        await tx.forget_remembered(before=datetime.now(UTC) + timedelta(hours=1))
    again = await desk.call("POST", "/groups", {"name": "Frühschicht"}, headers=KEY)
    assert (again.status, again.fields) == (409, ["name"])
