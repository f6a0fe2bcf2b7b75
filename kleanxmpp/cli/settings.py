"""`kleanxmpp settings`: what is in force, or the page that documents every setting."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from pydantic import SecretStr

from kleanxmpp import settings as tree
from kleanxmpp import settings_page
from kleanxmpp.cli import output
from kleanxmpp.settings_parts import Part

_PASSWORD = re.compile(r"(?<=//)([^:/@]*):.*@")


def settings(
    *,
    markdown: Annotated[bool, Parameter(negative=(), help="Write the documentation instead.")] = False,
    json: Annotated[bool, Parameter(negative=(), help="Write JSON for other programs.")] = False,
    config: Annotated[Path | None, Parameter(help="Settings file instead of the usual ones.")] = None,
) -> None:
    """Show the settings in force, secrets hidden, or their documentation."""
    if markdown:
        print(settings_page.markdown(), end="")
        return
    read = tree.read(config)
    values = {table: {key: _shown(value, is_url=key == "url") for key, value in part} for table, part in _tables(read)}
    file = tree.find_file(config)
    if json:
        output.write_json({"file": str(file.resolve()) if file else None, "settings": values})
        return
    print(f"# {file.resolve() if file else 'no file, only defaults and environment'}")
    rows = [{"setting": f"{part}.{key}", "value": v} for part, keys in values.items() for key, v in keys.items()]
    output.write_table(rows, ("setting", "value"))


def _tables(read: tree.Settings) -> Iterator[tuple[str, Part]]:
    """Yield the tables as the file names them; of what every company has one of its own, each."""
    for name, part in read:
        if isinstance(part, Part):
            yield name, part
        else:
            yield from ((f'{name}."{company}"', own) for company, own in part.items())


def _shown(value: Any, *, is_url: bool) -> Any:  # noqa: ANN401 - a setting's value can be of any type
    if not isinstance(value, SecretStr):
        return value
    secret = value.get_secret_value()
    return _PASSWORD.sub(r"\1:***@", secret) if is_url else "(set)" if secret else None
