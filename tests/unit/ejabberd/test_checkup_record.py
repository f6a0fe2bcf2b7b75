"""Reading what our module says about the server."""

from datetime import UTC, datetime

import pytest

from component.checkup import make_inside
from ejabberd.checkup import CheckupRecord
from ejabberd.records import Json, Unreadable

PAIRS = [
    ("source", "abc"), ("version", "24.12"), ("time", "1767600000500"), ("spool", "/spool"),
    ("auth_use_cache", "false"), ("s2s_access", "none"), ("s2s_allowed", "false"), ("auth_method", "external"),
    ("host", "firma.test"), ("module", "mod_muc"), ("module", "mod_push"), ("push", "include_body New message"),
    ("route", "klean.firma.test"), ("route", "gruppen.firma.test"), ("route", "bot.firma.test"), ("route", "irc.other"),
    ("module_route", "gruppen.firma.test"), ("listener", "5222 ejabberd_c2s tls closed own"),
    ("listener", "8888 ejabberd_service plain - anybody"), ("handler", "5443 ejabberd_http_ws"),
]  # fmt: skip


def answer(*pairs: tuple[str, str]) -> Json:
    return [{"key": key, "value": value} for key, value in pairs]


def test_the_modules_answer_becomes_the_cores_value() -> None:
    found = CheckupRecord.from_response(answer(*PAIRS))
    now = datetime(2026, 1, 5, 8, 0, 2, 500000, tzinfo=UTC)
    inside = make_inside(found, domain="firma.test", component="klean.firma.test", now=now)
    assert inside.clock_off.total_seconds() == 2
    assert inside.strange_routes == {"bot.firma.test"}
    assert inside.modules == {"mod_muc", "mod_push"}
    assert inside.push == {"include_body": "New message"}
    assert inside.handlers == {"ejabberd_http_ws"}
    assert [(one.port, one.tls, one.lets_strangers_in, one.any_sender) for one in inside.listeners] == [
        ("5222", True, False, False),
        ("8888", False, False, True),
    ]


@pytest.mark.parametrize("missing", ["source", "time", "auth_use_cache", "s2s_allowed", "spool"])
def test_an_answer_that_leaves_something_out_is_no_answer(missing: str) -> None:
    with pytest.raises(Unreadable):
        CheckupRecord.from_response(answer(*(pair for pair in PAIRS if pair[0] != missing)))


@pytest.mark.parametrize("pair", [("listener", "5222 ejabberd_c2s"), ("time", "now")])
def test_an_answer_of_another_shape_is_no_answer(pair: tuple[str, str]) -> None:
    with pytest.raises(Unreadable):
        CheckupRecord.from_response(answer(*PAIRS, pair))
