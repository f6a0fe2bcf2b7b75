"""`kleanxmpp doctor` where there is no server to look at: what it says, and its exit codes."""

from tests.integration.cli.conftest import Run


def test_what_could_not_be_looked_at_has_an_exit_code_of_its_own(run: Run) -> None:
    told = run("doctor", "--no-try", "--lang", "de")
    assert told.code == 5
    assert "? Das Tor" in told.out and "✓ Datenbank" in told.out
    assert "\033[" not in told.out
    assert "0 rot" in told.out.splitlines()[-1]
    lines = {line["id"]: line for line in run("doctor", "--no-try", "--json").json["lines"]}
    assert (lines["gate"]["level"], lines["try-login"]["level"]) == ("not_checked", "not_checked")
    assert "did not answer" in lines["gate"]["words"]
    assert lines["backups"]["yaml"].startswith("# in kleanxmpp.toml")


def test_nobody_is_made_for_a_trial_on_a_server_that_is_away(run: Run) -> None:
    assert run("doctor", "--json").json["red"] == 0
    assert run("user", "list", "--json").json == []


def test_a_database_that_cannot_be_used_is_a_red_line(bare: Run) -> None:
    told = bare("doctor", "--json")
    assert told.code == 1
    lines = {line["id"]: line["level"] for line in told.json["lines"]}
    assert lines.pop("database") == "red"
    assert set(lines.values()) == {"not_checked"}
