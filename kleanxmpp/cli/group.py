"""`kleanxmpp group …`: groups and their circles."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from kleanxmpp import errors, groups, rule_text
from kleanxmpp.cli import members, output, rule
from kleanxmpp.cli.shell import DEFAULTS, Options, Shell, find_group, open_company
from kleanxmpp.model import Company, Group, GroupKind
from kleanxmpp.ports import Transaction

app = App(name="group", help="Groups and their circles.")
app.command(members.app)
app.command(rule.app)
app.command(rule.exceptions)
app.command(rule.explain)

_PAGE = 200
Which = Annotated[str, Parameter(help="Slug, name or id.")]


@app.command(name="list")
async def list_(*, options: Options = DEFAULTS) -> None:
    """List groups, archived ones too, ordered by slug."""
    found: list[dict[str, Any]] = []
    async with open_company(options) as (shell, company):
        after: str | None = None
        while True:
            async with shell.directory.read() as tx:
                page = await tx.page_groups(company.id, after=after, limit=_PAGE)
                found += [await _facts(tx, shell, company, group) for group in page]
            if len(page) < _PAGE:
                break
            after = page[-1].slug
    if options.json:
        output.write_json(found)
    else:
        output.write_table(found, ("slug", "name", "kind", "members", "archived_at"))


@app.command
async def show(group: Which, /, *, options: Options = DEFAULTS) -> None:
    """Show a group with its circle."""
    async with open_company(options) as (shell, company):
        found = await find_group(shell, company, group)
        async with shell.directory.read() as tx:
            about = await _facts(tx, shell, company, found)
        circle = await members.circle(shell, company, found)
    if options.json:
        output.write_json(about | {"circle": circle})
    else:
        output.write_facts(about)
        print()
        members.write(circle)


@app.command
async def add(
    name: str,
    /,
    *,
    description: str = "",
    announcement: Annotated[bool, Parameter(negative=(), help="Only moderators write.")] = False,
    options: Options = DEFAULTS,
) -> None:
    """Add a group without members."""
    async with open_company(options) as (shell, company):
        kind = GroupKind.ANNOUNCEMENT if announcement else GroupKind.TEAM
        group = await groups.add_group(
            shell.directory,
            company,
            name=name,
            description=description,
            kind=kind,
            actor=shell.actor,
            now=shell.now,
        )
        await _tell(options, shell, company, group, f"Added {group.name}; its slug is {group.slug}.")


@app.command(name="set")
async def set_(
    group: Which,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    kind: GroupKind | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Rename or redescribe a group, or change its kind. The room's address stays."""
    if name is None and description is None and kind is None:
        raise errors.Invalid("Say what to change: --name, --description or --kind.")
    async with open_company(options) as (shell, company):
        found = await find_group(shell, company, group)
        patch = groups.GroupPatch(name=name, description=description, kind=kind)
        after = await groups.update_group(shell.directory, company, found.id, patch, actor=shell.actor, now=shell.now)
        await _tell(options, shell, company, after, f"Changed {after.slug}.")


@app.command
async def archive(group: Which, /, *, options: Options = DEFAULTS) -> None:
    """Finish a group: nobody has it any more, its room stays with its messages, and it can be restored. Repeatable."""
    async with open_company(options) as (shell, company):
        found = await find_group(shell, company, group)
        after = await groups.archive_group(shell.directory, company, found.id, actor=shell.actor, now=shell.now)
        await _tell(options, shell, company, after, f"Archived {after.name}. Bring it back: group restore {after.slug}")


@app.command
async def restore(group: Which, /, *, options: Options = DEFAULTS) -> None:
    """Bring an archived group back: its members have it again, with its messages. Repeatable."""
    async with open_company(options) as (shell, company):
        found = await find_group(shell, company, group)
        after = await groups.restore_group(shell.directory, company, found.id, actor=shell.actor, now=shell.now)
        await _tell(options, shell, company, after, f"Restored {after.name}.")


@app.command
async def delete(
    group: Which,
    /,
    *,
    yes: Annotated[bool, Parameter(negative=(), help="Do not ask.")] = False,
    options: Options = DEFAULTS,
) -> None:
    """Delete a group. Its room is destroyed with its history. Cannot be undone; `archive` can."""
    async with open_company(options) as (shell, company):
        found = await find_group(shell, company, group)
        output.confirm(f"The group {found.name} and its room with all history will be gone.", yes=yes)
        await groups.delete_group(shell.directory, company, found.id, actor=shell.actor, now=shell.now)
    if options.json:
        output.write_json({"id": found.id, "slug": found.slug, "deleted": True})
    else:
        print(f"Deleted {found.name}.")


async def _tell(options: Options, shell: Shell, company: Company, group: Group, sentence: str) -> None:
    if not options.json:
        print(sentence)
        return
    async with shell.directory.read() as tx:
        output.write_json(await _facts(tx, shell, company, group))


async def _facts(tx: Transaction, shell: Shell, company: Company, group: Group) -> dict[str, Any]:
    return {
        "id": group.id,
        "slug": group.slug,
        "name": group.name,
        "description": group.description,
        "kind": group.kind.value,
        "rule": rule_text.printed(group.rule) if group.rule else None,
        "room": f"{group.slug}@{shell.settings.server.rooms_prefix}.{company.domain}",
        "members": await tx.member_count(group.id),
        "created_at": group.created_at,
        "archived_at": group.archived_at,
    }
