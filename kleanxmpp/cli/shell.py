"""What a command works with: the options that all share, the directory, one company, and who is at the keyboard.

Commands work on the directory itself, through the same use cases as the API; a running service is woken by the write.
"""

import getpass
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from kleanxmpp import errors, jid, settings
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.guard import Limits
from kleanxmpp.model import Company, Group, User
from kleanxmpp.ports import Directory, Transaction
from kleanxmpp.settings import Settings


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of every command that opens the directory."""

    company: Annotated[str | None, Parameter(help="Domain of the company; needed only if there are several.")] = None
    json: Annotated[bool, Parameter(negative=(), help="Write JSON for other programs.", show_default=False)] = False
    config: Annotated[Path | None, Parameter(help="Settings file instead of the usual ones.")] = None


DEFAULTS = Options()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """One command's surroundings."""

    settings: Settings
    directory: Directory
    actor: str
    json: bool

    @property
    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)

    @property
    def base_url(self) -> str:
        """Where people reach the website."""
        api = self.settings.api
        return api.public_url or f"http://{api.host}:{api.port}"


@asynccontextmanager
async def open_shell(options: Options) -> AsyncIterator[Shell]:
    """Open the directory. Raises Invalid for wrong settings, DirectoryUnavailable as `Directory.check`."""
    read = settings.read(options.config)
    directory = SqlDirectory(read.database.url.get_secret_value(), lock_timeout=read.database.lock_timeout)
    try:
        await directory.check()
        yield Shell(settings=read, directory=directory, actor=_actor(), json=options.json)
    finally:
        await directory.close()


@asynccontextmanager
async def open_company(options: Options) -> AsyncIterator[tuple[Shell, Company]]:
    """Open the directory and find the company: the one named, or the only one."""
    async with open_shell(options) as shell:
        async with shell.directory.read() as tx:
            company = await _company(tx, options.company)
        yield shell, company


def limits(settings: Settings) -> Limits:
    """Return how many people a door may off-board."""
    chosen = settings.guard
    return Limits(people=chosen.people, percent=chosen.percent, window=timedelta(seconds=chosen.window))


async def find_company(shell: Shell, domain: str) -> Company:
    """Return the company with this domain. Raises NotFound."""
    async with shell.directory.read() as tx:
        return await _company(tx, domain)


async def find_user(shell: Shell, company: Company, who: str) -> User:
    """Return the user with this username, JID, id or external id. Raises NotFound that says where to look."""
    localpart, _, domain = who.partition("@")
    async with shell.directory.read() as tx:
        if not domain or domain == company.domain:
            found = await tx.user_by_username(company.id, localpart.lower()) or await tx.user(company.id, who)
            if found is not None:
                return found
        by_external_id = await tx.users_by_external_id(company.id, [who])
    if who in by_external_id:
        return by_external_id[who]
    raise errors.NotFound(
        f"There is no user “{who}” in {company.domain}. Look for people: kleanxmpp user list --search NAME"
    )


async def find_group(shell: Shell, company: Company, which: str) -> Group:
    """Return the group with this slug, id or name, deleted ones left out. Raises NotFound."""
    async with shell.directory.read() as tx:
        named = await tx.groups_by_name(company.id, [which])
        candidates = [await tx.group_by_slug(company.id, which), await tx.group(company.id, which), named.get(which)]
    found = next((group for group in candidates if group is not None and not group.deleted), None)
    if found is None:
        raise errors.NotFound(f"There is no group “{which}” in {company.domain}. See: kleanxmpp group list")
    return found


async def _company(tx: Transaction, domain: str | None) -> Company:
    if domain is not None:
        company = await tx.company_by_domain(jid.normalise_domain(domain))
        if company is None:
            raise errors.NotFound(f"There is no company “{domain}”. See: kleanxmpp company list")
        return company
    companies = await tx.companies()
    if len(companies) == 1:
        return companies[0]
    if not companies:
        raise errors.NotFound("There is no company yet. Add one: kleanxmpp company add DOMAIN NAME")
    raise errors.Invalid(
        f"There are several companies. Choose one: --company {' | '.join(c.domain for c in companies)}", field="company"
    )


def _actor() -> str:
    """Return who is at the keyboard, as the audit log names them; behind sudo, the person and not root."""
    return f"shell:{os.environ.get('SUDO_USER') or getpass.getuser()}"
