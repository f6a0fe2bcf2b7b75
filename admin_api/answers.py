"""What a handler answers, as a value, and its HTTP form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import web
from pydantic import BaseModel

JSON, JSON_LINES = "application/json", "application/jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a handler answers. `secret_of` is the id of what was created when the body holds its secret.

    `about` is the id of the user whose data the body holds. `lines`: JSON lines instead of a body.
    """

    status: int = 200
    body: BaseModel | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_of: str | None = None
    about: str | None = None
    lines: Sequence[str] | None = None


def text_of(answer: Answer) -> str | None:
    """Return the body's JSON, or the JSON lines."""
    if answer.lines is not None:
        return "".join(f"{line}\n" for line in answer.lines)
    return None if answer.body is None else answer.body.model_dump_json()


def response(*, status: int, text: str | None, headers: Mapping[str, str], media_type: str = JSON) -> web.Response:
    """Return an HTTP response with a JSON body, or without one."""
    if text is None:
        return web.Response(status=status, headers=dict(headers))
    return web.Response(status=status, text=text, content_type=media_type, headers=dict(headers))
