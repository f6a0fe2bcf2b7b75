"""What is seen on this machine: how full its disks are, and how old the newest backup is."""

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from kleanxmpp.doctor.facts import Backup, Disk


def disks(folders: Iterable[Path]) -> tuple[Disk, ...]:
    """Return how full the disks of these folders are, each disk once; a folder that is not there is left out.

    (The server may run on another machine.) Where we may not look into a folder, the one above it is on the same disk
    in all likelihood.
    """
    found: dict[int, Disk] = {}
    for folder in folders:
        seen = _visible(folder)
        if seen is not None:
            usage = shutil.disk_usage(seen)
            found.setdefault(seen.stat().st_dev, Disk(folder=str(folder), free=usage.free, total=usage.total))
    return tuple(found.values())


def newest_backup(place: Path) -> Backup:
    """Return the newest file or folder in a folder of backups, or the one file named. Raises OSError."""
    if not place.exists():
        return Backup(place=str(place), made_at=None)
    entries = [entry for entry in place.iterdir() if not entry.name.startswith(".")] if place.is_dir() else [place]
    dated = [(entry.stat().st_mtime, entry.stat().st_size) for entry in entries]
    if not dated:
        return Backup(place=str(place), made_at=None)
    made_at, size = max(dated)
    return Backup(place=str(place), made_at=datetime.fromtimestamp(made_at, UTC), size=size)


def _visible(folder: Path) -> Path | None:
    for candidate in (folder, *folder.parents):
        try:
            if candidate.exists():
                return candidate
            return None
        except PermissionError:
            continue
    return None
