"""Use cases about companies: one XMPP domain each, and what holds for everybody in it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

from kleanxmpp import (
    circle_marks,
    drafts,
    errors,
    events,
    group_names,
    ids,
    jid,
    media_types,
    offboardings,
    sources,
)
from kleanxmpp.desired import access
from kleanxmpp.due import Aspect, Due, Priority, Scope, ScopeKind
from kleanxmpp.model import AuditEntry, Company, ContactVisibility, Door, Group, User
from kleanxmpp.ports import Directory, Transaction, UserFilter
from kleanxmpp.source_ports import Expectation

_PAGE = 500
LIMITS = {
    "contacts_max": (0, 100_000),
    "upload_max_bytes": (0, 4 * 1024**3),
    "upload_daily_bytes": (0, 1024**4),
    "file_retention_days": (1, 3650),
}
"""Least and most of each number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyPatch:
    """What shall be different about a company; None: stays.

    `sources_expected`: how often which door is expected to be heard of, None: not any more; other doors stay.
    """

    name: str | None = None
    locale: str | None = None
    contact_visibility: ContactVisibility | None = None
    contacts_max: int | None = None
    timezone: str | None = None
    upload_max_bytes: int | None = None
    upload_daily_bytes: int | None = None
    upload_types: Sequence[str] | None = None
    file_retention_days: int | None = None
    sources_expected: Mapping[Door, timedelta | None] | None = None
    enabled: bool | None = None


async def add_company(
    directory: Directory, *, domain: str, name: str, locale: str = "de", actor: str, now: datetime
) -> Company:
    """Add a company. Its domain must be a virtual host of the XMPP server. Raises Conflict if the domain is taken."""
    company = Company(
        id=ids.new_id(),
        domain=jid.normalise_domain(domain),
        name=group_names.checked_name(name),
        locale=drafts.checked_locale(locale),
    )
    async with directory.write(company.id) as tx:
        await tx.save_company(company)
        await tx.mark_due([_mark(company, now=now)])
        await tx.add_audit([_entry(company, "company.added", {}, actor=actor, reason=None, now=now)])
    return company


async def update_company(
    directory: Directory, company: Company, patch: CompanyPatch, *, actor: str, reason: str | None, now: datetime
) -> Company:
    """Change what holds for everybody. Disabling off-boards all people; enabling lets those back in who may chat."""
    async with directory.write(company.id) as tx:
        before = await tx.company(company.id) or company
        after = _patched(before, patch)
        changed = [f for f in Company.__dataclass_fields__ if getattr(before, f) != getattr(after, f)]
        if changed:
            await tx.save_company(after)
            await tx.mark_due([_mark(after, now=now)])
        if await _expect(tx, after, patch.sources_expected or {}, now=now):
            changed.append("sources_expected")
        if not changed:
            return after
        details: dict[str, object] = {"fields": changed}
        if "enabled" in changed:
            details["enabled"] = after.enabled
        await tx.add_audit([_entry(after, "company.changed", details, actor=actor, reason=reason, now=now)])
        if "contacts_max" in changed:
            async for page in _group_pages(tx, after):
                await tx.mark_due([Due(scope=circle_marks.scope_of(g), marked_at=now) for g in page])
        if "contact_visibility" in changed:
            await tx.mark_users_due(after.id, aspects=Aspect.CIRCLES, priority=Priority.BACKGROUND, at=now)
        if {"locale", "timezone"} & set(changed):  # both stand in the names of who is paused
            await tx.mark_users_due(after.id, aspects=Aspect.PROFILE, priority=Priority.BACKGROUND, at=now)
        if "enabled" in changed:
            await _switch_everybody(tx, before, after, actor=actor, reason=reason, now=now)
        return after


def scope_of(company: Company) -> Scope:
    """Return the unit of work that is about what the company holds as a whole."""
    return Scope(kind=ScopeKind.COMPANY, company_id=company.id, id=company.id)


def _patched(company: Company, patch: CompanyPatch) -> Company:
    numbers: dict[str, Any] = {}
    for name, (least, most) in LIMITS.items():
        number = getattr(patch, name)
        if number is not None and not least <= number <= most:
            raise errors.Invalid(f"{name} is a number from {least} to {most}.", field=name)
        numbers[name] = getattr(company, name) if number is None else number
    return replace(
        company,
        name=group_names.checked_name(patch.name) if patch.name is not None else company.name,
        locale=drafts.checked_locale(patch.locale) if patch.locale is not None else company.locale,
        contact_visibility=patch.contact_visibility or company.contact_visibility,
        timezone=company.timezone if patch.timezone is None else _checked_timezone(patch.timezone),
        upload_types=company.upload_types if patch.upload_types is None else media_types.checked(patch.upload_types),
        **numbers,
        enabled=company.enabled if patch.enabled is None else patch.enabled,
    )


async def _expect(
    tx: Transaction, company: Company, expected: Mapping[Door, timedelta | None], *, now: datetime
) -> bool:
    """Expect sources as said; return whether that is anything new."""
    known = {one.door: one.expected for one in await tx.sources(company.id)} if expected else {}
    news = False
    for door, every in expected.items():
        if door not in sources.DOORS:
            raise errors.Invalid("Nothing is expected of this door.", field="sources_expected")
        before = known.get(door)
        if every == (before.every if before else None):
            continue
        wanted = None if every is None else Expectation(every=sources.checked(every), since=now)
        await tx.expect(company.id, door, wanted)
        news = True
    return news


def _checked_timezone(name: str) -> str:
    if name not in available_timezones():
        raise errors.Invalid("timezone is a name of the IANA database, such as Europe/Berlin.", field="timezone")
    return name


async def _switch_everybody(
    tx: Transaction, before: Company, after: Company, *, actor: str, reason: str | None, now: datetime
) -> None:
    async for page in _user_pages(tx, after):
        leaving = [user for user in page if access(before, user).exceeds(access(after, user))]
        returning = [user for user in page if access(after, user).exceeds(access(before, user))]
        await offboardings.begin_all(tx, after, leaving, actor=actor, reason=reason, now=now)
        await offboardings.cancel_all(tx, returning, actor=actor, reason=reason, now=now)
        await tx.mark_due([Due(scope=offboardings.scope_of(user), marked_at=now) for user in returning])
        people = [(user, user) for user in (*leaving, *returning)]
        await events.people_changed(tx, before=before, after=after, people=people, now=now)


async def _user_pages(tx: Transaction, company: Company) -> AsyncIterator[list[User]]:
    after: str | None = None
    while page := list(await tx.page_users(company.id, after=after, limit=_PAGE, matching=UserFilter())):
        yield page
        after = page[-1].username


async def _group_pages(tx: Transaction, company: Company) -> AsyncIterator[list[Group]]:
    after: str | None = None
    while page := list(await tx.page_groups(company.id, after=after, limit=_PAGE)):
        yield page
        after = page[-1].slug


def _mark(company: Company, *, now: datetime) -> Due:
    return Due(scope=scope_of(company), marked_at=now)


def _entry(
    company: Company, action: str, details: dict[str, object], *, actor: str, reason: str | None, now: datetime
) -> AuditEntry:
    return AuditEntry(
        company_id=company.id,
        at=now,
        actor=actor,
        action=action,
        subject=f"company:{company.id}",
        reason=reason,
        details=details,
    )
