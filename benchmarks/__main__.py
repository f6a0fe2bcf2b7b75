"""`python -m benchmarks [NAME…]`: runs benchmarks and prints their figures. Exits 0 whether targets are met or not."""

import asyncio
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from rich.console import Console

from benchmarks import api_bulk, arriving, audit, circle, company, costs, crowd, logins, offboarding, pages, sources
from benchmarks.figures import Figure
from benchmarks.table import as_json, show
from benchmarks.world import Bench
from ejabberd.versions import unpack

Name = Literal[
    "offboarding", "crowd", "circle", "costs", "company", "logins", "sources", "api", "pages", "audit", "arriving"
]  # fmt: skip
_ALL: dict[Name, Callable[[Bench], Coroutine[None, None, list[Figure]]]] = {
    "offboarding": offboarding.measure,
    "crowd": crowd.measure,
    "circle": circle.measure,
    "costs": costs.measure,
    "company": company.measure,
    "logins": logins.measure,
    "sources": sources.measure,
    "api": api_bulk.measure,
    "pages": pages.measure,
    "audit": audit.measure,
    "arriving": arriving.measure,
}
_INSTALLED = "23.01"

app = App(name="python -m benchmarks", help_format="plaintext", version_flags=[])


@app.default
def run(
    *names: Name,
    version: Literal["23.01", "24.12"] = "23.01",
    as_json_: Annotated[bool, Parameter(name="--json", negative=())] = False,
    small: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Measure KleanXMPP against the same work done the plain way, on a private ejabberd.

    Parameters
    ----------
    names
        What to measure; everything, if nothing is named.
    version
        Which ejabberd to use: the installed one of Debian 12, or 24.12, which is unpacked into var/.
    as_json_
        Print JSON.
    small
        Small sizes and few rounds, for a quick look; the figures mean less.
    """
    root = None if version == _INSTALLED else Path("var") / f"ejabberd-{version}"
    if root is not None:
        unpack(version, root)
    progress = Console(stderr=True)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="kleanxmpp-bench-") as folder, progress.status("") as status:
        say: Callable[[str], None] = status.update if progress.is_terminal else lambda text: None
        for name in names or tuple(_ALL):
            bench = Bench(folder=Path(folder), root=root, small=small, say=say)
            figures += asyncio.run(_ALL[name](bench))
    if as_json_:
        sys.stdout.write(as_json(figures, version=version) + "\n")
    else:
        show(figures, console=Console())


if __name__ == "__main__":
    app()
