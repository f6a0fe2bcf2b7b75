"""`EjabberdServer`: the core's `Server` port on a real ejabberd. Hands everything to the part whose concern it is.

Looking at people costs one call for sessions, one for shared groups, one for names, photos and bookmarks, and one
for all rooms, whatever their number and the size of the company. What off-boardings do, and all looking, is done
together for everybody who is worked on at the same moment (`crowd`).
"""

from collections.abc import Sequence

from ejabberd.records import Belongings
from kleanxmpp import changes
from kleanxmpp.batches import batches
from kleanxmpp.changes import Change
from kleanxmpp.desired import GATE, READ_ONLY, CircleLook, UserLook
from kleanxmpp.device_ports import DeviceSeen, DeviceSession
from kleanxmpp.model import Company
from kleanxmpp.state import CircleState, Leftovers, UserState

from . import belongings, bookmarks, contacts, erasing, leftovers, profiles, rooms, sessions
from .crowd import together_in_companies
from .errors import StreamLost
from .link import Link
from .together import together

_LOOKS_PER_CALL = 100
"""So that a call ends in time on a busy server, which also works on several at once."""


class EjabberdServer:
    """One server with all its companies."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._seen = together_in_companies(link, _observe_users)
        self._gates = together_in_companies(link, contacts.close_gate)
        self._kicks = together_in_companies(link, sessions.end)
        self._live = together_in_companies(link, sessions.has_any)
        self._clearings = together_in_companies(link, leftovers.clear)
        self._affiliations = together_in_companies(link, rooms.set_affiliations)
        self._leavings = together_in_companies(link, contacts.leave_together)
        self._bookmarks = together_in_companies(link, bookmarks.set_bookmarks)

    async def observe_user(self, company: Company, look: UserLook) -> UserState:
        """Return what was asked for in `look`; the rest stays None."""
        return await self._seen((company.domain, look))

    async def observe_people(self, company: Company, looks: Sequence[UserLook]) -> Sequence[UserState]:
        """Return names, photos, bookmarks, leftovers of many people, where asked for; at most one call a kind."""
        return await _observe_kept(self._link, looks, domain=company.domain)

    async def observe_circles(self, company: Company, look: CircleLook) -> CircleState:
        """Return the rooms and shared groups looked at; absent ones are missing."""
        link, domain = self._link, company.domain
        async with together() as tasks:
            seen = {name: tasks.create_task(rooms.observe(link, name, domain=domain)) for name in look.rooms}
            groups = {
                name: tasks.create_task(contacts.observe(link, name, domain=domain, with_members=with_members))
                for name, with_members in look.shared_groups.items()
            }
        return CircleState(
            rooms={name: room for name, task in seen.items() if (room := task.result()) is not None},
            shared_groups={name: group for name, task in groups.items() if (group := task.result()) is not None},
        )

    async def apply(self, company: Company, change: Change) -> int:
        """Make it true; return how many things were touched."""
        link, domain = self._link, company.domain
        match change:
            case changes.CloseGate(username=username):
                return await self._gates((domain, username))
            case changes.MakeReadOnly(username=username):
                return await contacts.give_key(link, READ_ONLY, username, domain=domain)
            case changes.LetWrite(username=username):
                return await contacts.take_key(link, READ_ONLY, username, domain=domain)
            case changes.ClearLeftovers(username=username):
                return await self._clearings((domain, username))
            case changes.EndSessions(username=username):
                return await self._end_sessions(domain, username)
            case changes.DestroyRoom():
                return await rooms.destroy(link, change, domain=domain)
            case changes.CreateRoom():
                return await rooms.create(link, change, domain=domain)
            case changes.ConfigureRoom():
                return await rooms.configure(link, change, domain=domain)
            case changes.SetAffiliations():
                return await self._affiliations((domain, change))
            case changes.RemoveSharedGroup():
                return await contacts.remove_group(link, change, domain=domain)
            case changes.SetSharedGroup():
                return await contacts.set_group(link, change, domain=domain)
            case changes.LeaveSharedGroups():
                return await self._leavings((domain, change))
            case changes.JoinSharedGroups(username=username, names=names):
                return await contacts.join(link, [(username, name) for name in names], domain=domain)
            case changes.AddToSharedGroup():
                return await contacts.add(link, change, domain=domain)
            case changes.RemoveFromSharedGroup():
                return await contacts.leave_group(link, change, domain=domain)
            case changes.SetProfile(username=username, profile=profile):
                return await profiles.set_profile(link, username, profile, domain=domain)
            case changes.SetPhoto():
                return await profiles.set_photo(link, change, domain=domain)
            case changes.OpenGate(username=username):
                return await contacts.give_key(link, GATE, username, domain=domain)
            case changes.SetBookmarks():
                return await self._bookmarks((domain, change))
            case changes.EraseAccount(username=username):
                return await erasing.erase(link, username, domain=domain)

    async def _end_sessions(self, domain: str, username: str) -> int:
        ended = await self._kicks((domain, username))
        if ended:
            await sessions.wait_gone(lambda: self._live((domain, username)))
        return ended

    async def key_holders(self, company: Company, key: str) -> frozenset[str]:
        """Return the usernames in one of the keys."""
        return await contacts.members(self._link, key, domain=company.domain)

    async def online(self, company: Company) -> frozenset[str]:
        """Return the usernames that have at least one session, sleeping ones included."""
        return await sessions.online(self._link, domain=company.domain)

    async def messages_sent(self, company: Company) -> int:
        """Return how many messages people of the company have sent since the server started."""
        return await self._link.api.sessions.messages_sent(host=company.domain)

    async def device_sessions(self, company: Company, username: str) -> Sequence[DeviceSession]:
        """Return the person's sessions with the marks of the devices."""
        return await sessions.devices(self._link, username, domain=company.domain)

    async def devices_seen(self, company: Company, *, taken: Sequence[str]) -> Sequence[DeviceSeen]:
        """Return which devices came or went; what is taken is forgotten."""
        return await sessions.devices_seen(self._link, domain=company.domain, taken=taken)

    async def room_names(self, company: Company) -> frozenset[str]:
        """Return the localparts of all rooms of the company's room service, awake and asleep."""
        return await rooms.names(self._link, domain=company.domain)

    async def shared_group_names(self, company: Company) -> frozenset[str]:
        """Return the names of the shared groups with our prefix."""
        return await contacts.names(self._link, domain=company.domain)

    async def check(self) -> None:
        """Raise Temporary if the stream is not there or the API does not answer."""
        if not self._link.connection.ready:
            raise StreamLost
        await self._link.api.status()


async def _observe_users(link: Link, looks: Sequence[UserLook], *, domain: str) -> Sequence[UserState]:
    async with together() as tasks:
        parts = [
            tasks.create_task(_observe_some(link, some, domain=domain)) for some in batches(looks, _LOOKS_PER_CALL)
        ]
    return [state for part in parts for state in part.result()]


async def _observe_some(link: Link, looks: Sequence[UserLook], *, domain: str) -> Sequence[UserState]:
    async with together() as tasks:
        live = tasks.create_task(sessions.observe(link, looks, domain=domain))
        grouped = list(dict.fromkeys(look.username for look in looks if look.shared_groups))
        shared = tasks.create_task(contacts.of_people(link, grouped, domain=domain))
        affiliations = tasks.create_task(rooms.observe_affiliations(link, looks, domain=domain))
        kept = tasks.create_task(_observe_kept(link, looks, domain=domain))
    parts = zip(looks, live.result(), affiliations.result(), kept.result(), strict=True)
    return [
        UserState(
            sessions=resources,
            shared_groups=shared.result().get(look.username, frozenset()) & look.shared_groups,
            affiliations=held,
            profile=rest.profile,
            photo=rest.photo,
            bookmarks=rest.bookmarks,
            leftovers=rest.leftovers,
        )
        for look, resources, held, rest in parts
    ]


async def _observe_kept(link: Link, looks: Sequence[UserLook], *, domain: str) -> Sequence[UserState]:
    service = link.addresses.rooms(domain)
    wanted = list(dict.fromkeys(look.username for look in looks if look.profile or look.bookmarks))
    left = list(dict.fromkeys(look.username for look in looks if look.leftovers))
    async with together() as tasks:
        found = tasks.create_task(belongings.of_people(link, wanted, domain=domain))
        remaining = tasks.create_task(leftovers.of_people(link, left, domain=domain))
    kept, remains = found.result(), remaining.result()
    return [_kept_state(look, kept.get(look.username), remains.get(look.username), service=service) for look in looks]


def _kept_state(look: UserLook, person: Belongings | None, remains: Leftovers | None, *, service: str) -> UserState:
    stored = bookmarks.parse_storage(person.bookmarks) if person else None
    return UserState(
        profile=profiles.read_profile(person) if person and look.profile else None,
        photo=person.photo if person and look.profile else None,
        bookmarks=bookmarks.read_bookmarks(stored, service=service) if stored is not None and look.bookmarks else None,
        leftovers=remains if look.leftovers else None,
    )
