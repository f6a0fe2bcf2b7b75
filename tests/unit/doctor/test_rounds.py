"""The doctor's rounds, with the loop at work on the in-memory server."""

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from kleanxmpp import companies, webhooks
from kleanxmpp.companies import CompanyPatch
from kleanxmpp.destinations import NOBODY
from kleanxmpp.doctor import rounds
from kleanxmpp.event_ports import EventType
from tests.unit.doctor.test_trial import Practice, practice

__all__ = ["practice"]


def red(domain: str = "firma.test") -> float | None:
    return REGISTRY.get_sample_value("kleanxmpp_doctor_lines", {"company": domain, "level": "red"})


@asynccontextmanager
async def going_round(practice: Practice, *, every: float = 0.02) -> AsyncIterator[None]:
    doctor = replace(practice.doctor, fresh_for=timedelta())
    task = asyncio.create_task(rounds.go_round(practice.directory, doctor, every=every))
    try:
        yield
        assert not task.done(), "nothing ends the rounds"
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.005)


async def test_a_broken_promise_is_told_once_though_nobody_asked(practice: Practice) -> None:
    now = datetime.now(UTC)
    hook = await webhooks.add(
        practice.directory, practice.company, url="https://app.example.org/", allowed=NOBODY, actor="test", now=now
    )
    practice.checkup.room_creation = True
    async with practice.loop():
        async with going_round(practice):
            running = practice.doctor._running
            await until(lambda: practice.checkup.logins >= 9 and not running[practice.company.id].locked())
            assert red() == 1
        async with asyncio.timeout(10):
            while await practice.synthetic():
                await asyncio.sleep(0.005)
    async with practice.directory.read() as tx:
        told = [one.event for one in await tx.page_deliveries(hook.id, before=None, limit=100)]
    assert [event.data["line"] for event in told if event.type is EventType.DOCTOR_RED] == ["try-room-creation"]
    assert practice.server.holdings(practice.company).sessions.keys() <= set()


async def test_the_start_does_not_begin_with_it_and_until_then_it_is_not_known(practice: Practice) -> None:
    assert all(900 <= rounds.first_pause(86400.0) <= 3600 for _ in range(100))
    assert len({rounds.first_pause(86400.0) for _ in range(10)}) > 1
    async with practice.loop(), going_round(practice, every=86400.0):
        await until(lambda: math.isnan(red() or 0.0))
        assert practice.checkup.logins == 0


async def test_a_company_that_is_disabled_is_left_alone(practice: Practice) -> None:
    other = await companies.add_company(
        practice.directory, domain="andere.test", name="Andere", actor="test", now=datetime.now(UTC)
    )
    async with practice.loop(), going_round(practice):
        await until(lambda: red(other.domain) == 0)
        patch = CompanyPatch(enabled=False)
        now = datetime.now(UTC)
        await companies.update_company(practice.directory, other, patch, actor="test", reason=None, now=now)
        await until(lambda: math.isnan(red(other.domain) or 0.0))
        logins = practice.checkup.logins
        await until(lambda: practice.checkup.logins >= logins + 6)
        assert math.isnan(red(other.domain) or 0.0)


async def test_what_goes_wrong_is_logged_and_the_rounds_go_on(
    practice: Practice, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)

    async def broken(*_: object) -> None:
        raise RuntimeError("a defect")

    async with practice.loop(), going_round(practice):
        await until(lambda: red() == 0)
        with monkeypatch.context() as patched:
            patched.setattr(practice.checkup, "certificates", broken)
            await until(lambda: math.isnan(red() or 0.0))
        await until(lambda: red() == 0)
        practice.directory.available = False
        await until(lambda: "directory unavailable, companies are examined later" in caplog.messages)
        practice.directory.available = True
        caplog.clear()
        await until(lambda: "company examined" in caplog.messages)


async def test_a_checkup_that_somebody_asked_for_counts(practice: Practice) -> None:
    async def planned() -> timedelta:
        visits = await rounds._plan(practice.directory, practice.doctor, {}, every=86400.0)
        return visits[practice.company.id].at - datetime.now(UTC)

    assert await planned() < timedelta(hours=1)
    async with practice.loop():
        await practice.doctor.latest(practice.company)
    assert await planned() > timedelta(hours=23)
