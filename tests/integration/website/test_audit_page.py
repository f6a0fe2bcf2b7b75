"""The audit log on the website: in words, searched, paged, verified, and taken away."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest

import kleanxmpp
from admin_api.website import audit_facts, audit_words, words
from kleanxmpp import chains, users, webhooks
from kleanxmpp.event_ports import EventType
from kleanxmpp.model import Absence, AuditEntry, Company, Door, GroupKind
from kleanxmpp.scheduled_ports import ChangeKind
from kleanxmpp.website_ports import LinkPurpose, StaffRole
from tests.integration.admin_api.desk import Desk
from tests.integration.website.browser import Browser, Shown
from tests.integration.website.test_signing_in import person


async def until(browser: Browser, path: str, holds: Callable[[Shown], bool]) -> Shown:
    async with asyncio.timeout(10):
        while not holds(shown := await browser.open(path)):
            await asyncio.sleep(0.01)
    return shown


def rows(shown: Shown) -> list[str]:
    """What the entries say, without tags."""
    found = re.findall(r"<tr>\s*(<td>.*?)</tr>", shown.text, re.DOTALL)
    return [
        " ".join(re.sub(r"<details.*?</details>|</td>|(<[^>]+>)", _spaced, one, flags=re.DOTALL).split())
        for one in found
    ]


def _spaced(tag: re.Match[str]) -> str:
    return "" if tag[1] else " "


async def noted(desk: Desk, number: int, *, at: datetime | None = None) -> None:
    entries = [
        AuditEntry(
            company_id=desk.company.id,
            at=at or datetime.now(UTC),
            actor="shell:root",
            action="group.changed",
            subject=f"group:{one}",
            details={"fields": ["name", "unheard_of"]},
        )
        for one in range(number)
    ]
    async with desk.directory.write(desk.company.id) as tx:
        await tx.add_audit(entries)


def test_every_action_of_the_code_base_has_words_and_nothing_else_has() -> None:
    events = {*(event.value for event in EventType), webhooks.TEST}
    attributes = {"user.locale", "user.email_domain"}
    areas = "|".join(audit_words.AREAS)
    found = set()
    for module in files(kleanxmpp).iterdir():
        if module.name.endswith(".py"):
            text = module.read_text(encoding="utf-8")
            found.update(re.findall(rf'"((?:{areas})\.[a-z_]+)"', text))
            found.update(
                f"group.{word}" for word in re.findall(r'group_records\.record\(\s*tx,\s*\w+,\s*"(\w+)"', text)
            )
    assert found - events - attributes == set(audit_words.ACTIONS)
    german = words.translations("de")
    assert all(german.gettext(one).count("%(whom)s") == one.count("%(whom)s") for one in audit_words.ACTIONS.values())


def test_everything_that_an_entry_may_hold_has_words() -> None:
    values = {name: set(known) for name, known in audit_facts.VALUES.items()}
    assert values["kind"] == {*GroupKind, *ChangeKind}
    assert (values["absence"], values["purpose"]) == ({*Absence}, {*LinkPurpose})
    assert values["door"] == {*Door}
    assert audit_facts.ROLES.keys() == {*StaffRole}
    assert {*Company.__dataclass_fields__} - {"id", "domain"} <= audit_facts.FIELDS.keys()


@pytest.mark.parametrize(
    ("action", "details", "english", "german"),
    [
        ("group.circle_changed", {"put": 3, "removed": 1}, "In or with another role: 3. Out: 1.", "Heraus: 1."),
        (
            "user.roles_changed",
            {"before": [], "after": ["hr", "auditor"]},
            "Now: HR, Auditor.",
            "Vorher: keine. Jetzt: Personalabteilung, Revision.",
        ),
        ("user.absent", {"absence": "garden_leave", "until": None}, "(on garden leave)", "(freigestellt)"),
        ("offboarding.completed", {"offboarding": "1", "mode": "left"}, "(Left the company)", "(Austritt)"),
        (
            "hold.confirmed",
            {"door": "scim", "people": 12, "skipped": 0},
            "(Identity provider (SCIM); People: 12; Left alone: 0)",
            "Personen: 12",
        ),
        (
            "session.began",
            {"by": "oidc", "session": "1"},
            "(with the company&#39;s account)",
            "(mit dem Konto des Unternehmens)",
        ),
        (
            "webhook.disabled",
            {"why": "The receiver answered 410 Gone."},
            "410 Gone",
            "(Der Empfänger hat sich abgemeldet (410).)",
        ),
        ("link.made", {"link": "1", "purpose": "join", "uses": 3}, "(Set up a device)", "(Gerät einrichten)"),
        ("from.tomorrow", {"kind": "strange", "people": True}, "from.tomorrow", "from.tomorrow"),
    ],
)
async def test_what_else_an_entry_says_is_told_in_words(
    admin: Browser, action: str, details: Mapping[str, object], english: str, german: str
) -> None:
    desk = admin.desk
    entry = AuditEntry(
        company_id=desk.company.id,
        at=datetime.now(UTC),
        actor="shell:root",
        action=action,
        subject=f"company:{desk.company.id}",
        details=details,
    )
    async with desk.directory.write(desk.company.id) as tx:
        await tx.add_audit([entry])
    assert english in (await admin.open("/audit")).text
    admin.language = "de"
    assert german in (await admin.open("/audit")).text


async def test_an_entry_names_whom_it_is_about(admin: Browser) -> None:
    desk = admin.desk
    aylin = await desk.person("Aylin Öztürk")
    group = await desk.group("Nord", rule={"attribute": "site", "in": ["Nord"]})
    await desk.call("PUT", f"/groups/{group['id']}/exceptions/{aylin['id']}")
    assert "an exception from the rule was added (Aylin Öztürk)" in rows(await admin.open("/audit"))[0]


async def test_the_log_is_told_in_words_with_names_from_the_directory(admin: Browser) -> None:
    desk = admin.desk
    aylin = await desk.person("Aylin <b>Öztürk")
    await desk.call("PATCH", f"/users/{aylin['id']}", {"email": "a@post.test"})
    shown = await admin.open("/audit")
    changed, added = rows(shown)[:2]
    assert "Aylin &lt;b&gt;Öztürk was changed (e-mail address) Interface “admin”" in changed
    assert "Aylin &lt;b&gt;Öztürk was added" in added
    assert f'<a href="/people/{aylin["id"]}">' in shown.text and "a@post.test" not in shown.text
    admin.language = "de"
    assert "neu aufgenommen" in rows(await admin.open("/audit"))[1]


async def test_of_erased_people_the_log_says_no_name(admin: Browser) -> None:
    desk = admin.desk
    aylin = await person(desk)
    await users.erase(
        desk.directory, desk.company, aylin.id, actor=f"user:{aylin.id}", reason=None, now=datetime.now(UTC)
    )
    assert "Aylin" in (await admin.open("/audit")).text
    async with desk.working():
        shown = await until(admin, "/audit", lambda found: any("was erased" in row for row in rows(found)))
    assert "Aylin" not in shown.text and "An erased person" in shown.text


async def test_an_action_without_words_is_told_by_its_name(admin: Browser) -> None:
    entry = AuditEntry(
        company_id=admin.desk.company.id, at=datetime.now(UTC), actor="x", action="new.thing", subject="y:1", details={}
    )
    async with admin.desk.directory.write(admin.desk.company.id) as tx:
        await tx.add_audit([entry])
    assert "y:1: new.thing x" in rows(await admin.open("/audit"))[0]


async def test_the_log_is_searched(admin: Browser) -> None:
    desk = admin.desk
    await desk.person("Aylin Öztürk")
    await desk.person("Jürgen Maß")
    await noted(desk, 1, at=datetime.now(UTC) - timedelta(days=40))
    assert [row.partition("was")[0].split()[-2:] for row in rows(await admin.open("/audit?q=öztürk"))] == [
        ["Aylin", "Öztürk"]
    ]
    assert rows(await admin.open("/audit?q=niemand")) == [] and admin.last and "No entry fits" in admin.last.text
    assert len(rows(await admin.open("/audit?action=user.added"))) == 2
    assert len(rows(await admin.open("/audit?by=shell"))) == 1
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert not any("group changed" in row for row in rows(await admin.open(f"/audit?from={today}")))
    old = rows(await admin.open(f"/audit?to={datetime.now(UTC) - timedelta(days=30):%Y-%m-%d}"))
    assert len(old) == 1 and "A deleted group: group changed (name, unheard_of) Command line (root)" in old[0]
    shown = await admin.open("/audit?from=gestern")
    assert shown.status == 422 and "Please write dates like" in shown.text
    assert (await admin.open("/audit?to=9999-12-31")).status == 422
    assert (await admin.open("/audit?before=x")).status == 404


async def test_the_log_is_paged_and_the_search_stays(admin: Browser) -> None:
    await noted(admin.desk, 120)
    path, seen = "/audit?action=group.changed", []
    while path:
        shown = await admin.open(path)
        seen += re.findall(r"subject</dt><dd><code>group:(\d+)<", shown.text)
        older = re.search(r'<a href="([^"]+)">Older entries', shown.text)
        path = older[1].replace("&amp;", "&") if older else ""
    assert seen == [str(number) for number in reversed(range(120))]
    assert 'href="/audit?action=group.changed">To the newest' in shown.text


async def test_the_chain_is_verified_when_somebody_asks(admin: Browser) -> None:
    desk = admin.desk
    assert "was not verified since the service started" in (await admin.open("/audit")).text
    await admin.send("/audit/chain")
    shown = await until(admin, "/audit/chain", lambda found: "Log intact" in found.text)
    assert "data-live" not in shown.text, "nothing is asked for again once it is known"
    async with desk.directory.write(desk.company.id) as tx:
        entries = tx._tables.audit  # type: ignore[attr-defined]  # past the program, as somebody with the database would
        entries[0] = replace(entries[0], actor="somebody")
    await admin.open("/audit")
    await admin.send("/audit/chain")
    shown = await until(admin, "/audit/chain", lambda found: "tampered" in found.text)
    assert "✕" in shown.text and "data-live" not in shown.text


async def test_the_doctor_verifies_the_chain_on_his_rounds(admin: Browser) -> None:
    async with admin.desk.working():
        await admin.desk.call("GET", "/doctor")
    assert "Log intact" in (await admin.open("/audit")).text


async def test_the_whole_log_is_taken_away_as_it_is_kept(admin: Browser) -> None:
    await noted(admin.desk, 1500)
    shown = await admin.open("/audit/export")
    assert shown.headers["Content-Type"] == "application/jsonl"
    assert re.search(r'attachment; filename="audit-firma\.test-[\d-]+\.jsonl"', shown.headers["Content-Disposition"])
    lines = shown.text.splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(1, len(lines) + 1))
    async with admin.desk.directory.read() as tx:
        page = await tx.page_chain(admin.desk.company.id, after=chains.after_number(0), limit=9999)
    assert lines == [chains.line_of(entry) for entry in page]


@pytest.mark.parametrize(
    ("role", "status"), [(StaffRole.AUDITOR, 200), (StaffRole.HR, 200), (StaffRole.GROUP_LEAD, 403)]
)
async def test_the_log_needs_its_scope(browser: Browser, role: StaffRole, status: int) -> None:
    await browser.sign_in(role)
    assert (await browser.open("/audit")).status == status
    assert (await browser.open("/audit/export")).status == status
    await browser.open("/audit")
    assert (await browser.send("/audit/chain")).status == status
