"""The company in JSON."""

from typing import Annotated, Self

from pydantic import Field

from kleanxmpp.companies import CompanyPatch
from kleanxmpp.model import Company, ContactVisibility

from .types import PatchBody, View
from .users import Locale, Reason

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
    enabled: bool = True
    """Only for the operator. Switching it off off-boards everybody."""
    reason: Reason | None = None
    """Why; kept in the audit log."""

    def patch(self) -> CompanyPatch:
        """Return the core's value."""
        return CompanyPatch(**{name: getattr(self, name) for name in self.model_fields_set - {"reason"}})


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

    @classmethod
    def of(cls, company: Company) -> Self:
        """Return how a company is shown."""
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
        )
