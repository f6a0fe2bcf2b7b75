"""What watches a transaction in a dry run takes exactly what the transaction takes: mypy cannot see that."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from kleanxmpp import rehearsal
from kleanxmpp.ports import Transaction

WATCHED = sorted(
    name
    for name, value in vars(rehearsal._Watched).items()
    if inspect.iscoroutinefunction(value) and not name.startswith("_")
)


@pytest.mark.parametrize("name", WATCHED)
def test_a_watched_method_is_one_of_the_protocol_with_its_very_parameters(name: str) -> None:
    promised, watched = getattr(Transaction, name), getattr(rehearsal._Watched, name)
    assert inspect.iscoroutinefunction(promised)
    assert _shown(watched) == _shown(promised)


def test_what_is_not_a_method_of_the_protocol_is_not_watched() -> None:
    public = {name for name in vars(rehearsal._Watched) if not name.startswith("_")}
    assert public == set(WATCHED)
    assert {"add_users", "save_users", "put_members", "add_audit"} <= public


def _shown(method: Callable[..., Any]) -> inspect.Signature:
    """Return the signature with its annotations resolved, which are text in one module and objects in another."""
    return inspect.signature(method, eval_str=True)
