"""What the hash of an entry covers, and what a check says about a stream of entries."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from kleanxmpp import audit
from kleanxmpp.audit import Checked, Damage, Problem
from kleanxmpp.model import AuditEntry, ChainHead
from kleanxmpp.record_ports import WrittenEntry
from tests.factories import AT

FIRST = AuditEntry(
    company_id="c1",
    at=datetime(2026, 1, 5, 9, 30, 0, 42, tzinfo=timezone(timedelta(hours=1))),
    actor="token:7",
    action="user.deactivated",
    subject="user:1",
    reason='Kündigung "fristlos"\n',
    details={"fields": ["name"], "count": 2, "until": None, "admin": True},
)


def a_chain(length: int = 6) -> tuple[list[AuditEntry], ChainHead]:
    entries = [
        AuditEntry(company_id=None, at=AT, actor="a", action=f"act{n}", subject="s", details={}) for n in range(length)
    ]
    linked, head = audit.link(entries, head=audit.EMPTY)
    return [replace(entry, id=entry.number * 10) for entry in linked], head


def written(entry: AuditEntry) -> WrittenEntry:
    """The entry as the database hands it out as plain columns."""
    try:
        details = json.dumps(entry.details)
    except TypeError:
        details = "what is no JSON"
    its = {name: getattr(entry, name) for name in WrittenEntry._fields}
    return WrittenEntry(**its | {"at": audit.moment(entry.at), "details": details})


def problems(entries: Sequence[AuditEntry], head: ChainHead | None) -> list[Problem]:
    """What a check says. Whatever it says of an entry, the quick way agrees, or leaves the entry to it."""
    seen, found = Checked(), []
    for entry in sorted(entries, key=lambda entry: (entry.number, entry.id)):
        after, problem = audit.check(seen, entry)
        quick = audit.follow(seen, [written(entry)], chain=audit.chain_of(entry.company_id))
        assert quick == (seen if problem or seen.shift or seen.hash is None else after)
        seen = after
        found.append(problem)
    return [problem for problem in [*found, audit.check_end(seen, head)] if problem is not None]


def told(entries: Sequence[AuditEntry], head: ChainHead | None) -> list[tuple[Damage, int, int | None]]:
    return [(problem.kind, problem.number, problem.id) for problem in problems(entries, head)]


def test_the_hashed_form_is_the_documented_one_for_ever() -> None:
    (linked,), head = audit.link([FIRST], head=audit.EMPTY)
    text = (
        '{"action":"user.deactivated","actor":"token:7","at":"2026-01-05T08:30:00.000042Z","chain":"c1",'
        '"details":{"admin":true,"count":2,"fields":["name"],"until":null},"number":1,'
        f'"previous":"{"0" * 64}","reason":"Kündigung \\"fristlos\\"\\n","subject":"user:1"}}'
    )
    assert audit.canonical(audit.facts(linked)) == text.encode()
    assert linked.hash == hashlib.sha256(text.encode()).hexdigest() == head.hash


def test_an_intact_chain_is_followed_to_its_end_and_a_broken_one_up_to_the_break() -> None:
    entries, head = a_chain()
    whole = audit.follow(Checked(), [*map(written, entries)], chain=audit.OPERATOR)
    assert (whole.entries, whole.number, whole.id, whole.hash) == (6, head.number, 60, head.hash)
    entries[3] = replace(entries[3], reason="because")
    broken = audit.follow(Checked(), [*map(written, entries)], chain=audit.OPERATOR)
    assert (broken.entries, broken.hash, broken.before) == (3, entries[2].hash, entries[1].hash)
    assert audit.follow(Checked(), [*map(written, a_chain()[0])], chain="c1") == Checked(), "of another company"


@pytest.mark.parametrize(
    "change",
    [
        {"number": "1"},
        {"number": True},
        {"actor": None},
        {"reason": 7},
        {"details": "[]"},
        {"details": "{"},
        {"details": None},
        {"at": "2026-01-05 08:30:00.000042"},
        {"at": 'x","chain":"y'},
        {"previous": None},
    ],
)
def test_columns_that_were_never_written_so_are_left_to_the_check(change: dict[str, object]) -> None:
    (linked,), _ = audit.link([FIRST], head=audit.EMPTY)
    good = written(linked)
    assert audit.follow(Checked(), [good], chain="c1").entries == 1
    assert audit.follow(Checked(), [good._replace(**change)], chain="c1") == Checked()  # type: ignore[arg-type]  # as said


def test_a_batch_continues_the_chain_behind_its_head() -> None:
    first, head = audit.link([FIRST, FIRST], head=audit.EMPTY)
    second, end = audit.link([FIRST], head=head)
    assert [entry.number for entry in [*first, *second]] == [1, 2, 3]
    assert [entry.previous for entry in [*first, *second]] == [audit.BEGINNING, first[0].hash, first[1].hash]
    assert end == ChainHead(number=3, hash=second[0].hash)
    assert audit.link([], head=end) == ([], end)


def test_an_intact_chain_has_no_problems() -> None:
    assert told(*a_chain()) == []
    assert told([], None) == []


@pytest.mark.parametrize(
    "change",
    [
        {"at": AT + timedelta(microseconds=1)},
        {"actor": "b"},
        {"action": "act"},
        {"subject": "t"},
        {"reason": ""},
        {"details": {"a": 1}},
        {"details": {"a": 1.5}},
        {"details": {1: object()}},
        {"reason": "\ud800"},
        {"company_id": "c1"},
        {"previous": "f" * 64},
    ],
)
def test_a_changed_entry_is_named_and_only_that_one(change: dict[str, object]) -> None:
    entries, head = a_chain()
    entries[2] = replace(entries[2], **change)
    assert told(entries, head) == [(Damage.CHANGED, 3, 30)]


def test_a_changed_hash_is_a_change() -> None:
    entries, head = a_chain()
    entries[2] = replace(entries[2], hash="f" * 64)
    assert told(entries, head)[0] == (Damage.CHANGED, 3, 30)


def test_an_entry_written_anew_with_its_hash_does_not_fit_the_next_one() -> None:
    entries, head = a_chain()
    for place, expected in ((2, (Damage.REWRITTEN, 4, 40)), (5, (Damage.REWRITTEN, 6, 60))):
        anew = replace(entries[place], actor="b")
        forged = [*entries[:place], replace(anew, hash=audit.hash_of(anew)), *entries[place + 1 :]]
        assert told(forged, head) == [expected]


def test_a_chain_written_anew_does_not_fit_its_head() -> None:
    _, head = a_chain()
    forged, _ = audit.link([replace(entry, actor="b") for entry in a_chain()[0]], head=audit.EMPTY)
    assert told(forged, head) == [(Damage.REWRITTEN, 6, 60)]


def test_removed_entries_are_told_by_their_numbers() -> None:
    entries, head = a_chain()
    assert told([*entries[:1], *entries[3:]], head) == [(Damage.REMOVED, 2, None)]
    assert problems([*entries[:1], *entries[3:]], head)[0].message == "Entries 2 to 3 are missing: removed."
    assert told(entries[1:], head) == [(Damage.REMOVED, 1, None)]


def test_a_cut_off_tail_shows_at_the_head() -> None:
    entries, head = a_chain()
    for left in (5, 0):
        assert told(entries[:left], head) == [(Damage.CUT_OFF, left + 1, None)]
    assert told(entries, None) == [(Damage.HEAD_MISSING, 6, None)]


def test_entries_whose_numbers_closed_the_gap_are_told_once() -> None:
    entries, head = a_chain()
    closed = [*entries[:2], *(replace(entry, number=entry.number - 1) for entry in entries[3:])]
    assert told(closed, head) == [(Damage.REORDERED, 3, 40)]


def test_an_entry_inserted_beside_another_is_named() -> None:
    entries, head = a_chain()
    forged = replace(entries[2], id=99, actor="b")
    assert told([*entries, forged], head) == [(Damage.INSERTED, 3, 99)]
    assert told([*entries, replace(forged, hash=audit.hash_of(forged))], head) == [(Damage.INSERTED, 3, 99)]


def test_an_entry_inserted_between_others_is_named_also_if_they_made_room() -> None:
    entries, head = a_chain()
    forged = replace(entries[2], id=99, actor="b")
    later = [replace(entry, number=entry.number + 1) for entry in entries[2:]]
    assert told([*entries[:2], replace(forged, hash=audit.hash_of(forged)), *later], head) == [(Damage.INSERTED, 3, 99)]


def test_an_entry_added_past_the_program_stands_behind_the_head() -> None:
    entries, head = a_chain()
    more, _ = audit.link([replace(entries[0], actor="b")], head=head)
    assert told([*entries, replace(more[0], id=99)], head) == [(Damage.INSERTED, 7, None)]


def test_swapped_entries_are_told_with_the_numbers_they_had() -> None:
    entries, head = a_chain()
    third, fourth = replace(entries[2], number=4), replace(entries[3], number=3)
    swapped = [*entries[:2], fourth, third, *entries[4:]]
    assert told(swapped, head) == [(Damage.REORDERED, 3, 40), (Damage.REORDERED, 4, 30)]
    assert problems(swapped, head)[0].message.startswith("Entry 3 (id 40) was written as entry 4")


def test_swapped_ids_are_told() -> None:
    entries, head = a_chain()
    entries[2], entries[3] = replace(entries[2], id=40), replace(entries[3], id=30)
    assert told(entries, head) == [(Damage.REORDERED, 4, 30)]


def test_an_entry_moved_far_is_told() -> None:
    entries, head = a_chain(9)
    moved = replace(entries[7], number=2)
    others = [replace(entry, number=entry.number + 1) for entry in entries[1:7]]
    found = told([entries[0], moved, *others, entries[8]], head)
    assert found[0] == (Damage.REORDERED, 2, 80)
    assert len(found) <= 3


def test_after_a_problem_the_next_one_is_found_too() -> None:
    entries, head = a_chain()
    entries[1], entries[4] = replace(entries[1], actor="b"), replace(entries[4], actor="b")
    del entries[2]
    assert told(entries, head) == [(Damage.CHANGED, 2, 20), (Damage.REMOVED, 3, None), (Damage.CHANGED, 5, 50)]


def test_a_chain_changed_throughout_costs_no_search_at_every_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    entries, head = a_chain(200)
    hashed = []
    monkeypatch.setattr(audit, "hash_of", lambda entry: hashed.append(entry.number) or "f" * 64)
    found = told([replace(entry, actor="b") for entry in entries], head)
    assert [kind for kind, _, _ in found] == [Damage.CHANGED] * 200
    assert len(hashed) < 200 + 20 * 2000
