"""What a handler answers, as a value, and its HTTP form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import web
from pydantic import BaseModel

JSON, JSON_LINES, PDF, CSV = "application/json", "application/jsonl", "application/pdf", "text/csv"
JPEG = "image/jpeg"
DOCUMENTS = frozenset({PDF, CSV, JPEG})


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file to keep or print. `name` is what it is called where it is saved."""

    content: bytes
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a handler answers: JSON, a document, or (`lines`) JSON lines.

    `secret_of` is the id of what was created when the body holds its secret, `about` the id of the user whose data the
    body holds. `kept`: what a repeated request is answered in the body's place, where the body is about many people.
    `held`: a loss of access that was asked for waits for a confirmation.
    """

    status: int = 200
    body: BaseModel | None = None
    document: Document | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_of: str | None = None
    about: str | None = None
    lines: Sequence[str] | None = None
    kept: BaseModel | None = None
    held: bool = False


def text_of(answer: Answer) -> str | None:
    """Return the body's JSON, or the JSON lines."""
    if answer.lines is not None:
        return "".join(f"{line}\n" for line in answer.lines)
    return None if answer.body is None else answer.body.model_dump_json()


def whole(answer: Answer, *, media_type: str) -> web.Response:
    """Return the HTTP response of an answer."""
    found = answer.document
    if found is None:
        return response(status=answer.status, text=text_of(answer), headers=answer.headers, media_type=media_type)
    place = "attachment" if media_type == CSV else "inline"
    headers = {"Content-Disposition": f'{place}; filename="{found.name}"', **answer.headers}
    return web.Response(status=answer.status, body=found.content, content_type=media_type, headers=headers)


def response(*, status: int, text: str | None, headers: Mapping[str, str], media_type: str = JSON) -> web.Response:
    """Return an HTTP response with a JSON body, or without one."""
    if text is None:
        return web.Response(status=status, headers=dict(headers))
    return web.Response(status=status, text=text, content_type=media_type, headers=dict(headers))
