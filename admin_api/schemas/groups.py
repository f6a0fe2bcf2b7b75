"""Groups and their circles in JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from kleanxmpp.desired import may_chat
from kleanxmpp.groups import GroupPatch
from kleanxmpp.model import Company, Group, GroupKind, Role
from kleanxmpp.ports import Member

from .types import Id, ListQuery, PatchBody, RequestBody, View

MOST_MEMBERS = 20_000
GroupName = Annotated[str, Field(min_length=1, max_length=100, examples=["Frühschicht Nord"])]
Description = Annotated[str, Field(max_length=500, examples=["Wer früh im Norden arbeitet"])]


class NewGroupBody(RequestBody):
    """A group to add."""

    name: GroupName
    description: Description = ""
    kind: GroupKind = GroupKind.TEAM
    """`team`: all write. `announcement`: only moderators write."""


class GroupPatchBody(PatchBody):
    """What shall be different; what is left out stays."""

    name: GroupName = ""
    description: Description = ""
    kind: GroupKind = GroupKind.TEAM

    def patch(self) -> GroupPatch:
        """Return the core's value."""
        return GroupPatch(**{name: getattr(self, name) for name in self.model_fields_set})


class GroupView(View):
    """A group."""

    id: str
    slug: str
    room: str
    """The address of the room that the group is on the server."""
    name: str
    description: str
    kind: GroupKind
    created_at: datetime
    version: int
    """Grows with every change of the group, not of its circle; the entity tag of If-Match."""

    @classmethod
    def of(cls, group: Group, *, rooms_domain: str) -> Self:
        """Return how a group is shown."""
        return cls(
            id=group.id,
            slug=group.slug,
            room=f"{group.slug}@{rooms_domain}",
            name=group.name,
            description=group.description,
            kind=group.kind,
            created_at=group.created_at,
            version=group.version,
        )


class GroupPage(View):
    """Groups in the order of their slugs."""

    items: list[GroupView]
    next_cursor: str | None


class MemberItem(RequestBody):
    """Somebody to put into the circle."""

    user_id: Id
    role: Role | None = None
    """Left out: stays as it is; new members become plain members."""


def _each_once(ids: Sequence[str]) -> None:
    if len(ids) != len(set(ids)):
        raise PydanticCustomError("twice", "Somebody is named more than once.")


def _items_once(items: list[MemberItem]) -> list[MemberItem]:
    _each_once([item.user_id for item in items])
    return items


def _ids_once(ids: list[str]) -> list[str]:
    _each_once(ids)
    return ids


Items = Annotated[list[MemberItem], Field(max_length=MOST_MEMBERS), AfterValidator(_items_once)]
Ids = Annotated[list[Id], Field(max_length=MOST_MEMBERS), AfterValidator(_ids_once)]


class CircleBody(RequestBody):
    """The whole circle: who is not named is not a member any more."""

    members: Items


class CirclePatchBody(RequestBody):
    """Who comes and who goes; all others stay."""

    add: Items = Field(default_factory=list)
    remove: Ids = Field(default_factory=list)


class MemberBody(RequestBody):
    """A member's role."""

    role: Role | None = None
    """Left out: stays as it is; new members become plain members."""


class MemberQuery(ListQuery):
    """Which members."""

    limit: Annotated[int, Field(ge=1, le=500)] = 500


class MemberView(View):
    """Somebody in the circle."""

    user_id: str
    username: str
    display_name: str
    role: Role
    effective: bool
    """Whether the membership counts: only while the person may chat."""

    @classmethod
    def of(cls, member: Member, *, company: Company) -> Self:
        """Return how a member is shown."""
        user = member.user
        return cls(
            user_id=user.id,
            username=user.username,
            display_name=user.display_name,
            role=member.role,
            effective=may_chat(company, user),
        )


class MemberPage(View):
    """Members in the order of their usernames."""

    items: list[MemberView]
    next_cursor: str | None
    total: int
    """How many members there are, effective or not."""


class CircleView(View):
    """What became of a circle."""

    group_id: str
    total: int
    """How many members there are now, effective or not."""
    version: int
    """Grows with every change of the circle; the entity tag of If-Match."""
