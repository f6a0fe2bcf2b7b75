"""A source of people that falls silent is told: in the status, the metrics and by readiness."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from kleanxmpp.model import Door
from tests.integration.admin_api.desk import EVERYWHERE, Desk


async def heard(desk: Desk, door: Door, *, ago: timedelta) -> None:
    async with desk.directory.write(desk.company.id) as tx:
        await tx.note_contact(desk.company.id, door, at=datetime.now(UTC) - ago)


async def status(desk: Desk) -> list[Any]:
    return list((await desk.call("GET", "/status")).body["sources"])


@EVERYWHERE
async def test_a_late_source_turns_readiness_yellow_until_it_comes(desk: Desk) -> None:
    assert (await desk.call("GET", "/readyz", token=None)).body == {"status": "ready", "late": []}
    await heard(desk, Door.SCIM, ago=timedelta(hours=2))
    assert [(one["door"], one["late_since"]) for one in await status(desk)] == [("scim", None)], "nothing is expected"
    answer = await desk.call("PATCH", "/company", {"sources_expected": {"scim": "PT1H", "hr": 7200}})
    assert answer.body["sources_expected"] == {"hr": 7200, "scim": 3600}
    by_door = {one["door"]: one for one in await status(desk)}
    assert (by_door["scim"]["expected_every"], by_door["hr"]["last_contact"]) == (3600, None)
    assert by_door["scim"]["late_since"] is not None
    assert by_door["hr"]["late_since"] is None, "it counts from when it was expected"
    ready = await desk.call("GET", "/readyz", token=None)
    assert (ready.status, ready.body["status"]) == (200, "degraded")
    assert [(one["company"], one["door"]) for one in ready.body["late"]] == [("firma.test", "scim")]
    metrics = (await desk.call("GET", "/metrics", token=None)).text
    assert 'kleanxmpp_source_late{company="firma.test",door="scim"} 1.0' in metrics
    assert 'kleanxmpp_source_late{company="firma.test",door="hr"} 0.0' in metrics
    assert 'kleanxmpp_source_silent_seconds{company="firma.test",door="hr"} NaN' in metrics
    (line,) = [
        one for one in metrics.splitlines() if one.startswith("kleanxmpp_source_silent_seconds") and "scim" in one
    ]
    assert 7200 <= float(line.split()[-1]) < 7300
    await heard(desk, Door.SCIM, ago=timedelta(0))
    assert (await desk.call("GET", "/readyz", token=None)).body == {"status": "ready", "late": []}


async def test_who_never_came_is_late_in_the_end_and_can_be_expected_no_more(quick_desk: Desk) -> None:
    await quick_desk.call("PATCH", "/company", {"sources_expected": {"hr": "P1D"}})
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1, minutes=1), tick=True):
        late = (await quick_desk.call("GET", "/readyz", token=None)).body["late"]
        assert [one["door"] for one in late] == ["hr"]
        doctor = (await quick_desk.call("GET", "/doctor")).body
        (line,) = [one for one in doctor["lines"] if one["id"] == "sources"]
        assert line["level"] == "yellow" and "HR interface" in line["words"], line
        answer = await quick_desk.call("PATCH", "/company", {"sources_expected": {"hr": None}})
        assert answer.body["sources_expected"] == {}
        assert (await quick_desk.call("GET", "/readyz", token=None)).body["status"] == "ready"


async def test_expecting_the_same_again_does_not_begin_anew(quick_desk: Desk) -> None:
    await quick_desk.call("PATCH", "/company", {"sources_expected": {"hr": "PT1H"}})
    entries = (await quick_desk.call("GET", "/audit")).body["items"]
    assert (entries[0]["action"], entries[0]["details"]) == ("company.changed", {"fields": ["sources_expected"]})
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=2), tick=True):
        await quick_desk.call("PATCH", "/company", {"sources_expected": {"hr": 3600}})
        assert (await quick_desk.call("GET", "/readyz", token=None)).body["status"] == "degraded"
        assert (await quick_desk.call("GET", "/audit")).body["items"] == entries


@pytest.mark.parametrize("said", [{"sweep": 3600}, {"scim": 5}, {"scim": "1h"}, {"scim": "PT1S"}, {"scim": "P"}, 5])
async def test_what_cannot_be_expected_is_refused(quick_desk: Desk, said: Any) -> None:
    answer = await quick_desk.call("PATCH", "/company", {"sources_expected": said})
    assert (answer.status, answer.problem) == (422, "invalid")
    assert all(field.startswith("sources_expected") for field in answer.fields)


async def test_a_bulk_request_is_a_contact_and_a_dry_run_is_none(quick_desk: Desk) -> None:
    operations = [{"method": "POST", "path": "/users", "body": {"display_name": "Aylin"}}]
    await quick_desk.call("POST", "/bulk?dry_run=true", {"operations": operations})
    assert await status(quick_desk) == []
    await quick_desk.call("POST", "/bulk", {"operations": operations})
    assert [one["door"] for one in await status(quick_desk)] == ["bulk"]
