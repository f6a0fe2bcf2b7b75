"""The public conformance tools, against the API as it listens: as other programs, over a socket, with a token."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from kleanxmpp import tokens
from tests.integration.admin_api.desk import SETTINGS, Desk, Store, opened
from tests.integration.scim.conftest import ANYBODY

pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
BIN = Path(sys.executable).parent
NOT_FOR_US = {"Agent CRUD Lifecycle", "AgenticApplication CRUD Lifecycle", "Agent Rapid Lifecycle"}
"""What scim-sanity leaves out: resource types of a draft about programs that act by themselves."""


@pytest.fixture
async def desk(store: Store, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    """A desk; lenient unless the test says otherwise."""
    lenient = getattr(request, "param", True)
    settings = replace(SETTINGS, limits=ANYBODY, scim_lenient=lenient)
    async with store.opened() as directory, opened(directory, settings=settings) as found:
        yield found


async def run(*command: str, **environment: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | environment | {"NO_COLOR": "1", "COLUMNS": "300"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def scim2_tester(desk: Desk) -> tuple[int, list[str], str]:
    """Return the exit code, the outcomes, and everything that was said."""
    url = str(desk.client.make_url("/scim/v2"))
    header = f"Authorization: Bearer {await desk.token_for(tokens.SCIM)}"
    code, said = await run(str(BIN / "scim2"), "--url", url, "test", SCIM_CLI_HEADERS=header)
    words = [line.split()[0] for line in said.splitlines() if line[:1].isupper()]
    return code, [word for word in words if word.isupper()], said


async def scim_sanity(desk: Desk) -> list[dict[str, str]]:
    """Return all results."""
    url, token = str(desk.client.make_url("/scim/v2")), await desk.token_for(tokens.SCIM)
    options = ["--json-output", "--i-accept-side-effects", "--token", token]
    _, said = await run(str(BIN / "scim-sanity"), "probe", url, *options)
    return list(json.loads(said[said.index("{") :])["results"])


async def test_scim2_tester_finds_nothing(desk: Desk) -> None:
    code, outcomes, said = await scim2_tester(desk)
    assert code == 0, said
    assert set(outcomes) == {"SUCCESS"}, said
    assert len(outcomes) > 130


async def test_scim_sanity_finds_nothing(desk: Desk) -> None:
    results = await scim_sanity(desk)
    outcomes = {result["name"]: result["status"].lower() for result in results}
    assert {name for name, outcome in outcomes.items() if outcome != "pass"} == NOT_FOR_US
    assert len(results) >= 31


@pytest.mark.parametrize("desk", [False], indirect=True)
async def test_without_leniency_scim_sanity_finds_only_what_is_safer_to_refuse(desk: Desk) -> None:
    failed = [result["name"] for result in await scim_sanity(desk) if result["status"].lower() not in {"pass", "skip"}]
    assert failed == ["PATCH /Groups/{id}", "PATCH /Groups/{id} add member", "PATCH /Groups/{id} remove members"]
