"""A file that comes with a request: as the whole body, or as the part `file` of a form, beside a part `mapping`.

A picture is always the whole body.
"""

import asyncio
from dataclasses import dataclass

from aiohttp import BodyPartReader, hdrs, web
from aiohttp.http_exceptions import BadHttpMessage

from . import problem_kinds as kinds
from .problems import Problem, invalid
from .services import SERVICES

FORM = "multipart/form-data"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WHOLE = ("text/csv", XLSX)
"""What a body can be. What it really is, its content says."""
_ALSO = frozenset({*WHOLE, "application/csv", "application/vnd.ms-excel", "application/octet-stream"})
PICTURES = ("image/jpeg", "image/png", "image/webp")
_PARTS = ("file", "mapping")
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What was sent. `mapping` None: none was."""

    file: bytes
    mapping: bytes | None = None


async def read(request: web.Request) -> Upload:
    """Return the upload, within the size and the time of any request. Raises Problem."""
    if request.content_type not in _ALSO and request.content_type != FORM:
        raise Problem(kind=kinds.NOT_A_SPREADSHEET)
    try:
        async with asyncio.timeout(request.app[SERVICES].settings.body_seconds):
            return await _form(request) if request.content_type == FORM else Upload(file=await request.read())
    except TimeoutError as error:
        raise Problem(kind=kinds.TIMEOUT, headers={"Connection": "close"}) from error


async def read_picture(request: web.Request, *, most: int) -> bytes:
    """Return the body, of at most so many bytes, within the time of any request. Raises Problem."""
    if request.content_type not in PICTURES:
        raise Problem(kind=kinds.NOT_A_PICTURE)
    if (request.content_length or 0) > most:
        raise Problem(kind=kinds.TOO_LARGE, headers={"Connection": "close"})
    try:
        async with asyncio.timeout(request.app[SERVICES].settings.body_seconds):
            return await request.clone(client_max_size=most).read()
    except TimeoutError as error:
        raise Problem(kind=kinds.TIMEOUT, headers={"Connection": "close"}) from error


async def _form(request: web.Request) -> Upload:
    parts: dict[str, bytes] = {}
    left = request.app[SERVICES].settings.max_body_bytes
    try:
        form = await request.multipart()
        while (part := await form.next()) is not None:
            if not isinstance(part, BodyPartReader):
                raise Problem(kind=kinds.MALFORMED_FORM)
            name = part.name or ""
            if name not in _PARTS or name in parts:
                raise invalid(name[:100] or "body", "A form has one part `file`, and may have one part `mapping`.")
            if hdrs.CONTENT_ENCODING in part.headers or hdrs.CONTENT_TRANSFER_ENCODING in part.headers:
                raise invalid(name, "A file is uploaded as it is.")
            parts[name] = await _content(part, most=left)
            left -= len(parts[name])
    except (ValueError, AssertionError, BadHttpMessage) as error:
        raise Problem(kind=kinds.MALFORMED_FORM) from error
    if "file" not in parts:
        raise invalid("file", "This part is missing.")
    return Upload(file=parts["file"], mapping=parts.get("mapping"))


async def _content(part: BodyPartReader, *, most: int) -> bytes:
    content = bytearray()
    while chunk := await part.read_chunk(_CHUNK):
        content += chunk
        if len(content) > most:
            raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=len(content))
    return bytes(content)
