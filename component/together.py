"""Several coroutines at once, as `asyncio.TaskGroup` runs them, but failing with the first error itself.

Callers of the core's port expect `Temporary` or `Permanent`, not a group that wraps them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """Run tasks until all are done; the first error ends the others and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
