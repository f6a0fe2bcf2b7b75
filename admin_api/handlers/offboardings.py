"""Taking access away, giving it back, erasing, and the evidence of it. A caller may wait for the proof."""

from kleanxmpp import errors, handovers, offboardings, users
from kleanxmpp.documents.facts import evidence_facts
from kleanxmpp.documents.pdf import evidence_pdf
from kleanxmpp.due import Scope, ScopeKind
from kleanxmpp.edits import UserPatch
from kleanxmpp.leaving import Leave
from kleanxmpp.model import Offboarding, User

from .. import etags, waiting
from ..answers import Answer, Document
from ..languages import preferred_language
from ..schemas.offboardings import OffboardingPage, OffboardingQuery, OffboardingView, PrintQuery, status_url
from ..schemas.types import Id
from ..schemas.users import DeactivationBody, ReasonBody, reactivated_view, user_view
from ..services import Call


async def deactivate_user(call: Call, *, user_id: Id, body: DeactivationBody) -> Answer:
    """Off-board a person.

    For good, for a pause, or into garden leave (`mode`); an absence ends by itself at `returns_on`. From the moment of
    the answer on no login succeeds (on garden leave: nothing is written); sessions, rooms, contacts and everything else
    are closed right after, and looked up again. With `Prefer: wait=N` the answer waits up to N seconds (at most 60) for
    the proof: 200 with the evidence once it is complete, otherwise 202 with `status_url`. Repeatable: each request is
    proven anew.
    """
    begun = await call.services.together.leave(
        Leave(
            company=call.company,
            user_id=user_id,
            departure=body.departure(call.company),
            actor=call.actor,
            reason=body.reason,
            now=call.now,
        )
    )
    return await _awaited(call, begun)


async def reactivate_user(call: Call, *, user_id: Id, body: ReasonBody) -> Answer:
    """Let a person in again.

    The undo of an off-boarding: the groups count again and the person's devices work again. With `Prefer: wait=N` the
    answer waits up to N seconds (at most 60) until the server has followed: 200 then, otherwise 202 with `status_url`.
    """
    user = await users.reactivate(
        call.directory, call.company, user_id, actor=call.actor, reason=body.reason, now=call.now
    )
    wait = waiting.preferred_wait(call.headers, longest=call.services.settings.longest_wait)
    scope = offboardings.scope_of(user)

    async def is_done() -> bool:
        async with call.directory.read() as tx:
            return await tx.due(scope) is None

    done = await waiting.until(call.services, is_done, done=bool, seconds=wait or 0, scope=scope)
    return _reactivated(call, user, done=done and wait is not None, headers=waiting.applied(wait))


async def deactivate_in_bulk(call: Call, *, user_id: Id, body: ReasonBody) -> Answer:
    """Let somebody go for good as one of many: as far as the guard lets the door. Answers the person as they are."""
    patch = UserPatch(fields=frozenset({"active"}), active=False)
    user = await _said(call, user_id, patch, reason=body.reason)
    async with call.directory.read() as tx:
        begun = await tx.open_offboarding(user.id)
    headers = {} if begun is None else {"Location": status_url(begun)}
    view = user_view(user, company=call.company)
    return Answer(status=202, body=view, headers=headers, about=user.id, held=user.active)


async def reactivate_in_bulk(call: Call, *, user_id: Id, body: ReasonBody) -> Answer:
    """Let somebody in again as one of many. Who waited to be let go does not wait any more."""
    patch = UserPatch(fields=frozenset({"active", "absence", "absent_until"}), active=True)
    user = await _said(call, user_id, patch, reason=body.reason)
    return _reactivated(call, user, done=False, headers={})


async def _said(call: Call, user_id: str, patch: UserPatch, *, reason: str | None) -> User:
    return await users.update_user(
        call.directory,
        call.company,
        user_id,
        patch,
        actor=call.actor,
        reason=reason,
        now=call.now,
        by=call.passage,
    )


async def erase_user(call: Call, *, user_id: Id) -> Answer:
    """Off-board a person, then erase what is stored about them.

    The evidence stays readable; the username is never given to anybody else. Erasure follows as soon as the
    off-boarding is proven. `Prefer: wait=N` as for deactivation.
    """
    begun = await users.erase(
        call.directory,
        call.company,
        user_id,
        actor=call.actor,
        reason=None,
        now=call.now,
        if_version=etags.expected_version(call.headers),
    )
    return await _awaited(call, begun)


async def list_offboardings(call: Call, *, user_id: Id, query: OffboardingQuery) -> Answer:
    """List a person's off-boardings, with their evidence.

    The newest first. Also after the person was erased.
    """
    async with call.directory.read() as tx:
        found = await tx.page_offboardings(call.company.id, user_id, limit=query.limit)
        if not found:
            await users.existing(tx, call.company, user_id, erasing=True)
        names = await handovers.group_names(tx, call.company.id, found)
    items = [OffboardingView.of(one, names=names) for one in found]
    return Answer(body=OffboardingPage(items=items, next_cursor=None))


async def get_offboarding(call: Call, *, user_id: Id, offboarding_id: Id) -> Answer:
    """Show an off-boarding and its evidence.

    `complete` is true only when every door was looked at again on the live server and found closed.
    """
    return Answer(body=await _view(call, await _of_user(call, user_id, offboarding_id)))


async def print_offboarding(call: Call, *, user_id: Id, offboarding_id: Id, query: PrintQuery) -> Answer:
    """Print an off-boarding and its evidence.

    One page (PDF/A) for the personnel file, in German or English. What could not be checked is called "not checked".
    After erasure it shows ids in place of names. The address ends in `.pdf`, so that a link or a saved file says what
    it is.
    """
    found = await _of_user(call, user_id, offboarding_id)
    locale = query.lang or preferred_language(call.headers) or call.company.locale
    facts = await evidence_facts(call.directory, call.company, found)
    content = await evidence_pdf(facts, locale=locale, now=call.now)
    document = Document(content=content, name=f"offboarding-{found.id}.pdf")
    return Answer(document=document, headers={"Content-Language": locale, "Cache-Control": "no-store"})


async def _of_user(call: Call, user_id: str, offboarding_id: str) -> Offboarding:
    found = await _offboarding(call, offboarding_id)
    if found.user_id != user_id:
        raise errors.NotFound("The user has no off-boarding with this id.")
    return found


async def _view(call: Call, found: Offboarding) -> OffboardingView:
    if not found.handovers:
        return OffboardingView.of(found, names={})
    async with call.directory.read() as tx:
        names = await handovers.group_names(tx, call.company.id, [found])
    return OffboardingView.of(found, names=names)


async def _offboarding(call: Call, offboarding_id: str) -> Offboarding:
    found = await call.services.together.offboarding((call.company.id, offboarding_id))
    if found is None:
        raise errors.NotFound("The user has no off-boarding with this id.")
    return found


async def _awaited(call: Call, begun: Offboarding) -> Answer:
    wait = waiting.preferred_wait(call.headers, longest=call.services.settings.longest_wait)
    found = begun
    if wait:

        async def read() -> Offboarding:
            return await _offboarding(call, begun.id)

        scope = Scope(kind=ScopeKind.USER, company_id=begun.company_id, id=begun.user_id)
        found = await waiting.until(call.services, read, done=_is_over, seconds=wait, scope=scope)
    headers = {"Location": status_url(found), **waiting.applied(wait)}
    status = 200 if found.complete else 202
    return Answer(status=status, body=await _view(call, found), headers=headers, about=found.user_id)


def _is_over(offboarding: Offboarding) -> bool:
    return offboarding.completed_at is not None or offboarding.cancelled_at is not None


def _reactivated(call: Call, user: User, *, done: bool, headers: dict[str, str]) -> Answer:
    view = reactivated_view(user, company=call.company, done=done)
    tag = etags.tag(user.version, company=call.company)
    headers = {"ETag": tag, "Location": view.status_url, **headers}
    return Answer(status=200 if done else 202, body=view, headers=headers, about=user.id)
