"""Which requests can be tried: whatever cannot is never carried out because somebody only wanted to try it."""

import pytest

from admin_api.answers import Answer
from admin_api.openapi import dry_run
from admin_api.openapi.operation import Operation
from admin_api.problems import Problem
from admin_api.schemas.types import Query
from admin_api.services import Call


class OwnQuery(Query):
    dry_run: bool = False


async def plain(call: Call) -> Answer:
    return Answer()


async def with_own(call: Call, *, query: OwnQuery) -> Answer:
    return Answer()


def an_operation(**facts: object) -> Operation:
    known: dict[str, object] = {
        "method": "POST", "path": "/api/v1/x", "handler": plain, "tag": "X", "scope": "users:write",
        "answers": {204: None},
    }  # fmt: skip
    return Operation(**{**known, **facts})  # type: ignore[arg-type]  # a test's facts


def test_what_changes_something_can_be_tried() -> None:
    assert dry_run.is_asked_for(an_operation(), ["true"])
    assert not dry_run.is_asked_for(an_operation(), ["false"])
    assert not dry_run.is_asked_for(an_operation(), [])


@pytest.mark.parametrize("facts", [{"secret": True}, {"scope": None}, {"no_dry_run": "It sends a message."}])
def test_what_makes_secrets_knows_no_token_or_says_so_is_refused(facts: dict[str, object]) -> None:
    operation = an_operation(**facts)
    assert operation.why_no_dry_run
    assert operation.why_no_dry_run in operation.description
    with pytest.raises(Problem) as refused:
        dry_run.is_asked_for(operation, ["true"])
    assert (refused.value.kind.name, refused.value.detail) == ("no-dry-run", operation.why_no_dry_run)
    assert not dry_run.is_asked_for(operation, ["false"])


def test_what_reads_or_tries_by_itself_is_left_alone() -> None:
    for operation in (an_operation(method="GET"), an_operation(handler=with_own)):
        assert not dry_run.is_asked_for(operation, ["true"])
        assert (operation.can_be_tried, operation.why_no_dry_run) == (False, None)
