"""An off-boarding as it happens and as it ended: item by item, in the words of the printed evidence."""

from aiohttp import web

from kleanxmpp import errors
from kleanxmpp.documents.evidence import in_words
from kleanxmpp.documents.facts import evidence_facts
from kleanxmpp.documents.pdf import evidence_pdf
from kleanxmpp.model import Offboarding

from ...answers import Answer, Document, whole
from ..visits import Visit


async def show_offboarding(visit: Visit) -> web.StreamResponse:
    """Show an off-boarding. A script that asks again and again gets the part that changes."""
    found = await _found(visit)
    facts = await evidence_facts(visit.directory, visit.company, found)
    response = visit.page(
        "people/evidence_part.html" if visit.by_script else "people/evidence.html",
        offboarding=found,
        person=facts.person,
        over=found.completed_at is not None or found.cancelled_at is not None,
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
    known = visit.request.match_info
    found = await visit.services.together.offboarding((visit.company.id, known["offboarding_id"]))
    if found is None or found.user_id != known["user_id"]:
        raise errors.NotFound
    return found
