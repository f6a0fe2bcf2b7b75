"""Who calls, in which company, and whether they may. A token's secret is looked up by its hash, never compared here."""

import re
from collections.abc import Mapping

from kleanxmpp import errors, ids, jid, tokens
from kleanxmpp.model import ApiToken, Company

from . import problem_kinds as kinds
from .gathered import CompanyName
from .problems import Problem
from .services import Services

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]{1,200}=*)", re.IGNORECASE)
_CHALLENGE = 'Bearer realm="kleanxmpp"'


async def token_of(services: Services, headers: Mapping[str, str], *, address: str | None = None) -> ApiToken:
    """Return the token that the request carries. Raises Problem (401, or 429 for whoever asks too fast).

    `address`: where the request comes from; wrong tokens are counted by it.
    """
    given = _BEARER.fullmatch(headers.get("Authorization", "").strip())
    if given is None:
        raise Problem(kind=kinds.UNAUTHORIZED, headers={"WWW-Authenticate": _CHALLENGE})
    secret = given.group(1)
    secret_sha256 = ids.sha256_hex(secret)
    services.rates.admit(secret_sha256, address=address)
    token = await services.together.token(secret)
    if token is None:
        services.rates.was_wrong(secret_sha256, address=address)
        challenge = f'{_CHALLENGE}, error="invalid_token"'
        raise Problem(kind=kinds.UNAUTHORIZED, headers={"WWW-Authenticate": challenge})
    services.rates.was_right(secret_sha256, token_id=token.id)
    return token


async def company_of(services: Services, token: ApiToken, headers: Mapping[str, str]) -> Company:
    """Return the company that the request is about: the token's, or the one that the operator names."""
    named = headers.get("X-Company")
    if token.company_id is None and named is None:
        raise Problem(kind=kinds.COMPANY_NEEDED)
    domain = None if named is None else _domain(named)
    asked = CompanyName(id=token.company_id) if token.company_id is not None else CompanyName(domain=domain)
    company = await services.together.company(asked)
    if company is None:
        raise Problem(kind=kinds.UNKNOWN_COMPANY)
    if named is not None and company.domain != domain:
        raise Problem(kind=kinds.OTHER_COMPANY)
    return company


def require(token: ApiToken, scope: str) -> None:
    """Raise Problem (403) if the token lacks the scope. `admin` implies all."""
    if not {scope, tokens.ADMIN} & token.scopes:
        challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="{scope}"'
        detail = f"The token lacks the scope {scope}."
        raise Problem(kind=kinds.MISSING_SCOPE, detail=detail, headers={"WWW-Authenticate": challenge})


def require_all(token: ApiToken, scopes: list[str]) -> None:
    """Raise Problem (403) if the token would hand out scopes that it lacks."""
    lacking = sorted(set(scopes) - token.scopes)
    if lacking and tokens.ADMIN not in token.scopes:
        detail = f"The token cannot hand out scopes that it lacks: {', '.join(lacking)}."
        raise Problem(kind=kinds.MISSING_SCOPE, detail=detail)


def _domain(text: str) -> str | None:
    try:
        return jid.normalise_domain(text.strip())
    except errors.Invalid:
        return None  # no company can have such a domain
