"""Changing lines of a private server's configuration, for servers that are not as we configure them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ejabberd.launcher import PrivateServer
from ejabberd.modules import compile_module

Edits = Mapping[str, Sequence[str]]
"""The lines (without indentation) that are replaced, and what by, at the same indentation."""

NO_EDITS: Edits = {}
HOARDING: Edits = {
    "mod_ping: {}": ["mod_ping: {}", "mod_push: {}", "mod_tokens: {}"],
    "- status": ["- status", "- keep_oauth_token"],
}
"""Keep push registrations and OAuth tokens; `mod_tokens` is a module of these tests."""
_TOKENS = Path(__file__).parent / "ejabberd" / "mod_tokens.erl"


async def edit(server: PrivateServer, edits: Edits) -> None:
    """Replace these lines before the server starts, and compile what they load. Fails if a line does not occur."""
    lines: list[str] = []
    unused = set(edits)
    for line in server.files.config.read_text().splitlines():
        content = line.strip()
        unused.discard(content)
        indent = line[: len(line) - len(line.lstrip())]
        lines += [indent + new for new in edits.get(content, [content])]
    assert not unused, f"ejabberd's configuration has no line like {', '.join(sorted(unused))}"
    server.files.config.write_text("\n".join(lines) + "\n")
    if any("mod_tokens" in new for new_lines in edits.values() for new in new_lines):
        await compile_module(server.home, server.files.code, source=_TOKENS)
