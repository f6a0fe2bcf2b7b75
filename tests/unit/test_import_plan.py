"""Who a row is about, and what an import would change."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from kleanxmpp import ids, import_diff
from kleanxmpp.import_matching import Known, Match, match
from kleanxmpp.import_plan import CircleChange, Existing, ImportPlan, local_day, plan_import
from kleanxmpp.import_rows import FaultyFile, Row
from kleanxmpp.model import GroupKind, Role, User
from tests.factories import AT, a_company, a_group, a_user

COMPANY = a_company(locale="en")
PETRA = a_user(COMPANY, username="petra.mueller", display_name="Petra Müller", nickname="Petra Müller")
NAMESAKE = a_user(
    COMPANY, username="petra.mueller2", display_name="Petra Müller", nickname="Petra Müller (petra.mueller2)"
)
HIRED = a_user(COMPANY, username="otto", external_id="E-1", display_name="Otto Ost", nickname="Otto Ost")

NORTH = a_group(COMPANY, name="Nord")


def rows(*facts: dict[str, Any]) -> list[Row]:
    return [Row(line=number, **one) for number, one in enumerate(facts, start=2)]


def known(*users: User, retired: tuple[str, ...] = ()) -> Known:
    return Known(
        by_external_id={user.external_id: user for user in users if user.external_id},
        by_username={user.username: user for user in users},
        given=frozenset({user.username for user in users} | set(retired)),
    )


def matched(people: Known, *facts: dict[str, Any]) -> list[tuple[User | None, str]]:
    matches, faults = match(rows(*facts), people)
    assert not faults
    return [(one.user, one.username) for one in matches]


def refused(people: Known, *facts: dict[str, Any]) -> list[str]:
    return [str(fault) for fault in match(rows(*facts), people)[1]]


def plan(matches: list[Match], existing: Existing | None = None, **options: Any) -> ImportPlan:
    return plan_import(matches, existing or Existing(), company=COMPANY, now=AT, make_id=ids.new_id, **options)


def test_people_are_found_by_external_id_then_username_then_name() -> None:
    people = known(PETRA, HIRED)
    assert matched(people, {"display_name": "Ganz Anders", "external_id": "E-1"}) == [(HIRED, "otto")]
    assert matched(people, {"display_name": "Ganz Anders", "username": "otto"}) == [(HIRED, "otto")]
    assert matched(people, {"display_name": "Petra Müller"}) == [(PETRA, "petra.mueller")]
    assert matched(people, {"display_name": "Petra Mueller"}) == [(None, "petra.mueller2")]


def test_namesakes_are_told_apart_by_their_number_and_not_added_again() -> None:
    twice = ({"display_name": "Petra Müller"}, {"display_name": "Petra Müller"})
    assert matched(known(), *twice) == [(None, "petra.mueller"), (None, "petra.mueller2")]
    assert matched(known(PETRA, NAMESAKE), *twice) == [(PETRA, "petra.mueller"), (NAMESAKE, "petra.mueller2")]


def test_rows_that_say_who_they_are_about_choose_first() -> None:
    by_name, by_username = (
        {"display_name": "Petra Müller"},
        {"display_name": "Petra Müller", "username": PETRA.username},
    )
    assert matched(known(PETRA, NAMESAKE), by_name, by_username) == [
        (NAMESAKE, "petra.mueller2"),
        (PETRA, PETRA.username),
    ]
    assert matched(known(), by_name, by_username) == [(None, "petra.mueller2"), (None, "petra.mueller")]


def test_a_retired_username_is_never_made_again() -> None:
    people = known(retired=("petra.mueller",))
    assert matched(people, {"display_name": "Petra Müller"}) == [(None, "petra.mueller2")]
    assert refused(people, {"display_name": "Petra", "username": "petra.mueller"}) == [
        "line 2: username: was given to somebody before, and is never given again"
    ]


def test_a_name_alone_lets_nobody_back_in() -> None:
    gone = replace(PETRA, active=False)
    assert matched(known(gone), {"display_name": "Petra Müller"}) == [(gone, "petra.mueller")]
    for fact in ({"active": True}, {"chat_permission": True}):
        silent = replace(PETRA, active=False, chat_permission=False)
        assert (
            "not enough to let somebody back in" in refused(known(silent), {"display_name": "Petra Müller"} | fact)[0]
        )
    back = {"display_name": "Petra Müller", "username": "petra.mueller", "active": True}
    assert matched(known(gone), back) == [(gone, "petra.mueller")]


def test_contradictions_are_refused() -> None:
    people = known(PETRA, HIRED, replace(NAMESAKE, erasing=True))
    assert refused(people, {"display_name": "Otto", "username": "neu", "external_id": "E-1"}) == [
        "line 2: username: is for ever, and the person with this external id has another one"
    ]
    assert refused(people, {"display_name": "Otto", "username": "otto", "external_id": "E-2"}) == [
        "line 2: username: belongs to a person with another external id"
    ]
    assert refused(people, {"display_name": "Petra", "username": "petra.mueller2"}) == [
        "line 2: this person is being erased; import the file again when that is done"
    ]
    assert refused(people, {"display_name": "O", "external_id": "E-1"}, {"display_name": "O", "username": "otto"}) == [
        "line 3: is about the same person as line 2"
    ]


def test_a_new_person_gets_the_companys_language_and_a_name_of_their_own() -> None:
    (row,) = rows({"display_name": "Petra Müller"})
    existing = Existing(nicknames={"Petra Müller": PETRA.id})
    made = plan([Match(row=row, user=None, username="petra.mueller2")], existing)
    assert [user.nickname for user in made.added] == ["Petra Müller (petra.mueller2)"]
    assert {user.locale for user in made.added} == {"en"}
    assert all(user.active and user.chat_permission for user in made.added)


def test_two_new_people_of_one_file_do_not_share_a_nickname() -> None:
    first, second = rows({"display_name": "Jörg Groß"}, {"display_name": "JÖRG GROSS"})
    made = plan([Match(row=first, user=None, username="a"), Match(row=second, user=None, username="b")])
    assert [user.nickname for user in made.added] == ["Jörg Groß", "JÖRG GROSS (b)"]


def test_only_what_the_file_says_changes() -> None:
    user = replace(HIRED, email="otto@firma.test", chat_permission=False, version=3)
    (row,) = rows({"display_name": "Otto Ost", "locale": "en", "active": False})
    made = plan([Match(row=row, user=user, username="otto")])
    assert made.changed == ((user, replace(user, locale="en", active=False, version=4)),)
    (same,) = rows({"display_name": "Otto Ost"})
    assert plan([Match(row=same, user=user, username="otto")]).empty


def test_a_renamed_person_gets_a_new_nickname() -> None:
    (row,) = rows({"display_name": "Otto West"})
    ((_, after),) = plan(
        [Match(row=row, user=HIRED, username="otto")], Existing(nicknames={"Otto West": "somebody"})
    ).changed
    assert (after.display_name, after.nickname) == ("Otto West", "Otto West (otto)")


def test_the_file_is_the_truth_for_its_people_in_its_groups() -> None:
    north, south = a_group(COMPANY, name="Nord"), a_group(COMPANY, name="Süd")
    one, two = rows(
        {"display_name": PETRA.display_name, "groups": {"Nord": Role.MODERATOR}},
        {"display_name": HIRED.display_name, "groups": {"Neu": Role.MEMBER}},
    )
    existing = Existing(
        groups={"Nord": north},
        roles={north.id: {PETRA.id: Role.MEMBER, HIRED.id: Role.MEMBER}, south.id: {PETRA.id: Role.MEMBER}},
    )
    made = plan([Match(row=one, user=PETRA, username="p"), Match(row=two, user=HIRED, username="o")], existing)
    assert made.new_groups == {"Neu": GroupKind.TEAM}
    assert made.circles == (
        CircleChange(group="Neu", before={}, after={HIRED.id: Role.MEMBER}),
        CircleChange(
            group="Nord",
            before={PETRA.id: Role.MEMBER, HIRED.id: Role.MEMBER},
            after={PETRA.id: Role.MODERATOR},
        ),
    )


def test_announcement_groups_are_made_but_never_made_out_of_teams() -> None:
    (row,) = rows({"display_name": "A", "groups": {"Meldungen": Role.MEMBER}})
    one = [Match(row=row, user=None, username="a")]
    assert plan(one, announcements=frozenset({"Meldungen"})).new_groups == {"Meldungen": GroupKind.ANNOUNCEMENT}
    team = Existing(groups={"Meldungen": a_group(COMPANY, name="Meldungen")})
    for existing, name in ((team, "Meldungen"), (Existing(), "Unbekannt")):
        with pytest.raises(FaultyFile) as refusal:
            plan(one, existing, announcements=frozenset({name}))
        assert name in str(refusal.value.faults[0])


def told(made: ImportPlan) -> list[str]:
    found = import_diff.diff(COMPANY, made)
    return [*(line for _, line in import_diff.lines(found)), import_diff.summary(found)]


def test_the_plan_is_told_in_words() -> None:
    new, old, gone = rows(
        {
            "display_name": "Neu",
            "active": False,
            "groups": {"Nord": Role.MODERATOR},
            "attributes": {"site": ("A", "B")},
        },
        {"display_name": "Otto Ost", "email": "o@firma.test", "groups": {}, "attributes": {"role": ("Chef",)}},
        {"display_name": "Petra Müller", "active": False},
    )
    tagged = replace(HIRED, attributes={"role": ("Glas",)})
    made = plan(
        [
            Match(row=new, user=None, username="neu"),
            Match(row=old, user=tagged, username="otto"),
            Match(row=gone, user=PETRA, username=PETRA.username),
        ],
        Existing(groups={"Nord": NORTH}, roles={NORTH.id: {PETRA.id: Role.MEMBER}}),
        missing=[NAMESAKE],
    )
    assert told(made) == [
        "add user neu: Neu: active — → no, attributes.site — → A; B",
        "change user otto: email — → o@firma.test, attributes.role Glas → Chef",
        "off-board user petra.mueller: active yes → no",
        "off-board user petra.mueller2: is not in the file",
        "change circle of Nord: + neu (moderator), - petra.mueller",
        "3 people in the file: 1 added, 1 changed, 1 off-boarded, 1 missing and off-boarded, 0 unchanged; "
        "0 groups added, 1 circles changed",
    ]


def test_programs_are_told_the_same() -> None:
    (row,) = rows({"display_name": "Neu", "groups": {"Nord": Role.MEMBER}, "leaves_on": AT.date() + timedelta(days=9)})
    found = import_diff.diff(COMPANY, plan([Match(row=row, user=None, username="neu")]))
    assert json.loads(json.dumps(import_diff.as_json(found))) == {
        "people": 1,
        "unchanged": 0,
        "strangers": 0,
        "added": [{"username": "neu", "display_name": "Neu", "external_id": None, "changes": []}],
        "changed": [],
        "off_boarded": [],
        "missing": [],
        "held": [],
        "dates": [
            {
                "username": "neu",
                "event": "leaves",
                "on": (AT.date() + timedelta(days=9)).isoformat(),
                "outcome": "scheduled",
                "moved_from": None,
                "why": None,
            }
        ],
        "groups": [{"name": "Nord", "kind": "team"}],
        "circles": [{"group": "Nord", "put": {"neu": "member"}, "removed": []}],
    }


BERLIN = a_company(timezone="Europe/Berlin")
TODAY = AT.date()
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


@pytest.mark.parametrize(
    ("facts", "known_active", "active", "ahead"),
    [
        ({"leaves_on": YESTERDAY}, True, False, []),
        ({"leaves_on": YESTERDAY, "active": True}, False, False, []),
        ({"leaves_on": TODAY}, True, True, [("leaves", TODAY)]),
        ({"leaves_on": TOMORROW}, True, True, [("leaves", TOMORROW)]),
        ({"leaves_on": TOMORROW}, False, False, []),
        ({"joined_on": TOMORROW}, None, False, [("joins", TOMORROW)]),
        ({"joined_on": TOMORROW}, True, True, []),
        ({"joined_on": TOMORROW, "active": True}, False, False, [("joins", TOMORROW)]),
        ({"joined_on": TOMORROW, "active": False}, None, False, []),
        ({"joined_on": TODAY}, None, True, []),
    ],
)
def test_dates_only_ever_close(
    facts: dict[str, Any], known_active: bool | None, active: bool, ahead: list[tuple[str, date]]
) -> None:
    user = None if known_active is None else replace(HIRED, active=known_active)
    (row,) = rows({"display_name": "Otto Ost"} | facts)
    made = plan([Match(row=row, user=user, username="otto")])
    after = [*made.added, *(new for _, new in made.changed), *([user] if user else [])][0]
    assert after.active is active
    assert [(one.event, one.on) for one in import_diff.diff(COMPANY, made).dates] == ahead


def test_who_left_before_ever_being_here_stays_out() -> None:
    gone, here = rows(
        {"display_name": "Lange Weg", "leaves_on": YESTERDAY, "groups": {"Alt": Role.MEMBER}},
        {"display_name": "Noch Da", "groups": {"Neu": Role.MEMBER}},
    )
    made = plan([Match(row=gone, user=None, username="lange"), Match(row=here, user=None, username="noch")])
    assert [user.username for user in made.added] == ["noch"]
    assert made.new_groups.keys() == {"Neu"}
    assert told(made)[-1].startswith("2 people in the file: 1 added, 0 changed, 1 left before they came, 0 unchanged")


def test_a_day_begins_where_the_company_is() -> None:
    late = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert local_day(BERLIN, late) == date(2027, 1, 1)
    (row,) = rows({"display_name": "Otto Ost", "leaves_on": date(2026, 12, 31)})
    made = plan_import(
        [Match(row=row, user=HIRED, username="otto")], Existing(), company=BERLIN, now=late, make_id=ids.new_id
    )
    assert [after.active for _, after in made.changed] == [False]


def test_too_many_attributes_are_a_fault_of_the_line() -> None:
    full = replace(HIRED, attributes={f"a{n}": ("x",) for n in range(30)})
    (row,) = rows({"display_name": "Otto Ost", "attributes": {"site": ("Nord",)}})
    with pytest.raises(FaultyFile) as refusal:
        plan([Match(row=row, user=full, username="otto")])
    assert [str(fault) for fault in refusal.value.faults] == ["line 2: A person has at most 30 attributes."]
