"""The pure judgement, line by line: what is good is green, one thing that is wrong changes exactly its lines."""

from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import pytest

from kleanxmpp.audit import Damage, Problem
from kleanxmpp.doctor.facts import Backup, Entry, Examination, Facts, NoModule, NotChecked, Unavailable
from kleanxmpp.doctor.findings import Finding, Level, Words
from kleanxmpp.doctor.lines import LINES, judge
from kleanxmpp.model import Door
from kleanxmpp.source_ports import Expectation, Source
from tests.unit.doctor.healthy import (
    BACKUP,
    CERTIFICATE,
    DISK,
    FACTS,
    INSIDE,
    LOG,
    NOTHING,
    NOW,
    TRIAL,
    facts,
    inside,
    stream,
    trial,
    with_listener,
    with_module,
)

ROOT = Path(__file__).parents[3]
RED, YELLOW, GREEN = Level.RED, Level.YELLOW, Level.GREEN
UNKNOWN = NotChecked(why=Words(de="weil", en="because"))
SILENT = Source(
    company_id="c1",
    door=Door.SCIM,
    expected=Expectation(every=timedelta(hours=1), since=NOW - timedelta(days=1)),
)
IN, AT_BIND, AT_LOGIN = Entry(), Entry(refused_at="bind", condition="x"), Entry(refused_at="login", condition="x")
INSIDE_LINES = {
    "mod-klean", "s2s", "components", "privilege", "last-activity", "registration", "anonymous", "mechanisms", "tokens",
    "mqtt", "auth-cache", "gate", "public-rooms", "upload-links", "push-content", "clock",
}  # fmt: skip
TRIED = {line.id for line in LINES if line.id.startswith("try-")}


def levels(seen: Facts) -> dict[str, Level]:
    return {finding.id: finding.level for finding in judge(seen)}


def found(seen: Facts, line: str) -> Finding:
    return next(finding for finding in judge(seen) if finding.id == line)


def test_a_server_that_keeps_everything_is_green_in_every_line() -> None:
    assert set(levels(FACTS).values()) == {GREEN}


WRONG = [
    ("version", RED, facts(release=(22, 10))),
    ("version", YELLOW, facts(release=(24, 12))),
    ("mod-klean", RED, inside(modules=INSIDE.modules - {"mod_klean"})),
    ("mod-klean", RED, inside(source="another")),
    ("s2s", RED, inside(s2s_allowed=True)),
    ("s2s", YELLOW, inside(s2s_rule="partners")),
    ("s2s", YELLOW, with_listener(module="ejabberd_s2s_in")),
    ("components", RED, inside(strange_routes=frozenset({"bot.firma.test"}))),
    ("components", RED, with_listener(module="ejabberd_service", any_sender=True)),
    ("privilege", RED, with_module("mod_privilege")),
    ("privilege", RED, with_module("mod_delegation")),
    ("last-activity", RED, with_module("mod_last")),
    ("registration", RED, with_module("mod_register")),
    ("registration", RED, inside(handlers=frozenset({"mod_register_web"}))),
    ("registration", RED, stream(registration=True)),
    ("anonymous", RED, inside(auth_methods=frozenset({"external", "anonymous"}))),
    ("mechanisms", RED, stream(mechanisms=frozenset({"PLAIN", "SCRAM-SHA-1"}))),
    ("mechanisms", RED, stream(mechanisms=frozenset())),
    ("mechanisms", RED, stream(mechanisms_without_tls=frozenset({"PLAIN"}))),
    ("mechanisms", RED, with_listener(tls=False)),
    ("tokens", RED, stream(tokens=True)),
    ("tokens", RED, with_module("mod_auth_fast")),
    ("tokens", RED, inside(handlers=frozenset({"ejabberd_oauth"}))),
    ("mqtt", RED, with_module("mod_mqtt")),
    ("mqtt", RED, with_listener(module="mod_mqtt")),
    ("auth-cache", RED, inside(auth_use_cache=True)),
    ("auth-cache", RED, inside(auth_methods=frozenset({"external", "internal"}))),
    ("gate", RED, facts(gate_exists=False)),
    ("gate", RED, with_listener(lets_strangers_in=True)),
    ("gate", RED, inside(modules=INSIDE.modules - {"mod_shared_roster"})),
    ("api-credential", RED, facts(open_commands=frozenset({"kick_user"}))),
    ("public-rooms", RED, inside(open_rooms=frozenset({"team@gruppen.firma.test"}))),
    ("upload-links", YELLOW, with_module("mod_http_upload")),
    ("push-content", RED, inside(push={"include_body": "true", "include_sender": "false"})),
    ("push-content", RED, inside(push={"include_body": "New message", "include_sender": "true"})),
    ("push-content", GREEN, inside(push={"include_body": "New message", "include_sender": "false"})),
    ("certificates", RED, facts(certificates=(replace(CERTIFICATE, fault="expired", expired=True),))),
    ("certificates", RED, facts(certificates=(CERTIFICATE, replace(CERTIFICATE, fault="wrong name")))),
    ("certificates", YELLOW, facts(certificates=(replace(CERTIFICATE, valid_until=NOW + timedelta(days=29)),))),
    ("clock", YELLOW, inside(clock_off=timedelta(seconds=-10))),
    ("clock", RED, facts(database=Examination(clock_off=timedelta(minutes=2), faults=()))),
    ("database", RED, facts(database=Examination(clock_off=NOTHING, faults=("row missing",)))),
    ("database", GREEN, facts(database=Examination(clock_off=NOTHING, faults=None))),
    ("audit-chain", RED, facts(audit=replace(LOG, problems=(Problem(kind=Damage.CHANGED, number=2, message="x"),)))),
    ("sources", GREEN, facts(sources=(replace(SILENT, last_contact=NOW),))),
    ("sources", YELLOW, facts(sources=(SILENT,))),
    ("disk", YELLOW, facts(disks=(replace(DISK, free=1_500_000_000),))),
    ("disk", RED, facts(disks=(DISK, replace(DISK, free=100_000_000)))),
    ("backups", YELLOW, facts(backup=None)),
    ("backups", YELLOW, facts(backup=replace(BACKUP, made_at=NOW - timedelta(days=3)))),
    ("backups", RED, facts(backup=replace(BACKUP, made_at=NOW - timedelta(days=20)))),
    ("backups", RED, facts(backup=replace(BACKUP, size=0))),
    ("backups", RED, facts(backup=Backup(place="/var/backups", made_at=None))),
    ("try-login", RED, trial(login=AT_BIND)),
    ("try-room-creation", RED, trial(room_creation=True)),
    ("try-foreign-room", RED, trial(foreign_room=True)),
    ("try-foreign-room", RED, trial(listed_rooms=frozenset({"team@gruppen.firma.test"}))),
    ("try-outside", RED, trial(outside=None)),
    ("try-outside", RED, trial(outside="remote-server-not-found")),
    ("try-gate", RED, trial(without_gate=IN)),
    ("try-gate", RED, trial(without_gate=AT_LOGIN)),
    ("try-session-end", RED, trial(ended_after=None)),
    ("try-session-end", YELLOW, trial(ended_after=7.0)),
    ("try-comeback", RED, trial(comeback=IN)),
    ("try-comeback", RED, trial(comeback=AT_BIND)),
    ("try-removal", YELLOW, trial(removed=False)),
]
ALSO = {("anonymous", RED): {"auth-cache"}}
"""Lines that the same fault rightly changes, too."""


@pytest.mark.parametrize(("line", "level", "seen"), WRONG)
def test_one_thing_that_is_wrong_changes_its_line_alone(line: str, level: Level, seen: Facts) -> None:
    changed = {name: found for name, found in levels(seen).items() if found is not GREEN}
    also = dict.fromkeys(ALSO.get((line, level), ()), RED)
    assert changed == ({line: level} | also if level is not GREEN else {})


def test_each_line_was_seen_to_be_something_else_than_green() -> None:
    assert {line for line, level, _ in WRONG if level is not GREEN} == {line.id for line in LINES}


def test_offering_anonymous_logins_is_told_in_its_own_line_too() -> None:
    seen = levels(stream(mechanisms=frozenset({"PLAIN", "ANONYMOUS"})))
    assert {name for name, level in seen.items() if level is RED} == {"anonymous", "mechanisms"}


def test_tokens_that_are_offered_as_a_mechanism_are_told_in_their_own_line_too() -> None:
    seen = levels(stream(mechanisms=frozenset({"PLAIN", "X-OAUTH2"})))
    assert {name for name, level in seen.items() if level is RED} == {"tokens", "mechanisms"}


UNSEEN = {
    "release": {"version"},
    "inside": INSIDE_LINES,
    "stream": {"registration", "anonymous", "mechanisms", "tokens"},
    "certificates": {"certificates"},
    "open_commands": {"api-credential"},
    "gate_exists": {"gate"},
    "database": {"database", "clock"},
    "disks": {"disk"},
    "audit": {"audit-chain"},
    "backup": {"backups"},
    "sources": {"sources"},
    "trial": TRIED,
}


@pytest.mark.parametrize("name", UNSEEN)
def test_what_could_not_be_seen_is_not_checked_and_says_why(name: str) -> None:
    seen = judge(facts(**{name: UNKNOWN}))
    assert {one.id for one in seen if one.level is Level.NOT_CHECKED} == UNSEEN[name]
    assert {one.words.en for one in seen if one.level is Level.NOT_CHECKED} == {"because"}


def test_every_fact_has_lines_that_need_it() -> None:
    assert UNSEEN.keys() == {field.name for field in fields(Facts)} - {"now", "addresses"}


@pytest.mark.parametrize("step", [field.name for field in fields(TRIAL)])
def test_a_step_that_was_not_reached_is_not_checked(step: str) -> None:
    seen = levels(trial(**{step: UNKNOWN}))
    assert list(seen.values()).count(Level.NOT_CHECKED) == 1
    assert set(seen.values()) == {GREEN, Level.NOT_CHECKED}


def test_a_fault_that_was_seen_is_red_even_where_the_rest_could_not_be_looked_at() -> None:
    assert found(replace(stream(registration=True), inside=UNKNOWN), "registration").level is RED


def test_a_server_without_our_module_is_red_and_not_only_unknown() -> None:
    seen = facts(inside=NoModule(why=Words(de="fehlt", en="missing")))
    assert levels(seen)["mod-klean"] is RED
    assert levels(seen)["auth-cache"] is Level.NOT_CHECKED


def test_a_database_that_cannot_be_used_is_red_and_its_clock_unknown() -> None:
    seen = levels(facts(database=Unavailable(why="not migrated")))
    assert (seen["database"], seen["clock"]) == (RED, Level.NOT_CHECKED)


def test_a_cure_names_the_companys_host_and_the_right_line() -> None:
    cure = found(inside(auth_use_cache=True), "auth-cache").cure
    assert cure == "host_config:\n  firma.test:\n    auth_use_cache: false"


def test_every_line_speaks_german_and_english_and_does_not_repeat_itself() -> None:
    for _, _, seen in WRONG:
        for finding in judge(seen):
            assert finding.words.de != finding.words.en or finding.id == "version"
            for text in (finding.words.de, finding.words.en):
                sentences = text.split(". ")
                assert text and len(sentences) == len(set(sentences))


def test_ids_are_unique_and_the_page_explains_each_of_them_in_their_order() -> None:
    ids = [line.id for line in LINES]
    assert len(ids) == len(set(ids))
    page = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    explained = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert explained == ids
