"""`kleanxmpp init`: a new installation beside an existing ejabberd, in one command.

Everything that can be refused is refused before anything is written. The database is only ever added to.
"""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ejabberd.config import drop_in, drop_in_notes
from kleanxmpp import companies, drafts, errors, group_names, ids, jid, settings, tokens
from kleanxmpp.cli import installation, output
from kleanxmpp.cli.ejabberd import compiled, server_config
from kleanxmpp.cli.installation import Owners, Places
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.migrate import upgrade_database
from kleanxmpp.ports import Directory

_ACTOR = "shell:init"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What the parts of the installation know each other by."""

    url: str
    api_user: str
    component_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    api_password: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)


async def init(
    domain: Annotated[str, Parameter(help="XMPP domain of the first company.")],
    name: Annotated[str, Parameter(help="Its name.")],
    /,
    *,
    locale: Annotated[str, Parameter(help="Language of people for whom none is given: de or en.")] = "de",
    folder: Annotated[Path, Parameter(help="Where configuration goes.")] = Path("/etc/kleanxmpp"),
    data: Annotated[Path, Parameter(help="Where the SQLite database goes.")] = Path("/var/lib/kleanxmpp"),
    database: Annotated[
        str | None,
        Parameter(
            env_var="KLEANXMPP_DATABASE__URL",
            help="postgresql://… instead of SQLite; from the environment nobody else on the machine can read it.",
        ),
    ] = None,
    user: Annotated[str, Parameter(help="System user of the service.")] = "kleanxmpp",
    ejabberd_group: Annotated[str, Parameter(help="System group of ejabberd.")] = "ejabberd",
    force: Annotated[bool, Parameter(negative=(), help="Replace files; the old ones are kept as copies.")] = False,
    json: Annotated[bool, Parameter(negative=(), help="Write JSON for other programs.")] = False,
) -> None:
    """Write configuration and secrets, create the database, the first company and an operator's token."""
    domain, name, locale = jid.normalise_domain(domain), group_names.checked_name(name), drafts.checked_locale(locale)
    places = Places(folder=folder.resolve(), data=data.resolve())
    if database is not None and not database.startswith("postgresql"):
        raise errors.Invalid(
            "--database is for postgresql://…; where SQLite's file goes, says --data.", field="database"
        )
    owners = installation.find_owners(user, ejabberd_group)
    if not force and (there := [str(file) for file in places.files if file.exists()]):
        raise errors.Invalid(f"There already: {', '.join(there)}. Nothing was changed; --force replaces them.")
    access = Access(url=database or f"sqlite:///{places.database}", api_user=f"klean-api@{domain}")
    try:
        installation.make_folders(places, owners, with_data=database is None)
        token, domains = await _fill_directory(access.url, domain=domain, name=name, locale=locale)
        if owners is not None and database is None:
            _give_database(places, owners)
        kept = _write_files(places, owners, access, domains=domains, user=user)
    except OSError as error:
        raise errors.Invalid(f"{error.filename or places.folder} cannot be written: {error.strerror}.") from error
    module = await _module(places)
    steps = _steps(places, access, domains=domains, module=module)
    if json:
        written = [str(file) for file in places.files]
        output.write_json({"written": written, "kept": kept, "token": token, "module": module, "next": steps})
    else:
        _tell(places, kept, token=token, steps=steps)


async def _fill_directory(url: str, *, domain: str, name: str, locale: str) -> tuple[str, tuple[str, ...]]:
    """Migrate, add the company if it is missing, and return a new operator's token and all domains."""
    await upgrade_database(url)
    async with _open(url) as directory:
        async with directory.read() as tx:
            known = await tx.company_by_domain(domain)
        now = datetime.now(UTC)
        if known is None:
            await companies.add_company(directory, domain=domain, name=name, locale=locale, actor=_ACTOR, now=now)
        _, token = await tokens.issue(
            directory, company_id=None, name="operator", scopes=[tokens.ADMIN], actor=_ACTOR, now=now
        )
        async with directory.read() as tx:
            return token, tuple(company.domain for company in await tx.companies())


@asynccontextmanager
async def _open(url: str) -> AsyncIterator[Directory]:
    directory = SqlDirectory(url)
    try:
        yield directory
    finally:
        await directory.close()


def _give_database(places: Places, owners: Owners) -> None:
    """Give SQLite's files, made by root a moment ago, to the service."""
    for file in places.data.glob(f"{places.database.name}*"):
        os.chown(file, owners.uid, owners.ejabberd_gid)


def _write_files(
    places: Places, owners: Owners | None, access: Access, *, domains: tuple[str, ...], user: str
) -> list[str]:
    """Write all files and return where former ones are kept."""
    ours = (owners.uid, owners.gid) if owners else None
    ejabberds = (0, owners.ejabberd_gid) if owners else None
    described = server_config(_settings(access), domains=domains, extauth=places.extauth)
    texts = {
        places.settings: (_settings_text(places, access), installation.SECRET, ours),
        places.extauth: (_extauth_text(access), installation.SHARED_SECRET, ejabberds),
        places.drop_in: (drop_in(described), installation.SHARED_SECRET, ejabberds),
        places.unit: (installation.unit_text(places, user=user), installation.PUBLIC, None),
    }
    now = datetime.now(UTC)
    kept = [
        installation.write(file, text, mode=mode, owner=owner, now=now) for file, (text, mode, owner) in texts.items()
    ]
    return [str(file) for file in kept if file is not None]


def _settings(access: Access) -> settings.Settings:
    return settings.made_of(
        {
            "database": {"url": access.url},
            "server": {
                "component_secret": access.component_secret,
                "api_user": access.api_user,
                "api_password": access.api_password,
            },
        }
    )


def _settings_text(places: Places, access: Access) -> str:
    return installation.settings_text(
        url=access.url,
        component_secret=access.component_secret,
        api_user=access.api_user,
        api_password=access.api_password,
        uploads=places.uploads,
        website=places.website,
    )


def _extauth_text(access: Access) -> str:
    return installation.extauth_text(
        url=access.url, api_user=access.api_user, api_password_sha256=ids.sha256_hex(access.api_password)
    )


async def _module(places: Places) -> str | None:
    """Compile our module if ejabberd is on this machine; None if it has to be done later."""
    try:
        return str(await compiled(places.code))
    except errors.Invalid:
        return None


def _steps(places: Places, access: Access, *, domains: tuple[str, ...], module: str | None) -> list[str]:
    described = server_config(_settings(access), domains=domains, extauth=places.extauth)
    steps = [drop_in_notes(described, path=str(places.drop_in)).strip()]
    if module is None:
        steps.append(f"On the machine of ejabberd, compile our module: kleanxmpp ejabberd module {places.code}")
    steps += [
        f'Let ejabberd find our module, in /etc/ejabberd/ejabberdctl.cfg: ERL_OPTIONS="-pa {places.code}" '
        "(keep what stands there). After an upgrade of ejabberd, compile it again: "
        f"kleanxmpp ejabberd module {places.code}"
    ]
    if access.url.startswith("postgresql"):
        steps.append(
            f"In {places.extauth}, name a database role of its own for the login program, "
            "which may only read the views logins and may_log_in."
        )
    steps += [
        "Fetch the website's styles and scripts (needs npm: apt-get install --no-install-recommends npm): "
        f"kleanxmpp website fetch --config {places.settings}",
        "systemctl restart ejabberd",
        f"systemctl enable --now {places.unit}",
        f"kleanxmpp import people.csv --config {places.settings}",
    ]
    return steps


def _tell(places: Places, kept: list[str], *, token: str, steps: list[str]) -> None:
    print("Written: " + ", ".join(str(file) for file in places.files))
    if kept:
        print("The former files are kept: " + ", ".join(kept))
    print(f"The operator's API token, shown only now: {token}")
    print("\nNext:")
    for number, step in enumerate(steps, start=1):
        print(f"\n({number}) {step}")
