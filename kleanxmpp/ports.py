"""The two borders of the core: the directory (where the truth is kept) and the server (where it must become true).

Both are `Protocol`s with an in-memory twin in `kleanxmpp.testing` and a contract suite in `tests/contracts`
that every implementation passes. The directory offers primitives inside a transaction; the rules that use
them live once, in the use cases (`users.py`, `groups.py` …), not in each implementation.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from kleanxmpp.changes import Change
from kleanxmpp.desired import Access, CircleLook, GroupCircle, Person, UserLook
from kleanxmpp.event_ports import EventRecords
from kleanxmpp.file_ports import FileRecords
from kleanxmpp.hook_ports import HookRecords
from kleanxmpp.model import (
    ApiToken,
    Aspect,
    AuditEntry,
    ChainHead,
    Company,
    Credential,
    Door,
    Due,
    Group,
    HeldChange,
    Hold,
    Offboarding,
    Priority,
    Role,
    Scope,
    User,
)
from kleanxmpp.rule_ports import RuleRecords
from kleanxmpp.scheduled_ports import ScheduledRecords
from kleanxmpp.scim_ports import ScimRecords
from kleanxmpp.source_ports import SourceRecords
from kleanxmpp.state import CircleState, UserState

LONGEST_PAUSE = timedelta(hours=1)
"""Between two attempts at a scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFilter:
    """Which users a list shows. `text` matches parts of the folded display name, the username or the e-mail address."""

    text: str | None = None
    active: bool | None = None
    chat_permission: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A membership with the user it is about. `by_rule`: the group's rule put them in, nobody else."""

    user: User
    role: Role
    by_rule: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedAnswer:
    """What a POST with an Idempotency-Key answered, or (`status` 0) that it is being carried out.

    `fingerprint` identifies the request; the body holds no secret. `about` is the id of the user whose data the body
    holds: it goes when the user is erased.
    """

    fingerprint: str
    status: int = 0
    body: str = ""
    about: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseHealth:
    """What a database says about itself: its clock, and what is damaged. None: it has no check to be asked for."""

    now: datetime
    faults: tuple[str, ...] | None


class Transaction(
    FileRecords,
    RuleRecords,
    SourceRecords,
    HookRecords,
    ScheduledRecords,
    EventRecords,
    ScimRecords,
    Protocol,
):
    """One transaction on the directory. Reads return values or None; writes take whole values.

    Everything is bounded to one company by its `company_id`, and never returns what belongs to another.
    """

    # companies
    async def company(self, company_id: str) -> Company | None: ...
    async def company_by_domain(self, domain: str) -> Company | None: ...
    async def companies(self) -> Sequence[Company]: ...
    async def save_company(self, company: Company) -> None:
        """Insert or replace. Raises Conflict if another company has the domain."""

    # users
    async def user(self, company_id: str, user_id: str) -> User | None: ...
    async def user_by_username(self, company_id: str, username: str) -> User | None: ...
    async def users_by_id(self, company_id: str, user_ids: Collection[str]) -> Mapping[str, User]:
        """Return the users found, by id; unknown ids are missing. Any number of ids, few queries."""

    async def users_by_username(self, company_id: str, usernames: Collection[str]) -> Mapping[str, User]:
        """Like `users_by_id`, by username."""

    async def users_by_external_id(self, company_id: str, external_ids: Collection[str]) -> Mapping[str, User]:
        """Like `users_by_id`, by external id."""

    async def page_users(
        self, company_id: str, *, after: str | None, limit: int, matching: UserFilter
    ) -> Sequence[User]:
        """Return up to `limit` users in the order of their usernames, those after the username `after`."""

    async def add_users(self, users: Sequence[User]) -> None:
        """Insert. Raises Conflict (field named) for a username ever given, or a nickname or external id in use."""

    async def save_users(self, users: Sequence[User]) -> None:
        """Replace existing users, whole values. Raises Conflict for a nickname or external id in use."""

    async def delete_user(self, company_id: str, user_id: str) -> None:
        """Erase the person: user, credentials, memberships, due scope, kept answers, events about them.

        The username stays retired.
        """

    async def taken_usernames(self, company_id: str, usernames: Collection[str]) -> frozenset[str]:
        """Return which of these were ever given to anybody, erased people included."""

    async def taken_nicknames(self, company_id: str, nicknames: Collection[str]) -> Mapping[str, str]:
        """Return, for those of `nicknames` in use (compared casefolded), nickname as asked -> user id of the holder."""

    async def names(self, company_id: str, *, containing: Sequence[str] = ()) -> Sequence[tuple[str, str]]:
        """Return (username, name) of everybody whose folded display name contains all these parts.

        Of those who may chat, and, with a mark at the name, of those who are paused.
        """

    async def access_levels(self, company_id: str) -> Mapping[str, Access]:
        """Return how far everybody takes part, by username; whose access is `none` is missing."""

    async def users_to_return(self, *, now: datetime, limit: int) -> Sequence[User]:
        """Return people of all companies whose absence has ended by `now`, the longest ended first."""

    async def next_return_at(self) -> datetime | None:
        """Return when the next absence ends by itself, be it past."""

    async def admins(self, company_id: str) -> Sequence[User]:
        """Return the people who are marked as admins, whether they may chat or not."""

    async def mark_greeted(self, company_id: str, username: str) -> bool:
        """Return True for the first call for this user, False ever after, also when two calls race."""

    # credentials: `secret_sha256` is lowercase hex
    async def credentials(self, user_id: str) -> Sequence[Credential]: ...
    async def credential_counts(self, user_ids: Collection[str]) -> Mapping[str, int]:
        """Return how many credentials these users have; whoever has none is missing."""

    async def add_credentials(self, credentials: Sequence[tuple[Credential, str]]) -> None: ...
    async def delete_credential(self, user_id: str, credential_id: str) -> bool:
        """Return whether there was one."""

    async def may_log_in(self, domain: str, username: str, secret_sha256: str) -> bool:
        """Answer a login the way extauth does: company enabled, user may chat, credential known."""

    # groups and circles
    async def group(self, company_id: str, group_id: str) -> Group | None:
        """Return the group, also a deleted one (tombstone)."""

    async def groups_by_id(self, company_id: str, group_ids: Collection[str]) -> Mapping[str, Group]:
        """Return the groups found, also deleted ones, by id; unknown ids are missing. Few queries."""

    async def group_by_slug(self, company_id: str, slug: str) -> Group | None: ...
    async def page_groups(self, company_id: str, *, after: str | None, limit: int) -> Sequence[Group]:
        """Return up to `limit` groups that are not deleted, in the order of their slugs, those after slug `after`."""

    async def groups_by_name(self, company_id: str, names: Collection[str]) -> Mapping[str, Group]:
        """Return the groups that are not deleted and have exactly these names."""

    async def add_groups(self, groups: Sequence[Group]) -> None:
        """Insert. Raises Conflict for a slug that was ever given, or the name of a group that is not deleted."""

    async def save_group(self, group: Group) -> None: ...
    async def taken_slugs(self, company_id: str, slugs: Collection[str]) -> frozenset[str]:
        """Return which of these any group ever had, deleted ones included."""

    async def roles(self, group_id: str) -> Mapping[str, Role]:
        """Return the whole circle: user id -> role, effective or not."""

    async def roles_of(self, group_id: str, user_ids: Collection[str]) -> Mapping[str, Role]:
        """Like `roles`, for these users only; cost follows them, not the circle."""

    async def page_members(self, group_id: str, *, after: str | None, limit: int) -> Sequence[Member]:
        """Return up to `limit` members in the order of their usernames."""

    async def member_count(self, group_id: str) -> int: ...
    async def memberships_of(self, user_id: str) -> Sequence[tuple[Group, Role]]:
        """Return the user's groups that are not deleted, in the order of their slugs."""

    async def moderated_by(self, company_id: str, user_ids: Collection[str]) -> Mapping[str, Sequence[Group]]:
        """Return the groups that these people moderate, by user id; whoever moderates none is missing."""

    async def moderators(self, group_ids: Collection[str]) -> Mapping[str, Sequence[User]]:
        """Return who moderates these groups, effective or not, by group id; groups without any are missing."""

    async def put_members(self, group_id: str, roles: Mapping[str, Role], *, by_rule: bool = False) -> None:
        """Insert or update these memberships; the others stay. Forgets departures of the same people."""

    async def remove_members(self, group_id: str, user_ids: Collection[str]) -> None:
        """Delete these memberships and remember each as a departure until the server is proven right."""

    # what the reconcile loop reads
    async def person(self, company_id: str, user_id: str) -> Person | None:
        """Return the user with circles (no deleted groups) and departures; query count does not depend on sizes."""

    async def people(self, company_id: str, user_ids: Collection[str]) -> Mapping[str, Person]:
        """Like `person`, of several, by id; unknown ids are missing. Few queries."""

    async def page_people(self, company_id: str, *, after: str | None, limit: int) -> Sequence[Person]:
        """Like `page_users`, as `Person`s, in a number of queries that does not depend on `limit`."""

    async def group_circle(self, company_id: str, group_id: str) -> GroupCircle | None:
        """Return the group with its effective members and its size (all memberships)."""

    async def forget_departures(self, groups: Collection[str]) -> None:
        """Forget everybody's departures from these groups: the server was proven right."""

    async def forget_departures_of(self, left: Mapping[str, Collection[str]]) -> None:
        """Forget departures of these people (user id -> group ids). Few statements."""

    # due scopes
    async def mark_due(self, marks: Sequence[Due]) -> None:
        """Insert, or merge into the existing row: aspects united, highest priority, revision + 1, attempts reset."""

    async def mark_users_due(
        self,
        company_id: str,
        *,
        aspects: Aspect,
        priority: Priority,
        at: datetime,
        group_id: str | None = None,
    ) -> None:
        """Mark everybody of the company, or of one group's circle, in one statement."""

    async def take_due(self, *, now: datetime, limit: int, besides: Collection[Scope] = ()) -> Sequence[Due]:
        """Return scopes that are due: never tried since they were marked, or their next attempt is now or past.

        What was marked or planned by a clock that is ahead is due, too: more than `LONGEST_PAUSE` ahead nothing is
        planned. Claims nothing; `besides` are those that are worked on already.

        By priority, then kind (company, group, user: people stand on their groups' rooms), then oldest first.
        """

    async def due(self, scope: Scope) -> Due | None: ...
    async def finish_due(self, finished: Sequence[Due]) -> None:
        """Delete the rows of these, unless somebody marked them since (another revision). Few statements."""

    async def fail_due(self, due: Due, *, error: str, next_attempt_at: datetime) -> None:
        """Record the failed attempt; attempts + 1. A newer mark (other revision) keeps its own schedule."""

    async def page_due(self, company_id: str, *, limit: int) -> Sequence[Due]: ...
    async def count_due(self, company_id: str) -> int: ...
    async def next_attempt_at(self, *, besides: Collection[Scope] = ()) -> datetime | None:
        """Return when the earliest due scope besides these may be tried; None if there is none."""

    # audit, off-boardings, tokens, repeated requests
    async def add_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append to the chains of the entries' companies, in this order. Number and hashes are filled in here."""

    async def page_audit(self, company_id: str | None, *, before: int | None, limit: int) -> Sequence[AuditEntry]:
        """Return entries, newest first, those with an id smaller than `before`."""

    async def page_chain(self, company_id: str | None, *, after: tuple[int, int], limit: int) -> Sequence[AuditEntry]:
        """Return entries in the order of (number, id), those after `after`. Raises Damaged for what cannot be read."""

    async def chain_head(self, company_id: str | None) -> ChainHead | None:
        """Return where the chain ends according to its last append; None if nothing was ever added."""

    async def chains(self) -> frozenset[str | None]:
        """Return the company ids of all chains, those of which only entries or only the head are left included."""

    async def add_offboardings(self, begun: Sequence[Offboarding]) -> None: ...
    async def save_offboardings(self, changed: Sequence[Offboarding]) -> None:
        """Replace existing ones, whole values. Few statements."""

    async def offboarding(self, company_id: str, offboarding_id: str) -> Offboarding | None: ...
    async def offboardings_by_id(self, company_id: str, offboarding_ids: Collection[str]) -> Mapping[str, Offboarding]:
        """Return the off-boardings found, by id; unknown ids are missing. Few queries."""

    async def open_offboarding(self, user_id: str) -> Offboarding | None:
        """Return the one that is neither completed nor cancelled, if there is one."""

    async def open_offboardings(
        self, company_id: str, user_ids: Collection[str] | None = None
    ) -> Sequence[Offboarding]:
        """Return those of these users (None: of everybody) that are neither completed nor cancelled, oldest first."""

    async def page_offboardings(self, company_id: str, user_id: str, *, limit: int) -> Sequence[Offboarding]:
        """Return the newest first."""

    async def newest_offboardings(self, company_id: str, user_ids: Collection[str]) -> Mapping[str, Offboarding]:
        """Return each user's newest off-boarding, however it ended; who has none is missing."""

    # the guard against mass changes
    async def count_may_chat(self, company_id: str) -> int: ...
    async def passed(self, company_id: str, door: Door, *, since: datetime) -> int:
        """Return how many people the door off-boarded at `since` or later, as `add_passed` was told."""

    async def add_passed(self, company_id: str, door: Door, *, people: int, at: datetime) -> None: ...
    async def forget_passed(self, company_id: str, door: Door, *, before: datetime) -> None: ...
    async def holds(self, company_id: str) -> Sequence[Hold]:
        """Return what waits for a confirmation, at most one hold of each door, in the order of the doors' names."""

    async def hold_id(self, company_id: str, door: Door) -> str | None:
        """Return the id of the door's hold, if anything of it waits."""

    async def waiting(self, company_id: str, door: Door, user_ids: Collection[str]) -> Mapping[str, HeldChange]:
        """Return what the door's hold has about these people, by user id; cost follows them, not the hold."""

    async def hold_back(self, hold: Hold) -> None:
        """Add these changes to the door's hold, whose id is this one. A person's earlier change is replaced."""

    async def release(self, company_id: str, door: Door, user_ids: Collection[str]) -> None:
        """Take these people out of the door's hold, if they are in it."""

    async def token_by_hash(self, token_sha256: str) -> ApiToken | None: ...
    async def tokens(self, company_id: str | None) -> Sequence[ApiToken]: ...
    async def add_token(self, token: ApiToken, *, token_sha256: str) -> None: ...
    async def delete_token(self, company_id: str | None, token_id: str) -> bool: ...
    async def claim_answer(
        self, *, token_id: str, key: str, fingerprint: str, at: datetime, abandoned_before: datetime
    ) -> RememberedAnswer | None:
        """Return None if the key is the caller's now, else what is known about it.

        Of two callers one gets None. A claim from before `abandoned_before` without an answer can be claimed anew.
        """

    async def remember(self, *, token_id: str, key: str, answer: RememberedAnswer, at: datetime) -> None:
        """Keep the answer in the place of the claim."""

    async def forget_claim(self, *, token_id: str, key: str) -> None:
        """Give the key back: nothing came of it."""

    async def forget_remembered(self, *, before: datetime) -> None: ...


class Directory(Protocol):
    """The truth. A `write` commits when its block ends well and undoes everything when it raises.

    Raises `DirectoryUnavailable` when the database is locked, gone or not migrated.
    """

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        """A consistent view; nothing may be written through it."""

    def write(self, company_id: str | None = None) -> AbstractAsyncContextManager[Transaction]:
        """A writing transaction. Writes with the same `company_id` run one after another, on every database.

        With None (bookkeeping of the loop, companies, tokens) there is no such order. A commit that marked
        something due wakes `wait_for_change`.
        """

    async def wait_for_change(self, *, timeout: float) -> None:
        """Return when a write may have marked something due, or after `timeout` seconds. May return for nothing."""

    async def check(self) -> None:
        """Raise DirectoryUnavailable if the database does not answer or its schema is not the one of this version."""

    async def examine(self) -> DatabaseHealth:
        """Return the database's clock and what it finds damaged in itself. May read all of it; raises as `check`."""


class Server(Protocol):
    """The XMPP server, as seen and changed from outside. Raises `errors.Temporary` or `errors.Permanent`."""

    async def observe_user(self, company: Company, look: UserLook) -> UserState:
        """Return what was asked for in `look`; the rest stays None. A room that does not exist counts as `none`."""

    async def observe_people(self, company: Company, looks: Sequence[UserLook]) -> Sequence[UserState]:
        """Return names, bookmarks and leftovers of many people in their order, where asked for; all else is None.

        Few calls, whatever their number.
        """

    async def observe_circles(self, company: Company, look: CircleLook) -> CircleState:
        """Return the rooms and shared groups looked at; absent ones are missing."""

    async def apply(self, company: Company, change: Change) -> int:
        """Make it true; return how many things (sessions, affiliations, memberships …) were touched. Harmless twice."""

    async def key_holders(self, company: Company, key: str) -> frozenset[str]:
        """Return the usernames in one of the `KEYS`."""

    async def online(self, company: Company) -> frozenset[str]:
        """Return the usernames that have at least one session, sleeping ones included."""

    async def room_names(self, company: Company) -> frozenset[str]:
        """Return the localparts of all rooms of the company's room service, awake and asleep."""

    async def shared_group_names(self, company: Company) -> frozenset[str]:
        """Return the names of the shared groups with our prefix."""

    async def check(self) -> None:
        """Raise Temporary if the server cannot be observed and changed right now."""
