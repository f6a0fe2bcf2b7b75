"""Uploaded files, and what each company takes."""

import sqlalchemy as sa
from alembic import op

from kleanxmpp.db.migrations.altering import MOMENT, TEXT, add_filled, needed, without_views

revision = "0005"
down_revision = "0004"

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
        needed("id", TEXT),
        needed("company_id", TEXT),
        needed("user_id", TEXT),
        needed("name", TEXT),
        needed("size", sa.BigInteger()),
        needed("media_type", TEXT),
        needed("created_at", MOMENT),
        needed("expires_at", MOMENT),
        needed("state", TEXT),
        needed("token_sha256", TEXT),
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
    with without_views():
        add_filled("companies", "upload_max_bytes", sa.BigInteger(), filled_with=25 * 1024 * 1024)
        add_filled("companies", "upload_daily_bytes", sa.BigInteger(), filled_with=500 * 1024 * 1024)
        add_filled("companies", "upload_types", sa.JSON(), filled_with=USUAL)
        add_filled("companies", "file_retention_days", sa.Integer(), filled_with=90)
