"""The directory's part about SCIM: what a client said about people and groups beyond what the directory knows.

The directory's own rows are the truth for what we map; the document kept beside them is the truth for the rest. People
who came by another door have no document and are visible all the same, under their e-mail address, or else username.
Who is being erased is gone for SCIM: never found here, the userName free.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from kleanxmpp.model import Group, User

Document = Mapping[str, object]
"""A SCIM resource as JSON, without what the directory keeps itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimUser:
    """What SCIM said about a user. No two of a company have the same `user_name`, whatever its case."""

    user_id: str
    company_id: str
    user_name: str
    external_id: str | None = None
    document: Document
    version: int = 1
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimGroup:
    """What SCIM said about a group."""

    group_id: str
    company_id: str
    external_id: str | None = None
    document: Document
    version: int = 1
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimPerson:
    """A user as SCIM sees them. `kept` None: SCIM said nothing about them yet."""

    user: User
    kept: ScimUser | None

    @property
    def user_name(self) -> str:
        """The name SCIM gave, else the e-mail address, else the username."""
        return self.kept.user_name if self.kept else self.user.email or self.user.username

    @property
    def external_id(self) -> str | None:
        """The id of the identity provider, or what another door gave as external id."""
        return self.kept.external_id if self.kept else self.user.external_id

    @property
    def changed_at(self) -> datetime:
        """When SCIM last changed it."""
        return self.kept.changed_at if self.kept else self.user.created_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimCircle:
    """A group as SCIM sees it. `kept` None: SCIM said nothing about it yet."""

    group: Group
    kept: ScimGroup | None

    @property
    def changed_at(self) -> datetime:
        """When SCIM last changed it."""
        return self.kept.changed_at if self.kept else self.group.created_at


class Field(StrEnum):
    """What can be searched and sorted by. MEMBER (a user id) is of groups, ACTIVE, EMAIL and USER_NAME are of users."""

    ID = "id"
    EXTERNAL_ID = "external_id"
    USER_NAME = "user_name"
    DISPLAY_NAME = "display_name"
    EMAIL = "email"
    ACTIVE = "active"
    CREATED = "created"
    CHANGED = "changed"
    MEMBER = "member"


class Relation(StrEnum):
    """How a field compares with a value. Texts but ids compare whatever their case (ASCII only in DISPLAY_NAME)."""

    EQ = "eq"
    STARTS = "sw"
    CONTAINS = "co"
    AFTER = "gt"
    SINCE = "ge"
    BEFORE = "lt"
    UNTIL = "le"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A field that compares with a value: text, a boolean for ACTIVE, an aware moment for CREATED and CHANGED."""

    field: Field
    relation: Relation
    value: str | bool | datetime


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every term holds."""

    terms: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of the terms holds. Without terms: never."""

    terms: tuple["Condition", ...]


Condition = Compared | AllOf | AnyOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Which part of what was found, in which order; equal values, and everything without `order`, by id."""

    offset: int = 0
    limit: int
    order: Field | None = None
    descending: bool = False


class ScimRecords(Protocol):
    """What SCIM said; a part of `kleanxmpp.ports.Transaction`."""

    async def scim_person(self, company_id: str, user_id: str) -> ScimPerson | None:
        """Return the person in one query."""

    async def find_scim_people(self, company_id: str, where: Condition | None, part: Slice) -> Sequence[ScimPerson]:
        """Return a part of those for whom the condition holds. Equality of names and ids is looked up, not scanned."""

    async def count_scim_people(self, company_id: str, where: Condition | None) -> int:
        """Return how many there are of what `find_scim_people` finds."""

    async def scim_name_holders(self, company_id: str, user_names: Collection[str]) -> Mapping[str, Collection[str]]:
        """Return the ids of those whose userName is one of these, whatever its case; what nobody has is missing."""

    async def save_scim_users(self, kept: Sequence[ScimUser]) -> None:
        """Insert or replace, all or none. Raises Conflict (field `user_name`) if another user has a name."""

    async def delete_scim_user(self, company_id: str, user_id: str) -> None:
        """Forget what SCIM said about the user; their userName is free."""

    async def scim_circle(self, company_id: str, group_id: str) -> ScimCircle | None:
        """Return the group in one query, if it is not deleted."""

    async def find_scim_circles(self, company_id: str, where: Condition | None, part: Slice) -> Sequence[ScimCircle]:
        """Return a part of the groups that are not deleted and for which the condition holds."""

    async def count_scim_circles(self, company_id: str, where: Condition | None) -> int:
        """Return how many there are of what `find_scim_circles` finds."""

    async def save_scim_group(self, kept: ScimGroup) -> None:
        """Insert or replace."""

    async def scim_members(self, group_ids: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Return the user ids of each group's members, by username; a group without any is missing."""


def ascii_lower(text: str) -> str:
    """Return the text with ASCII capitals made small, as both databases do it for text that sorts by code point."""
    return "".join(c.lower() if c.isascii() else c for c in text)
