"""The website's rows: roles, signed-in browsers, links, and attempts to sign in."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update

from kleanxmpp.db.rows import row_of, value_of
from kleanxmpp.db.session import Part, chunks
from kleanxmpp.db.tables import credentials
from kleanxmpp.db.tables_website import one_time_links, sign_in_attempts, staff_roles, web_sessions
from kleanxmpp.website_ports import OneTimeLink, SignInAttempt, StaffRole, WebAccess, WebSession


class Website(Part):
    """The transaction's part about the website."""

    __slots__ = ()

    async def staff_roles(self, company_id: str) -> Mapping[str, frozenset[StaffRole]]:
        found: dict[str, set[StaffRole]] = defaultdict(set)
        for row in await self._session.rows(select(staff_roles).where(staff_roles.c.company_id == company_id)):
            found[row.user_id].add(row.role)
        return {user_id: frozenset(roles) for user_id, roles in found.items()}

    async def staff_roles_of(self, user_id: str) -> frozenset[StaffRole]:
        rows = await self._session.rows(select(staff_roles.c.role).where(staff_roles.c.user_id == user_id))
        return frozenset(row.role for row in rows)

    async def save_staff_roles(self, company_id: str, user_id: str, roles: frozenset[StaffRole]) -> None:
        rows = [{"company_id": company_id, "user_id": user_id, "role": role} for role in sorted(roles)]
        async with self._session.whole():
            mine = (staff_roles.c.company_id == company_id, staff_roles.c.user_id == user_id)
            await self._session.run(delete(staff_roles).where(*mine))
            await self._session.run_many(insert(staff_roles), rows)

    async def web_session(self, token_sha256: str) -> WebSession | None:
        row = await self._session.row(select(web_sessions).where(web_sessions.c.token_sha256 == token_sha256))
        return row and value_of(WebSession, row)

    async def web_sessions(self, company_id: str, user_id: str | None) -> Sequence[WebSession]:
        theirs = (web_sessions.c.company_id == company_id, web_sessions.c.user_id == user_id)
        query = select(web_sessions).where(*theirs)
        rows = await self._session.rows(query.order_by(web_sessions.c.created_at.desc(), web_sessions.c.id.desc()))
        return [value_of(WebSession, row) for row in rows]

    async def add_web_session(self, session: WebSession, *, token_sha256: str) -> None:
        async with self._session.whole():
            await self._session.run(insert(web_sessions).values(row_of(session) | {"token_sha256": token_sha256}))

    async def see_web_session(self, session_id: str, *, at: datetime) -> None:
        await self._session.run(update(web_sessions).where(web_sessions.c.id == session_id).values(seen_at=at))

    async def delete_web_session(self, company_id: str, session_id: str) -> bool:
        mine = (web_sessions.c.company_id == company_id, web_sessions.c.id == session_id)
        return (await self._session.run(delete(web_sessions).where(*mine))).rowcount > 0

    async def one_time_link(self, code_sha256: str) -> OneTimeLink | None:
        row = await self._session.row(select(one_time_links).where(one_time_links.c.code_sha256 == code_sha256))
        return row and value_of(OneTimeLink, row)

    async def one_time_links(self, company_id: str, user_id: str | None) -> Sequence[OneTimeLink]:
        theirs = (one_time_links.c.company_id == company_id, one_time_links.c.user_id == user_id)
        query = select(one_time_links).where(*theirs)
        rows = await self._session.rows(query.order_by(one_time_links.c.created_at.desc(), one_time_links.c.id.desc()))
        return [value_of(OneTimeLink, row) for row in rows]

    async def add_one_time_link(self, link: OneTimeLink, *, code_sha256: str) -> None:
        async with self._session.whole():
            await self._session.run(insert(one_time_links).values(row_of(link) | {"code_sha256": code_sha256}))

    async def use_one_time_link(self, link_id: str, *, now: datetime) -> bool:
        holds = (one_time_links.c.id == link_id, one_time_links.c.uses_left > 0, one_time_links.c.expires_at > now)
        used = update(one_time_links).where(*holds).values(uses_left=one_time_links.c.uses_left - 1)
        return (await self._session.run(used)).rowcount > 0

    async def delete_one_time_link(self, company_id: str, link_id: str) -> bool:
        mine = (one_time_links.c.company_id == company_id, one_time_links.c.id == link_id)
        return (await self._session.run(delete(one_time_links).where(*mine))).rowcount > 0

    async def add_sign_in_attempt(self, attempt: SignInAttempt) -> None:
        async with self._session.whole():
            await self._session.run(insert(sign_in_attempts).values(row_of(attempt)))

    async def take_sign_in_attempt(self, state_sha256: str) -> SignInAttempt | None:
        mine = sign_in_attempts.c.state_sha256 == state_sha256
        row = (await self._session.run(delete(sign_in_attempts).where(mine).returning(sign_in_attempts))).first()
        return row and value_of(SignInAttempt, row)

    async def end_web_access(self, user_ids: Collection[str]) -> Mapping[str, WebAccess]:
        found = await self.web_access(user_ids)
        for some in chunks(found):
            await self._session.run(delete(web_sessions).where(web_sessions.c.user_id.in_(some)))
            await self._session.run(delete(one_time_links).where(one_time_links.c.user_id.in_(some)))
        return found

    async def web_access(self, user_ids: Collection[str]) -> Mapping[str, WebAccess]:
        sessions: dict[str, int] = {}
        links: dict[str, int] = {}
        for some in chunks(user_ids):
            for table, counted in ((web_sessions, sessions), (one_time_links, links)):
                query = select(table.c.user_id, func.count().label("number")).where(table.c.user_id.in_(some))
                rows = await self._session.rows(query.group_by(table.c.user_id))
                counted.update((row.user_id, row.number) for row in rows)
        return {
            user_id: WebAccess(sessions=sessions.get(user_id, 0), links=links.get(user_id, 0))
            for user_id in sessions.keys() | links.keys()
        }

    async def forget_web_access(self, *, before: datetime, attempts_before: datetime) -> None:
        await self._session.run(delete(web_sessions).where(web_sessions.c.expires_at < before))
        await self._session.run(delete(one_time_links).where(one_time_links.c.expires_at < before))
        await self._session.run(delete(credentials).where(credentials.c.expires_at < before))
        await self._session.run(delete(sign_in_attempts).where(sign_in_attempts.c.created_at < attempts_before))
