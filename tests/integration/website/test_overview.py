"""The overview: what is out of step, held or overdue, for those who may see it; and not a word where nothing is new."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from kleanxmpp import sources, users, web_sessions
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.statements import count_statements
from kleanxmpp.due import Due, Scope, ScopeKind
from kleanxmpp.model import Door
from kleanxmpp.source_ports import Expectation
from kleanxmpp.state import Affiliation
from kleanxmpp.website_ports import StaffRole
from tests.factories import a_user
from tests.integration.admin_api.desk import Desk
from tests.integration.admin_api.test_api_held import everybody_out, names
from tests.integration.website.browser import Browser, Shown
from tests.integration.website.test_signing_in import person

BY_SCRIPT = {"HX-Request": "true", "X-Klean-Unasked": "1"}


async def settled(desk: Desk) -> None:
    await desk.until("/status", lambda answer: answer.body["due"]["count"] == 0 and answer.body["last_sweep"])


async def test_all_is_well_when_nothing_waits(admin: Browser) -> None:
    async with admin.desk.working():
        await settled(admin.desk)
        await admin.desk.call("POST", "/reconcile")
        shown = await admin.open("/")
    assert shown.status == 200
    assert "Everything is as it should be." in shown.text and "can be reached" in shown.text
    assert "everything is as it stands here" in shown.text and "No differences." in shown.text
    assert "No file and no other system brought people yet." in shown.text


async def test_what_is_out_of_step_is_told_with_its_reason_and_a_link(admin: Browser) -> None:
    desk = admin.desk
    aylin = await desk.person()
    group = await desk.group("Frühschicht")
    now = datetime.now(UTC)
    async with desk.directory.write() as tx:
        due = await tx.due(Scope(kind=ScopeKind.USER, company_id=desk.company.id, id=aylin["id"]))
        assert due is not None
        await tx.fail_due(due, error="The room service said: <no>", next_attempt_at=now + timedelta(hours=1))
    shown = await admin.open("/")
    assert f'<a href="/people/{aylin["id"]}">Aylin Öztürk</a>' in shown.text
    assert f'<a href="/groups/{group["id"]}">Frühschicht</a>' in shown.text
    assert "Tried 1 time without success." in shown.text and "The room service said: &lt;no&gt;" in shown.text
    assert "cannot be reached" in shown.text, "nothing was reached yet: the loop does not run"
    assert "2 things need somebody" in shown.text
    admin.language = "de"
    assert '<span lang="en">The room service said: &lt;no&gt;</span>' in (await admin.open("/")).text


async def test_what_drifted_is_told(admin: Browser) -> None:
    desk = admin.desk
    async with desk.working():
        group = await desk.group()
        await settled(desk)
        room = desk.server.holdings(desk.company).rooms[group["slug"]]
        room.affiliations["fremd@firma.test"] = Affiliation.MEMBER
        desk.server.holdings(desk.company).rooms["strange"] = room
        await desk.call("POST", "/reconcile")
        await settled(desk)
        shown = await admin.open("/")
    assert "1 difference was found and put right." in shown.text
    assert "Room that the directory does not know (it stays): strange" in shown.text


async def test_off_boardings_are_overdue_after_a_while(admin: Browser) -> None:
    aylin = await person(admin.desk)
    begun = datetime.now(UTC)
    await users.deactivate(
        admin.desk.directory, admin.desk.company, aylin.id, actor="shell:root", reason=None, now=begun
    )
    shown = await admin.open("/")
    assert "1 is under way" in shown.text and "Command line (root)" in shown.text and "overdue" not in shown.text
    with time_machine.travel(begun + timedelta(minutes=6), tick=True):
        shown = await admin.open("/")
    assert "1 is overdue" in shown.text and "6 minutes" in shown.text


async def test_a_silent_source_is_told(admin: Browser) -> None:
    desk, now = admin.desk, datetime.now(UTC)
    async with desk.directory.write(desk.company.id) as tx:
        await tx.note_contact(desk.company.id, Door.HR, at=now - timedelta(hours=3))
        await tx.expect(desk.company.id, Door.HR, Expectation(every=sources.SHORTEST, since=now - timedelta(days=1)))
        await tx.expect(desk.company.id, Door.SCIM, Expectation(every=timedelta(days=1), since=now))
    shown = await admin.open("/")
    assert "silent" in shown.text and "Whoever left since may still have access" in shown.text
    assert "on time" in shown.text and "at intervals of 24 hours at most" in shown.text and "never" in shown.text


@pytest.mark.parametrize("decision", ["confirm", "discard"])
async def test_held_changes_are_decided_on_a_page_that_shows_them(admin: Browser, decision: str) -> None:
    desk = admin.desk
    assert await everybody_out(desk) == 3
    shown = await admin.open("/")
    assert "3 people would lose access at once." in shown.text
    named = re.search(r"Person \d, Person \d, Person \d", shown.text)
    assert named is not None and sorted(named[0].split(", ")) == ["Person 2", "Person 3", "Person 4"]
    path = re.search(r'href="(/held/[^"]+)"', shown.text)
    assert path is not None
    shown = await admin.open(path[1])
    assert "leave the company" in shown.text and shown.fields["people"] == "3"
    assert await names(desk, active=False) == ["Person 0", "Person 1"], "looking decides nothing"
    shown = await admin.send(path[1], {"people": "4", "decision": "confirm"})
    assert shown.status == 409 and "It is not the same any more" in shown.text
    assert await names(desk, active=False) == ["Person 0", "Person 1"]
    shown = await admin.send(path[1], {"people": "3", "decision": decision})
    assert (shown.status, shown.path) == (200, "/") and "/held/" not in shown.text
    left = ["Person 0", "Person 1", "Person 2", "Person 3", "Person 4"]
    assert await names(desk, active=False) == (left if decision == "confirm" else left[:2])
    assert (await admin.open(path[1])).status == 404


@pytest.mark.parametrize("decision", ["confirm", "discard"])
async def test_a_held_sweep_is_decided_in_the_same_way(admin: Browser, decision: str) -> None:
    desk = admin.desk
    async with desk.working():
        for number in range(12):
            await desk.group(f"Gruppe {number}")
        await settled(desk)
        rooms = desk.server.holdings(desk.company).rooms
        for room in rooms.values():
            room.affiliations["fremd@firma.test"] = Affiliation.MEMBER
        await desk.call("POST", "/reconcile")
        shown = await admin.open("/")
        assert "The repair would take something from 12 people, rooms and groups." in shown.text
        assert "waits for a decision" in shown.text
        shown = await admin.open("/held/sweep")
        shown = await admin.send("/held/sweep", {"people": shown.fields["people"], "decision": decision})
        assert shown.path == "/"
        if decision == "confirm":
            await settled(desk)
    left = sum("fremd@firma.test" in room.affiliations for room in rooms.values())
    assert left == (0 if decision == "confirm" else 12)
    assert (await admin.open("/held/sweep")).status == 404


async def test_who_may_look_decides_nothing(browser: Browser) -> None:
    desk = browser.desk
    await everybody_out(desk)
    await browser.sign_in(StaffRole.AUDITOR)
    shown = await browser.open("/")
    path = re.search(r'href="(/held/[^"]+)"', shown.text)
    assert path is not None
    shown = await browser.open(path[1])
    assert "Your role may look, but not decide." in shown.text and 'value="confirm"' not in shown.text
    assert (await browser.send(path[1], {"people": "3", "decision": "confirm"})).status == 403
    assert await names(desk, active=False) == ["Person 0", "Person 1"]


async def test_a_role_without_the_overview_is_told_what_it_may_do(browser: Browser) -> None:
    aylin = await person(browser.desk)
    browser.language = "de"
    await browser.sign_in(StaffRole.GROUP_LEAD, user=aylin)
    shown = await browser.open("/")
    assert "Guten Tag, Aylin Öztürk" in shown.text and "die Sie moderieren" in shown.text
    assert 'href="/audit"' not in shown.text and "Chat-Server" not in shown.text
    for path in ("/server", "/audit", "/audit/export", "/held/sweep"):
        assert (await browser.open(path)).status == 403


def refreshed(shown: Shown) -> str:
    found = re.search(r'hx-get="([^"]+)"', shown.text)
    assert found is not None
    return found[1]


async def test_it_refreshes_itself_and_says_nothing_where_nothing_is_new(admin: Browser) -> None:
    desk = admin.desk
    async with desk.working():
        await settled(desk)
        path = refreshed(await admin.open("/"))
        nothing = await admin.open(path, headers=BY_SCRIPT)
        assert (nothing.status, nothing.text) == (204, "")
    await desk.person()
    news = await admin.open(path, headers=BY_SCRIPT)
    assert news.status == 200 and "<html" not in news.text and "Aylin Öztürk" in news.text
    assert refreshed(news) != path


async def test_a_screen_that_nobody_touches_is_signed_out_all_the_same(admin: Browser) -> None:
    with time_machine.travel(datetime.now(UTC), tick=True) as clock:
        await admin.open("/")
        ends = datetime.now(UTC) + web_sessions.IDLE
        clock.shift(web_sessions.IDLE - timedelta(minutes=5))
        assert (await admin.open("/", headers=BY_SCRIPT)).status == 200
        clock.move_to(ends + timedelta(minutes=2))
        shown = await admin.open("/", headers=BY_SCRIPT, follow=False)
    assert (shown.status, shown.headers["HX-Redirect"]) == (401, "/sign-in?next=/")


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_it_costs_the_same_however_much_is_out_of_step(desk: Desk, signed_in: Browser) -> None:
    assert isinstance(desk.directory, SqlDirectory)
    costs = []
    for number in (3, 300):
        people = [a_user(desk.company) for _ in range(number)]
        async with desk.directory.write(desk.company.id) as tx:
            await tx.add_users(people)
            scopes = [Scope(kind=ScopeKind.USER, company_id=desk.company.id, id=user.id) for user in people]
            await tx.mark_due([Due(scope=scope) for scope in scopes])
        await signed_in.open("/")
        with count_statements(desk.directory) as sent:
            assert (await signed_in.open("/")).status == 200
        costs.append(len(sent))
    assert costs[0] == costs[1] <= 30
