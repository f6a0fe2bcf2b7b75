"""Use cases about browsers that are signed in to the website.

Whether a session holds is asked anew with each request, of the directory as it is then: whoever left has no session
from the commit on, although the row goes a moment later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kleanxmpp import desired, errors, ids, staff_roles
from kleanxmpp.model import AuditEntry, Company, User
from kleanxmpp.ports import Directory, Transaction
from kleanxmpp.website_ports import StaffRole, WebSession

IDLE = timedelta(hours=1)
"""How long nothing may come from a browser before its session ends."""
LONGEST = timedelta(hours=12)
"""How long a session lasts at most: a working day."""
_SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who is at the browser. `user` None: whoever took a link from the shell."""

    session: WebSession
    company: Company
    user: User | None
    roles: frozenset[StaffRole]

    @property
    def scopes(self) -> frozenset[str]:
        """What they may do on the dashboard."""
        return staff_roles.scopes(self.roles)

    @property
    def actor(self) -> str:
        """Who acts, as the audit log names it."""
        return f"user:{self.user.id}" if self.user else f"session:{self.session.id}"


def may_manage(company: Company, user: User) -> bool:
    """Whether somebody may use the dashboard, if a role lets them: employed and present. Chat is another matter."""
    return company.enabled and user.active and not user.erasing and user.absence is None


async def begin(
    tx: Transaction,
    company: Company,
    *,
    user: User | None,
    roles: frozenset[StaffRole] = frozenset(),
    chat_only: bool = False,
    how: str,
    now: datetime,
) -> tuple[WebSession, str]:
    """Sign a browser in; return its session with the token for its cookie, which exists only here.

    `how` goes into the audit log. Raises Forbidden for somebody who may not (any more).
    """
    if not _may(company, user, chat_only=chat_only):
        raise errors.Forbidden
    token = ids.new_secret()
    session = WebSession(
        id=ids.new_id(),
        company_id=company.id,
        user_id=user.id if user else None,
        roles=roles if user is None else frozenset(),
        chat_only=chat_only,
        csrf=ids.new_secret(),
        created_at=now,
        seen_at=now,
        expires_at=now + LONGEST,
    )
    await tx.add_web_session(session, token_sha256=ids.sha256_hex(token))
    actor = f"user:{user.id}" if user else f"session:{session.id}"
    await tx.add_audit([_entry(session, "session.began", actor=actor, details={"by": how}, now=now)])
    return session, token


async def resume(directory: Directory, token: str, *, now: datetime, unasked: bool = False) -> SignedIn | None:
    """Return who is at the browser with this cookie; None: nobody (any more).

    `unasked`: the page refreshes itself, or a script asks, so the session does not last longer for it.
    """
    token_sha256 = ids.sha256_hex(token)
    async with directory.read() as tx:
        session = await tx.web_session(token_sha256)
        if session is None or not _lasts(session, now):
            return None
        company = await tx.company(session.company_id)
        user = await tx.user(session.company_id, session.user_id) if session.user_id else None
        if (
            company is None
            or (user is None and session.user_id)
            or not _may(company, user, chat_only=session.chat_only)
        ):
            return None
        roles = session.roles
        if user is not None:
            roles = frozenset() if session.chat_only else await tx.staff_roles_of(user.id)
    if now - session.seen_at >= _SEEN_EVERY and not unasked:
        async with directory.write() as tx:
            await tx.see_web_session(session.id, at=now)
    return SignedIn(session=session, company=company, user=user, roles=roles)


async def of_person(directory: Directory, company: Company, user_id: str, *, now: datetime) -> Sequence[WebSession]:
    """Return the browsers in which the person is signed in, the newest first."""
    async with directory.read() as tx:
        return [one for one in await tx.web_sessions(company.id, user_id) if _lasts(one, now)]


async def end(directory: Directory, session: WebSession, *, actor: str, now: datetime) -> None:
    """Sign a browser out, with the credential that was made for it. Repeatable."""
    async with directory.write(session.company_id) as tx:
        if await tx.delete_web_session(session.company_id, session.id):
            await tx.add_audit([_entry(session, "session.ended", actor=actor, details={}, now=now)])


async def end_all(directory: Directory, company: Company, user_id: str, *, actor: str, now: datetime) -> int:
    """Sign a person out of the website everywhere; return how many browsers that were."""
    async with directory.write(company.id) as tx:
        found = await tx.web_sessions(company.id, user_id)
        for session in found:
            await tx.delete_web_session(company.id, session.id)
        await tx.add_audit([_entry(one, "session.ended", actor=actor, details={}, now=now) for one in found])
    return len(found)


def _lasts(session: WebSession, now: datetime) -> bool:
    return now < min(session.expires_at, session.seen_at + IDLE)


def _may(company: Company, user: User | None, *, chat_only: bool) -> bool:
    if user is None:
        return company.enabled and not chat_only
    if chat_only:
        return desired.may_log_in(company, user)
    return may_manage(company, user)


def _entry(session: WebSession, action: str, *, actor: str, details: dict[str, object], now: datetime) -> AuditEntry:
    return AuditEntry(
        company_id=session.company_id,
        at=now,
        actor=actor,
        action=action,
        subject=f"user:{session.user_id}" if session.user_id else f"session:{session.id}",
        details=details | {"session": session.id},
    )
