"""The company in JSON."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field

from kleanxmpp import sources
from kleanxmpp.companies import CompanyPatch
from kleanxmpp.model import Company, ContactVisibility, Door
from kleanxmpp.source_ports import Source

from .types import PatchBody, View
from .users import Locale, Reason

SourceDoor = Literal["import", "scim", "hr", "bulk"]
Every = Annotated[int, Field(ge=60, le=366 * 86_400)] | Annotated[str, Field(pattern=sources.PATTERN, max_length=30)]
MediaType = Annotated[str, Field(min_length=3, max_length=200, examples=["image/jpeg"])]


class CompanyPatchBody(PatchBody):
    """What shall be different; what is left out stays."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = ""
    locale: Locale = ""
    contact_visibility: ContactVisibility = ContactVisibility.GROUPS
    """Whom people find in their contact list: the circles they share, or the whole company."""
    contacts_max: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Circles with more members give a room only, no contacts."""
    timezone: Annotated[str, Field(min_length=1, max_length=64, examples=["Europe/Berlin"])] = ""
    """Where a day begins: a name of the IANA database."""
    upload_max_bytes: Annotated[int, Field(ge=0, le=4 * 1024**3)] = 0
    """How large a file may be that somebody sends; 0: nobody sends files."""
    upload_daily_bytes: Annotated[int, Field(ge=0, le=1024**4)] = 0
    """How much each person may send in a day."""
    upload_types: Annotated[list[MediaType], Field(max_length=200, default_factory=list)]
    """Which media types are taken, each by its exact name."""
    file_retention_days: Annotated[int, Field(ge=1, le=3650)] = 1
    """How many days after its upload a file is removed. Holds for files that are uploaded from now on."""
    sources_expected: dict[SourceDoor, Every | None] = Field(default_factory=dict)
    """How often each source is to be heard of, in seconds or as a duration; null: not expected any more. One that is
    late is told in the status, the metrics and `/readyz`. What is not named stays as it is."""
    enabled: bool = True
    """Only for the operator. Switching it off off-boards everybody."""
    reason: Reason | None = None
    """Why; kept in the audit log."""

    def patch(self) -> CompanyPatch:
        """Return the core's value. Raises Invalid for what is no length of time."""
        plain = {name: getattr(self, name) for name in self.model_fields_set - {"reason", "sources_expected"}}
        expected = {
            Door(door): None if said is None else sources.interval(said) for door, said in self.sources_expected.items()
        }
        return CompanyPatch(**plain, sources_expected=expected or None)


class CompanyView(View):
    """A company: one chat domain."""

    id: str
    domain: str
    name: str
    enabled: bool
    locale: str
    contact_visibility: ContactVisibility
    contacts_max: int
    timezone: str
    upload_max_bytes: int
    upload_daily_bytes: int
    upload_types: list[str]
    file_retention_days: int
    sources_expected: dict[Door, int]
    """Every how many seconds each source is to be heard of."""

    @classmethod
    def of(cls, company: Company, *, known: Sequence[Source]) -> Self:
        """Return how a company with these sources is shown."""
        return cls(
            id=company.id,
            domain=company.domain,
            name=company.name,
            enabled=company.enabled,
            locale=company.locale,
            contact_visibility=company.contact_visibility,
            contacts_max=company.contacts_max,
            timezone=company.timezone,
            upload_max_bytes=company.upload_max_bytes,
            upload_daily_bytes=company.upload_daily_bytes,
            upload_types=list(company.upload_types),
            file_retention_days=company.file_retention_days,
            sources_expected={
                one.door: int(one.expected.every.total_seconds()) for one in known if one.expected is not None
            },
        )
