"""HR announces departures ahead: who is logged in at that moment is out right then, also if the service was away."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from kleanxmpp import ids, signatures
from tests.e2e.made_up import new_name
from tests.e2e.service import Service
from tests.e2e.staff import Staff

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_planned_departures_happen_on_time_and_after_a_restart(own_service: Service, staff: Staff) -> None:
    service = own_service
    secret = (await service.api("POST", "/hooks/hr/secrets", {}, expect=201))["secret"]
    service.secrets.append(secret)
    number = f"hr-{new_name('').strip()}"
    punctual, overdue = await service.hire("Ludwig", external_id=number), await service.hire("Otto")
    await service.calm()
    phone, other = await staff.login(punctual.login), await staff.login(overdue.login)

    moment = datetime.now(UTC) + timedelta(seconds=1.5)
    await announce_departure(service, secret, number, at=moment)
    await phone.wait_for("closed")
    assert datetime.now(UTC) >= moment
    found = await service.proven(punctual)
    late = datetime.fromisoformat(found["requested_at"]) - moment
    assert timedelta() <= late < timedelta(seconds=1)
    (sessions,) = [line for line in found["evidence"] if line["item"] == "sessions"]
    assert (sessions["found"], sessions["milliseconds"] < 1000) == (1, True), sessions
    assert (await staff.refused_login(punctual.login)).condition == "not-authorized"

    moment = datetime.now(UTC) + timedelta(seconds=1)
    left = {
        "user_id": overdue.id,
        "type": "employee.left",
        "effective_at": moment.isoformat(),
        "reason": "Vertragsende",
    }
    plan = await service.api("POST", "/scheduled", left, expect=201)  # by name: the guard would hold a second one
    await service.process.kill()
    await asyncio.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))  # the moment passes meanwhile
    assert await service.sessions(overdue.username) == {"handy"}
    await service.process.start()
    await other.wait_for("closed")
    found = await service.proven(overdue)
    assert (found["mode"], found["reason"]) == ("left", "Vertragsende")
    done = await service.api("GET", f"/scheduled/{plan['id']}")
    assert (done["state"], done["result"]) == ("done", "applied")


async def announce_departure(service: Service, secret: str, external_id: str, *, at: datetime) -> None:
    """Send what an HR system sends, signed."""
    data = {"external_id": external_id, "effective_at": at.isoformat(), "reason": "Vertragsende"}
    event = {"type": "employee.left", "timestamp": datetime.now(UTC).isoformat(), "data": data}
    body = json.dumps(event).encode()
    headers = signatures.headers_for(f"msg_{ids.new_id()}", body, secrets=[secret], at=datetime.now(UTC))
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            f"{service.url}/api/v1/hooks/hr", data=body, headers=headers | {"Content-Type": "application/json"}
        ) as answer,
    ):
        assert answer.status == 202, await answer.text()
