"""The page about webhooks cannot rot: its receiver is run, its shapes are compared with real messages."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from admin_api.webhook_sender import HttpSender
from kleanxmpp import alarms, signatures
from kleanxmpp.doctor.findings import Finding, Level, Report, Words
from kleanxmpp.event_ports import EventType
from tests.integration.admin_api.desk import LOOPBACK, Desk
from tests.integration.admin_api.test_api_guide import assert_like
from tests.receiver import receiving

PAGE = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text()
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [text for found, text in _BLOCK.findall(PAGE) if found == language]


@asynccontextmanager
async def the_receiver(folder: Path, *secrets: str) -> AsyncIterator[tuple[str, asyncio.StreamReader]]:
    (program,) = blocks("python")
    (folder / "receiver.py").write_text(program)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "receiver.py", "0", cwd=folder, env={"WEBHOOK_SECRET": " ".join(secrets)},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        port = (await process.stdout.readline()).split()[-1].decode()
        yield f"http://127.0.0.1:{port}/hook", process.stdout
    finally:
        process.kill()
        await process.wait()


async def test_the_pages_receiver_takes_genuine_messages_once_and_refuses_others(tmp_path: Path) -> None:
    old, new, strange = (signatures.new_secret() for _ in range(3))
    sender, now = HttpSender(allowed=LOOPBACK), datetime.now(UTC)
    body = json.dumps({"type": "user.offboarded", "timestamp": "…", "data": {}}).encode()

    async with the_receiver(tmp_path, new, old) as (url, said):

        async def answer(message_id: str, *secrets: str, at: datetime = now, sent: bytes = body) -> int | None:
            headers = signatures.headers_for(message_id, body, secrets=secrets, at=at)
            return (await sender.send(url, headers=headers, body=sent)).status

        assert await answer("e1", old) == 204
        assert await answer("e1", old) == 204, "a repetition is answered well and does nothing"
        assert await answer("e2", strange, new) == 204
        assert await answer("e3", strange) == 401
        assert await answer("e3", new, at=now - timedelta(minutes=6)) == 401
        assert await answer("e3", new, sent=body + b" ") == 401
        assert await answer("e4", new) == 204
        heard = [(await said.readline()).decode() for _ in range(3)]
    assert heard == ["received user.offboarded\n"] * 3


async def test_the_pages_shapes_are_those_of_real_messages(desk: Desk) -> None:
    printed: dict[str, Any] = {one["type"]: one for one in map(json.loads, blocks("json"))}
    assert printed.keys() == set(EventType)
    async with receiving() as receiver:
        await desk.call("POST", "/webhooks", {"url": receiver.url})
        aylin = await desk.person(external_id="4711")
        group = await desk.group()
        await desk.call("PUT", f"/groups/{group['id']}/members/{aylin['id']}", {})
        reason = {"reason": "Ende der Befristung"}
        ben = await desk.person("Ben Öz")
        await desk.call("POST", f"/users/{ben['id']}/deactivate", reason)
        await alarms.note_overdue(desk.directory, after=timedelta(0), now=datetime.now(UTC))
        gate = Finding(
            id="gate", title=Words(de="Tor", en="Gate"), level=Level.RED, words=Words(de="Auf.", en="Open."), cure=None
        )
        report = Report(domain="firma.test", at=datetime.now(UTC), seconds=1.0, findings=(gate,))
        await alarms.note_report(desk.directory, desk.company, report)
        async with desk.working(), desk.delivering():
            await receiver.got(1, where=lambda message: message.type == "user.offboarded")
            await receiver.got(8)
    for kind, shape in printed.items():
        bodies = [json.loads(message.body) for message in receiver.messages if message.type == kind]
        like = [one for one in bodies if one["data"].get("change") == shape["data"].get("change")]
        if kind == "user.updated":
            like = [one for one in like if one["data"]["user"]["id"] == aylin["id"]]
        (one,) = like
        assert_like(one, shape, where=json.dumps(one, ensure_ascii=False))
