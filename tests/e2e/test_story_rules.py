"""Somebody moves to another site: one attribute changes, and their device leaves one room and has the other."""

import asyncio

import pytest

from tests.e2e.made_up import new_name
from tests.e2e.service import Service
from tests.e2e.staff import Refused, Staff

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("service", ["23.01"], indirect=True)
async def test_a_new_site_moves_a_person_from_one_room_to_the_other(service: Service, staff: Staff) -> None:
    old, new = new_name("Objekt", personal=False), new_name("Objekt", personal=False)
    left, entered = await asyncio.gather(
        *(service.api("POST", "/groups", {"name": site, "rule": f'site = "{site}"'}, expect=201) for site in (old, new))
    )
    mover, colleague = await asyncio.gather(
        service.hire("Mara", attributes={"site": [old]}), service.hire("Kolja", attributes={"site": [new.upper()]})
    )
    await service.calm()
    phone, other = await staff.login(mover.login), await staff.login(colleague.login)
    await phone.join(left["room"], mover.name)
    await other.join(entered["room"], colleague.name)
    with pytest.raises(Refused, match="registration-required"):
        await phone.join(entered["room"], mover.name)
    phone.forget()

    await service.api("PATCH", f"/users/{mover.id}", {"attributes": {"site": [new]}}, expect=200)
    await phone.wait_for("presence", type="unavailable", **{"from": f"{left['room']}/{mover.name}"})
    await phone.wait_for_contacts({colleague.jid})
    await phone.join(entered["room"], mover.name)
    await other.wait_for("presence", type="available", **{"from": f"{entered['room']}/{mover.name}"})
    with pytest.raises(Refused, match="registration-required"):
        await phone.join(left["room"], mover.name)
