"""The two borders of the core: the directory (where the truth is kept) and the server (where it must become true).

Both are `Protocol`s with an in-memory twin in `kleanxmpp.testing` and a contract suite in `tests/contracts`
that every implementation passes. The directory offers primitives inside a transaction; the rules that use
them live once, in the use cases (`users.py`, `groups.py` …), not in each implementation.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kleanxmpp.changes import Change
from kleanxmpp.desired import Access, CircleLook, GroupCircle, Person, UserLook
from kleanxmpp.device_ports import CredentialRecords, DeviceSeen, DeviceSession
from kleanxmpp.due_ports import DueRecords
from kleanxmpp.editing_ports import EditingRecords
from kleanxmpp.event_ports import EventRecords
from kleanxmpp.file_ports import FileRecords
from kleanxmpp.guard_ports import GuardRecords
from kleanxmpp.hook_ports import HookRecords
from kleanxmpp.model import (
    Company,
    Group,
    Role,
    User,
)
from kleanxmpp.photo_ports import PhotoRecords
from kleanxmpp.record_ports import KeptRecords
from kleanxmpp.rule_ports import RuleRecords
from kleanxmpp.scheduled_ports import ScheduledRecords
from kleanxmpp.scim_ports import ScimRecords
from kleanxmpp.source_ports import SourceRecords
from kleanxmpp.state import CircleState, UserState
from kleanxmpp.statistics_ports import StatisticsRecords
from kleanxmpp.token_ports import TokenRecords
from kleanxmpp.website_ports import WebsiteRecords


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFilter:
    """Which users a list shows. `text` matches parts of the folded display name, the username or the e-mail address.

    `absent`: paused or on garden leave. `has_device`: holds a credential that was not made for a browser.
    """

    text: str | None = None
    active: bool | None = None
    chat_permission: bool | None = None
    absent: bool | None = None
    has_device: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A membership with the user it is about. `by_rule`: the group's rule put them in, nobody else."""

    user: User
    role: Role
    by_rule: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseHealth:
    """What a database says about itself: its clock, and what is damaged. None: it has no check to be asked for."""

    now: datetime
    faults: tuple[str, ...] | None


class Transaction(
    CredentialRecords,
    DueRecords,
    KeptRecords,
    GuardRecords,
    TokenRecords,
    FileRecords,
    PhotoRecords,
    RuleRecords,
    SourceRecords,
    HookRecords,
    ScheduledRecords,
    EventRecords,
    ScimRecords,
    WebsiteRecords,
    EditingRecords,
    StatisticsRecords,
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

    async def users_by_email(self, company_id: str, email: str) -> Sequence[User]:
        """Return everybody with this address, whatever its case; it need not be one person's alone."""

    async def page_users(
        self, company_id: str, *, after: str | None, limit: int, matching: UserFilter
    ) -> Sequence[User]:
        """Return up to `limit` users in the order of their usernames, those after the username `after`."""

    async def add_users(self, users: Sequence[User]) -> None:
        """Insert. Raises Conflict (field named) for a username ever given, or a nickname or external id in use."""

    async def save_users(self, users: Sequence[User]) -> None:
        """Replace existing users, whole values. Raises Conflict for a nickname or external id in use."""

    async def delete_user(self, company_id: str, user_id: str) -> None:
        """Erase the person: user, photo, credentials, memberships, due scope, kept answers, events about them.

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

    # groups and circles
    async def group(self, company_id: str, group_id: str) -> Group | None:
        """Return the group, also a deleted one (tombstone)."""

    async def groups_by_id(self, company_id: str, group_ids: Collection[str]) -> Mapping[str, Group]:
        """Return the groups found, also deleted ones, by id; unknown ids are missing. Few queries."""

    async def group_by_slug(self, company_id: str, slug: str) -> Group | None: ...
    async def page_groups(
        self, company_id: str, *, after: str | None, limit: int, archived: bool | None = None
    ) -> Sequence[Group]:
        """Return up to `limit` groups that are not deleted, in the order of their slugs, those after slug `after`.

        `archived` True: only archived ones; False: only others; None: both.
        """

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
        """Return names, photos, bookmarks, leftovers of many people in their order, where asked for; all else is None.

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

    async def messages_sent(self, company: Company) -> int:
        """Return how many messages people of the company have sent since the server began to count: when it started."""

    async def device_sessions(self, company: Company, username: str) -> Sequence[DeviceSession]:
        """Return the person's sessions, sleeping ones included, with the marks of the devices."""

    async def devices_seen(self, company: Company, *, taken: Sequence[str]) -> Sequence[DeviceSeen]:
        """Return which devices came or went, in any order, of many only some; those not taken come again.

        `taken`: stamps of entries that are written down. The server forgets them.
        """

    async def room_names(self, company: Company) -> frozenset[str]:
        """Return the localparts of all rooms of the company's room service, awake and asleep."""

    async def shared_group_names(self, company: Company) -> frozenset[str]:
        """Return the names of the shared groups with our prefix."""

    async def check(self) -> None:
        """Raise Temporary if the server cannot be observed and changed right now."""
