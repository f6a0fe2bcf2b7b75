"""`kleanxmpp import` holds what would off-board many at once; `kleanxmpp held` shows it and decides."""

from pathlib import Path

import pytest

from tests.integration.cli.conftest import Result, Run

HEAD = "external_id,display_name,active\n"


@pytest.fixture
def bad_file(run: Run, home: Path) -> str:
    """Ten people, and a file that says that eight of them left."""
    (home / "good.csv").write_text(HEAD + "".join(f"{n},Person {n},\n" for n in range(10)))
    (home / "bad.csv").write_text(HEAD + "".join(f"{n},Person {n},nein\n" for n in range(8)) + "99,Zoe Neu,\n")
    with (home / "kleanxmpp.toml").open("a") as file:
        file.write("[guard]\npeople = 2\npercent = 50\n")
    assert run("import", "good.csv").code == 0
    return "bad.csv"


def still_active(run: Run) -> int:
    return len(run("user", "list", "--active", "--json").json)


def listed(run: Run) -> list[str]:
    return [line["username"] for line in run("held", "list", "--json").json]


def test_an_import_says_what_it_holds_and_what_to_do(run: Run, bad_file: str) -> None:
    planned = run("import", bad_file, "--dry-run")
    assert planned.code == 0
    assert "hold user person.7: active yes → no waits for a confirmation" in planned.out
    assert "6 more people would be off-boarded beyond the limit" in planned.out
    assert still_active(run) == 10

    done = run("import", bad_file)
    assert done.code == 1, "a nightly job must notice"
    assert "1 added, 0 changed, 2 off-boarded, 6 held" in done.out
    assert "HELD: 6 more people" in done.out and "kleanxmpp held list" in done.out
    assert still_active(run) == 9
    again = run("import", bad_file, "--json")
    assert (again.code, again.json["users_held"], again.json["users_changed"]) == (1, 6, 0)
    assert len(listed(run)) == 6


def test_what_is_held_is_listed_and_confirmed(run: Run, bad_file: str) -> None:
    assert run("held", "list").out.startswith("Nothing is held.")
    run("import", bad_file, "--reason", "Nachtlauf")
    table = run("held", "list").out.splitlines()
    assert table[0].split() == ["HOLD", "DOOR", "USERNAME", "LOSES", "REASON", "ACTOR", "SINCE"]
    assert table[1].split()[1:5] == ["import", "person.2", "active", "Nachtlauf"]
    unasked = run("held", "confirm")
    assert unasked.code == 1 and "6 people lose access now" in unasked.err
    assert run("user", "deactivate", "person.2").code == 0
    done = run("held", "confirm", "--yes")
    assert done.code == 0 and "Off-boarded: 5 of 6." in done.out and "is off-boarded already" in done.out
    assert still_active(run) == 3
    assert run("held", "confirm", "--yes").code == 1


@pytest.mark.parametrize("which", [(), ("import",)])
def test_what_is_held_is_discarded(run: Run, bad_file: str, which: tuple[str, ...]) -> None:
    run("import", bad_file)
    answer: Result = run("held", "discard", *which, "--yes")
    assert (answer.code, answer.out) == (0, "Discarded. Everybody stays as they are.\n")
    assert still_active(run) == 9 and not listed(run)


def test_force_holds_nobody(run: Run, bad_file: str) -> None:
    run("import", bad_file)
    assert run("import", bad_file, "--force").code == 0
    assert still_active(run) == 3 and not listed(run)


def test_a_held_sweep_is_decided_elsewhere(run: Run) -> None:
    answer = run("held", "confirm", "sweep")
    assert answer.code == 1 and "kleanxmpp reconcile" in answer.err
