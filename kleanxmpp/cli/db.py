"""`kleanxmpp db …`: the directory's database."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from kleanxmpp import settings
from kleanxmpp.db.migrate import upgrade_database

app = App(name="db", help="The directory's database.")


@app.command
async def upgrade(
    *, config: Annotated[Path | None, Parameter(help="Settings file instead of the usual ones.")] = None
) -> None:
    """Create the tables, or migrate them to this version. Repeatable; make a backup first."""
    database = settings.read(config).database
    await upgrade_database(database.url.get_secret_value(), lock_timeout=database.lock_timeout)
    print("The database is up to date.")
