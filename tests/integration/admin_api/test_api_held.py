"""Off-boardings of many people at once wait for one confirmation: of an import, and of a sweep."""

from datetime import UTC, datetime
from typing import Any

from prometheus_client import REGISTRY

from kleanxmpp import csv_file, importing
from kleanxmpp.guard import Limits
from kleanxmpp.state import Affiliation
from kleanxmpp.testing_directory import MemoryDirectory
from tests.integration.admin_api.desk import Desk, opened


async def everybody_out(desk: Desk) -> int:
    """Import a file that says that five of six people left, where two may; return how many wait."""
    for number in range(6):
        await desk.person(f"Person {number}", external_id=str(number))
    lines = ["external_id,display_name,active", *(f"{number},Person {number},nein" for number in range(5)), ""]
    rows = csv_file.parse("\n".join(lines).encode().splitlines(keepends=True))
    limits = Limits(people=2, percent=50)
    plan = await importing.import_people(
        desk.directory, desk.company, rows, limits=limits, actor="shell:root", reason="HR", now=datetime.now(UTC)
    )
    return len(plan.held)


async def names(desk: Desk, *, active: bool) -> list[str]:
    items = (await desk.call("GET", f"/users?active={str(active).lower()}")).body["items"]
    return sorted(user["display_name"] for user in items)


async def held(desk: Desk) -> list[Any]:
    status = (await desk.call("GET", "/status")).body["held"]
    assert (await desk.call("GET", "/held")).body == {"items": status, "next_cursor": None}
    return list(status)


async def gauge(desk: Desk) -> str:
    text = (await desk.call("GET", "/metrics", token=None)).text
    return next(line.split()[1] for line in text.splitlines() if line.startswith("kleanxmpp_held_people "))


async def test_what_an_import_holds_is_seen_and_confirmed_once(desk: Desk) -> None:
    assert await held(desk) == []
    assert await gauge(desk) == "0.0"
    assert await everybody_out(desk) == 3
    (hold,) = await held(desk)
    assert (hold["door"], hold["people"]) == ("import", 3)
    told = sorted((one["display_name"], one["loses"], one["reason"], one["actor"]) for one in hold["changes"])
    assert told == [(f"Person {number}", ["active"], "HR", "shell:root") for number in (2, 3, 4)]
    assert await gauge(desk) == "3.0"
    confirm = f"/held/{hold['id']}/confirm"
    reader = await desk.token_for("status:read", "users:write")
    assert (await desk.call("POST", confirm, token=reader)).problem == "missing-scope"
    other = await desk.token_for("admin", company=await desk.company_named("andere.test"))
    assert (await desk.call("POST", confirm, token=other)).problem == "not-found"
    refused = await desk.call("POST", confirm, {"people": 4})
    assert (refused.status, refused.problem, refused.fields) == (409, "conflict", ["people"])
    assert await names(desk, active=False) == ["Person 0", "Person 1"]

    (back,) = [one["user_id"] for one in hold["changes"] if one["display_name"] == "Person 2"]
    assert (await desk.call("POST", f"/users/{back}/deactivate")).status == 202, "by name nothing is held"
    await desk.call("POST", f"/users/{back}/reactivate")
    done = await desk.call("POST", confirm, {"people": 3})
    assert (done.status, done.body["door"], done.body["sweep"]) == (202, "import", None)
    assert done.body["off_boarded"] == [one["user_id"] for one in hold["changes"] if one["user_id"] != back]
    assert done.body["skipped"] == [{"user_id": back, "why": "was off-boarded and let in again since"}]
    assert await names(desk, active=True) == ["Person 2", "Person 5"]
    assert (await desk.call("POST", confirm)).problem == "not-found"
    assert (await held(desk), await gauge(desk)) == ([], "0.0")


async def test_what_an_import_holds_can_be_discarded(desk: Desk) -> None:
    await everybody_out(desk)
    (hold,) = await held(desk)
    assert (await desk.call("POST", f"/held/{hold['id']}/discard")).status == 204
    assert (await desk.call("POST", f"/held/{hold['id']}/discard")).problem == "not-found"
    assert len(await names(desk, active=True)) == 4
    entry = (await desk.call("GET", "/audit?limit=1")).body["items"][0]
    assert (entry["action"], entry["subject"]) == ("hold.discarded", f"hold:{hold['id']}")
    assert entry["actor"].startswith("token:")


async def test_a_held_sweep_is_confirmed_and_discarded_at_the_same_place(desk: Desk) -> None:
    async with desk.working():
        await desk.until("/status", lambda answer: answer.body["due"]["count"] == 0)
        assert (await desk.call("POST", "/held/sweep/confirm")).problem == "not-found"
        desk.server.add_group_members(desk.company, "klean-may-chat", [f"stranger{n}" for n in range(30)])
        assert (await desk.call("POST", "/reconcile")).problem == "unsafe-plan"
        (hold,) = await held(desk)
        assert (hold["id"], hold["door"], hold["people"], hold["changes"]) == ("sweep", "sweep", 30, [])
        assert await gauge(desk) == "30.0"
        assert (await desk.call("POST", "/held/sweep/discard")).status == 204
        assert (await held(desk), await gauge(desk)) == ([], "0.0")
        assert (await desk.call("POST", "/held/sweep/confirm")).problem == "not-found"

        await desk.call("POST", "/reconcile")
        assert (await desk.call("POST", "/held/sweep/confirm", {"people": 29})).fields == ["people"]
        assert len(await desk.server.key_holders(desk.company, "klean-may-chat")) == 30
        done = await desk.call("POST", "/held/sweep/confirm", {"people": 30})
        assert (done.status, done.body["sweep"]["leftovers"]) == (202, {"gate": 30})
        assert await held(desk) == []
    assert not await desk.server.key_holders(desk.company, "klean-may-chat")
    actions = [entry["action"] for entry in (await desk.call("GET", "/audit")).body["items"]]
    assert (actions.count("hold.confirmed"), actions.count("hold.discarded")) == (1, 1)


async def test_without_the_directory_nobody_knows_how_many_wait() -> None:
    directory = MemoryDirectory()
    async with opened(directory) as desk:
        directory.available = False
        assert await gauge(desk) == "NaN"
        directory.available = True
        assert await gauge(desk) == "0.0"


async def test_what_an_offboarding_under_way_has_not_closed_yet_is_no_leftover(desk: Desk) -> None:
    user = await desk.person("Anna Berg")
    desk.server.add_group_members(desk.company, "klean-may-chat", [user["username"]])
    await desk.call("POST", f"/users/{user['id']}/deactivate")
    looked = (await desk.call("POST", "/reconcile", {"dry_run": True})).body
    assert looked["leftovers"] == {}


async def test_a_sweep_counts_by_kind_what_leavers_still_had(desk: Desk) -> None:
    def counted(kind: str) -> float:
        return REGISTRY.get_sample_value("kleanxmpp_leftovers_total", {"kind": kind}) or 0.0

    async with desk.working():
        user = await desk.person("Anna Berg")
        group = await desk.group()
        await desk.call("POST", f"/users/{user['id']}/deactivate")
        await desk.until("/status", lambda answer: answer.body["due"]["count"] == 0)
        desk.server.add_group_members(desk.company, "klean-may-chat", [user["username"]])
        desk.server.add_room(desk.company, "wild")
        for room in ("wild", group["slug"]):
            desk.server.tamper_affiliation(desk.company, room, user["jid"], Affiliation.MEMBER)
        before = {kind: counted(kind) for kind in ("gate", "rooms", "strange_rooms")}
        looked = (await desk.call("POST", "/reconcile", {"dry_run": True})).body
        assert looked["leftovers"] == {"gate": 1, "rooms": 1, "strange_rooms": 1}
        assert looked["traces"] == [{"room": "wild", "people": [user["jid"]]}]
        assert {kind: counted(kind) for kind in before} == before, "a dry run counts nothing"
        await desk.call("POST", "/reconcile")
        assert {kind: counted(kind) - 1 for kind in before} == before
        await desk.until("/status", lambda answer: answer.body["due"]["count"] == 0)
        again = (await desk.call("POST", "/reconcile")).body
        assert (again["leftovers"], again["traces"], again["differing"]) == ({}, [], 0)
