"""What SCIM may cost, in statements: one member more costs the same in every circle, a search is a lookup."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from kleanxmpp import tokens
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.statements import count_statements
from kleanxmpp.model import Role
from tests.factories import a_user
from tests.integration.admin_api.desk import SETTINGS, Desk, Store, opened
from tests.integration.scim.client import BULK, USER, Scim, recorded
from tests.integration.scim.conftest import ANYBODY

pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
MANY = 5000


@pytest.fixture
async def desk(store: Store) -> AsyncIterator[Desk]:
    async with store.opened() as directory, opened(directory, settings=replace(SETTINGS, limits=ANYBODY)) as found:
        yield found


@pytest.fixture
async def scim(desk: Desk) -> Scim:
    return Scim(desk=desk, token=await desk.token_for(tokens.SCIM))


async def circle_of(scim: Scim, size: int) -> tuple[str, str]:
    """Return the id of a group with so many members, and of somebody who is none."""
    desk = scim.desk
    people = [a_user(desk.company) for _ in range(size + 1)]
    group_id = (await scim.group(f"Alle {size}"))["id"]
    async with desk.directory.write(desk.company.id) as tx:
        await tx.add_users(people)
        await tx.put_members(group_id, {user.id: Role.MEMBER for user in people[1:]})
    return group_id, people[0].id


@pytest.mark.parametrize(
    "shapes",
    [
        ("entra_default_add_member", "entra_default_remove_member"),
        ("entra_optscim_add_member", "entra_optscim_remove_member"),
        ("okta_oin_add_member", "entra_optscim_remove_member"),
    ],
)
async def test_one_member_of_a_group_of_5000_costs_what_one_of_three_does(scim: Scim, shapes: tuple[str, str]) -> None:
    costs: dict[int, list[int]] = {}
    assert isinstance(scim.desk.directory, SqlDirectory)
    for size in (3, MANY):
        group_id, user_id = await circle_of(scim, size)
        for shape in shapes:
            with count_statements(scim.desk.directory) as sent:
                await scim.call("PATCH", f"/Groups/{group_id}", recorded(shape, id=user_id), expect=204)
            assert "members" not in " ".join(sent).replace("memberships", "")
            costs.setdefault(size, []).append(len(sent))
        assert len(await scim.members(group_id)) == size
    assert costs[MANY] == costs[3]
    assert max(costs[MANY]) <= 40


async def test_a_hundred_new_people_in_one_request_cost_what_three_do(scim: Scim) -> None:
    assert isinstance(scim.desk.directory, SqlDirectory)
    await scim.person("first@x.test")  # that the source was heard of is noted once a minute
    costs: dict[int, int] = {}
    for count in (3, 100):
        people = [{"userName": f"{count}-{n}@x.test", "externalId": f"{count}-{n}"} for n in range(count)]
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": one["userName"], "data": {"schemas": [USER], **one}}
            for one in people
        ]
        with count_statements(scim.desk.directory) as sent:
            done = await scim.call("POST", "/Bulk", {"schemas": [BULK], "Operations": operations}, expect=200)
        assert [one["status"] for one in done.body["Operations"]] == ["201"] * count
        costs[count] = len(sent)
    assert costs[100] == costs[3] <= 30


async def test_a_group_without_its_members_is_read_without_them(scim: Scim) -> None:
    group_id, _ = await circle_of(scim, 30)
    assert isinstance(scim.desk.directory, SqlDirectory)
    for path in (f"/Groups/{group_id}", "/Groups"):
        for members in (True, False):
            query = {} if members else {"excludedAttributes": "members"}
            with count_statements(scim.desk.directory) as sent:
                await scim.call("GET", path, params=query, expect=200)
            assert any("memberships" in statement for statement in sent) is members


async def test_a_user_name_is_looked_up_in_indexes(scim: Scim) -> None:
    assert isinstance(scim.desk.directory, SqlDirectory)
    with count_statements(scim.desk.directory) as sent:
        await scim.found("/Users", filter='userName eq "a" or externalId eq "b"')
    (query,) = [statement for statement in sent if "user_name_key" in statement and "LIMIT" in statement]
    async with scim.desk.directory.engines.reading.connect() as connection:
        plan = (await connection.execute(text("EXPLAIN QUERY PLAN " + query.replace("?", "1")))).all()
    steps = [str(row[3]) for row in plan]
    assert not [step for step in steps if step.startswith("SCAN") and "(subquery" not in step and "anon" not in step], (
        steps
    )
    assert any("own_name_key" in step for step in steps) and any("user_name_key" in step for step in steps)
