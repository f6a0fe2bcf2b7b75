"""API tokens in JSON. A secret is in one answer, ever."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from kleanxmpp import tokens
from kleanxmpp.model import ApiToken

from .types import RequestBody, View


def _known(scope: str) -> str:
    if scope not in tokens.SCOPES:
        raise PydanticCustomError("scope", "There is no such scope.")
    return scope


Scope = Annotated[
    str, AfterValidator(_known), Field(examples=["users:read"], json_schema_extra={"enum": list(tokens.SCOPES)})
]


class NewTokenBody(RequestBody):
    """A token to give out."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["HR sync"])]
    """What it is for."""
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(tokens.SCOPES))]
    """What it is good for."""


class TokenView(View):
    """A token, without its secret."""

    id: str
    name: str
    scopes: list[str]
    created_at: datetime

    @classmethod
    def of(cls, token: ApiToken) -> Self:
        """Return how a token is shown."""
        return cls(id=token.id, name=token.name, scopes=sorted(token.scopes), created_at=token.created_at)


class TokenPage(View):
    """All tokens of the company."""

    items: list[TokenView]
    next_cursor: None = None


class IssuedTokenView(View):
    """A new token with its secret, which is shown only here."""

    id: str
    name: str
    scopes: list[str]
    token: str
    """What belongs after `Authorization: Bearer`. It is not kept and cannot be shown again."""
    created_at: datetime
