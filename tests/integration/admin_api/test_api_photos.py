"""Photos over HTTP: a picture in, a small square one out, for whoever may see people."""

import asyncio
import hashlib
import io
from typing import Any

import pytest
from PIL import Image

from kleanxmpp.photos import MOST_BYTES
from tests.integration.admin_api.desk import Answered, Desk
from tests.photos import CAMERA, a_picture

KINDS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


async def put(desk: Desk, user_id: str, content: Any, media_type: str = "image/jpeg", **options: Any) -> Answered:
    headers = {"Content-Type": media_type}
    return await desk.call("PUT", f"/users/{user_id}/photo", headers=headers, data=content, **options)


async def fetched(desk: Desk, user_id: str, **headers: str) -> tuple[int, Any, bytes]:
    sent = {"Authorization": f"Bearer {desk.token}"} | headers
    async with desk.client.get(f"/api/v1/users/{user_id}/photo", headers=sent) as answer:
        return answer.status, answer.headers.copy(), await answer.read()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_photo_is_set_read_and_removed(desk: Desk, kind: str) -> None:
    user = await desk.person()
    assert user["photo_sha1"] is None
    answer = await put(desk, user["id"], a_picture(kind=kind, size=(640, 480), exif=True), KINDS[kind])
    assert (answer.status, answer.body["version"], answer.headers["ETag"]) == (200, 2, '"2"'), answer.text
    status, headers, content = await fetched(desk, user["id"])
    assert (status, headers["Content-Type"], headers["X-Content-Type-Options"]) == (200, "image/jpeg", "nosniff")
    assert headers["Cache-Control"].startswith("private")
    sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    assert (answer.body["photo_sha1"], headers["ETag"]) == (sha1, f'"{sha1}"')
    assert Image.open(io.BytesIO(content)).size == (256, 256) and CAMERA not in content
    assert (await fetched(desk, user["id"], **{"If-None-Match": f'"{sha1}"'}))[::2] == (304, b"")
    listed = await desk.call("GET", "/users")
    assert [one["photo_sha1"] for one in listed.body["items"]] == [sha1]
    for _ in range(2):
        assert (await desk.call("DELETE", f"/users/{user['id']}/photo")).status == 204
    assert (await desk.call("GET", f"/users/{user['id']}/photo")).problem == "not-found"
    assert (await desk.call("GET", f"/users/{user['id']}")).body["photo_sha1"] is None


async def test_what_is_no_photo_is_refused_and_nothing_changes(quick_desk: Desk) -> None:
    desk = quick_desk
    user = await desk.person()
    for content, media_type, status, problem, fields in (
        (a_picture()[:900], "image/jpeg", 422, "invalid", ["photo"]),
        (b"", "image/png", 422, "invalid", ["photo"]),
        (b"<svg/>", "image/svg+xml", 415, "not-a-picture", []),
        (b"{}", "application/json", 415, "not-a-picture", []),
        (b"{}", "image/jpeg", 422, "invalid", ["photo"]),
        (io.BytesIO(bytes(MOST_BYTES + 1)), "image/jpeg", 413, "body-too-large", []),
    ):
        answer = await put(desk, user["id"], content, media_type)
        assert (answer.status, answer.problem, answer.fields) == (status, problem, fields)
    assert (await desk.call("GET", f"/users/{user['id']}")).body == user
    assert (await put(desk, "0" * 32, a_picture())).problem == "not-found"


async def test_a_body_that_says_no_length_is_limited_too(quick_desk: Desk) -> None:
    async def pieces() -> Any:
        for _ in range(6):
            yield bytes(1024 * 1024)
            await asyncio.sleep(0)

    user = await quick_desk.person()
    assert (await put(quick_desk, user["id"], pieces())).problem == "body-too-large"


async def test_a_picture_may_be_larger_than_other_bodies(quick_desk: Desk) -> None:
    """The desk takes 200,000 bytes elsewhere."""
    noise = io.BytesIO()
    Image.effect_noise((600, 600), 100).save(noise, "PNG")
    assert len(noise.getvalue()) > 200_000
    user = await quick_desk.person()
    assert (await put(quick_desk, user["id"], noise.getvalue(), "image/png")).status == 200


async def test_scopes_and_companies_are_kept_apart(quick_desk: Desk) -> None:
    desk = quick_desk
    user = await desk.person()
    await put(desk, user["id"], a_picture())
    path = f"/users/{user['id']}/photo"
    reader, writer = await desk.token_for("users:read"), await desk.token_for("users:write")
    other = await desk.token_for("users:read", "users:write", company=await desk.company_named("zwei.test"))
    assert (await desk.call("GET", path, token=reader)).status == 200
    assert (await desk.call("GET", path, token=writer)).problem == "missing-scope"
    assert (await desk.call("DELETE", path, token=reader)).problem == "missing-scope"
    assert (await put(desk, user["id"], a_picture(), token=reader)).problem == "missing-scope"
    assert (await put(desk, user["id"], a_picture(), token=other)).problem == "not-found"
    for method in ("GET", "DELETE"):
        assert (await desk.call(method, path, token=other)).problem == "not-found"
    assert (await desk.call("GET", path, token=None)).problem == "unauthorized"


async def test_a_photo_is_tried_first(quick_desk: Desk) -> None:
    user = await quick_desk.person()
    headers = {"Content-Type": "image/jpeg"}
    tried = await quick_desk.call("PUT", f"/users/{user['id']}/photo?dry_run=true", headers=headers, data=a_picture())
    (change,) = tried.body["changes"]
    assert tried.status == 200 and "photo_sha1" in str(change) and "user.photo_changed" in str(change)
    assert (await quick_desk.call("GET", f"/users/{user['id']}")).body == user


async def test_a_photo_reaches_the_server_and_goes_with_the_person(quick_desk: Desk) -> None:
    desk = quick_desk
    user = await desk.person()
    async with desk.working():
        sha1 = (await put(desk, user["id"], a_picture())).body["photo_sha1"]
        async with asyncio.timeout(10):
            while desk.server.holdings(desk.company).photos.get(user["username"]) != sha1:
                await asyncio.sleep(0.01)
        erased = await desk.call("DELETE", f"/users/{user['id']}", headers={"Prefer": "wait=10"})
        assert erased.status == 200, erased.text
    assert desk.server.holdings(desk.company).photos == {}
    assert (await desk.call("GET", f"/users/{user['id']}/photo")).problem == "not-found"
