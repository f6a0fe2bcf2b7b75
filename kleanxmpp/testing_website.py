"""The part of `MemoryDirectory`'s transaction about the website."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from kleanxmpp import errors
from kleanxmpp.testing_tables import MemoryPart
from kleanxmpp.website_ports import OneTimeLink, SignInAttempt, StaffRole, WebAccess, WebSession


class MemoryWebsite(MemoryPart):
    """Roles, signed-in browsers, links, and attempts to sign in."""

    async def staff_roles(self, company_id: str) -> Mapping[str, frozenset[StaffRole]]:
        known = self._tables.staff_roles
        return {id: roles for id, roles in known.items() if self._tables.users[id].company_id == company_id}

    async def staff_roles_of(self, user_id: str) -> frozenset[StaffRole]:
        return self._tables.staff_roles.get(user_id, frozenset())

    async def save_staff_roles(self, company_id: str, user_id: str, roles: frozenset[StaffRole]) -> None:
        with self._changing() as tables:
            if roles:
                self._needs_user(company_id, user_id)
            tables.staff_roles.pop(user_id, None)
            if roles:
                tables.staff_roles[user_id] = roles

    async def web_session(self, token_sha256: str) -> WebSession | None:
        return next((one for one, token in self._tables.web_sessions.values() if token == token_sha256), None)

    async def web_sessions(self, company_id: str, user_id: str | None) -> Sequence[WebSession]:
        known = (one for one, _ in self._tables.web_sessions.values())
        theirs = [one for one in known if (one.company_id, one.user_id) == (company_id, user_id)]
        return sorted(theirs, key=lambda one: (one.created_at, one.id), reverse=True)

    async def add_web_session(self, session: WebSession, *, token_sha256: str) -> None:
        with self._changing() as tables:
            tables.needs_company(session.company_id)
            self._needs_user(session.company_id, session.user_id)
            if await self.web_session(token_sha256):
                raise errors.Conflict(field="token")
            tables.web_sessions[session.id] = (session, token_sha256)

    async def see_web_session(self, session_id: str, *, at: datetime) -> None:
        with self._changing() as tables:
            if session_id in tables.web_sessions:
                session, token = tables.web_sessions[session_id]
                tables.web_sessions[session_id] = (replace(session, seen_at=at), token)

    async def delete_web_session(self, company_id: str, session_id: str) -> bool:
        with self._changing() as tables:
            found = tables.web_sessions.get(session_id)
            if found is None or found[0].company_id != company_id:
                return False
            self._end_sessions({session_id})
            return True

    async def one_time_link(self, code_sha256: str) -> OneTimeLink | None:
        return next((one for one, code in self._tables.one_time_links.values() if code == code_sha256), None)

    async def one_time_links(self, company_id: str, user_id: str | None) -> Sequence[OneTimeLink]:
        known = (one for one, _ in self._tables.one_time_links.values())
        theirs = [one for one in known if (one.company_id, one.user_id) == (company_id, user_id)]
        return sorted(theirs, key=lambda one: (one.created_at, one.id), reverse=True)

    async def add_one_time_link(self, link: OneTimeLink, *, code_sha256: str) -> None:
        with self._changing() as tables:
            tables.needs_company(link.company_id)
            self._needs_user(link.company_id, link.user_id)
            if await self.one_time_link(code_sha256):
                raise errors.Conflict(field="code")
            tables.one_time_links[link.id] = (link, code_sha256)

    async def use_one_time_link(self, link_id: str, *, now: datetime) -> bool:
        with self._changing() as tables:
            found = tables.one_time_links.get(link_id)
            if found is None or not found[0].holds(now):
                return False
            tables.one_time_links[link_id] = (replace(found[0], uses_left=found[0].uses_left - 1), found[1])
            return True

    async def delete_one_time_link(self, company_id: str, link_id: str) -> bool:
        with self._changing() as tables:
            found = tables.one_time_links.get(link_id)
            if found is None or found[0].company_id != company_id:
                return False
            del tables.one_time_links[link_id]
            return True

    async def add_sign_in_attempt(self, attempt: SignInAttempt) -> None:
        with self._changing() as tables:
            tables.needs_company(attempt.company_id)
            if attempt.state_sha256 in tables.sign_in_attempts:
                raise errors.Conflict(field="state_sha256")
            tables.sign_in_attempts[attempt.state_sha256] = attempt

    async def take_sign_in_attempt(self, state_sha256: str) -> SignInAttempt | None:
        with self._changing() as tables:
            return tables.sign_in_attempts.pop(state_sha256, None)

    async def end_web_access(self, user_ids: Collection[str]) -> Mapping[str, WebAccess]:
        found = await self.web_access(user_ids)
        with self._changing() as tables:
            self._end_sessions({id for id, (one, _) in tables.web_sessions.items() if one.user_id in found})
            left = {id: one for id, one in tables.one_time_links.items() if one[0].user_id not in found}
            tables.one_time_links = left
        return found

    async def web_access(self, user_ids: Collection[str]) -> Mapping[str, WebAccess]:
        sessions = [one.user_id for one, _ in self._tables.web_sessions.values()]
        links = [one.user_id for one, _ in self._tables.one_time_links.values()]
        counted = {id: WebAccess(sessions=sessions.count(id), links=links.count(id)) for id in set(user_ids)}
        return {id: held for id, held in counted.items() if held != WebAccess()}

    async def forget_web_access(self, *, before: datetime, attempts_before: datetime) -> None:
        with self._changing() as tables:
            self._end_sessions({id for id, (one, _) in tables.web_sessions.items() if one.expires_at < before})
            tables.one_time_links = {
                id: one for id, one in tables.one_time_links.items() if one[0].expires_at >= before
            }
            tables.credentials = {
                id: one
                for id, one in tables.credentials.items()
                if one[0].expires_at is None or one[0].expires_at >= before
            }
            tables.sign_in_attempts = {
                state: one for state, one in tables.sign_in_attempts.items() if one.created_at >= attempts_before
            }

    def _end_sessions(self, session_ids: set[str]) -> None:
        tables = self._tables
        tables.web_sessions = {id: one for id, one in tables.web_sessions.items() if id not in session_ids}
        tables.credentials = {
            id: one for id, one in tables.credentials.items() if one[0].web_session_id not in session_ids
        }

    def _needs_user(self, company_id: str, user_id: str | None) -> None:
        user = self._tables.users.get(user_id or "")
        if user_id is not None and (user is None or user.company_id != company_id):
            raise errors.NotFound
