"""`kleanxmpp serve`: the service itself."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from kleanxmpp import settings


def serve(
    *,
    only: Annotated[Literal["component", "api"] | None, Parameter(help="Run only this part in this process.")] = None,
    config: Annotated[Path | None, Parameter(help="Settings file instead of the usual ones.")] = None,
) -> None:
    """Run the component and the admin API until SIGTERM or Ctrl-C."""
    from kleanxmpp.cli import wiring

    wiring.serve(settings.read(config), only=only)
