"""What SCIM said about people and groups, and how both are searched.

What must be looked up fast is asked for by id, from a UNION of two indexes: an OR over two tables would scan.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Executable,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    false,
    func,
    or_,
    select,
    union_all,
)

from kleanxmpp.db.engine import Inserting
from kleanxmpp.db.rows import value_of
from kleanxmpp.db.session import Part, chunks
from kleanxmpp.db.tables import groups, memberships, users
from kleanxmpp.db.tables_scim import scim_groups, scim_users
from kleanxmpp.model import Group, User
from kleanxmpp.scim_ports import (
    AllOf,
    AnyOf,
    Compared,
    Condition,
    Field,
    Relation,
    ScimCircle,
    ScimGroup,
    ScimPerson,
    ScimUser,
    Slice,
    ascii_lower,
)

_KEPT_USER = [column.label(f"kept_{column.name}") for column in scim_users.c]
_KEPT_GROUP = [column.label(f"kept_{column.name}") for column in scim_groups.c]
_UNSAID_USER = scim_users.c.user_id.is_(None)
_USER_FIELDS: Mapping[Field, ColumnElement[Any]] = {
    Field.ID: users.c.id,
    Field.EXTERNAL_ID: func.coalesce(scim_users.c.external_id, users.c.external_id),
    Field.USER_NAME: func.coalesce(scim_users.c.user_name_key, users.c.own_name_key),
    Field.DISPLAY_NAME: func.lower(users.c.display_name),
    Field.EMAIL: users.c.own_name_key,
    Field.ACTIVE: users.c.active,
    Field.CREATED: users.c.created_at,
    Field.CHANGED: func.coalesce(scim_users.c.changed_at, users.c.created_at, type_=scim_users.c.changed_at.type),
}
_GROUP_FIELDS: Mapping[Field, ColumnElement[Any]] = {
    Field.ID: groups.c.id,
    Field.EXTERNAL_ID: scim_groups.c.external_id,
    Field.DISPLAY_NAME: func.lower(groups.c.name),
    Field.CREATED: groups.c.created_at,
    Field.CHANGED: func.coalesce(scim_groups.c.changed_at, groups.c.created_at, type_=scim_groups.c.changed_at.type),
}
_IS_ONE: BindParameter[Any] = bindparam("names", expanding=True)
_HERE = (users.c.company_id == bindparam("company_id"), users.c.erasing == false())
_NAME_HOLDERS = union_all(
    select(scim_users.c.user_name_key.label("name"), users.c.id)
    .join_from(scim_users, users, users.c.id == scim_users.c.user_id)
    .where(scim_users.c.company_id == bindparam("company_id"), scim_users.c.user_name_key.in_(_IS_ONE), *_HERE),
    select(users.c.own_name_key.label("name"), users.c.id)
    .outerjoin_from(users, scim_users, scim_users.c.user_id == users.c.id)
    .where(users.c.own_name_key.in_(_IS_ONE), *_HERE, _UNSAID_USER),
)
_EXACT = {Field.ID, Field.EXTERNAL_ID}
_FOLDED = {Field.USER_NAME, Field.EMAIL}


class Scim(Part):
    """The transaction's part about what SCIM said."""

    __slots__ = ()

    async def scim_person(self, company_id: str, user_id: str) -> ScimPerson | None:
        row = await self._session.row(_people(company_id, None, *_KEPT_USER).where(users.c.id == user_id))
        return row and _person(row)

    async def find_scim_people(self, company_id: str, where: Condition | None, part: Slice) -> Sequence[ScimPerson]:
        query = _people(company_id, where, *_KEPT_USER)
        return [_person(row) for row in await self._session.rows(_sliced(query, part, _USER_FIELDS, users.c.id))]

    async def count_scim_people(self, company_id: str, where: Condition | None) -> int:
        return int(await self._session.scalar(_people(company_id, where).with_only_columns(func.count())))

    async def scim_name_holders(self, company_id: str, user_names: Collection[str]) -> Mapping[str, Collection[str]]:
        holders: dict[str, set[str]] = defaultdict(set)
        for some in chunks({name.casefold() for name in user_names}):
            for row in await self._session.rows(_NAME_HOLDERS, {"company_id": company_id, "names": some}):
                holders[row.name].add(row.id)
        return {name: holders[name.casefold()] for name in user_names if name.casefold() in holders}

    async def save_scim_users(self, kept: Sequence[ScimUser]) -> None:
        rows = [_row(one) | {"user_name_key": one.user_name.casefold()} for one in kept]
        async with self._session.whole(rows=len(rows)):
            await self._session.run_many(_replacing(self._session.inserting, scim_users, "user_id"), rows)

    async def delete_scim_user(self, company_id: str, user_id: str) -> None:
        mine = (scim_users.c.company_id == company_id, scim_users.c.user_id == user_id)
        await self._session.run(delete(scim_users).where(*mine))

    async def scim_circle(self, company_id: str, group_id: str) -> ScimCircle | None:
        row = await self._session.row(_circles(company_id, None, *_KEPT_GROUP).where(groups.c.id == group_id))
        return row and _circle(row)

    async def find_scim_circles(self, company_id: str, where: Condition | None, part: Slice) -> Sequence[ScimCircle]:
        query = _circles(company_id, where, *_KEPT_GROUP)
        return [_circle(row) for row in await self._session.rows(_sliced(query, part, _GROUP_FIELDS, groups.c.id))]

    async def count_scim_circles(self, company_id: str, where: Condition | None) -> int:
        return int(await self._session.scalar(_circles(company_id, where).with_only_columns(func.count())))

    async def save_scim_group(self, kept: ScimGroup) -> None:
        async with self._session.whole(rows=1):
            await self._session.run_many(_replacing(self._session.inserting, scim_groups, "group_id"), [_row(kept)])

    async def scim_members(self, group_ids: Collection[str]) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        query = select(memberships.c.group_id, users.c.id)
        query = query.join_from(memberships, users, users.c.id == memberships.c.user_id)
        query = query.where(users.c.erasing == false()).order_by(users.c.username)
        for some in chunks(group_ids):
            for row in await self._session.rows(query.where(memberships.c.group_id.in_(some))):
                found[row.group_id].append(row.id)
        return found


def _people(company_id: str, where: Condition | None, *kept: ColumnElement[Any]) -> Select[Any]:
    query = select(users, *kept).outerjoin_from(users, scim_users, scim_users.c.user_id == users.c.id)
    query = query.where(users.c.company_id == company_id, users.c.erasing == false())
    return query if where is None else query.where(_rendered(where, lambda one: _of_user(company_id, one)))


def _circles(company_id: str, where: Condition | None, *kept: ColumnElement[Any]) -> Select[Any]:
    query = select(groups, *kept).outerjoin_from(groups, scim_groups, scim_groups.c.group_id == groups.c.id)
    query = query.where(groups.c.company_id == company_id, groups.c.deleted == false())
    return query if where is None else query.where(_rendered(where, _of_group))


def _sliced(
    query: Select[Any], part: Slice, fields: Mapping[Field, ColumnElement[Any]], last: ColumnElement[Any]
) -> Select[Any]:
    by = [last] if part.order is None else [fields[part.order], last]
    query = query.order_by(*((column.desc().nulls_last() if part.descending else column.nulls_last()) for column in by))
    return query.offset(part.offset).limit(part.limit)


def _rendered(condition: Condition, leaf: Callable[[Compared], ColumnElement[bool]]) -> ColumnElement[bool]:
    match condition:
        case AllOf(terms):
            return and_(*(_rendered(term, leaf) for term in terms))
        case AnyOf(terms):
            return or_(false(), *(_rendered(term, leaf) for term in terms))
        case Compared():
            return leaf(condition)


def _of_user(company_id: str, one: Compared) -> ColumnElement[bool]:
    if one.relation is Relation.EQ and one.field is Field.USER_NAME:
        said = scim_users.c.user_name_key == str(one.value).casefold()
        return users.c.id.in_(_by_either(company_id, said, users.c.own_name_key == str(one.value).casefold()))
    if one.relation is Relation.EQ and one.field is Field.EXTERNAL_ID:
        said = scim_users.c.external_id == one.value
        return users.c.id.in_(_by_either(company_id, said, users.c.external_id == one.value))
    compared = _compared(_USER_FIELDS[one.field], one)
    return and_(users.c.email.is_not(None), compared) if one.field is Field.EMAIL else compared


def _of_group(one: Compared) -> ColumnElement[bool]:
    if one.field is Field.MEMBER:
        return groups.c.id.in_(select(memberships.c.group_id).where(memberships.c.user_id == one.value))
    return _compared(_GROUP_FIELDS[one.field], one)


def _by_either(company_id: str, said: ColumnElement[bool], own: ColumnElement[bool]) -> CompoundSelect[Any]:
    kept, person = scim_users.alias(), users
    known = select(scim_users.c.user_id.label("id")).where(scim_users.c.company_id == company_id, said)
    unsaid = ~exists().where(kept.c.user_id == person.c.id)
    others = select(person.c.id.label("id")).where(person.c.company_id == company_id, own, unsaid).correlate(None)
    return union_all(known.correlate(None), others)


def _compared(column: ColumnElement[Any], one: Compared) -> ColumnElement[bool]:
    value: Any = one.value
    if isinstance(value, str) and one.field not in _EXACT:
        value = value.casefold() if one.field in _FOLDED else ascii_lower(value)
    rendered: Mapping[Relation, Callable[[], ColumnElement[bool]]] = {
        Relation.EQ: lambda: column == value,
        Relation.STARTS: lambda: column.startswith(value, autoescape=True),
        Relation.CONTAINS: lambda: column.contains(value, autoescape=True),
        Relation.AFTER: lambda: column > value,
        Relation.SINCE: lambda: column >= value,
        Relation.BEFORE: lambda: column < value,
        Relation.UNTIL: lambda: column <= value,
    }
    return rendered[one.relation]()


@cache
def _replacing(inserting: Inserting, table: Table, key: str) -> Executable:
    """Return the statement that inserts rows or replaces those with the same key."""
    put = inserting(table)
    return put.on_conflict_do_update(index_elements=[key], set_={one.name: put.excluded[one.name] for one in table.c})


def _row(kept: ScimUser | ScimGroup) -> dict[str, object]:
    return {name: getattr(kept, name) for name in kept.__slots__} | {"document": dict(kept.document)}


def _person(row: Row[Any]) -> ScimPerson:
    return ScimPerson(user=value_of(User, row), kept=_kept(ScimUser, row, row.kept_user_id))


def _circle(row: Row[Any]) -> ScimCircle:
    return ScimCircle(group=value_of(Group, row), kept=_kept(ScimGroup, row, row.kept_group_id))


def _kept(cls: Any, row: Row[Any], key: str | None) -> Any:  # noqa: ANN401 - one of two classes of the same shape
    if key is None:
        return None
    found = row._mapping
    return cls(**{name: found[f"kept_{name}"] for name in cls.__slots__})
