"""Groups and their circles in JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self, cast

from pydantic import AfterValidator, Field, JsonValue
from pydantic_core import PydanticCustomError

from kleanxmpp import errors, rule_text, rules
from kleanxmpp.desired import may_chat
from kleanxmpp.groups import GroupPatch
from kleanxmpp.model import Company, Group, GroupKind, Role
from kleanxmpp.ports import Member

from .rules import RuleBody, rule_of
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
    rule: RuleBody | None = None
    """Who is a member without being named, as JSON or as text; see `rule` and `rule_text` of the answer."""


class GroupPatchBody(PatchBody):
    """What shall be different; what is left out stays."""

    name: GroupName = ""
    description: Description = ""
    kind: GroupKind = GroupKind.TEAM
    rule: RuleBody | None = None
    """Who is a member without being named. `null` removes the rule, and its members leave with it."""
    keep_members: bool = False
    """With `"rule": null`: its members stay, as fixed ones."""

    def patch(self) -> GroupPatch:
        """Return the core's value. Raises Invalid for what is no rule."""
        given = {name: getattr(self, name) for name in self.model_fields_set - {"rule"}}
        without_rule = "rule" in self.model_fields_set and self.rule is None
        if self.keep_members and not without_rule:
            raise errors.Invalid('Members are kept when a rule is removed: "rule": null.', field="keep_members")
        return GroupPatch(**given, rule=rule_of(self.rule), without_rule=without_rule)


class GroupQuery(ListQuery):
    """Which groups."""

    archived: bool = False
    """Left out or `false`: the groups that their members have. `true`: the archived ones."""


class GroupView(View):
    """A group."""

    id: str
    slug: str
    room: str
    """The address of the room that the group is on the server."""
    name: str
    description: str
    kind: GroupKind
    rule: dict[str, JsonValue] | None
    """Who is a member without being named: `{"attribute": …, "in": […]}`, or `all`, `any`, `not` of such."""
    rule_text: str | None
    """The same rule as people write it."""
    created_at: datetime
    archived_at: datetime | None
    """Since when the group is archived: nobody has it, its room stays with its messages. Null: it is not."""
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
            rule=cast(dict[str, JsonValue], rules.to_json(group.rule)) if group.rule else None,
            rule_text=rule_text.printed(group.rule) if group.rule else None,
            created_at=group.created_at,
            archived_at=group.archived_at,
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
    """The whole circle: who is not named is not a member any more, unless the group's rule keeps them in."""

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
    """Whether the membership counts: only while the person may chat and the group is not archived."""
    by_rule: bool
    """Whether the group's rule put them in; else they are fixed."""

    @classmethod
    def of(cls, member: Member, *, company: Company, group: Group) -> Self:
        """Return how a member of the group is shown."""
        user = member.user
        return cls(
            user_id=user.id,
            username=user.username,
            display_name=user.display_name,
            role=member.role,
            effective=may_chat(company, user) and not group.archived,
            by_rule=member.by_rule,
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
    by_rule: int
    """How many of them the group's rule put in."""
    version: int
    """Grows with every change of the circle; the entity tag of If-Match."""
