"""One-time links in JSON. A link's address is in one answer, ever."""

from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import Field

from kleanxmpp.one_time_links import JOIN_LASTS, JOIN_USES, LONGEST, MOST_USES
from kleanxmpp.website_ports import LinkPurpose, OneTimeLink

from .types import RequestBody, View

_HOUR = timedelta(hours=1)


class NewLinkBody(RequestBody):
    """A link with which somebody sets up devices."""

    lasts_hours: Annotated[int, Field(ge=1, le=LONGEST // _HOUR)] = JOIN_LASTS // _HOUR
    """How long it is good."""
    uses: Annotated[int, Field(ge=1, le=MOST_USES)] = JOIN_USES
    """How many devices it sets up. The chat in a browser counts as one."""


class LinkView(View):
    """A link that a person was handed."""

    id: str
    purpose: LinkPurpose
    """`join`: to set up devices. `sign_in`: to the dashboard. `chat`: to the chat in the browser."""
    uses_left: int
    holds: bool
    """Whether it lets somebody in: it has uses left, and has not ended."""
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, link: OneTimeLink, *, now: datetime) -> Self:
        """Return how a link is shown."""
        return cls(
            id=link.id,
            purpose=link.purpose,
            uses_left=link.uses_left,
            holds=link.holds(now),
            created_at=link.created_at,
            expires_at=link.expires_at,
        )


class LinkPage(View):
    """All links of a person, used ones too, until they are tidied away."""

    items: list[LinkView]
    next_cursor: None = None


class MadeLinkView(View):
    """A new link. Its address is shown only here."""

    id: str
    url: Annotated[str, Field(examples=["https://chat.example.org/join/7k3m-9qxt-…"])]
    """What the person opens. It is not kept and cannot be shown again."""
    qr_svg: Annotated[str, Field(examples=["<svg …></svg>"])]
    """The same as a picture to print or to scan, an SVG document."""
    uses_left: int
    expires_at: datetime


class ChatSessionView(View):
    """Where a person chats in the browser. The address is shown only here."""

    id: str
    url: str
    """Good for two minutes and one use."""
    expires_at: datetime
    """When it is over if nobody opened it; whoever did chats on."""
