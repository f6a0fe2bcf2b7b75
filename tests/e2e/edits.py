"""Changing lines of a private server's configuration, for servers that are not as we configure them."""

from collections.abc import Mapping, Sequence

from ejabberd.launcher import PrivateServer

Edits = Mapping[str, Sequence[str]]
"""The lines (without indentation) that are replaced, and what by, at the same indentation."""


def edit(server: PrivateServer, edits: Edits) -> None:
    """Replace these lines before the server starts. Fails if a line does not occur."""
    lines: list[str] = []
    unused = set(edits)
    for line in server.files.config.read_text().splitlines():
        content = line.strip()
        unused.discard(content)
        indent = line[: len(line) - len(line.lstrip())]
        lines += [indent + new for new in edits.get(content, [content])]
    assert not unused, f"ejabberd's configuration has no line like {', '.join(sorted(unused))}"
    server.files.config.write_text("\n".join(lines) + "\n")
