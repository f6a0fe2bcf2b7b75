"""Cost follows the change, not the company: one member more or less costs the same among few and among many.

Counted on a real server, on the wire and in the database; nothing here is timed.
"""

from pathlib import Path

import pytest

from benchmarks.costs import Cost, cheapest, scene
from benchmarks.world import Bench

FEW, MANY = 60, 1_000
_ROUNDS = 4
CALLS_AT_MOST, STATEMENTS_AT_MOST = 20, 50
"""Far above what one member costs, far below one call or statement for each member of the small company."""
CROWD, WAVES = 200, 6
"""Who comes in while others are worked on waits for the next wave: more waves on a busy machine, never one each."""


@pytest.mark.parametrize("everybody", [False, True], ids=["a small circle", "a circle of everybody"])
async def test_one_member_more_or_less_costs_the_same_in_a_small_and_in_a_large_company(
    tmp_path: Path, everybody: bool
) -> None:
    small = await _costs(tmp_path, people=FEW, everybody=everybody)
    large = await _costs(tmp_path, people=MANY, everybody=everybody)
    for few, many in zip(small, large, strict=True):
        assert many.wire == few.wire
        assert many.statements == few.statements
        assert many.carried == pytest.approx(few.carried, rel=0.1)
        assert 0 < few.wire.total() <= CALLS_AT_MOST
        assert 0 < few.statements.total() <= STATEMENTS_AT_MOST


async def test_many_offboardings_at_once_share_calls_and_statements(tmp_path: Path) -> None:
    bench = Bench(folder=tmp_path, root=None, small=True, say=lambda text: None)
    async with scene(bench, people_in_all=CROWD + 50, everybody=True) as made:
        alone = await made.off_board(made.circle[:1])
        crowd = await made.off_board(made.circle[1 : CROWD + 1])
    assert 0 < alone.wire.total() <= CALLS_AT_MOST
    assert 0 < alone.statements.total() <= STATEMENTS_AT_MOST
    assert crowd.wire.total() <= CALLS_AT_MOST * WAVES
    assert crowd.statements.total() <= STATEMENTS_AT_MOST * WAVES


async def _costs(folder: Path, *, people: int, everybody: bool) -> list[Cost]:
    """Return what adding and removing cost at their cheapest."""
    bench = Bench(folder=folder, root=None, small=True, say=lambda text: None)
    async with scene(bench, people_in_all=people, everybody=everybody) as made:
        rounds = [(await made.add(), await made.remove()) for _ in range(_ROUNDS)]
    return [cheapest(costs) for costs in zip(*rounds, strict=True)]
