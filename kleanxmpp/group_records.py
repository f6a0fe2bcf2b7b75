"""What all use cases about groups share: looking one up, and writing down what happened to it."""

from collections.abc import Mapping
from datetime import datetime

from kleanxmpp import errors, events
from kleanxmpp.model import AuditEntry, Company, Group
from kleanxmpp.ports import Transaction


async def existing(tx: Transaction, company: Company, group_id: str) -> Group:
    """Return the group, or raise NotFound. A deleted group is not found."""
    group = await tx.group(company.id, group_id)
    if group is None or group.deleted:
        raise errors.NotFound("There is no group with this id in the company.")
    return group


async def record(
    tx: Transaction,
    group: Group,
    change: str,
    details: Mapping[str, object],
    *,
    actor: str,
    reason: str | None = None,
    now: datetime,
) -> None:
    """Write into the audit log, and tell who listens, what happened to a group. `change`: `added` or the like."""
    entry = AuditEntry(
        company_id=group.company_id,
        at=now,
        actor=actor,
        action=f"group.{change}",
        subject=f"group:{group.id}",
        reason=reason,
        details=details,
    )
    await tx.add_audit([entry])
    await events.group_changed(tx, group, change, details=details, now=now)
