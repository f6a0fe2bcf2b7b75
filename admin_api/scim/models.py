"""The resources as identity providers really send them, where the library reads the specification more strictly.

Entra sends booleans as text and a manager as a bare id; e-mail addresses come back exactly as they came, those of a
company's `.local` domain, too. A boolean is true or false and nothing else: see `checked_boolean`.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from scim2_models import (
    AnyExtension,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ETag,
    Filter,
    InvalidValueException,
    Mutability,
    Patch,
    Reference,
    ResourceType,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
)
from scim2_models import Email as StrictEmail
from scim2_models import EnterpriseUser as StrictEnterpriseUser
from scim2_models import Group as StrictGroup
from scim2_models import GroupMember as StrictGroupMember
from scim2_models import User as StrictUser
from scim2_models.resources.enterprise_user import Manager as StrictManager

MOST_RESULTS = 200
MOST_OPERATIONS = 1000
_BOOLEANS: dict[object, bool] = {"true": True, "True": True, "false": False, "False": False}


def checked_boolean(value: object) -> object:
    """Return True, False or None. Raises for anything but them and their names: whoever guesses lets a leaver stay."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value in _BOOLEANS:
        return _BOOLEANS[value]
    raise InvalidValueException(detail="active is true or false")


def _as_boolean(value: object) -> object:
    try:
        return checked_boolean(value)
    except InvalidValueException as error:
        raise error.as_pydantic_error() from None


def _manager(value: object) -> object:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return {"value": value} if isinstance(value, str) else value


class Email(StrictEmail):
    """An e-mail address, kept as it was written."""

    value: str | None = None


_Manager = Annotated[
    Reference["User"] | None,  # type: ignore[type-arg]  # read as the name of a resource
    Field(serialization_alias="$ref", validation_alias="$ref"),
]


class Manager(StrictManager):
    """Somebody's manager: the id of a user, or whatever the identity provider calls them."""

    value: Annotated[str | None, CaseExact.true] = None
    ref: _Manager = None  # type: ignore[assignment]  # only the requirement is gone


class EnterpriseUser(StrictEnterpriseUser):
    """What a company knows about somebody who works there."""

    manager: Annotated[Manager | None, BeforeValidator(_manager)] = None


class User(StrictUser[AnyExtension]):
    """A person."""

    active: Annotated[bool | None, BeforeValidator(_as_boolean)] = None
    emails: list[Email] | None = None  # type: ignore[assignment]  # the library reads whatever the field says


class GroupMember(StrictGroupMember):
    """Somebody in a group. What clients call them is theirs to know."""

    display: Annotated[str | None, Mutability.read_only] = None


class Group(StrictGroup):
    """A group."""

    members: list[GroupMember] | None = None  # type: ignore[assignment]  # as above


Person: Any = User[EnterpriseUser]
"""The model of /Users."""

POLICY = ScimPolicy(
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)


def make_provider(*, max_payload: int) -> ScimProvider:
    """Describe what is served. `max_payload`: bytes of a request."""
    bearer = AuthenticationScheme(
        type=AuthenticationScheme.Type.oauthbearertoken,
        name="Bearer token",
        description="A token with the scope scim, given out by kleanxmpp token or POST /api/v1/tokens.",
        primary=True,
    )
    return ScimProvider(
        models=[User, EnterpriseUser, Group],
        resource_types=[ResourceType.from_resource(Person), ResourceType.from_resource(Group)],
        config=ServiceProviderConfig(
            patch=Patch(supported=True),
            bulk=Bulk(supported=True, max_operations=MOST_OPERATIONS, max_payload_size=max_payload),
            filter=Filter(supported=True, max_results=MOST_RESULTS),
            change_password=ChangePassword(supported=False),
            sort=Sort(supported=True),
            etag=ETag(supported=True),
            authentication_schemes=[bearer],
        ),
        policy=POLICY,
    )
