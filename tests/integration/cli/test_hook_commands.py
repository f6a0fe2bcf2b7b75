"""`kleanxmpp hook secret …` and `kleanxmpp scheduled …`."""

import asyncio
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kleanxmpp import announcements, scheduling, signatures
from kleanxmpp.db.directory import SqlDirectory
from tests.integration.cli.conftest import Run


def test_secrets_are_added_listed_and_removed(run: Run) -> None:
    assert "Add one: kleanxmpp hook secret add" in run("hook", "secret", "list").out
    added = run("hook", "secret", "add", "--json").json
    assert signatures.key_of(added["secret"])
    listed = run("hook", "secret", "list")
    assert added["id"] in listed.out and added["secret"] not in listed.out
    told = run("hook", "secret", "add")
    assert "whsec_" in told.out and "not shown again" in told.out
    assert run("hook", "secret", "remove", added["id"]).out == "Removed.\n"
    assert run("hook", "secret", "remove", added["id"]).code == 1
    assert len(run("hook", "secret", "list", "--json").json) == 1


def test_a_given_secret_comes_by_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = signatures.new_secret()
    for text, code in ((f"{secret}\n", 0), (f"{secret}\n", 1), ("short\n", 1), ("", 1)):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        answer = run("hook", "secret", "add", "--given")
        assert answer.code == code
        assert code == 0 or secret not in answer.err


def test_plans_are_listed_in_the_companys_time_and_cancelled(run: Run, home: Path) -> None:
    assert run("scheduled", "list").out == "Nothing is planned.\n"
    user_id = run("user", "add", "Zoë Öztürk", "--json").json["id"]

    async def plan() -> str:
        directory = SqlDirectory(f"sqlite:///{home}/directory.db")
        try:
            async with directory.read() as tx:
                company = await tx.company_by_domain("firma.test")
            assert company is not None
            at = datetime(2199, 12, 31, 17, tzinfo=UTC)
            planned = await scheduling.schedule(
                directory, company, user_id, announcements.left(), at=at, actor="token:1", reason="Vertragsende",
                now=datetime.now(UTC),
            )  # fmt: skip
            return planned.id
        finally:
            await directory.close()

    change = asyncio.run(plan())
    table = run("scheduled", "list").out
    for word in (change, "2199-12-31 18:00:00 +0100", "employee.left", "zoe.oeztuerk", "pending", "Vertragsende"):
        assert word in table
    assert run("scheduled", "cancel", change, "--reason", "bleibt").code == 0
    assert run("scheduled", "cancel", change).code == 1
    assert run("scheduled", "list", "--json").json == []
    (over,) = run("scheduled", "list", "--all", "--json").json
    assert (over["state"], over["who"]) == ("cancelled", "zoe.oeztuerk")
