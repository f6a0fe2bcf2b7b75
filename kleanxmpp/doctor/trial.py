"""What is tried with a synthetic user, who comes and goes by the ordinary use cases, and leaves nothing on the server.

The gate is opened and the session ended by the running service, as for everybody: a trial needs one. An interrupted
trial is cleaned up at once where that is possible, else by the next one. The audit log keeps what happened.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from kleanxmpp import credentials, desired, drafts, errors, offboardings, users
from kleanxmpp.doctor.facts import Addresses, Entry, NotChecked, Trial
from kleanxmpp.doctor.findings import Words, uncheckable
from kleanxmpp.doctor.ports import Checkup, Device
from kleanxmpp.model import Company, User
from kleanxmpp.ports import Directory, UserFilter

T = TypeVar("T")

PREFIX = drafts.SYNTHETIC_PREFIX
"""Of the username of every synthetic user, and of the rooms that one tries to make."""

_ACTOR, _REASON = "doctor", "checkup"
_NAME = "KleanXMPP Doctor"
_LEFTOVER_AFTER = timedelta(minutes=5)
"""A younger one may belong to a trial that runs right now, in another process."""
_OUTSIDE = "nobody@klean-doctor.invalid"
_NOT_REACHED = NotChecked(why=Words(de="So weit kam die Probe nicht.", en="The trial did not get that far."))
_NO_GROUP = NotChecked(
    why=Words(
        de="Es gibt noch keine Gruppe, deren Raum man versuchen könnte.", en="There is no group yet whose room to try."
    )
)
_DISABLED = NotChecked(
    why=Words(
        de="Das Unternehmen ist abgeschaltet: Niemand darf herein.", en="The company is disabled: nobody may get in."
    )
)
_GATE_TRIES = 3
_REOPENED = NotChecked(
    why=Words(
        de="Der Dienst öffnete das Tor immer wieder, während es geprüft wurde.",
        en="The service kept opening the gate while it was tried.",
    )
)
_NO_SERVICE = NotChecked(
    why=Words(
        de="Das Tor ging für die Testperson nicht auf. Läuft der Dienst (kleanxmpp serve)?",
        en="The gate did not open for the synthetic user. Is the service running (kleanxmpp serve)?",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for what, in seconds."""

    gate: float = 15.0
    step: float = 10.0
    end: float = 10.0
    removal: float = 15.0
    look_every: float = 0.05
    whole: float = 90.0


async def attempt(
    directory: Directory, checkup: Checkup, company: Company, addresses: Addresses, *, patience: Patience
) -> Trial | NotChecked:
    """Try everything with a new synthetic user, and remove that person whatever comes of it."""
    if not company.enabled:
        return _DISABLED
    await checkup.release()  # nobody is made for a server that is away
    await remove_leftovers(directory, checkup, company, now=datetime.now(UTC))
    new = drafts.NewUser(display_name=_NAME, username=PREFIX + secrets.token_hex(4), synthetic=True)
    user = await users.add_user(directory, company, new, actor=_ACTOR, now=datetime.now(UTC))
    try:
        found = await _Attempt(
            directory=directory, checkup=checkup, company=company, addresses=addresses, user=user, patience=patience
        ).run()
    finally:
        await _erase(directory, company, user)
    if isinstance(found, NotChecked):
        return found

    async def gone() -> bool:
        async with directory.read() as tx:
            return await tx.user(company.id, user.id) is None

    return replace(found, removed=await _becomes(gone, within=patience.removal, every=patience.look_every))


async def remove_leftovers(directory: Directory, checkup: Checkup, company: Company, *, now: datetime) -> int:
    """Remove what interrupted trials left behind; return how many people that were."""
    async with directory.read() as tx:
        found = await tx.page_users(company.id, after=None, limit=100, matching=UserFilter(text=PREFIX))
    old = [u for u in found if u.username.startswith(PREFIX) and now - u.created_at >= _LEFTOVER_AFTER]
    for user in old:
        if not user.erasing:
            await _erase(directory, company, user)
    if old:
        await checkup.remove_rooms(company, prefix=PREFIX)
    return len(old)


async def _erase(directory: Directory, company: Company, user: User) -> None:
    await users.erase(directory, company, user.id, actor=_ACTOR, reason=_REASON, now=datetime.now(UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    directory: Directory
    checkup: Checkup
    company: Company
    addresses: Addresses
    user: User
    patience: Patience

    async def run(self) -> Trial | NotChecked:
        _, credential = await credentials.issue(
            self.directory, self.company, self.user.id, label=_NAME, actor=_ACTOR, now=datetime.now(UTC)
        )

        async def gate_open() -> bool:
            if not await self.checkup.in_gate(self.company, self.user.username):
                return False
            # The service looks again after it has opened the gate, and would open it anew if it were closed by then.
            async with self.directory.read() as tx:
                return await tx.due(offboardings.scope_of(self.user)) is None

        if not await _becomes(gate_open, within=self.patience.gate, every=self.patience.look_every):
            return _NO_SERVICE
        async with self._log_in(credential) as device:
            nothing = _nothing_but_login(device)
            return await self._inside(device, nothing, credential) if device.entry.inside else nothing

    async def _inside(self, device: Device, found: Trial, credential: str) -> Trial:
        rooms, name = self.addresses.rooms, self.user.username
        found = replace(
            found,
            room_creation=await self._seen(device.create_room(f"{name}@{rooms}")),
            foreign_room=await self._foreign_room(device),
            listed_rooms=await self._seen(device.listed_rooms(rooms)),
            outside=await self._seen(device.write_outside(_OUTSIDE)),
        )
        return replace(
            found,
            without_gate=await self._seen(self._without_gate(credential)),
            ended_after=await self._seen(self._deactivated(device), longer=self.patience.end),
            comeback=await self._seen(self._another_login(credential)),
        )

    async def _without_gate(self, credential: str) -> Entry | NotChecked:
        for _ in range(_GATE_TRIES):
            await self.checkup.close_gate(self.company, self.user.username)
            entry = await self._another_login(credential)
            if not (entry.inside and await self.checkup.in_gate(self.company, self.user.username)):
                return entry
        return _REOPENED

    async def _another_login(self, credential: str) -> Entry:
        async with self._log_in(credential) as device:
            return device.entry

    async def _foreign_room(self, device: Device) -> bool | NotChecked:
        async with self.directory.read() as tx:
            groups = await tx.page_groups(self.company.id, after=None, limit=1, archived=False)
        if not groups:
            return _NO_GROUP
        room = desired.room_jid(groups[0], rooms_domain=self.addresses.rooms)
        return await self._seen(device.enter_room(room))

    async def _deactivated(self, device: Device) -> float | None:
        clock = asyncio.get_running_loop().time
        began = clock()
        await users.deactivate(
            self.directory, self.company, self.user.id, actor=_ACTOR, reason=_REASON, now=datetime.now(UTC)
        )
        return clock() - began if await device.ended(timeout=self.patience.end) else None

    def _log_in(self, credential: str) -> AbstractAsyncContextManager[Device]:
        return self.checkup.log_in(self.company, self.user.username, credential)

    async def _seen(self, step: Awaitable[T], *, longer: float = 0.0) -> T | NotChecked:
        try:
            async with asyncio.timeout(self.patience.step + longer):
                return await step
        except TimeoutError:
            return NotChecked(why=Words(de="Der Server antwortete nicht.", en="The server did not answer."))
        except errors.ServerError as error:
            return NotChecked(why=uncheckable(error))


def _nothing_but_login(device: Device) -> Trial:
    return Trial(
        login=device.entry,
        room_creation=_NOT_REACHED,
        foreign_room=_NOT_REACHED,
        listed_rooms=_NOT_REACHED,
        outside=_NOT_REACHED,
        without_gate=_NOT_REACHED,
        ended_after=_NOT_REACHED,
        comeback=_NOT_REACHED,
        removed=_NOT_REACHED,
    )


async def _becomes(holds: Callable[[], Awaitable[bool]], *, within: float, every: float) -> bool:
    """Wait until it holds; return False if it does not in time (seconds)."""
    try:
        async with asyncio.timeout(within):
            while True:
                if await holds():
                    return True
                await asyncio.sleep(every)
    except TimeoutError:
        return False
