"""The page that documents every setting, made from the settings themselves."""

import inspect

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from kleanxmpp.settings import CONFIG_VARIABLE, PREFIX, tables

_HEAD = f"""\
# Settings

Every setting can be given in `kleanxmpp.toml` (`[server]` and below it `component_port = 5347`) and in the
environment (`{PREFIX}SERVER__COMPONENT_PORT=5347`), which wins. The file is the one named by `--config` or
`{CONFIG_VARIABLE}`, else `./kleanxmpp.toml`, else `/etc/kleanxmpp/kleanxmpp.toml`. Unknown keys are refused.

This page is written by `kleanxmpp settings --markdown`.
"""


def markdown() -> str:
    """Return the page that documents every setting."""
    lines = [_HEAD]
    for table, part in tables():
        said = inspect.cleandoc(part.__doc__ or "")
        lines += [f"## `[{table}]`", "", said, "", "| key | default | meaning |", "| --- | --- | --- |"]
        for key, inner in part.model_fields.items():
            meaning = " ".join((inner.description or "").split())
            lines.append(f"| `{key}` | {_shown(inner.default)} | {meaning} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _shown(default: object) -> str:
    if default is PydanticUndefined:
        return "(needed)"
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    return "" if default in (None, "", ()) else f"`{default}`"
