"""The part of `MemoryDirectory`'s transaction about what SCIM said."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from kleanxmpp import errors
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
from kleanxmpp.testing_tables import MemoryPart, Tables

Found = TypeVar("Found", ScimPerson, ScimCircle)
Values = Mapping[Field, str | bool | datetime | None]

_RELATIONS: Mapping[Relation, Callable[[str, str], bool]] = {
    Relation.EQ: lambda known, value: known == value,
    Relation.STARTS: lambda known, value: known.startswith(value),
    Relation.CONTAINS: lambda known, value: value in known,
    Relation.AFTER: lambda known, value: known > value,
    Relation.SINCE: lambda known, value: known >= value,
    Relation.BEFORE: lambda known, value: known < value,
    Relation.UNTIL: lambda known, value: known <= value,
}


class MemoryScim(MemoryPart):
    """What SCIM said about people and groups."""

    async def scim_person(self, company_id: str, user_id: str) -> ScimPerson | None:
        return next((one for one in self._people(company_id) if one.user.id == user_id), None)

    async def find_scim_people(self, company_id: str, where: Condition | None, part: Slice) -> Sequence[ScimPerson]:
        return _sliced([one for one in self._people(company_id) if _holds(where, _of_person(one))], part, _of_person)

    async def count_scim_people(self, company_id: str, where: Condition | None) -> int:
        return sum(_holds(where, _of_person(one)) for one in self._people(company_id))

    async def scim_name_holders(self, company_id: str, user_names: Collection[str]) -> Mapping[str, Collection[str]]:
        found: dict[str, set[str]] = {}
        for person in self._people(company_id):
            for name in user_names:
                if person.user_name.casefold() == name.casefold():
                    found.setdefault(name, set()).add(person.user.id)
        return found

    async def save_scim_users(self, kept: Sequence[ScimUser]) -> None:
        with self._changing() as tables:
            known = dict(tables.scim_users)
            for one in kept:
                _check_kept(tables, known, one)
                known[one.user_id] = one
            tables.scim_users.update(known)

    async def delete_scim_user(self, company_id: str, user_id: str) -> None:
        with self._changing() as tables:
            if user_id in tables.scim_users and tables.scim_users[user_id].company_id == company_id:
                del tables.scim_users[user_id]

    async def scim_circle(self, company_id: str, group_id: str) -> ScimCircle | None:
        return next((one for one in self._circles(company_id) if one.group.id == group_id), None)

    async def find_scim_circles(self, company_id: str, where: Condition | None, part: Slice) -> Sequence[ScimCircle]:
        found = [one for one in self._circles(company_id) if _holds(where, self._of_circle(one))]
        return _sliced(found, part, self._of_circle)

    async def count_scim_circles(self, company_id: str, where: Condition | None) -> int:
        return sum(_holds(where, self._of_circle(one)) for one in self._circles(company_id))

    async def save_scim_group(self, kept: ScimGroup) -> None:
        with self._changing() as tables:
            if kept.group_id not in tables.groups:
                raise errors.NotFound
            tables.scim_groups[kept.group_id] = kept

    async def scim_members(self, group_ids: Collection[str]) -> Mapping[str, Sequence[str]]:
        found: dict[str, Sequence[str]] = {}
        for group_id in group_ids:
            people = [self._tables.users[user_id] for user_id in self._tables.circles.get(group_id, {})]
            there = sorted((user for user in people if not user.erasing), key=lambda user: user.username)
            if there:
                found[group_id] = [user.id for user in there]
        return found

    def _people(self, company_id: str) -> Iterable[ScimPerson]:
        for user in self._tables.users.values():
            if user.company_id == company_id and not user.erasing:
                yield ScimPerson(user=user, kept=self._tables.scim_users.get(user.id))

    def _circles(self, company_id: str) -> Iterable[ScimCircle]:
        for group in self._tables.groups.values():
            if group.company_id == company_id and not group.deleted:
                yield ScimCircle(group=group, kept=self._tables.scim_groups.get(group.id))

    def _of_circle(self, one: ScimCircle) -> Values:
        return {
            Field.ID: one.group.id,
            Field.EXTERNAL_ID: one.kept.external_id if one.kept else None,
            Field.DISPLAY_NAME: ascii_lower(one.group.name),
            Field.CREATED: one.group.created_at,
            Field.CHANGED: one.changed_at,
            Field.MEMBER: " ".join(self._tables.circles.get(one.group.id, {})),
        }


def _of_person(one: ScimPerson) -> Values:
    return {
        Field.ID: one.user.id,
        Field.EXTERNAL_ID: one.external_id,
        Field.USER_NAME: one.user_name.casefold(),
        Field.DISPLAY_NAME: ascii_lower(one.user.display_name),
        Field.EMAIL: None if one.user.email is None else one.user.email.casefold(),
        Field.ACTIVE: one.user.active,
        Field.CREATED: one.user.created_at,
        Field.CHANGED: one.changed_at,
    }


def _check_kept(tables: Tables, known: Mapping[str, ScimUser], kept: ScimUser) -> None:
    user = tables.users.get(kept.user_id)
    if user is None or user.company_id != kept.company_id:
        raise errors.NotFound
    for other in known.values():
        same = (other.company_id, _key(other)) == (kept.company_id, _key(kept))
        if same and other.user_id != kept.user_id:
            raise errors.Conflict(field="user_name")


def _key(kept: ScimUser) -> str:
    return kept.user_name.casefold()


def _holds(condition: Condition | None, values: Values) -> bool:
    match condition:
        case None:
            return True
        case AllOf(terms):
            return all(_holds(term, values) for term in terms)
        case AnyOf(terms):
            return any(_holds(term, values) for term in terms)
        case Compared():
            return _compares(condition, values[condition.field])


def _compares(one: Compared, known: object) -> bool:
    value = one.value
    if known is None:
        return False
    if one.field is Field.MEMBER:
        return str(value) in str(known).split()
    if isinstance(value, str) and one.field not in {Field.ID, Field.EXTERNAL_ID}:
        value = value.casefold() if one.field in {Field.USER_NAME, Field.EMAIL} else ascii_lower(value)
    return _RELATIONS[one.relation](known, value)  # type: ignore[arg-type]  # both are of the field's own type


def _sliced(found: Sequence[Found], part: Slice, values: Callable[[Found], Values]) -> Sequence[Found]:
    ordered = sorted(found, key=lambda one: str(values(one)[Field.ID]), reverse=part.descending)
    if part.order is not None:
        field = part.order
        known = [one for one in ordered if values(one)[field] is not None]
        known.sort(key=lambda one: values(one)[field], reverse=part.descending)  # type: ignore[arg-type, return-value]
        ordered = known + [one for one in ordered if values(one)[field] is None]
    return ordered[part.offset : part.offset + part.limit]
