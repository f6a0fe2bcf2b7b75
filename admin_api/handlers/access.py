"""What a person can reach right now: from the directory, and looked up on the live server."""

import asyncio
from dataclasses import replace
from zoneinfo import ZoneInfo

from kleanxmpp import desired, errors
from kleanxmpp.desired import Person
from kleanxmpp.due import Aspect
from kleanxmpp.model import Absence, Company
from kleanxmpp.state import UserState

from .. import live_devices
from ..answers import Answer
from ..schemas.access import AccessGroupView, AccessView, DirectoryAccessView, ServerAccessView
from ..schemas.types import Id
from ..services import Call, Services

_ONLY_API = "This process runs only the API and cannot ask the XMPP server."
_AWAY = "The XMPP server cannot be asked right now."
_REFUSES = "The XMPP server refuses to be asked."
_SLOW = "The XMPP server did not answer in time."


async def get_access(call: Call, *, user_id: Id) -> Answer:
    """Show what a person can reach right now.

    Looked up in the directory and on the live server in this moment: every session, the gate, the rooms, the contact
    groups and bookmarks. If the server cannot be asked, `server` is null and `server_error` says why: not known is
    never shown as empty.
    """
    return Answer(body=await access_of(call.services, call.company, user_id))


async def access_of(services: Services, company: Company, user_id: str) -> AccessView:
    """Look up what a person can reach right now. Raises NotFound."""
    async with services.directory.read() as tx:
        person = await tx.person(company.id, user_id)
        credentials = len(await tx.credentials(user_id)) if person else 0
    if person is None:
        raise errors.NotFound("There is no user with this id in the company.")
    state, error = await _observed(services, person)
    live = None if state is None else await live_devices.sessions_of(services, company, person.user)
    domain = services.settings.rooms_domain(company.domain)
    return AccessView(
        user_id=person.user.id,
        jid=f"{person.user.username}@{company.domain}",
        may_chat=desired.may_chat(person.company, person.user),
        access=desired.access(person.company, person.user),
        why=_why(person),
        directory=_in_directory(person, credentials=credentials, rooms_domain=domain),
        server=None if state is None else ServerAccessView.of(state, live=live, rooms_domain=domain),
        server_error=error,
    )


async def _observed(services: Services, person: Person) -> tuple[UserState | None, str | None]:
    server = services.server
    if server is None:
        return None, _ONLY_API
    look = replace(desired.user_look(person, aspects=Aspect.ALL), any_session=True)
    try:
        async with asyncio.timeout(services.settings.check_seconds):
            return await server.observe_user(person.company, look), None
    except TimeoutError:
        return None, _SLOW
    except errors.Temporary:
        return None, _AWAY
    except errors.ServerError:
        return None, _REFUSES


def _in_directory(person: Person, *, credentials: int, rooms_domain: str) -> DirectoryAccessView:
    level = desired.access(person.company, person.user)
    return DirectoryAccessView(
        active=person.user.active,
        chat_permission=person.user.chat_permission,
        company_enabled=person.company.enabled,
        absence=person.user.absence,
        credentials=credentials,
        groups=[
            AccessGroupView.of(
                c.group, role=c.role, rooms_domain=rooms_domain, effective=desired.enters(level, c.group)
            )
            for c in person.circles
        ],
    )


def _why(person: Person) -> str:
    user = person.user
    against = [
        words
        for holds, words in (
            (not person.company.enabled, "the company is disabled"),
            (user.erasing, "the person is being erased"),
            (not user.active, "the person is not active"),
            (not user.chat_permission, 'the person lacks the permission "Chat"'),
            (user.absence is not None, _absent(person)),
        )
        if holds
    ]
    return ", ".join(against) or 'the company is enabled, the person is active and has the permission "Chat"'


def _absent(person: Person) -> str:
    user = person.user
    until = ""
    if user.absent_until is not None:
        local = user.absent_until.astimezone(ZoneInfo(person.company.timezone))
        until = f" until {local:%Y-%m-%d %H:%M} ({person.company.timezone})"
    if user.absence is Absence.GARDEN_LEAVE:
        return f"the person is on garden leave{until}: reads announcements, writes nothing"
    return f"the person is paused{until}: memberships stay, nothing is reachable"
