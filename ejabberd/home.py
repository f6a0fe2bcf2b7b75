"""Where an ejabberd and its libraries lie: the one Debian installed, or one unpacked by `ejabberd.versions`."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class EjabberdHome:
    """One ejabberd that can be started or compiled against."""

    ebin: Path
    version: str
    """Like `23.01`."""
    xmpp_headers: Path
    """Include folder of the XMPP library."""
    extra_paths: tuple[Path, ...]
    """Code folders that must come before the installed ones; empty for Debian's own ejabberd."""

    @property
    def libraries(self) -> Path:
        """The folder for ERL_LIBS: ejabberd lies outside of Erlang's own library folder."""
        return self.ebin.parent.parent

    @property
    def release(self) -> tuple[int, int]:
        """Version as numbers, for comparisons."""
        year, month = self.version.split(".")
        return int(year), int(month)


def find_ejabberd(root: Path | None = None) -> EjabberdHome:
    """Find ejabberd below `root` (a folder made by `ejabberd.versions`), or the one Debian installed.

    Raises FileNotFoundError that says what to install.
    """
    top = root or Path("/")
    ebin = _newest(top, "usr/lib/*/ejabberd-[0-9]*/ebin", what="ejabberd")
    version = re.match(r"ejabberd-(\d+\.\d+)", ebin.parent.name)
    if version is None:
        raise FileNotFoundError(f"{ebin} does not look like an ejabberd of Debian")
    unpacked = sorted(top.glob("usr/lib/erlang/lib/*/ebin")) if root else []
    return EjabberdHome(
        ebin=ebin,
        version=version.group(1),
        xmpp_headers=_newest(top, "usr/lib/erlang/lib/*xmpp-*/include", what="erlang-p1-xmpp"),
        extra_paths=(ebin, *unpacked) if root else (),
    )


def _newest(top: Path, pattern: str, *, what: str) -> Path:
    # Debian links ejabberd-23.01 to ejabberd-23.01-1: only real folders count
    found = sorted(folder for folder in top.glob(pattern) if not folder.parent.is_symlink())
    if not found:
        raise FileNotFoundError(f"no {what} below {top}: install Debian's package, or see ejabberd.versions")
    return found[-1]
