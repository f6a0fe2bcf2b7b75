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


async def test_what_the_server_cannot_do_for_one_it_does_for_the_others() -> None:
    async def answer(questions: Sequence[int]) -> Sequence[int]:
        if 0 in questions:
            raise errors.Temporary
        return [100 // question for question in questions]

    gathered = Gathered(answer)
    found = await asyncio.gather(*(gathered(question) for question in (1, 0, 2, 4)), return_exceptions=True)
    assert found[:1] + found[2:] == [100, 50, 25]
    assert isinstance(found[1], errors.Temporary)


async def test_a_server_that_is_away_is_not_asked_for_everybody() -> None:
    asked: list[int] = []

    async def answer(questions: Sequence[int]) -> Sequence[int]:
        asked.append(len(questions))
        raise errors.Temporary

    gathered = Gathered(answer)
    found = await asyncio.gather(*(gathered(question) for question in range(100)), return_exceptions=True)
    assert [type(error) for error in found] == [errors.Temporary] * 100
    assert asked == [100, 1, 1]


async def test_an_answer_can_be_an_error() -> None:
    async def answer(questions: Sequence[int]) -> Sequence[int | Exception]:
        return [100 // question if question else errors.NotFound() for question in questions]

    gathered: Gathered[int, int] = Gathered(answer)
    found = await asyncio.gather(gathered(0), gathered(4), return_exceptions=True)
    assert isinstance(found[0], errors.NotFound)
    assert found[1] == 25


async def test_with_a_second_lane_nobody_waits_for_a_slow_answer() -> None:
    asked = Asked()
    gathered = Gathered(asked.answer, lanes=2)
    tasks = await begun(gathered, 1, 2) + await begun(gathered, 4, 5) + await begun(gathered, 10, 20)
    await asyncio.sleep(0)
    assert asked.together == [[1, 2], [4, 5]]
    asked.go_on.set()
    assert await asyncio.gather(*tasks) == [100, 50, 25, 20, 10, 5]
    assert asked.together == [[1, 2], [4, 5], [10, 20]]


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


async def test_an_answer_that_nobody_waits_for_any_more_is_not_looked_for_and_the_next_is() -> None:
    asked = Asked()
    gathered = Gathered(asked.answer)
    (only,) = await begun(gathered, 1)
    await asyncio.sleep(0)
    (other,) = await begun(gathered, 2)
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    asked.go_on.set()
    assert await other == 50
    assert asked.together == [[1], [2]]
