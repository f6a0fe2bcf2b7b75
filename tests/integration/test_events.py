"""What is written for webhooks, in the transaction of the change: all of it, once, and nothing of what was undone."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kleanxmpp import alarms, circles, companies, csv_file, edits, errors, groups, importing, users, webhooks
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.statements import count_statements
from kleanxmpp.destinations import NOBODY
from kleanxmpp.doctor.findings import Finding, Level, Report, Words
from kleanxmpp.doctor.run import Doctor, Surroundings
from kleanxmpp.doctor.trial import Patience
from kleanxmpp.drafts import NewUser
from kleanxmpp.edits import UserPatch
from kleanxmpp.event_ports import Event, EventType, Webhook
from kleanxmpp.model import Company, Mode, Role
from kleanxmpp.ports import Directory
from kleanxmpp.testing_doctor import MemoryCheckup
from tests.integration.test_reconcile import Work
from tests.sqlite import migrated_database

MINUTE = timedelta(minutes=1)


@dataclass(slots=True, kw_only=True)
class Told:
    """A webhook that wants everything, and what was written for it since the last look."""

    directory: Directory
    company: Company
    hook: Webhook

    async def now(self) -> list[Event]:
        async with self.directory.write(self.company.id) as tx:
            page = await tx.page_deliveries(self.hook.id, before=None, limit=99_999)
            await tx.forget_events(before=datetime.now(UTC) + timedelta(days=9999))
        return sorted((one.event for one in page), key=lambda event: event.at)

    async def data(self, kind: EventType) -> list[Any]:
        events = await self.now()
        assert {event.type for event in events} <= {kind}
        return [event.data for event in events]


async def listening(directory: Directory, company: Company, **facts: Any) -> Told:
    hook = await webhooks.add(
        directory, company, url="https://app.example.org/", allowed=NOBODY, actor="test", now=datetime.now(UTC), **facts
    )
    return Told(directory=directory, company=company, hook=hook)


@pytest.fixture
async def company(directory: Directory) -> Company:
    return await companies.add_company(
        directory, domain="firma.test", name="Firma", actor="test", now=datetime.now(UTC)
    )


@pytest.fixture
async def told(directory: Directory, company: Company) -> Told:
    return await listening(directory, company)


def acting() -> dict[str, Any]:
    return {"actor": "test", "now": datetime.now(UTC)}


async def test_people_are_told_of_with_what_is_new(directory: Directory, company: Company, told: Told) -> None:
    zoe = await users.add_user(directory, company, NewUser(display_name="Zoë", external_id="4711"), **acting())
    (data,) = await told.data(EventType.USER_UPDATED)
    assert (data["change"], data["fields"], data["user"]["external_id"]) == ("added", [], "4711")
    assert (data["user"]["jid"], data["user"]["access"]) == ("zoe@firma.test", "full")

    patch = UserPatch(fields=frozenset({"display_name", "attributes"}), display_name="Zoë W", attributes={"a": ("b",)})
    await users.update_user(directory, company, zoe.id, patch, **acting())
    (data,) = await told.data(EventType.USER_UPDATED)
    assert (data["change"], data["fields"]) == ("changed", ["attributes", "display_name"])

    await users.update_user(directory, company, zoe.id, patch, **acting())
    assert await told.now() == [], "nothing is new"

    await users.deactivate(directory, company, zoe.id, reason=None, **acting())
    (data,) = await told.data(EventType.USER_UPDATED)
    assert (data["change"], data["fields"]) == ("changed", ["access", "active", "may_chat"])
    await users.reactivate(directory, company, zoe.id, reason=None, **acting())
    (data,) = await told.data(EventType.USER_UPDATED)
    assert (data["change"], data["user"]["access"]) == ("reactivated", "full")

    leave = users.Departure(mode=Mode.GARDEN_LEAVE)
    await users.deactivate(directory, company, zoe.id, departure=leave, reason=None, **acting())
    (data,) = await told.data(EventType.USER_UPDATED)
    assert (data["user"]["absence"], data["user"]["access"]) == ("garden_leave", "read")


async def test_groups_are_told_of_with_what_is_new(directory: Directory, company: Company, told: Told) -> None:
    anna, ben = [await users.add_user(directory, company, NewUser(display_name=n), **acting()) for n in ("Anna", "Ben")]
    await told.now()
    group = await groups.add_group(directory, company, name="Nord", **acting())
    patch = groups.GroupPatch(name="Nordost", description="Am Rand")
    await groups.update_group(directory, company, group.id, patch, **acting())
    await groups.update_group(directory, company, group.id, patch, **acting())
    await circles.replace_circle(directory, company, group.id, {anna.id: Role.MODERATOR}, **acting())
    await circles.change_circle(directory, company, group.id, put={ben.id: None}, remove=[anna.id], **acting())
    for _ in range(2):
        await groups.archive_group(directory, company, group.id, **acting())
    for _ in range(2):
        await groups.restore_group(directory, company, group.id, **acting())
    await groups.delete_group(directory, company, group.id, **acting())
    added, changed, replaced, moved, archived, restored, deleted = await told.data(EventType.GROUP_UPDATED)
    assert [one["change"] for one in (added, changed, replaced, moved, archived, restored, deleted)] == [
        "added", "changed", "circle_changed", "circle_changed", "archived", "restored", "deleted",
    ]  # fmt: skip
    assert archived["group"]["archived_at"] and restored["group"]["archived_at"] is None
    assert archived["members"] is restored["members"] is None
    assert (changed["fields"], changed["group"]["name"], changed["group"]["version"]) == (
        ["name", "description"], "Nordost", 2,
    )  # fmt: skip
    assert replaced["members"]["put"] == [{"user_id": anna.id, "role": "moderator"}]
    assert moved["members"] == {
        "put": [{"user_id": ben.id, "role": "member"}], "removed": [anna.id], "put_count": 1, "removed_count": 1,
    }  # fmt: skip
    assert deleted["group"]["id"] == group.id and deleted["members"] is None


async def test_of_many_members_only_the_number_is_told(directory: Directory, company: Company, told: Told) -> None:
    rows = [csv_file.Row(line=n, display_name=f"Person {n}", groups={"Nord": Role.MEMBER}) for n in range(30)]
    await importing.import_people(directory, company, rows, reason=None, **acting())
    events = await told.now()
    circle = next(event.data["members"] for event in events if event.data["change"] == "circle_changed")
    assert circle == {"put": None, "removed": None, "put_count": 30, "removed_count": 0}
    assert sum(event.type is EventType.USER_UPDATED for event in events) == 30


async def test_nothing_is_told_of_what_was_undone(directory: Directory, company: Company, told: Told) -> None:
    with pytest.raises(errors.Conflict):
        async with directory.write(company.id) as tx:
            await edits.add(tx, company, NewUser(display_name="Zoë"), **acting())
            await groups.new_group(tx, company=company, name="Nord", **acting())
            raise errors.Conflict
    assert await told.now() == []


async def test_a_webhook_is_told_only_of_what_it_wants_and_other_companies_of_nothing(
    directory: Directory, company: Company, told: Told
) -> None:
    other = await companies.add_company(directory, domain="andere.test", name="Andere", **acting())
    theirs, only_groups = (
        await listening(directory, other),
        await listening(directory, company, types=[EventType.GROUP_UPDATED]),
    )
    await users.add_user(directory, company, NewUser(display_name="Zoë"), **acting())
    await groups.add_group(directory, company, name="Nord", **acting())
    async with directory.read() as tx:
        found = {
            one: [x.event.type for x in await tx.page_deliveries(hook.id, before=None, limit=9)]
            for one, hook in (("all", told.hook), ("groups", only_groups.hook), ("theirs", theirs.hook))
        }
    assert sorted(found["all"]) == [EventType.GROUP_UPDATED, EventType.USER_UPDATED]
    assert (found["groups"], found["theirs"]) == ([EventType.GROUP_UPDATED], [])


async def test_switching_a_company_off_and_on_is_told_for_everybody_it_shuts_out(
    directory: Directory, company: Company, told: Told
) -> None:
    await users.add_user(directory, company, NewUser(display_name="Zoë"), **acting())
    await users.add_user(directory, company, NewUser(display_name="Ex", active=False), **acting())
    await told.now()
    off = await companies.update_company(
        directory, company, companies.CompanyPatch(enabled=False), reason=None, **acting()
    )
    (data,) = await told.data(EventType.USER_UPDATED)
    assert (data["user"]["username"], data["fields"]) == ("zoe", ["access", "may_chat"])
    await companies.update_company(directory, off, companies.CompanyPatch(enabled=True), reason=None, **acting())
    (data,) = await told.data(EventType.USER_UPDATED)
    assert data["change"] == "reactivated"


async def test_an_overdue_off_boarding_is_told_once(directory: Directory, company: Company, told: Told) -> None:
    zoe = await users.add_user(directory, company, NewUser(display_name="Zoë"), **acting())
    asked = datetime.now(UTC)
    begun = await users.deactivate(directory, company, zoe.id, reason=None, actor="test", now=asked)
    await told.now()
    for minutes in (4, 5.1, 6, 500):
        await alarms.note_overdue(directory, after=5 * MINUTE, now=asked + minutes * MINUTE)
    (data,) = await told.data(EventType.OFFBOARDING_OVERDUE)
    assert data["seconds"] == 306
    assert (data["offboarding"]["id"], data["offboarding"]["state"]) == (begun.id, "running")
    await users.reactivate(directory, company, zoe.id, reason=None, **acting())
    await told.now()
    await alarms.note_overdue(directory, after=5 * MINUTE, now=asked + 600 * MINUTE)
    async with directory.read() as tx:
        assert await tx.raised_alarms(EventType.OFFBOARDING_OVERDUE) == frozenset(), "it is over"
    assert await told.now() == []


async def test_who_listens_later_is_told_of_what_is_overdue_still(directory: Directory, company: Company) -> None:
    zoe = await users.add_user(directory, company, NewUser(display_name="Zoë"), **acting())
    await users.deactivate(directory, company, zoe.id, reason=None, **acting())
    later = datetime.now(UTC) + 6 * MINUTE
    await alarms.note_overdue(directory, after=5 * MINUTE, now=later)
    told = await listening(directory, company)
    await alarms.note_overdue(directory, after=5 * MINUTE, now=later)
    assert len(await told.data(EventType.OFFBOARDING_OVERDUE)) == 1


def a_report(**levels: Level) -> Report:
    words = Words(de="Offen.", en="Open.")
    findings = tuple(
        Finding(id=id, title=Words(de="Tor", en="Gate"), level=level, words=words, cure="secret: cure")
        for id, level in levels.items()
    )
    return Report(domain="firma.test", at=datetime.now(UTC), seconds=1.0, findings=findings)


async def test_a_red_line_is_told_once_until_it_is_kept_again(
    directory: Directory, company: Company, told: Told
) -> None:
    green, red, unknown = Level.GREEN, Level.RED, Level.NOT_CHECKED
    outcomes = []
    for gate, tls in (
        (green, red), (red, red), (red, unknown), (unknown, red), (green, red), (red, Level.YELLOW), (red, red),
    ):  # fmt: skip
        await alarms.note_report(directory, company, a_report(gate=gate, tls=tls))
        outcomes.append(sorted(data["line"] for data in await told.data(EventType.DOCTOR_RED)))
    assert outcomes == [["tls"], ["gate"], [], [], [], ["gate"], ["tls"]]


async def test_a_red_line_says_what_is_wrong_in_both_languages(
    directory: Directory, company: Company, told: Told
) -> None:
    await alarms.note_report(directory, company, a_report(gate=Level.RED))
    (event,) = await told.now()
    assert event.data.keys() == {"line", "title", "words", "checked_at"}
    assert event.data["words"] == {"de": "Offen.", "en": "Open."}


@pytest.fixture
async def work(tmp_path: Path) -> AsyncIterator[Work]:
    directory = SqlDirectory(await migrated_database(tmp_path / "work.db"))
    company = await companies.add_company(directory, domain="glanz.test", name="Glanz", **acting())
    yield Work(directory, company)
    await directory.close()


async def test_a_checkup_tells_of_what_it_finds_and_not_of_its_synthetic_user(work: Work) -> None:
    told = await listening(work.directory, work.company)
    checkup = MemoryCheckup(work.directory, work.server)
    checkup.room_creation = True
    around = Surroundings(
        rooms_prefix="gruppen", component_prefix="klean", patience=Patience(gate=5.0, look_every=0.005)
    )
    doctor = Doctor(directory=work.directory, checkup=checkup, surroundings=around)
    async with work.loop():
        report = await doctor.examine(work.company)
        await work.settled()
    red = {finding.id for finding in report.findings if finding.level is Level.RED}
    assert red and {data["line"] for data in await told.data(EventType.DOCTOR_RED)} == red


async def test_a_checkup_without_a_directory_still_reports(directory: Directory, company: Company, told: Told) -> None:
    class Away:
        def read(self) -> Any:
            raise errors.DirectoryUnavailable

    away: Any = Away()
    await alarms.note_report(away, company, a_report(gate=Level.RED))
    assert await told.now() == []


async def test_a_proven_off_boarding_is_told_with_its_evidence_and_an_unproven_one_is_not(work: Work) -> None:
    told = await listening(work.directory, work.company)
    anna, ben = await work.person("Anna Groß"), await work.person("Ben Öz")
    async with work.loop():
        await work.settled()
    await told.now()
    await users.deactivate(work.directory, work.company, anna.id, reason="Ende", **acting())
    work.server.away = True
    async with work.loop():
        await asyncio.sleep(0.1)
        assert {event.type for event in await told.now()} == {EventType.USER_UPDATED}
        work.server.away = False
        await work.settled()
    (event,) = await told.now()
    proven = event.data["offboarding"]
    assert (event.type, event.about) == (EventType.USER_OFFBOARDED, None)
    assert (proven["complete"], proven["reason"], proven["mode"], proven["user_id"]) == (True, "Ende", "left", anna.id)
    assert {line["item"] for line in proven["evidence"]} >= {"logins", "gate", "sessions", "rooms"}
    assert all(line["closed"] for line in proven["evidence"])
    await users.erase(work.directory, work.company, ben.id, reason=None, **acting())
    async with work.loop():
        await work.settled()
    (event,) = await told.now()
    assert (event.type, event.data["offboarding"]["mode"]) == (EventType.USER_OFFBOARDED, "erased")


async def test_imported_people_are_told_of_in_bulk(work: Work) -> None:
    rows = [csv_file.Row(line=n, display_name=f"Person {n}") for n in range(4_000)]
    with count_statements(work.directory) as without:
        await importing.import_people(work.directory, work.company, rows[:2_000], reason=None, **acting())
    told = await listening(work.directory, work.company)
    with count_statements(work.directory) as sent:
        await importing.import_people(work.directory, work.company, rows, reason=None, **acting())
    assert len([s for s in sent if "INTO events" in s or "INTO deliveries" in s]) == 4, "two for each thousand"
    assert len([s for s in without if "webhooks" in s]) == 2, "one look for each thousand"
    assert len(await told.now()) == 2_000


async def test_a_webhooks_name_is_not_in_its_events(directory: Directory, company: Company, told: Told) -> None:
    await users.add_user(directory, company, replace(NewUser(display_name="Zoë"), email="zoe@post.test"), **acting())
    (event,) = await told.now()
    assert told.hook.secret not in str(event.data) and told.hook.url not in str(event.data)
