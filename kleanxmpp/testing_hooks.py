"""The parts of `MemoryDirectory`'s transaction about signed messages and about what is to happen later."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from kleanxmpp import errors
from kleanxmpp.hook_ports import SigningSecret
from kleanxmpp.scheduled_ports import ScheduledChange, ScheduleState
from kleanxmpp.testing_tables import MemoryPart


class MemoryHooks(MemoryPart):
    """Secrets, and the messages that were taken."""

    async def signing_secrets(self, purpose: str, *, company_id: str | None = None) -> Sequence[SigningSecret]:
        found = (one for one in self._tables.signing_secrets.values() if one.purpose == purpose)
        mine = (one for one in found if company_id in {None, one.company_id})
        return sorted(mine, key=lambda one: (one.created_at, one.id))

    async def add_signing_secret(self, secret: SigningSecret) -> None:
        with self._changing() as tables:
            tables.needs_company(secret.company_id)
            if any(one.secret == secret.secret for one in tables.signing_secrets.values()):
                raise errors.Conflict(field="secret")
            tables.signing_secrets[secret.id] = secret

    async def delete_signing_secret(self, company_id: str, secret_id: str) -> bool:
        with self._changing() as tables:
            found = tables.signing_secrets.get(secret_id)
            if found is None or found.company_id != company_id:
                return False
            del tables.signing_secrets[secret_id]
            return True

    async def claim_message(self, company_id: str, purpose: str, message_id: str, *, at: datetime) -> bool:
        with self._changing() as tables:
            is_new = (key := (company_id, purpose, message_id)) not in tables.messages
            tables.messages.setdefault(key, at)
            return is_new

    async def forget_messages(self, company_id: str, purpose: str, *, before: datetime) -> None:
        with self._changing() as tables:
            tables.messages = {
                key: at for key, at in tables.messages.items() if key[:2] != (company_id, purpose) or at >= before
            }


class MemoryScheduled(MemoryPart):
    """What is planned."""

    async def add_scheduled(self, change: ScheduledChange) -> None:
        with self._changing() as tables:
            tables.needs_company(change.company_id)
            user = tables.users.get(change.user_id or "")
            if change.user_id is not None and (user is None or user.company_id != change.company_id):
                raise errors.NotFound
            tables.scheduled[change.id] = change
        self.marked = True

    async def save_scheduled(self, change: ScheduledChange) -> None:
        if await self.scheduled(change.company_id, change.id):
            with self._changing() as tables:
                tables.scheduled[change.id] = change
        self.marked = True

    async def scheduled(self, company_id: str, change_id: str) -> ScheduledChange | None:
        found = self._tables.scheduled.get(change_id)
        return found if found and found.company_id == company_id else None

    async def pending_of(
        self, company_id: str, *, user_id: str | None, external_id: str | None
    ) -> Sequence[ScheduledChange]:
        ids = {("user", user_id), ("external", external_id)}
        return [
            one
            for one in self._pending()
            if one.company_id == company_id
            and (
                (one.user_id is not None and ("user", one.user_id) in ids)
                or (one.external_id is not None and ("external", one.external_id) in ids)
            )
        ]

    async def page_scheduled(
        self,
        company_id: str,
        *,
        user_id: str | None,
        states: Collection[ScheduleState],
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> Sequence[ScheduledChange]:
        found = [
            one
            for one in self._tables.scheduled.values()
            if one.company_id == company_id and one.state in states and user_id in {None, one.user_id}
        ]
        found.sort(key=lambda one: (one.effective_at, one.id))
        return [one for one in found if after is None or (one.effective_at, one.id) > after][:limit]

    async def due_changes(self, *, now: datetime, limit: int) -> Sequence[ScheduledChange]:
        return [one for one in self._pending() if one.effective_at <= now][:limit]

    async def next_change_at(self, company_id: str | None = None) -> datetime | None:
        mine: Iterator[datetime] = (one.effective_at for one in self._pending() if company_id in {None, one.company_id})
        return next(mine, None)

    async def count_scheduled(self, company_id: str) -> Mapping[ScheduleState, int]:
        mine = [one.state for one in self._tables.scheduled.values() if one.company_id == company_id]
        return {state: mine.count(state) for state in ScheduleState if state in mine}

    def _pending(self) -> list[ScheduledChange]:
        found = (one for one in self._tables.scheduled.values() if one.state is ScheduleState.PENDING)
        return sorted(found, key=lambda one: (one.effective_at, one.created_at, one.id))
