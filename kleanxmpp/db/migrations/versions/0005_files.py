"""Uploaded files, and what each company takes.

SQLite cannot alter a table that a view reads, so all views are put away and back; PostgreSQL need not.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)
USUAL = [
    "image/avif",
    "image/gif",
    "image/heic",
    "image/heif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "video/3gpp",
    "video/mp4",
    "video/quicktime",
    "video/webm",
    "audio/aac",
    "audio/amr",
    "audio/flac",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/opus",
    "audio/wav",
    "audio/webm",
    "audio/x-m4a",
    "application/msword",
    "application/pdf",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "text/plain",
]


def upgrade() -> None:
    """Add the table, and the columns of companies."""
    op.create_table(
        "files",
        _needed("id", TEXT),
        _needed("company_id", TEXT),
        _needed("user_id", TEXT),
        _needed("name", TEXT),
        _needed("size", sa.BigInteger()),
        _needed("media_type", TEXT),
        _needed("created_at", MOMENT),
        _needed("expires_at", MOMENT),
        _needed("state", TEXT),
        _needed("token_sha256", TEXT),
        sa.PrimaryKeyConstraint("id", name="pk_files"),
        sa.UniqueConstraint("token_sha256", name="uq_files_token_sha256"),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["users.company_id", "users.id"],
            name="fk_files_company_id_user_id_users",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_files_user_id_created_at", "files", ["user_id", "created_at"])
    op.create_index("ix_files_state_expires_at", "files", ["state", "expires_at"])
    with _without_views():
        _add("upload_max_bytes", sa.BigInteger(), filled_with=25 * 1024 * 1024)
        _add("upload_daily_bytes", sa.BigInteger(), filled_with=500 * 1024 * 1024)
        _add("upload_types", sa.JSON(), filled_with=USUAL)
        _add("file_retention_days", sa.Integer(), filled_with=90)


def _needed(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


@contextmanager
def _without_views() -> Iterator[None]:
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


def _add(name: str, kind: sa.types.TypeEngine[Any], *, filled_with: object) -> None:
    """Add a column to companies that is never null; existing rows get a value, new ones must bring theirs."""
    op.add_column("companies", sa.Column(name, kind))
    table = sa.table("companies", sa.column(name, kind))
    op.execute(table.update().values({name: filled_with}))
    with op.batch_alter_table("companies") as altered:
        altered.alter_column(name, existing_type=kind, nullable=False)
