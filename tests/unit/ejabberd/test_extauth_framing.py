"""The login program's protocol, without a process and without a database."""

import hashlib
import io
import struct
from pathlib import Path

import pytest

from ejabberd.extauth import Answerer, Log, read_config, serve
from ejabberd.logins import LookupFailed, login_role_sql, open_logins


def frames(*questions: str) -> io.BytesIO:
    return io.BytesIO(b"".join(struct.pack(">H", len(text.encode())) + text.encode() for text in questions))


def answers(output: io.BytesIO) -> list[bool]:
    data = output.getvalue()
    return [bool(answer) for size, answer in struct.iter_unpack(">HH", data)]


class KnownPeople:
    """Logins in memory."""

    def __init__(self, **secrets: str) -> None:
        self._secrets = {name: hashlib.sha256(secret.encode()).hexdigest() for name, secret in secrets.items()}
        self.failing = False

    def accepts(self, domain: str, username: str, secret_sha256: str) -> bool:
        if self.failing:
            raise LookupFailed("out of order")
        return domain == "firma.example" and self._secrets.get(username) == secret_sha256

    def may_log_in(self, domain: str, username: str) -> bool:
        if self.failing:
            raise ZeroDivisionError
        return domain == "firma.example" and username in self._secrets

    def close(self) -> None: ...


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    file = tmp_path / "extauth.toml"
    digest = hashlib.sha256(b"api").hexdigest()
    file.write_text(
        f'database = "sqlite:////none"\napi_user = "klean-api@firma.example"\napi_password_sha256 = "{digest}"\n'
    )
    return file


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch) -> KnownPeople:
    known = KnownPeople(anna="pass:word")
    monkeypatch.setattr("ejabberd.extauth.open_logins", lambda database: known)
    return known


def ask(config_file: Path, *questions: str) -> list[bool]:
    log, output = Log(), io.BytesIO()
    assert serve(frames(*questions), output, Answerer(str(config_file), log=log), log=log) == 0
    return answers(output)


def test_each_question_gets_its_answer_in_order(config_file: Path, people: KnownPeople) -> None:
    questions = {
        "auth:anna:firma.example:pass:word": True,
        "auth:anna:firma.example:pass": False,
        "auth:anna:firma.example:": False,
        "auth:anna:other.example:pass:word": False,
        "isuser:anna:firma.example": True,
        "isuser:eve:firma.example": False,
        "auth:klean-api:firma.example:api": True,
        "auth:klean-api:other.example:api": False,
        "isuser:klean-api:firma.example": False,
        "removeuser:anna:firma.example": True,
        "removeuser3:anna:firma.example:pass:word": False,
        "setpass:anna:firma.example:new": False,
        "tryregister:eve:firma.example:new": False,
        "certauth:anna:firma.example:x": False,
        "": False,
    }
    assert ask(config_file, *questions) == list(questions.values())


def test_trouble_is_no_and_passes(config_file: Path, people: KnownPeople, capsys: pytest.CaptureFixture[str]) -> None:
    log = Log()
    answerer = Answerer(str(config_file), log=log)
    people.failing = True
    assert not answerer.answer(b"auth:anna:firma.example:pass:word")
    assert not answerer.answer(b"isuser:anna:firma.example")
    people.failing = False
    assert answerer.answer(b"auth:anna:firma.example:pass:word")
    logged = capsys.readouterr().err
    assert "out of order" in logged
    assert "ZeroDivisionError" in logged
    assert "pass:word" not in logged


def test_the_same_reason_is_logged_once_in_a_while(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log()
    for _ in range(5):
        log.write("the same")
    log.write("another")
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_the_log_goes_to_a_file_when_asked(tmp_path: Path) -> None:
    log = Log()
    log.file = str(tmp_path / "extauth.log")
    log.write("reason")
    assert "reason" in (tmp_path / "extauth.log").read_text()
    log.file = str(tmp_path / "missing" / "extauth.log")
    log.write("cannot be written, and that is no reason to fail")


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_a_cut_question_ends_the_program(config_file: Path, cut: int) -> None:
    log, whole = Log(), frames("isuser:anna:firma.example").getvalue()
    code = serve(io.BytesIO(whole[:cut]), io.BytesIO(), Answerer(str(config_file), log=log), log=log)
    assert code == 1


@pytest.mark.parametrize(
    "text", ["not toml", "database = 'x'\n", "database = 'x'\napi_user = 'y'\napi_password_sha256 = 'z'\nmore = 1\n"]
)
def test_a_broken_configuration_is_named_without_its_content(tmp_path: Path, text: str) -> None:
    file = tmp_path / "extauth.toml"
    file.write_text(text)
    with pytest.raises(LookupFailed, match="configuration"):
        read_config(str(file))


def test_a_missing_configuration_is_no(tmp_path: Path) -> None:
    assert ask(tmp_path / "none.toml", "isuser:anna:firma.example") == [False]


def test_an_unknown_database_is_refused() -> None:
    with pytest.raises(LookupFailed):
        open_logins("mysql://root:secret@host/db")


def test_the_role_gets_two_views_and_its_name_is_quoted() -> None:
    sql = login_role_sql('login"; DROP TABLE users; --')
    assert "GRANT SELECT ON logins, may_log_in TO" in sql
    assert '"login""; DROP TABLE users; --"' in sql
