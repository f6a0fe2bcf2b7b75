"""What a handler answers, as a value, and its HTTP form."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web
from pydantic import BaseModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a handler answers. `secret_of` is the id of what was created when the body holds its secret.

    `about` is the id of the user whose data the body holds.
    """

    status: int = 200
    body: BaseModel | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_of: str | None = None
    about: str | None = None


def text_of(answer: Answer) -> str | None:
    """Return the body's JSON."""
    return None if answer.body is None else answer.body.model_dump_json()


def response(*, status: int, text: str | None, headers: Mapping[str, str]) -> web.Response:
    """Return an HTTP response with a JSON body, or without one."""
    if text is None:
        return web.Response(status=status, headers=dict(headers))
    return web.Response(status=status, text=text, content_type="application/json", headers=dict(headers))
