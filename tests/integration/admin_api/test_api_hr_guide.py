"""The example of docs/hr-hook.md is run as it stands, by an interpreter of its own."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

from tests.integration.admin_api.desk import Desk
from tests.integration.admin_api.hr_system import hr_system
from tests.integration.admin_api.test_api_guide import assert_like

GUIDE = Path(__file__).parents[3] / "docs" / "hr-hook.md"


async def test_the_example_signs_so_that_it_is_taken(quick_desk: Desk) -> None:
    text = GUIDE.read_text()
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (status, printed) = re.findall(r"Answer, `(\d+)`:\s*```json\n(.*?)```", text, re.DOTALL)[0]
    hr = await hr_system(quick_desk)
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "API": str(quick_desk.client.make_url("/api/v1")),
        "SECRET": hr.secrets[0],
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-c", program, env=environment, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    answered, _, body = said.decode().partition(" ")
    assert answered == status
    assert_like(json.loads(body), json.loads(printed), where=body)
    found = (await quick_desk.call("GET", "/users?external_id=4711")).body["items"]
    assert [one["display_name"] for one in found] == ["Aylin Öztürk"]
