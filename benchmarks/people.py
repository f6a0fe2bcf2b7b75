"""Filling a directory in bulk, past the use cases: a benchmark's ten thousand people need no audit log."""

from collections.abc import Sequence
from datetime import UTC, datetime

from kleanxmpp import circle_marks, ids
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.due import Due
from kleanxmpp.model import Company, Credential, Group, GroupKind, Role, User


def secret(user: User) -> str:
    """Return the login secret of a person's devices."""
    return f"secret-of-{user.username}"


def company(domain: str, *, contacts_max: int = 250) -> Company:
    """Return a company that is not in a directory yet."""
    return Company(
        id=ids.new_id(), domain=domain, name=domain.partition(".")[0].capitalize(), contacts_max=contacts_max
    )


async def add_users(
    directory: SqlDirectory, company: Company, count: int, *, first: int = 0, devices: bool = False
) -> Sequence[User]:
    """Add people `p{first}` … in one transaction, each with `secret(user)` as login if they have `devices`."""
    now = datetime.now(UTC)
    made = [
        User(
            id=ids.new_id(), company_id=company.id, username=f"p{number}", display_name=f"Person {number}",
            nickname=f"Person {number}", created_at=now,
        )
        for number in range(first, first + count)
    ]  # fmt: skip
    async with directory.write(company.id) as tx:
        await tx.add_users(made)
        if devices:
            phones = [Credential(id=ids.new_id(), user_id=user.id, label="phone", created_at=now) for user in made]
            digests = [ids.sha256_hex(secret(user)) for user in made]
            await tx.add_credentials(list(zip(phones, digests, strict=True)))
    return made


async def add_groups(
    directory: SqlDirectory,
    company: Company,
    circles: Sequence[Sequence[User]],
    *,
    name: str = "gruppe",
    kind: GroupKind = GroupKind.TEAM,
) -> Sequence[Group]:
    """Add one group for each circle and mark it due, in one transaction."""
    now = datetime.now(UTC)
    made = [
        Group(id=ids.new_id(), company_id=company.id, slug=f"{name}-{n}", name=f"{name} {n}", kind=kind, created_at=now)
        for n in range(len(circles))
    ]
    async with directory.write(company.id) as tx:
        await tx.add_groups(made)
        for group, circle in zip(made, circles, strict=True):
            await tx.put_members(group.id, {user.id: Role.MEMBER for user in circle})
        await tx.mark_due([Due(scope=circle_marks.scope_of(group), marked_at=now) for group in made])
    return made
