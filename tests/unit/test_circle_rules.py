"""Whatever is done to people, rules, members and exceptions: who is in by rule is exactly whom the rule means."""

import asyncio
from collections.abc import Awaitable, Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from kleanxmpp import circle_rules, circles, companies, errors, group_records, group_rules, groups, rule_text, users
from kleanxmpp.drafts import NewUser
from kleanxmpp.edits import UserPatch
from kleanxmpp.groups import GroupPatch
from kleanxmpp.model import Company, Role
from kleanxmpp.ports import UserFilter
from kleanxmpp.testing_directory import MemoryDirectory
from tests.factories import AT

PEOPLE = 4
RULES = ('site = "A"', 'site = "B" and not role = "X"', 'role in ("X", "Y") or user.locale = "en"')
SITES, ROLES = st.sampled_from([(), ("A",), ("B",), ("A", "B")]), st.sampled_from([(), ("X",), ("Y",)])
who = st.integers(0, PEOPLE - 1)
some = st.sets(who, max_size=PEOPLE)
roles = st.sampled_from([None, Role.MEMBER, Role.MODERATOR])
steps = st.one_of(
    st.tuples(st.just("told"), who, SITES, ROLES, st.sampled_from(["de", "en"])),
    st.tuples(st.just("put"), who, roles),
    st.tuples(st.sampled_from(["remove", "except", "lift", "deactivate", "erase"]), who),
    st.tuples(st.just("replace"), some, some),
    st.tuples(st.just("rule"), st.sampled_from(RULES)),
    st.tuples(st.just("without"), st.booleans()),
)


@given(st.lists(steps, max_size=12))
@settings(max_examples=150, deadline=None)
def test_who_is_in_by_rule_is_whom_the_rule_means(done: list[tuple[object, ...]]) -> None:
    asyncio.run(_walk(done))


async def _walk(done: list[tuple[object, ...]]) -> None:
    directory = MemoryDirectory()
    company = await companies.add_company(directory, domain="a.test", name="A", actor="test", now=AT)
    group = await groups.add_group(directory, company, name="G", rule=rule_text.parse(RULES[0]), actor="test", now=AT)
    people = [
        (await users.add_user(directory, company, NewUser(display_name=f"P {n}"), actor="test", now=AT)).id
        for n in range(PEOPLE)
    ]
    for step in done:
        try:
            await _step(directory, company, group.id, people, step)
        except (errors.Conflict, errors.NotFound, errors.Invalid):
            continue  # refused: then nothing changed, which the check below sees
        finally:
            await _check(directory, company, group.id)


async def _step(
    directory: MemoryDirectory, company: Company, group_id: str, people: list[str], step: tuple[object, ...]
) -> None:
    match step:
        case ("told", int(one), sites, roles, locale):
            said = {"site": sites, "role": roles}
            patch = UserPatch(fields=frozenset({"attributes", "locale"}), attributes=said, locale=locale)  # type: ignore[arg-type]  # drawn from strategies
            await users.update_user(directory, company, people[one], patch, actor="test", now=AT)
        case ("put", int(one), role):
            await circles.change_circle(
                directory,
                company,
                group_id,
                put={people[one]: role},  # type: ignore[dict-item]  # drawn from a strategy
                actor="test",
                now=AT,
            )
        case ("remove", int(one)):
            await circles.change_circle(
                directory, company, group_id, put={}, remove=[people[one]], actor="test", now=AT
            )
        case ("replace", set(members), set(moderators)):
            wanted = {people[one]: Role.MODERATOR if one in moderators else Role.MEMBER for one in members}
            await circles.replace_circle(directory, company, group_id, wanted, actor="test", now=AT)
        case ("rule", str(text)):
            patch_rule = GroupPatch(rule=rule_text.parse(text))
            await groups.update_group(directory, company, group_id, patch_rule, actor="test", now=AT)
        case ("without", bool(keep)):
            without = GroupPatch(without_rule=True, keep_members=keep)
            await groups.update_group(directory, company, group_id, without, actor="test", now=AT)
        case ("except" | "lift" as what, int(one)):
            use_case: Callable[..., Awaitable[object]] = (
                group_rules.add_exception if what == "except" else group_rules.remove_exception
            )
            await use_case(directory, company, group_id, people[one], actor="test", now=AT)
        case ("deactivate", int(one)):
            await users.deactivate(directory, company, people[one], actor="test", reason=None, now=AT)
        case ("erase", int(one)):
            await users.erase(directory, company, people[one], actor="test", reason=None, now=AT)


async def _check(directory: MemoryDirectory, company: Company, group_id: str) -> None:
    async with directory.read() as tx:
        group = await group_records.existing(tx, company, group_id)
        standing = (await tx.standings([group.id])).get(group.id, {})
        excepted = (await tx.excepted([group.id])).get(group.id, frozenset())
        everybody = await tx.page_users(company.id, after=None, limit=99, matching=UserFilter())
        for user in everybody:
            one = standing.get(user.id)
            if user.erasing or (one is not None and not one.by_rule):
                continue
            wanted = circle_rules.meant(group.rule, user) and user.id not in excepted
            assert (one is not None) == wanted, (user, group.rule)
            if one is not None:
                assert one.role is Role.MEMBER
            why = await group_rules.explain(tx, company, group.id, user.id)
            assert (why.standing is not None) == (why.holds is True and not why.excepted)
