"""Looking up the names of receivers in threads of their own, and each name in one of them at a time.

A lookup cannot be called off, and takes half a minute where a name server is silent. In the threads that everything
shares, a few webhooks with such a name would hold up all other work of the program.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

_THREADS = 16

_Key = tuple[str, int, int]


class Names(AbstractResolver):
    """Resolves as this machine does."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="webhook-names")
        self._running: dict[_Key, asyncio.Future[list[Any]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a host. Who asks while the same is looked up waits for that answer."""
        key = (host, port, int(family))
        if key not in self._running:
            self._running[key] = self._look_up(key)
            self._running[key].add_done_callback(lambda done: self._forget(key, done))
        found = await asyncio.shield(self._running[key])
        return [
            ResolveResult(
                hostname=host, host=address[0], port=address[1], family=kind, proto=proto, flags=socket.AI_NUMERICHOST
            )
            for kind, _, proto, _, address in found
        ]

    async def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _look_up(self, key: _Key) -> asyncio.Future[list[Any]]:
        host, port, family = key
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        )

    def _forget(self, key: _Key, done: asyncio.Future[list[Any]]) -> None:
        self._running.pop(key, None)
        if not done.cancelled():
            done.exception()  # whoever asked may be gone
