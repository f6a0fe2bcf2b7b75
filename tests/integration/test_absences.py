"""Pauses, garden leaves and handovers through the loop, on SQLite and the in-memory server; and returns on time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from kleanxmpp import changes, circles, credentials, errors, returns, users
from kleanxmpp.changes import Change
from kleanxmpp.desired import GATE, READ_ONLY, UserLook, contact_group
from kleanxmpp.model import Company, Group, GroupKind, Mode, Offboarding, Role, User
from kleanxmpp.state import Affiliation, Leftovers, UserState
from kleanxmpp.testing_directory import MemoryDirectory
from kleanxmpp.testing_server import MemoryServer
from kleanxmpp.users import Departure
from tests.factories import a_company, a_user
from tests.integration.test_reconcile import Work, until, work

__all__ = ["work"]  # the fixture

PAUSE, GARDEN_LEAVE = Departure(mode=Mode.PAUSED), Departure(mode=Mode.GARDEN_LEAVE)


async def off_board(work: Work, user: User, departure: Departure = users.FOR_GOOD) -> Offboarding:
    return await users.deactivate(
        work.directory, work.company, user.id, departure=departure, actor="test", reason=None, now=work.now
    )


async def reread(work: Work, begun: Offboarding) -> Offboarding:
    async with work.directory.read() as tx:
        found = await tx.offboarding(work.company.id, begun.id)
    assert found is not None
    return found


async def moderate(work: Work, group: Group, *moderators: User) -> None:
    async with work.directory.read() as tx:
        roles = dict(await tx.roles(group.id))
    roles |= {user.id: Role.MODERATOR for user in moderators}
    await circles.replace_circle(work.directory, work.company, group.id, roles, actor="test", now=work.now)


async def test_a_pause_closes_everything_but_the_contact_and_a_return_restores_it(work: Work) -> None:
    anna, ben = await work.person("Anna Groß"), await work.person("Ben Öz")
    team = await work.circle("Objekt 12", anna, ben)
    await credentials.issue(work.directory, work.company, anna.id, label="Handy", actor="test", now=work.now)
    async with work.loop():
        await work.settled()
        before = work.server.holdings(work.company)
        bookmarks = before.bookmarks["anna.gross"]
        work.server.log_in(work.company, "anna.gross", "phone")
        before.leftovers["anna.gross"] = Leftovers(push=2, offline_messages=3, tokens=1)
        begun = await off_board(work, anna, replace(PAUSE, until=datetime(2199, 3, 1, tzinfo=work.now.tzinfo)))
        await work.settled()
        held = work.server.holdings(work.company)
        assert (held.group_members[GATE], "anna.gross" in held.sessions) == ({"ben.oez"}, False)
        assert held.rooms[team.slug].affiliations == {"ben.oez@glanz.test": Affiliation.MEMBER}
        assert held.group_members[contact_group(team)] == {"anna.gross", "ben.oez"}
        assert held.profiles["anna.gross"].full_name == "Anna Groß (bis 01.03.)"
        assert (held.bookmarks["anna.gross"], held.leftovers.get("anna.gross")) == (frozenset(), None)
        proven = await reread(work, begun)
        assert proven.complete
        assert {line.item: (line.found, line.left) for line in proven.evidence} == {
            "logins": (1, 0), "gate": (1, 0), "sessions": (1, 0), "rooms": (1, 0), "contact_groups": (0, 0),
            "bookmarks": (1, 0), "web_sessions": (0, 0), "links": (0, 0), "uploads": (0, 0),
            "push": (2, 0), "offline_messages": (3, 0), "tokens": (1, 0),
        }  # fmt: skip
        await users.reactivate(work.directory, work.company, anna.id, actor="test", reason=None, now=work.now)
        await work.settled()
    held = work.server.holdings(work.company)
    assert held.group_members[GATE] == {"anna.gross", "ben.oez"}
    assert held.rooms[team.slug].affiliations["anna.gross@glanz.test"] is Affiliation.MEMBER
    assert held.profiles["anna.gross"].full_name == "Anna Groß"
    assert held.bookmarks["anna.gross"] == bookmarks


async def test_garden_leave_silences_first_and_proves_writing_rooms_and_contacts(work: Work) -> None:
    anna, ben = await work.person("Anna Groß"), await work.person("Ben Öz")
    team = await work.circle("Objekt 12", anna, ben)
    news = await work.circle("Meldungen", anna, ben, kind=GroupKind.ANNOUNCEMENT)
    async with work.loop():
        await work.settled()
        work.server.log_in(work.company, "anna.gross", "phone")
        work.server.applied.clear()
        begun = await off_board(work, anna, GARDEN_LEAVE)
        await work.settled()
        held = work.server.holdings(work.company)
        assert work.server.applied[0] == changes.MakeReadOnly(username="anna.gross")
        assert "phone" in held.sessions["anna.gross"]
        assert held.group_members[READ_ONLY] == {"anna.gross"} <= held.group_members[GATE]
        assert "anna.gross@glanz.test" not in held.rooms[team.slug].affiliations
        assert held.rooms[news.slug].affiliations["anna.gross@glanz.test"] is Affiliation.MEMBER
        assert held.group_members[contact_group(team)] == {"ben.oez"}
        assert {mark.room for mark in held.bookmarks["anna.gross"]} == {f"{news.slug}@gruppen.glanz.test"}
        proven = await reread(work, begun)
        assert {line.item: (line.found, line.left, line.closed) for line in proven.evidence} == {
            "writing": (1, 0, True), "rooms": (1, 0, True), "contact_groups": (1, 0, True), "bookmarks": (1, 0, True),
            "web_sessions": (0, 0, True),
            "links": (0, 0, True),
            "uploads": (0, 0, True),
        }  # fmt: skip
        await users.reactivate(work.directory, work.company, anna.id, actor="test", reason=None, now=work.now)
        await work.settled()
    assert work.server.holdings(work.company).group_members[READ_ONLY] == set()


class BlindServer(MemoryServer):
    """Changes things, but cannot be looked at while `blind`."""

    blind = False

    async def observe_user(self, company: Company, look: UserLook) -> UserState:
        if self.blind:
            raise errors.Permanent("nothing can be seen")
        return await super().observe_user(company, look)


async def test_what_cannot_be_looked_at_is_not_checked_and_earlier_attempts_are_remembered(work: Work) -> None:
    anna = await work.person("Anna")
    await work.circle("Objekt 12", anna)
    work.server = server = BlindServer()
    async with work.loop():
        await work.settled()
        for device in ("phone", "tablet"):
            server.log_in(work.company, "anna", device)
        server.blind = True
        begun = await off_board(work, anna)
        await until(lambda: _tried(work, begun))
        blind = {line.item: line for line in (await reread(work, begun)).evidence}
        assert not (await reread(work, begun)).complete
        known = {"logins", "uploads", "web_sessions", "links"}
        assert all(blind[item].closed for item in known), "the directory itself says so"
        unseen = [line for item, line in blind.items() if item not in known]
        assert {(line.left, line.closed) for line in unseen} == {(None, None)}
        assert (blind["rooms"].found, blind["sessions"].done >= 2) == (None, True)
        server.blind = False
        await work.settled()
    proven = {line.item: line for line in (await reread(work, begun)).evidence}
    assert (await reread(work, begun)).complete
    assert proven["sessions"].done == 2, "by the first attempt: later ones had nothing left to end"
    assert (proven["rooms"].found, proven["rooms"].done, proven["rooms"].left) == (1, 1, 0)


async def _tried(work: Work, begun: Offboarding) -> bool:
    return bool((await reread(work, begun)).evidence)


class SilentServer(MemoryServer):
    """Says nothing about leftovers, for a while."""

    silent = True

    async def observe_user(self, company: Company, look: UserLook) -> UserState:
        state = await super().observe_user(company, look)
        return replace(state, leftovers=None) if self.silent else state


async def test_nobody_is_erased_while_a_line_of_the_evidence_is_not_known(work: Work) -> None:
    anna = await work.person("Anna")
    work.server = server = SilentServer()
    async with work.loop():
        await work.settled()
        begun = await users.erase(work.directory, work.company, anna.id, actor="test", reason=None, now=work.now)
        await until(lambda: _tried(work, begun))
        waiting = await reread(work, begun)
        assert (waiting.complete, {line.item for line in waiting.evidence if line.closed is None}) == (
            False,
            {"push", "offline_messages", "tokens"},
        )
        async with work.directory.read() as tx:
            assert await tx.user(work.company.id, anna.id) is not None
        server.silent = False
        await work.settled()
        assert (await reread(work, begun)).complete
    async with work.directory.read() as tx:
        assert await tx.user(work.company.id, anna.id) is None


class ForgetfulServer(MemoryServer):
    """Does not let anybody be made silent, for a while."""

    def __init__(self, refusals: int) -> None:
        super().__init__()
        self.refusals = refusals

    async def apply(self, company: Company, change: Change) -> int:
        if isinstance(change, changes.MakeReadOnly) and self.refusals:
            self.refusals -= 1
            return 0
        return await super().apply(company, change)


async def test_a_garden_leave_is_not_proven_before_writing_is_refused(work: Work) -> None:
    anna = await work.person("Anna")
    work.server = server = ForgetfulServer(refusals=2)
    async with work.loop():
        await work.settled()
        begun = await off_board(work, anna, GARDEN_LEAVE)
        await work.settled()
    assert server.refusals == 0
    assert server.holdings(work.company).group_members[READ_ONLY] == {"anna"}
    assert (await reread(work, begun)).complete


async def test_a_group_goes_to_whoever_is_named(work: Work) -> None:
    anna, ben, carl = [await work.person(name) for name in ("Anna", "Ben", "Carl")]
    team = await work.circle("Nord", anna, carl)
    await moderate(work, team, anna, carl)
    begun = await off_board(work, anna, Departure(hand_over_to=ben.id))
    ((handover,), roles) = (begun.handovers, await _roles(work, team))
    assert (handover.group_id, handover.to, handover.others) == (team.id, (ben.id,), 1)
    assert roles == {anna.id: Role.MODERATOR, ben.id: Role.MODERATOR, carl.id: Role.MODERATOR}
    again = await off_board(work, anna, Departure(hand_over_to=carl.id))
    assert again.id == begun.id
    assert again.handovers[0].to == (ben.id, carl.id), "what was handed over first is not forgotten"


async def test_other_moderators_suffice_but_only_those_who_may_chat(work: Work) -> None:
    anna, ben, chief = await work.person("Anna"), await work.person("Ben"), await work.person("Chefin", admin=True)
    team = await work.circle("Nord", anna, ben)
    await moderate(work, team, anna, ben)
    assert [(h.to, h.others) for h in (await off_board(work, anna, PAUSE)).handovers] == [((), 1)]
    assert [(h.to, h.others) for h in (await off_board(work, ben)).handovers] == [((chief.id,), 0)]
    assert (await _roles(work, team))[chief.id] is Role.MODERATOR


async def test_with_nobody_left_the_evidence_says_so(work: Work) -> None:
    anna, _ = await work.person("Anna"), await work.person("Chefin", admin=True, chat_permission=False)
    await moderate(work, await work.circle("Nord", anna), anna)
    await moderate(work, await work.circle("Süd", anna), anna)
    assert [(h.to, h.others) for h in (await off_board(work, anna)).handovers] == [((), 0), ((), 0)]


async def test_who_moderates_nothing_hands_nothing_over(work: Work) -> None:
    anna = await work.person("Anna")
    await work.circle("Nord", anna)
    assert (await off_board(work, anna)).handovers == ()


async def _roles(work: Work, group: Group) -> dict[str, Role]:
    async with work.directory.read() as tx:
        return dict(await tx.roles(group.id))


async def test_the_loop_ends_an_absence_on_time(work: Work) -> None:
    anna = await work.person("Anna")
    async with work.loop():
        await work.settled()
        ends = work.now + timedelta(seconds=1)
        await off_board(work, anna, replace(PAUSE, until=ends))
        await until(lambda: _is_back(work, anna))
        assert ends <= work.now
        await work.settled()
    assert work.server.holdings(work.company).group_members[GATE] == {"anna"}
    async with work.directory.read() as tx:
        newest, *_ = await tx.page_audit(work.company.id, before=None, limit=9)
    assert (newest.action, newest.actor, newest.reason) == ("user.absence_ended", "schedule", "the absence ended")


async def test_an_absence_ends_in_the_directory_while_the_server_is_away(work: Work) -> None:
    anna = await work.person("Anna")
    work.server.away = True
    async with work.loop():
        await off_board(work, anna, replace(PAUSE, until=work.now + timedelta(milliseconds=100)))
        await until(lambda: _is_back(work, anna))


async def _is_back(work: Work, user: User) -> bool:
    async with work.directory.read() as tx:
        found = await tx.user(work.company.id, user.id)
    return found is not None and found.absence is None


@contextlib.asynccontextmanager
async def ending(directory: MemoryDirectory, changed: asyncio.Event, *, longest: float) -> AsyncIterator[None]:
    task = asyncio.create_task(returns.end_on_time(directory, changed=changed, longest=longest))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def absent_people(directory: MemoryDirectory, *untils: datetime) -> Sequence[User]:
    company = a_company()
    people = [a_user(company, absence="paused", absent_until=moment) for moment in untils]
    async with directory.write(company.id) as tx:
        await tx.save_company(company)
        await tx.add_users(people)
    return people


async def still_absent(directory: MemoryDirectory, people: Sequence[User]) -> int:
    async with directory.read() as tx:
        found = await tx.users_by_id(people[0].company_id, [user.id for user in people])
    return sum(user.absence is not None for user in found.values())


async def test_more_people_than_one_look_takes_all_return() -> None:
    directory = MemoryDirectory()
    people = await absent_people(directory, *[datetime.fromisoformat("2026-01-01T00:00Z")] * 250)
    async with ending(directory, asyncio.Event(), longest=60.0):
        await until(lambda: _nobody(directory, people))


async def test_nobody_has_to_say_that_it_is_time() -> None:
    directory = MemoryDirectory()
    people = await absent_people(directory, datetime.now(UTC) + timedelta(milliseconds=200))
    async with ending(directory, asyncio.Event(), longest=3600.0):
        assert await still_absent(directory, people) == 1
        await until(lambda: _nobody(directory, people))


async def test_a_clock_that_jumps_delays_a_return_by_one_look_only() -> None:
    directory = MemoryDirectory()
    with time_machine.travel("2026-01-01T00:00:00Z") as clock:
        people = await absent_people(directory, datetime.fromisoformat("2026-06-01T00:00Z"))
        async with ending(directory, asyncio.Event(), longest=0.02):
            await asyncio.sleep(0.05)
            assert await still_absent(directory, people) == 1
            clock.move_to("2026-06-01T00:00:01Z")
            await until(lambda: _nobody(directory, people))


async def test_a_return_that_is_brought_forward_wakes_who_sleeps() -> None:
    directory, changed = MemoryDirectory(), asyncio.Event()
    (user,) = await absent_people(directory, datetime.fromisoformat("2199-01-01T00:00Z"))
    async with ending(directory, changed, longest=60.0):
        await asyncio.sleep(0.02)
        async with directory.write(user.company_id) as tx:
            await tx.save_users([replace(user, absent_until=datetime.fromisoformat("2026-01-01T00:00Z"))])
        changed.set()
        await until(lambda: _nobody(directory, [user]))


async def test_a_directory_that_was_away_is_asked_again() -> None:
    directory, changed = MemoryDirectory(), asyncio.Event()
    people = await absent_people(directory, datetime.fromisoformat("2026-01-01T00:00Z"))
    directory.available = False
    async with ending(directory, changed, longest=60.0):
        await asyncio.sleep(0.02)
        directory.available = True
        changed.set()
        await until(lambda: _nobody(directory, people))


async def _nobody(directory: MemoryDirectory, people: Sequence[User]) -> bool:
    return await still_absent(directory, people) == 0


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2027-03-01", "Europe/Berlin", "2027-02-28T23:00:00+00:00"),
        ("2027-07-01", "Europe/Berlin", "2027-06-30T22:00:00+00:00"),
        ("2027-03-01T06:00:00+01:00", "Asia/Tokyo", "2027-03-01T05:00:00+00:00"),
        ("2027-03-01t06:00:00.5z", "Asia/Tokyo", "2027-03-01T06:00:00.500000+00:00"),
    ],
)
def test_a_day_begins_where_the_company_is_and_a_moment_is_a_moment(text: str, zone: str, expected: str) -> None:
    assert returns.moment(text, company=a_company(timezone=zone)).isoformat() == expected


@pytest.mark.parametrize(
    "text", ["", "morgen", "2027-13-01", "2027-03-01T06:00", "01.03.2027", "0001-01-01", "2027-W09"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(errors.Invalid) as caught:
        returns.moment(text, company=a_company())
    assert caught.value.field == "returns_on"
