"""Rules over HTTP: what one would change, why somebody is in or is not, and who is excepted."""

from kleanxmpp import errors, group_records, group_rules, rule_words
from kleanxmpp.desired import may_chat

from ..answers import Answer
from ..languages import preferred_language
from ..schemas.rules import (
    ExceptionPage,
    ExceptionView,
    ExplainQuery,
    ExplanationView,
    PreviewBody,
    RulePreviewView,
    rule_of,
)
from ..schemas.types import Id, ListQuery, cursor_after
from ..services import Call


async def preview_rule(call: Call, *, group_id: Id, body: PreviewBody) -> Answer:
    """Try a rule.

    Says who would come in and who would go out if the group had this rule, first how many. Nothing is changed. The rule
    is JSON or text, as in the group itself; `null` tries the group without a rule.
    """
    rule = rule_of(body.rule)
    async with call.directory.read() as tx:
        group = await group_records.existing(tx, call.company, group_id)
        found = await group_rules.preview(tx, group, rule)
    return Answer(body=RulePreviewView.of(found))


async def explain_membership(call: Call, *, group_id: Id, query: ExplainQuery) -> Answer:
    """Say why somebody is in the group, or is not.

    Names what decides, and how each condition of the group's rule stands for this person: what is wanted, what is
    known, whether it holds. What is not known holds neither way.
    """
    async with call.directory.read() as tx:
        why = await group_rules.explain(tx, call.company, group_id, query.user)
    language = query.lang or preferred_language(call.headers) or call.company.locale
    said = rule_words.sentences(call.company, why, language=language)
    effective = why.standing is not None and may_chat(call.company, why.user) and not why.group.archived
    return Answer(body=ExplanationView.of(why, effective=effective, sentences=said))


async def list_exceptions(call: Call, *, group_id: Id, query: ListQuery) -> Answer:
    """List who is excepted from the group's rule.

    In the order of the usernames, a page at a time.
    """
    async with call.directory.read() as tx:
        group = await group_records.existing(tx, call.company, group_id)
        found = await tx.page_exceptions(group.id, after=query.after(), limit=query.limit + 1)
    page = found[: query.limit]
    items = [ExceptionView.about(one) for one in page if not one.user.erasing]
    cursor = cursor_after(page[-1].user.username) if len(found) > query.limit else None
    return Answer(body=ExceptionPage(items=items, next_cursor=cursor))


async def get_exception(call: Call, *, group_id: Id, user_id: Id) -> Answer:
    """Show an exception.

    404 if there is none for this person.
    """
    async with call.directory.read() as tx:
        group = await group_records.existing(tx, call.company, group_id)
        found = await tx.exception(group.id, user_id)
    if found is None or found.user.erasing:
        raise errors.NotFound("There is no exception for this user.")
    return Answer(body=ExceptionView.about(found))


async def put_exception(call: Call, *, group_id: Id, user_id: Id) -> Answer:
    """Except somebody from the group's rule.

    Repeatable. Who is in by the rule leaves, and does not come back however the rule or the person changes. A fixed
    member stays until they are taken out, too.
    """
    found = await group_rules.add_exception(
        call.directory, call.company, group_id, user_id, actor=call.actor, now=call.now
    )
    return Answer(body=ExceptionView.about(found))


async def remove_exception(call: Call, *, group_id: Id, user_id: Id) -> Answer:
    """Lift an exception.

    Repeatable: 204 also when there is none. Whom the rule matches comes in at once.
    """
    await group_rules.remove_exception(call.directory, call.company, group_id, user_id, actor=call.actor, now=call.now)
    return Answer(status=204)
