"""Settings: environment over file over defaults; errors name the key and never a secret."""

from pathlib import Path

import pytest

from kleanxmpp import errors, settings, settings_page

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settings, "DEFAULT_FILES", (Path("kleanxmpp.toml"),))
    monkeypatch.delenv("KLEANXMPP_CONFIG", raising=False)


def written(text: str, name: str = "kleanxmpp.toml") -> Path:
    file = Path(name)
    file.write_text(text)
    return file


def test_without_file_and_environment_the_defaults_hold() -> None:
    found = settings.read()
    assert found.server.component_port == 5347
    assert found.server.rooms_prefix == "gruppen"
    assert found.api.host == "127.0.0.1"


def test_the_environment_wins_over_the_file_key_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    written('[server]\ncomponent_port = 1111\nrooms_prefix = "rooms"\n[log]\nlevel = "debug"')
    monkeypatch.setenv("KLEANXMPP_SERVER__COMPONENT_PORT", "2222")
    found = settings.read()
    assert found.server.component_port == 2222
    assert found.server.rooms_prefix == "rooms"
    assert found.log.level == "debug"


def test_the_named_file_is_read_and_the_argument_wins_over_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    written("[api]\nport = 1", "first.toml")
    second = written("[api]\nport = 2", "second.toml")
    written("[api]\nport = 3")
    assert settings.read().api.port == 3
    monkeypatch.setenv("KLEANXMPP_CONFIG", "first.toml")
    assert settings.read().api.port == 1
    assert settings.read(second).api.port == 2


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("[server]\ncomponent_prot = 1", "server.component_prot", "there is no such setting"),
        ("[sever]\nport = 1", "sever", "there is no such setting"),
        ('[server]\napi_url = "http://localhost/api"', "server.api_url", "pattern"),
        ("[api]\nport = 70000", "api.port", "65535"),
        ("[reconcile]\nshare = 2", "reconcile.share", "less than or equal to 1"),
        ("[reconcile]\nsweep_interval = 0", "reconcile.sweep_interval", "greater than 0"),
        ('log = "debug"', "log", "LogSettings"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(text: str, key: str, words: str) -> None:
    written(text)
    with pytest.raises(errors.Invalid) as refusal:
        settings.read()
    assert refusal.value.field == key
    assert words in str(refusal.value)
    assert "kleanxmpp.toml" in str(refusal.value)


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLEANXMPP_API__PORT", "many")
    with pytest.raises(errors.Invalid, match="KLEANXMPP_API__PORT"):
        settings.read()


@pytest.mark.parametrize("variable", ["KLEANXMPP_DATABSE__URL", "KLEANXMPP_PORT", "KLEANXMPP_API__PROT"])
def test_an_unknown_variable_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(errors.Invalid, match=variable):
        settings.read()


def test_a_part_is_not_set_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLEANXMPP_SERVER", "localhost")
    with pytest.raises(errors.Invalid, match="one key of one part"):
        settings.read()


def test_a_file_that_cannot_be_used_is_named() -> None:
    with pytest.raises(errors.Invalid, match=r"missing\.toml cannot be read: No such file"):
        settings.read(Path("missing.toml"))
    with pytest.raises(errors.Invalid, match=r"kleanxmpp\.toml is not valid TOML"):
        settings.read(written("[server"))


def test_no_error_and_no_printed_tree_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    written(
        '[database]\nurl = "postgresql://klean:TOPSECRET@localhost/klean"\n[server]\ncomponent_secret = "TOPSECRET"'
    )
    assert "TOPSECRET" not in repr(settings.read())
    written('[server]\ncomponent_secret = ["TOPSECRET"]')
    with pytest.raises(errors.Invalid) as refusal:
        settings.read()
    assert "TOPSECRET" not in str(refusal.value)
    assert refusal.value.__suppress_context__


def test_serving_needs_the_secrets_of_the_server() -> None:
    with pytest.raises(errors.Invalid, match=r"server\.component_secret, server\.api_user, server\.api_password"):
        settings.check_for_serving(settings.read())
    written('[server]\ncomponent_secret = "s"\napi_user = "u@firma.test"\napi_password = "p"')
    settings.check_for_serving(settings.read())


def test_every_company_may_have_an_identity_provider_of_its_own() -> None:
    written(
        '[oidc."firma.test"]\nissuer = "https://login.firma.test"\nclient_id = "chat"\nclient_secret = "TOPSECRET"\n'
        '[oidc."other.test"]\nissuer = "http://127.0.0.1:9000/realm"\nclient_id = "c"\nclaim = "oid"\n'
        'matches = "external_id"'
    )
    found = settings.read().oidc
    assert set(found) == {"firma.test", "other.test"} and found["firma.test"].claim == "email"
    assert "TOPSECRET" not in repr(found)


@pytest.mark.parametrize(
    "wrong",
    [
        'issuer = "http://login.firma.test"',
        'issuer = "https://login.firma.test?tenant=1"',
        'issuer = "https://user:pass@login.firma.test"',
        'issuer = "https://login.firma.test"\nscopes = "email"',
        'issuer = "https://login.firma.test"\nclaim = "upn"',
    ],
)
def test_an_identity_provider_that_nobody_should_trust_is_refused(wrong: str) -> None:
    written(f'[oidc."firma.test"]\nclient_id = "chat"\n{wrong}')
    with pytest.raises(errors.Invalid, match=r"oidc\.firma\.test"):
        settings.read()


def test_settings_made_of_values_do_not_hear_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLEANXMPP_API__PORT", "2222")
    assert settings.made_of({"api": {"host": "::1"}}).api.port == 8480
    with pytest.raises(errors.Invalid, match=r"api\.prot"):
        settings.made_of({"api": {"prot": 1}})


def test_every_setting_is_documented_and_the_page_is_current() -> None:
    for table, part in settings.tables():
        for key, field in part.model_fields.items():
            assert field.description, (table, key)
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == settings_page.markdown(), "run: kleanxmpp settings --markdown > docs/settings.md"
