"""The tables of `MemoryDirectory`, and what its transaction's parts share.

Three indexes are kept beside the users, because use cases look people up by username, nickname and external id
all the time. A username stays in its index when the person is gone: that is how it stays retired.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime

from kleanxmpp import errors, names
from kleanxmpp.due import Due, Scope
from kleanxmpp.event_ports import Delivery, Event, EventType, Webhook
from kleanxmpp.file_ports import File
from kleanxmpp.hook_ports import SigningSecret
from kleanxmpp.model import (
    ApiToken,
    AuditEntry,
    ChainHead,
    Company,
    Credential,
    Door,
    Group,
    Hold,
    Offboarding,
    Role,
    User,
)
from kleanxmpp.photo_ports import Photo
from kleanxmpp.scheduled_ports import ScheduledChange
from kleanxmpp.scim_ports import ScimGroup, ScimUser
from kleanxmpp.source_ports import Expectation
from kleanxmpp.statistics_ports import DailyCount
from kleanxmpp.token_ports import RememberedAnswer
from kleanxmpp.website_ports import OneTimeLink, SignInAttempt, StaffRole, WebSession

Key = tuple[str, str]


@dataclass(slots=True)
class Tables:
    """Everything that is stored. Values are frozen, so copying the containers copies all of it."""

    companies: dict[str, Company] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    usernames: dict[Key, str] = field(default_factory=dict)
    nicknames: dict[Key, str] = field(default_factory=dict)
    external_ids: dict[Key, str] = field(default_factory=dict)
    credentials: dict[str, tuple[Credential, str]] = field(default_factory=dict)
    files: dict[str, tuple[File, str]] = field(default_factory=dict)
    photos: dict[str, Photo] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    circles: dict[str, dict[str, Role]] = field(default_factory=dict)
    by_rule: set[tuple[str, str]] = field(default_factory=set)
    exceptions: dict[tuple[str, str], datetime] = field(default_factory=dict)
    departures: set[tuple[str, str]] = field(default_factory=set)
    due: dict[Scope, Due] = field(default_factory=dict)
    audit: list[AuditEntry] = field(default_factory=list)
    audit_heads: dict[str, ChainHead] = field(default_factory=dict)
    offboardings: dict[str, Offboarding] = field(default_factory=dict)
    holds: dict[tuple[str, Door], Hold] = field(default_factory=dict)
    passages: list[tuple[str, Door, datetime, int]] = field(default_factory=list)
    contacts: dict[tuple[str, Door], datetime] = field(default_factory=dict)
    expectations: dict[tuple[str, Door], Expectation] = field(default_factory=dict)
    signing_secrets: dict[str, SigningSecret] = field(default_factory=dict)
    messages: dict[tuple[str, str, str], datetime] = field(default_factory=dict)
    scheduled: dict[str, ScheduledChange] = field(default_factory=dict)
    scim_users: dict[str, ScimUser] = field(default_factory=dict)
    scim_groups: dict[str, ScimGroup] = field(default_factory=dict)
    tokens: dict[str, tuple[ApiToken, str]] = field(default_factory=dict)
    answers: dict[Key, tuple[RememberedAnswer, datetime]] = field(default_factory=dict)
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    deliveries: dict[Key, Delivery] = field(default_factory=dict)
    staff_roles: dict[str, frozenset[StaffRole]] = field(default_factory=dict)
    web_sessions: dict[str, tuple[WebSession, str]] = field(default_factory=dict)
    one_time_links: dict[str, tuple[OneTimeLink, str]] = field(default_factory=dict)
    sign_in_attempts: dict[str, SignInAttempt] = field(default_factory=dict)
    daily_counts: dict[tuple[str, date], DailyCount] = field(default_factory=dict)
    alarms: set[tuple[EventType, str, str]] = field(default_factory=set)

    def copy(self) -> "Tables":
        """Return tables that can change without these."""
        copied = Tables(**{f.name: getattr(self, f.name).copy() for f in fields(self)})
        copied.circles = {group_id: circle.copy() for group_id, circle in self.circles.items()}
        return copied

    def restore(self, before: "Tables") -> None:
        """Become `before`."""
        for f in fields(self):
            setattr(self, f.name, getattr(before, f.name))

    def needs_company(self, company_id: str | None) -> None:
        """Raise NotFound unless the company is there, like a foreign key."""
        if company_id is not None and company_id not in self.companies:
            raise errors.NotFound

    def put_user(self, user: User) -> None:
        """Store a user and what they are found by. Raises Conflict for what somebody else holds."""
        self.users[user.id] = user
        self._hold(self.nicknames, "nickname", (user.company_id, names.nickname_key(user.nickname)), user.id)
        if user.external_id is not None:
            self._hold(self.external_ids, "external_id", (user.company_id, user.external_id), user.id)

    def let_go(self, user: User) -> None:
        """Free what others may take over: nickname and external id, never the username."""
        self.nicknames.pop((user.company_id, names.nickname_key(user.nickname)), None)
        if user.external_id is not None:
            self.external_ids.pop((user.company_id, user.external_id), None)

    def release(self, company_id: str, door: Door, user_ids: Collection[str]) -> None:
        """Take these people out of the door's hold; an empty one is gone."""
        if found := self.holds.pop((company_id, door), None):
            left = tuple(change for change in found.changes if change.user_id not in set(user_ids))
            if left:
                self.holds[company_id, door] = replace(found, changes=left)

    def forget_events(self, event_ids: Collection[str]) -> None:
        """Forget these events and their deliveries."""
        self.events = {id: event for id, event in self.events.items() if id not in event_ids}
        self.deliveries = {key: one for key, one in self.deliveries.items() if one.event_id not in event_ids}

    @staticmethod
    def _hold(index: dict[Key, str], name: str, key: Key, user_id: str) -> None:
        if index.setdefault(key, user_id) != user_id:
            raise errors.Conflict(field=name)


class MemoryPart:
    """What the parts of the transaction share. `marked` is True once something was marked due."""

    def __init__(self, tables: Tables, *, writable: bool) -> None:
        self._tables = tables
        self._writable = writable
        self.marked = False

    @contextmanager
    def _changing(self) -> Iterator[Tables]:
        """Yield the tables to change. What raises inside must do so before it changes anything."""
        if not self._writable:
            raise errors.DirectoryUnavailable("This transaction only reads.")
        yield self._tables

    @contextmanager
    def _whole(self) -> Iterator[Tables]:
        """Yield the tables to change; the change is undone when the block raises."""
        with self._changing() as tables:
            before = tables.copy()
            try:
                yield tables
            except BaseException:
                tables.restore(before)
                raise
