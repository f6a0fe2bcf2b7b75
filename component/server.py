"""`EjabberdServer`: the core's `Server` port on a real ejabberd. Hands everything to the part whose concern it is.

Looking at one person costs one call for sessions, one for shared groups, one for names and bookmarks, and one
for all rooms, whatever their number and the size of the company.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ejabberd.records import Belongings
from kleanxmpp import changes, errors
from kleanxmpp.changes import Change
from kleanxmpp.desired import GATE, READ_ONLY, CircleLook, UserLook
from kleanxmpp.gathering import Gathered
from kleanxmpp.model import Company
from kleanxmpp.state import CircleState, Leftovers, UserState

from . import bookmarks, contacts, erasing, leftovers, profiles, rooms, sessions
from .errors import StreamLost
from .link import Link
from .together import together


class EjabberdServer:
    """One server with all its companies."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._kept = Gathered(self._kept_of)
        self._closed = Gathered(self._close_gates)

    async def observe_user(self, company: Company, look: UserLook) -> UserState:
        """Return what was asked for in `look`; sessions, profile and bookmarks stay None if they were not."""
        link, domain, username = self._link, company.domain, look.username
        async with together() as tasks:
            live = tasks.create_task(sessions.observe(link, look, domain=domain))
            shared = tasks.create_task(contacts.of_user(link, username, domain=domain, among=look.shared_groups))
            jid = f"{username}@{domain}"
            affiliations = tasks.create_task(rooms.observe_affiliations(link, look.rooms, domain=domain, jid=jid))
            kept = tasks.create_task(self._kept((company, look)))
        return UserState(
            sessions=live.result(),
            shared_groups=shared.result(),
            affiliations=affiliations.result(),
            profile=kept.result().profile,
            bookmarks=kept.result().bookmarks,
            leftovers=kept.result().leftovers,
        )

    async def _close_gates(self, people: Sequence[tuple[str, str]]) -> Sequence[int]:
        """Let several people (domain, username) in no more who are to be closed out at the same moment."""
        by_domain: dict[str, list[str]] = defaultdict(list)
        for domain, username in people:
            by_domain[domain].append(username)
        for domain, usernames in by_domain.items():
            await self._link.api.groups.leave(usernames, host=domain, groups=[GATE])
        return [1] * len(people)

    async def _kept_of(self, asked: Sequence[tuple[Company, UserLook]]) -> Sequence[UserState]:
        """Answer several who look at one person each at the same moment."""
        companies = {company.domain: company for company, _ in asked}
        found: dict[tuple[str, UserLook], UserState] = {}
        for domain, company in companies.items():
            looks = [look for theirs, look in asked if theirs.domain == domain]
            states = await self.observe_people(company, looks)
            found.update(((domain, look), state) for look, state in zip(looks, states, strict=True))
        return [found[company.domain, look] for company, look in asked]

    async def observe_people(self, company: Company, looks: Sequence[UserLook]) -> Sequence[UserState]:
        """Return names, bookmarks and leftovers of many people, where asked for; at most one call for each kind."""
        service = self._link.addresses.rooms(company.domain)
        wanted = [look.username for look in looks if look.profile or look.bookmarks]
        left = [look.username for look in looks if look.leftovers]
        async with together() as tasks:
            found = tasks.create_task(self._belongings(wanted, host=company.domain))
            remaining = tasks.create_task(leftovers.of_people(self._link, left, domain=company.domain))
        kept, remains = found.result(), remaining.result()
        return [
            _kept_state(look, kept.get(look.username), remains.get(look.username), service=service) for look in looks
        ]

    async def _belongings(self, usernames: Sequence[str], *, host: str) -> Mapping[str, Belongings]:
        if not usernames:
            return {}
        kept = {person.username: person for person in await self._link.api.accounts.belongings(usernames, host=host)}
        if kept.keys() != set(usernames):
            raise errors.Temporary("The server answered about other people than those asked for.")
        return kept

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
                return await self._closed((domain, username))
            case changes.MakeReadOnly(username=username):
                return await contacts.give_key(link, READ_ONLY, username, domain=domain)
            case changes.LetWrite(username=username):
                return await contacts.take_key(link, READ_ONLY, username, domain=domain)
            case changes.ClearLeftovers(username=username):
                return await leftovers.clear(link, username, domain=domain)
            case changes.EndSessions(username=username):
                return await sessions.end(link, username, domain=domain)
            case changes.DestroyRoom():
                return await rooms.destroy(link, change, domain=domain)
            case changes.CreateRoom():
                return await rooms.create(link, change, domain=domain)
            case changes.ConfigureRoom():
                return await rooms.configure(link, change, domain=domain)
            case changes.SetAffiliations():
                return await rooms.set_affiliations(link, change, domain=domain)
            case changes.RemoveSharedGroup():
                return await contacts.remove_group(link, change, domain=domain)
            case changes.SetSharedGroup():
                return await contacts.set_group(link, change, domain=domain)
            case changes.LeaveSharedGroups(username=username, names=names):
                return await contacts.leave(link, names, domain=domain, usernames={username})
            case changes.JoinSharedGroups(username=username, names=names):
                return await contacts.join(link, names, domain=domain, usernames={username})
            case changes.AddToSharedGroup():
                return await contacts.add(link, change, domain=domain)
            case changes.RemoveFromSharedGroup(name=name, usernames=usernames):
                return await contacts.leave(link, {name}, domain=domain, usernames=usernames)
            case changes.SetProfile(username=username, profile=profile):
                return await profiles.set_profile(link, username, profile, domain=domain)
            case changes.OpenGate(username=username):
                return await contacts.give_key(link, GATE, username, domain=domain)
            case changes.SetBookmarks(username=username, bookmarks=desired):
                return await bookmarks.set_bookmarks(link, username, desired, domain=domain)
            case changes.EraseAccount(username=username):
                return await erasing.erase(link, username, domain=domain)

    async def key_holders(self, company: Company, key: str) -> frozenset[str]:
        """Return the usernames in one of the keys."""
        return await contacts.members(self._link, key, domain=company.domain)

    async def online(self, company: Company) -> frozenset[str]:
        """Return the usernames that have at least one session, sleeping ones included."""
        return await sessions.online(self._link, domain=company.domain)

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


def _kept_state(look: UserLook, person: Belongings | None, remains: Leftovers | None, *, service: str) -> UserState:
    stored = bookmarks.parse_storage(person.bookmarks) if person else None
    return UserState(
        profile=profiles.read_profile(person) if person and look.profile else None,
        bookmarks=bookmarks.read_bookmarks(stored, service=service) if stored is not None and look.bookmarks else None,
        leftovers=remains if look.leftovers else None,
    )
