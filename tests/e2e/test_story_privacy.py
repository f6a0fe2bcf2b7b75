"""What the service tells about people: nothing. Every service of every test is checked like this when it ends."""

import json

import aiohttp
import pytest

from tests.e2e.made_up import new_name
from tests.e2e.service import BOT, Service
from tests.e2e.staff import Staff

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def a_day_with_everything(service: Service, staff: Staff) -> None:
    """Let all happen that the service could be tempted to talk about, faults included."""
    external_id = new_name("hr")
    anna, bernd = (
        await service.hire("Anna", email=f"{new_name('a').split()[1].lower()}@firma.test"),
        await service.hire(),
    )
    team = await service.found("Nord", members=[anna, bernd])
    phone = await staff.login(anna.login)
    await phone.join(team.room, anna.name)
    await phone.say_in(team.room, new_name("Im Raum"))
    for text in ("hilfe", f"wer {bernd.name}", new_name("Unsinn")):
        await phone.say(BOT, text)
    await phone.wait_for("message", **{"from": BOT}, body=bool)
    await phone.send(f"<message to='{BOT}' type='chat'><body>{new_name('Kaputt')}</body><x xmlns='urn:x'/></message>")
    reason = new_name("Streit mit")
    for path, body, status in (
        ("/users", {"display_name": new_name("Zwei\x00")}, 422),
        ("/users", {"display_name": anna.name, "spitzname": new_name("Unbekannt")}, 422),
        ("/users", {"display_name": new_name("Doppelt"), "username": anna.username}, 409),
        (f"/users/{anna.id}/deactivate", {"reason": reason, "x": reason}, 422),
    ):
        await service.api("POST", path, body, expect=status)
    await service.api("GET", f"/users?q={anna.username}")
    await service.api("GET", f"/users?external_id={external_id.replace(' ', '')}", expect=(200, 404, 422))
    await service.api("PUT", f"/users/by-external-id/{external_id.replace(' ', '')}", {"display_name": new_name("C")})
    await service.ejabberd.kill()
    await service.process.wait_answering("/readyz", 503)
    await service.api("PATCH", f"/users/{bernd.id}", {"display_name": new_name("Bernd")})
    await service.ejabberd.start()
    await service.process.wait_answering("/readyz", 200)
    await service.api("POST", f"/users/{anna.id}/deactivate", {"reason": reason}, wait=30, expect=200)
    await service.api("DELETE", f"/users/{anna.id}", wait=30, expect=200)
    await service.api("POST", "/reconcile", {}, expect=202)
    await service.calm()


async def test_logs_and_metrics_hold_no_secret_no_name_and_no_word_that_was_said(
    own_service: Service, staff: Staff
) -> None:
    service = own_service
    await a_day_with_everything(service, staff)
    async with aiohttp.ClientSession() as http, http.get(f"{service.url}/metrics") as answer:
        metrics = await answer.text()
    assert answer.status == 200 and "kleanxmpp" in metrics
    await service.process.stop()
    lines = [json.loads(line) for line in service.process.log.read_text().splitlines()]
    assert len(lines) > 20, "the log does say what happens"
    with service.process.log.open("a") as log:
        log.write(metrics)
    service.check_log()


async def test_the_check_of_the_log_would_find_something(own_service: Service) -> None:
    anna = await own_service.hire()
    quiet = own_service.process.log.read_text()
    for leak in (anna.name, anna.jid, anna.login.credential, *own_service.tokens.values()):
        own_service.process.log.write_text(f"{quiet}{leak}\n")
        with pytest.raises(AssertionError):
            own_service.check_log()
    own_service.process.log.write_text(quiet)
