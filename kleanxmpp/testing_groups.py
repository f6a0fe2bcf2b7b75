"""The parts of `MemoryDirectory`'s transaction about groups and circles, and what the reconcile loop reads."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from kleanxmpp import errors
from kleanxmpp.desired import Access, Circle, GroupCircle, Person, access
from kleanxmpp.model import Group, Role, User
from kleanxmpp.ports import Member
from kleanxmpp.testing_tables import MemoryPart, Tables


class MemoryGroups(MemoryPart):
    """Groups."""

    async def group(self, company_id: str, group_id: str) -> Group | None:
        group = self._tables.groups.get(group_id)
        return group if group and group.company_id == company_id else None

    async def groups_by_id(self, company_id: str, group_ids: Collection[str]) -> Mapping[str, Group]:
        return {group.id: group for group in self._of(company_id) if group.id in group_ids}

    async def group_by_slug(self, company_id: str, slug: str) -> Group | None:
        return next((g for g in self._of(company_id) if g.slug == slug), None)

    async def page_groups(
        self, company_id: str, *, after: str | None, limit: int, archived: bool | None = None
    ) -> Sequence[Group]:
        asked = {True, False} if archived is None else {archived}
        found = [g for g in self._of(company_id) if not g.deleted and g.archived in asked]
        return [g for g in found if g.slug > (after or "")][:limit]

    async def groups_by_name(self, company_id: str, names: Collection[str]) -> Mapping[str, Group]:
        return {g.name: g for g in self._of(company_id) if not g.deleted and g.name in names}

    async def add_groups(self, groups: Sequence[Group]) -> None:
        with self._whole() as tables:
            for group in groups:
                tables.needs_company(group.company_id)
                if await self.group_by_slug(group.company_id, group.slug):
                    raise errors.Conflict(field="slug")
                if group.id in tables.groups:
                    raise errors.Conflict(field="id")
                self._put_group(tables, group)

    async def save_group(self, group: Group) -> None:
        with self._changing() as tables:
            if old := await self.group(group.company_id, group.id):
                self._put_group(tables, replace(group, slug=old.slug))

    async def taken_slugs(self, company_id: str, slugs: Collection[str]) -> frozenset[str]:
        return frozenset(group.slug for group in self._of(company_id) if group.slug in slugs)

    def _put_group(self, tables: Tables, group: Group) -> None:
        others = (g for g in self._of(group.company_id) if g.id != group.id and not g.deleted)
        if not group.deleted and any(other.name == group.name for other in others):
            raise errors.Conflict(field="name")
        tables.groups[group.id] = group

    def _of(self, company_id: str) -> list[Group]:
        mine = (g for g in self._tables.groups.values() if g.company_id == company_id)
        return sorted(mine, key=lambda group: group.slug)


class MemoryCircles(MemoryPart):
    """Memberships and departures."""

    async def roles(self, group_id: str) -> Mapping[str, Role]:
        return dict(self._tables.circles.get(group_id, {}))

    async def roles_of(self, group_id: str, user_ids: Collection[str]) -> Mapping[str, Role]:
        circle = self._tables.circles.get(group_id, {})
        return {user_id: circle[user_id] for user_id in user_ids if user_id in circle}

    async def page_members(self, group_id: str, *, after: str | None, limit: int) -> Sequence[Member]:
        members = [
            Member(user=self._tables.users[user_id], role=role, by_rule=(group_id, user_id) in self._tables.by_rule)
            for user_id, role in (await self.roles(group_id)).items()
        ]
        members.sort(key=lambda member: member.user.username)
        return [member for member in members if member.user.username > (after or "")][:limit]

    async def member_count(self, group_id: str) -> int:
        return len(self._tables.circles.get(group_id, {}))

    async def memberships_of(self, user_id: str) -> Sequence[tuple[Group, Role]]:
        groups = self._tables.groups
        mine = [(groups[group_id], circle[user_id]) for group_id, circle in self._circles_with(user_id)]
        return sorted((m for m in mine if not m[0].deleted), key=lambda membership: membership[0].slug)

    async def moderated_by(self, company_id: str, user_ids: Collection[str]) -> Mapping[str, Sequence[Group]]:
        found = {
            user_id: [
                group
                for group, role in await self.memberships_of(user_id)
                if role is Role.MODERATOR and group.company_id == company_id
            ]
            for user_id in user_ids
        }
        return {user_id: groups for user_id, groups in found.items() if groups}

    async def moderators(self, group_ids: Collection[str]) -> Mapping[str, Sequence[User]]:
        found: dict[str, Sequence[User]] = {}
        for group_id in group_ids:
            roles = await self.roles(group_id)
            people = [self._tables.users[user_id] for user_id, role in roles.items() if role is Role.MODERATOR]
            if people:
                found[group_id] = sorted(people, key=lambda user: user.username)
        return found

    async def put_members(self, group_id: str, roles: Mapping[str, Role], *, by_rule: bool = False) -> None:
        if not roles:
            return
        with self._changing() as tables:
            group, users = tables.groups.get(group_id), tables.users
            if group is None or any(u not in users or users[u].company_id != group.company_id for u in roles):
                raise errors.NotFound
            tables.circles.setdefault(group_id, {}).update(roles)
            put = {(group_id, user_id) for user_id in roles}
            tables.departures -= put
            tables.by_rule = tables.by_rule | put if by_rule else tables.by_rule - put

    async def remove_members(self, group_id: str, user_ids: Collection[str]) -> None:
        with self._changing() as tables:
            circle = tables.circles.get(group_id, {})
            for user_id in circle.keys() & set(user_ids):
                del circle[user_id]
                tables.departures.add((group_id, user_id))
                tables.by_rule.discard((group_id, user_id))

    async def forget_departures(self, groups: Collection[str]) -> None:
        with self._changing() as tables:
            tables.departures -= {(group_id, user_id) for group_id, user_id in tables.departures if group_id in groups}

    async def forget_departures_of(self, left: Mapping[str, Collection[str]]) -> None:
        with self._changing() as tables:
            tables.departures -= {(group_id, user_id) for user_id, ids in left.items() for group_id in ids}

    async def person(self, company_id: str, user_id: str) -> Person | None:
        user = self._tables.users.get(user_id)
        return self._person(user) if user and user.company_id == company_id else None

    async def people(self, company_id: str, user_ids: Collection[str]) -> Mapping[str, Person]:
        found = {user_id: await self.person(company_id, user_id) for user_id in user_ids}
        return {user_id: person for user_id, person in found.items() if person is not None}

    async def page_people(self, company_id: str, *, after: str | None, limit: int) -> Sequence[Person]:
        users = [u for u in self._tables.users.values() if u.company_id == company_id and u.username > (after or "")]
        return [self._person(user) for user in sorted(users, key=lambda user: user.username)[:limit]]

    async def group_circle(self, company_id: str, group_id: str) -> GroupCircle | None:
        company, group = self._tables.companies.get(company_id), self._tables.groups.get(group_id)
        if company is None or group is None or group.company_id != company_id:
            return None
        circle = [(self._tables.users[user_id], role) for user_id, role in (await self.roles(group_id)).items()]
        return GroupCircle(
            company=company,
            group=group,
            members={user.username: role for user, role in circle if access(company, user) is Access.FULL},
            readers=frozenset(user.username for user, _ in circle if access(company, user) is Access.READ),
            paused=frozenset(user.username for user, _ in circle if access(company, user) is Access.PAUSED),
            size=len(circle),
        )

    def _person(self, user: User) -> Person:
        groups = self._tables.groups
        circles = [
            Circle(group=groups[group_id], role=circle[user.id], size=len(circle))
            for group_id, circle in self._circles_with(user.id)
            if not groups[group_id].deleted
        ]
        left = [groups[group_id] for group_id, user_id in self._tables.departures if user_id == user.id]
        return Person(
            company=self._tables.companies[user.company_id],
            user=user,
            circles=tuple(sorted(circles, key=lambda circle: circle.group.slug)),
            left=tuple(sorted(left, key=lambda group: group.slug)),
        )

    def _circles_with(self, user_id: str) -> list[tuple[str, dict[str, Role]]]:
        return [(group_id, circle) for group_id, circle in self._tables.circles.items() if user_id in circle]
