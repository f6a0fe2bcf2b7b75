"""What the command line tells about a person, in lists as in single answers."""

from collections.abc import Sequence
from typing import Any

from kleanxmpp import errors
from kleanxmpp.attributes import Attributes
from kleanxmpp.desired import access, may_chat
from kleanxmpp.model import Company, User


def facts(company: Company, user: User) -> dict[str, Any]:
    """Return what the command line tells about a person, under the API's names."""
    return {
        "id": user.id,
        "username": user.username,
        "jid": f"{user.username}@{company.domain}",
        "display_name": user.display_name,
        "nickname": user.nickname,
        "external_id": user.external_id,
        "email": user.email,
        "locale": user.locale,
        "active": user.active,
        "chat_permission": user.chat_permission,
        "may_chat": may_chat(company, user),
        "access": access(company, user).value,
        "absence": user.absence.value if user.absence else None,
        "returns_on": user.absent_until,
        "admin": user.admin,
        "attributes": user.attributes,
        "photo_sha1": user.photo_sha1,
        "erasing": user.erasing,
        "created_at": user.created_at,
    }


def said_attributes(said: Sequence[str]) -> Attributes:
    """Return what `--attribute NAME=VALUE` says, given once or more: a name given twice has two values.

    A name without a value is removed. Raises Invalid for anything else.
    """
    values: dict[str, tuple[str, ...]] = {}
    for one in said:
        name, equals, value = one.partition("=")
        if not equals:
            raise errors.Invalid('Write an attribute as NAME=VALUE, for example site="Objekt 12".', field="attribute")
        values[name] = values.get(name, ()) + ((value,) if value.strip() else ())
    return values


def shown_attributes(user: User) -> list[str]:
    """Return the attributes as lines for people."""
    return [f"{name} = {' | '.join(values)}" for name, values in user.attributes.items()]
