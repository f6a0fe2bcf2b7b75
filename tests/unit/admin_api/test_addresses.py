"""Whose word about where a request came from is believed."""

from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from admin_api.addresses import address_of
from admin_api.rates import Rates
from admin_api.services import SERVICES, Services
from admin_api.settings import ApiSettings
from kleanxmpp.destinations import allowed_of
from kleanxmpp.testing_directory import MemoryDirectory

FAR, NEAR, OURS = "198.51.100.7", "203.0.113.9", "127.0.0.1"


class Transport:
    """A connection from our own proxy on this machine."""

    def get_extra_info(self, _: str) -> tuple[str, int]:
        return OURS, 40_000


def seen(*forwarded: str, trusted: tuple[str, ...]) -> str | None:
    app = web.Application()
    app[SERVICES] = Services(
        directory=MemoryDirectory(),
        server=None,
        settings=ApiSettings(trusted_proxies=allowed_of(trusted)),
        reconciler=None,
        clock=lambda: datetime.now(UTC),
        rates=Rates(per_second=1, burst=1),
    )
    headers = [("X-Forwarded-For", value) for value in forwarded]
    request = make_mocked_request("GET", "/", app=app, transport=Transport())  # type: ignore[arg-type]  # all it is asked
    return address_of(request.clone(headers=headers))


@pytest.mark.parametrize(
    ("forwarded", "trusted", "expected"),
    [
        ([FAR], [], OURS),
        ([FAR], ["10.0.0.0/8"], OURS),
        ([], [OURS], OURS),
        ([""], [OURS], OURS),
        ([FAR], ["127.0.0.0/8"], FAR),
        ([f"{FAR}, {NEAR}"], [OURS], NEAR),
        ([FAR, NEAR], [OURS], NEAR),
        ([f"{FAR}, {NEAR}"], [OURS, NEAR], FAR),
        ([f"unknown, {NEAR}"], [OURS, NEAR], NEAR),
        (["2001:db8::1"], [OURS], "2001:db8::1"),
    ],
)
def test_the_last_whom_our_own_proxies_heard_is_who_asks(
    forwarded: list[str], trusted: list[str], expected: str
) -> None:
    assert seen(*forwarded, trusted=tuple(trusted)) == expected
