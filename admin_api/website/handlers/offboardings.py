"""An off-boarding as it happens and as it ended: item by item, in the words of the printed evidence."""

from datetime import timedelta

from aiohttp import web

from kleanxmpp import errors
from kleanxmpp.documents.evidence import in_words
from kleanxmpp.documents.facts import evidence_facts
from kleanxmpp.documents.pdf import evidence_pdf
from kleanxmpp.model import Offboarding

from ...answers import Answer, Document, whole
from ..visits import Visit

_AT_ONCE = timedelta(seconds=30)
"""What takes longer waits for something, such as a server that is away, and is asked for less often."""


async def show_offboarding(visit: Visit) -> web.StreamResponse:
    """Show an off-boarding. A script that asks again and again gets the part that changes."""
    found = await _found(visit)
    facts = await evidence_facts(visit.directory, visit.company, found)
    response = visit.page(
        "people/evidence_part.html" if visit.by_script else "people/evidence.html",
        offboarding=found,
        person=facts.person,
        over=found.completed_at is not None or found.cancelled_at is not None,
        pace="300ms" if visit.now - found.requested_at < _AT_ONCE else "3s",
        said=in_words(facts, locale=visit.language),
    )
    response.headers["Vary"] = "HX-Request"
    return response


async def print_offboarding(visit: Visit) -> web.StreamResponse:
    """Print an off-boarding and its evidence, in the language of whoever prints it."""
    found = await _found(visit)
    facts = await evidence_facts(visit.directory, visit.company, found)
    content = await evidence_pdf(facts, locale=visit.language, now=visit.now)
    document = Document(content=content, name=f"offboarding-{found.id}.pdf")
    headers = {"Content-Language": visit.language, "Cache-Control": "no-store"}
    return whole(Answer(document=document, headers=headers), media_type="application/pdf")


async def _found(visit: Visit) -> Offboarding:
    found = await visit.services.together.offboarding((visit.company.id, visit.id("offboarding_id")))
    if found is None or found.user_id != visit.id("user_id"):
        raise errors.NotFound
    return found
