"""What every implementation of the `Server` port does. Subclass `ServerContract` and give it a `world`.

The world makes names that no other test uses, so that the suite runs against one long-lived server too.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from kleanxmpp import changes, errors
from kleanxmpp.desired import GATE, READ_ONLY, CircleLook, UserLook
from kleanxmpp.device_ports import DeviceSeen, DeviceSession
from kleanxmpp.model import Company
from kleanxmpp.ports import Server
from kleanxmpp.state import (
    NOTHING_LEFT,
    Affiliation,
    Bookmark,
    CircleState,
    Leftovers,
    Profile,
    Room,
    SharedGroup,
    UserState,
)
from tests.e2e.waiting import eventually
from tests.photos import a_photo

NONE, MEMBER, ADMIN = Affiliation.NONE, Affiliation.MEMBER, Affiliation.ADMIN


class World(Protocol):
    """A server with two companies that have nothing but their gates, and the ways of the people on it."""

    server: Server
    company: Company
    other: Company

    def name(self, kind: str) -> str:
        """Return a name that was never used."""

    async def hire(self, kind: str) -> str:
        """Return the username of somebody whose login is right, but who is not in the gate."""

    async def log_in(self, username: str, *, resource: str) -> None:
        """Begin a session with the person's one credential. Raises `errors.Permanent` if the server refuses."""

    async def lose(self, username: str, *, resource: str) -> None:
        """Break the connection of a session that may be resumed."""

    def mark(self, username: str) -> str:
        """Return the mark of the person's credential."""

    async def write_to(self, username: str, *, messages: int) -> None:
        """Have a colleague write to somebody who is in the gate and not connected."""

    def rooms_domain(self, company: Company) -> str: ...


def look_at(
    username: str,
    *,
    sessions: bool = False,
    any_session: bool = False,
    sessions_before: datetime | None = None,
    rooms: tuple[str, ...] = (),
    shared_groups: tuple[str, ...] = (),
    profile: bool = False,
    bookmarks: bool = False,
    leftovers: bool = False,
) -> UserLook:
    return UserLook(
        username=username,
        sessions=sessions or any_session or sessions_before is not None,
        sessions_before=sessions_before,
        any_session=any_session,
        rooms=frozenset(rooms),
        shared_groups=frozenset(shared_groups),
        profile=profile,
        bookmarks=bookmarks,
        leftovers=leftovers,
    )


class Hand:
    """Short words for one world's company."""

    def __init__(self, world: World) -> None:
        self.world, self.server, self.company = world, world.server, world.company

    async def do(self, *steps: changes.Change) -> list[int]:
        return [await self.server.apply(self.company, step) for step in steps]

    async def user(self, look: UserLook) -> UserState:
        return await self.server.observe_user(self.company, look)

    async def circles(self, *, rooms: tuple[str, ...] = (), groups: dict[str, bool] | None = None) -> CircleState:
        look = CircleLook(rooms=frozenset(rooms), shared_groups=groups or {})
        return await self.server.observe_circles(self.company, look)

    async def room(self, name: str) -> Room | None:
        return (await self.circles(rooms=(name,))).rooms.get(name)

    async def group(self, name: str) -> SharedGroup | None:
        return (await self.circles(groups={name: True})).shared_groups.get(name)

    async def new_room(self, *, announcement: bool = False) -> str:
        name = self.world.name("room")
        await self.do(
            changes.CreateRoom(room=name, title="Frühschicht", description="Halle 3 & 4", announcement=announcement)
        )
        return name

    async def new_group(self, *, displayed: bool = True) -> str:
        name = self.world.name("klean-g-group")
        await self.do(changes.SetSharedGroup(name=name, label="Frühschicht", displayed=displayed))
        return name

    async def live(self, username: str) -> frozenset[str] | None:
        return (await self.user(look_at(username, any_session=True))).sessions

    async def sessions(self, username: str) -> list[DeviceSession]:
        found = await self.server.device_sessions(self.company, username)
        return sorted(found, key=lambda session: session.resource)

    async def seen(self, username: str, *, taken: tuple[str, ...] = ()) -> list[DeviceSeen]:
        found = await self.server.devices_seen(self.company, taken=taken)
        return [one for one in found if one.username == username]

    def jid(self, username: str) -> str:
        return f"{username}@{self.company.domain}"


def affiliate(room: str, affiliations: dict[str, Affiliation]) -> changes.SetAffiliations:
    return changes.SetAffiliations(room=room, affiliations=affiliations)


class ServerContract:
    @pytest.fixture
    def hand(self, world: World) -> Hand:
        return Hand(world)

    async def test_it_is_there(self, hand: Hand) -> None:
        await hand.server.check()

    # rooms

    @pytest.mark.parametrize("announcement", [False, True])
    async def test_a_new_room_is_as_promised_and_empty(self, hand: Hand, announcement: bool) -> None:
        name = await hand.new_room(announcement=announcement)
        assert await hand.room(name) == Room(
            title="Frühschicht",
            description="Halle 3 & 4",
            announcement=announcement,
            as_promised=True,
            affiliations={},
        )
        assert name in await hand.server.room_names(hand.company)

    async def test_creating_a_room_again_empties_nothing(self, hand: Hand) -> None:
        name, anna = await hand.new_room(), hand.jid("anna")
        again = changes.CreateRoom(room=name, title="Frühschicht", description="Halle 3 & 4", announcement=False)
        assert await hand.do(affiliate(name, {anna: MEMBER}), again) == [1, 1]
        room = await hand.room(name)
        assert room is not None and room.affiliations == {anna: MEMBER}

    async def test_a_room_that_does_not_exist_is_missing_and_gives_nobody_anything(self, hand: Hand) -> None:
        name = hand.world.name("nowhere")
        assert await hand.circles(rooms=(name,)) == CircleState(rooms={}, shared_groups={})
        assert (await hand.user(look_at("anna", rooms=(name,)))).affiliations == {name: NONE}

    async def test_configuring_changes_words_and_kind_and_nobody_leaves(self, hand: Hand) -> None:
        name, anna = await hand.new_room(), hand.jid("anna")
        change = changes.ConfigureRoom(room=name, title="Spätschicht", description="", announcement=True)
        assert (await hand.do(affiliate(name, {anna: ADMIN}), change, change))[1] > 0
        assert await hand.room(name) == Room(
            title="Spätschicht", description="", announcement=True, affiliations={anna: ADMIN}
        )

    async def test_affiliations_are_set_for_those_named_and_stay_for_all_others(self, hand: Hand) -> None:
        name = await hand.new_room()
        anna, ben, cem = (hand.jid(person) for person in ("anna", "ben", "cem"))
        await hand.do(affiliate(name, {anna: MEMBER, ben: ADMIN, cem: MEMBER}))
        step = affiliate(name, {anna: NONE, ben: MEMBER})
        assert await hand.do(step, step) == [2, 2]
        room = await hand.room(name)
        assert room is not None and room.affiliations == {ben: MEMBER, cem: MEMBER}
        assert (await hand.user(look_at("anna", rooms=(name,)))).affiliations == {name: NONE}
        assert (await hand.user(look_at("ben", rooms=(name,)))).affiliations == {name: MEMBER}

    async def test_affiliations_in_a_room_that_does_not_exist_are_for_later_and_make_no_room(self, hand: Hand) -> None:
        name = hand.world.name("nowhere")
        with pytest.raises(errors.Temporary):
            await hand.do(affiliate(name, {hand.jid("anna"): MEMBER}))
        assert name not in await hand.server.room_names(hand.company)

    async def test_a_destroyed_room_is_gone_also_the_second_time(self, hand: Hand) -> None:
        name = await hand.new_room()
        step = changes.DestroyRoom(room=name)
        assert await hand.do(step) == [1]
        await eventually(lambda: hand.room(name), lambda room: room is None, what="the room is gone")
        assert await hand.do(step) == [0]
        assert name not in await hand.server.room_names(hand.company)

    async def test_a_room_made_anew_remembers_nobody(self, hand: Hand) -> None:
        name = await hand.new_room()
        create = changes.CreateRoom(room=name, title="Neu", description="", announcement=False)
        await hand.do(affiliate(name, {hand.jid("anna"): MEMBER}), changes.DestroyRoom(room=name), create)
        room = await hand.room(name)
        assert room is not None and room.affiliations == {}

    # shared groups

    @pytest.mark.parametrize("displayed", [False, True])
    async def test_a_shared_group_has_its_label_and_nobody_in_it(self, hand: Hand, displayed: bool) -> None:
        name = await hand.new_group(displayed=displayed)
        empty = SharedGroup(label="Frühschicht", displayed=displayed, members=frozenset())
        assert await hand.group(name) == empty
        assert name in await hand.server.shared_group_names(hand.company)

    async def test_members_are_looked_at_only_when_asked_for(self, hand: Hand) -> None:
        name = await hand.new_group()
        found = (await hand.circles(groups={name: False})).shared_groups[name]
        assert found.members is None

    async def test_a_new_label_keeps_the_members(self, hand: Hand) -> None:
        name = await hand.new_group()
        add = changes.AddToSharedGroup(name=name, label="", displayed=True, usernames=frozenset({"anna"}))
        await hand.do(add, changes.SetSharedGroup(name=name, label="Nacht", displayed=True))
        assert await hand.group(name) == SharedGroup(label="Nacht", displayed=True, members=frozenset({"anna"}))

    async def test_filling_a_fresh_group_leaves_it_displayed(self, hand: Hand) -> None:
        name = await hand.new_group()
        usernames = frozenset(f"person{number}" for number in range(30))
        step = changes.AddToSharedGroup(name=name, label="Tag", displayed=True, usernames=usernames, fresh=True)
        assert await hand.do(step) == [30]
        assert await hand.group(name) == SharedGroup(label="Tag", displayed=True, members=usernames)

    async def test_members_come_and_go_one_by_one(self, hand: Hand) -> None:
        name = await hand.new_group()
        both, one = frozenset({"anna", "ben"}), frozenset({"anna"})
        add = changes.AddToSharedGroup(name=name, label="", displayed=True, usernames=both)
        remove = changes.RemoveFromSharedGroup(name=name, usernames=one)
        assert await hand.do(add, add, remove, remove) == [2, 2, 1, 1]
        group = await hand.group(name)
        assert group == SharedGroup(label="Frühschicht", displayed=True, members=frozenset({"ben"}))
        assert (await hand.user(look_at("ben", shared_groups=(name, GATE)))).shared_groups == {name}
        assert (await hand.user(look_at("anna", shared_groups=(name, GATE)))).shared_groups == frozenset()

    async def test_a_person_joins_and_leaves_many_groups_together(self, hand: Hand) -> None:
        names = frozenset([await hand.new_group() for _ in range(3)])
        look = look_at("anna", shared_groups=(*names, GATE))
        join = changes.JoinSharedGroups(username="anna", names=names)
        leave = changes.LeaveSharedGroups(username="anna", names=names)
        assert await hand.do(join, join) == [3, 3]
        assert (await hand.user(look)).shared_groups == names
        assert await hand.do(leave, leave) == [3, 3]
        assert (await hand.user(look)).shared_groups == frozenset()

    async def test_a_removed_group_is_gone_with_its_memberships(self, hand: Hand) -> None:
        name = await hand.new_group()
        add = changes.AddToSharedGroup(name=name, label="", displayed=True, usernames=frozenset({"anna"}))
        remove = changes.RemoveSharedGroup(name=name)
        await hand.do(add, remove, remove)
        assert await hand.group(name) is None
        assert (await hand.user(look_at("anna", shared_groups=(name,)))).shared_groups == frozenset()
        assert name not in await hand.server.shared_group_names(hand.company)

    # the gate and sessions

    async def test_the_gate_is_never_displayed(self, hand: Hand) -> None:
        await hand.do(changes.SetSharedGroup(name=GATE, label="", displayed=True))
        found = (await hand.circles(groups={GATE: False})).shared_groups[GATE]
        assert not found.displayed

    async def test_the_gate_opens_and_closes(self, hand: Hand) -> None:
        anna = await hand.world.hire("anna")
        await hand.do(changes.OpenGate(username=anna), changes.OpenGate(username=anna))
        assert anna in await hand.server.key_holders(hand.company, GATE)
        assert (await hand.user(look_at(anna, shared_groups=(GATE,)))).shared_groups == {GATE}
        await hand.do(changes.CloseGate(username=anna), changes.CloseGate(username=anna))
        assert anna not in await hand.server.key_holders(hand.company, GATE)
        assert (await hand.user(look_at(anna, shared_groups=(GATE,)))).shared_groups == frozenset()

    async def test_nobody_gets_in_through_a_closed_gate(self, hand: Hand) -> None:
        anna = await hand.world.hire("anna")
        with pytest.raises(errors.Permanent):
            await hand.world.log_in(anna, resource="phone")
        assert await hand.live(anna) == frozenset()

    async def test_a_closed_gate_ends_no_session_but_ending_sessions_does(self, hand: Hand) -> None:
        anna = await hand.world.hire("anna")
        await hand.do(changes.OpenGate(username=anna))
        await hand.world.log_in(anna, resource="phone")
        await hand.world.log_in(anna, resource="web")
        await hand.do(changes.CloseGate(username=anna))
        assert await hand.live(anna) == {"phone", "web"}
        assert anna in await hand.server.online(hand.company)
        end = changes.EndSessions(username=anna)
        assert await hand.do(end, end) == [2, 0]
        assert await hand.live(anna) == frozenset()
        assert anna not in await hand.server.online(hand.company)

    async def test_a_session_tells_its_device_until_it_ends(self, hand: Hand) -> None:
        anna = await hand.world.hire("anna")
        await hand.do(changes.OpenGate(username=anna))
        await hand.world.log_in(anna, resource="phone")
        await hand.world.log_in(anna, resource="web")
        mark = hand.world.mark(anna)
        phone, web = [DeviceSession(resource=name, mark=mark, awake=True) for name in ("phone", "web")]
        assert await hand.sessions(anna) == [phone, web]
        await hand.world.lose(anna, resource="phone")
        asleep = DeviceSession(resource="phone", mark=mark, awake=False)
        async with asyncio.timeout(10):
            while (found := await hand.sessions(anna)) == [phone, web]:
                pass
        assert found == [asleep, web]
        await hand.do(changes.EndSessions(username=anna))
        assert await hand.sessions(anna) == []
        assert await hand.server.device_sessions(hand.world.other, anna) == []

    async def test_when_a_device_came_or_went_is_told_until_it_is_taken(self, hand: Hand) -> None:
        anna, before = await hand.world.hire("anna"), datetime.now(UTC) - timedelta(seconds=1)
        await hand.do(changes.OpenGate(username=anna))
        assert await hand.seen(anna) == []
        await hand.world.log_in(anna, resource="phone")
        came = await hand.seen(anna)
        assert [one.mark for one in came] == [hand.world.mark(anna)], "one entry for a device"
        assert before <= came[0].at <= datetime.now(UTC) + timedelta(seconds=1)
        assert await hand.seen(anna, taken=("another",)) == came, "not taken: told again"
        assert await hand.server.devices_seen(hand.world.other, taken=[came[0].stamp]) is not None
        assert await hand.seen(anna) == came, "another company cannot take it"
        assert await hand.seen(anna, taken=(came[0].stamp,)) == []
        await hand.do(changes.EndSessions(username=anna))
        (went,) = await hand.seen(anna, taken=(came[0].stamp,))
        assert (went.mark, went.at > came[0].at) == (came[0].mark, True)

    async def test_a_device_that_sleeps_was_seen_until_it_fell_asleep(self, hand: Hand) -> None:
        anna = await hand.world.hire("anna")
        await hand.do(changes.OpenGate(username=anna))
        await hand.world.log_in(anna, resource="phone")
        (came,) = await hand.seen(anna)
        await hand.world.lose(anna, resource="phone")
        async with asyncio.timeout(10):
            while not (slept := await hand.seen(anna, taken=(came.stamp,))):
                pass
        assert slept[0].at > came.at
        await hand.do(changes.EndSessions(username=anna))
        assert await hand.seen(anna) == slept, "that its session ends is not its doing"

    async def test_only_sessions_from_before_a_moment_are_unwanted(self, hand: Hand) -> None:
        anna = await hand.world.hire("anna")
        await hand.do(changes.OpenGate(username=anna))
        began = datetime.now(UTC)
        await hand.world.log_in(anna, resource="phone")
        later = await hand.user(look_at(anna, sessions_before=datetime.now(UTC) + timedelta(seconds=5)))
        earlier = await hand.user(look_at(anna, sessions_before=began - timedelta(seconds=5)))
        assert (later.sessions, earlier.sessions) == ({"phone"}, frozenset())
        assert (await hand.user(look_at(anna, sessions=True))).sessions == frozenset()
        await hand.do(changes.EndSessions(username=anna))

    # names, bookmarks, erasure

    async def test_what_was_not_asked_for_is_not_known(self, hand: Hand) -> None:
        seen = await hand.user(look_at("anna"))
        assert (seen.sessions, seen.profile, seen.photo, seen.bookmarks) == (None, None, None, None)

    async def test_names_are_set_and_change(self, hand: Hand) -> None:
        anna, nickname = await hand.world.hire("anna"), hand.world.name("Anna Ä.")
        first = Profile(full_name="Anna Ärger", nickname=nickname)
        second = Profile(full_name="Anna Öst", nickname=nickname + " 2")
        for profile in (first, first, second):
            assert await hand.do(changes.SetProfile(username=anna, profile=profile)) == [1]
            assert (await hand.user(look_at(anna, profile=True))).profile == profile

    async def test_nobody_takes_a_colleagues_nickname_until_it_is_given_up(self, hand: Hand) -> None:
        anna, ben = await hand.world.hire("anna"), await hand.world.hire("ben")
        wanted = Profile(full_name="A", nickname=hand.world.name("Wanted"))
        other = Profile(full_name="A", nickname=hand.world.name("Other"))
        await hand.do(changes.SetProfile(username=anna, profile=wanted))
        with pytest.raises(errors.Temporary):
            await hand.do(changes.SetProfile(username=ben, profile=wanted))
        await hand.do(changes.SetProfile(username=anna, profile=other))
        await hand.do(changes.SetProfile(username=ben, profile=wanted))
        assert (await hand.user(look_at(ben, profile=True))).profile == wanted

    async def test_a_marked_name_is_shown_and_the_plain_one_stays_reserved(self, hand: Hand) -> None:
        anna, ben = await hand.world.hire("anna"), await hand.world.hire("ben")
        plain = Profile(full_name="A", nickname=hand.world.name("Anna"))
        marked = Profile(full_name="A (bis 01.03.)", nickname=f"{plain.nickname} (bis 01.03.)", reserved=plain.nickname)
        await hand.do(changes.SetProfile(username=anna, profile=marked))
        assert (await hand.user(look_at(anna, profile=True))).profile == marked
        with pytest.raises(errors.Temporary):
            await hand.do(changes.SetProfile(username=ben, profile=plain))
        await hand.do(changes.SetProfile(username=anna, profile=plain))
        assert (await hand.user(look_at(anna, profile=True))).profile == plain

    async def test_a_photo_is_set_and_changed_and_taken_away_and_known_by_its_hash(self, hand: Hand) -> None:
        anna, first, second = await hand.world.hire("anna"), a_photo(10), a_photo(200)
        assert (await hand.user(look_at(anna, profile=True))).photo == ""
        for photo in (first, first, second):
            assert await hand.do(changes.SetPhoto(username=anna, sha1=photo.sha1, photo=photo)) == [1]
            assert (await hand.user(look_at(anna, profile=True))).photo == photo.sha1
        profile = Profile(full_name="Anna", nickname=hand.world.name("Anna"))
        await hand.do(changes.SetProfile(username=anna, profile=profile))
        seen = await hand.user(look_at(anna, profile=True))
        assert (seen.profile, seen.photo) == (profile, second.sha1), "names and photo leave each other alone"
        for _ in range(2):
            assert await hand.do(changes.SetPhoto(username=anna, sha1="")) == [1]
            seen = await hand.user(look_at(anna, profile=True))
            assert (seen.profile, seen.photo) == (profile, "")

    async def test_bookmarks_become_exactly_those_desired(self, hand: Hand) -> None:
        anna = await hand.world.hire("anna")
        service = hand.world.rooms_domain(hand.company)
        early = Bookmark(room=f"frueh@{service}", name="Früh & spät", nick="Anna")
        late = Bookmark(room=f"spaet@{service}", name="Spät", nick="Anna")
        for desired in (frozenset({early, late}), frozenset({early}), frozenset({early}), frozenset[Bookmark]()):
            await hand.do(changes.SetBookmarks(username=anna, bookmarks=desired))
            assert (await hand.user(look_at(anna, bookmarks=True))).bookmarks == desired

    async def test_names_and_bookmarks_of_many_people_come_in_the_order_asked_for(self, hand: Hand) -> None:
        anna, ben, cem = [await hand.world.hire(kind) for kind in ("anna", "ben", "cem")]
        profile = Profile(full_name="Ben Öst", nickname=hand.world.name("Ben Ö."))
        bookmark = Bookmark(room=f"frueh@{hand.world.rooms_domain(hand.company)}", name="Früh & spät", nick="Ben")
        await hand.do(
            changes.SetProfile(username=ben, profile=profile),
            changes.SetBookmarks(username=ben, bookmarks=frozenset({bookmark})),
        )
        looks = [look_at(cem, profile=True), look_at(ben, profile=True, bookmarks=True), look_at(anna)]
        assert await hand.server.observe_people(hand.company, looks) == [
            UserState(profile=Profile(full_name="", nickname=""), photo=""),
            UserState(profile=profile, photo="", bookmarks=frozenset({bookmark})),
            UserState(),
        ]
        assert list(await hand.server.observe_people(hand.company, [])) == []

    async def test_erasing_leaves_nothing_and_gives_the_nickname_back(self, hand: Hand) -> None:
        anna, ben = await hand.world.hire("anna"), await hand.world.hire("ben")
        profile = Profile(full_name="Anna", nickname=hand.world.name("Anna"))
        bookmark = Bookmark(room=f"frueh@{hand.world.rooms_domain(hand.company)}", name="Früh", nick="Anna")
        erase, photo = changes.EraseAccount(username=anna), a_photo()
        await hand.do(
            changes.SetProfile(username=anna, profile=profile),
            changes.SetPhoto(username=anna, sha1=photo.sha1, photo=photo),
            changes.SetBookmarks(username=anna, bookmarks=frozenset({bookmark})),
            erase,
            erase,
        )
        left = await hand.user(look_at(anna, any_session=True, profile=True, bookmarks=True))
        assert left.profile == Profile(full_name="", nickname="")
        assert (left.photo, left.bookmarks, left.sessions) == ("", frozenset(), frozenset())
        await hand.do(changes.SetProfile(username=ben, profile=profile))

    # what stays behind, and reading without writing

    async def test_messages_that_wait_are_counted_and_cleared_and_nobody_elses(self, hand: Hand) -> None:
        anna, ben = await hand.world.hire("anna"), await hand.world.hire("ben")
        look, bens = look_at(anna, leftovers=True), look_at(ben, leftovers=True)
        await hand.do(changes.OpenGate(username=anna), changes.OpenGate(username=ben))
        assert (await hand.user(look)).leftovers == NOTHING_LEFT
        for username, messages in ((anna, 2), (ben, 1)):
            await hand.world.write_to(username, messages=messages)
        assert (await hand.user(look)).leftovers == Leftovers(offline_messages=2)
        found = await hand.server.observe_people(hand.company, [look, bens, look_at(anna, bookmarks=True)])
        assert [state.leftovers for state in found] == [
            Leftovers(offline_messages=2),
            Leftovers(offline_messages=1),
            None,
        ]
        clear = changes.ClearLeftovers(username=anna)
        assert await hand.do(clear, clear) == [2, 0]
        assert (await hand.user(look)).leftovers == NOTHING_LEFT
        assert (await hand.user(bens)).leftovers == Leftovers(offline_messages=1)
        assert (await hand.user(look_at(anna))).leftovers is None

    async def test_messages_are_counted_for_the_company_and_for_nobody_in_particular(self, hand: Hand) -> None:
        anna = await hand.world.hire("anna")
        await hand.do(changes.OpenGate(username=anna))
        before, others = [await hand.server.messages_sent(one) for one in (hand.company, hand.world.other)]
        await hand.world.write_to(anna, messages=3)
        assert await hand.server.messages_sent(hand.company) == before + 3
        assert await hand.server.messages_sent(hand.world.other) == others

    async def test_the_key_that_only_reads_is_given_and_taken(self, hand: Hand) -> None:
        anna = await hand.world.hire("anna")
        look = look_at(anna, shared_groups=(GATE, READ_ONLY))
        read, write = changes.MakeReadOnly(username=anna), changes.LetWrite(username=anna)
        await hand.do(changes.OpenGate(username=anna), read, read)
        assert (await hand.user(look)).shared_groups == {GATE, READ_ONLY}
        assert anna in await hand.server.key_holders(hand.company, READ_ONLY)
        await hand.do(write, write)
        assert (await hand.user(look)).shared_groups == {GATE}
        assert anna not in await hand.server.key_holders(hand.company, READ_ONLY)

    # companies

    async def test_companies_know_nothing_of_each_other(self, hand: Hand) -> None:
        room, group = await hand.new_room(), await hand.new_group()
        anna = await hand.world.hire("anna")
        await hand.do(changes.OpenGate(username=anna), affiliate(room, {hand.jid(anna): MEMBER}))
        server, other = hand.server, hand.world.other
        assert room not in await server.room_names(other)
        assert group not in await server.shared_group_names(other)
        assert anna not in await server.key_holders(other, GATE)
        seen = await server.observe_user(other, look_at(anna, rooms=(room,), shared_groups=(group, GATE)))
        assert (seen.affiliations, seen.shared_groups) == ({room: NONE}, frozenset())
