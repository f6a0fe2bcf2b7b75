"""`kleanxmpp group rule …`, `group exceptions …` and `group explain`: circles that follow from what is known."""

from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from kleanxmpp import group_rules, groups, rule_text, rule_words, rules
from kleanxmpp.cli import output
from kleanxmpp.cli.shell import DEFAULTS, Options, find_group, find_user, open_company
from kleanxmpp.desired import may_chat
from kleanxmpp.rules import Rule

app = App(name="rule", help="The rule that makes people members of a group.")
exceptions = App(name="exceptions", help="Whom a group's rule never makes a member.")

_PAGE = 500
Which = Annotated[str, Parameter(help="Slug, name or id of the group.")]
Who = Annotated[str, Parameter(help="Username, JID, id or external id.")]
Text = Annotated[str, Parameter(help='Such as: site = "Objekt 12" and role in ("Reinigung", "Glas")')]


@app.command(name="set")
async def set_(group: Which, rule: Text, /, *, options: Options = DEFAULTS) -> None:
    """Give a group a rule, in the place of the one it had. Members come and go at once; fixed ones stay."""
    await _change(group, groups.GroupPatch(rule=rule_text.parse(rule)), options)


@app.command
async def remove(
    group: Which,
    /,
    *,
    keep_members: Annotated[bool, Parameter(negative=(), help="Its members stay, as fixed ones.")] = False,
    options: Options = DEFAULTS,
) -> None:
    """Remove a group's rule. Its members leave with it."""
    await _change(group, groups.GroupPatch(without_rule=True, keep_members=keep_members), options)


@app.command
async def preview(group: Which, rule: Text, /, *, options: Options = DEFAULTS) -> None:
    """Show who would come and who would go if the group had this rule. Changes nothing."""
    wanted: Rule = rule_text.parse(rule)
    async with open_company(options) as (shell, company):
        found = await find_group(shell, company, group)
        async with shell.directory.read() as tx:
            seen = await group_rules.preview(tx, found, wanted)
    joins, leaves = len(seen.moves.joining), len(seen.moves.leaving)
    if options.json:
        named = {"joining": [u.username for u in seen.joining], "leaving": [u.username for u in seen.leaving]}
        output.write_json({"joins": joins, "leaves": leaves, "total": seen.total} | named)
        return
    print(f"{joins} would come in, {leaves} would go out; {seen.total} members then.")
    lines = [("+", user) for user in seen.joining] + [("-", user) for user in seen.leaving]
    for sign, user in lines:
        print(f"{sign} {user.username} ({user.display_name})")
    if len(lines) < joins + leaves:
        print(f"… and {joins + leaves - len(lines)} more")


@exceptions.command(name="list")
async def list_(group: Which, /, *, options: Options = DEFAULTS) -> None:
    """List who is excepted, ordered by username."""
    listed: list[dict[str, Any]] = []
    async with open_company(options) as (shell, company):
        found, after = await find_group(shell, company, group), None
        while True:
            async with shell.directory.read() as tx:
                page = await tx.page_exceptions(found.id, after=after, limit=_PAGE)
            listed += [
                {
                    "user_id": one.user.id,
                    "username": one.user.username,
                    "display_name": one.user.display_name,
                    "since": one.since,
                    "is_member": one.standing is not None,
                }
                for one in page
            ]
            if len(page) < _PAGE:
                break
            after = page[-1].user.username
    if options.json:
        output.write_json(listed)
    else:
        output.write_table(listed, ("username", "display_name", "since", "is_member"))


@exceptions.command
async def add(group: Which, user: Who, /, *, options: Options = DEFAULTS) -> None:
    """Keep the group's rule from making somebody a member. Who is in by it leaves. Repeatable."""
    async with open_company(options) as (shell, company):
        found, person = await find_group(shell, company, group), await find_user(shell, company, user)
        one = await group_rules.add_exception(
            shell.directory, company, found.id, person.id, actor=shell.actor, now=shell.now
        )
    if options.json:
        output.write_json({"user_id": person.id, "since": one.since, "is_member": one.standing is not None})
        return
    print(f"{person.username} is excepted from the rule of {found.name}.")
    if one.standing is not None:
        print("They are a fixed member still. Take them out: kleanxmpp group members remove")


@exceptions.command(name="remove")
async def lift(group: Which, user: Who, /, *, options: Options = DEFAULTS) -> None:
    """Let the group's rule decide about somebody again. Repeatable."""
    async with open_company(options) as (shell, company):
        found, person = await find_group(shell, company, group), await find_user(shell, company, user)
        await group_rules.remove_exception(
            shell.directory, company, found.id, person.id, actor=shell.actor, now=shell.now
        )
    if options.json:
        output.write_json({"user_id": person.id})
    else:
        print(f"The rule of {found.name} decides about {person.username} again.")


async def explain(
    group: Which,
    user: Who,
    /,
    *,
    lang: Annotated[Literal["de", "en"], Parameter(help="The language of the sentences.")] = "en",
    options: Options = DEFAULTS,
) -> None:
    """Say why somebody is in a group, or is not."""
    async with open_company(options) as (shell, company):
        found, person = await find_group(shell, company, group), await find_user(shell, company, user)
        async with shell.directory.read() as tx:
            why = await group_rules.explain(tx, company, found.id, person.id)
    said = rule_words.sentences(company, why, language=lang)
    if not options.json:
        print("\n".join(said))
        return
    output.write_json(
        {
            "in": why.standing is not None,
            "because": why.because.value,
            "role": why.standing.role.value if why.standing else None,
            "effective": why.standing is not None and may_chat(company, why.user),
            "excepted": why.excepted,
            "rule": rule_text.printed(why.group.rule) if why.group.rule else None,
            "holds": why.holds,
            "conditions": [
                {"attribute": one.attribute, "wanted": one.wanted, "negated": one.negated, "has": one.has}
                | {"holds": one.holds}
                for one in why.conditions
            ],
            "sentences": said,
        }
    )


async def _change(which: str, patch: groups.GroupPatch, options: Options) -> None:
    async with open_company(options) as (shell, company):
        found = await find_group(shell, company, which)
        after = await groups.update_group(shell.directory, company, found.id, patch, actor=shell.actor, now=shell.now)
        async with shell.directory.read() as tx:
            total, by_rule = await tx.member_count(after.id), await tx.by_rule_count(after.id)
    if options.json:
        rule = rules.to_json(after.rule) if after.rule else None
        output.write_json({"id": after.id, "slug": after.slug, "rule": rule, "members": total, "by_rule": by_rule})
    else:
        print(f"{after.name} has {total} members now, {by_rule} of them by rule.")
