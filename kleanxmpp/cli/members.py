"""`kleanxmpp group members …`: who is in a group's circle."""

from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import App, Parameter

from kleanxmpp import circles
from kleanxmpp.cli import output
from kleanxmpp.cli.shell import DEFAULTS, Options, Shell, find_group, find_user, open_company
from kleanxmpp.desired import may_chat
from kleanxmpp.model import Company, Group, Role

app = App(name="members", help="The circle of a group.")

_PAGE = 500
Which = Annotated[str, Parameter(help="Slug, name or id of the group.")]
People = Annotated[list[str], Parameter(help="Usernames, JIDs, ids or external ids.", negative=())]


@app.command(name="list")
async def list_(group: Which, /, *, options: Options = DEFAULTS) -> None:
    """List the circle, ordered by username."""
    async with open_company(options) as (shell, company):
        found = await circle(shell, company, await find_group(shell, company, group))
    if options.json:
        output.write_json(found)
    else:
        write(found)


@app.command
async def add(
    group: Which,
    people: People,
    /,
    *,
    moderator: Annotated[bool | None, Parameter(help="Moderators (or plain members); not said: roles stay.")] = None,
    options: Options = DEFAULTS,
) -> None:
    """Put people into the circle, or change their role. Repeatable."""
    role = None if moderator is None else Role.MODERATOR if moderator else Role.MEMBER
    async with open_company(options) as (shell, company):
        found = await find_group(shell, company, group)
        put = {(await find_user(shell, company, who)).id: role for who in people}
        await circles.change_circle(shell.directory, company, found.id, put=put, actor=shell.actor, now=shell.now)
    _tell(options, found, f"{len(put)} in the circle of {found.name}.")


@app.command
async def remove(group: Which, people: People, /, *, options: Options = DEFAULTS) -> None:
    """Take people out of the circle. Repeatable."""
    async with open_company(options) as (shell, company):
        found = await find_group(shell, company, group)
        gone = [(await find_user(shell, company, who)).id for who in people]
        await circles.change_circle(
            shell.directory, company, found.id, put={}, remove=gone, actor=shell.actor, now=shell.now
        )
    _tell(options, found, f"{len(gone)} out of the circle of {found.name}.")


async def circle(shell: Shell, company: Company, group: Group) -> list[dict[str, Any]]:
    """Return the whole circle, members who may not chat included."""
    found: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        async with shell.directory.read() as tx:
            page = await tx.page_members(group.id, after=after, limit=_PAGE)
        found += [
            {
                "user_id": member.user.id,
                "username": member.user.username,
                "display_name": member.user.display_name,
                "role": member.role.value,
                "effective": may_chat(company, member.user) and not group.archived,
                "by_rule": member.by_rule,
            }
            for member in page
        ]
        if len(page) < _PAGE:
            return found
        after = page[-1].user.username


def write(found: Sequence[dict[str, Any]]) -> None:
    """Write a circle as a table."""
    output.write_table(found, ("username", "display_name", "role", "effective", "by_rule"))


def _tell(options: Options, group: Group, sentence: str) -> None:
    if options.json:
        output.write_json({"id": group.id, "slug": group.slug})
    else:
        print(sentence)
