"""Idempotency-Key: a POST that is repeated is answered again, not carried out again.

Only good answers are kept: a refusal changed nothing, so repeating it is safe and may go well by now. Answers are
kept for a day, without secrets. A key is claimed in the directory before anything is done, so that of several
processes only one carries the request out; the others are told to wait. The claim of a process that died counts
for two minutes, longer than any request may take.
"""

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from aiohttp import web
from pydantic import BaseModel

from kleanxmpp import errors
from kleanxmpp.token_ports import RememberedAnswer

from . import answers
from . import problem_kinds as kinds
from .answers import Answer
from .problems import Problem, invalid
from .services import Call

log = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
_ABANDONED = timedelta(minutes=2)
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
    async with call.directory.write() as tx:
        known = await tx.claim_answer(
            token_id=call.token.id,
            key=key,
            fingerprint=fingerprint,
            at=call.now,
            abandoned_before=call.now - _ABANDONED,
        )
    if known is not None:
        return _again(known, fingerprint)
    try:
        answer = await run()
    except BaseException:
        await _give_back(call, key)
        raise
    await _keep(call, key, fingerprint, answer)
    return answers.response(status=answer.status, text=answers.text_of(answer), headers=answer.headers)


def _again(known: RememberedAnswer, fingerprint: str) -> web.Response:
    if known.fingerprint != fingerprint:
        raise Problem(kind=kinds.KEY_REUSED)
    if not known.status:
        raise Problem(kind=kinds.IN_PROGRESS, headers={"Retry-After": "1"})
    kept = _Kept.model_validate_json(known.body)
    if kept.secret_of is not None:
        raise Problem(kind=kinds.SECRET_SHOWN, id=kept.secret_of)
    return answers.response(status=known.status, text=kept.text, headers=kept.headers)


async def _keep(call: Call, key: str, fingerprint: str, answer: Answer) -> None:
    if answer.secret_of is None:
        again = answer if answer.kept is None else replace(answer, body=answer.kept)
        kept = _Kept(text=answers.text_of(again), headers=dict(answer.headers))
    else:
        kept = _Kept(secret_of=answer.secret_of)
    known = RememberedAnswer(
        fingerprint=fingerprint, status=answer.status, body=kept.model_dump_json(), about=answer.about
    )
    try:
        async with call.directory.write() as tx:
            await tx.remember(token_id=call.token.id, key=key, answer=known, at=call.now)
    except errors.DirectoryUnavailable:
        # It is done; refusing now would make the caller repeat it.
        log.warning("directory unavailable, answer not kept for repetition")


async def _give_back(call: Call, key: str) -> None:
    try:
        async with call.directory.write() as tx:
            await tx.forget_claim(token_id=call.token.id, key=key)
    except errors.DirectoryUnavailable:
        log.warning("directory unavailable, the key stays claimed for two minutes")
