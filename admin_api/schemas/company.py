"""The company in JSON."""

from typing import Annotated, Self

from pydantic import Field

from kleanxmpp.companies import CompanyPatch
from kleanxmpp.model import Company, ContactVisibility

from .types import PatchBody, View
from .users import Locale, Reason


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
        )
