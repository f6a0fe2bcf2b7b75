"""Compiling our Erlang module for the ejabberd at hand.

A compiled module must fit the headers of the XMPP library and the behaviours of the ejabberd it is loaded
into, so it is compiled at set-up, not shipped.
"""

import asyncio
import hashlib
from pathlib import Path

from ejabberd.home import EjabberdHome

SOURCE = Path(__file__).parent / "modules" / "mod_klean.erl"


def source_digest(source: Path = SOURCE) -> str:
    """Return what a module compiled from this source answers when it is asked which one it is."""
    return hashlib.sha256(source.read_bytes()).hexdigest()[:12]


async def compile_module(home: EjabberdHome, out_dir: Path, *, source: Path = SOURCE) -> Path:
    """Compile `mod_klean` into `out_dir` and return the .beam file; RuntimeError carries the compiler's words."""
    _make(out_dir)
    told = f'-DKLEAN_SOURCE="{source_digest(source)}"'
    process = await asyncio.create_subprocess_exec(
        "erlc", "-Werror", "-pa", str(home.ebin), "-I", str(home.xmpp_headers),
        "-I", str(home.ebin.parent / "include"), told, "-o", str(out_dir), str(source),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{source.stem} does not compile: {output.decode(errors='replace').strip()}")
    return out_dir / f"{source.stem}.beam"


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
