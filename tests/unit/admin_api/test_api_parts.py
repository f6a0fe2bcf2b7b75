"""The small parts of the API, each by itself."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from multidict import CIMultiDict

from admin_api import etags, waiting
from admin_api.openapi.html import inline, page, prose, tag
from admin_api.openapi.operation import ANY_TOKEN
from admin_api.problem_kinds import KINDS
from admin_api.problems import Problem, from_core, view
from admin_api.rates import Rates
from admin_api.routes import OPERATIONS
from admin_api.schemas.types import ListQuery, cursor_after
from admin_api.services import Services
from admin_api.settings import ApiSettings
from kleanxmpp import errors, tokens
from kleanxmpp.testing_directory import MemoryDirectory
from tests.factories import AT, a_company


def _services() -> Services:
    return Services(
        directory=MemoryDirectory(),
        server=None,
        settings=ApiSettings(),
        reconciler=None,
        clock=lambda: AT,
        rates=Rates(per_second=0, burst=1),
    )


@pytest.mark.parametrize("key", ["aylin.oeztuerk", "a", "Ж日本", "x" * 1000, "1"])
def test_a_cursor_gives_back_its_key_and_fits_into_an_address(key: str) -> None:
    cursor = cursor_after(key)
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert ListQuery.model_construct(cursor=cursor).after() == key


@pytest.mark.parametrize("cursor", ["", "=", "a", "AA", "/w", "ä", "gICA", "AAAA"])
def test_what_is_no_cursor_of_ours_is_refused(cursor: str) -> None:
    with pytest.raises(errors.Invalid) as caught:
        ListQuery.model_construct(cursor=cursor).after()
    assert caught.value.field == "cursor"


def test_entity_tags_say_the_version_and_whether_the_company_is_disabled() -> None:
    company = a_company()
    assert etags.tag(3) == etags.tag(3, company=company) == '"3"'
    assert etags.tag(3, company=replace(company, enabled=False)) == '"3-disabled"'


@pytest.mark.parametrize(
    ("header", "version"), [(None, None), ("*", None), (' "3" ', 3), ('"3-disabled"', 3), ('"0"', 0)]
)
def test_if_match_is_read(header: str | None, version: int | None) -> None:
    headers = CIMultiDict({} if header is None else {"If-Match": header})
    assert etags.expected_version(headers) == version


@pytest.mark.parametrize("header", ["", "3", 'W/"3"', '"abc"', '"-1"', '"' + "9" * 30 + '"'])
def test_a_tag_that_was_never_ours_matches_nothing(header: str) -> None:
    with pytest.raises(errors.Stale):
        etags.expected_version(CIMultiDict({"If-Match": header}))


@pytest.mark.parametrize(
    ("header", "known"),
    [(None, False), ('"3"', True), ('W/"3"', True), ('"1", "3"', True), ('"1"', False), ("*", True), ("", False)],
)
def test_if_none_match_is_read(header: str | None, known: bool) -> None:
    headers = CIMultiDict({} if header is None else {"If-None-Match": header})
    assert etags.is_known(headers, '"3"') is known


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=5", 5),
        ("WAIT = 5", 5),
        ('wait="5"', 5),
        ("wait=999999", 60),
        ("respond-async, wait=5", 5),
        ("wait=5; foo=bar", 5),
        ("wait=", None),
        ("wait=-5", None),
        ("wait=5.5", None),
        ("await=5", None),
        ("", None),
    ],
)
def test_prefer_wait_is_read(prefer: str, seconds: int | None) -> None:
    assert waiting.preferred_wait(CIMultiDict({"Prefer": prefer}), longest=60) == seconds


async def test_waiting_looks_once_even_without_time_and_stops_when_it_holds() -> None:
    looks: list[int] = []

    async def read() -> int:
        looks.append(len(looks))
        return len(looks)

    assert await waiting.until(_services(), read, done=lambda n: n > 5, seconds=0) == 1
    assert await waiting.until(_services(), read, done=lambda n: n >= 4, seconds=60) == 4


async def test_waiting_ends_when_the_process_stops() -> None:
    services = _services()

    async def read() -> bool:
        services.stopping.set()
        return False

    assert await asyncio.wait_for(waiting.until(services, read, done=bool, seconds=60), 5) is False


def test_text_on_a_page_is_escaped() -> None:
    assert tag("p", "<b>&", title='"') == '<p title="&quot;">&lt;b&gt;&amp;</p>'
    assert tag("td", [tag("b", "x"), None, "<"]) == "<td><b>x</b>&lt;</td>"
    assert inline("`<a>` [here](/x) [there](https://example.org)") == (
        '<code>&lt;a&gt;</code> <a href="/x">here</a> [there](https://example.org)'
    )
    assert prose("one\ntwo\n\n- a\n- b") == "<p>one two</p><ul><li>a</li><li>b</li></ul>"
    assert page("<t>", style="/s").startswith('<!doctype html>\n<html lang="en">')


@pytest.mark.parametrize(
    ("error", "name", "status"),
    [
        (errors.NotFound(), "not-found", 404),
        (errors.Conflict(field="name"), "conflict", 409),
        (errors.Stale(), "stale", 412),
        (errors.Invalid(field="name"), "invalid", 422),
        (errors.UnsafePlan(), "unsafe-plan", 409),
        (errors.DirectoryUnavailable(), "directory-unavailable", 503),
        (errors.Temporary(), "server-unreachable", 503),
        (errors.Permanent(), "server-unreachable", 503),
        (errors.KleanError(), "internal", 500),
    ],
)
def test_every_error_of_the_core_is_a_problem(error: errors.KleanError, name: str, status: int) -> None:
    problem = from_core(error)
    assert (problem.kind.name, problem.kind.status) == (name, status)
    assert [one.field for one in problem.errors] == (["name"] if getattr(error, "field", None) else [])


@pytest.mark.parametrize("kind", [errors.DirectoryUnavailable, errors.Temporary, errors.Permanent, errors.KleanError])
def test_what_databases_and_servers_said_is_not_passed_on(kind: type[errors.KleanError]) -> None:
    assert "secret" not in view(from_core(kind("secret at db.internal:5432"))).model_dump_json()


def test_kinds_of_problems_are_told_whole() -> None:
    for kind in KINDS.values():
        assert 400 <= kind.status < 600
        assert kind.meaning.endswith(".")
        assert kind.advice.endswith(".")
        assert view(Problem(kind=kind)).detail == kind.meaning


def test_every_operation_has_a_scope_or_is_signed_or_about_health() -> None:
    for operation in OPERATIONS:
        scope: Any = operation.scope
        told = (operation.tag, scope) in {("Health", None), ("Bulk", ANY_TOKEN)}
        assert scope in tokens.SCOPES or operation.signed or told
        assert operation.handler.__doc__
