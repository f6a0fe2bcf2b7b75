"""A company in which everything is that a page can show: the demo's people, and the rare cases beside them.

The whole application runs in the test's own process on the twins in memory, so that what seldom happens (a held mass
change of each door, a server that is away) can be made in a moment. Stories on a real server are in the other modules.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

from admin_api.oidc.settings import ProviderSettings
from kleanxmpp import companies, csv_file, doors, ids, importing, one_time_links, photos, sources, tokens
from kleanxmpp.due import Aspect, Due, Priority, Scope, ScopeKind
from kleanxmpp.edits import UserPatch
from kleanxmpp.event_ports import EventType, Webhook
from kleanxmpp.guard import Limits
from kleanxmpp.model import Door, Offboarding, User
from kleanxmpp.ports import UserFilter
from kleanxmpp.source_ports import Expectation
from kleanxmpp.statistics_ports import DailyCount
from kleanxmpp.testing_directory import MemoryDirectory
from kleanxmpp.website_ports import LinkPurpose
from tests.e2e.service import WEBSITE
from tests.factories import a_credential
from tests.integration.admin_api.desk import LOOPBACK, SETTINGS, Desk, opened
from tests.photos import a_picture

DOMAIN, NAME = "glanz.test", "Glanz & Gloria"
LONG_NAME = "Maximiliane-Charlotte von Hohenstein-Wittelsbach zu Lauenburg"
LONG_ADDRESS = "maximiliane-charlotte.von-hohenstein-wittelsbach.zu.lauenburg@gebaeudereinigung.glanz.test"
LONG_GROUP = "Objekt Verwaltungsgebäude Landesversicherungsanstalt, Unterhaltsreinigung Nord und Süd, Spätschicht"
_OUT = UserPatch(fields=frozenset({"active"}), active=False)
_ALMOST_NOBODY = Limits(people=1, percent=0.0)


@dataclass(slots=True, kw_only=True)
class Town:
    """The company and where to find what is in it. `empty` is a company of the same server that has nothing yet."""

    desk: Desk
    empty: Desk
    known: dict[str, str] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def user(self, user_id: str) -> User:
        async with self.desk.directory.read() as tx:
            found = await tx.user(self.desk.company.id, user_id)
        assert found is not None
        return found

    async def newcomer(self, name: str = "Nele Neumann", **facts: Any) -> str:
        return str((await self.desk.person(name, **facts))["id"])

    async def join_code(self, *, uses: int = 3) -> str:
        desk, user_id = self.desk, await self.newcomer()
        _, code = await one_time_links.make_join(
            desk.directory, desk.company, user_id, uses=uses, actor="test", now=self.now
        )
        return code

    async def settled(self) -> None:
        """Wait until the server has everything."""
        await self.desk.until("/status", lambda answer: answer.body["due"]["count"] == 0)

    async def called(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.desk.call(method, path, body)
        assert answer.status < 300, answer.text
        return answer.body if answer.text else None


@asynccontextmanager
async def town() -> AsyncIterator[Town]:
    """Open the company with its everyday life; its loop is at work."""
    nobody_there = ProviderSettings(
        issuer="http://127.0.0.1:9",
        client_id="chat",
        labels={"de": "Mit KleanApp anmelden", "en": "Sign in with KleanApp"},
    )
    settings = replace(
        SETTINGS,
        website_folder=WEBSITE,
        trusted_proxies=LOOPBACK,
        requests_per_second=1000.0,
        sign_in_at={DOMAIN: nobody_there},
    )
    directory, now = MemoryDirectory(), datetime.now(UTC)
    async with opened(directory, settings=settings) as empty:
        company = await companies.add_company(directory, domain=DOMAIN, name=NAME, actor="demo", now=now)
        _, token = await tokens.issue(
            directory, company_id=company.id, name="Personalsystem", scopes=[tokens.ADMIN], actor="demo", now=now
        )
        made = Town(desk=replace(empty, company=company, token=token), empty=empty)
        async with empty.working():
            await _everybody(made)
            await _everyday(made)
            await made.settled()
            yield made


async def _everybody(town: Town) -> None:
    source = resources.files("kleanxmpp.demo") / "glanz-und-gloria.csv"
    rows = csv_file.parse(source.read_bytes().splitlines(keepends=True))
    await importing.import_people(
        town.desk.directory, town.desk.company, rows,
        announcements=("Meldungen",), actor="shell:root", reason="Erster Import", now=town.now,
    )  # fmt: skip


async def _everyday(town: Town) -> None:
    """Add a person with everything, one with long names, one who left, and groups to go with them."""
    desk, known = town.desk, town.known
    attributes = {"site": ["Objekt 12"], "department": ["Glasreinigung"]}
    known["mara"] = await town.newcomer(
        "Mara Berger", email="mara.berger@glanz.test", external_id="GG-2001", attributes=attributes
    )
    known["long"] = await town.newcomer(LONG_NAME, email=LONG_ADDRESS, attributes=attributes)
    known["left"] = await town.newcomer("Leo Lange", email="leo.lange@glanz.test")
    known["away"] = await town.newcomer("Paula Pause", attributes=attributes)
    known["barred"] = await town.newcomer("Otto Ohne", chat_permission=False)
    groups = {
        "group": "Glasreinigung Innenstadt",
        "wide": LONG_GROUP,
        "bare": "Neue Gruppe Ost",
        "over": "Objekt Altmarkt",
    }
    for name, title in groups.items():
        made = await desk.group(title, description="Fenster, Fassaden und Glasdächer.\nTreffpunkt: Lager 2")
        known[name], known[f"{name} slug"] = made["id"], made["slug"]
    members = [{"user_id": known["mara"], "role": "moderator"}, *({"user_id": known[one]} for one in ("long", "left"))]
    await town.called("PUT", f"/groups/{known['group']}/members", {"members": members})
    await town.called("PUT", f"/groups/{known['wide']}/members", {"members": members[:2]})
    await town.called("PATCH", f"/groups/{known['wide']}", {"rule": 'site = "Objekt 12"'})
    await town.called("PUT", f"/groups/{known['wide']}/exceptions/{known['away']}")
    await town.called("PUT", f"/groups/{known['over']}/members", {"members": members})
    await town.called("POST", f"/groups/{known['over']}/archive")
    await town.settled()
    await _of_mara(town)
    left = await town.called("POST", f"/users/{known['left']}/deactivate", {"reason": "Vertrag endet"})
    known["offboarding"] = left["id"]
    await town.called("POST", f"/users/{known['away']}/deactivate", {"mode": "paused", "returns_on": "2030-01-07"})


async def _of_mara(town: Town) -> None:
    """Give her devices, a link, browsers, a history, and a plan."""
    desk, mara = town.desk, town.known["mara"]
    await town.called("POST", f"/users/{mara}/deactivate", {"reason": "Vertrag endet"})
    await town.settled()
    await town.called("POST", f"/users/{mara}/reactivate", {"reason": "Vertrag verlängert"})
    await town.settled()
    portrait = a_picture(colours=((240, 180, 60), (40, 120, 160)))
    await photos.set_photo(desk.directory, desk.company, mara, portrait, actor="test", now=town.now)
    user = await town.user(mara)
    async with desk.directory.write(desk.company.id) as tx:
        await tx.add_credentials([a_credential(user, label="Android"), a_credential(user, label="Computer")])
    desk.server.log_in(desk.company, user.username, "Conversations.Ab3x")
    await one_time_links.make_join(desk.directory, desk.company, mara, actor="test", now=town.now)
    _, code = await one_time_links.make_chat(desk.directory, desk.company, mara, actor="test", now=town.now)
    await one_time_links.sign_in(desk.directory, code, purpose=LinkPurpose.CHAT, now=town.now)
    leaving = {"user_id": mara, "type": "employee.left", "effective_at": "2030-03-31T22:00:00Z", "reason": "Befristet"}
    await town.called("POST", "/scheduled", leaving)


async def trouble(town: Town) -> None:
    """Let everything wait for somebody: held by each door, silent, failed, late."""
    desk, now = town.desk, town.now
    async with desk.directory.read() as tx:
        people = await tx.page_users(desk.company.id, after=None, limit=40, matching=UserFilter(text="", active=True))
    for number, (door, actor) in enumerate(
        ((Door.IMPORT, "shell:root"), (Door.SCIM, "token:1"), (Door.HR, "hook:1"), (Door.BULK, "token:2"))
    ):
        some = [(one, _OUT) for one in people[8 * number : 8 * number + 8]]
        async with desk.directory.write(desk.company.id) as tx:
            await doors.say(
                tx,
                desk.company,
                some,
                door=door,
                limits=_ALMOST_NOBODY,
                actor=actor,
                reason="Austritt laut Liste",
                now=now,
            )
    async with desk.directory.write(desk.company.id) as tx:
        for hold in await tx.holds(desk.company.id):
            town.known[f"hold {hold.door}"] = hold.id
        await tx.note_contact(desk.company.id, Door.HR, at=now - timedelta(hours=3))
        await tx.expect(desk.company.id, Door.HR, Expectation(every=sources.SHORTEST, since=now - timedelta(days=1)))
        await tx.save_webhook(
            Webhook(
                id=ids.new_id(), company_id=desk.company.id, url="https://app.glanz.test/hook", secret="s",
                types=frozenset(EventType), failing_since=now - timedelta(hours=5), created_at=now,
            )
        )  # fmt: skip
        for number in range(28):
            day = now.date() - timedelta(days=number)
            count = 900 - 13 * number if day.weekday() < 5 else 120
            await tx.save_daily_count(
                DailyCount(company_id=desk.company.id, day=day, messages=count, active_people=count // 20)
            )
    await _unproven(town)
    desk.server.add_group_members(desk.company, "klean-may-chat", [f"fremd{number}" for number in range(300)])
    assert (await desk.call("POST", "/reconcile")).problem == "unsafe-plan"
    desk.server.away = True
    await town.newcomer("Wanda Wartend")


async def _unproven(town: Town) -> None:
    """Let somebody's off-boarding be under way for too long, and a group fail."""
    desk, now = town.desk, town.now
    scope = Scope(kind=ScopeKind.GROUP, company_id=desk.company.id, id=town.known["wide"])
    mark = Due(scope=scope, aspects=Aspect.ALL, priority=Priority.CHANGE, marked_at=now)
    overdue = Offboarding(
        id=ids.new_id(), company_id=desk.company.id, user_id=town.known["long"], reason="Vertrag endet",
        actor="shell:root", requested_at=now - timedelta(minutes=20),
    )  # fmt: skip
    town.known["overdue"] = overdue.id
    async with desk.directory.write(desk.company.id) as tx:
        await tx.add_offboardings([overdue])
        await tx.mark_due([mark])
    async with desk.directory.write() as tx:
        due = await tx.due(mark.scope)
        assert due is not None
        await tx.fail_due(due, error="The room service said: conflict", next_attempt_at=now + timedelta(hours=1))
