"""Users and their usernames.

A username is given by inserting into `usernames`, whose rows stay for ever: two writers cannot give the same
one, not even on PostgreSQL and without the company's lock.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    update,
)

from kleanxmpp import names
from kleanxmpp.db.rows import row_of, value_of
from kleanxmpp.db.session import Part, chunks
from kleanxmpp.db.tables import ENTITLED, companies, credentials, due_scopes, remembered_answers, usernames, users
from kleanxmpp.db.tables_events import events
from kleanxmpp.desired import Access, level_of, marked_name
from kleanxmpp.due import ScopeKind
from kleanxmpp.model import Absence, Company, User
from kleanxmpp.ports import UserFilter

_FIXED = {"id", "company_id", "username", "greeted"}


class Users(Part):
    """The transaction's part about users."""

    __slots__ = ()

    async def user(self, company_id: str, user_id: str) -> User | None:
        return (await self.users_by_id(company_id, [user_id])).get(user_id)

    async def user_by_username(self, company_id: str, username: str) -> User | None:
        return (await self.users_by_username(company_id, [username])).get(username)

    async def users_by_id(self, company_id: str, user_ids: Collection[str]) -> Mapping[str, User]:
        return await self._users_by(users.c.id, company_id, user_ids)

    async def users_by_username(self, company_id: str, usernames: Collection[str]) -> Mapping[str, User]:
        return await self._users_by(users.c.username, company_id, usernames)

    async def users_by_external_id(self, company_id: str, external_ids: Collection[str]) -> Mapping[str, User]:
        return await self._users_by(users.c.external_id, company_id, external_ids)

    async def users_by_email(self, company_id: str, email: str) -> Sequence[User]:
        theirs = users.c.own_name_key == email.casefold(), users.c.email.is_not(None)
        query = select(users).where(users.c.company_id == company_id, *theirs).order_by(users.c.username)
        return [value_of(User, row) for row in await self._session.rows(query)]

    async def page_users(
        self, company_id: str, *, after: str | None, limit: int, matching: UserFilter
    ) -> Sequence[User]:
        query = select(users).where(users.c.company_id == company_id, *_matching(matching))
        if after is not None:
            query = query.where(users.c.username > after)
        found = await self._session.rows(query.order_by(users.c.username).limit(limit))
        return [value_of(User, row) for row in found]

    async def add_users(self, users: Sequence[User]) -> None:
        given = [{"company_id": user.company_id, "username": user.username} for user in users]
        async with self._session.whole():
            await self._session.run_many(insert(usernames), given)
            await self._session.run_many(insert(_users), [row_of(user) for user in users])

    async def save_users(self, users: Sequence[User]) -> None:
        rows = [row_of(user) for user in users]
        values: dict[ColumnElement[Any], ColumnElement[Any]] = {
            column: bindparam(f"b_{column.name}") for column in _users.c if column.name not in _FIXED
        }
        statement = (
            update(_users)
            .where(_users.c.id == bindparam("b_id"), _users.c.company_id == bindparam("b_company_id"))
            .values(values | {_users.c.greeted: or_(_users.c.greeted, bindparam("b_greeted", type_=Boolean))})
        )
        async with self._session.whole():
            if len(users) > 1:
                await self._free_names(users)
            await self._session.run_many(statement, [{f"b_{k}": v for k, v in row.items()} for row in rows])

    async def delete_user(self, company_id: str, user_id: str) -> None:
        mine = (users.c.company_id == company_id, users.c.id == user_id)
        username = select(users.c.username).where(*mine).scalar_subquery()
        retired = update(usernames).where(usernames.c.company_id == company_id, usernames.c.username == username)
        await self._session.run(retired.values(retired_at=datetime.now(UTC)))
        await self._session.run(delete(users).where(*mine))
        await self._session.run(delete(remembered_answers).where(remembered_answers.c.about == user_id))
        await self._session.run(delete(events).where(events.c.about == user_id))
        await self._session.run(
            delete(due_scopes).where(
                due_scopes.c.company_id == company_id,
                due_scopes.c.kind == ScopeKind.USER,
                due_scopes.c.scope_id == user_id,
            )
        )

    async def taken_usernames(self, company_id: str, usernames: Collection[str]) -> frozenset[str]:
        taken: set[str] = set()
        for some in chunks(usernames):
            mine = (_usernames.c.company_id == company_id, _usernames.c.username.in_(some))
            taken.update(row.username for row in await self._session.rows(select(_usernames.c.username).where(*mine)))
        return frozenset(taken)

    async def taken_nicknames(self, company_id: str, nicknames: Collection[str]) -> Mapping[str, str]:
        asked = {nickname: names.nickname_key(nickname) for nickname in nicknames}
        holders: dict[str, str] = {}
        for some in chunks(set(asked.values())):
            query = select(users.c.nickname_key, users.c.id).where(users.c.company_id == company_id)
            found = await self._session.rows(query.where(users.c.nickname_key.in_(some)))
            holders.update((row.nickname_key, row.id) for row in found)
        return {nickname: holders[key] for nickname, key in asked.items() if key in holders}

    async def names(self, company_id: str, *, containing: Sequence[str] = ()) -> Sequence[tuple[str, str]]:
        row = await self._session.row(select(companies).where(companies.c.id == company_id))
        if row is None:
            return []
        company = value_of(Company, row)
        query = select(users.c.username, users.c.display_name, users.c.absence, users.c.absent_until)
        query = query.join_from(users, companies, _EMPLOYER).where(users.c.company_id == company_id, ENTITLED)
        query = query.where(users.c.absence.is_distinct_from(Absence.GARDEN_LEAVE))
        query = query.where(*(users.c.search_key.contains(names.fold(part), autoescape=True) for part in containing))
        return [
            (row.username, marked_name(row.display_name, absence=row.absence, until=row.absent_until, company=company))
            for row in await self._session.rows(query.order_by(users.c.username))
        ]

    async def access_levels(self, company_id: str) -> Mapping[str, Access]:
        query = select(users.c.username, users.c.absence).join_from(users, companies, _EMPLOYER)
        found = await self._session.rows(query.where(users.c.company_id == company_id, ENTITLED))
        return {row.username: level_of(row.absence) for row in found}

    async def users_to_return(self, *, now: datetime, limit: int) -> Sequence[User]:
        query = select(users).where(users.c.absent_until <= now).order_by(users.c.absent_until, users.c.id)
        return [value_of(User, row) for row in await self._session.rows(query.limit(limit))]

    async def next_return_at(self) -> datetime | None:
        query = select(users.c.absent_until).where(users.c.absent_until.is_not(None)).order_by(users.c.absent_until)
        row = await self._session.row(query.limit(1))
        return None if row is None else row.absent_until

    async def admins(self, company_id: str) -> Sequence[User]:
        query = select(users).where(users.c.company_id == company_id, users.c.admin).order_by(users.c.username)
        return [value_of(User, row) for row in await self._session.rows(query)]

    async def mark_greeted(self, company_id: str, username: str) -> bool:
        mine = (users.c.company_id == company_id, users.c.username == username)
        statement = update(users).where(*mine, users.c.greeted.is_(False)).values(greeted=True)
        return (await self._session.run(statement)).rowcount > 0

    async def _users_by(self, column: Column[str], company_id: str, keys: Collection[str]) -> dict[str, User]:
        found: dict[str, User] = {}
        for some in chunks(keys):
            query = select(users).where(users.c.company_id == company_id, column.in_(some))
            found.update((row._mapping[column.name], value_of(User, row)) for row in await self._session.rows(query))
        return found

    async def _free_names(self, saved: Sequence[User]) -> None:
        """Let go of what must be unique, so that two people in one save can swap it."""
        unnamed = literal(" ") + users.c.id
        for some in chunks([user.id for user in saved]):
            statement = update(users).where(users.c.company_id == saved[0].company_id, users.c.id.in_(some))
            await self._session.run(statement.values(nickname_key=unnamed, external_id=None))


_users, _usernames = users, usernames
_EMPLOYER = companies.c.id == users.c.company_id
_WITH_DEVICE = exists().where(credentials.c.user_id == users.c.id, credentials.c.web_session_id.is_(None))


def _matching(wanted: UserFilter) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = []
    if wanted.active is not None:
        clauses.append(users.c.active.is_(wanted.active))
    if wanted.chat_permission is not None:
        clauses.append(users.c.chat_permission.is_(wanted.chat_permission))
    if wanted.absent is not None:
        clauses.append(users.c.absence.is_not(None) if wanted.absent else users.c.absence.is_(None))
    if wanted.has_device is not None:
        clauses.append(_WITH_DEVICE if wanted.has_device else not_(_WITH_DEVICE))
    if wanted.text is not None and (plain := wanted.text.strip().lower()):
        parts = [
            users.c.username.contains(plain, autoescape=True),
            func.lower(users.c.email).contains(plain, autoescape=True),
        ]
        if folded := names.fold(plain):
            parts.append(users.c.search_key.contains(folded, autoescape=True))
        clauses.append(or_(*parts))
    return clauses
