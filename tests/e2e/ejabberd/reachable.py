"""Folders that another unix user can reach: pytest's own lie below one that only its owner may enter."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[3] / "ejabberd"
_NEEDED = ("__init__.py", "extauth.py", "logins.py", "postgres_logins.py")


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """Yield a new folder that everybody may enter."""
    folder = Path(tempfile.mkdtemp(prefix="klean-reachable-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def copy_program(folder: Path) -> Path:
    """Copy the login program, as an installation would, and return what goes on the Python path."""
    package = folder / "installed" / "ejabberd"
    package.mkdir(parents=True)
    for name in _NEEDED:
        shutil.copyfile(PROGRAM / name, package / name)
        (package / name).chmod(0o644)
    for made in (package, package.parent):
        made.chmod(0o755)
    return package.parent
