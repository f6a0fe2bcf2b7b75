"""Questions asked at the same time are answered together, each caller for itself."""

import asyncio
from collections.abc import Sequence

import pytest

from kleanxmpp import errors
from kleanxmpp.gathering import Gathered


class Asked:
    def __init__(self) -> None:
        self.together: list[list[int]] = []
        self.go_on = asyncio.Event()
        self.away = False

    async def answer(self, questions: Sequence[int]) -> Sequence[int]:
        self.together.append(list(questions))
        await self.go_on.wait()
        if self.away:
            raise errors.DirectoryUnavailable
        return [100 // question for question in questions]


async def begun(gathered: Gathered[int, int], *questions: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.ensure_future(gathered(question)) for question in questions]
    await asyncio.sleep(0)
    return tasks


async def test_who_asks_while_another_is_answered_shares_the_next_answer() -> None:
    asked = Asked()
    gathered = Gathered(asked.answer)
    first = await begun(gathered, 1)
    others = await begun(gathered, 2, 4, 5)
    asked.go_on.set()
    assert await asyncio.gather(*first, *others) == [100, 50, 25, 20]
    assert asked.together == [[1], [2, 4, 5]]


async def test_a_defect_met_by_one_fails_nobody_else() -> None:
    asked = Asked()
    gathered = Gathered(asked.answer)
    tasks = await begun(gathered, 1, 2, 0, 4)
    asked.go_on.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert found[:2] + found[3:] == [100, 50, 25]
    assert isinstance(found[2], ZeroDivisionError)


async def test_a_directory_that_is_away_is_asked_once_for_all() -> None:
    asked = Asked()
    asked.away = True
    gathered = Gathered(asked.answer)
    tasks = await begun(gathered, 1, 2, 4)
    asked.go_on.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error) for error in found] == [errors.DirectoryUnavailable] * 3
    assert len(asked.together) <= 2


async def test_who_gives_up_takes_nobody_along() -> None:
    asked = Asked()
    gathered = Gathered(asked.answer)
    impatient, *others = await begun(gathered, 1, 2, 4)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    asked.go_on.set()
    assert await asyncio.gather(*others) == [50, 25]
    assert await gathered(5) == 20
