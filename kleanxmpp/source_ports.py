"""The directory's part about sources: when each door was last heard of, so that silence is noticed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from kleanxmpp.model import Door


class SourceRecords(Protocol):
    """When sources were last heard of; a part of `kleanxmpp.ports.Transaction`."""

    async def note_contact(self, company_id: str, door: Door, *, at: datetime) -> None:
        """Remember that the door's source was heard of. An earlier time than the known one changes nothing."""

    async def contacts(self, company_id: str) -> Mapping[Door, datetime]:
        """Return when each door's source was last heard of; a door nobody ever came by is missing."""
