"""What `kleanxmpp audit` says about an intact and a broken log, and that anybody can verify an export."""

import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Run

ROOT = Path(__file__).parents[3]


@pytest.fixture
def log(run: Run) -> Run:
    """Return what runs a command where six entries of a company and one of the operator were written."""
    for name in ("Anna Berg", "Bea Cohn", "Cem Öz"):
        assert run("user", "add", name).code == 0
    assert run("user", "deactivate", "anna.berg", "--reason", 'Kündigung "fristlos"\n').code == 0
    assert run("group", "add", "Nord").code == 0
    assert run("token", "add", "Betrieb", "--scope", "admin", "--operator").code == 0
    return run


def tamper(home: Path, *statements: str) -> None:
    with closing(sqlite3.connect(home / "directory.db")) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)


def verified_elsewhere(export: str) -> tuple[int, str]:
    """Return what the auditor's program in the operator's guide says about an export."""
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "operators.md").read_text(), re.DOTALL)
    assert len(program.splitlines()) <= 25
    done = subprocess.run([sys.executable, "-c", program], input=export, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_an_intact_log_is_told_chain_by_chain_with_its_heads(log: Run) -> None:
    answer = log("audit", "verify")
    assert answer.code == 0
    assert [re.sub(r"[0-9a-f]{64}", "HASH", line) for line in answer.out.splitlines()] == [
        "the operator: intact, 1 entries, head 1:HASH",
        "firma.test: intact, 6 entries, head 6:HASH",
    ]
    one = log("audit", "verify", "--company", "firma.test", "--json").json
    assert [chain["name"] for chain in one["chains"]] == ["firma.test"]
    assert one["intact"] and one["chains"][0]["entries"] == 6
    assert [chain["chain"] for chain in log("audit", "verify", "--operator", "--json").json["chains"]] == ["operator"]


def test_a_broken_log_is_told_in_words_and_fails(log: Run, home: Path) -> None:
    tamper(home, "UPDATE audit_log SET actor = 'nobody' WHERE number = 5")
    answer = log("audit", "verify")
    assert answer.code == 1
    assert "firma.test: BROKEN, 6 entries" in answer.out and "the operator: intact" in answer.out
    assert re.search(r"^  Entry 5 \(id \d+\) is not what was written: it was changed afterwards\.$", answer.out, re.M)
    facts = log("audit", "verify", "--json").json
    assert not facts["intact"]
    assert [(problem["kind"], problem["number"]) for problem in facts["chains"][1]["problems"]] == [("changed", 5)]
    assert log("audit", "verify", "--operator").code == 0


def test_a_cut_off_tail_and_a_company_that_is_gone_are_told(log: Run, home: Path) -> None:
    tamper(home, "DELETE FROM audit_log WHERE number > 4", "UPDATE companies SET id = 'x'")
    answer = log("audit", "verify")
    assert answer.code == 1
    assert "Entries 5 to 6 are missing at the end: the tail was cut off." in answer.out
    assert "firma.test: BROKEN, 0 entries" in answer.out, "its entries are another company's"
    assert "unknown company" in answer.out


def test_a_head_that_was_noted_is_compared(log: Run) -> None:
    head = log("audit", "verify", "--company", "firma.test").out.split()[-1]
    log("user", "add", "Dora Ems")
    assert log("audit", "verify", "--company", "firma.test", "--noted", head).code == 0
    other = "6:" + "f" * 64
    answer = log("audit", "verify", "--company", "firma.test", "--noted", other)
    assert answer.code == 1 and "Entry 6 does not have the hash that was noted" in answer.out
    assert log("audit", "verify", "--noted", head).code == 1
    assert log("audit", "verify", "--operator", "--company", "firma.test").code == 1
    assert "NUMBER:HASH" in log("audit", "verify", "--operator", "--noted", "six").err


def test_an_export_is_verified_by_the_program_in_the_guide(log: Run, home: Path) -> None:
    exported = log("audit", "export").out
    code, told = verified_elsewhere(exported)
    assert (code, told.count("is intact up to entry")) == (0, 2), told
    lines = exported.splitlines()
    for number, broken in enumerate(
        (
            [*lines[:4], lines[4].replace("user.", "usar."), *lines[5:]],
            [*lines[:4], *lines[5:]],
            [*lines[:4], lines[5], lines[4], *lines[6:]],
            [*lines[:-2], lines[-1]],
            lines[:-1],
        )
    ):
        code, told = verified_elsewhere("".join(f"{line}\n" for line in broken))
        assert code == 1, (number, told)


def test_an_export_holds_all_or_what_came_since(log: Run) -> None:
    lines = [json.loads(line) for line in log("audit", "export", "--company", "firma.test").out.splitlines()]
    assert [line.get("number") for line in lines] == [1, 2, 3, 4, 5, 6, None]
    assert lines[-1]["head"] == {"number": 6, "hash": lines[-2]["hash"]}
    assert lines[4]["reason"] == 'Kündigung "fristlos"\n'
    since = log("audit", "export", "--company", "firma.test", "--since", "4").out.splitlines()
    assert [json.loads(line) for line in since] == lines[4:]
    assert log("audit", "export", "--since", "-1").code == 2
    (only, _) = log("audit", "export", "--operator").out.splitlines()
    assert json.loads(only)["chain"] == "operator"


def test_the_log_is_listed_newest_first(log: Run) -> None:
    table = log("audit", "list").out.splitlines()
    assert table[0].split() == ["NUMBER", "AT", "ACTOR", "ACTION", "SUBJECT", "REASON"]
    assert [line.split()[0] for line in table[1:7]] == ["6", "5", "4", "3", "2", "1"]
    (newest,) = log("audit", "list", "--limit", "1", "--json").json
    assert (newest["number"], newest["action"]) == (6, "group.added")
    assert [one["action"] for one in log("audit", "list", "--operator", "--json").json] == ["token.issued"]
    assert log("audit", "list", "--limit", "0").code == 2
