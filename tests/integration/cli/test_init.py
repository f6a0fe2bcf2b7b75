"""A new installation: complete, closed to others, and never overwritten silently."""

import hashlib
import os
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from kleanxmpp import settings
from kleanxmpp.cli.installation import write
from tests.factories import AT
from tests.integration.cli.conftest import Result, Run


@pytest.fixture(autouse=True)
def strict_umask() -> Iterator[None]:
    """Behave like a root whose files are closed by default."""
    former = os.umask(0o077)
    yield
    os.umask(former)


def init(bare: Run, home: Path, *more: str) -> Result:
    owners = ["--user", "root", "--ejabberd-group", "root"]
    places = ["--folder", str(home / "etc"), "--data", str(home / "lib")]
    return bare("init", "firma.test", "Firma & Söhne", *owners, *places, *more)


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_an_installation_is_complete_and_its_secrets_are_closed(bare: Run, home: Path) -> None:
    made = init(bare, home, "--json")
    assert made.code == 0, made.err
    etc = home / "etc"
    read = settings.read(etc / "kleanxmpp.toml")
    settings.check_for_serving(read)
    extauth = tomllib.loads((etc / "extauth.toml").read_text())
    password = read.server.api_password.get_secret_value()
    assert extauth == {
        "database": read.database.url.get_secret_value(),
        "api_user": "klean-api@firma.test",
        "api_password_sha256": hashlib.sha256(password.encode()).hexdigest(),
    }
    drop_in = (etc / "ejabberd.yml").read_text()
    assert read.server.component_secret.get_secret_value() in drop_in and str(etc / "extauth.toml") in drop_in
    assert (mode(etc), mode(etc / "kleanxmpp.toml")) == (0o755, 0o600)
    assert mode(etc / "extauth.toml") == mode(etc / "ejabberd.yml") == 0o640
    unit = (etc / "kleanxmpp.service").read_text()
    assert f"serve --config {etc}/kleanxmpp.toml" in unit and "ProtectSystem=strict" in unit
    config = ["--config", str(etc / "kleanxmpp.toml")]
    assert bare("company", "list", "--json", *config).json[0]["name"] == "Firma & Söhne"
    assert [one["name"] for one in bare("token", "list", "--operator", "--json", *config).json] == ["operator"]
    assert made.json["token"].startswith("klean_")


def test_nothing_is_overwritten_without_force_and_a_copy_is_kept_with_it(bare: Run, home: Path) -> None:
    init(bare, home)
    former = (home / "etc" / "kleanxmpp.toml").read_text()
    refused = init(bare, home)
    assert refused.code == 1 and "--force" in refused.err
    assert (home / "etc" / "kleanxmpp.toml").read_text() == former
    forced = init(bare, home, "--force", "--json")
    assert forced.code == 0
    assert len(forced.json["kept"]) == 4
    (copy,) = (home / "etc").glob("kleanxmpp.toml.*")
    assert copy.read_text() == former and mode(copy) == 0o600
    assert (home / "etc" / "kleanxmpp.toml").read_text() != former


@pytest.mark.parametrize(
    "arguments",
    [
        ("in valid", "Firma"),
        ("firma.test", ""),
        ("firma.test", "Firma", "--locale", "fr"),
        ("firma.test", "Firma", "--database", "mysql://localhost/x"),
    ],
)
def test_what_is_refused_is_refused_before_anything_is_written(
    bare: Run, home: Path, arguments: tuple[str, ...]
) -> None:
    answer = bare("init", *arguments, "--folder", str(home / "etc"), "--data", str(home / "lib"), "--user", "root")
    assert answer.code == 1 and answer.err
    assert not (home / "etc").exists() and not (home / "lib").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_root_is_told_to_make_the_user_first(bare: Run, home: Path) -> None:
    answer = bare("init", "firma.test", "Firma", "--folder", str(home / "etc"), "--user", "no-such-user")
    assert answer.code == 1 and "adduser --system --group" in answer.err
    assert not (home / "etc").exists()


def test_a_secret_file_is_closed_from_its_first_moment(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    assert write(file, "one", mode=0o640, owner=None, now=AT) is None
    assert write(file, "two", mode=0o600, owner=None, now=AT) == tmp_path / "secret.20260105-080000"
    assert (file.read_text(), mode(file)) == ("two", 0o600)
