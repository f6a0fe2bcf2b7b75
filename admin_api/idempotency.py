"""Idempotency-Key: a POST that is repeated is answered again, not carried out again.

Only good answers are kept: a refusal changed nothing, so repeating it is safe and may go well by now. Answers are
kept for a day, without secrets. Two processes that get the same new key in the same instant both carry it out;
within one process the second is told to wait.
"""

import logging
import re
from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import BaseModel

from kleanxmpp import errors
from kleanxmpp.ports import RememberedAnswer

from . import answers
from . import problem_kinds as kinds
from .answers import Answer
from .problems import Problem, invalid
from .services import Call

log = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


class _Kept(BaseModel):
    """What is kept of an answer: all of it, or only what its secret belonged to."""

    text: str | None = None
    headers: dict[str, str] = {}
    secret_of: str | None = None


async def once(call: Call, *, key: str, fingerprint: str, run: Callable[[], Awaitable[Answer]]) -> web.Response:
    """Carry out the request, or answer as before. Raises Problem for a key in use, misused, or with a spent secret."""
    if not _KEY.fullmatch(key):
        raise invalid(HEADER, "A key has 1 to 200 visible ASCII characters, without spaces.")
    mine = (call.token.id, key)
    if mine in call.services.in_progress:
        raise Problem(kind=kinds.IN_PROGRESS, headers={"Retry-After": "1"})
    call.services.in_progress.add(mine)
    try:
        async with call.directory.read() as tx:
            known = await tx.remembered(token_id=call.token.id, key=key)
        if known is not None:
            return _again(known, fingerprint)
        answer = await run()
        await _keep(call, key, fingerprint, answer)
    finally:
        call.services.in_progress.discard(mine)
    return answers.response(status=answer.status, text=answers.text_of(answer), headers=answer.headers)


def _again(known: RememberedAnswer, fingerprint: str) -> web.Response:
    if known.fingerprint != fingerprint:
        raise Problem(kind=kinds.KEY_REUSED)
    kept = _Kept.model_validate_json(known.body)
    if kept.secret_of is not None:
        raise Problem(kind=kinds.SECRET_SHOWN, id=kept.secret_of)
    return answers.response(status=known.status, text=kept.text, headers=kept.headers)


async def _keep(call: Call, key: str, fingerprint: str, answer: Answer) -> None:
    if answer.secret_of is None:
        kept = _Kept(text=answers.text_of(answer), headers=dict(answer.headers))
    else:
        kept = _Kept(secret_of=answer.secret_of)
    known = RememberedAnswer(fingerprint=fingerprint, status=answer.status, body=kept.model_dump_json())
    try:
        async with call.directory.write() as tx:
            await tx.remember(token_id=call.token.id, key=key, answer=known, at=call.now)
    except (errors.Conflict, errors.DirectoryUnavailable) as error:
        # It is done; refusing now would make the caller repeat it.
        log.warning("answer not kept for repetition", extra={"kind": type(error).__name__})
