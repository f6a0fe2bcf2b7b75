"""`kleanxmpp user …`: people, their off-boarding, their devices."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from cyclopts import App, Parameter

from kleanxmpp import drafts, errors, offboardings, users
from kleanxmpp.cli import DONE, NO_SERVER, credential, output
from kleanxmpp.cli.shell import DEFAULTS, Options, Shell, find_user, open_company
from kleanxmpp.desired import may_chat
from kleanxmpp.model import Company, Offboarding, User
from kleanxmpp.ports import UserFilter

app = App(name="user", help="People and their devices.")
app.command(credential.app)

_PAGE = 500
_LOOK_EVERY = 0.05
Who = Annotated[str, Parameter(help="Username, JID, id or external id.")]
Reason = Annotated[str | None, Parameter(help="Why; kept in the audit log.")]


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
        output.write_table(found, ("username", "display_name", "active", "chat_permission", "may_chat", "external_id"))


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
    options: Options = DEFAULTS,
) -> None:
    """Change a person. Withdrawing the permission to chat off-boards them."""
    given: dict[str, Any] = {
        "display_name": display_name,
        "external_id": external_id,
        "email": email,
        "locale": locale,
        "chat_permission": chat,
    }
    given = {name: value for name, value in given.items() if value is not None}
    if not given:
        raise errors.Invalid("Say what to change, for example --display-name.")
    async with open_company(options) as (shell, company):
        found = await find_user(shell, company, user)
        patch = users.UserPatch(fields=frozenset(given), **given)
        after = await users.update_user(shell.directory, company, found.id, patch, actor=shell.actor, now=shell.now)
    _tell(options, company, after, f"Changed {after.username}: {', '.join(given)}.")


@app.command
async def deactivate(
    user: Who,
    /,
    *,
    reason: Reason = None,
    wait: Annotated[float, Parameter(help="Seconds to wait for the proof; 0: do not wait.")] = 0.0,
    options: Options = DEFAULTS,
) -> int:
    """Off-board a person. No login succeeds from now on; the running service closes everything else and proves it."""
    async with open_company(options) as (shell, company):
        found = await find_user(shell, company, user)
        begun = await users.deactivate(
            shell.directory, company, found.id, actor=shell.actor, reason=reason, now=shell.now
        )
        proven = await _proof(shell, company, begun, seconds=wait)
    _write_offboarding(options, found, proven)
    return DONE if proven.complete or not wait else NO_SERVER


@app.command
async def reactivate(user: Who, /, *, reason: Reason = None, options: Options = DEFAULTS) -> None:
    """Let a person back in: groups are effective again, their devices work again."""
    async with open_company(options) as (shell, company):
        found = await find_user(shell, company, user)
        after = await users.reactivate(
            shell.directory, company, found.id, actor=shell.actor, reason=reason, now=shell.now
        )
    hint = "" if may_chat(company, after) else " They still may not chat: see chat permission and company."
    _tell(options, company, after, f"{after.username} is active again.{hint}")


@app.command
async def erase(
    user: Who,
    /,
    *,
    reason: Reason = None,
    yes: Annotated[bool, Parameter(negative=(), help="Do not ask.")] = False,
    options: Options = DEFAULTS,
) -> None:
    """Off-board a person, then erase what is stored about them. The username stays retired. Cannot be undone."""
    async with open_company(options) as (shell, company):
        found = await find_user(shell, company, user)
        output.confirm(f"Everything stored about {found.username} ({found.display_name}) will be erased.", yes=yes)
        begun = await users.erase(shell.directory, company, found.id, actor=shell.actor, reason=reason, now=shell.now)
    _write_offboarding(options, found, begun)


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
        "erasing": user.erasing,
        "created_at": user.created_at,
    }


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


async def _proof(shell: Shell, company: Company, begun: Offboarding, *, seconds: float) -> Offboarding:
    """Return the off-boarding when it is complete, or as it is after `seconds`."""
    found = begun
    try:
        async with asyncio.timeout(seconds):
            while not found.complete:
                await asyncio.sleep(_LOOK_EVERY)
                async with shell.directory.read() as tx:
                    found = await tx.offboarding(company.id, begun.id) or found
    except TimeoutError:
        pass  # the caller sees that it is not complete
    return found


def _write_offboarding(options: Options, user: User, offboarding: Offboarding) -> None:
    lines = [
        {"item": e.item, "found": e.found, "done": e.done, "left": e.left, "closed": e.closed, "ms": e.milliseconds}
        for e in offboarding.evidence
    ]
    if options.json:
        output.write_json({"id": offboarding.id, "complete": offboarding.complete, "evidence": lines})
        return
    if offboarding.complete:
        print(f"{user.username} is off-boarded, and that is proven:")
        output.write_table(lines, ("item", "found", "done", "left", "closed", "ms"))
        return
    print(
        f"{user.username} cannot log in any more. Off-boarding {offboarding.id} is open until the running service "
        f"has closed the rest. Look again: kleanxmpp user show {user.username}"
    )


def _tell(options: Options, company: Company, user: User, sentence: str) -> None:
    if options.json:
        output.write_json(facts(company, user))
    else:
        print(sentence)
