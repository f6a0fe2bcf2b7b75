"""The directory's part about the website: who may do what there, who is signed in, and links that sign somebody in."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class StaffRole(StrEnum):
    """What somebody may do on the dashboard. Not a `Role`, which is about one group."""

    ADMIN = "admin"
    HR = "hr"
    GROUP_LEAD = "group_lead"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSession:
    """A browser that is signed in. `csrf` proves that a form is ours; the cookie's own secret is kept as SHA-256.

    `user_id` None: whoever took a link from the shell, with `roles` of the link; else roles are the person's.
    `chat_only`: begun with what somebody was handed to chat, so it never opens the dashboard.
    """

    id: str
    company_id: str
    user_id: str | None = None
    roles: frozenset[StaffRole] = frozenset()
    chat_only: bool = False
    csrf: str = field(repr=False)
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class LinkPurpose(StrEnum):
    """What a one-time link is good for."""

    SIGN_IN = "sign_in"
    JOIN = "join"
    CHAT = "chat"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimeLink:
    """A link that lets its holder in, so many times, so long. The code itself is kept as SHA-256 only.

    `sign_in`: to the dashboard, as the person or (`user_id` None) with `roles`. `join`: to set up a device of the
    person. `chat`: to the chat in the browser, for a page of another system that embeds it.
    """

    id: str
    company_id: str
    purpose: LinkPurpose
    user_id: str | None = None
    roles: frozenset[StaffRole] = frozenset()
    uses_left: int
    created_at: datetime
    expires_at: datetime
    created_by: str

    def holds(self, now: datetime) -> bool:
        """Whether it still lets somebody in."""
        return self.uses_left > 0 and now < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInAttempt:
    """Somebody who went to the identity provider and has not come back. Found by the `state` of OpenID Connect."""

    state_sha256: str
    company_id: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    return_to: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAccess:
    """How much of the website somebody holds, or held: browsers that are signed in, and links."""

    sessions: int = 0
    links: int = 0


class WebsiteRecords(Protocol):
    """A part of `kleanxmpp.ports.Transaction`. What is about a person goes with the person."""

    async def staff_roles(self, company_id: str) -> Mapping[str, frozenset[StaffRole]]:
        """Return the roles of everybody who has one, by user id."""

    async def staff_roles_of(self, user_id: str) -> frozenset[StaffRole]: ...
    async def save_staff_roles(self, company_id: str, user_id: str, roles: frozenset[StaffRole]) -> None:
        """Replace the person's roles. Raises NotFound."""

    async def web_session(self, token_sha256: str) -> WebSession | None: ...
    async def web_sessions(self, company_id: str, user_id: str | None) -> Sequence[WebSession]:
        """Return the sessions of a person (None: of nobody in particular), the newest first."""

    async def add_web_session(self, session: WebSession, *, token_sha256: str) -> None: ...
    async def see_web_session(self, session_id: str, *, at: datetime) -> None: ...
    async def delete_web_session(self, company_id: str, session_id: str) -> bool:
        """End it, and the credentials that were made for it. Return whether there was one."""

    async def one_time_link(self, code_sha256: str) -> OneTimeLink | None: ...
    async def one_time_links(self, company_id: str, user_id: str | None) -> Sequence[OneTimeLink]:
        """Return the links for a person (None: for nobody in particular), used ones too, the newest first."""

    async def add_one_time_link(self, link: OneTimeLink, *, code_sha256: str) -> None: ...
    async def use_one_time_link(self, link_id: str, *, now: datetime) -> bool:
        """Use the link up by one; return False if it does not hold any more. Of two callers the last use is one's."""

    async def delete_one_time_link(self, company_id: str, link_id: str) -> bool: ...
    async def add_sign_in_attempt(self, attempt: SignInAttempt) -> None: ...
    async def take_sign_in_attempt(self, state_sha256: str) -> SignInAttempt | None:
        """Return it and forget it. Of two callers one gets it."""

    async def end_web_access(self, user_ids: Collection[str]) -> Mapping[str, WebAccess]:
        """End all sessions and links of these people; return by user id what there was. Bulk."""

    async def web_access(self, user_ids: Collection[str]) -> Mapping[str, WebAccess]:
        """Return what these people hold, by user id; who holds nothing is missing. Bulk."""

    async def forget_web_access(self, *, before: datetime, attempts_before: datetime) -> None:
        """Forget sessions, links and credentials that ended before this moment, and attempts that began before."""
