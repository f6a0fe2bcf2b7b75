"""The parts of `MemoryDirectory`'s transaction about companies, users, credentials, tokens and kept answers."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from kleanxmpp import errors, names
from kleanxmpp.desired import LET_IN, Access, access, marked_name
from kleanxmpp.device_ports import MARK_LENGTH, DeviceSeen
from kleanxmpp.due import Scope, ScopeKind
from kleanxmpp.model import ApiToken, Company, Credential, Door, User
from kleanxmpp.ports import UserFilter
from kleanxmpp.testing_tables import Key, MemoryPart
from kleanxmpp.token_ports import RememberedAnswer


class MemoryCompanies(MemoryPart):
    """Companies, tokens, kept answers."""

    async def company(self, company_id: str) -> Company | None:
        return self._tables.companies.get(company_id)

    async def company_by_domain(self, domain: str) -> Company | None:
        return next((c for c in self._tables.companies.values() if c.domain == domain), None)

    async def companies(self) -> Sequence[Company]:
        return sorted(self._tables.companies.values(), key=lambda company: company.domain)

    async def save_company(self, company: Company) -> None:
        with self._changing() as tables:
            if any(c.domain == company.domain and c.id != company.id for c in tables.companies.values()):
                raise errors.Conflict(field="domain")
            tables.companies[company.id] = company

    async def token_by_hash(self, token_sha256: str) -> ApiToken | None:
        return next((token for token, secret in self._tables.tokens.values() if secret == token_sha256), None)

    async def tokens(self, company_id: str | None) -> Sequence[ApiToken]:
        mine = [token for token, _ in self._tables.tokens.values() if token.company_id == company_id]
        return sorted(mine, key=lambda token: (token.created_at, token.id))

    async def add_token(self, token: ApiToken, *, token_sha256: str) -> None:
        with self._changing() as tables:
            tables.needs_company(token.company_id)
            if token.id in tables.tokens:
                raise errors.Conflict(field="id")
            if await self.token_by_hash(token_sha256):
                raise errors.Conflict(field="token")
            tables.tokens[token.id] = (token, token_sha256)

    async def delete_token(self, company_id: str | None, token_id: str) -> bool:
        with self._changing() as tables:
            if not any(token.id == token_id for token in await self.tokens(company_id)):
                return False
            del tables.tokens[token_id]
            return True

    async def claim_answer(
        self, *, token_id: str, key: str, fingerprint: str, at: datetime, abandoned_before: datetime
    ) -> RememberedAnswer | None:
        with self._changing() as tables:
            known, since = tables.answers.get((token_id, key), (None, at))
            if known is not None and (known.status or since >= abandoned_before):
                return known
            tables.answers[token_id, key] = (RememberedAnswer(fingerprint=fingerprint), at)
            return None

    async def remember(self, *, token_id: str, key: str, answer: RememberedAnswer, at: datetime) -> None:
        with self._changing() as tables:
            tables.answers[token_id, key] = (answer, at)

    async def forget_claim(self, *, token_id: str, key: str) -> None:
        with self._changing() as tables:
            tables.answers.pop((token_id, key), None)

    async def forget_remembered(self, *, before: datetime) -> None:
        with self._changing() as tables:
            tables.answers = {key: kept for key, kept in tables.answers.items() if kept[1] >= before}


class MemoryUsers(MemoryPart):
    """Users, their usernames and credentials."""

    async def user(self, company_id: str, user_id: str) -> User | None:
        user = self._tables.users.get(user_id)
        return user if user and user.company_id == company_id else None

    async def user_by_username(self, company_id: str, username: str) -> User | None:
        return (await self.users_by_username(company_id, [username])).get(username)

    async def users_by_id(self, company_id: str, user_ids: Collection[str]) -> Mapping[str, User]:
        found = {user_id: await self.user(company_id, user_id) for user_id in user_ids}
        return {user_id: user for user_id, user in found.items() if user}

    async def users_by_username(self, company_id: str, usernames: Collection[str]) -> Mapping[str, User]:
        return self._found(self._tables.usernames, company_id, usernames)

    async def users_by_external_id(self, company_id: str, external_ids: Collection[str]) -> Mapping[str, User]:
        return self._found(self._tables.external_ids, company_id, external_ids)

    async def users_by_email(self, company_id: str, email: str) -> Sequence[User]:
        return [u for u in self._everybody(company_id) if u.email and u.email.casefold() == email.casefold()]

    async def page_users(
        self, company_id: str, *, after: str | None, limit: int, matching: UserFilter
    ) -> Sequence[User]:
        devices = {c.user_id for c, _ in self._tables.credentials.values() if c.web_session_id is None}
        return [
            user
            for user in self._everybody(company_id)
            if user.username > (after or "") and _matches(user, matching, has_device=user.id in devices)
        ][:limit]

    async def add_users(self, users: Sequence[User]) -> None:
        with self._whole() as tables:
            for user in users:
                tables.needs_company(user.company_id)
                if (user.company_id, user.username) in tables.usernames:
                    raise errors.Conflict(field="username")
                if user.id in tables.users:
                    raise errors.Conflict(field="id")
                tables.usernames[user.company_id, user.username] = user.id
                tables.put_user(user)

    async def save_users(self, users: Sequence[User]) -> None:
        with self._whole() as tables:
            before = [await self.user(user.company_id, user.id) for user in users]
            for old in before:
                if old:
                    tables.let_go(old)
            for old, new in zip(before, users, strict=True):
                if old:
                    tables.put_user(replace(new, username=old.username, greeted=old.greeted or new.greeted))

    async def delete_user(self, company_id: str, user_id: str) -> None:
        user = await self.user(company_id, user_id)
        with self._changing() as tables:
            if user is None:
                return
            tables.let_go(user)
            del tables.users[user_id]
            tables.scim_users.pop(user_id, None)
            tables.credentials = {k: c for k, c in tables.credentials.items() if c[0].user_id != user_id}
            tables.photos.pop(user_id, None)
            tables.files = {k: f for k, f in tables.files.items() if f[0].user_id != user_id}
            tables.scheduled = {k: one for k, one in tables.scheduled.items() if one.user_id != user_id}
            tables.staff_roles.pop(user_id, None)
            tables.web_sessions = {k: one for k, one in tables.web_sessions.items() if one[0].user_id != user_id}
            tables.one_time_links = {k: one for k, one in tables.one_time_links.items() if one[0].user_id != user_id}
            tables.departures = {left for left in tables.departures if left[1] != user_id}
            tables.by_rule = {one for one in tables.by_rule if one[1] != user_id}
            tables.exceptions = {one: at for one, at in tables.exceptions.items() if one[1] != user_id}
            tables.answers = {key: kept for key, kept in tables.answers.items() if kept[0].about != user_id}
            tables.forget_events({event.id for event in tables.events.values() if event.about == user_id})
            tables.due.pop(Scope(kind=ScopeKind.USER, company_id=company_id, id=user_id), None)
            for door in Door:
                tables.release(company_id, door, [user_id])
            for circle in tables.circles.values():
                circle.pop(user_id, None)

    async def taken_usernames(self, company_id: str, usernames: Collection[str]) -> frozenset[str]:
        return frozenset(name for name in usernames if (company_id, name) in self._tables.usernames)

    async def taken_nicknames(self, company_id: str, nicknames: Collection[str]) -> Mapping[str, str]:
        held = self._tables.nicknames
        keys = {nickname: (company_id, names.nickname_key(nickname)) for nickname in nicknames}
        return {nickname: held[key] for nickname, key in keys.items() if key in held}

    async def names(self, company_id: str, *, containing: Sequence[str] = ()) -> Sequence[tuple[str, str]]:
        parts = [names.fold(part) for part in containing]
        people = [u for u in self._everybody(company_id) if self._access(u) in {Access.FULL, Access.PAUSED}]
        return [
            (
                user.username,
                marked_name(
                    user.display_name,
                    absence=user.absence,
                    until=user.absent_until,
                    company=self._tables.companies[company_id],
                ),
            )
            for user in people
            if all(part in names.fold(user.display_name) for part in parts)
        ]

    async def access_levels(self, company_id: str) -> Mapping[str, Access]:
        levels = {user.username: self._access(user) for user in self._everybody(company_id)}
        return {username: level for username, level in levels.items() if level is not Access.NONE}

    async def users_to_return(self, *, now: datetime, limit: int) -> Sequence[User]:
        ended = [(u.absent_until, u.id, u) for u in self._tables.users.values() if u.absent_until]
        return [user for until, _, user in sorted(ended) if until <= now][:limit]

    async def next_return_at(self) -> datetime | None:
        return min((u.absent_until for u in self._tables.users.values() if u.absent_until), default=None)

    async def admins(self, company_id: str) -> Sequence[User]:
        return [user for user in self._everybody(company_id) if user.admin]

    async def mark_greeted(self, company_id: str, username: str) -> bool:
        user = await self.user_by_username(company_id, username)
        with self._changing() as tables:
            if user is None or user.greeted:
                return False
            tables.users[user.id] = replace(user, greeted=True)
            return True

    async def credentials(self, user_id: str) -> Sequence[Credential]:
        mine = [credential for credential, _ in self._tables.credentials.values() if credential.user_id == user_id]
        return sorted(mine, key=lambda credential: (credential.created_at, credential.id))

    async def credential_counts(self, user_ids: Collection[str], *, of_browsers: bool = True) -> Mapping[str, int]:
        theirs = (c for c, _ in self._tables.credentials.values() if c.user_id in user_ids)
        return Counter(c.user_id for c in theirs if of_browsers or c.web_session_id is None)

    async def credential_marks(self, user_id: str) -> Mapping[str, str]:
        everybodys = self._tables.credentials.values()
        return {secret[:MARK_LENGTH]: one.id for one, secret in everybodys if one.user_id == user_id}

    async def note_devices_seen(self, company_id: str, seen: Sequence[DeviceSeen]) -> None:
        with self._changing() as tables:
            for one in seen:
                user = await self.user_by_username(company_id, one.username)
                marks = await self.credential_marks(user.id) if user else {}
                if one.mark in marks:
                    credential, secret = tables.credentials[marks[one.mark]]
                    at = max(one.at, credential.last_seen_at or one.at)
                    tables.credentials[credential.id] = replace(credential, last_seen_at=at), secret

    async def add_credentials(self, credentials: Sequence[tuple[Credential, str]]) -> None:
        with self._whole() as tables:
            secrets = {secret for _, secret in tables.credentials.values()}
            for credential, secret in credentials:
                session_id = credential.web_session_id
                if credential.user_id not in tables.users or session_id not in {None, *tables.web_sessions}:
                    raise errors.NotFound
                if credential.id in tables.credentials:
                    raise errors.Conflict(field="id")
                if secret in secrets:
                    raise errors.Conflict(field="credential")
                secrets.add(secret)
                tables.credentials[credential.id] = (credential, secret)

    async def delete_credential(self, user_id: str, credential_id: str) -> bool:
        with self._changing() as tables:
            if not any(credential.id == credential_id for credential in await self.credentials(user_id)):
                return False
            del tables.credentials[credential_id]
            return True

    async def may_log_in(self, domain: str, username: str, secret_sha256: str) -> bool:
        company = next((c for c in self._tables.companies.values() if c.domain == domain), None)
        user = await self.user_by_username(company.id, username) if company else None
        if user is None or self._access(user) not in LET_IN:
            return False
        theirs = [(c, secret) for c, secret in self._tables.credentials.values() if c.user_id == user.id]
        now = datetime.now(UTC)
        return any(secret == secret_sha256 and (c.expires_at is None or c.expires_at > now) for c, secret in theirs)

    def _everybody(self, company_id: str) -> Iterator[User]:
        yield from sorted(
            (u for u in self._tables.users.values() if u.company_id == company_id), key=lambda user: user.username
        )

    def _access(self, user: User) -> Access:
        return access(self._tables.companies[user.company_id], user)

    def _found(self, index: Mapping[Key, str], company_id: str, keys: Collection[str]) -> dict[str, User]:
        ids = {key: index.get((company_id, key)) for key in keys}
        users = self._tables.users
        return {key: users[user_id] for key, user_id in ids.items() if user_id is not None and user_id in users}


def _matches(user: User, wanted: UserFilter, *, has_device: bool) -> bool:
    facts = (
        (wanted.active, user.active),
        (wanted.chat_permission, user.chat_permission),
        (wanted.absent, user.absence is not None),
        (wanted.has_device, has_device),
    )
    if any(asked not in {None, fact} for asked, fact in facts):
        return False
    plain = (wanted.text or "").strip().lower()
    folded = names.fold(plain)
    in_name = bool(folded) and folded in names.fold(user.display_name)
    return not plain or in_name or plain in user.username or plain in (user.email or "").lower()
