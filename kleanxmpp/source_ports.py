"""The directory's part about sources: when each door was last heard of, and how often it is expected to be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from kleanxmpp.model import Door


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """A door is to be heard of at least once `every` so long; said at `since`."""

    every: timedelta
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A company's door that was heard of (`last_contact`), or is expected to be."""

    company_id: str
    door: Door
    last_contact: datetime | None = None
    expected: Expectation | None = None


class SourceRecords(Protocol):
    """When sources were last heard of; a part of `kleanxmpp.ports.Transaction`."""

    async def note_contact(self, company_id: str, door: Door, *, at: datetime) -> None:
        """Remember that the door's source was heard of. An earlier time than the known one changes nothing."""

    async def contacts(self, company_id: str) -> Mapping[Door, datetime]:
        """Return when each door's source was last heard of; a door nobody ever came by is missing."""

    async def expect(self, company_id: str, door: Door, expectation: Expectation | None) -> None:
        """Expect the door's source from now on, in the place of what was expected, or (None) not any more."""

    async def sources(self, company_id: str | None) -> Sequence[Source]:
        """Return every door that was heard of or is expected, in the order of (company id, door).

        Of one company, or (None) of all of them.
        """
