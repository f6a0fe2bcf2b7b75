"""Everything that changes something leaves an entry in the audit log: all use cases, walked one after another.

A use case is what takes a directory and an actor. A new one fails this test until it is walked here.
"""

import asyncio
import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import kleanxmpp
from admin_api.website import audit_facts, audit_words
from kleanxmpp import (
    announcements,
    chains,
    circles,
    companies,
    credentials,
    csv_file,
    files,
    group_rules,
    groups,
    guard,
    holds,
    hr,
    ids,
    import_rows,
    importing,
    on_schedule,
    one_time_links,
    photos,
    rule_text,
    scheduling,
    signing,
    staff_roles,
    tokens,
    users,
    web_sessions,
    webhooks,
)
from kleanxmpp.destinations import NOBODY
from kleanxmpp.drafts import NewUser
from kleanxmpp.edits import UserPatch
from kleanxmpp.event_ports import EventType
from kleanxmpp.file_ports import File, FileState
from kleanxmpp.model import AuditEntry, Company, Mode, Role, User
from kleanxmpp.ports import Directory
from kleanxmpp.reconcile import Pace, Reconciler
from kleanxmpp.scopes import Worker
from kleanxmpp.steps import Steps
from kleanxmpp.sweep import sweep
from kleanxmpp.testing_server import MemoryServer
from kleanxmpp.website_ports import LinkPurpose, StaffRole
from tests.photos import a_picture

PACE = Pace(workers=4, sweep_interval=3600.0, retry_min=0.01, retry_max=0.05, probe_interval=0.01)
NO_ACTOR_GIVEN = {users.end_absences, one_time_links.sign_in, one_time_links.set_up_device}
"""Use cases that know by themselves who acts: the schedule, or whoever holds a link."""
NEVER_LOGGED = ("Zoë", "Wichtig", "zoe.wichtig", "@post", "Fundsachen", "Verloren", "Taschentelefon", "Schluessel")
"""Parts of names, usernames, addresses and texts that the walk gives to people, groups, devices and tokens."""


@dataclass(slots=True, kw_only=True)
class Walk:
    """A company, and which use cases were called on it."""

    directory: Directory
    company: Company
    server: MemoryServer = field(default_factory=MemoryServer)
    walked: set[Callable[..., Any]] = field(default_factory=set)
    secrets: list[str] = field(default_factory=list)
    seen: dict[str | None, int] = field(default_factory=dict)

    async def step(self, use_case: Callable[..., Awaitable[Any]], *arguments: Any, **options: Any) -> Any:
        self.walked.add(use_case)
        options = {"actor": "token:walk", "now": datetime.now(UTC)} | options
        known = inspect.signature(use_case).parameters
        return await use_case(
            self.directory, *arguments, **{name: value for name, value in options.items() if name in known}
        )

    async def entries(self, company_id: str | None, *, after: int = 0) -> Sequence[AuditEntry]:
        async with self.directory.read() as tx:
            return await tx.page_chain(company_id, after=chains.after_number(after), limit=500)

    async def written(self, *actions: str, reason: str | None = None, operators: bool = False) -> list[AuditEntry]:
        """Return what was written since the last call: entries with just these actions and this reason."""
        chain = None if operators else self.company.id
        new = list(await self.entries(chain, after=self.seen.get(chain, 0)))
        assert [entry.action for entry in new] == list(actions)
        assert {entry.reason for entry in new} <= {reason}
        self.seen[chain] = new[-1].number if new else self.seen.get(chain, 0)
        return new

    async def settled(self) -> None:
        """Do what is due, like the running service."""
        worker = Worker(steps=Steps(directory=self.directory, server=self.server, rooms_prefix="gruppen"))
        working = asyncio.create_task(
            Reconciler(directory=self.directory, server=self.server, worker=worker, pace=PACE).run()
        )
        async with asyncio.timeout(20):
            while True:
                async with self.directory.read() as tx:
                    if await tx.count_due(self.company.id) == 0:
                        break
                await asyncio.sleep(0.005)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


def use_cases() -> set[Callable[..., Any]]:
    """Return the coroutine functions of the core's modules that take a directory and an actor."""
    found = set()
    for module in pkgutil.iter_modules(kleanxmpp.__path__):
        if module.ispkg or module.name.startswith("testing"):
            continue
        for _, function in inspect.getmembers(
            importlib.import_module(f"kleanxmpp.{module.name}"), inspect.iscoroutinefunction
        ):
            if {"directory", "actor"} <= inspect.signature(function).parameters.keys():
                found.add(function)
    return {function for function in found if not function.__name__.startswith("_")}


async def test_every_use_case_leaves_one_meaningful_entry(directory: Directory) -> None:
    company = await companies.add_company(
        directory, domain="firma.test", name="Wichtig GmbH", actor="token:walk", now=datetime.now(UTC)
    )
    walk = Walk(directory=directory, company=company, walked={companies.add_company})
    (entry,) = await walk.written("company.added")
    assert entry.subject == f"company:{company.id}"
    zoe = await walk_people(walk)
    await walk_devices_and_tokens(walk, zoe)
    await walk_files(walk, zoe)
    await walk_photos(walk, zoe)
    await walk_groups(walk, zoe)
    await walk_companies(walk)
    await walk_imports_and_sweeps(walk)
    await walk_holds(walk)
    await walk_hooks(walk)
    await walk_webhooks(walk)
    await walk_website(walk, zoe)
    await walk_leaving(walk, zoe)
    assert walk.walked - NO_ACTOR_GIVEN == use_cases()
    await assert_all_are_sound(walk)


async def assert_all_are_sound(walk: Walk) -> None:
    for chain in (walk.company.id, None):
        for entry in await walk.entries(chain):
            assert re.fullmatch(r"token:walk|schedule|service|(user|link|session):[0-9a-f-]+", entry.actor)
            subject = r"(user|group|company|token|hold|secret|scheduled|webhook|link|session):([0-9a-f-]+|sweep)"
            assert re.fullmatch(subject, entry.subject)
            assert entry.action in audit_words.ACTIONS, "the website says it in words"
            assert {*entry.details.get("fields", ())} <= audit_facts.FIELDS.keys(), "and what of it changed"
            text = json.dumps([entry.details, entry.subject, entry.actor], ensure_ascii=False)
            for word in (*NEVER_LOGGED, *walk.secrets):
                assert word not in text, entry.action
        async with walk.directory.read() as tx:
            assert (await chains.verify(tx, chain)).intact


async def walk_people(walk: Walk) -> User:
    new = NewUser(display_name="Zoë Wichtig", username="zoe.wichtig", external_id="4711", email="zoe@post.test")
    zoe: User = await walk.step(users.add_user, walk.company, new)
    (entry,) = await walk.written("user.added")
    assert (entry.subject, entry.details) == (f"user:{zoe.id}", {"active": True, "chat_permission": True})
    fields = frozenset({"display_name", "email", "admin"})
    patch = UserPatch(fields=fields, display_name="Zoë Wichtig-Neu", email="neu@post.test", admin=True)
    await walk.step(users.update_user, walk.company, zoe.id, patch)
    (entry,) = await walk.written("user.changed")
    assert entry.details == {"fields": ["display_name", "email", "admin"]}
    withdrawn = UserPatch(fields=frozenset({"chat_permission"}), chat_permission=False)
    await walk.step(users.update_user, walk.company, zoe.id, withdrawn)
    (entry,) = await walk.written("user.permission_withdrawn")
    off = entry.details["offboarding"]
    await walk.step(users.put_user, walk.company, new)
    granted, _, cancelled = await walk.written("user.permission_granted", "user.changed", "offboarding.cancelled")
    assert (granted.details, cancelled.details) == ({}, {"offboarding": off, "mode": "permission_withdrawn"})
    until = datetime.now(UTC) + timedelta(days=1)
    pause = users.Departure(mode=Mode.PAUSED, until=until)
    await walk.step(users.deactivate, walk.company, zoe.id, departure=pause, reason="Elternzeit")
    (entry,) = await walk.written("user.absent", reason="Elternzeit")
    assert (entry.details["absence"], entry.details["until"]) == ("paused", until.isoformat())
    await walk.settled()
    (entry,) = await walk.written("offboarding.completed", reason="Elternzeit")
    assert entry.actor == "service"
    await walk.step(users.end_absences, now=until)
    (entry,) = await walk.written("user.absence_ended", reason="the absence ended")
    assert entry.actor == "schedule"
    return zoe


async def walk_devices_and_tokens(walk: Walk, zoe: User) -> None:
    phone, secret = await walk.step(credentials.issue, walk.company, zoe.id, label="Taschentelefon")
    (entry,) = await walk.written("credential.issued")
    assert (entry.subject, entry.details) == (f"user:{zoe.id}", {"credential": phone.id})
    await walk.step(credentials.revoke, walk.company, zoe.id, phone.id)
    (entry,) = await walk.written("credential.revoked")
    assert entry.details == {"credential": phone.id}
    walk.secrets.append(secret)
    for owner in (walk.company.id, None):
        token, secret = await walk.step(tokens.issue, company_id=owner, name="Schluessel", scopes=["users:read"])
        await walk.step(tokens.revoke, company_id=owner, token_id=token.id)
        both = await walk.written("token.issued", "token.revoked", operators=owner is None)
        assert {entry.subject for entry in both} == {f"token:{token.id}"}
        walk.secrets.append(secret)


async def walk_files(walk: Walk, zoe: User) -> None:
    now, until = datetime.now(UTC), datetime.now(UTC) + timedelta(days=1)
    file = File(
        id=ids.new_id(), company_id=walk.company.id, user_id=zoe.id, name="Taschentelefon.jpg", size=1,
        media_type="image/jpeg", created_at=now, expires_at=until, state=FileState.STORED,
    )  # fmt: skip
    async with walk.directory.write(walk.company.id) as tx:
        await tx.add_file(file, token_sha256=ids.sha256_hex("link"))
    await walk.step(files.erase_file, None, walk.company, file.id)
    (entry,) = await walk.written("file.erased")
    assert (entry.subject, entry.details) == (f"user:{zoe.id}", {"file": file.id})
    async with walk.directory.write(walk.company.id) as tx:
        await tx.delete_files([file.id])


async def walk_photos(walk: Walk, zoe: User) -> None:
    after = await walk.step(photos.set_photo, walk.company, zoe.id, a_picture())
    (entry,) = await walk.written("user.photo_changed")
    assert (entry.subject, entry.details) == (f"user:{zoe.id}", {"sha1": after.photo_sha1})
    await walk.step(photos.remove_photo, walk.company, zoe.id)
    (entry,) = await walk.written("user.photo_removed")
    assert (entry.subject, entry.details) == (f"user:{zoe.id}", {"sha1": None})


async def walk_groups(walk: Walk, zoe: User) -> None:
    group = await walk.step(groups.add_group, walk.company, name="Fundsachen", description="Verloren")
    patch = groups.GroupPatch(description="Verloren und gefunden")
    await walk.step(groups.update_group, walk.company, group.id, patch)
    added, changed = await walk.written("group.added", "group.changed")
    assert (added.details, changed.details) == ({"kind": "team"}, {"fields": ["description"]})
    await walk.step(circles.change_circle, walk.company, group.id, put={zoe.id: None})
    (entry,) = await walk.written("group.circle_changed")
    assert (entry.subject, entry.details) == (f"group:{group.id}", {"put": {zoe.id: "member"}, "removed": []})
    await walk.step(circles.replace_circle, walk.company, group.id, {zoe.id: Role.MODERATOR})
    await walk.written("group.circle_changed")
    await walk_rules(walk, zoe, group.id)
    for _ in range(2):
        await walk.step(groups.archive_group, walk.company, group.id)
    for _ in range(2):
        await walk.step(groups.restore_group, walk.company, group.id)
    once = await walk.written("group.archived", "group.restored")
    assert [(entry.subject, entry.details) for entry in once] == [(f"group:{group.id}", {})] * 2
    await walk.step(groups.delete_group, walk.company, group.id)
    await walk.written("group.deleted")


async def walk_rules(walk: Walk, zoe: User, group_id: str) -> None:
    """Rules and attributes may name people (a manager), so neither is ever written down."""
    rule = rule_text.parse('manager = "Zoë Wichtig"')
    await walk.step(circles.change_circle, walk.company, group_id, put={}, remove=[zoe.id])
    await walk.step(groups.update_group, walk.company, group_id, groups.GroupPatch(rule=rule))
    patch = UserPatch(fields=frozenset({"attributes"}), attributes={"manager": ("Zoë Wichtig",)})
    await walk.step(users.update_user, walk.company, zoe.id, patch)
    _, changed, _, joined = await walk.written(
        "group.circle_changed", "group.changed", "user.changed", "group.circle_changed"
    )
    assert changed.details == {"fields": ["rule"]}
    assert joined.details == {"put": {zoe.id: "member"}, "removed": [], "by_rule": True, "size": 1}
    await walk.step(group_rules.add_exception, walk.company, group_id, zoe.id)
    await walk.step(group_rules.remove_exception, walk.company, group_id, zoe.id)
    entries = await walk.written(
        "group.exception_added", "group.circle_changed", "group.exception_removed", "group.circle_changed"
    )
    assert entries[0].details == entries[2].details == {"user": zoe.id}


async def walk_companies(walk: Walk) -> None:
    for enabled in (False, True):
        patch = companies.CompanyPatch(name="Sehr Wichtig GmbH", enabled=enabled)
        await walk.step(companies.update_company, walk.company, patch, reason="Vertrag")
        if enabled:
            changed, _ = await walk.written("company.changed", "offboarding.cancelled", reason="Vertrag")
        else:
            (changed,) = await walk.written("company.changed", reason="Vertrag")
        assert changed.details["enabled"] is enabled


async def walk_imports_and_sweeps(walk: Walk) -> None:
    rows = csv_file.parse("display_name,groups\nZoë Zwei,Fundsachen*\n".encode().splitlines(keepends=True))
    await walk.step(importing.import_people, walk.company, rows, reason="Umzug")
    await walk.written("user.added", "group.added", "group.circle_changed", reason="Umzug")
    await walk.step(importing.import_people, walk.company, rows, reason="Umzug", dry_run=True)
    await walk.written()
    for day, action in (("31.12.2099", "scheduled.added"), ("30.12.2099", "scheduled.changed")):
        rows = csv_file.parse([f"display_name,leaves_on\nZoë Zwei,{day}\n".encode()])
        await walk.step(importing.import_people, walk.company, rows, reason="Umzug")
        await walk.written(action, reason="Umzug")
    for options, actions in (
        ({}, ["sweep.started"]),
        ({"force": True}, ["sweep.forced"]),
        ({"dry_run": True}, []),
        ({"actor": None}, []),
    ):
        await walk.step(sweep, walk.server, walk.company, rooms_prefix="gruppen", pace=(0.2, 10), **options)
        for entry in await walk.written(*actions):
            assert entry.subject == f"company:{walk.company.id}"
            assert entry.details.keys() == {"differing", "removing"}


async def walk_holds(walk: Walk) -> None:
    def rows(active: str) -> Sequence[import_rows.Row]:
        lines = ["display_name,external_id,active", *(f"Yvo Wichtig {n},{n},{active}" for n in range(3))]
        return csv_file.parse([f"{line}\n".encode() for line in lines])

    limits = guard.Limits(people=1, percent=100)
    await walk.step(importing.import_people, walk.company, rows("yes"), reason=None)
    await walk.written(*["user.added"] * 3)
    await walk.step(importing.import_people, walk.company, rows("no"), limits=limits, reason="Umzug")
    *_, last = await walk.written("user.held", "user.held", "user.deactivated", reason="Umzug")
    (hold,) = await holds.pending(walk.directory, walk.company)
    await walk.step(holds.confirm, walk.company, hold.id)
    gone = await walk.entries(walk.company.id, after=last.number)
    assert [entry.action for entry in gone] == ["user.deactivated", "user.deactivated", "hold.confirmed"]
    walk.seen[walk.company.id] = gone[-1].number
    await walk.settled()
    await walk.step(importing.import_people, walk.company, rows("yes"), reason=None)
    await walk.step(importing.import_people, walk.company, rows("no"), limits=limits, reason=None)
    (hold,) = await holds.pending(walk.directory, walk.company)
    await walk.step(holds.discard, walk.company, hold.id)
    await walk.step(holds.note_decision_on_sweep, walk.company, "hold.confirmed", removing=3)
    walk.seen[walk.company.id] = (await walk.entries(walk.company.id, after=last.number))[-1].number
    discarded, noted = (await walk.entries(walk.company.id, after=last.number))[-2:]
    assert (discarded.action, discarded.subject) == ("hold.discarded", f"hold:{hold.id}")
    assert (noted.action, noted.subject) == ("hold.confirmed", "hold:sweep")


async def walk_hooks(walk: Walk) -> None:
    secret = await walk.step(signing.add, walk.company, purpose=hr.PURPOSE)
    await walk.step(signing.remove, walk.company, secret.id, purpose=hr.PURPOSE)
    for entry in await walk.written("secret.added", "secret.removed"):
        assert (entry.subject, entry.details) == (f"secret:{secret.id}", {"purpose": "hr"})
    walk.secrets.append(secret.secret)

    patch = UserPatch(fields=frozenset({"display_name"}), display_name="Zoë Neu")
    joined, left = announcements.joined(patch, username="zoe.wichtig.neu"), announcements.left()
    later = datetime.now(UTC) + timedelta(days=1)
    for what, at in ((joined, None), (left, later)):
        event = hr.Event(message_id=ids.new_id(), external_id="Schluessel", what=what, at=at, reason="HR")
        received = await walk.step(hr.receive, walk.company, event, limits=guard.Limits())
    added, planned = await walk.written("user.added", "scheduled.added", reason="HR")
    assert planned.subject == f"scheduled:{received.scheduled.id}"
    assert planned.details["user"] == added.subject.removeprefix("user:") == received.user.id
    assert planned.details["kind"] == "employee.left"

    options = {"at": later, "reason": "HR"}
    change = await walk.step(scheduling.schedule, walk.company, received.user.id, left, **options)
    await walk.step(scheduling.reschedule, walk.company, change.id, at=later + timedelta(days=1), reason="HR")
    await walk.step(scheduling.cancel, walk.company, change.id, reason="HR")
    await walk.written(
        "scheduled.cancelled", "scheduled.added", "scheduled.changed", "scheduled.cancelled", reason="HR"
    )
    await walk.step(scheduling.schedule, walk.company, received.user.id, left, **options)
    await on_schedule.run_due(walk.directory, limits=guard.Limits(), now=later)
    _, left_entry, done = await walk.written("scheduled.added", "user.deactivated", "scheduled.done", reason="HR")
    assert (left_entry.actor, done.actor, done.details["result"]) == ("token:walk", "schedule", "applied")
    await walk.settled()
    await walk.written("offboarding.completed", reason="HR")


async def walk_webhooks(walk: Walk) -> None:
    where = "https://hooks.example.org/Schluessel"
    hook = await walk.step(webhooks.add, walk.company, url=where, types=[EventType.DOCTOR_RED], allowed=NOBODY)
    (entry,) = await walk.written("webhook.added")
    assert (entry.subject, entry.details) == (f"webhook:{hook.id}", {"types": ["doctor.red"]})
    patch = webhooks.WebhookPatch(url=f"{where}/neu", enabled=False)
    await walk.step(webhooks.change, walk.company, hook.id, patch, allowed=NOBODY)
    (entry,) = await walk.written("webhook.changed")
    assert entry.details == {"fields": ["url", "enabled"], "enabled": False}
    rotated = await walk.step(webhooks.rotate_secret, walk.company, hook.id)
    await walk.written("webhook.secret_rotated")
    await walk.step(webhooks.replay, walk.company, hook.id, webhooks.Replay(failed=True))
    (entry,) = await walk.written("webhook.replayed")
    assert entry.details == {"events": 0}
    await walk.step(webhooks.remove, walk.company, hook.id)
    await walk.written("webhook.removed")
    walk.secrets += [hook.secret, rotated.secret]


async def walk_website(walk: Walk, zoe: User) -> None:
    for roles, known in ((frozenset({StaffRole.HR}), []), (frozenset[StaffRole](), ["hr"])):
        await walk.step(staff_roles.give, walk.company, zoe.id, roles=roles)
        (entry,) = await walk.written("user.roles_changed")
        assert (entry.subject, entry.details) == (f"user:{zoe.id}", {"before": known, "after": sorted(roles)})
        await walk.step(staff_roles.give, walk.company, zoe.id, roles=roles)
        await walk.written()
    await walk_links_of_nobody(walk)
    link, code = await walk.step(one_time_links.make_join, walk.company, zoe.id)
    (entry,) = await walk.written("link.made")
    assert (entry.subject, entry.details) == (
        f"user:{zoe.id}",
        {"link": link.id, "purpose": "join", "uses": 3, "expires_at": link.expires_at.isoformat()},
    )
    _, device, secret = await walk.step(one_time_links.set_up_device, code, label="Taschentelefon")
    (entry,) = await walk.written("credential.issued")
    assert (entry.actor, entry.details) == (f"link:{link.id}", {"credential": device.id, "link": link.id})
    _, session, token = await walk.step(one_time_links.sign_in, code, purpose=LinkPurpose.JOIN)
    (entry,) = await walk.written("session.began")
    assert (entry.actor, entry.details) == (f"user:{zoe.id}", {"session": session.id, "by": f"link:{link.id}"})
    chatting, chat_secret = await walk.step(
        credentials.issue_for_browser, walk.company, session, label="Taschentelefon"
    )
    (entry,) = await walk.written("credential.issued")
    assert (entry.subject, entry.details) == (
        f"user:{zoe.id}",
        {"credential": chatting.id, "session": session.id},
    )
    assert await walk.step(web_sessions.end_all, walk.company, zoe.id) == 1
    (entry,) = await walk.written("session.ended")
    assert (entry.subject, entry.details) == (f"user:{zoe.id}", {"session": session.id})
    chat, chat_code = await walk.step(one_time_links.make_chat, walk.company, zoe.id)
    for made in (link, chat):
        await walk.step(one_time_links.revoke, walk.company, made.id)
    _, *revoked = await walk.written("link.made", "link.revoked", "link.revoked")
    assert [entry.subject for entry in revoked] == [f"link:{link.id}", f"link:{chat.id}"]
    walk.secrets += [code, secret, token, session.csrf, chat_code, chat_secret]


async def walk_links_of_nobody(walk: Walk) -> None:
    """A link from the shell is nobody's in particular, so what its holder does is the session's."""
    link, code = await walk.step(one_time_links.make_sign_in, walk.company, roles=frozenset({StaffRole.ADMIN}))
    (entry,) = await walk.written("link.made")
    assert (entry.subject, entry.details["purpose"]) == (f"link:{link.id}", "sign_in")
    _, session, token = await walk.step(one_time_links.sign_in, code, purpose=LinkPurpose.SIGN_IN)
    (entry,) = await walk.written("session.began")
    assert (entry.actor, entry.subject) == (f"session:{session.id}", f"session:{session.id}")
    await walk.step(web_sessions.end, session)
    await walk.written("session.ended")
    await walk.step(web_sessions.end, session)
    await walk.written()
    walk.secrets += [code, token, session.csrf]


async def walk_leaving(walk: Walk, zoe: User) -> None:
    await walk.step(users.deactivate, walk.company, zoe.id, reason="Kündigung")
    (begun,) = await walk.written("user.deactivated", reason="Kündigung")
    await walk.settled()
    (completed,) = await walk.written("offboarding.completed", reason="Kündigung")
    assert completed.details == begun.details | {"mode": "left"}
    await walk.step(users.deactivate, walk.company, zoe.id, reason="sicher?")
    (again,) = await walk.written("offboarding.repeated", reason="sicher?")
    assert again.details["offboarding"] != begun.details["offboarding"]
    await walk.settled()
    await walk.written("offboarding.completed", reason="sicher?")
    await walk.step(users.reactivate, walk.company, zoe.id, reason="zurück")
    await walk.written("user.reactivated", reason="zurück")
    await walk.step(users.erase, walk.company, zoe.id, reason="DSGVO")
    await walk.written("user.deactivated", "user.erasure_requested", reason="DSGVO")
    await walk.step(users.erase, walk.company, zoe.id, reason="DSGVO")
    await walk.written("offboarding.repeated", reason="DSGVO")
    await walk.settled()
    completed, erased = await walk.written("offboarding.completed", "user.erased", reason="DSGVO")
    assert {completed.subject, erased.subject} == {f"user:{zoe.id}"}
