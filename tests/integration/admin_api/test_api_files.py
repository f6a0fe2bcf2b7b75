"""Files on their way in and out over HTTP, and what the API says about them."""

import asyncio
import contextlib
import logging
import os
import stat
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kleanxmpp import companies, errors, file_keeping, files, ids, users
from kleanxmpp.companies import CompanyPatch
from kleanxmpp.disk_store import DiskStore
from kleanxmpp.file_ports import File, FileState
from kleanxmpp.files import Wanted
from kleanxmpp.ports import Directory
from tests.integration.admin_api.desk import EVERYWHERE, SETTINGS, Answered, Desk, logged, opened

PICTURE = b"\xff\xd8 not really a picture " * 100
WEB = "https://app.firma.test"


@dataclass(slots=True, kw_only=True)
class Office:
    """A desk that takes files, and one person who sends them."""

    desk: Desk
    folder: Path
    store: DiskStore
    user_id: str

    @property
    def directory(self) -> Directory:
        return self.desk.directory

    async def granted(
        self, content: bytes = PICTURE, *, name: str = "foto.jpg", media_type: str = "image/jpeg"
    ) -> tuple[File, str]:
        """Return a fresh grant and the path of its link."""
        wanted = Wanted(name=name, size=len(content), media_type=media_type)
        file, token = await files.grant(
            self.directory, domain="firma.test", username="anna", wanted=wanted, now=datetime.now(UTC)
        )
        return file, f"/files/{token}/{file.name}"

    async def http(self, method: str, path: str, content: Any = None, **headers: str) -> Answered:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.desk.client.request(method, path, data=content, headers=sent) as answer:
            text = (await answer.read()).decode("latin-1")
            return Answered(status=answer.status, headers=answer.headers.copy(), text=text)

    async def put(self, path: str, content: Any = PICTURE, media_type: str = "image/jpeg") -> Answered:
        return await self.http("PUT", path, content, Content_Type=media_type)

    async def stored(self, content: bytes = PICTURE, **facts: str) -> tuple[File, str]:
        """Return a file that was uploaded, and the path of its link."""
        file, path = await self.granted(content, **facts)
        answer = await self.put(path, content, file.media_type)
        assert answer.status == 201, answer.text
        return file, path

    async def state(self, file: File) -> FileState | None:
        async with self.directory.read() as tx:
            found = await tx.file(self.desk.company.id, file.id)
        return found and found.state

    async def expire(self, file: File) -> None:
        async with self.directory.write(file.company_id) as tx:
            found = await tx.file(file.company_id, file.id)
            assert found is not None
            await tx.save_file(replace(found, expires_at=datetime.now(UTC)))

    async def deactivate(self) -> None:
        await users.deactivate(
            self.directory, self.desk.company, self.user_id, actor="test", reason=None, now=datetime.now(UTC)
        )

    def on_disk(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]


@pytest.fixture
async def office(directory: Directory, tmp_path: Path) -> AsyncIterator[Office]:
    folder = tmp_path / "files"
    store = DiskStore(folder)
    async with opened(directory, settings=replace(SETTINGS, web_origin=WEB), files=store) as desk:
        person = await desk.person("Anna Groß", username="anna")
        yield Office(desk=desk, folder=folder, store=store, user_id=person["id"])


@EVERYWHERE
async def test_who_has_the_link_gets_what_was_uploaded_once(office: Office) -> None:
    file, path = await office.granted(name="Gruß 1.jpg")
    assert (await office.http("GET", path)).status == 404, "there is nothing yet"
    assert (await office.put(path)).status == 201
    got = await office.http("GET", path)
    assert (got.status, got.text.encode("latin-1")) == (200, PICTURE)
    assert got.headers["Content-Type"] == "image/jpeg"
    again = await office.put(path, PICTURE.swapcase())
    assert again.problem == "upload-refused"
    assert (await office.http("GET", path)).text == got.text
    assert [stat.S_IMODE(p.stat().st_mode) for p in office.on_disk()] == [0o600]
    assert stat.S_IMODE(office.folder.stat().st_mode) == 0o700
    assert await office.state(file) is FileState.STORED


async def test_a_browser_can_neither_run_nor_keep_what_is_handed_out(office: Office) -> None:
    _, path = await office.stored()
    headers = (await office.http("GET", path, Origin="https://elsewhere.test")).headers
    assert headers["Content-Disposition"] == "inline; filename*=UTF-8''foto.jpg"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "private, max-age=300"
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "text/javascript", "application/xhtml+xml"])
async def test_what_could_run_is_taken_only_if_the_company_wants_and_never_shown(
    office: Office, media_type: str
) -> None:
    evil = b"<script>alert(1)</script>"
    with pytest.raises(Exception, match="does not take"):
        await office.granted(evil, name="x.html", media_type=media_type)
    patched = await office.desk.call("PATCH", "/company", {"upload_types": [media_type]})
    assert patched.body["upload_types"] == [media_type]
    _, path = await office.stored(evil, name="x.html", media_type=media_type)
    headers = (await office.http("GET", path)).headers
    assert headers["Content-Disposition"].startswith("attachment;")
    assert (headers["X-Content-Type-Options"], "sandbox" in headers["Content-Security-Policy"]) == ("nosniff", True)


async def test_a_page_that_calls_itself_a_picture_stays_a_picture(office: Office) -> None:
    _, path = await office.stored(b"<html><script>alert(1)</script>", name="x.html", media_type="image/png")
    headers = (await office.http("GET", path)).headers
    assert (headers["Content-Type"], headers["X-Content-Type-Options"]) == ("image/png", "nosniff")


async def test_parts_and_heads_are_answered(office: Office) -> None:
    _, path = await office.stored()
    part = await office.http("GET", path, Range="bytes=2-5")
    assert (part.status, part.text.encode("latin-1")) == (206, PICTURE[2:6])
    assert part.headers["Content-Range"] == f"bytes 2-5/{len(PICTURE)}"
    assert (await office.http("GET", path, Range="bytes=999999-")).status == 416
    head = await office.http("HEAD", path)
    assert (head.status, head.headers["Content-Length"], head.text) == (200, str(len(PICTURE)), "")


@pytest.mark.parametrize(
    ("content", "media_type", "why"),
    [
        (PICTURE + b"!", "image/jpeg", "invalid"),
        (PICTURE[:-1], "image/jpeg", "invalid"),
        (PICTURE, "text/html", "invalid"),
        (PICTURE, "rubbish", "invalid"),
    ],
)
async def test_another_size_or_type_than_granted_is_refused_and_may_be_corrected(
    office: Office, content: bytes, media_type: str, why: str
) -> None:
    file, path = await office.granted()
    assert (await office.put(path, content, media_type)).problem == why
    assert (office.on_disk(), await office.state(file)) == ([], FileState.GRANTED)
    assert (await office.put(path)).status == 201


async def test_an_upload_without_a_length_is_refused(office: Office) -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield PICTURE

    _, path = await office.granted()
    assert (await office.put(path, stream())).status == 411
    assert office.on_disk() == []


async def test_a_packed_upload_is_refused(office: Office) -> None:
    _, path = await office.granted()
    packed = await office.http("PUT", path, PICTURE, Content_Type="image/jpeg", Content_Encoding="gzip")
    assert packed.fields == ["Content-Encoding"]
    assert office.on_disk() == []


async def test_one_grant_cannot_fill_the_disk(office: Office) -> None:
    file, _ = await office.granted()
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(4):
            await stack.enter_async_context(office.store.incoming(file.id))
        with pytest.raises(errors.Forbidden):
            await stack.enter_async_context(office.store.incoming(file.id))
        assert len(office.on_disk()) == 4
    assert office.on_disk() == []
    async with office.store.incoming(file.id):
        pass


async def test_a_grant_is_too_old_after_five_minutes(office: Office) -> None:
    file, path = await office.granted()
    await office.expire(file)
    assert (await office.put(path)).problem == "upload-refused"


@EVERYWHERE
async def test_who_may_not_chat_any_more_cannot_use_a_grant(office: Office) -> None:
    _, path = await office.granted()
    await office.deactivate()
    assert (await office.put(path)).problem == "upload-refused"
    assert office.on_disk() == []


async def test_an_offboarding_during_the_upload_is_stronger(office: Office) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield PICTURE[:10]
        begun.set()
        await go_on.wait()
        yield PICTURE[10:]

    _, path = await office.granted()
    upload = asyncio.create_task(
        office.http("PUT", path, slowly(), Content_Type="image/jpeg", Content_Length=str(len(PICTURE)))
    )
    await begun.wait()
    async with asyncio.timeout(10):
        while not office.on_disk():
            await asyncio.sleep(0.01)
    await office.deactivate()
    go_on.set()
    assert (await upload).problem == "upload-refused"
    assert office.on_disk() == []
    assert (await office.http("GET", path)).status == 404


async def begun_upload(desk: Desk, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send the beginning of an upload and no more."""
    reader, writer = await asyncio.open_connection(desk.client.host, desk.client.port)
    head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: {len(PICTURE)}\r\n\r\n"
    writer.write(head.encode() + PICTURE[:100])
    await writer.drain()
    return reader, writer


async def test_a_client_that_dies_leaves_nothing(office: Office) -> None:
    file, path = await office.granted()
    _, writer = await begun_upload(office.desk, path)
    async with asyncio.timeout(10):
        while not office.on_disk():
            await asyncio.sleep(0.01)
        writer.transport.abort()
        while office.on_disk():
            await asyncio.sleep(0.01)
    assert await office.state(file) is FileState.GRANTED


async def test_a_client_that_falls_silent_leaves_nothing(directory: Directory, tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "files")
    async with opened(directory, settings=replace(SETTINGS, body_seconds=0.2), files=store) as desk:
        person = await desk.person("Anna Groß", username="anna")
        office = Office(desk=desk, folder=store.folder, store=store, user_id=person["id"])
        file, path = await office.granted()
        reader, writer = await begun_upload(desk, path)
        assert b"408" in await asyncio.wait_for(reader.readline(), 10)
        writer.close()
        assert (office.on_disk(), await office.state(file)) == ([], FileState.GRANTED)


async def test_of_several_uploads_to_one_address_exactly_one_wins(office: Office) -> None:
    contents = [bytes([65 + number]) * 200_000 for number in range(5)]
    _, path = await office.granted(contents[0])
    answers = await asyncio.gather(*(office.put(path, content) for content in contents))
    (winner,) = [n for n, answer in enumerate(answers) if answer.status == 201]
    assert sorted(answer.status for answer in answers) == [201, 403, 403, 403, 403]
    assert (await office.http("GET", path)).text.encode("latin-1") == contents[winner]
    assert len(office.on_disk()) == 1


async def test_many_people_upload_at_once(office: Office) -> None:
    contents = [os.urandom(100_000) for _ in range(12)]
    links = [(await office.granted(content))[1] for content in contents]
    await asyncio.gather(*(office.put(link, content) for link, content in zip(links, contents, strict=True)))
    got = await asyncio.gather(*(office.http("GET", link) for link in links))
    assert [answer.text.encode("latin-1") for answer in got] == contents


@EVERYWHERE
async def test_unknown_expired_erased_and_lost_links_answer_the_same(office: Office) -> None:
    expired, expired_path = await office.stored()
    await office.expire(expired)
    erased, erased_path = await office.stored()
    assert (await office.desk.call("DELETE", f"/files/{erased.id}")).status == 204
    lost, lost_path = await office.stored()
    await office.store.remove([lost.id])
    unused = (await office.granted())[1]
    paths = [expired_path, erased_path, lost_path, unused, f"/files/{ids.new_secret()}/foto.jpg", "/files/x/y"]
    answers = [await office.http("GET", path) for path in paths]
    told = {(a.status, a.text, tuple(sorted((k, v) for k, v in a.headers.items() if k != "Date"))) for a in answers}
    assert len(told) == 1
    assert answers[0].problem == "not-found"
    assert answers[0].headers["Cache-Control"] == "no-store"


async def test_a_disabled_company_hands_out_nothing(office: Office) -> None:
    _, path = await office.stored()
    for enabled, status in ((False, 404), (True, 200)):
        await companies.update_company(
            office.directory, office.desk.company, CompanyPatch(enabled=enabled), actor="test", reason=None,
            now=datetime.now(UTC),
        )  # fmt: skip
        assert (await office.http("GET", path)).status == status


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\..\\boot.ini", "/", "..", "a\r\nX-Evil: 1", '"; x="', "\0"])
async def test_no_name_leads_out_of_the_folder_or_into_a_header(office: Office, name: str) -> None:
    file, _ = await office.granted(name=name)
    assert not {"/", "\\", "\r", "\n", "\0"} & set(file.name) and file.name not in {"", ".", ".."}
    wanted = Wanted(name=name, size=len(PICTURE), media_type="image/jpeg")
    _, token = await files.grant(
        office.directory, domain="firma.test", username="anna", wanted=wanted, now=datetime.now(UTC)
    )
    path = f"/files/{token}/anything"
    assert (await office.put(path)).status == 201
    headers = (await office.http("GET", path)).headers
    assert "X-Evil" not in headers
    assert all(p.parent.parent == office.folder for p in office.on_disk())
    for path in ("/files/../../../etc/passwd", "/files/%2e%2e%2f%2e%2e/passwd", f"/files/{token}/..%2f..%2fetc"):
        assert "root:" not in (await office.http("GET", path)).text


async def test_tokens_reach_neither_logs_nor_metrics(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    _, path = await office.stored()
    await office.http("GET", path)
    await office.put(path)
    await office.http("POST", path)
    token = path.split("/")[2]
    assert "/files/{token}/{name}" in logged(caplog.records)
    assert token not in logged(caplog.records)
    metrics = await office.desk.call("GET", "/metrics", token=None)
    assert 'route="/files/{token}/{name}"' in metrics.text and token not in metrics.text


async def test_the_web_chat_and_no_other_page_may_upload(office: Office) -> None:
    _, path = await office.granted()
    for origin, allowed in ((WEB, WEB), ("https://evil.test", None), ("null", None)):
        asked = await office.http("OPTIONS", path, Origin=origin, Access_Control_Request_Method="PUT")
        assert asked.status == 204
        assert asked.headers.get("Access-Control-Allow-Origin") == allowed
    assert "PUT" in asked.headers["Access-Control-Allow-Methods"]
    done = await office.http("PUT", path, PICTURE, Content_Type="image/jpeg", Origin=WEB)
    assert (done.status, done.headers["Access-Control-Allow-Origin"]) == (201, WEB)
    outside = await office.desk.call("GET", "/users", headers={"Origin": WEB})
    assert "Access-Control-Allow-Origin" not in outside.headers, "the API itself is not for pages"


async def test_a_persons_files_are_listed_without_links_and_erased_one_by_one(office: Office) -> None:
    stored = [await office.stored(name=f"geheim{n}.jpg") for n in range(3)]
    await office.granted()
    page = await office.desk.call("GET", f"/users/{office.user_id}/files?limit=2")
    rest = await office.desk.call("GET", f"/users/{office.user_id}/files?cursor={page.body['next_cursor']}")
    listed = [*page.body["items"], *rest.body["items"]]
    assert {one["id"] for one in listed} == {file.id for file, _ in stored}
    assert len(page.body["items"]) == 2 and rest.body["next_cursor"] is None
    assert all(one["size"] == len(PICTURE) for one in listed)
    assert "geheim" not in page.text and not any(path.split("/")[2] in page.text for _, path in stored)
    (first, path), *_ = stored
    elsewhere = await office.desk.company_named("zwei.test")
    foreign = await office.desk.token_for("admin", company=elsewhere)
    assert (await office.desk.call("DELETE", f"/files/{first.id}", token=foreign)).status == 404
    assert (await office.http("GET", path)).status == 200
    assert (await office.desk.call("DELETE", f"/files/{first.id}")).status == 204
    assert (await office.http("GET", path)).status == 404
    assert len(office.on_disk()) == 2
    assert (await office.desk.call("DELETE", f"/files/{first.id}")).status == 404
    audit = await office.desk.call("GET", "/audit")
    newest = audit.body["items"][0]
    assert (newest["action"], newest["details"]) == ("file.erased", {"file": first.id})


@EVERYWHERE
async def test_an_offboarding_revokes_grants_and_an_erasure_takes_the_files(office: Office) -> None:
    _, path = await office.stored()
    await office.granted()
    async with office.desk.working():
        left = await office.desk.call("POST", f"/users/{office.user_id}/deactivate", {}, headers={"Prefer": "wait=30"})
        lines = {line["item"]: (line["found"], line["done"], line["left"]) for line in left.body["evidence"]}
        assert lines["uploads"] == (1, 1, 0)
        assert "files" not in lines
        assert (await office.http("GET", path)).status == 200, "what colleagues got is theirs"
        erased = await office.desk.call("DELETE", f"/users/{office.user_id}", headers={"Prefer": "wait=30"})
        lines = {line["item"]: (line["found"], line["left"], line["closed"]) for line in erased.body["evidence"]}
        assert (erased.status, lines["files"]) == (200, (1, 0, True))
    assert (await office.http("GET", path)).status == 404
    assert office.on_disk() == []


async def test_an_erasure_waits_for_a_disk_that_resists(office: Office) -> None:
    file, path = await office.stored()
    (bytes_of_it,) = office.on_disk()
    bytes_of_it.unlink()
    bytes_of_it.mkdir()  # what cannot be unlinked, not even by root
    async with office.desk.working():
        erased = await office.desk.call("DELETE", f"/users/{office.user_id}", headers={"Prefer": "wait=1"})
        assert (erased.status, erased.body["complete"]) == (202, False)
        assert (await office.http("GET", path)).status == 404, "the link is dead all the same"
        bytes_of_it.rmdir()
        await office.desk.until(
            f"/users/{office.user_id}/offboardings", lambda a: a.status == 200 and a.body["items"][0]["complete"]
        )
    assert await office.state(file) is None


async def test_an_erasure_that_cannot_look_at_the_files_is_not_complete(directory: Directory) -> None:
    async with opened(directory) as desk:
        person = await desk.person("Anna Groß", username="anna")
        wanted = Wanted(name="foto.jpg", size=10, media_type="image/jpeg")
        await files.grant(directory, domain="firma.test", username="anna", wanted=wanted, now=datetime.now(UTC))
        async with desk.working():
            path = f"/users/{person['id']}"
            erased = await desk.call("DELETE", path, headers={"Prefer": "wait=1"})
            assert (erased.status, erased.body["complete"]) == (202, False)
            assert (await desk.call("GET", f"{path}/offboardings")).body["items"][0]["state"] == "running"


async def test_retention_removes_what_is_over_and_what_a_crash_left(office: Office) -> None:
    kept, kept_path = await office.stored()
    expired, _ = await office.stored()
    await office.expire(expired)
    unused, _ = await office.granted()
    halfway = await office.stored()  # a crash between bytes and row
    await office.expire(halfway[0])
    await office.store.remove([halfway[0].id])
    strange = office.folder / "ab" / (ids.new_id()[:-2] + "ab")
    strange.parent.mkdir(exist_ok=True)
    strange.write_bytes(b"no row knows me")
    part = strange.with_name(f"{strange.name}.0011.part")
    part.write_bytes(b"half")

    now = datetime.now(UTC)
    first = await file_keeping.tidy(office.directory, office.store, now=now)
    assert first == file_keeping.Tidied(due=2, unknown=0, unfinished=0)
    assert strange.exists() and part.exists(), "young ones may be somebody's work of this moment"
    old = time.time() - 2 * 86400
    for path in office.on_disk():
        os.utime(path, (old, old))
    second = await file_keeping.tidy(office.directory, office.store, now=now + timedelta(minutes=16))
    assert second == file_keeping.Tidied(due=1, unknown=1, unfinished=1)
    assert await office.state(unused) is None
    assert [p.name for p in office.on_disk()] == [kept.id]
    assert (await office.http("GET", kept_path)).status == 200


async def test_a_file_lives_as_long_as_the_company_says(office: Office) -> None:
    await office.desk.call("PATCH", "/company", {"file_retention_days": 7})
    file, _ = await office.stored()
    (listed,) = (await office.desk.call("GET", f"/users/{office.user_id}/files")).body["items"]
    until = datetime.fromisoformat(listed["expires_at"])
    assert timedelta(days=7) <= until - file.created_at < timedelta(days=7, minutes=1)
    refused = await office.desk.call("PATCH", "/company", {"file_retention_days": 0})
    assert refused.fields == ["file_retention_days"]
    assert (await office.desk.call("PATCH", "/company", {"upload_types": ["jpeg"]})).fields == ["upload_types"]


async def test_a_full_disk_is_an_answer_that_says_so(office: Office) -> None:
    office.folder.write_text("a file where the folder should be")
    _, path = await office.granted()
    answer = await office.put(path)
    assert (answer.status, answer.problem) == (503, "store-unavailable")
    assert "Retry-After" in answer.headers
