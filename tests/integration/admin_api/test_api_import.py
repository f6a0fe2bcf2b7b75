"""A file of people over HTTP: the diff, what is held, and what is refused with its place."""

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import FormData

from admin_api.uploads import XLSX
from kleanxmpp.model import Door
from kleanxmpp.testing_directory import MemoryDirectory
from tests.integration.admin_api.desk import SETTINGS, Answered, Desk, opened
from tests.unit.sheets.workbooks import workbook

MAPPING = b'[columns]\n"Nachname" = "last_name"\n"Vorname" = "first_name"\n"PNr" = "external_id"\n"Objekt" = "site"\n'
EXPORT = "PNr;Nachname;Vorname;Objekt\n0012;Groß;Jörg;Rathaus\n".encode("windows-1252")
CSV = {"Content-Type": "text/csv"}
NESTED = b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b--\r\n"
ENCODED = (
    b'--b\r\nContent-Disposition: form-data; name="file"\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--b--\r\n'
)


def form(file: bytes | None = EXPORT, mapping: bytes | None = MAPPING, **more: str) -> FormData:
    data = FormData()
    if file is not None:
        data.add_field("file", io.BytesIO(file), filename="x", content_type="application/octet-stream")
    if mapping is not None:
        data.add_field("mapping", io.BytesIO(mapping), filename="m.toml", content_type="application/toml")
    for name, value in more.items():
        data.add_field(name, value)
    return data


async def sent(desk: Desk, data: Any, query: str = "", **options: Any) -> Answered:
    return await desk.call("POST", f"/import{query}", data=data, **options)


async def test_a_dry_run_answers_the_diff_and_the_import_does_it(desk: Desk) -> None:
    planned = await sent(desk, form(), "?dry_run=true")
    assert planned.status == 200, planned.text
    assert (await desk.call("GET", "/users")).body["items"] == []
    done = await sent(desk, form(), "?dry_run=false")
    assert done.body == planned.body | {"dry_run": False}
    assert done.body["added"] == [
        {
            "username": "joerg.gross",
            "display_name": "Jörg Groß",
            "external_id": "0012",
            "changes": [{"fact": "attributes.site", "old": None, "new": "Rathaus"}],
        }
    ]
    async with desk.directory.read() as tx:
        assert Door.IMPORT in await tx.contacts(desk.company.id)
    assert (await sent(desk, form())).body["unchanged"] == 1


async def test_days_ahead_are_scheduled_and_moved(desk: Desk) -> None:
    def file(day: str) -> bytes:
        return f"external_id;display_name;leaves_on\n1;Anna Berg;{day}\n".encode()

    planned = await sent(desk, file("31.12.2099"), "?dry_run=true", headers=CSV)
    ahead = {"username": "anna.berg", "event": "leaves", "on": "2099-12-31", "outcome": "scheduled"}
    assert planned.body["dates"] == [ahead | {"moved_from": None, "why": None}]
    assert (await desk.call("GET", "/scheduled")).body["items"] == []
    assert (await sent(desk, file("31.12.2099"), headers=CSV)).body["dates"] == planned.body["dates"]
    assert (await sent(desk, file("31.12.2099"), headers=CSV)).body["dates"] == []
    moved = await sent(desk, file("30.12.2099"), headers=CSV)
    assert moved.body["dates"] == [
        ahead | {"on": "2099-12-30", "outcome": "moved", "moved_from": "2099-12-31", "why": None}
    ]
    (plan,) = (await desk.call("GET", "/scheduled")).body["items"]
    assert (plan["type"], plan["effective_at"]) == ("employee.left", "2099-12-31T00:00:00+01:00")


async def test_a_dry_run_is_no_sign_of_life(desk: Desk) -> None:
    await sent(desk, form(), "?dry_run=true")
    async with desk.directory.read() as tx:
        assert await tx.contacts(desk.company.id) == {}


async def test_a_workbook_is_taken_as_the_body(desk: Desk) -> None:
    data = workbook(["external_id", "display_name", "groups"], ["1", "Anna Berg", "Nord*"])
    answer = await sent(desk, data, headers={"Content-Type": XLSX})
    assert answer.body["groups"] == [{"name": "Nord", "kind": "team"}]
    assert answer.body["circles"] == [{"group": "Nord", "put": {"anna.berg": "moderator"}, "removed": []}]


async def test_who_is_missing_leaves_only_on_demand_and_within_the_guard(desk: Desk) -> None:
    lines = "external_id;display_name\n" + "".join(f"{n};Person {n}\n" for n in range(40))
    await sent(desk, lines.encode(), headers=CSV)
    short = lines.encode().splitlines(keepends=True)
    assert (await sent(desk, b"".join(short[:31]), headers=CSV)).body["missing"] == []
    answer = (await sent(desk, b"".join(short[:31]), "?missing=off-board", headers=CSV)).body
    assert (len(answer["missing"]), len(answer["held"])) == (2, 8)
    (hold,) = (await desk.call("GET", "/held")).body["items"]
    assert (hold["door"], hold["people"]) == ("import", 8)
    assert len((await desk.call("GET", "/users?active=true")).body["items"]) == 38


async def test_faults_are_named_with_line_and_column(quick_desk: Desk) -> None:
    answer = await sent(quick_desk, b"display_name;email\nAnna;nobody\n;b@c.de\n", headers=CSV)
    assert (answer.status, answer.problem) == (422, "invalid")
    assert answer.body["errors"] == [
        {"field": "line 2, column B (email)", "message": "is not an e-mail address."},
        {"field": "line 3, column A (display_name)", "message": "A display name has 1 to 200 printable characters."},
    ]
    bad = await sent(quick_desk, form(mapping=b"nonsense"))
    assert (bad.status, bad.fields) == (422, ["mapping"])


@pytest.mark.parametrize(
    ("data", "headers", "status", "problem"),
    [
        (b"{}", {"Content-Type": "application/json"}, 415, "not-a-spreadsheet"),
        (b"x", {"Content-Type": "multipart/form-data"}, 400, "malformed-form"),
        (b"x", {"Content-Type": "multipart/form-data; boundary=b"}, 400, "malformed-form"),
        (b"--b\r\nbroken\r\n\r\n", {"Content-Type": "multipart/form-data; boundary=b"}, 400, "malformed-form"),
        (NESTED, {"Content-Type": "multipart/form-data; boundary=b"}, 400, "malformed-form"),
        (ENCODED, {"Content-Type": "multipart/form-data; boundary=b"}, 422, "invalid"),
        (b"x" * 200_001, CSV, 413, "body-too-large"),
        (b"", CSV, 422, "invalid"),
        (b"PK\x03\x04", CSV, 422, "invalid"),
    ],
)
async def test_what_is_no_file_of_people_is_refused(
    quick_desk: Desk, data: bytes, headers: dict[str, str], status: int, problem: str
) -> None:
    answer = await sent(quick_desk, data, headers=headers)
    assert (answer.status, answer.problem) == (status, problem)


@pytest.mark.parametrize(
    ("data", "status", "fields"),
    [
        (form(file=None), 422, ["file"]),
        (form(other="x"), 422, ["other"]),
        (form(file=b"x" * 200_001), 413, []),
        (form(file=b"x" * 150_000, mapping=b"#" * 60_000), 413, []),
    ],
    ids=["no file", "strange part", "large file", "large together"],
)
async def test_forms_are_strict_and_bounded(quick_desk: Desk, data: FormData, status: int, fields: list[str]) -> None:
    answer = await sent(quick_desk, data)
    assert (answer.status, answer.fields) == (status, fields)


async def test_a_file_that_does_not_come_is_not_waited_for() -> None:
    async with opened(MemoryDirectory(), settings=replace(SETTINGS, body_seconds=0.05)) as desk:
        held_up = asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            yield b"display_name\n"
            await held_up.wait()

        answer = await sent(desk, slowly(), headers=CSV)
        held_up.set()
    assert (answer.status, answer.problem) == (408, "timeout")


async def test_scopes_are_needed_for_people_and_for_groups(quick_desk: Desk) -> None:
    people, groups = b"display_name\nAnna\n", b"display_name;groups\nAnna;Nord\n"
    reads, writes = await quick_desk.token_for("users:read"), await quick_desk.token_for("users:write")
    assert (await sent(quick_desk, people, headers=CSV, token=reads)).problem == "missing-scope"
    assert (await sent(quick_desk, groups, headers=CSV, token=writes)).problem == "missing-scope"
    assert (await sent(quick_desk, people, headers=CSV, token=writes)).status == 200
    assert (await quick_desk.call("GET", "/export/users.csv", token=reads)).problem == "missing-scope"


async def test_what_is_exported_can_be_imported_again(desk: Desk) -> None:
    await sent(desk, b"external_id;display_name;site;groups\n1;=Anna;A;Nord*\n", headers=CSV)
    exported = await desk.call("GET", "/export/users.csv")
    assert exported.headers["Content-Type"].startswith("text/csv")
    assert exported.headers["Content-Disposition"] == 'attachment; filename="users.csv"'
    assert '"\'=Anna"' in exported.text
    answer = await sent(desk, exported.text.encode(), headers=CSV)
    assert (answer.body["people"], answer.body["unchanged"], answer.body["circles"]) == (1, 1, [])
