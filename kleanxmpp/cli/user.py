"""`kleanxmpp user …`: people, their off-boarding, their devices."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from kleanxmpp import drafts, errors, offboardings, photos, users
from kleanxmpp.cli import credential, link, offboarding, output
from kleanxmpp.cli.person import facts, said_attributes, shown_attributes
from kleanxmpp.cli.shell import DEFAULTS, Options, Shell, find_user, open_company
from kleanxmpp.edits import UserPatch
from kleanxmpp.model import Company, User
from kleanxmpp.ports import UserFilter

app = App(name="user", help="People and their devices.")
app.command(credential.app)
app.command(link.link)
offboarding.add_commands(app)

_PAGE = 500
_COLUMNS = ("username", "display_name", "active", "chat_permission", "may_chat", "absence", "returns_on", "external_id")
Who = offboarding.Who
Attribute = Annotated[
    list[str], Parameter(help="NAME=VALUE, which rules of groups read; several times for several values.", negative=())
]


@app.command(name="list")
async def list_(
    *,
    search: Annotated[str | None, Parameter(help="Part of a name, username or e-mail address.")] = None,
    active: Annotated[bool | None, Parameter(help="Only people who are (not) active.")] = None,
    chat: Annotated[bool | None, Parameter(help="Only people with (without) the permission to chat.")] = None,
    options: Options = DEFAULTS,
) -> None:
    """List people, ordered by username."""
    async with open_company(options) as (shell, company):
        matching = UserFilter(text=search, active=active, chat_permission=chat)
        found = [facts(company, user) async for user in _everybody(shell, company, matching)]
    if options.json:
        output.write_json(found)
    else:
        output.write_table(found, _COLUMNS)


@app.command
async def show(user: Who, /, *, options: Options = DEFAULTS) -> None:
    """Show a person with groups, devices, and what is not done yet."""
    async with open_company(options) as (shell, company):
        found = await find_user(shell, company, user)
        async with shell.directory.read() as tx:
            memberships = await tx.memberships_of(found.id)
            devices = await tx.credentials(found.id)
            open_one = await tx.open_offboarding(found.id)
            due = await tx.due(offboardings.scope_of(found))
    groups = [{"slug": group.slug, "name": group.name, "role": role.value} for group, role in memberships]
    if options.json:
        output.write_json(
            facts(company, found)
            | {
                "groups": groups,
                "credentials": [credential.facts(device) for device in devices],
                "open_offboarding": open_one.id if open_one else None,
                "out_of_step": due is not None,
                "last_error": due.last_error if due else None,
            }
        )
        return
    named = [f"{group.name} ({role.value})" for group, role in memberships]
    output.write_facts(
        facts(company, found)
        | {
            "attributes": shown_attributes(found),
            "groups": named,
            "devices": [device.label or device.id for device in devices],
            "open_offboarding": open_one.id if open_one else None,
            "out_of_step": (due.last_error or "waiting for the service") if due else None,
        }
    )


@app.command
async def add(
    display_name: Annotated[str, Parameter(help="As colleagues see it.")],
    /,
    *,
    username: Annotated[str | None, Parameter(help="For ever; made from the name if not given.")] = None,
    external_id: Annotated[str | None, Parameter(help="The id HR or KleanApp uses.")] = None,
    email: str | None = None,
    locale: Annotated[str | None, Parameter(help="de or en; the company's if not given.")] = None,
    active: bool = True,
    chat: Annotated[bool, Parameter(help="The permission to chat.")] = True,
    admin: Annotated[bool, Parameter(help="Takes over groups that would be left without a moderator.")] = False,
    attribute: Attribute | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Add a person."""
    async with open_company(options) as (shell, company):
        new = drafts.NewUser(
            display_name=display_name,
            username=username,
            external_id=external_id,
            email=email,
            locale=locale,
            active=active,
            chat_permission=chat,
            admin=admin,
            attributes=said_attributes(attribute or ()),
        )
        user = await users.add_user(shell.directory, company, new, actor=shell.actor, now=shell.now)
    _tell(options, company, user, f"Added {user.username}@{company.domain} ({user.display_name}).")


@app.command(name="set")
async def set_(
    user: Who,
    /,
    *,
    display_name: str | None = None,
    external_id: Annotated[str | None, Parameter(help="Empty: none.")] = None,
    email: Annotated[str | None, Parameter(help="Empty: none.")] = None,
    locale: str | None = None,
    chat: Annotated[bool | None, Parameter(help="Grant or withdraw the permission to chat.")] = None,
    admin: Annotated[bool | None, Parameter(help="Takes over groups that would be left without a moderator.")] = None,
    attribute: Attribute | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Change a person. Withdrawing the permission to chat off-boards them.

    Attributes that are not named stay; a name without a value (`--attribute role=`) is removed.
    """
    given: dict[str, Any] = {
        "display_name": display_name,
        "external_id": external_id,
        "email": email,
        "locale": locale,
        "chat_permission": chat,
        "admin": admin,
        "attributes": None if attribute is None else said_attributes(attribute),
    }
    given = {name: value for name, value in given.items() if value is not None}
    if not given:
        raise errors.Invalid("Say what to change, for example --display-name.")
    async with open_company(options) as (shell, company):
        found = await find_user(shell, company, user)
        patch = UserPatch(fields=frozenset(given), **given)
        after = await users.update_user(shell.directory, company, found.id, patch, actor=shell.actor, now=shell.now)
    _tell(options, company, after, f"Changed {after.username}: {', '.join(given)}.")


@app.command
async def photo(
    user: Who,
    file: Annotated[Path | None, Parameter(help="A JPEG, PNG or WebP picture of at most 5 MB.")] = None,
    /,
    *,
    remove: Annotated[bool, Parameter(negative=(), help="Take the photo away.")] = False,
    options: Options = DEFAULTS,
) -> None:
    """Set or remove the photo that colleagues see in the chat."""
    if remove is (file is not None):
        raise errors.Invalid("Name a picture, or say --remove.")
    async with open_company(options) as (shell, company):
        found = await find_user(shell, company, user)
        said: dict[str, Any] = {"actor": shell.actor, "now": shell.now}
        if file is None:
            after = await photos.remove_photo(shell.directory, company, found.id, **said)
        else:
            content = await asyncio.to_thread(_read, file)
            after = await photos.set_photo(shell.directory, company, found.id, content, **said)
    words = "has no photo any more" if file is None else "has this photo now"
    _tell(options, company, after, f"{after.username} {words}.")


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(photos.MOST_BYTES + 1)
    except OSError as error:
        raise errors.Invalid(f"{file} cannot be read: {error.strerror}.") from error


async def _everybody(shell: Shell, company: Company, matching: UserFilter) -> AsyncIterator[User]:
    after: str | None = None
    while True:
        async with shell.directory.read() as tx:
            page = await tx.page_users(company.id, after=after, limit=_PAGE, matching=matching)
        for user in page:
            yield user
        if len(page) < _PAGE:
            return
        after = page[-1].username


def _tell(options: Options, company: Company, user: User, sentence: str) -> None:
    if options.json:
        output.write_json(facts(company, user))
    else:
        print(sentence)
