"""Drivers' errors become ours here, and only here.

A violated constraint is raised `from None` on purpose: the drivers' own errors quote the values (names, e-mail
addresses), and a chain ends up in logs. Everything else is chained; what the database calls our own mistake
(wrong SQL, wrong types) stays as it is and is not mistaken for a database that is away.
"""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kleanxmpp import errors
from kleanxmpp.db.tables import metadata

_AWAY = re.compile(r"(08|25|28|3D|40|53|55|57|58|F0|XX)|42P01|42703|42501")
"""PostgreSQL's error codes, by class, that say nothing about our statement (appendix A of its manual)."""

_REFUSED_TEXT = "22021"
_FIELDS = {
    "nickname_key": "nickname",
    "user_name_key": "user_name",
    "secret_sha256": "credential",
    "token_sha256": "token",
    "code_sha256": "code",
}


@contextmanager
def translated() -> Iterator[None]:
    """Raise what drivers raise inside the block as an error of ours, without the values that were stored."""
    try:
        yield
    except IntegrityError as error:
        raise _refusal(error) from None
    except UnicodeEncodeError:
        raise errors.Invalid("Text contains characters that cannot be stored.") from None
    except (PoolTimeout, OSError, sqlite3.Error) as error:
        raise errors.DirectoryUnavailable(_reason(str(error))) from error
    except StatementError as error:
        if _is_refused_text(error):
            raise errors.Invalid("Text contains characters that cannot be stored.") from None
        if not _is_away(error):
            raise
        raise errors.DirectoryUnavailable(_reason(str(error.orig))) from error


def _is_away(error: SQLAlchemyError) -> bool:
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated or isinstance(error, OperationalError):
        return True
    code = getattr(error.orig, "sqlstate", None)
    return _AWAY.match(code) is not None if code else isinstance(_driver_error(error), OSError)


def _is_refused_text(error: StatementError) -> bool:
    if isinstance(error.orig, UnicodeEncodeError) or getattr(error.orig, "sqlstate", None) == _REFUSED_TEXT:
        return True
    return isinstance(getattr(_driver_error(error), "__cause__", None), UnicodeEncodeError)


def _reason(text: str) -> str | None:
    """Say what an operator can do about it, in our words; None: the default message."""
    if re.search(r"no such (table|column|view)|does not exist", text):
        return "The directory's database is not migrated to this version: kleanxmpp db upgrade."
    if re.search(r"locked|lock timeout|deadlock|QueuePool", text):
        return "The directory's database is busy. Nothing was changed; try again."
    return None


def _refusal(error: IntegrityError) -> errors.KleanError:
    """Tell which field collides, from the constraint's columns; the last one is the field (the first the company)."""
    text = str(error.orig)
    if column := _unique().get(str(getattr(_driver_error(error), "constraint_name", None))):
        return _conflict(column)
    if match := re.search(r"UNIQUE constraint failed: .*\.(\w+)$", text):
        return _conflict(match[1])
    if re.search("foreign key", text, re.IGNORECASE):
        return errors.NotFound("Something that this refers to is not in the directory, or in another company.")
    return errors.Invalid("The database refuses these values.")


def _driver_error(error: StatementError) -> BaseException | None:
    """Return asyncpg's own error, which SQLAlchemy's rendering of it has as cause."""
    return error.orig.__cause__ if error.orig is not None else None


def _conflict(column: str) -> errors.Conflict:
    return errors.Conflict(field=_FIELDS.get(column, column))


@cache
def _unique() -> Mapping[str, str]:
    """Return each unique constraint's last column. At the first use, when all modules with tables are there."""
    return dict(_unique_names())


def _unique_names() -> Iterator[tuple[str, str]]:
    for table in metadata.sorted_tables:
        rules = [c for c in table.constraints if isinstance(c, UniqueConstraint | PrimaryKeyConstraint)]
        for rule in [*rules, *(i for i in table.indexes if i.unique)]:
            yield str(rule.name), list(rule.columns)[-1].name
