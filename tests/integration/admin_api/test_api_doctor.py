"""The doctor over HTTP: the same lines, one run for all who ask, and never a result where nobody could look."""

import asyncio

from kleanxmpp.testing_directory import MemoryDirectory
from tests.integration.admin_api.desk import Desk, opened


async def test_the_doctor_tells_every_line_in_the_language_asked_for(desk: Desk) -> None:
    async with desk.working():
        await desk.group()
        await desk.until("/status", lambda answer: answer.body["due"]["count"] == 0)
        told = (await desk.call("GET", "/doctor?lang=de")).body
        assert (told["company"], told["red"], told["yellow"]) == ("firma.test", 0, 1)
        lines = {line["id"]: line for line in told["lines"]}
        assert (lines["gate"]["level"], lines["gate"]["words"]) == ("green", "Das Tor steht.")
        assert (lines["try-comeback"]["level"], lines["try-removal"]["level"]) == ("green", "green")
        assert lines["backups"]["level"] == "yellow" and "backup_path" in lines["backups"]["yaml"]
        english = (await desk.call("GET", "/doctor")).body
        assert (english["at"], english["lines"][0]["words"]) == (told["at"], "ejabberd 26.07.")
        numbers = (await desk.call("GET", "/metrics")).text
        assert 'kleanxmpp_doctor_lines{company="firma.test",level="yellow"} 1.0' in numbers
        people = (await desk.call("GET", "/users")).body["items"]
    assert people == []


async def test_who_asks_at_the_same_time_gets_the_same_run(quick_desk: Desk) -> None:
    async with quick_desk.working():
        answers = await asyncio.gather(*(quick_desk.call("GET", "/doctor") for _ in range(3)))
    assert len({answer.text for answer in answers}) == 1


async def test_the_doctor_needs_a_scope_and_knows_only_two_languages(quick_desk: Desk) -> None:
    token = await quick_desk.token_for("users:read")
    refused = await quick_desk.call("GET", "/doctor", token=token)
    assert (refused.status, refused.problem) == (403, "missing-scope")
    wrong = await quick_desk.call("GET", "/doctor?lang=fr")
    assert (wrong.status, wrong.fields) == (422, ["lang"])


async def test_a_process_with_the_api_alone_has_no_doctor() -> None:
    async with opened(MemoryDirectory(), only_api=True) as desk:
        answer = await desk.call("GET", "/doctor")
    assert (answer.status, answer.problem) == (503, "no-doctor")
