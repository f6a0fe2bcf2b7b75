"""Which processes of this machine belong to a folder: looked up in /proc, by command line."""

from pathlib import Path


def belonging_to(folder: Path, *, word: str = "") -> dict[int, str]:
    """Return process id -> command line of those that name the folder, and the word if one is given."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it ended meanwhile
        if str(folder) in line and word in line:
            found[int(entry.parent.name)] = line.strip()
    return found
