"""schemathesis, a public tool, reads the OpenAPI document and tries what it promises on a listening API.

Bounded, and with a fixed seed: the same requests every time. It looks for a 5xx, and for a status, media type, header
or body that the document does not tell.
"""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.integration.admin_api.desk import Desk

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "allow_header_conformance",
    "ignored_auth",
)
SECONDS = 240  # on a machine with much else to do; alone it is a tenth


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_the_document_is_true(desk: Desk, tmp_path: Path) -> None:
    person, group = await desk.person(), await desk.group()
    known = {"user_id": person["id"], "group_id": group["id"], "X-Company": desk.company.domain}
    lines = [f'"{name}" = "{value}"' for name, value in known.items()]
    (tmp_path / "schemathesis.toml").write_text("\n".join(["[parameters]", *lines, ""]))
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", str(desk.client.make_url("/api/openapi.json"))),
        *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", "3"),
        *("--seed", "20261122", "--no-shrink", "--continue-on-failure", "--suppress-health-check", "all"),
        *("--header", f"Authorization: Bearer {desk.token}", "--no-color"),
    ]
    async with desk.working(), asyncio.timeout(SECONDS):
        running = await asyncio.create_subprocess_exec(
            *command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        try:
            said, _ = await running.communicate()
        finally:
            if running.returncode is None:
                running.kill()

    assert running.returncode == 0, said.decode()
