"""The command line in this process, on a SQLite directory of the test's own."""

import asyncio
import json
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kleanxmpp import cli, settings
from kleanxmpp.db.migrate import upgrade_database


@dataclass(frozen=True, slots=True)
class Result:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Result]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "directory.db"
    asyncio.run(upgrade_database(f"sqlite:///{file}"))
    return file


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working folder with settings whose database does not exist yet."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    (tmp_path / "kleanxmpp.toml").write_text(
        f'[database]\nurl = "sqlite:///{tmp_path}/directory.db"\n'
        f'[server]\napi_url = "http://127.0.0.1:{port}/api/v0"\ncomponent_secret = "s"\n'
        'api_user = "klean-api@firma.test"\napi_password = "p"\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settings, "DEFAULT_FILES", (Path("kleanxmpp.toml"),))
    monkeypatch.delenv("KLEANXMPP_CONFIG", raising=False)
    return tmp_path


@pytest.fixture
def bare(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a command where there is no database yet."""

    def run(*arguments: str) -> Result:
        capsys.readouterr()
        code = cli.main(arguments)
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def run(bare: Run, home: Path, migrated: Path) -> Run:
    """Return what runs a command in a company without people, `firma.test`."""
    shutil.copy(migrated, home / "directory.db")
    assert bare("company", "add", "firma.test", "Firma").code == 0
    return bare
