"""`kleanxmpp website fetch`: gets what `kleanxmpp.web_assets` names, with the machine's own npm.

npm only downloads: it runs nothing of a package, and its archive counts only with the hash that stands in our code.
Each file is replaced in one step and the stamp comes last, so a service that starts meanwhile finds whole files.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from kleanxmpp import errors, settings, web_assets
from kleanxmpp.cli import output
from kleanxmpp.web_assets import PACKAGES, Package

_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What became of it. `changed`: False if everything was there."""

    folder: Path
    changed: bool


def fetch(
    *,
    folder: Annotated[Path | None, Parameter(help="Where the files go; left out: website.folder.")] = None,
    archives: Annotated[
        Path | None,
        Parameter(help="Folder with the archives (npm pack), for a machine without internet."),
    ] = None,
    force: Annotated[bool, Parameter(negative=(), help="Fetch them even if they are there.")] = False,
    json: Annotated[bool, Parameter(negative=(), help="Write JSON for other programs.")] = False,
    config: Annotated[Path | None, Parameter(help="Settings file instead of the usual ones.")] = None,
) -> None:
    """Fetch the styles and scripts of others that the pages use, checked by hash. Does nothing if they are there.

    Needs npm: apt-get install --no-install-recommends npm. Restart the service afterwards: it reads them at its start.
    """
    target = folder or settings.read(config).website.folder
    done = fetch_into(target, archives=archives, force=force)
    if json:
        packages = [{"name": one.name, "version": one.version, "sha512": one.sha512} for one in PACKAGES]
        output.write_json({"folder": done.folder, "changed": done.changed, "packages": packages})
    else:
        listed = ", ".join(package.spec for package in PACKAGES)
        print(f"{'Fetched' if done.changed else 'There already'}: {listed} in {done.folder}.")


def fetch_into(
    folder: Path,
    *,
    archives: Path | None = None,
    force: bool = False,
    packages: Sequence[Package] = PACKAGES,
) -> Fetched:
    """Fill the folder. Raises Invalid that says what is missing."""
    folder = folder.resolve()
    if not force and web_assets.present(folder, packages=packages):
        return Fetched(folder=folder, changed=False)
    with tempfile.TemporaryDirectory(prefix="kleanxmpp-") as work:
        places = [Path(work) / str(number) for number in range(len(packages))]
        with ThreadPoolExecutor() as threads:  # npm mostly waits
            loaded = [*threads.map(partial(_archive, archives=archives), packages, places)]
    files: dict[str, bytes] = {}
    for package, archive in zip(packages, loaded, strict=True):
        files |= web_assets.unpacked(package, archive)
    try:
        _write(folder, files, web_assets.stamp(files, packages=packages))
    except OSError as error:
        raise errors.Invalid(f"{error.filename or folder} cannot be written: {error.strerror}.") from error
    return Fetched(folder=folder, changed=True)


def _archive(package: Package, work: Path, *, archives: Path | None) -> bytes:
    """Return the package's archive: from the folder if there is one, else from npm."""
    if archives is not None:
        file = archives / (package.name.lstrip("@").replace("/", "-") + f"-{package.version}.tgz")
        if not file.is_file():
            raise errors.Invalid(f"{file} is missing. On a machine with internet: npm pack {package.spec}")
        return file.read_bytes()
    npm = shutil.which("npm")
    if npm is None:
        raise errors.Invalid(
            "npm is missing, which fetches the website's styles and scripts: "
            "apt-get install --no-install-recommends npm"
        )
    work.mkdir()
    _pack(npm, package, work)
    found = [*work.glob("*.tgz")]
    if len(found) != 1:
        raise errors.Invalid(f"npm brought no archive of {package.spec}.")
    return found[0].read_bytes()


def _pack(npm: str, package: Package, work: Path) -> None:
    command = [npm, "pack", package.spec, "--ignore-scripts", "--loglevel=error", "--update-notifier=false"]
    try:
        done = subprocess.run(command, cwd=work, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS)
        code, said = done.returncode, done.stderr.decode(errors="replace")
    except subprocess.TimeoutExpired:
        code, said = -1, f"no answer within {_SECONDS:.0f} seconds"
    if code != 0:
        lines = [line for line in said.splitlines() if line.strip()]
        raise errors.Invalid(
            f"npm could not fetch {package.spec}: {lines[0] if lines else 'it said nothing'}. Is this machine online? "
            "If it cannot be: --archives"
        )


def _write(folder: Path, files: Mapping[str, bytes], stamp: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(PermissionError):  # somebody else's folder that we may write to is as they want it
        folder.chmod(0o755)
    for name, body in [*files.items(), (web_assets.STAMP, stamp.encode())]:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        part.write_bytes(body)
        part.chmod(0o644)
        os.replace(part, target)
