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

    An answer that is an exception is raised to who asked. At most `lanes` answers are looked for at the same time;
    each has a task of its own, so that who gives up takes nobody along.
    """

    def __init__(
        self, answer: Callable[[Sequence[Question]], Awaitable[Sequence[Found | Exception]]], *, lanes: int = 1
    ) -> None:
        self._answer = answer
        self._lanes = lanes
        self._waiting: list[tuple[Question, asyncio.Future[Found]]] = []
        self._starting = False
        self._answering: dict[asyncio.Task[None], Sequence[tuple[Question, asyncio.Future[Found]]]] = {}

    async def __call__(self, question: Question) -> Found:
        """Return the answer, or raise what finding it raised."""
        mine: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, mine))
        self._begin()
        try:
            return await mine
        except asyncio.CancelledError:
            await self._end_unasked()
            raise

    def _begin(self) -> None:
        """See to it that who waits is answered. A task begins after all who ask in this moment have asked."""
        if self._waiting and not self._starting and len(self._answering) < self._lanes:
            self._starting = True
            self._answering[asyncio.create_task(self._answer_waiting())] = ()

    async def _answer_waiting(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            self._starting = False
            while self._waiting:
                together = [entry for entry in self._waiting if not entry[1].done()]
                self._waiting, self._answering[task] = [], together
                await self._settle(together)
        finally:
            for _, future in self._answering.pop(task):
                future.cancel()  # nothing, where there is an answer
            self._waiting = [entry for entry in self._waiting if not entry[1].done()]
            self._begin()

    async def _end_unasked(self) -> None:
        """End the search for answers that nobody waits for any more."""
        for task, together in list(self._answering.items()):
            if together and all(future.done() for _, future in together):
                task.cancel()
                await asyncio.wait([task])

    async def _settle(self, together: Sequence[tuple[Question, asyncio.Future[Found]]]) -> bool:
        """Answer these; return whether they could be."""
        if not together:
            return True
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
