"""`python -m kleanxmpp.db upgrade URL`: bring a database to the schema of this version."""

import argparse
import asyncio
import sys

from kleanxmpp import errors
from kleanxmpp.db.migrate import upgrade_database


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m kleanxmpp.db", description=__doc__)
    commands = parser.add_subparsers(required=True)
    upgrade = commands.add_parser("upgrade", help="create the tables, or migrate them")
    upgrade.add_argument("url", help="sqlite:///FILE or postgresql://USER:SECRET@HOST/NAME")
    chosen = parser.parse_args(arguments)
    try:
        asyncio.run(upgrade_database(chosen.url))
    except errors.KleanError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
