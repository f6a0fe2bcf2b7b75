"""The rule of a group: what it says, another one tried before it counts, exceptions, and why somebody is in or not."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from kleanxmpp import errors, group_rules, groups, pasted_people, rule_text, rule_words
from kleanxmpp.group_rules import Preview
from kleanxmpp.model import Group
from kleanxmpp.pasted_people import Line
from kleanxmpp.ports import Transaction
from kleanxmpp.rules import Rule

from ..circle_forms import asked
from ..numbers import whole
from ..visits import Visit
from .groups import group_of

EXCEPTIONS_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A rule that somebody wrote and looks at: what it says, and what it would change. `rule` None: no rule."""

    rule: Rule | None
    preview: Preview


async def show_rule(visit: Visit) -> web.StreamResponse:
    """Show the rule, or find the person whose membership somebody wants explained."""
    text = visit.request.query.get("q", "").strip()[:200]
    async with visit.directory.read() as tx:
        group = await group_of(tx, visit)
        found = pasted_people.find(text, await tx.known_people(visit.company.id)) if text else None
        if found and found.people:
            return visit.go(f"/groups/{group.id}/why/{found.people[0].id}")
        written = rule_text.printed(group.rule) if group.rule else ""
        asked_for = next(iter(found.unclear), None) if found else None
        return await _page(tx, visit, group, written=written, asked_for=asked_for)


async def change_rule(visit: Visit) -> web.StreamResponse:
    """Try a rule, or make it the group's."""
    written = visit.form.get("rule", "").replace("\r\n", "\n")
    what, about = asked(visit)
    group_id = visit.id("group_id")
    if what == "lift":
        await group_rules.remove_exception(
            visit.directory, visit.company, group_id, about, actor=visit.actor, now=visit.now
        )
        return visit.go(f"/groups/{group_id}/rule")
    try:
        rule = rule_text.parse(written) if written.strip() else None
        if what == "save":
            await _save(visit, group_id, rule)
            return visit.go(f"/groups/{group_id}")
    except (errors.Invalid, errors.Stale) as error:
        async with visit.directory.read() as tx:
            group = await group_of(tx, visit)
            return await _page(tx, visit, group, written=written, wrong=error)
    async with visit.directory.read() as tx:
        group = await group_of(tx, visit)
        tried = Tried(rule=rule, preview=await group_rules.preview(tx, group, rule))
        return await _page(tx, visit, group, written=written, tried=tried)


async def explain(visit: Visit) -> web.StreamResponse:
    """Say why somebody is in the group, or is not."""
    async with visit.directory.read() as tx:
        why = await group_rules.explain(tx, visit.company, visit.id("group_id"), visit.id("user_id"))
    said = rule_words.sentences(visit.company, why, language=visit.language)
    return visit.page("group_why.html", group=why.group, why=why, sentences=said)


async def change_exception(visit: Visit) -> web.StreamResponse:
    """Except somebody from the rule, or lift the exception."""
    group_id, user_id = visit.id("group_id"), visit.id("user_id")
    what, _ = asked(visit)
    change = group_rules.add_exception if what == "except" else group_rules.remove_exception
    await change(visit.directory, visit.company, group_id, user_id, actor=visit.actor, now=visit.now)
    return visit.go(f"/groups/{group_id}/why/{user_id}")


async def _save(visit: Visit, group_id: str, rule: Rule | None) -> None:
    patch = groups.GroupPatch(
        rule=rule, without_rule=rule is None, keep_members=rule is None and bool(visit.form.get("keep"))
    )
    await groups.update_group(
        visit.directory,
        visit.company,
        group_id,
        patch,
        actor=visit.actor,
        now=visit.now,
        if_version=whole(visit.form.get("version"), 0),
    )


async def _page(
    tx: Transaction,
    visit: Visit,
    group: Group,
    *,
    written: str,
    tried: Tried | None = None,
    wrong: errors.KleanError | None = None,
    asked_for: Line | None = None,
) -> web.StreamResponse:
    exceptions = await tx.page_exceptions(group.id, after=None, limit=EXCEPTIONS_SHOWN)
    status = 409 if isinstance(wrong, errors.Stale) else 422 if wrong else 200
    return visit.page(
        "group_rule.html",
        status=status,
        group=group,
        written=written,
        words=_in_words(group.rule, visit),
        tried=tried,
        tried_words=_in_words(tried.rule, visit) if tried else None,
        stale=isinstance(wrong, errors.Stale),
        wrong=str(wrong) if isinstance(wrong, errors.Invalid) else "",
        exceptions=[one for one in exceptions if not one.user.erasing],
        asked_for=asked_for,
        attributes=_names(visit),
    )


def _in_words(rule: Rule | None, visit: Visit) -> str | None:
    return rule_words.described(rule, language=visit.language) if rule else None


def _names(visit: Visit) -> Mapping[str, str]:
    usual = ("site", "department", "division", "role", "cost_center", "user.locale")
    return {name: rule_words.attribute_name(name, language=visit.language) for name in usual}
