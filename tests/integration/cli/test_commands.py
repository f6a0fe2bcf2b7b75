"""What the commands do, say, and answer to scripts."""

import asyncio
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pypdf
import pytest

from kleanxmpp import csv_file, settings, settings_page
from kleanxmpp.cli import offboarding, shell
from kleanxmpp.db.directory import SqlDirectory
from tests.integration.cli.conftest import Run
from tests.photos import a_picture

DEMO = str(Path(csv_file.__file__).parent / "demo" / "glanz-und-gloria.csv")


def test_a_person_is_added_shown_changed_and_found(run: Run) -> None:
    added = run("user", "add", "Jörg Groß", "--external-id", "E-1")
    assert (added.code, added.out) == (0, "Added joerg.gross@firma.test (Jörg Groß).\n")
    for who in ("joerg.gross", "Joerg.Gross@firma.test", "E-1"):
        assert run("user", "show", who, "--json").json["display_name"] == "Jörg Groß"
    assert run("user", "set", "E-1", "--email", "j@firma.test", "--no-chat").out == (
        "Changed joerg.gross: email, chat_permission.\n"
    )
    facts = run("user", "show", "joerg.gross", "--json").json
    assert (facts["email"], facts["chat_permission"], facts["may_chat"]) == ("j@firma.test", False, False)
    assert facts["open_offboarding"]
    assert run("user", "set", "E-1").code == 1


def test_lists_are_tables_for_people_and_json_for_programs(run: Run) -> None:
    run("user", "add", "Jörg Groß")
    run("user", "add", "Zoë Wei", "--no-active")
    table = run("user", "list").out.splitlines()
    assert (
        " ".join(table[0].split())
        == "USERNAME DISPLAY NAME ACTIVE CHAT PERMISSION MAY CHAT ABSENCE RETURNS ON EXTERNAL ID"
    )
    assert " ".join(table[1].split()) == "joerg.gross Jörg Groß yes yes yes - - -"
    assert table[1].index("yes") == table[2].index("no")
    assert [one["username"] for one in run("user", "list", "--json").json] == ["joerg.gross", "zoe.wei"]
    assert [one["username"] for one in run("user", "list", "--no-active", "--json").json] == ["zoe.wei"]
    assert [one["username"] for one in run("user", "list", "--search", "gros", "--json").json] == ["joerg.gross"]


def test_a_device_is_set_up_and_revoked(run: Run) -> None:
    run("user", "add", "Anna Berg")
    issued = run("user", "credential", "add", "anna.berg", "Diensthandy", "--json").json
    assert issued["jid"] == "anna.berg@firma.test"
    assert issued["xmpp_host"] == "firma.test"
    assert len(issued["credential"]) == 34
    (listed,) = run("user", "credential", "list", "anna.berg", "--json").json
    assert listed["label"] == "Diensthandy" and "credential" not in listed and listed["last_seen_at"] is None
    assert run("user", "credential", "remove", "anna.berg", issued["id"]).code == 0
    assert run("user", "credential", "list", "anna.berg", "--json").json == []
    assert run("user", "credential", "remove", "anna.berg", issued["id"]).code == 1


def test_a_photo_is_set_and_removed(run: Run, home: Path) -> None:
    run("user", "add", "Anna Berg")
    (home / "anna.png").write_bytes(a_picture(kind="PNG"))
    (home / "brief.txt").write_text("Sehr geehrte")
    assert run("user", "photo", "anna.berg", "anna.png").out == "anna.berg has this photo now.\n"
    assert len(run("user", "show", "anna.berg", "--json").json["photo_sha1"]) == 40
    for arguments, words in (
        (["brief.txt"], "no JPEG"),
        (["fehlt.jpg"], "cannot be read"),
        ([], "Name a picture"),
        (["anna.png", "--remove"], "Name a picture"),
    ):
        refused = run("user", "photo", "anna.berg", *arguments)
        assert refused.code == 1 and words in refused.err
    assert run("user", "photo", "anna.berg", "--remove").out == "anna.berg has no photo any more.\n"
    assert run("user", "photo", "anna.berg", "--remove", "--json").json["photo_sha1"] is None


def test_a_link_to_set_up_devices_is_made(run: Run) -> None:
    run("user", "add", "Anna Berg")
    made = run("user", "link", "anna.berg", "--hours", "24", "--uses", "2", "--json").json
    assert made["link"].startswith("http://127.0.0.1:8480/join/") and made["uses_left"] == 2
    told = run("user", "link", "anna.berg")
    assert "/join/" in told.out and "For Anna Berg alone" in told.out and "\x1b" not in told.out
    for wrong in (["--uses", "11"], ["--hours", "0"]):
        assert run("user", "link", "anna.berg", *wrong).code == 1
    run("user", "deactivate", "anna.berg")
    refused = run("user", "link", "anna.berg")
    assert refused.code == 1 and "no access" in refused.err


def test_an_off_boarding_says_that_it_is_not_proven_yet(run: Run) -> None:
    run("user", "add", "Anna Berg")
    told = run("user", "deactivate", "anna.berg", "--reason", "left")
    assert told.code == 0 and "cannot log in any more" in told.out
    waited = run("user", "deactivate", "anna.berg", "--wait", "0.1", "--json")
    assert (waited.code, waited.json["complete"]) == (4, False)
    assert run("user", "reactivate", "anna.berg").out == "anna.berg is active again.\n"
    assert run("user", "show", "anna.berg", "--json").json["open_offboarding"] is None


def test_waiting_ends_with_the_proof(run: Run, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("user", "add", "Anna Berg")

    async def prove(directory: SqlDirectory) -> None:
        """Do what the service does at the end of an off-boarding."""
        while True:
            async with directory.write() as tx:
                company = await tx.company_by_domain("firma.test")
                assert company
                anna = await tx.user_by_username(company.id, "anna.berg")
                begun = anna and await tx.open_offboarding(anna.id)
                if begun:
                    await tx.save_offboardings([replace(begun, completed_at=datetime.now(UTC))])
                    return
            await asyncio.sleep(0.01)

    async def both() -> int:
        directory = SqlDirectory(settings.read().database.url.get_secret_value())
        proving = asyncio.create_task(prove(directory))
        code = await offboarding.deactivate("anna.berg", wait=30.0, options=shell.DEFAULTS)
        await proving
        await directory.close()
        return code

    assert asyncio.run(both()) == 0
    assert "is off-boarded, and that is proven" in capsys.readouterr().out


def test_what_cannot_be_undone_is_not_done_unasked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    run("user", "add", "Anna Berg")
    run("group", "add", "Nord")
    for command in (["user", "erase", "anna.berg"], ["group", "delete", "nord"], ["company", "disable", "firma.test"]):
        asked = run(*command)
        assert asked.code == 1 and "Nothing was done" in asked.err
    assert run("user", "show", "anna.berg", "--json").json["may_chat"]
    for command in (["user", "erase", "anna.berg"], ["group", "delete", "nord"], ["company", "disable", "firma.test"]):
        assert run(*command, "--yes").code == 0
    assert run("group", "show", "nord").code == 1
    assert run("user", "show", "anna.berg", "--json").json["erasing"]
    assert not run("company", "list", "--json").json[0]["enabled"]


def test_a_group_follows_a_rule_and_says_why(run: Run) -> None:
    run("group", "add", "Objekt 12")
    assert run("user", "add", "Anna Berg", "--attribute", "site=Objekt 12", "--attribute", "role=Glas").code == 0
    rule = 'site = "objekt 12" and role in ("Reinigung", "Glas")'
    assert run("group", "rule", "preview", "objekt-12", rule).out == (
        "1 would come in, 0 would go out; 1 members then.\n+ anna.berg (Anna Berg)\n"
    )
    assert run("group", "members", "list", "objekt-12", "--json").json == []
    assert run("group", "rule", "set", "objekt-12", rule).out == "Objekt 12 has 1 members now, 1 of them by rule.\n"
    assert run("group", "show", "objekt-12", "--json").json["rule"] == rule
    assert run("group", "explain", "objekt-12", "anna.berg", "--lang", "de").out.splitlines()[0] == (
        "Anna Berg gehört zur Gruppe „Objekt 12“, weil die Regel zutrifft: "
        "Standort ist „objekt 12“ und Tätigkeit ist „Reinigung“ oder „Glas“"
    )
    assert run("group", "members", "remove", "objekt-12", "anna.berg").code == 1
    assert run("group", "exceptions", "add", "objekt-12", "anna.berg").code == 0
    (excepted,) = run("group", "exceptions", "list", "objekt-12", "--json").json
    assert (excepted["username"], excepted["is_member"]) == ("anna.berg", False)
    assert run("group", "explain", "objekt-12", "anna.berg", "--json").json["because"] == "exception"
    assert run("group", "exceptions", "remove", "objekt-12", "anna.berg").code == 0
    assert run("group", "rule", "remove", "objekt-12", "--keep-members", "--json").json["by_rule"] == 0
    (member,) = run("group", "members", "list", "objekt-12", "--json").json
    assert (member["username"], member["by_rule"]) == ("anna.berg", False)
    refused = run("group", "rule", "set", "objekt-12", "site = Nord")
    assert refused.code == 1 and "a value in quotes" in refused.err


def test_attributes_are_said_one_by_one(run: Run) -> None:
    run("user", "add", "Anna Berg", "--attribute", "site=Nord", "--attribute", "site=Süd", "--attribute", "role=Glas")
    assert run("user", "show", "anna.berg", "--json").json["attributes"] == {"role": ["Glas"], "site": ["Nord", "Süd"]}
    assert "attributes" in run("user", "show", "anna.berg").out
    assert "site = Nord | Süd" in run("user", "show", "anna.berg").out
    assert run("user", "set", "anna.berg", "--attribute", "role=", "--attribute", "site=a=b").code == 0
    assert run("user", "show", "anna.berg", "--json").json["attributes"] == {"site": ["a=b"]}
    assert run("user", "set", "anna.berg", "--attribute", "site").code == 1
    assert run("user", "set", "anna.berg", "--attribute", "Site=x").code == 1


def test_a_circle_is_filled_and_emptied(run: Run) -> None:
    run("user", "add", "Anna Berg")
    run("user", "add", "Bea Cohn")
    assert run("group", "add", "Team Nord", "--announcement", "--json").json["kind"] == "announcement"
    assert run("group", "members", "add", "Team Nord", "anna.berg", "bea.cohn", "--moderator").code == 0
    assert run("group", "members", "add", "team-nord", "bea.cohn", "--no-moderator").code == 0
    circle = run("group", "show", "team-nord", "--json").json
    assert circle["room"] == "team-nord@gruppen.firma.test"
    assert [(m["username"], m["role"]) for m in circle["circle"]] == [
        ("anna.berg", "moderator"),
        ("bea.cohn", "member"),
    ]
    assert run("group", "members", "add", "team-nord", "nobody").code == 1
    assert run("group", "members", "remove", "team-nord", "anna.berg").code == 0
    assert [m["username"] for m in run("group", "members", "list", "team-nord", "--json").json] == ["bea.cohn"]
    assert run("group", "set", "team-nord", "--name", "Nord", "--kind", "team").code == 0
    assert run("group", "list").out.splitlines()[1].split() == ["team-nord", "Nord", "team", "1", "-"]


def test_a_group_is_archived_and_brought_back(run: Run) -> None:
    run("user", "add", "Anna Berg")
    run("group", "add", "Objekt 12")
    run("group", "members", "add", "objekt-12", "anna.berg")
    told = run("group", "archive", "Objekt 12")
    assert (told.code, told.out) == (0, "Archived Objekt 12. Bring it back: group restore objekt-12\n")
    (listed,) = run("group", "list", "--json").json
    assert listed["archived_at"] and listed["members"] == 1
    assert run("group", "list").out.splitlines()[1].split()[:4] == ["objekt-12", "Objekt", "12", "team"]
    assert run("group", "archive", "objekt-12", "--json").json["archived_at"] == listed["archived_at"]
    (member,) = run("group", "members", "list", "objekt-12", "--json").json
    assert member["effective"] is False
    refused = run("group", "add", "Objekt 12")
    assert refused.code == 1, "the name stays the archived group's"
    for _ in range(2):
        assert run("group", "restore", "objekt-12").out == "Restored Objekt 12.\n"
    (member,) = run("group", "members", "list", "objekt-12", "--json").json
    assert member["effective"] is True
    assert run("group", "restore", "nirgends").code == 1


def test_sources_are_expected_until_they_are_not(run: Run) -> None:
    told = run(
        "company", "set", "firma.test", "--source-expected", "scim=PT1H", "--source-expected", "import=P1D", "--json"
    )
    assert told.json["sources_expected"] == {"import": "1d", "scim": "1h"}
    run("company", "set", "firma.test", "--source-expected", "scim=never")
    assert run("company", "list", "--json").json[0]["sources_expected"] == {"import": "1d"}
    for wrong in ("sweep=PT1H", "scim=1h", "scim"):
        assert run("company", "set", "firma.test", "--source-expected", wrong).code == 1


def test_tokens_belong_to_the_company_or_to_the_operator(run: Run) -> None:
    made = run("token", "add", "HR", "--scope", "users:read", "--scope", "users:write", "--json").json
    assert made["token"].startswith("klean_")
    run("token", "add", "Betrieb", "--scope", "admin", "--operator")
    assert [one["name"] for one in run("token", "list", "--json").json] == ["HR"]
    assert [one["name"] for one in run("token", "list", "--operator", "--json").json] == ["Betrieb"]
    assert run("token", "add", "X", "--scope", "everything").code == 1
    assert run("token", "remove", made["id"], "--operator").code == 1
    assert run("token", "remove", made["id"]).code == 0
    assert run("token", "list", "--json").json == []


def test_a_file_is_imported_after_a_dry_run(run: Run) -> None:
    planned = run("import", DEMO, "--announcement", "Meldungen", "--dry-run")
    assert "add user joerg.gross: Jörg Groß" in planned.out
    assert planned.out.endswith("Nothing was changed: this was a dry run.\n")
    assert run("user", "list", "--json").json == []
    assert run("import", "--announcement", "Meldungen", DEMO).out.startswith("60 people in the file: 60 added")
    assert run("import", DEMO, "--json").json["changes"] == []
    assert len(run("user", "list", "--json").json) == 60


def test_every_fault_of_a_file_is_told(run: Run, home: Path) -> None:
    (home / "bad.csv").write_text("display_name,active\nAnna,maybe\n,ja\n")
    answer = run("import", "bad.csv")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.splitlines() == [
        "line 2, column B (active): write yes or no.",
        "line 3, column A (display_name): A display name has 1 to 200 printable characters.",
        "2 faults in the file. Nothing was imported.",
    ]
    assert run("import", "missing.csv").err == "missing.csv cannot be read: No such file or directory.\n"


def test_with_several_companies_one_is_named(run: Run) -> None:
    run("company", "add", "zwei.test", "Zwei")
    asked = run("user", "list")
    assert asked.code == 1 and "--company firma.test | zwei.test" in asked.err
    assert run("user", "add", "Anna Berg", "--company", "zwei.test").out == "Added anna.berg@zwei.test (Anna Berg).\n"
    assert run("user", "list", "--company", "firma.test", "--json").json == []
    assert run("user", "list", "--company", "drei.test").code == 1
    assert run("company", "add", "zwei.test", "Noch eine").code == 1
    assert run("company", "set", "zwei.test", "--contacts-max", "10", "--json").json["contacts_max"] == 10


def test_each_kind_of_failure_has_its_exit_code(bare: Run, home: Path) -> None:
    assert bare("user", "list").code == 3
    assert bare("db", "upgrade").out == "The database is up to date.\n"
    assert bare("user", "list").err == "There is no company yet. Add one: kleanxmpp company add DOMAIN NAME\n"
    assert bare("company", "add", "firma.test", "Firma").code == 0
    assert bare("user", "show", "nobody").code == 1
    assert bare("user", "bogus").code == 2
    assert bare("user", "show").code == 2
    assert bare("user", "list", "--bogus").code == 2
    assert bare("reconcile", "--dry-run").code == 4
    assert bare("user", "list", "--config", "missing.toml").code == 1
    (home / "kleanxmpp.toml").write_text("[database]\nurll = 1\n")
    wrong = bare("user", "list")
    assert wrong.code == 1 and "database.urll" in wrong.err


def test_ejabberd_gets_a_configuration_for_all_companies(run: Run) -> None:
    run("company", "add", "andere.test", "Andere")
    written = run("ejabberd", "config").out
    assert written.index("firma.test") < written.index("andere.test"), "the service account's company comes first"
    assert "klean.andere.test" in written
    assert "include_config_file" in run("ejabberd", "config", "--notes").out


def test_settings_are_shown_without_secrets(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLEANXMPP_DATABASE__URL", "postgresql://klean:TOP/SE@CRET@localhost/klean")
    shown = run("settings").out + run("settings", "--json").out
    assert "postgresql://klean:***@localhost/klean" in shown
    assert "SE@CRET" not in shown and "TOP" not in shown
    assert run("settings", "--markdown").out == settings_page.markdown()


def test_settings_show_the_provider_of_each_company_without_its_secret(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "with-provider.toml"
    file.write_text(
        '[oidc."firma.test"]\nissuer = "https://login.firma.test"\nclient_id = "klean"\nclient_secret = "SE-CRET"\n'
    )
    shown = run("settings", "--config", str(file), "--json")
    provider = json.loads(shown.out)["settings"]['oidc."firma.test"']
    assert (provider["issuer"], provider["client_secret"]) == ("https://login.firma.test", "(set)")
    told = run("settings", "--config", str(file)).out
    assert 'oidc."firma.test".client_id' in told and "SE-CRET" not in shown.out + told


def test_a_pause_is_told_with_its_end_and_ended_by_hand(run: Run) -> None:
    run("user", "add", "Anna Berg")
    run("user", "add", "Ben Öz")
    told = run(
        "user", "deactivate", "anna.berg", "--mode", "paused", "--returns-on", "2199-03-01", "--reason", "Elternzeit"
    )
    assert (told.code, "anna.berg is paused and cannot log in." in told.out) == (0, True)
    shown = run("user", "show", "anna.berg", "--json").json
    assert (shown["access"], shown["absence"], shown["returns_on"]) == ("paused", "paused", "2199-02-28T23:00:00+00:00")
    line = next(line for line in run("user", "list").out.splitlines() if line.startswith("anna.berg"))
    assert " ".join(line.split()).endswith("yes yes no paused 2199-02-28 23:00:00 UTC -")
    assert run("user", "reactivate", "anna.berg").out == "anna.berg is active again.\n"
    assert run("user", "show", "anna.berg", "--json").json["access"] == "full"
    for wrong in (["--returns-on", "gestern"], ["--mode", "paused", "--returns-on", "2020-01-01"], ["--mode", "gone"]):
        assert run("user", "deactivate", "anna.berg", *wrong).code in {1, 2}
    assert run("user", "show", "anna.berg", "--json").json["access"] == "full"


def test_groups_are_handed_over_and_the_evidence_is_shown_and_printed(run: Run, home: Path) -> None:
    for name in ("Anna Berg", "Ben Öz"):
        run("user", "add", name)
    run("group", "add", "Nord")
    run("group", "members", "add", "nord", "anna.berg", "--moderator")
    told = run("user", "deactivate", "anna.berg", "--hand-over-to", "ben.oez", "--json").json
    ben = run("user", "show", "ben.oez", "--json").json
    assert told["handovers"] == [
        {"group_id": told["handovers"][0]["group_id"], "group_name": "Nord", "to": [ben["id"]], "others": 0}
    ]
    assert [group["role"] for group in ben["groups"]] == ["moderator"]
    (listed,) = run("user", "offboardings", "anna.berg", "--json").json
    assert listed == told
    assert told["id"] in run("user", "offboardings", "anna.berg").out
    assert "Nord" in run("user", "evidence", told["id"]).out
    page = home / "nachweis.pdf"
    assert run("user", "evidence", told["id"], "--pdf", str(page), "--lang", "en").out == f"Wrote {page}.\n"
    text = pypdf.PdfReader(page).pages[0].extract_text()
    assert "Not complete yet" in text and "Anna Berg" in text
    assert run("user", "evidence", told["id"], "--pdf", str(home / "no" / "folder.pdf")).code == 1
    assert run("user", "evidence", "unknown").code == 1


def test_an_admin_takes_over_and_the_company_has_a_time_zone(run: Run) -> None:
    run("user", "add", "Anna Berg", "--admin")
    assert run("user", "set", "anna.berg", "--no-admin").out == "Changed anna.berg: admin.\n"
    assert not run("user", "show", "anna.berg", "--json").json["admin"]
    assert run("company", "set", "firma.test", "--timezone", "Mars/Base").code == 1
    assert (
        run("company", "set", "firma.test", "--timezone", "Europe/Lisbon", "--json").json["timezone"] == "Europe/Lisbon"
    )
