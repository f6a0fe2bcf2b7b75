"""`kleanxmpp demo`: a private ejabberd, the service, and a company to play with."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def demo(
    folder: Annotated[Path, Parameter(help="Where everything is kept; emptied if it held a demo before.")] = Path(
        "var/demo"
    ),
    /,
    *,
    ejabberd_root: Annotated[
        Path | None, Parameter(help="Folder with an unpacked ejabberd, instead of the installed one.")
    ] = None,
) -> None:
    """Run a private ejabberd on loopback with the demo company until Ctrl-C. A system's ejabberd is left alone."""
    from kleanxmpp.cli import demo_company

    demo_company.demo(folder, ejabberd_root=ejabberd_root)
