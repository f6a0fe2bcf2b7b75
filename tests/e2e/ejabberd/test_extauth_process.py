"""The login program as ejabberd runs it: a process of another unix user with the right to read, nothing more."""

import functools
import hashlib
import os
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.ejabberd.reachable import copy_program, reachable_folder

DOMAIN = "firma.test"
SECRET = "se:cr:et"
READER = "nobody"


class Program:
    """The running program, asked the way ejabberd asks."""

    def __init__(self, config: Path, *, installed: Path, user: str | None) -> None:
        command = [*interpreter(user), "-P", "-m", "ejabberd.extauth", str(config)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"PYTHONPATH": str(installed), "PATH": os.environ["PATH"]}, cwd=config.parent,
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.stdin, self.stdout = self._process.stdin, self._process.stdout

    def ask(self, question: str | bytes) -> bool:
        data = question.encode() if isinstance(question, str) else question
        self.stdin.write(struct.pack(">H", len(data)) + data)
        self.stdin.flush()
        size, answer = struct.unpack(">HH", self.stdout.read(4))
        assert size == 2
        return bool(answer)

    def may_log_in(self, username: str = "anna") -> bool:
        return self.ask(f"isuser:{username}:{DOMAIN}")

    def accepts(self, secret: str = SECRET, *, username: str = "anna") -> bool:
        return self.ask(f"auth:{username}:{DOMAIN}:{secret}")

    def end(self) -> tuple[int, str]:
        """Close the pipe; return exit code and what was logged."""
        with suppress(BrokenPipeError):
            self.stdin.close()
        assert self._process.stderr is not None
        log = self._process.stderr.read()
        return self._process.wait(10), log.decode()

    def kill(self) -> None:
        self._process.kill()
        for pipe in (self.stdin, self.stdout, self._process.stderr):
            with suppress(BrokenPipeError):
                assert pipe is not None
                pipe.close()
        self._process.wait()


@functools.cache
def interpreter(user: str | None) -> tuple[str, ...]:
    """The command that starts a Python which this user may execute (ours may lie in root's home)."""
    if user is None:
        return (sys.executable,)
    for python in (sys.executable, "/usr/bin/python3"):
        command = ("runuser", "-u", user, "--", python)
        test = [*command, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        if subprocess.run(test, capture_output=True, check=False).returncode == 0:
            return command
    pytest.skip(f"no Python 3.11 that the user {user} may execute")


class Database:
    """The directory's file, written by us as its owner."""

    def __init__(self, folder: Path, *, program: Path) -> None:
        self.program = program
        self.file = folder / "kleanxmpp.db"
        self.config = folder / "extauth.toml"

    def create(self) -> None:
        connection = self.open()
        connection.executescript(
            """
            CREATE TABLE people (domain TEXT, username TEXT, active INTEGER);
            CREATE TABLE credentials (domain TEXT, username TEXT, secret_sha256 TEXT);
            CREATE VIEW may_log_in AS SELECT domain, username FROM people WHERE active;
            CREATE VIEW logins AS SELECT domain, username, secret_sha256
                FROM credentials JOIN may_log_in USING (domain, username);
            """
        )
        connection.execute("INSERT INTO people VALUES (?, 'anna', 1)", (DOMAIN,))
        digest = hashlib.sha256(SECRET.encode()).hexdigest()
        connection.execute("INSERT INTO credentials VALUES (?, 'anna', ?)", (DOMAIN, digest))
        connection.close()
        give_to_reader(self.file)

    def open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.file, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        return connection

    def set_active(self, active: bool, *, connection: sqlite3.Connection | None = None) -> None:
        """Write as a long-lived writer, or (without a connection) as one that comes and goes."""
        mine = connection or self.open()
        mine.execute("UPDATE people SET active = ?", (active,))
        if connection is None:
            mine.close()

    @property
    def beside(self) -> set[str]:
        """The endings of the files beside the database."""
        return {path.name.removeprefix(self.file.name) for path in self.file.parent.glob(f"{self.file.name}-*")}


def give_to_reader(path: Path) -> None:
    """What the README asks for: the group may read, nobody else anything."""
    if os.geteuid() == 0:
        shutil.chown(path, group="nogroup")
    path.chmod(0o750 if path.is_dir() else 0o640)


@pytest.fixture
def database() -> Iterator[Database]:
    with reachable_folder() as outer:
        folder = outer / "directory"
        folder.mkdir()
        give_to_reader(folder)
        yield _filled(Database(folder, program=copy_program(outer)))


def _filled(made: Database) -> Database:
    made.create()
    digest = hashlib.sha256(b"api-password").hexdigest()
    made.config.write_text(
        f'database = "sqlite:///{made.file}"\napi_user = "klean-api@{DOMAIN}"\napi_password_sha256 = "{digest}"\n'
    )
    give_to_reader(made.config)
    return made


@pytest.fixture
def program(database: Database) -> Iterator[Program]:
    """As another user if we may choose one, else as ourselves (then the file rights prove less)."""
    running = Program(database.config, installed=database.program, user=READER if os.geteuid() == 0 else None)
    yield running
    running.kill()


def test_it_answers_while_the_writer_has_the_database_open(database: Database, program: Program) -> None:
    writer = database.open()
    database.set_active(True, connection=writer)
    assert "-wal" in database.beside
    assert program.accepts()
    assert program.may_log_in()
    assert not program.accepts("wrong")
    assert not program.accepts(username="nobody")
    writer.close()


def test_it_answers_when_nobody_has_the_database_open_and_leaves_no_files(database: Database, program: Program) -> None:
    assert database.beside == set()
    assert program.accepts()
    assert program.may_log_in()
    assert database.beside == set()


def test_it_answers_after_the_writer_was_killed(database: Database, program: Program) -> None:
    """What the dead writer had committed counts, though it lies in the -wal file only."""
    script = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('UPDATE people SET active = 0'); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(database.file)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert "-wal" in database.beside
    assert not program.may_log_in()


def test_every_commit_counts_for_the_very_next_question(database: Database, program: Program) -> None:
    writer = database.open()
    for turn in range(100):
        active = bool(turn % 2)
        database.set_active(active, connection=writer)
        assert program.may_log_in() is active
    writer.close()


def test_every_commit_counts_when_the_writer_comes_and_goes(database: Database, program: Program) -> None:
    for turn in range(60):
        active = bool(turn % 2)
        database.set_active(active)
        assert program.may_log_in() is active


def test_a_writer_in_the_middle_of_a_transaction_is_no_obstacle(database: Database, program: Program) -> None:
    writer = database.open()
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE people SET active = 0")
    assert program.may_log_in()
    writer.execute("COMMIT")
    assert not program.may_log_in()
    writer.close()


def test_a_restored_backup_counts_at_once(database: Database, program: Program) -> None:
    backup = database.file.with_suffix(".backup")
    shutil.copy(database.file, backup)
    database.set_active(False)
    assert not program.may_log_in()
    give_to_reader(backup)
    backup.rename(database.file)
    assert program.may_log_in()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to take rights away from another user")
def test_without_the_right_to_read_the_answer_is_no(database: Database, program: Program) -> None:
    database.file.chmod(0o600)
    assert not program.may_log_in()
    assert not program.accepts()
    database.file.chmod(0o640)
    assert program.may_log_in()
    assert "answered no" in program.end()[1]


@pytest.mark.parametrize("damage", ["missing", "empty", "garbage", "no views"])
def test_a_broken_database_says_no_and_a_repaired_one_works_again(
    database: Database, program: Program, damage: str
) -> None:
    assert program.accepts()
    aside = database.file.with_suffix(".aside")
    database.file.rename(aside)
    if damage in ("empty", "garbage"):
        database.file.write_bytes(b"" if damage == "empty" else os.urandom(8192))
        give_to_reader(database.file)
    if damage == "no views":
        database.open().close()
        give_to_reader(database.file)
    assert not program.accepts()
    assert not program.may_log_in()
    aside.replace(database.file)
    assert program.accepts()
    assert "answered no: " in program.end()[1]


def test_a_lock_is_waited_for_one_second_at_most(database: Database, program: Program) -> None:
    holder = database.open()
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("UPDATE people SET active = 1")
    started = time.monotonic()
    assert not program.may_log_in()
    assert time.monotonic() - started < 2
    holder.close()
    assert program.may_log_in()


def test_the_service_account_is_known_to_the_program_only(database: Database, program: Program) -> None:
    """It works without the directory, and is nobody one can write to."""
    database.file.unlink()
    assert program.ask(f"auth:klean-api:{DOMAIN}:api-password")
    assert not program.ask(f"auth:klean-api:{DOMAIN}:wrong")
    assert not program.ask("auth:klean-api:zwei.test:api-password")
    assert not program.ask(f"isuser:klean-api:{DOMAIN}")


@pytest.mark.parametrize(
    "question",
    [b"", b":", b"auth", b"auth:anna", b"auth:anna:firma.test", b"isuser:anna", b"isuser:anna:firma.test:x",
     b"setpass:anna:firma.test:x", b"tryregister:eve:firma.test:x", b"removeuser3:anna:firma.test:x",
     b"\xff\xfe:anna:firma.test", b"nonsense:anna:firma.test", b"isuser:' OR 1=1 --:firma.test", b"x" * 60000],
)  # fmt: skip
def test_what_is_not_a_proper_question_is_answered_no(program: Program, question: bytes) -> None:
    assert not program.ask(question)
    assert program.accepts()


def test_erasing_an_account_is_allowed_and_changes_nothing_here(program: Program) -> None:
    assert program.ask(f"removeuser:anna:{DOMAIN}")
    assert program.accepts()


def test_the_configuration_is_read_again_when_it_changes(database: Database, program: Program) -> None:
    assert program.ask(f"auth:klean-api:{DOMAIN}:api-password")
    text = database.config.read_text()
    database.config.write_text("this is = not toml at all")
    assert not program.ask(f"auth:klean-api:{DOMAIN}:api-password")
    new = hashlib.sha256(b"rotated").hexdigest()
    database.config.write_text(text.replace(hashlib.sha256(b"api-password").hexdigest(), new))
    assert program.ask(f"auth:klean-api:{DOMAIN}:rotated")


def test_it_ends_when_the_pipe_is_closed_and_never_logs_a_secret(database: Database, program: Program) -> None:
    database.file.unlink()
    assert not program.accepts("top-secret-credential")
    code, log = program.end()
    assert code == 0
    assert "answered no" in log
    assert "top-secret" not in log


def test_a_question_that_is_cut_short_ends_the_program(program: Program) -> None:
    program.stdin.write(struct.pack(">H", 100) + b"auth:anna")
    program.stdin.close()
    assert program.stdout.read() == b""
