"""`kleanxmpp user deactivate …` and what belongs to it: taking access away, giving it back, and the evidence."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from kleanxmpp import errors, handovers, returns, users
from kleanxmpp.cli import DONE, NO_SERVER, output
from kleanxmpp.cli.person import facts
from kleanxmpp.cli.shell import DEFAULTS, Options, Shell, find_user, open_company
from kleanxmpp.desired import Access, access
from kleanxmpp.model import Company, Mode, Offboarding, User
from kleanxmpp.users import Departure

Who = Annotated[str, Parameter(help="Username, JID, id or external id.")]
Reason = Annotated[str | None, Parameter(help="Why; kept in the audit log.")]
Going = Literal["left", "paused", "garden_leave"]
_LOOK_EVERY = 0.05
_MOST = 500
_NO_LONGER = {
    Access.NONE: "{} cannot log in any more.",
    Access.PAUSED: "{} is paused and cannot log in.",
    Access.READ: "{} is on garden leave: reads announcements, writes nothing.",
}
_RESULT = {True: "closed", False: "open", None: "not checked"}


async def deactivate(
    user: Who,
    /,
    *,
    mode: Annotated[
        Going, Parameter(help="For good; for a while, memberships kept; or reading announcements only.")
    ] = "left",
    returns_on: Annotated[
        str | None, Parameter(help="When an absence ends by itself: a date, or a date-time with offset.")
    ] = None,
    hand_over_to: Annotated[
        str | None, Parameter(help="Who takes over the groups that the person moderates; like USER.")
    ] = None,
    reason: Reason = None,
    wait: Annotated[float, Parameter(help="Seconds to wait for the proof; 0: do not wait.")] = 0.0,
    options: Options = DEFAULTS,
) -> int:
    """Off-board a person. No login succeeds from now on; the running service closes everything else and proves it."""
    async with open_company(options) as (shell, company):
        found = await find_user(shell, company, user)
        until = None if returns_on is None else returns.moment(returns_on, company=company)
        heir = None if hand_over_to is None else (await find_user(shell, company, hand_over_to)).id
        begun = await users.deactivate(
            shell.directory,
            company,
            found.id,
            departure=Departure(mode=Mode(mode), until=until, hand_over_to=heir),
            actor=shell.actor,
            reason=reason,
            now=shell.now,
        )
        proven = await _proof(shell, company, begun, seconds=wait)
        after = await find_user(shell, company, found.id)
        told = await _facts(shell, company, proven)
    _write(options, company, after, told)
    return DONE if proven.complete or not wait else NO_SERVER


async def reactivate(user: Who, /, *, reason: Reason = None, options: Options = DEFAULTS) -> None:
    """Let a person back in, also from an absence: groups are effective again, their devices work again."""
    async with open_company(options) as (shell, company):
        found = await find_user(shell, company, user)
        after = await users.reactivate(
            shell.directory, company, found.id, actor=shell.actor, reason=reason, now=shell.now
        )
    hint = "" if access(company, after) is Access.FULL else " They still may not chat: see chat permission and company."
    if options.json:
        output.write_json(facts(company, after))
    else:
        print(f"{after.username} is active again.{hint}")


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
        after = await find_user(shell, company, found.id)
        told = await _facts(shell, company, begun)
    _write(options, company, after, told)


async def offboardings(user: Who, /, *, options: Options = DEFAULTS) -> None:
    """List a person's off-boardings, the newest first. After erasure: by the person's id."""
    async with open_company(options) as (shell, company):
        found = await _of_person(shell, company, user)
        told = [await _facts(shell, company, one) for one in found]
    if options.json:
        output.write_json(told)
    else:
        output.write_table(told, ("id", "mode", "state", "requested_at", "completed_at", "actor", "reason"))


async def evidence(
    offboarding_id: Annotated[str, Parameter(help="As `user offboardings` shows it.")],
    /,
    *,
    pdf: Annotated[Path | None, Parameter(help="Write one printed page into this file instead.")] = None,
    lang: Annotated[Literal["de", "en"] | None, Parameter(help="Its language; the company's if not given.")] = None,
    options: Options = DEFAULTS,
) -> None:
    """Show the evidence of an off-boarding, or print it for the personnel file."""
    async with open_company(options) as (shell, company):
        async with shell.directory.read() as tx:
            found = await tx.offboarding(company.id, offboarding_id)
        if found is None:
            raise errors.NotFound(f"There is no off-boarding “{offboarding_id}”. See: kleanxmpp user offboardings USER")
        told = await _facts(shell, company, found)
        if pdf is not None:
            await _print(shell, company, found, file=pdf, locale=lang or company.locale)
            return
    if options.json:
        output.write_json(told)
        return
    output.write_facts({key: value for key, value in told.items() if key not in {"evidence", "handovers"}})
    _write_tables(told)


def add_commands(app: App) -> None:
    """Add the commands of this module."""
    for command in (deactivate, reactivate, erase, offboardings, evidence):
        app.command(command)


async def _print(shell: Shell, company: Company, found: Offboarding, *, file: Path, locale: str) -> None:
    from kleanxmpp.documents.facts import evidence_facts
    from kleanxmpp.documents.pdf import evidence_pdf

    proof = await evidence_facts(shell.directory, company, found)
    content = await evidence_pdf(proof, locale=locale, now=shell.now)
    try:
        await asyncio.to_thread(file.write_bytes, content)
    except OSError as error:
        raise errors.Invalid(f"{file} cannot be written: {error.strerror}.", field="pdf") from error
    print(f"Wrote {file}.")


async def _of_person(shell: Shell, company: Company, who: str) -> list[Offboarding]:
    async with shell.directory.read() as tx:
        found = await tx.page_offboardings(company.id, who, limit=_MOST)
    if found:
        return list(found)  # by id, also of somebody erased
    user = await find_user(shell, company, who)
    async with shell.directory.read() as tx:
        return list(await tx.page_offboardings(company.id, user.id, limit=_MOST))


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


async def _facts(shell: Shell, company: Company, found: Offboarding) -> dict[str, Any]:
    """Return what the command line tells about an off-boarding, under the API's names."""
    async with shell.directory.read() as tx:
        names = await handovers.group_names(tx, company.id, [found])
    return {
        "id": found.id,
        "user_id": found.user_id,
        "state": "cancelled" if found.cancelled_at else "complete" if found.complete else "running",
        "complete": found.complete,
        "mode": found.mode.value,
        "reason": found.reason,
        "actor": found.actor,
        "requested_at": found.requested_at,
        "completed_at": found.completed_at,
        "evidence": [
            {"item": e.item, "found": e.found, "done": e.done, "left": e.left, "closed": e.closed, "ms": e.milliseconds}
            for e in found.evidence
        ],
        "handovers": [
            {"group_id": h.group_id, "group_name": names.get(h.group_id), "to": list(h.to), "others": h.others}
            for h in found.handovers
        ],
    }


def _write(options: Options, company: Company, user: User, told: dict[str, Any]) -> None:
    if options.json:
        output.write_json(told)
        return
    if told["complete"]:
        print(f"{user.username} is off-boarded, and that is proven:")
    else:
        print(
            _NO_LONGER[access(company, user)].format(user.username)
            + f" Off-boarding {told['id']} is open until the running service has closed the rest. Look again: "
            f"kleanxmpp user evidence {told['id']}"
        )
    _write_tables(told)


def _write_tables(told: dict[str, Any]) -> None:
    """Write the evidence and who took groups over, in words where nothing is known."""
    if told["evidence"]:
        lines = [line | {"result": _RESULT[line["closed"]]} for line in told["evidence"]]
        output.write_table(lines, ("item", "found", "done", "left", "result", "ms"))
    if told["handovers"]:
        groups = [one | {"group": one["group_name"] or f"deleted ({one['group_id']})"} for one in told["handovers"]]
        print()
        output.write_table(groups, ("group", "to", "others"))
