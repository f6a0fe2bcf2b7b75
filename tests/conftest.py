"""Options and hooks for all tests. Fixtures live beside the tests that use them."""

import gc

import pytest

pytest.register_assert_rewrite("tests.contracts")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-e2e", action="store_true", help="leave out what needs a real ejabberd")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker(pytest.mark.e2e)
    if config.getoption("--no-e2e"):
        left_out = [item for item in items if item.get_closest_marker("e2e")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("e2e")]


def pytest_collection_finish() -> None:
    """Spare the garbage collector what stays until the end anyway: modules and collected tests, half a million objects.

    It looks at the rest seldom, because each test leaves little behind. That saves the API's tests a third of their
    processor time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
