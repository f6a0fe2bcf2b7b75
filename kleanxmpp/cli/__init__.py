"""The command line: one module per noun, each imported only when one of its commands is called.

Errors become one or two sentences on stderr and an exit code here, in one place: 0 done, 1 refused or failed,
2 wrong usage, 3 the directory is unavailable, 4 the XMPP server is unreachable (or an off-boarding not proven in time),
5 a doctor's line could not be checked.
"""

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from kleanxmpp import __version__, errors

DONE, FAILED, USAGE, NO_DIRECTORY, NO_SERVER, NOT_CHECKED, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130

_IMPORT = """Import people and their groups from a CSV or XLSX file: all of it or nothing.

Without --mapping the first line names the columns as `kleanxmpp export people` does: display_name (or first_name and
last_name), username, external_id, email, locale, active, chat_permission, joined_on, leaves_on, groups, site, role,
department and other attributes. In `groups`, names are separated by ; and a * stands after those that the person
moderates. For the export of an HR system a mapping says what its columns mean: --mapping-example, docs/import.md.

People are found again by external_id, else username, else name. The file is the truth for the people it lists, and for
the groups it names; other people (but see --missing) and other groups stay as they are. An empty cell leaves things as
they are, except in `groups`. Who is not active is off-boarded; if that were many people at once, they are held:
kleanxmpp held.
"""
_DOCTOR = """Look whether the running server keeps the promises, and try it with a synthetic user.

One line a promise: green, yellow, red, or not checked, with what to paste where configuration is the cure. The lines
are explained in docs/doctor.md. Needs the running service, which lets the synthetic user in and throws them out.

Exit codes: 0 all lines are green or yellow, 1 some are red, 5 none is red but some could not be checked.
"""
_COMMANDS = {
    "serve": ("kleanxmpp.cli.serve:serve", "Run the component and the admin API."),
    "init": (
        "kleanxmpp.cli.init:init",
        "Write configuration and secrets, create the database, the company and a token.",
    ),
    "db": ("kleanxmpp.cli.db:app", "The directory's database."),
    "company": ("kleanxmpp.cli.company:app", "Companies: one XMPP domain each."),
    "user": ("kleanxmpp.cli.user:app", "People and their devices."),
    "group": ("kleanxmpp.cli.group:app", "Groups and their circles."),
    "token": ("kleanxmpp.cli.token:app", "API tokens."),
    "webhook": ("kleanxmpp.cli.webhook:app", "Other systems that are told of what happens."),
    "import": ("kleanxmpp.cli.import_file:import_file", _IMPORT),
    "export": ("kleanxmpp.cli.export:app", "People and groups for spreadsheets and programs."),
    "held": ("kleanxmpp.cli.held:app", "Off-boardings of many people at once that wait for a confirmation."),
    "scheduled": ("kleanxmpp.cli.scheduled:app", "Changes of people that are planned for later."),
    "website": ("kleanxmpp.cli.website:app", "The website: links to sign in, roles, styles and scripts."),
    "hook": ("kleanxmpp.cli.hook:app", "Events that other systems report, signed."),
    "reconcile": ("kleanxmpp.cli.reconcile:reconcile", "Compare the server with the directory now."),
    "audit": ("kleanxmpp.cli.audit:app", "The audit log: verify, export and read it."),
    "doctor": ("kleanxmpp.cli.doctor:doctor", _DOCTOR),
    "ejabberd": ("kleanxmpp.cli.ejabberd:app", "What ejabberd needs: its configuration and our module."),
    "settings": ("kleanxmpp.cli.settings:settings", "Show the settings in force, or their documentation."),
    "demo": ("kleanxmpp.cli.demo:demo", "Run a private ejabberd with a company to play with."),
}


def build() -> App:
    """Return the application; commands are named here and imported when they are called."""
    app = App(
        name="kleanxmpp",
        help="Keeps an ejabberd server equal to a directory of users and groups.",
        version=__version__,
        exit_on_error=False,
        print_error=False,
        result_action="return_value",
    )
    for name, (target, text) in _COMMANDS.items():
        app.command(target, name=name, help=text)
    app.command(_version, name="version")
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        return int(build()(sys.argv[1:] if arguments is None else list(arguments)) or DONE)
    except CycloptsError as error:
        return _told(f"{error} See: kleanxmpp --help", code=USAGE)
    except errors.KleanError as error:
        return _refused(error)
    except ExceptionGroup as group:  # several things ran at once; what cannot be foreseen keeps its traceback
        foreseen, others = group.split(errors.KleanError)
        if foreseen is None or others is not None:
            raise
        return _refused(_first(foreseen))
    except BrokenPipeError:  # `kleanxmpp user list | head`: whoever read our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return INTERRUPTED


def _version() -> None:
    """Show the version."""
    print(__version__)


def _refused(error: BaseException) -> int:
    faults = getattr(error, "faults", ())
    message = "\n".join([*map(str, faults), str(error)])
    if isinstance(error, errors.DirectoryUnavailable):
        return _told(f"{message} Which database is asked, says: kleanxmpp settings", code=NO_DIRECTORY)
    return _told(message, code=NO_SERVER if isinstance(error, errors.ServerError) else FAILED)


def _first(group: BaseExceptionGroup[errors.KleanError]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _told(message: str, *, code: int) -> int:
    print(message, file=sys.stderr)
    return code
