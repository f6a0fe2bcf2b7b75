"""What every implementation of the doctor's border must do on a server that keeps its promises.

The world has `checkup`, a `company`, a `room` that `person` is not in, and `person()`: the username and the credential
of somebody who may chat, whom the gate lets in; `make_room(name)` and `rooms()` work past the border.
"""

from typing import Any

from kleanxmpp.doctor.facts import Entry, Inside


class CheckupContract:
    async def test_a_server_as_promised_is_seen_as_such(self, world: Any) -> None:
        checkup, company = world.checkup, world.company
        assert await checkup.release() >= (23, 1)
        inside = await checkup.inside(company)
        assert isinstance(inside, Inside)
        assert inside.source == inside.expected_source
        assert {"mod_klean", "mod_muc", "mod_shared_roster"} <= inside.modules
        assert (inside.auth_methods, inside.auth_use_cache, inside.s2s_allowed) == ({"external"}, False, False)
        assert not inside.strange_routes | inside.open_rooms
        assert any(listener.module == "ejabberd_c2s" for listener in inside.listeners)
        assert not any(listener.lets_strangers_in for listener in inside.listeners)
        stream = await checkup.stream(company)
        assert (stream.mechanisms_without_tls, stream.mechanisms) == (frozenset(), {"PLAIN"})
        assert [one.fault for one in await checkup.certificates(company)].count(None) > 0
        assert await checkup.open_commands(company) == frozenset()
        assert await checkup.gate_exists(company)

    async def test_who_is_let_in_still_cannot_leave_the_circle_or_the_company(self, world: Any) -> None:
        username, credential = await world.person()
        async with world.checkup.log_in(world.company, username, credential) as device:
            assert device.entry == Entry()
            service = world.room.partition("@")[2]
            assert not await device.create_room(f"{username}@{service}")
            assert not await device.enter_room(world.room)
            assert await device.listed_rooms(service) == frozenset()
            assert await device.write_outside("nobody@elsewhere.invalid") == "service-unavailable"
            assert not await device.ended(timeout=0.05)

    async def test_a_login_needs_the_credential_and_the_gate(self, world: Any) -> None:
        checkup, company = world.checkup, world.company
        username, credential = await world.person()
        async with checkup.log_in(company, username, "wrong") as device:
            assert device.entry.refused_at == "login"
        assert await checkup.in_gate(company, username)
        await checkup.close_gate(company, username)
        assert not await checkup.in_gate(company, username)
        async with checkup.log_in(company, username, credential) as device:
            assert device.entry.refused_at == "bind"

    async def test_rooms_of_an_interrupted_trial_are_removed_and_no_others(self, world: Any) -> None:
        await world.make_room("klean-doctor-0815")
        await world.checkup.remove_rooms(world.company, prefix="klean-doctor-")
        rooms = await world.rooms()
        assert world.room.partition("@")[0] in rooms
        assert "klean-doctor-0815" not in rooms
