"""People, groups and off-boardings as events tell of them: as the API shows them, so that receivers need one model.

The API's views live beyond our border, so a test compares them with these. A room's address is not known here (where
rooms are is the installation's business); `deliveries.body_of` adds it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from kleanxmpp import rule_text, rules
from kleanxmpp.desired import access, may_chat
from kleanxmpp.event_ports import Facts
from kleanxmpp.model import Company, Group, Offboarding, User

_OF_THE_USER = (
    "id", "username", "display_name", "external_id", "email", "locale", "active", "chat_permission", "admin",
    "photo_sha1", "version",
)  # fmt: skip


def user_facts(user: User, *, company: Company) -> Facts:
    """Return a person as `GET /users/{id}` does."""
    until = user.absent_until
    return {name: getattr(user, name) for name in _OF_THE_USER} | {
        "jid": f"{user.username}@{company.domain}",
        "may_chat": may_chat(company, user),
        "access": access(company, user).value,
        "absence": user.absence and user.absence.value,
        "returns_on": until and moment(until.astimezone(ZoneInfo(company.timezone))),
        "attributes": {name: list(values) for name, values in user.attributes.items()},
        "created_at": moment(user.created_at),
    }


def group_facts(group: Group) -> Facts:
    """Return a group as `GET /groups/{id}` does, but for its room."""
    return {
        "id": group.id,
        "slug": group.slug,
        "name": group.name,
        "description": group.description,
        "kind": group.kind.value,
        "rule": rules.to_json(group.rule) if group.rule else None,
        "rule_text": rule_text.printed(group.rule) if group.rule else None,
        "created_at": moment(group.created_at),
        "archived_at": group.archived_at and moment(group.archived_at),
        "version": group.version,
    }


def offboarding_facts(found: Offboarding, *, names: Mapping[str, str]) -> Facts:
    """Return an off-boarding as `GET /users/{id}/offboardings/{id}` does. `names` of groups that exist, by id."""
    state = "cancelled" if found.cancelled_at else "complete" if found.complete else "running"
    took = None if found.completed_at is None else found.completed_at - found.requested_at
    return {
        "id": found.id,
        "user_id": found.user_id,
        "state": state,
        "complete": found.complete,
        "mode": found.mode.value,
        "reason": found.reason,
        "actor": found.actor,
        "requested_at": moment(found.requested_at),
        "completed_at": found.completed_at and moment(found.completed_at),
        "milliseconds": None if took is None else round(took.total_seconds() * 1000),
        "status_url": f"/api/v1/users/{found.user_id}/offboardings/{found.id}",
        "evidence": [
            {
                "item": line.item,
                "found": line.found,
                "done": line.done,
                "left": line.left,
                "closed": line.closed,
                "milliseconds": line.milliseconds,
            }
            for line in found.evidence
        ],
        "handovers": [
            {
                "group_id": one.group_id,
                "group_name": names.get(one.group_id),
                "to": list(one.to),
                "others": one.others,
            }
            for one in found.handovers
        ],
    }


def moment(at: datetime) -> str:
    """Return how the API writes a moment."""
    return at.isoformat().replace("+00:00", "Z") if at.utcoffset() == UTC.utcoffset(None) else at.isoformat()
