"""Policy: who may chat, which group makes which room, who sees whom."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kleanxmpp import desired
from kleanxmpp.desired import Access, Circle, GroupCircle, Person, contact_group
from kleanxmpp.due import Aspect
from kleanxmpp.model import Absence, Company, ContactVisibility, Group, GroupKind, Role, User
from kleanxmpp.state import NOTHING_LEFT, Affiliation, Bookmark, Profile

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROOMS = "gruppen.glanz.test"
COMPANY = Company(id="c", domain="glanz.test", name="Glanz & Gloria")
ANNA = User(id="u1", company_id="c", username="anna", display_name="Anna Groß", nickname="Anna Groß", created_at=NOW)
TEAM = Group(id="g1", company_id="c", slug="objekt-12", name="Objekt 12", created_at=NOW)
NEWS = Group(id="g2", company_id="c", slug="meldungen", name="Meldungen", kind=GroupKind.ANNOUNCEMENT, created_at=NOW)


def a_person(user: User = ANNA, *, company: Company = COMPANY, size: int = 3) -> Person:
    circles = (
        Circle(group=TEAM, role=Role.MODERATOR, size=size),
        Circle(group=NEWS, role=Role.MEMBER, size=size),
    )
    return Person(company=company, user=user, circles=circles)


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("permitted", [True, False])
@pytest.mark.parametrize("erasing", [True, False])
def test_a_user_may_chat_iff_company_enabled_and_active_and_permitted(
    enabled: bool, active: bool, permitted: bool, erasing: bool
) -> None:
    user = replace(ANNA, active=active, chat_permission=permitted, erasing=erasing)
    expected = enabled and active and permitted and not erasing
    assert desired.may_chat(replace(COMPANY, enabled=enabled), user) is expected


def test_who_may_chat_has_gate_rooms_contacts_names_and_bookmarks() -> None:
    state = desired.user_state(a_person(), rooms_domain=ROOMS)
    assert state.shared_groups == {desired.GATE, contact_group(TEAM)}
    assert state.affiliations == {"objekt-12": Affiliation.ADMIN, "meldungen": Affiliation.MEMBER}
    assert state.profile == Profile(full_name="Anna Groß", nickname="Anna Groß")
    assert state.bookmarks == {
        Bookmark(room=f"objekt-12@{ROOMS}", name="Objekt 12", nick="Anna Groß"),
        Bookmark(room=f"meldungen@{ROOMS}", name="Meldungen", nick="Anna Groß"),
    }


@pytest.mark.parametrize("fact", ["active", "chat_permission"])
def test_who_may_not_chat_has_nothing_although_memberships_stay(fact: str) -> None:
    state = desired.user_state(a_person(replace(ANNA, **{fact: False})), rooms_domain=ROOMS)
    assert (state.sessions, state.shared_groups, state.affiliations, state.bookmarks) == (set(), set(), {}, set())
    assert state.profile is None


def test_aspects_limit_what_is_wanted_and_what_is_looked_at() -> None:
    state = desired.user_state(a_person(), rooms_domain=ROOMS, aspects=Aspect.BOOKMARKS)
    look = desired.user_look(a_person(), aspects=Aspect.BOOKMARKS)
    assert (state.sessions, state.shared_groups, state.affiliations, state.profile) == (None, None, None, None)
    assert (look.rooms, look.shared_groups, look.sessions, look.profile, look.bookmarks) == (
        frozenset(), frozenset(), False, False, True,
    )  # fmt: skip


def test_groups_the_person_left_are_looked_at_but_not_wanted() -> None:
    person = Person(company=COMPANY, user=ANNA, left=(TEAM,))
    look = desired.user_look(person, aspects=Aspect.CIRCLES)
    state = desired.user_state(person, rooms_domain=ROOMS, aspects=Aspect.CIRCLES)
    assert "objekt-12" in look.rooms
    assert contact_group(TEAM) in look.shared_groups
    assert (state.affiliations, state.shared_groups) == ({}, frozenset())


@pytest.mark.parametrize(("size", "contacts"), [(250, True), (251, False)])
def test_a_large_team_gives_a_room_only(size: int, contacts: bool) -> None:
    state = desired.user_state(a_person(size=size), rooms_domain=ROOMS, aspects=Aspect.CIRCLES)
    assert (contact_group(TEAM) in (state.shared_groups or ())) is contacts
    circle = desired.group_state(GroupCircle(company=COMPANY, group=TEAM, members={"anna": Role.MEMBER}, size=size))
    assert bool(circle.shared_groups) is contacts
    assert circle.rooms["objekt-12"].affiliations == {"anna@glanz.test": Affiliation.MEMBER}


def test_an_announcement_group_gives_a_silent_room_and_no_contacts() -> None:
    circle = desired.group_state(GroupCircle(company=COMPANY, group=NEWS, members={"anna": Role.MODERATOR}, size=1))
    assert circle.rooms["meldungen"].announcement
    assert circle.rooms["meldungen"].affiliations == {"anna@glanz.test": Affiliation.ADMIN}
    assert circle.shared_groups == {}


def test_a_deleted_group_gives_nothing() -> None:
    circle = desired.group_state(GroupCircle(company=COMPANY, group=replace(TEAM, deleted=True), size=1))
    assert (circle.rooms, circle.shared_groups) == ({}, {})


@pytest.mark.parametrize("kind", GroupKind)
def test_an_archived_group_is_a_room_with_nobody_in_it(kind: GroupKind) -> None:
    group = replace(TEAM, kind=kind, archived_at=NOW)
    everybody = {"members": {"anna": Role.MODERATOR}, "readers": frozenset({"ben"}), "paused": frozenset({"carl"})}
    circle = desired.group_state(GroupCircle(company=COMPANY, group=group, size=3, **everybody))
    assert circle.shared_groups == {}
    room = circle.rooms["objekt-12"]
    assert (room.title, room.affiliations, room.announcement) == ("Objekt 12", {}, kind is GroupKind.ANNOUNCEMENT)


@pytest.mark.parametrize("absence", [None, *Absence])
@pytest.mark.parametrize("kind", GroupKind)
def test_nobody_has_an_archived_group_but_it_is_looked_at(absence: Absence | None, kind: GroupKind) -> None:
    group = replace(TEAM, kind=kind, archived_at=NOW)
    circle = Circle(group=group, role=Role.MODERATOR, size=1)
    person = Person(company=COMPANY, user=absent(absence) if absence else ANNA, circles=(circle,))
    state = desired.user_state(person, rooms_domain=ROOMS)
    assert (state.affiliations, state.bookmarks) == ({}, frozenset())
    assert not (state.shared_groups or frozenset()) - desired.KEYS
    look = desired.user_look(person, aspects=Aspect.CIRCLES)
    assert "objekt-12" in look.rooms and contact_group(group) in look.shared_groups


def test_in_a_small_company_everybody_sees_everybody() -> None:
    small = replace(COMPANY, contact_visibility=ContactVisibility.COMPANY)
    state = desired.company_state(small, {"anna": Access.FULL, "ben": Access.PAUSED, "carl": Access.READ})
    assert state.shared_groups[desired.COMPANY_CONTACTS].members == {"anna", "ben"}
    person = desired.user_state(a_person(company=small), rooms_domain=ROOMS, aspects=Aspect.CIRCLES)
    assert desired.COMPANY_CONTACTS in (person.shared_groups or ())


def test_bulk_work_never_decides_who_is_in_the_gate() -> None:
    assert desired.company_state(COMPANY, {"anna": Access.FULL}).shared_groups[desired.GATE].members is None


def test_only_sessions_that_must_not_be_there_are_looked_for() -> None:
    look = desired.user_look(a_person(replace(ANNA, sessions_valid_from=NOW)), aspects=Aspect.ACCESS)
    assert (look.any_session, look.sessions_before) == (False, NOW)
    gone = desired.user_look(a_person(replace(ANNA, active=False)), aspects=Aspect.ACCESS)
    assert (gone.any_session, gone.sessions_before) == (True, None)


def absent(absence: Absence, *, until: datetime | None = None) -> User:
    return replace(ANNA, absence=absence, absent_until=until)


def test_who_is_paused_keeps_contacts_under_a_marked_name_and_nothing_else() -> None:
    person = a_person(absent(Absence.PAUSED, until=NOW.replace(month=3)))
    state = desired.user_state(person, rooms_domain=ROOMS)
    assert desired.access(COMPANY, person.user) is Access.PAUSED
    assert not desired.may_log_in(COMPANY, person.user)
    assert (state.sessions, state.affiliations, state.bookmarks) == (frozenset(), {}, frozenset())
    assert state.shared_groups == {contact_group(TEAM)}
    assert state.profile == Profile(full_name="Anna Groß (bis 01.03.)", nickname="Anna Groß (bis 01.03.)")
    assert state.profile and state.profile.reserved == "Anna Groß", "nobody else takes the name meanwhile"
    assert state.leftovers == NOTHING_LEFT
    look = desired.user_look(person, aspects=Aspect.ALL)
    assert (look.any_session, look.leftovers, look.profile) == (True, True, True)


def test_on_garden_leave_announcements_are_read_and_the_key_to_silence_is_held() -> None:
    person = a_person(absent(Absence.GARDEN_LEAVE))
    state = desired.user_state(person, rooms_domain=ROOMS)
    assert desired.access(COMPANY, person.user) is Access.READ
    assert desired.may_log_in(COMPANY, person.user) and not desired.may_chat(COMPANY, person.user)
    assert state.shared_groups == {desired.GATE, desired.READ_ONLY}
    assert state.affiliations == {"meldungen": Affiliation.MEMBER}
    assert state.bookmarks == {Bookmark(room=f"meldungen@{ROOMS}", name="Meldungen", nick="Anna Groß")}
    assert state.profile == Profile(full_name="Anna Groß", nickname="Anna Groß")
    assert state.leftovers is None
    look = desired.user_look(person, aspects=Aspect.ALL)
    assert (look.any_session, look.sessions_before, look.leftovers) == (False, None, False)


def test_a_moderator_on_garden_leave_is_a_plain_member() -> None:
    circles = (Circle(group=NEWS, role=Role.MODERATOR, size=1),)
    person = Person(company=COMPANY, user=absent(Absence.GARDEN_LEAVE), circles=circles)
    state = desired.user_state(person, rooms_domain=ROOMS)
    assert state.affiliations == {"meldungen": Affiliation.MEMBER}


@pytest.mark.parametrize("absence", Absence)
@pytest.mark.parametrize("fact", ["active", "chat_permission", "erasing"])
def test_an_absence_never_gives_more_than_the_rest_allows(absence: Absence, fact: str) -> None:
    user = replace(absent(absence), **{fact: fact == "erasing"})
    assert desired.access(COMPANY, user) is Access.NONE
    assert desired.user_state(a_person(user), rooms_domain=ROOMS).shared_groups == frozenset()


def test_a_circle_shows_the_paused_as_contacts_and_lets_readers_into_announcements_only() -> None:
    facts = {"members": {"anna": Role.MODERATOR}, "readers": frozenset({"ben"}), "paused": frozenset({"carl"})}
    team = desired.group_state(GroupCircle(company=COMPANY, group=TEAM, size=3, **facts))
    assert team.shared_groups[contact_group(TEAM)].members == {"anna", "carl"}
    assert team.rooms["objekt-12"].affiliations == {"anna@glanz.test": Affiliation.ADMIN}
    news = desired.group_state(GroupCircle(company=COMPANY, group=NEWS, size=3, **facts))
    assert news.rooms["meldungen"].affiliations == {
        "anna@glanz.test": Affiliation.ADMIN, "ben@glanz.test": Affiliation.MEMBER,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("absence", "until", "locale", "name"),
    [
        (Absence.PAUSED, datetime(2026, 3, 1, 23, 30, tzinfo=UTC), "de", "Anna (bis 02.03.)"),
        (Absence.PAUSED, datetime(2026, 3, 1, 23, 30, tzinfo=UTC), "en", "Anna (until 02 Mar)"),
        (Absence.PAUSED, None, "de", "Anna (abwesend)"),
        (Absence.PAUSED, None, "en", "Anna (away)"),
        (Absence.GARDEN_LEAVE, NOW, "de", "Anna"),
        (None, None, "de", "Anna"),
    ],
)
def test_the_mark_at_a_name_is_in_the_companys_language_and_time(
    absence: Absence | None, until: datetime | None, locale: str, name: str
) -> None:
    company = replace(COMPANY, locale=locale)
    assert desired.marked_name("Anna", absence=absence, until=until, company=company) == name


def test_access_is_ordered() -> None:
    assert [level.exceeds(Access.PAUSED) for level in Access] == [False, False, True, True]
