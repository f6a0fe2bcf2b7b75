"""What a checkup sees where everything is as promised; tests change one thing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from kleanxmpp.audit import EMPTY
from kleanxmpp.chains import Verification
from kleanxmpp.doctor.facts import (
    Addresses,
    Backup,
    Certificate,
    Disk,
    Entry,
    Examination,
    Facts,
    Trial,
)
from kleanxmpp.testing_doctor import AS_PROMISED, ONLY_PLAIN

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NOTHING = timedelta(0)

INSIDE, STREAM = AS_PROMISED, ONLY_PLAIN
(C2S,) = INSIDE.listeners
TRIAL = Trial(
    login=Entry(),
    room_creation=False,
    foreign_room=False,
    listed_rooms=frozenset(),
    outside="service-unavailable",
    without_gate=Entry(refused_at="bind", condition="not-allowed"),
    ended_after=0.2,
    comeback=Entry(refused_at="login", condition="not-authorized"),
    removed=True,
)
CERTIFICATE = Certificate(address="firma.test", fault=None, valid_until=NOW + timedelta(days=60))
DISK = Disk(folder="/var/lib/kleanxmpp", free=50_000_000_000, total=100_000_000_000)
BACKUP = Backup(place="/var/backups", made_at=NOW - timedelta(hours=20), size=1000)
LOG = Verification(chain="c1", entries=3, head=EMPTY, problems=())
FACTS = Facts(
    now=NOW,
    addresses=Addresses(domain="firma.test", rooms="gruppen.firma.test", component="klean.firma.test"),
    release=(26, 7),
    inside=INSIDE,
    stream=STREAM,
    certificates=(CERTIFICATE,),
    open_commands=frozenset(),
    gate_exists=True,
    database=Examination(clock_off=NOTHING, faults=()),
    disks=(DISK,),
    backup=BACKUP,
    audit=LOG,
    sources=(),
    trial=TRIAL,
)


def facts(**changed: Any) -> Facts:
    return replace(FACTS, **changed)


def inside(**changed: Any) -> Facts:
    return facts(inside=replace(INSIDE, **changed))


def stream(**changed: Any) -> Facts:
    return facts(stream=replace(STREAM, **changed))


def trial(**changed: Any) -> Facts:
    return facts(trial=replace(TRIAL, **changed))


def with_module(*names: str) -> Facts:
    return inside(modules=INSIDE.modules | set(names))


def with_listener(**changed: Any) -> Facts:
    return inside(listeners=(C2S, replace(C2S, **changed)))
