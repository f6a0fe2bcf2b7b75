"""Circles follow rules, on both directories: who comes, who goes, who stays whatever they say, and what it costs."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from kleanxmpp import (
    circles,
    companies,
    csv_file,
    edits,
    errors,
    exporting,
    group_rules,
    groups,
    importing,
    rule_text,
    rule_words,
    users,
)
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.statements import count_statements
from kleanxmpp.drafts import NewUser
from kleanxmpp.due import Aspect, ScopeKind
from kleanxmpp.edits import UserPatch
from kleanxmpp.group_rules import Because
from kleanxmpp.groups import GroupPatch
from kleanxmpp.model import AuditEntry, Company, Group, Role, User
from kleanxmpp.ports import Directory
from tests.factories import AT, a_user
from tests.sqlite import migrated_database

BY: dict[str, Any] = {"actor": "token:test", "now": AT}
CLEANERS = rule_text.parse('site = "Objekt 12" and role in ("Reinigung", "Glas")')
HERE = {"site": ("Objekt 12",), "role": ("Reinigung",)}
THERE = {"site": ("Objekt 7",), "role": ("Reinigung",)}


@pytest.fixture
async def company(directory: Directory) -> Company:
    return await companies.add_company(directory, domain="firma.test", name="Firma", actor="test", now=AT)


async def hired(directory: Directory, company: Company, name: str, **facts: Any) -> User:
    new = NewUser(display_name=name, username=name.lower(), **facts)
    return await users.add_user(directory, company, new, **BY)


async def told(directory: Directory, company: Company, user: User, **attributes: tuple[str, ...]) -> User:
    patch = UserPatch(fields=frozenset({"attributes"}), attributes=attributes)
    return await users.update_user(directory, company, user.id, patch, **BY)


async def ruled(directory: Directory, company: Company, name: str = "Objekt 12", *, rule: str | None = None) -> Group:
    return await groups.add_group(directory, company, name=name, rule=rule_text.parse(rule) if rule else CLEANERS, **BY)


async def circle(directory: Directory, group: Group) -> dict[str, str]:
    """Return the circle: username -> `rule`, or the role of a fixed member."""
    async with directory.read() as tx:
        found = await tx.page_members(group.id, after=None, limit=100_000)
    return {one.user.username: "rule" if one.by_rule else one.role.value for one in found}


async def changed(
    directory: Directory, company: Company, group: Group, put: Mapping[str, Role | None], *out: str
) -> None:
    await circles.change_circle(directory, company, group.id, put=put, remove=out, **BY)


async def audit(directory: Directory, company: Company, action: str) -> Sequence[AuditEntry]:
    async with directory.read() as tx:
        return [one for one in await tx.page_audit(company.id, before=None, limit=500) if one.action == action]


async def why(directory: Directory, company: Company, group: Group, user: User) -> group_rules.Explanation:
    async with directory.read() as tx:
        return await group_rules.explain(tx, company, group.id, user.id)


async def test_people_come_and_go_with_what_is_known_about_them(directory: Directory, company: Company) -> None:
    group, other = await ruled(directory, company), await ruled(directory, company, "Sieben", rule='site = "objekt  7"')
    anna = await hired(directory, company, "Anna", attributes=HERE)
    bob = await hired(directory, company, "Bob")
    assert await circle(directory, group) == {"anna": "rule"}
    await told(directory, company, bob, **HERE)
    await told(directory, company, anna, site=("Objekt 7",))
    assert (await circle(directory, group), await circle(directory, other)) == ({"bob": "rule"}, {"anna": "rule"})
    await told(directory, company, anna, site=("OBJEKT 12", "Objekt 7"))
    assert (await circle(directory, group), await circle(directory, other)) == (
        {"anna": "rule", "bob": "rule"},
        {"anna": "rule"},
    )
    await told(directory, company, bob, role=())
    assert await circle(directory, group) == {"anna": "rule"}
    entry, *_ = await audit(directory, company, "group.circle_changed")
    assert entry.details == {"put": {}, "removed": [bob.id], "by_rule": True, "size": 1}


async def test_a_circle_that_its_rule_leaves_empty_is_a_warning(
    directory: Directory, company: Company, caplog: pytest.LogCaptureFixture
) -> None:
    anna, group = await hired(directory, company, "Anna", attributes=HERE), await ruled(directory, company)
    assert not caplog.records
    await told(directory, company, anna, site=())
    (record,) = caplog.records
    assert (record.levelname, record.message) == ("WARNING", "a rule left its group empty")
    assert vars(record)["group"] == group.id


async def test_what_comes_and_goes_is_due_on_the_server(directory: Directory, company: Company) -> None:
    group, bob = await ruled(directory, company), await hired(directory, company, "Bob")
    async with directory.write() as tx:
        for due in await tx.page_due(company.id, limit=9):
            await tx.finish_due([due])
    await told(directory, company, bob, **HERE)
    async with directory.read() as tx:
        (due,) = await tx.page_due(company.id, limit=9)
        person = await tx.person(company.id, bob.id)
    assert (due.scope.kind, due.scope.id) == (ScopeKind.USER, bob.id)
    assert due.aspects == Aspect.CIRCLES | Aspect.BOOKMARKS
    assert person is not None
    assert [one.group.id for one in person.circles] == [group.id]


async def test_language_and_address_count_too(directory: Directory, company: Company) -> None:
    rule = 'user.locale = "en" or user.email_domain = "nord.example"'
    group, anna = await ruled(directory, company, rule=rule), await hired(directory, company, "Anna")
    for fields in ({"locale": "en"}, {"email": "anna@Nord.example"}):
        await users.update_user(directory, company, anna.id, UserPatch(fields=frozenset(fields), **fields), **BY)
        assert await circle(directory, group) == {"anna": "rule"}
    back = UserPatch(fields=frozenset({"locale", "email"}), locale="de", email=None)
    await users.update_user(directory, company, anna.id, back, **BY)
    assert await circle(directory, group) == {}


async def test_who_may_not_chat_stays_a_member_and_who_is_erased_does_not_come(
    directory: Directory, company: Company
) -> None:
    anna, bob, carl = [await hired(directory, company, name, attributes=HERE) for name in ("Anna", "Bob", "Carl")]
    await users.erase(directory, company, carl.id, reason=None, **BY)
    group = await ruled(directory, company)
    await users.deactivate(directory, company, anna.id, reason=None, **BY)
    assert await circle(directory, group) == {"anna": "rule", "bob": "rule"}
    await users.erase(directory, company, bob.id, reason=None, **BY)
    with pytest.raises(errors.NotFound):
        await why(directory, company, group, carl)


async def test_a_rule_is_set_changed_and_removed(directory: Directory, company: Company) -> None:
    anna = await hired(directory, company, "Anna", attributes=HERE)
    bob = await hired(directory, company, "Bob", attributes=THERE)
    group = await groups.add_group(directory, company, name="Team", **BY)
    await changed(directory, company, group, {bob.id: Role.MODERATOR})
    after = await groups.update_group(directory, company, group.id, GroupPatch(rule=CLEANERS), **BY)
    assert (after.rule, after.version, after.circle_version) == (CLEANERS, 2, 3)
    assert await circle(directory, group) == {"anna": "rule", "bob": "moderator"}
    elsewhere = rule_text.parse('site = "Objekt 7"')
    await groups.update_group(directory, company, group.id, GroupPatch(rule=elsewhere), **BY)
    assert await circle(directory, group) == {"bob": "moderator"}, "a fixed member stays what they are"
    await groups.update_group(directory, company, group.id, GroupPatch(rule=CLEANERS), **BY)
    await groups.update_group(directory, company, group.id, GroupPatch(without_rule=True), **BY)
    assert await circle(directory, group) == {"bob": "moderator"}
    await told(directory, company, anna, role=("Glas",))
    assert await circle(directory, group) == {"bob": "moderator"}, "there is no rule any more"
    fields = [entry.details for entry in await audit(directory, company, "group.changed")]
    assert fields == [{"fields": ["rule"]}] * 4


async def test_members_of_a_removed_rule_can_be_kept(directory: Directory, company: Company) -> None:
    await hired(directory, company, "Anna", attributes=HERE)
    group = await ruled(directory, company)
    patch = GroupPatch(without_rule=True, keep_members=True)
    after = await groups.update_group(directory, company, group.id, patch, **BY)
    assert (after.rule, after.circle_version) == (None, group.circle_version + 1)
    (entry,) = await audit(directory, company, "group.changed")
    assert entry.details == {"fields": ["rule"], "kept": 1}
    assert await circle(directory, group) == {"anna": "member"}


async def test_whoever_is_put_is_fixed_from_then_on(directory: Directory, company: Company) -> None:
    group = await ruled(directory, company)
    anna, bob = [await hired(directory, company, name, attributes=HERE) for name in ("Anna", "Bob")]
    await changed(directory, company, group, {anna.id: None, bob.id: Role.MODERATOR})
    for user in (anna, bob):
        await told(directory, company, user, site=("Objekt 7",))
    assert await circle(directory, group) == {"anna": "member", "bob": "moderator"}


async def test_who_is_in_by_the_rule_is_not_taken_out_by_hand(directory: Directory, company: Company) -> None:
    group = await ruled(directory, company)
    anna, bob = [await hired(directory, company, name, attributes=HERE) for name in ("Anna", "Bob")]
    carl = await hired(directory, company, "Carl")
    await changed(directory, company, group, {carl.id: None})
    with pytest.raises(errors.Conflict, match="add an exception") as refused:
        await changed(directory, company, group, {}, carl.id, anna.id)
    assert refused.value.field == "remove"
    assert await circle(directory, group) == {"anna": "rule", "bob": "rule", "carl": "member"}
    await changed(directory, company, group, {bob.id: Role.MODERATOR})
    await changed(directory, company, group, {}, carl.id, bob.id)
    assert await circle(directory, group) == {"anna": "rule", "bob": "rule"}, "a fixed member falls back to the rule"


async def test_a_whole_circle_is_its_fixed_part(directory: Directory, company: Company) -> None:
    group = await ruled(directory, company)
    anna, bob, _, dora = [
        await hired(directory, company, name, attributes=HERE) for name in ("Anna", "Bob", "Carl", "Dora")
    ]
    emil, fred = await hired(directory, company, "Emil"), await hired(directory, company, "Fred")
    await changed(directory, company, group, {dora.id: Role.MODERATOR, emil.id: None})
    wanted = {anna.id: Role.MEMBER, bob.id: Role.MODERATOR, fred.id: Role.MEMBER}
    await circles.replace_circle(directory, company, group.id, wanted, **BY)
    expected = {"anna": "rule", "bob": "moderator", "carl": "rule", "dora": "rule", "fred": "member"}
    assert await circle(directory, group) == expected
    async with directory.read() as tx:
        shown = await tx.roles(group.id)
    before = len(await audit(directory, company, "group.circle_changed"))
    await circles.replace_circle(directory, company, group.id, shown, **BY)
    assert await circle(directory, group) == expected, "what was read can be written back"
    assert len(await audit(directory, company, "group.circle_changed")) == before


async def test_an_exception_keeps_somebody_out_whatever_the_rule(directory: Directory, company: Company) -> None:
    group, anna = await ruled(directory, company), await hired(directory, company, "Anna", attributes=HERE)
    for _ in range(2):
        found = await group_rules.add_exception(directory, company, group.id, anna.id, **BY)
        assert (found.user, found.standing) == (anna, None)
    assert await circle(directory, group) == {}
    anna = await told(directory, company, anna, role=("Glas",))
    await groups.update_group(directory, company, group.id, GroupPatch(without_rule=True), **BY)
    await groups.update_group(directory, company, group.id, GroupPatch(rule=CLEANERS), **BY)
    assert await circle(directory, group) == {}
    for _ in range(2):
        await group_rules.remove_exception(directory, company, group.id, anna.id, **BY)
        assert await circle(directory, group) == {"anna": "rule"}
    for action in ("group.exception_added", "group.exception_removed"):
        assert [entry.details for entry in await audit(directory, company, action)] == [{"user": anna.id}]


async def test_an_exception_holds_for_who_matches_only_later(directory: Directory, company: Company) -> None:
    group, anna = await ruled(directory, company), await hired(directory, company, "Anna")
    await group_rules.add_exception(directory, company, group.id, anna.id, **BY)
    await told(directory, company, anna, **HERE)
    assert await circle(directory, group) == {}


async def test_a_fixed_member_who_is_being_erased_does_not_fall_back_to_the_rule(
    directory: Directory, company: Company
) -> None:
    group, anna = await ruled(directory, company), await hired(directory, company, "Anna", attributes=HERE)
    await changed(directory, company, group, {anna.id: None})
    await users.erase(directory, company, anna.id, reason=None, **BY)
    await changed(directory, company, group, {}, anna.id)
    assert await circle(directory, group) == {}


async def test_a_fixed_member_leaves_for_good_once_there_is_an_exception(
    directory: Directory, company: Company
) -> None:
    group, anna = await ruled(directory, company), await hired(directory, company, "Anna", attributes=HERE)
    await changed(directory, company, group, {anna.id: Role.MODERATOR})
    found = await group_rules.add_exception(directory, company, group.id, anna.id, **BY)
    assert found.standing is not None
    assert await circle(directory, group) == {"anna": "moderator"}
    await changed(directory, company, group, {}, anna.id)
    assert await circle(directory, group) == {}
    await changed(directory, company, group, {anna.id: None})
    await group_rules.remove_exception(directory, company, group.id, anna.id, **BY)
    assert await circle(directory, group) == {"anna": "member"}


async def test_whoever_takes_a_group_over_is_fixed(directory: Directory, company: Company) -> None:
    group = await ruled(directory, company)
    boss = await hired(directory, company, "Boss")
    await hired(directory, company, "Anna", attributes=HERE, admin=True)
    await changed(directory, company, group, {boss.id: Role.MODERATOR})
    await users.deactivate(directory, company, boss.id, reason=None, **BY)
    assert await circle(directory, group) == {"anna": "moderator", "boss": "moderator"}


async def test_a_file_says_who_is_fixed(directory: Directory, company: Company) -> None:
    group = await ruled(directory, company)
    for name in ("Anna", "Bob"):
        await hired(directory, company, name, attributes=HERE)
    lines = ["username,display_name,groups\n", "anna,Anna,Objekt 12\n", "bob,Bob,\n"]
    rows = csv_file.parse([line.encode() for line in lines])
    for _ in range(2):
        plan = await importing.import_people(directory, company, rows, reason=None, **BY)
        assert await circle(directory, group) == {"anna": "member", "bob": "rule"}
    assert plan.empty


async def test_an_export_that_is_read_back_leaves_who_is_in_by_the_rule_to_the_rule(
    directory: Directory, company: Company
) -> None:
    group, team = await ruled(directory, company), await groups.add_group(directory, company, name="Team", **BY)
    anna, bob, carl = [await hired(directory, company, name, attributes=HERE) for name in ("Anna", "Bob", "Carl")]
    dora = await hired(directory, company, "Dora", attributes=THERE)
    await changed(directory, company, group, {bob.id: Role.MODERATOR, dora.id: None})
    await changed(directory, company, team, {anna.id: None, carl.id: Role.MODERATOR})
    is_so = {"anna": "rule", "bob": "moderator", "carl": "rule", "dora": "member"}
    assert await circle(directory, group) == is_so
    records = await exporting.people(directory, company)
    assert {str(line["username"]): line["groups"] for line in records.lines} == {
        "anna": {"Team": Role.MEMBER},
        "bob": {"Objekt 12": Role.MODERATOR},
        "carl": {"Team": Role.MODERATOR},
        "dora": {"Objekt 12": Role.MEMBER},
    }
    rows = csv_file.parse([exporting.as_csv(records)])
    assert (await importing.import_people(directory, company, rows, reason=None, **BY)).empty
    assert await circle(directory, group) == is_so
    await told(directory, company, anna, site=("Objekt 7",))
    assert await circle(directory, group) == {"bob": "moderator", "carl": "rule", "dora": "member"}, "nobody got stuck"


async def test_whom_a_file_does_not_list_any_more_goes_back_to_the_rule(directory: Directory, company: Company) -> None:
    group = await ruled(directory, company)
    anna, dora = await hired(directory, company, "Anna", attributes=HERE), await hired(directory, company, "Dora")
    await hired(directory, company, "Bob")
    await changed(directory, company, group, {anna.id: Role.MODERATOR, dora.id: None})
    lines = ["username,display_name,site,role,groups\n", "anna,Anna,,,\n", "dora,Dora,,,\n"]
    lines += ["bob,Bob,Objekt 12,Glas,Objekt 12\n", "emil,Emil,Objekt 12,Glas,\n"]
    rows = csv_file.parse([line.encode() for line in lines])
    await importing.import_people(directory, company, rows, reason=None, **BY)
    assert await circle(directory, group) == {"anna": "rule", "bob": "member", "emil": "rule"}
    assert (await importing.import_people(directory, company, rows, reason=None, **BY)).empty


async def test_a_preview_says_who_would_come_and_go_and_changes_nothing(directory: Directory, company: Company) -> None:
    anna, bob = [await hired(directory, company, name, attributes=HERE) for name in ("Anna", "Bob")]
    carl, dora = [await hired(directory, company, name, attributes=THERE) for name in ("Carl", "Dora")]
    group = await ruled(directory, company)
    await changed(directory, company, group, {bob.id: None, dora.id: None})
    async with directory.read() as tx:
        moving = await group_rules.preview(tx, group, rule_text.parse('site = "Objekt 7"'))
        nothing = await group_rules.preview(tx, group, None)
    assert (moving.joining, moving.leaving, moving.total) == ([carl], [anna], 3)
    assert (nothing.joining, nothing.leaving, nothing.total) == ([], [anna], 2)
    assert await circle(directory, group) == {"anna": "rule", "bob": "member", "dora": "member"}


async def test_everybody_can_be_told_why_they_are_in_or_not(directory: Directory, company: Company) -> None:
    group, plain = await ruled(directory, company), await groups.add_group(directory, company, name="Ohne", **BY)
    anna, bob, carl = [await hired(directory, company, name, attributes=HERE) for name in ("Anna", "Bob", "Carl")]
    dora = await hired(directory, company, "Dora", attributes=THERE)
    emil = await hired(directory, company, "Emil", attributes={"site": ("Objekt 12",)})
    await changed(directory, company, group, {bob.id: Role.MODERATOR})
    for user in (bob, carl):
        await group_rules.add_exception(directory, company, group.id, user.id, **BY)
    await users.deactivate(directory, company, anna.id, reason=None, **BY)

    async def said(user: User, about: Group = group) -> tuple[bool, Because, bool | None]:
        found = await why(directory, company, about, user)
        return found.standing is not None, found.because, found.holds

    assert await said(anna) == (True, Because.RULE, True)
    assert await said(bob) == (True, Because.FIXED, True)
    assert await said(carl) == (False, Because.EXCEPTION, True)
    assert await said(dora) == (False, Because.RULE, False)
    assert await said(emil) == (False, Because.RULE, None)
    assert await said(anna, plain) == (False, Because.NO_RULE, None)
    text = "Standort ist „Objekt 12“ und Tätigkeit ist „Reinigung“ oder „Glas“"
    assert list(rule_words.sentences(company, await why(directory, company, group, anna), language="de")) == [
        f"Anna gehört zur Gruppe „Objekt 12“, weil die Regel zutrifft: {text}",
        "Die Mitgliedschaft ruht, solange Anna nicht am Chat teilnimmt.",
        "Standort: verlangt ist „Objekt 12“, bekannt ist „Objekt 12“: erfüllt.",
        "Tätigkeit: verlangt ist „Reinigung“ oder „Glas“, bekannt ist „Reinigung“: erfüllt.",
    ]
    assert list(rule_words.sentences(company, await why(directory, company, group, emil), language="en")) == [
        "Emil is not in the group “Objekt 12” because something that the rule asks for is not known: "
        "site is “Objekt 12” and job is “Reinigung” or “Glas”",
        "site: wanted is “Objekt 12”, known is “Objekt 12”: met.",
        "job: wanted is “Reinigung” or “Glas”, nothing is known: not met.",
    ]
    first, second, *_ = rule_words.sentences(company, await why(directory, company, group, bob), language="en")
    assert first == "Bob is a fixed member of the group “Objekt 12”, whatever a rule says."
    assert second == "There is an exception: the rule does not take Bob in."


async def test_a_group_that_is_deleted_takes_nobody_in(directory: Directory, company: Company) -> None:
    group, bob = await ruled(directory, company), await hired(directory, company, "Bob")
    await groups.delete_group(directory, company, group.id, **BY)
    await told(directory, company, bob, **HERE)
    assert await circle(directory, group) == {}


def test_both_languages_have_the_same_words() -> None:
    assert rule_words.GERMAN.keys() == rule_words.ENGLISH.keys()
    assert {f"out_{one}" for one in ("rule", "exception", "no_rule")} <= rule_words.GERMAN.keys()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqlDirectory]:
    directory = SqlDirectory(await migrated_database(tmp_path / "costs.db"))
    yield directory
    await directory.close()


async def test_rules_cost_one_statement_where_there_are_none_and_the_same_for_many_people_as_for_few(
    database: SqlDirectory,
) -> None:
    company = await companies.add_company(database, domain="firma.test", name="Firma", actor="test", now=AT)

    async def cost(people: int, *, prefix: str) -> tuple[int, int]:
        """Return how many statements mention rules, and how many there are in all, for people who come and move."""
        lines = ["username,display_name\n", *(f"{prefix}{n},{prefix} {n}\n" for n in range(people))]
        await importing.import_people(
            database, company, csv_file.parse([line.encode() for line in lines]), reason=None, **BY
        )
        async with database.write(company.id) as tx:
            found = await tx.users_by_username(company.id, [f"{prefix}{n}" for n in range(people)])
        patch = UserPatch(fields=frozenset({"attributes"}), attributes=HERE)
        with count_statements(database) as sent:
            async with database.write(company.id) as tx:
                pairs = [(user, await edits.patched(tx, company, user, patch)) for user in found.values()]
                await edits.save(tx, company, pairs, reason=None, **BY)
        return sum("groups.rule" in one and "IS NOT NULL" in one for one in sent), len(sent)

    without, _ = await cost(1, prefix="a")
    assert without == 1
    anna = await hired(database, company, "Anna")
    with count_statements(database) as sent:
        await users.deactivate(database, company, anna.id, reason=None, **BY)
    assert not [one for one in sent if "groups.rule" in one and "IS NOT NULL" in one]
    await ruled(database, company)
    few, many = await cost(30, prefix="b"), await cost(1000, prefix="c")
    assert few == many


async def test_a_rule_for_ten_thousand_people_is_evaluated_in_a_moment(database: SqlDirectory) -> None:
    company = await companies.add_company(database, domain="firma.test", name="Firma", actor="test", now=AT)
    people = [a_user(company, attributes=HERE if n % 2 else THERE) for n in range(10_000)]
    async with database.write(company.id) as tx:
        await tx.add_users(people)
    began = time.perf_counter()
    group = await ruled(database, company)
    seconds = time.perf_counter() - began
    assert len(await circle(database, group)) == 5000
    assert seconds < 5, "on a quiet machine well under one"
