"""The company over HTTP."""

from kleanxmpp import companies
from kleanxmpp.model import Company

from .. import problem_kinds as kinds
from ..answers import Answer
from ..problems import Problem
from ..schemas.company import CompanyPatchBody, CompanyView
from ..services import Call


async def get_company(call: Call) -> Answer:
    """Show the company.

    The one that the token belongs to, or that the operator names in X-Company.
    """
    return await _shown(call, call.company)


async def change_company(call: Call, *, body: CompanyPatchBody) -> Answer:
    """Change what holds for everybody in the company.

    What is left out stays as it is. `enabled` is the operator's alone: switching it off off-boards everybody.
    """
    if "enabled" in body.model_fields_set and not call.by_operator:
        raise Problem(kind=kinds.OTHER_COMPANY, detail="enabled can be changed by the operator only.")
    company = await companies.update_company(
        call.directory, call.company, body.patch(), actor=call.actor, reason=body.reason, now=call.now
    )
    return await _shown(call, company)


async def _shown(call: Call, company: Company) -> Answer:
    async with call.directory.read() as tx:
        known = await tx.sources(company.id)
    return Answer(body=CompanyView.of(company, known=known))
