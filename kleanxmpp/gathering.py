"""Many single questions answered together: those that come while one answer is being found share the next.

A transaction, or a call of the server's, costs about the same for one person as for a hundred. Somebody who asks alone
waits for nobody, so one off-boarding is as fast as before, and two hundred at once are not two hundred times as slow.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from kleanxmpp import errors

Question = TypeVar("Question")
Found = TypeVar("Found")


class Gathered(Generic[Question, Found]):
    """Call it with one question. `answer` gets several, and returns as many answers in their order.

    An answer that is an exception is raised to who asked.
    """

    def __init__(self, answer: Callable[[Sequence[Question]], Awaitable[Sequence[Found | Exception]]]) -> None:
        self._answer = answer
        self._turn = asyncio.Lock()
        self._waiting: list[tuple[Question, asyncio.Future[Found]]] = []

    async def __call__(self, question: Question) -> Found:
        """Return the answer, or raise what finding it raised."""
        mine: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, mine))
        try:
            async with self._turn:
                if not mine.done():
                    await asyncio.sleep(0)  # who asks in the same moment shares this answer, not only the next
                    await self._answer_all()
        finally:
            self._waiting = [entry for entry in self._waiting if entry[1] is not mine]
        return await mine

    async def _answer_all(self) -> None:
        """Answer everybody who waits; on a cancellation the others go on waiting, and the next of them answers."""
        together, self._waiting = self._waiting, []
        try:
            await self._settle(together)
        finally:
            self._waiting = [entry for entry in together if not entry[1].done()] + self._waiting

    async def _settle(self, together: Sequence[tuple[Question, asyncio.Future[Found]]]) -> bool:
        """Answer these; return whether they could be."""
        try:
            answers = await self._answer([question for question, _ in together])
        except Exception as error:  # everybody's own to handle; what one of them meets must not fail all others
            if len(together) > 1 and not isinstance(error, errors.DirectoryUnavailable):
                await self._settle_singly(together, error)
            else:
                _fail(together, error)
            return False
        for entry, answer in zip(together, answers, strict=True):
            if isinstance(answer, Exception):
                _fail([entry], answer)
            elif not entry[1].done():
                entry[1].set_result(answer)
        return True

    async def _settle_singly(
        self, together: Sequence[tuple[Question, asyncio.Future[Found]]], error: Exception
    ) -> None:
        """Answer one after the other, unless the first two meet what will help or harm all alike: a server away."""
        answered = False
        for number, entry in enumerate(together):
            if number == _TRIED and not answered and isinstance(error, errors.Temporary):
                _fail(together[number:], error)
                return
            answered |= await self._settle([entry])


def _fail(together: Sequence[tuple[object, asyncio.Future[Found]]], error: Exception) -> None:
    for _, future in together:
        if not future.done():
            future.set_exception(error)
            future.exception()  # who asked may have been cancelled, and nobody else looks


_TRIED = 2
