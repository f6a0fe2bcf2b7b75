"""What the command line tells about a person, in lists as in single answers."""

from typing import Any

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
        "erasing": user.erasing,
        "created_at": user.created_at,
    }
