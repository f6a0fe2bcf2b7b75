"""API tokens over HTTP. Those of the operator are made at the shell, never here."""

from kleanxmpp import tokens

from .. import auth
from ..answers import Answer
from ..schemas.tokens import IssuedTokenView, NewTokenBody, TokenPage, TokenView
from ..schemas.types import Id
from ..services import Call


async def list_tokens(call: Call) -> Answer:
    """List the company's API tokens.

    Without their secrets, which are not kept.
    """
    async with call.directory.read() as tx:
        found = await tx.tokens(call.company.id)
    return Answer(body=TokenPage(items=[TokenView.of(token) for token in found]))


async def issue_token(call: Call, *, body: NewTokenBody) -> Answer:
    """Give out an API token for this company.

    Answers its secret, only this once. A token cannot hand out scopes that it lacks itself.
    """
    auth.require_all(call.token, body.scopes)
    token, secret = await tokens.issue(
        call.directory,
        company_id=call.company.id,
        name=body.name,
        scopes=body.scopes,
        actor=call.actor,
        now=call.now,
    )
    issued = IssuedTokenView(
        id=token.id, name=token.name, scopes=sorted(token.scopes), token=secret, created_at=token.created_at
    )
    return Answer(status=201, body=issued, secret_of=token.id)


async def revoke_token(call: Call, *, token_id: Id) -> Answer:
    """Revoke an API token.

    The next request with it is refused. A token may revoke itself.
    """
    await tokens.revoke(call.directory, company_id=call.company.id, token_id=token_id, actor=call.actor, now=call.now)
    return Answer(status=204)
