"""The XMPP server goes away and comes back: work waits and is done, no door opens, nothing is lost."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.e2e import processes
from tests.e2e.promises import has_everything
from tests.e2e.service import Service, running_service
from tests.e2e.staff import LoginRefused, Staff
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

both_versions = pytest.mark.parametrize("own_service", ["23.01", "24.12"], indirect=True)


@both_versions
@pytest.mark.parametrize("end", ["stopped", "killed"])
async def test_while_the_server_is_away_changes_are_taken_and_done_when_it_is_back(
    own_service: Service, staff: Staff, end: str
) -> None:
    service = own_service
    anna, leaver = await service.hire_many("Anna", "Ludwig")
    team = await service.found("Nord", members=[anna, leaver])
    phone = await staff.login(leaver.login)
    await phone.join(team.room, leaver.name)
    await (service.ejabberd.stop() if end == "stopped" else service.ejabberd.kill())

    await service.process.wait_answering("/readyz", 503)
    await service.process.wait_answering("/healthz", 200)
    answer = await service.api("POST", f"/users/{leaver.id}/deactivate", {}, wait=1, expect=202)
    assert answer["complete"] is False
    newcomer = await service.hire("Neele", ready=False)
    await service.api("PUT", f"/groups/{team.id}/members/{newcomer.id}", {})
    board = await service.found("Aushang", kind="announcement", members=[anna], moderators=[newcomer], done=False)
    status = (await service.api("GET", "/status")).body
    assert status["server"]["reachable"] is False and status["due"]["count"] >= 3
    access = (await service.api("GET", f"/users/{leaver.id}/access")).body
    assert access["server"] is None and access["server_error"], "not known is not the same as closed"

    await service.ejabberd.start()
    assert (await staff.refused_login(leaver.login)).step in ("login", "bind")
    await service.process.wait_answering("/readyz", 200)
    await service.proven(leaver)
    await service.calm(within=30)
    assert await service.affiliations(team) == {anna.jid: "member", newcomer.jid: "member"}
    assert await service.affiliations(board) == {anna.jid: "member", newcomer.jid: "admin"}
    again = await staff.login(newcomer.login)
    assert set(again.contacts) == {anna.jid}
    assert set(await again.stored_bookmarks()) == {team.room, board.room}
    with pytest.raises(LoginRefused):
        await staff.login(leaver.login)


@pytest.mark.slow
async def test_it_comes_back_after_a_long_outage_too(own_service: Service, staff: Staff) -> None:
    service = own_service
    anna = await service.hire()
    await service.ejabberd.kill()
    await service.process.wait_answering("/readyz", 503)
    down = time.monotonic()
    leaver = await service.hire("Ludwig", ready=False)

    async def outage() -> float:
        return time.monotonic() - down

    # many attempts fail meanwhile, so the pauses between them have grown to their full length
    await eventually(outage, lambda seconds: seconds > 12, what="a long outage", within=30)
    await service.ejabberd.start()
    await service.process.wait_answering("/readyz", 200, within=20)
    await service.calm(within=30)
    await staff.login(anna.login)
    await staff.login(leaver.login)


async def test_the_service_starts_before_the_server(tmp_path: Path, staff: Staff) -> None:
    async with running_service(tmp_path, version="23.01", start=False) as service:
        await service.process.start(ready=False)
        await service.process.wait_answering("/readyz", 503)
        anna, bernd = [await service.hire(first, ready=False) for first in ("Anna", "Bernd")]
        team = await service.found("Nord", members=[anna, bernd], done=False)
        await service.ejabberd.start()
        await service.process.wait_answering("/readyz", 200)
        await service.calm(within=30)
        await has_everything(service, staff, anna, team, {bernd.jid})


async def test_a_server_that_lost_all_its_data_is_filled_again_by_itself(own_service: Service, staff: Staff) -> None:
    service = own_service
    anna, bernd, leaver = await service.hire_many("Anna", "Bernd", "Ludwig")
    team = await service.found("Nord", members=[anna, bernd, leaver])
    await service.api("POST", f"/users/{leaver.id}/deactivate", {}, wait=20, expect=200)
    await service.ejabberd.stop()
    shutil.rmtree(service.ejabberd.files.spool)
    service.ejabberd.files.spool.mkdir()
    await service.ejabberd.start()
    await eventually(
        lambda: service.affiliations(team),
        lambda found: found == {anna.jid: "member", bernd.jid: "member"},
        what="the room is back",
        within=30,
    )
    await service.calm(within=30)
    await has_everything(service, staff, anna, team, {bernd.jid})
    assert (await staff.refused_login(leaver.login)).condition == "not-authorized"


async def test_the_login_program_that_dies_is_replaced(own_service: Service, staff: Staff) -> None:
    service = own_service
    anna = await service.hire()
    await staff.login(anna.login)
    programs = processes.belonging_to(service.folder / "extauth.toml", word="ejabberd.extauth")
    assert programs
    # ejabberd's own crash report repeats the question that the program died of, credential included
    service.server_logs_are_ours = False
    for program in programs:
        os.kill(program, signal.SIGKILL)

    async def logged_in() -> bool:
        try:
            await staff.login(anna.login, resource="nochmal")
        except LoginRefused:
            return False
        return True

    await eventually(logged_in, what="logins work again")
