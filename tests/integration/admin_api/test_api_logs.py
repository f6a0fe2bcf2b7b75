"""What the program writes about its own work when it is told to write everything."""

import logging
from collections.abc import Callable, Iterator

import pytest

from kleanxmpp import logs, tokens
from tests.integration.admin_api.desk import Desk
from tests.integration.admin_api.hr_system import an_event, hr_system

_LIBRARIES = ("aiosqlite", "sqlalchemy", "sqlalchemy.engine", "asyncpg", "aiohttp.client", "scim2_server")


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Log as a service at level debug does, whatever libraries were told before."""
    root, ours = logging.getLogger(), [logging.getLogger(name) for name in logs.OURS]
    handlers, level, levels = root.handlers[:], root.level, [one.level for one in ours]
    logs.set_up(level="debug", as_json=False)
    yield lambda: capsys.readouterr().err
    root.handlers[:] = handlers
    root.setLevel(level)
    for logger, before in zip(ours, levels, strict=True):
        logger.setLevel(before)


@pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
async def test_at_level_debug_no_value_of_a_statement_is_logged(written: Callable[[], str], desk: Desk) -> None:
    logging.getLogger("kleanxmpp.somewhere").debug("this is ours")
    person = await desk.person("Zoë Geheimnis", email="geheimnis@post.test", username="geheimnis")
    issued = await desk.call("POST", f"/users/{person['id']}/credentials", {"label": "Geheimnis"})
    assert issued.status == 201
    hr = await hr_system(desk)
    assert (await hr.send(an_event("employee.joined", "geheimnis-4711", display_name="Ben Geheimnis"))).status == 200
    scim = await desk.token_for(tokens.SCIM)
    found = await desk.call("GET", "/scim/v2/Users", token=scim, params={"filter": 'userName eq "geheimnis"'})
    assert found.status == 200
    told = written().lower()
    assert "this is ours" in told and "request answered" in told
    for private in ("geheimnis", "zoë", desk.token, scim, hr.secrets[0], "insert into"):
        assert private.lower() not in told, private


def test_no_library_writes_below_warning(written: Callable[[], str]) -> None:
    for name in _LIBRARIES:
        assert not logging.getLogger(name).isEnabledFor(logging.INFO), name
    assert logging.getLogger("kleanxmpp.anything").isEnabledFor(logging.DEBUG)


def test_what_only_errors_are_wanted_of_writes_only_errors(written: Callable[[], str]) -> None:
    logs.set_up(level="error", as_json=True)
    for name in ("kleanxmpp.anything", "component.connection", "aiosqlite"):
        assert not logging.getLogger(name).isEnabledFor(logging.WARNING), name
