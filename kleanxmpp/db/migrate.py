"""Bring a database to the schema of this version.

There is only forward: a downgrade would have to throw away what the new schema holds. Several processes may
upgrade at once; one does it, the others find it done.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from kleanxmpp.db.engine import open_engines, serialise
from kleanxmpp.db.failures import translated

_SCRIPTS = Path(__file__).with_name("migrations")


async def upgrade_database(url: str, *, lock_timeout: float = 10.0) -> None:
    """Create or migrate the database at `url`. Repeatable. Raises DirectoryUnavailable."""
    engines = open_engines(url, lock_timeout=lock_timeout, create=True)
    try:
        await upgrade(engines.writing)
    finally:
        await engines.close()


async def upgrade(engine: AsyncEngine) -> None:
    """Migrate what `engine` writes to, in one transaction."""
    with translated():
        async with engine.begin() as connection:
            await serialise(connection, "the schema itself")
            await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    command.upgrade(config, "head")
