"""Retention: what is erased, expired or was never finished goes away, bytes first, row after it.

A crash in between leaves a row whose link leads nowhere, and the next round finishes it. Bytes that no row knows are
removed only when they are a day old: who starts the service with the wrong database for an hour loses nothing.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kleanxmpp import errors, files, metrics
from kleanxmpp.file_ports import FileStore
from kleanxmpp.ports import Directory

log = logging.getLogger(__name__)

_AT_ONCE = 500
_UNFINISHED = timedelta(hours=1)
_UNKNOWN = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidied:
    """What one round removed: files that were due, bytes that no row knew, uploads that never ended."""

    due: int
    unknown: int
    unfinished: int


async def tidy(directory: Directory, store: FileStore, *, now: datetime) -> Tidied:
    """Do one round."""
    tidied = Tidied(
        due=await _remove_due(directory, store, now=now),
        unknown=await _remove_unknown(directory, store, now=now),
        unfinished=await store.remove_unfinished(before=now - _UNFINISHED),
    )
    for why in ("due", "unknown", "unfinished"):
        metrics.FILES_REMOVED.labels(why=why).inc(getattr(tidied, why))
    return tidied


async def tidy_for_ever(directory: Directory, store: FileStore, *, every: float) -> None:
    """Do a round every so many seconds until cancelled."""
    while True:
        try:
            await tidy(directory, store, now=datetime.now(UTC))
        except (errors.DirectoryUnavailable, errors.StoreUnavailable) as error:
            log.warning("files not tidied, trying again later", extra={"error": str(error)})
        await asyncio.sleep(every)


async def _remove_due(directory: Directory, store: FileStore, *, now: datetime) -> int:
    unused_since, removed = now - files.BEGIN_WITHIN - files.DONE_WITHIN, 0
    while True:
        async with directory.read() as tx:
            due = await tx.files_to_remove(now=now, unused_since=unused_since, limit=_AT_ONCE)
        if not due:
            return removed
        await store.remove(due)
        async with directory.write() as tx:
            await tx.delete_files(due)
        removed += len(due)


async def _remove_unknown(directory: Directory, store: FileStore, *, now: datetime) -> int:
    on_disk = await store.kept(before=now - _UNKNOWN)
    async with directory.read() as tx:
        known = await tx.known_files(on_disk)
    unknown = [file_id for file_id in on_disk if file_id not in known]
    await store.remove(unknown)
    return len(unknown)
