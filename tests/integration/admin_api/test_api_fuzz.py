"""Whatever is sent, the API answers with a reason and never breaks."""

import asyncio
import json
import urllib.parse
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from admin_api.openapi.operation import Operation
from admin_api.routes import OPERATIONS
from kleanxmpp import signatures, signing
from kleanxmpp.scheduled_ports import ChangeKind
from tests.integration.admin_api.desk import EVERYWHERE, Answered, Desk, Store, opened
from tests.integration.admin_api.hr_system import HrSystem

SECRET = signatures.new_secret()
SERVED = [operation for operation in OPERATIONS if operation.scope is not None]
TEXT = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "",
            "*",
            "\u0000",
            "../..",
            "%",
            "x" * 3000,
            "team",
            "admin",
            "4711",
            '"1"',
            "klean-may-chat",
            "employee.left",
            "2199-12-31",
            "9999-12-31T23:59:59Z",
        ]
    ),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT)
NAMES = st.sampled_from(
    [
        "display_name", "username", "external_id", "email", "locale", "active", "chat_permission", "name", "scopes",
        "description", "kind", "members", "add", "remove", "role", "user_id", "label", "reason", "force", "dry_run",
        "contacts_max", "contact_visibility", "enabled", "people", "limit", "cursor", "q", "mode", "returns_on",
        "hand_over_to", "admin", "timezone", "lang", "operations", "method", "path", "body", "bulk_id", "if_match",
        "effective_at", "type", "attributes", "secret", "state",
    ]
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | TEXT, inner, max_size=6),
    max_leaves=12,
)
BODIES = st.one_of(
    st.none(),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(NAMES, JSON, max_size=8).map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=40),
)
HEADERS = st.dictionaries(
    st.sampled_from(["If-Match", "If-None-Match", "Idempotency-Key", "Prefer", "X-Company", "Content-Type"]),
    st.one_of(
        st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_categories=["Cc"]), max_size=20),
        st.sampled_from(['"1"', "*", "wait=0", "key", "firma.test", "application/json"]),
    ),
    max_size=4,
)


@pytest.fixture
def running(store: Store) -> Iterator[tuple[asyncio.Runner, Desk]]:
    """A desk that lives through many examples."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        directory = runner.run(stack.enter_async_context(store.opened()))
        desk = runner.run(stack.enter_async_context(opened(directory)))
        yield runner, desk
        runner.run(stack.aclose())


@EVERYWHERE
@given(
    operation=st.sampled_from(SERVED),
    known=st.booleans(),
    path=st.dictionaries(st.sampled_from(["user_id", "group_id", "external_id", "change_id"]), TEXT, max_size=3),
    query=st.dictionaries(NAMES | TEXT, TEXT | st.just("true"), max_size=3),
    body=BODIES,
    headers=HEADERS,
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_that_is_sent_breaks_it(
    running: tuple[asyncio.Runner, Desk],
    operation: Operation,
    known: bool,
    path: dict[str, str],
    query: dict[str, str],
    body: bytes | None,
    headers: dict[str, str],
) -> None:
    runner, desk = running
    answer = runner.run(_send(desk, operation, known=known, path=path, query=query, body=body, headers=headers))
    assert answer.status < 500 or answer.problem == "no-reconciler", (answer.status, answer.text)
    if answer.status >= 400:
        assert answer.problem
    else:
        assert answer.status in operation.answers or answer.body["dry_run"]


_KINDS = [kind.value for kind in ChangeKind]
_SAID = [
    "display_name", "username", "email", "locale", "attributes", "chat_permission", "mode", "returns_on",
    "effective_at", "reason",
]  # fmt: skip
_EVENTS = st.builds(
    lambda kind, data, more: {"type": kind, "timestamp": "2026-12-01T09:30:00Z", "data": data} | more,
    st.one_of(st.sampled_from(_KINDS), TEXT),
    st.builds(
        lambda known, said: ({"external_id": "4711"} if known else {}) | said,
        st.booleans(),
        st.dictionaries(st.sampled_from(_SAID), JSON, max_size=4),
    ),
    st.dictionaries(NAMES, JSON, max_size=1),
)


@given(event=_EVENTS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("store", ["memory"], indirect=True)
def test_nothing_that_is_signed_breaks_it(running: tuple[asyncio.Runner, Desk], event: dict[str, Any]) -> None:
    runner, desk = running

    async def send() -> Answered:
        hr = HrSystem(desk=desk, secrets=[SECRET])
        if (await hr.send(event)).status == 401:
            now = datetime.now(UTC)
            await signing.add(desk.directory, desk.company, purpose="hr", secret=SECRET, actor="test", now=now)
        return await hr.send(event)

    answer = runner.run(send())
    assert answer.status in {200, 202, 404, 409, 422}, (answer.status, answer.text)


async def _send(
    desk: Desk,
    operation: Operation,
    *,
    known: bool,
    path: dict[str, str],
    query: dict[str, str],
    body: bytes | None,
    headers: dict[str, str],
) -> Answered:
    ids: dict[str, Any] = {}
    if known:
        ids = {"user_id": (await desk.person("Test"))["id"]}
    text = operation.path
    for name in operation.path_names:
        text = text.replace(f"{{{name}}}", urllib.parse.quote(ids.get(name) or path.get(name) or "unknown", safe=""))
    if query:
        text += "?" + urllib.parse.urlencode(query)
    if body is not None:
        headers = {"Content-Type": "application/json", **headers}
    return await desk.call(operation.method, text, headers=headers, data=body)
