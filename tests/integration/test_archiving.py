"""Archived groups, on SQLite and the in-memory server: nobody has them, nothing is lost, and they come back."""

from kleanxmpp import circles, groups, users
from kleanxmpp.desired import contact_group
from kleanxmpp.model import Group, Role
from kleanxmpp.state import Affiliation
from tests.integration.test_reconcile import Work, until, work

__all__ = ["work"]


async def archive(work: Work, group: Group) -> Group:
    return await groups.archive_group(work.directory, work.company, group.id, actor="test", now=work.now)


async def restore(work: Work, group: Group) -> Group:
    return await groups.restore_group(work.directory, work.company, group.id, actor="test", now=work.now)


async def test_an_archived_group_goes_from_everybody_and_its_room_stays(work: Work) -> None:
    anna, ben = await work.person("Anna"), await work.person("Ben")
    team, other = await work.circle("Objekt 12", anna, ben), await work.circle("Glas", anna, ben)
    held = work.server.holdings(work.company)
    async with work.loop():
        await work.settled()
        before = work.server.snapshot()
        await archive(work, team)
        await work.settled()
        assert held.rooms.keys() == {team.slug, other.slug}
        assert (held.rooms[team.slug].title, held.rooms[team.slug].affiliations) == ("Objekt 12", {})
        assert contact_group(team) not in held.group_options and not held.group_members.get(contact_group(team))
        assert held.group_members[contact_group(other)] == {"anna", "ben"}
        for name in ("anna", "ben"):
            assert {mark.room for mark in held.bookmarks[name]} == {f"{other.slug}@gruppen.glanz.test"}
        await restore(work, team)
        await work.settled()
        assert work.server.snapshot() == before


async def test_a_large_archived_group_goes_from_everybody_and_comes_back(work: Work) -> None:
    people = [await work.person(f"Person {number}") for number in range(25)]
    team = await work.circle("Objekt 12", *people)
    held = work.server.holdings(work.company)
    async with work.loop():
        await work.settled()
        before = work.server.snapshot()
        await archive(work, team)
        await work.settled()
        assert held.rooms[team.slug].affiliations == {} and not any(held.bookmarks.values())
        await restore(work, team)
        await work.settled()
        assert work.server.snapshot() == before


async def test_what_happened_to_people_meanwhile_counts_when_the_group_is_back(work: Work) -> None:
    anna, ben, carl, dora = [await work.person(name) for name in ("Anna", "Ben", "Carl", "Dora")]
    team = await work.circle("Objekt 12", anna, ben, carl)
    held = work.server.holdings(work.company)
    async with work.loop():
        await work.settled()
        await archive(work, team)
        await work.settled()
        gone = await users.deactivate(work.directory, work.company, anna.id, actor="test", reason=None, now=work.now)
        await circles.change_circle(
            work.directory, work.company, team.id, put={dora.id: Role.MODERATOR}, remove=[ben.id], actor="test",
            now=work.now,
        )  # fmt: skip
        patch = groups.GroupPatch(name="Objekt 13")
        await groups.update_group(work.directory, work.company, team.id, patch, actor="test", now=work.now)
        await work.settled()
        assert (held.rooms[team.slug].title, held.rooms[team.slug].affiliations) == ("Objekt 13", {})
        assert contact_group(team) not in held.group_options and not any(held.bookmarks.values())
        await restore(work, team)
        await work.settled()
    assert held.rooms[team.slug].affiliations == {
        "carl@glanz.test": Affiliation.MEMBER, "dora@glanz.test": Affiliation.ADMIN,
    }  # fmt: skip
    assert held.group_members[contact_group(team)] == {"carl", "dora"}
    async with work.directory.read() as tx:
        proven = await tx.offboarding(work.company.id, gone.id)
        assert proven is not None and proven.complete
        assert (await tx.roles(team.id)).keys() == {anna.id, carl.id, dora.id}


async def test_an_archived_group_is_handed_over_so_that_it_comes_back_with_a_moderator(work: Work) -> None:
    anna, chief = await work.person("Anna"), await work.person("Chefin", admin=True)
    team = await work.circle("Objekt 12")
    await circles.replace_circle(
        work.directory, work.company, team.id, {anna.id: Role.MODERATOR}, actor="test", now=work.now
    )
    await archive(work, team)
    held = work.server.holdings(work.company)
    async with work.loop():
        await work.settled()
        await users.deactivate(work.directory, work.company, anna.id, actor="test", reason=None, now=work.now)
        await work.settled()
        assert held.rooms[team.slug].affiliations == {}
        await restore(work, team)
        await work.settled()
    assert held.rooms[team.slug].affiliations == {f"{chief.username}@glanz.test": Affiliation.ADMIN}


async def test_the_sweep_takes_out_who_was_let_into_an_archived_room_by_hand(work: Work) -> None:
    anna = await work.person("Anna")
    team = await work.circle("Objekt 12", anna)
    held = work.server.holdings(work.company)
    async with work.loop() as reconciler:
        await until(lambda: work.swept(reconciler))
        await archive(work, team)
        await work.settled()
        right = work.server.snapshot()
        assert (await reconciler.sweep_now(work.company)).differing == 0, "an archived room is no drift"
        work.server.tamper_affiliation(work.company, team.slug, "anna@glanz.test", Affiliation.MEMBER)
        work.server.tamper_options(work.company, team.slug)
        report = await reconciler.sweep_now(work.company)
        assert (report.differing, report.strange_rooms) == (1, ())
        await work.settled()
        assert work.server.snapshot() == right
    assert held.rooms[team.slug].affiliations == {}


async def test_an_archived_group_that_waits_for_its_turn_does_not_hold_a_sweep_back(work: Work) -> None:
    people = [await work.person(f"Person {number}") for number in range(25)]
    team = await work.circle("Objekt 12", *people)
    async with work.loop() as reconciler:
        await until(lambda: work.swept(reconciler))
        await work.settled()
    await archive(work, team)  # the loop stands still: twenty-five people are still in the room
    report = await reconciler.sweep_now(work.company)
    assert (report.held, report.removing) == (None, 0)
    async with work.loop():
        await work.settled()
    assert work.server.holdings(work.company).rooms[team.slug].affiliations == {}


async def test_a_deleted_archived_group_is_gone_with_its_room(work: Work) -> None:
    team = await work.circle("Objekt 12", await work.person("Anna"))
    async with work.loop():
        await archive(work, team)
        await work.settled()
        await groups.delete_group(work.directory, work.company, team.id, actor="test", now=work.now)
        await work.settled()
        again = await work.circle("Objekt 12")
        await work.settled()
    assert work.server.holdings(work.company).rooms.keys() == {again.slug}, "and the name is free again"
