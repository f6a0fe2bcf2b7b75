"""The program as a process: it starts fast, helps everywhere, and leaves no traces in pipes."""

import subprocess
import sys
from pathlib import Path

import pytest

from kleanxmpp import __version__, cli, errors
from kleanxmpp.cli import wiring
from tests.integration.cli.conftest import Run

HEAVY = ("sqlalchemy", "slixmpp", "aiohttp", "pydantic", "alembic", "precis_i18n")


@pytest.mark.parametrize("command", [*cli._COMMANDS, "user credential", "group members"])
def test_every_command_helps(bare: Run, command: str) -> None:
    answer = bare(*command.split(), "--help")
    assert answer.code == 0
    assert answer.out.startswith(f"Usage: kleanxmpp {command}")


@pytest.mark.parametrize(
    "command", ["user add", "user deactivate", "user credential add", "group members add", "token add", "db upgrade"]
)
def test_every_subcommand_says_what_it_does(bare: Run, command: str) -> None:
    answer = bare(*command.split(), "--help")
    assert answer.code == 0 and f"Usage: kleanxmpp {command}" in answer.out


def test_help_and_version_load_none_of_the_heavy_libraries() -> None:
    program = (
        "import sys; from kleanxmpp.cli import main; main(['--help']); main(['version']);"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.endswith(f"{__version__}\n[]\n")


def test_without_a_command_the_commands_are_listed(bare: Run) -> None:
    answer = bare()
    assert answer.code == 0 and "reconcile" in answer.out


def test_a_refusal_among_things_that_ran_at_once_is_told_like_any_other(
    bare: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def serve(*_: object, **__: object) -> None:
        inner = ExceptionGroup("inner", [errors.Temporary("ejabberd is away.")])
        raise ExceptionGroup("outer", [inner, errors.Invalid("second")])

    monkeypatch.setattr(wiring, "serve", serve)
    answer = bare("serve")
    assert (answer.code, answer.err) == (4, "ejabberd is away.\n")


def test_what_nobody_foresaw_keeps_its_traceback(bare: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(*_: object, **__: object) -> None:
        raise ExceptionGroup("outer", [errors.Invalid("foreseen"), ZeroDivisionError()])

    monkeypatch.setattr(wiring, "serve", serve)
    with pytest.raises(ExceptionGroup):
        bare("serve")


def test_whoever_has_read_enough_may_close_the_pipe(run: Run, home: Path) -> None:
    (home / "people.csv").write_text("display_name\n" + "".join(f"Person {n}\n" for n in range(2000)))
    assert run("import", "people.csv").code == 0
    with subprocess.Popen(
        [sys.executable, "-m", "kleanxmpp.cli", "user", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout and process.stderr
        assert process.stdout.readline().startswith("USERNAME")
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0
