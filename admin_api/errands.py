"""Work that takes longer than a page may: a form begins it, and the pages after it tell how it stands.

One at a time of a kind and company, in this process alone: nothing is lost with it, it can be begun again.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from kleanxmpp import errors
from kleanxmpp.chains import Verification
from kleanxmpp.doctor.findings import Report

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The audit log, as it was seen at a moment."""

    at: datetime
    found: Verification


@dataclass(slots=True)
class Errand(Generic[T]):
    """One kind of work, by company id. `failed` holds those whose last run had no result."""

    failed: set[str] = field(default_factory=set)
    _found: dict[str, T] = field(default_factory=dict)
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def begin(self, company_id: str, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        """Begin the work, unless it is being done."""
        if company_id not in self._running:
            self.failed.discard(company_id)
            self._running[company_id] = asyncio.create_task(self._do(company_id, work))

    def running(self, company_id: str) -> bool:
        """Whether it is being done."""
        return company_id in self._running

    def found(self, company_id: str) -> T | None:
        """Return the last result."""
        return self._found.get(company_id)

    async def stop(self) -> None:
        """Break off whatever is being done."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _do(self, company_id: str, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        try:
            self._found[company_id] = await work()
        except errors.KleanError as error:
            self.failed.add(company_id)
            log.warning("errand failed", extra={"company": company_id, "error": type(error).__name__})
        except Exception:  # the outermost border of an errand: nobody waits for it who could be told
            self.failed.add(company_id)
            log.exception("defect in an errand", extra={"company": company_id})
        finally:
            del self._running[company_id]


@dataclass(frozen=True, slots=True)
class Errands:
    """All kinds."""

    checkup: Errand[Report] = field(default_factory=Errand)
    verification: Errand[Verified] = field(default_factory=Errand)

    async def stop(self) -> None:
        """Break off whatever is being done."""
        await asyncio.gather(self.checkup.stop(), self.verification.stop())
