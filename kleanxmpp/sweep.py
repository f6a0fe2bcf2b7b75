"""The sweep: finds what nobody announced. It only reads; what differs is marked due and repaired by the loop.

So a sweep never races with the work on a scope, and its dry run is the same code. Everything is read in pages
and in the server's bulk calls, so memory stays flat. A sweep whose repairs would remove more than a set share of
what is there marks nothing: a directory restored from an old backup must not empty the server.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from kleanxmpp import changes, circle_marks, companies, desired, errors, metrics, offboardings
from kleanxmpp.batches import batches
from kleanxmpp.desired import GATE, LET_IN, READ_ONLY, Access, CircleLook, Person
from kleanxmpp.due import Aspect
from kleanxmpp.model import AuditEntry, Company, Group
from kleanxmpp.plan import Plan, closing_steps, plan_circles, plan_user, refuse_unsafe, removals, silencing_steps
from kleanxmpp.ports import Directory, Server
from kleanxmpp.state import Affiliation, CircleState
from kleanxmpp.sweep_report import SweepReport
from kleanxmpp.traces import Traces

_GROUPS_A_PAGE = 50
_PEOPLE_A_PAGE = 200


async def sweep(
    directory: Directory,
    server: Server,
    company: Company,
    *,
    rooms_prefix: str,
    pace: tuple[float, int],
    force: bool = False,
    dry_run: bool = False,
    actor: str | None = None,
) -> SweepReport:
    """Compare the whole company with the server; mark what differs as due, unless it is a dry run.

    Beyond `pace` = (share, floor) nothing is marked unless `force`: the report says so in `held`. People with work
    waiting for them are not counted as removals: somebody wanted that. `actor`: who asked for it; None: nobody did.
    """
    began = time.monotonic()
    report = SweepReport(at=datetime.now(UTC))
    traces = Traces(domain=company.domain)
    await _sweep_company(directory, server, company, report, traces)
    await _sweep_groups(directory, server, company, report, traces)
    await _sweep_people(directory, server, company, report, traces, rooms_prefix=rooms_prefix)
    report.leftovers = await _counted(directory, company, report, traces)
    report.seconds = time.monotonic() - began
    metrics.SWEEP_SECONDS.set(report.seconds)
    if not force:
        try:
            refuse_unsafe(removed=report.removing, present=report.present, share=pace[0], floor=pace[1])
        except errors.UnsafePlan as error:
            report.held = str(error)
    if not dry_run and report.held is None:
        asked = [] if actor is None else [_entry(company, report, actor=actor, force=force)]
        await _set_going(directory, server, company, report, asked)
    return report


def _entry(company: Company, report: SweepReport, *, actor: str, force: bool) -> AuditEntry:
    return AuditEntry(
        company_id=company.id,
        at=report.at,
        actor=actor,
        action="sweep.forced" if force else "sweep.started",
        subject=f"company:{company.id}",
        details={"differing": report.differing, "removing": report.removing},
    )


async def _counted(directory: Directory, company: Company, report: SweepReport, traces: Traces) -> Mapping[str, int]:
    """Count the traces by kind, but not of those whose off-boarding was not over when the sweep began."""
    async with directory.read() as tx:
        users = await tx.users_by_username(company.id, traces.found)
        newest = await tx.newest_offboardings(company.id, [user.id for user in users.values()])
    over = {user_id: one.completed_at or one.cancelled_at or datetime.now(UTC) for user_id, one in newest.items()}
    return traces.total(
        without=frozenset(name for name, user in users.items() if over.get(user.id, report.at) > report.at)
    )


async def _set_going(
    directory: Directory, server: Server, company: Company, report: SweepReport, asked: Sequence[AuditEntry]
) -> None:
    """Mark what differs as due, and take out of our own shared groups what belongs to nobody."""
    for mark in report.marks():
        metrics.DRIFT.labels(kind=mark.scope.kind.value).inc()
    for kind, count in report.leftovers.items():
        metrics.LEFTOVERS.labels(kind=kind).inc(count)
    async with directory.write(company.id) as tx:
        await tx.mark_due(report.marks())
        await tx.add_audit(asked)
    for username in report.strangers:
        for step in closing_steps(username):
            await server.apply(company, step)
    for trace in report.traces:
        await server.apply(company, trace)
    for name in report.strange_shared_groups:
        await server.apply(company, changes.RemoveSharedGroup(name=name))


async def _sweep_company(
    directory: Directory, server: Server, company: Company, report: SweepReport, traces: Traces
) -> None:
    """Compare the gate, live sessions, and what the company holds as a whole."""
    async with directory.read() as tx:
        levels = await tx.access_levels(company.id)
    state = desired.company_state(company, levels)
    plan = plan_circles(desired=state, actual=await server.observe_circles(company, desired.company_look(company)))
    if plan:
        report.add(companies.scope_of(company), Aspect.ALL, plan)
    gate, online = await server.key_holders(company, GATE), await server.online(company)
    silent = await server.key_holders(company, READ_ONLY)
    report.present += len(gate)
    async with directory.read() as tx:
        # Read again, after the server: who was let in meanwhile is in both, and nobody is taken for a stranger.
        levels = await tx.access_levels(company.id)
        inside = {username for username, level in levels.items() if level in LET_IN}
        readers = {username for username, level in levels.items() if level is Access.READ}
        traces.chatting = frozenset(username for username, level in levels.items() if level is Access.FULL)
        known = await tx.users_by_username(company.id, ((gate | online) ^ inside) | (silent ^ readers))
        for username in gate - inside:
            traces.add("gate", username)
        for username in online & (known.keys() - inside):
            traces.add("sessions", username)
        traces.of_circles(plan)
        for username, user in known.items():
            scope = offboardings.scope_of(user)
            if username in inside and username not in gate:
                report.add(scope, Aspect.ACCESS, (changes.OpenGate(username=username),))
            elif username in gate | online and username not in inside:
                if await tx.due(scope) is None:
                    report.add(scope, Aspect.ALL, closing_steps(username))
            elif username in readers - silent:
                report.add(scope, Aspect.ALL, silencing_steps(username))
            elif username in silent - readers and username in inside:
                report.add(scope, Aspect.ACCESS, (changes.LetWrite(username=username),))
    report.strangers = tuple(sorted(gate - inside - known.keys()))
    report.removing += len(report.strangers)


async def _sweep_groups(
    directory: Directory, server: Server, company: Company, report: SweepReport, traces: Traces
) -> None:
    """Compare every room and contact group, and find rooms and groups that the directory does not know."""
    unknown_rooms = set(await server.room_names(company))
    unknown_shared = set(await server.shared_group_names(company)) - {*desired.KEYS, desired.COMPANY_CONTACTS}
    after: str | None = None
    while True:
        async with directory.read() as tx:
            page = await tx.page_groups(company.id, after=after, limit=_GROUPS_A_PAGE)
            circles = [await tx.group_circle(company.id, group.id) for group in page]
            # Whom an archived group still has to be taken from, somebody wanted it taken from: no drift.
            asked = {g.id for g in page if g.archived and await tx.due(circle_marks.scope_of(g)) is not None}
        if not page:
            break
        after = page[-1].slug
        report.groups += len(page)
        looks = [desired.group_look(group) for group in page]
        look = CircleLook(
            rooms=frozenset().union(*(one.rooms for one in looks)),
            shared_groups={name: True for one in looks for name in one.shared_groups},
        )
        actual = await server.observe_circles(company, look)
        for group, circle, one in zip(page, circles, looks, strict=True):
            unknown_rooms -= one.rooms
            unknown_shared -= one.shared_groups.keys()
            if circle is not None and group.id not in asked:
                plan = _compare_group(group, desired.group_state(circle), _part(actual, one), report)
                traces.of_circles(plan)
    await _sort_unknown(directory, company, unknown_rooms, unknown_shared, report)
    await _find_traces(directory, server, company, report, traces)


def _compare_group(group: Group, wanted: CircleState, actual: CircleState, report: SweepReport) -> Plan:
    report.present += sum(len(room.affiliations) for room in actual.rooms.values())
    if plan := plan_circles(desired=wanted, actual=actual):
        report.add(circle_marks.scope_of(group), Aspect.ALL, plan)
    return plan


def _part(state: CircleState, look: CircleLook) -> CircleState:
    """Return what `state` says about one group's names."""
    return CircleState(
        rooms={name: room for name, room in state.rooms.items() if name in look.rooms},
        shared_groups={name: found for name, found in state.shared_groups.items() if name in look.shared_groups},
    )


async def _sort_unknown(
    directory: Directory, company: Company, rooms: set[str], shared: set[str], report: SweepReport
) -> None:
    """Tell rooms and shared groups of deleted groups, which must go, from strange ones."""
    prefix = desired.CONTACT_GROUP_PREFIX
    async with directory.read() as tx:
        for slug in rooms | {name.removeprefix(prefix) for name in shared if name.startswith(prefix)}:
            group = await tx.group_by_slug(company.id, slug)
            if group is None:
                continue
            rooms.discard(slug)
            shared.discard(desired.contact_group(group))
            if group.deleted and await tx.due(circle_marks.scope_of(group)) is None:
                report.add(circle_marks.scope_of(group), Aspect.ALL, (changes.DestroyRoom(room=slug),))
    report.strange_rooms, report.strange_shared_groups = tuple(sorted(rooms)), tuple(sorted(shared))
    metrics.STRANGE_ROOMS.set(len(rooms))


async def _find_traces(
    directory: Directory, server: Server, company: Company, report: SweepReport, traces: Traces
) -> None:
    """Find people without access in rooms that are not the directory's."""
    if not report.strange_rooms:
        return
    async with directory.read() as tx:
        levels = await tx.access_levels(company.id)
    entering = {f"{name}@{company.domain}" for name, level in levels.items() if level in LET_IN}
    for names in batches(report.strange_rooms, _GROUPS_A_PAGE):
        look = CircleLook(rooms=frozenset(names), shared_groups={})
        for name, room in (await server.observe_circles(company, look)).rooms.items():
            found = {
                jid: Affiliation.NONE
                for jid, affiliation in room.affiliations.items()
                if jid.endswith(f"@{company.domain}") and jid not in entering and affiliation.lets_in
            }
            if found:
                report.traces.append(changes.SetAffiliations(room=name, affiliations=found))
                traces.of_room("strange_rooms", report.traces[-1])
    report.removing += removals(report.traces)


async def _sweep_people(
    directory: Directory, server: Server, company: Company, report: SweepReport, traces: Traces, *, rooms_prefix: str
) -> None:
    """Compare names, bookmarks, and what is left of those without access, page by page."""
    aspects = Aspect.PROFILE | Aspect.BOOKMARKS | Aspect.LEFTOVERS
    rooms_domain = f"{rooms_prefix}.{company.domain}"
    after: str | None = None
    while True:
        async with directory.read() as tx:
            page: Sequence[Person] = await tx.page_people(company.id, after=after, limit=_PEOPLE_A_PAGE)
        if not page:
            return
        after = page[-1].user.username
        report.people += len(page)
        looks = [desired.user_look(person, aspects=aspects) for person in page]
        states = await server.observe_people(company, looks)
        for person, actual in zip(page, states, strict=True):
            wanted = desired.user_state(person, rooms_domain=rooms_domain, aspects=aspects)
            username = person.user.username
            traces.of_person(username, wanted=wanted, actual=actual)
            plan = plan_user(username, jid=f"{username}@{company.domain}", desired=wanted, actual=actual)
            if plan:
                report.add(offboardings.scope_of(person.user), aspects, plan)
