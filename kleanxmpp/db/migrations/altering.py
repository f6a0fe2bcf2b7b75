"""What several revisions do alike. SQLite cannot alter a table that a view reads; PostgreSQL need not be helped."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic import op

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def needed(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    """Return a column that is never null."""
    return sa.Column(name, kind, nullable=False)


@contextmanager
def without_views() -> Iterator[None]:
    """Put all views away, and back as they were."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        yield
        return
    views = connection.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'view'")).all()
    for view in views:
        op.execute(f'DROP VIEW "{view.name}"')
    yield
    for view in views:
        op.execute(view.sql)


def add_filled(table_name: str, name: str, kind: sa.types.TypeEngine[Any], *, filled_with: object) -> None:
    """Add a column that is never null; existing rows get a value, new ones must bring theirs."""
    op.add_column(table_name, sa.Column(name, kind))
    table = sa.table(table_name, sa.column(name, kind))
    op.execute(table.update().values({name: filled_with}))
    with op.batch_alter_table(table_name) as altered:
        altered.alter_column(name, existing_type=kind, nullable=False)
