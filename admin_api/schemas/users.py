"""People in JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from kleanxmpp import drafts, returns
from kleanxmpp.attributes import LONGEST_VALUE, MOST_NAMES, MOST_VALUES, NAME_PATTERN, Attributes
from kleanxmpp.desired import Access, access, may_chat
from kleanxmpp.edits import UserPatch
from kleanxmpp.model import Absence, Company, Mode, User
from kleanxmpp.users import Departure

from .types import ExternalId, Id, ListQuery, PatchBody, Printable, Prose, RequestBody, View

DisplayName = Annotated[str, Field(min_length=1, max_length=200, examples=["Aylin Öztürk"])]
Username = Annotated[str, Field(min_length=1, max_length=1023, examples=["aylin.oeztuerk"])]
Email = Annotated[Printable, Field(max_length=254, pattern=r"^[^\s@]+@[^\s@]+$", examples=["aylin@example.org"])]
Locale = Annotated[str, Field(max_length=10, examples=["de"], json_schema_extra={"enum": list(drafts.LOCALES)})]
AttributeName = Annotated[str, Field(pattern=NAME_PATTERN)]
AttributeValue = Annotated[Printable, Field(min_length=1, max_length=LONGEST_VALUE)]
AttributesBody = Annotated[
    dict[AttributeName, Annotated[list[AttributeValue], Field(max_length=MOST_VALUES)]],
    Field(max_length=MOST_NAMES, examples=[{"site": ["Objekt 12"], "role": ["Reinigung"]}]),
]
_OF_THE_USER = (
    "id", "username", "display_name", "external_id", "email", "locale", "active", "chat_permission", "absence", "admin",
    "attributes", "photo_sha1", "created_at", "version",
)  # fmt: skip
Reason = Annotated[Prose, Field(max_length=500, examples=["left the company"])]


class PersonBody(RequestBody):
    """A person, as HR knows them."""

    display_name: DisplayName
    """The name that colleagues see. Only the directory can set it."""
    username: Username | None = None
    """The first part of the chat address; for ever. Made from the name when left out."""
    email: Email | None = None
    locale: Locale | None = None
    """The language the assistant speaks; the company's when left out."""
    active: bool = True
    """Employed."""
    chat_permission: bool = True
    """Has the permission "Chat"."""
    admin: bool | None = None
    """Takes over groups that would be left without a moderator. Left out: false for somebody new, else as it is."""
    attributes: AttributesBody = Field(default_factory=dict)
    """What rules about circles read. Names that are left out stay as they are; an empty list removes one."""

    def facts(self, *, external_id: str | None) -> drafts.NewUser:
        """Return the core's value."""
        return drafts.NewUser(
            display_name=self.display_name,
            username=self.username,
            external_id=external_id,
            email=self.email,
            locale=self.locale,
            active=self.active,
            chat_permission=self.chat_permission,
            admin=self.admin,
            attributes=values_by_name(self.attributes),
        )


class NewUserBody(PersonBody):
    """A person to add."""

    external_id: ExternalId | None = None
    """The id that KleanApp or HR uses for the person; nobody else in the company has it."""


class PutUserBody(PersonBody):
    """A person to add or to bring up to date."""

    external_id: ExternalId | None = None
    """May be repeated here; must be the one in the address."""


class UserPatchBody(PatchBody):
    """What shall be different. What is left out stays; `null` removes an external id or an e-mail address."""

    display_name: DisplayName = ""
    external_id: ExternalId | None = None
    email: Email | None = None
    locale: Locale = ""
    active: bool = True
    chat_permission: bool = True
    admin: bool = False
    """Takes over groups that would be left without a moderator."""
    attributes: AttributesBody = Field(default_factory=dict)
    """What rules about circles read. Names that are left out stay as they are; an empty list removes one."""

    def patch(self) -> UserPatch:
        """Return the core's value."""
        said = self.model_dump() | {"attributes": values_by_name(self.attributes)}
        return UserPatch(fields=frozenset(self.model_fields_set), **said)


class ReasonBody(RequestBody):
    """Why; kept in the audit log."""

    reason: Reason | None = None


class DeactivationBody(ReasonBody):
    """How somebody goes, and why."""

    mode: Literal["left", "paused", "garden_leave"] = "left"
    """`left`: for good. `paused` (parental leave, sabbatical): no access, memberships and contacts stay, the name says
    until when. `garden_leave`: reads announcements, writes nothing."""
    returns_on: Annotated[str, Field(pattern=returns.PATTERN, max_length=32, examples=["2027-03-01"])] | None = None
    """When an absence ends by itself: a date (the beginning of that day in the company's time zone) or a date-time with
    offset. Left out: somebody ends it."""
    hand_over_to: Id | None = None
    """Who becomes moderator of the groups that the person moderates. Left out: the groups' other moderators suffice,
    and groups without any go to the company's admins."""

    def departure(self, company: Company) -> Departure:
        """Return the core's value. Raises Invalid for a day that does not exist."""
        until = None if self.returns_on is None else returns.moment(self.returns_on, company=company)
        return Departure(mode=Mode(self.mode), until=until, hand_over_to=self.hand_over_to)


class UserQuery(ListQuery):
    """Which people."""

    q: Annotated[Printable, Field(min_length=1, max_length=200)] | None = None
    """Part of the name, the username or the e-mail address."""
    active: bool | None = None
    chat_permission: bool | None = None
    external_id: ExternalId | None = None
    """Exactly this external id."""
    username: Username | None = None
    """Exactly this username."""

    @model_validator(mode="after")
    def _one_way_of_searching(self) -> Self:
        if sum(given is not None for given in (self.q, self.external_id, self.username)) > 1:
            raise PydanticCustomError("one_way", "Give only one of q, external_id and username.")
        return self


class UserView(View):
    """A person."""

    id: str
    username: str
    jid: str
    """The chat address."""
    display_name: str
    external_id: str | None
    email: str | None
    locale: str
    active: bool
    chat_permission: bool
    may_chat: bool
    """Whether the person takes part: company enabled, active, permitted, and not absent."""
    access: Access
    """How far: `none`, `paused` (not at all, but colleagues find the name), `read` (announcements only), `full`."""
    absence: Absence | None
    returns_on: datetime | None
    """When the absence ends by itself, in the company's time zone. Null: when somebody ends it."""
    admin: bool
    """Takes over groups that would be left without a moderator."""
    attributes: Mapping[str, list[str]]
    """What is known besides: department, site, role …; rules about circles read it."""
    photo_sha1: str | None
    """The hash of the photo, which is its entity tag. Null: the directory has none."""
    created_at: datetime
    version: int
    """Grows with every change; the entity tag of If-Match."""


class UserPage(View):
    """People in the order of their usernames."""

    items: list[UserView]
    next_cursor: str | None


class ReactivatedView(UserView):
    """A person who is let in again, and where to look whether the server has followed."""

    done: bool
    """Whether the server was seen to be right again."""
    status_url: str
    """What the person can reach right now."""


def values_by_name(said: Mapping[str, list[str]]) -> Attributes:
    """Return the core's value."""
    return {name: tuple(values) for name, values in said.items()}


def user_view(user: User, *, company: Company) -> UserView:
    """Return how a user of this company is shown."""
    return UserView.model_validate(_facts(user, company=company))


def reactivated_view(user: User, *, company: Company, done: bool) -> ReactivatedView:
    """Return how somebody is shown who is let in again."""
    url = f"/api/v1/users/{user.id}/access"
    return ReactivatedView.model_validate(_facts(user, company=company) | {"done": done, "status_url": url})


def _facts(user: User, *, company: Company) -> dict[str, object]:
    own = {name: getattr(user, name) for name in _OF_THE_USER}
    until = user.absent_until
    return own | {
        "jid": f"{user.username}@{company.domain}",
        "may_chat": may_chat(company, user),
        "access": access(company, user),
        "returns_on": None if until is None else until.astimezone(ZoneInfo(company.timezone)),
    }
