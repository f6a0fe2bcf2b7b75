"""Unpack a newer ejabberd from Debian backports beside the installed one.

    python -m ejabberd.versions 24.12 FOLDER

Nothing is installed and nothing of the system is changed: apt works with a configuration and a state of its own
below FOLDER, takes the mirror from the machine's apt sources and checks signatures with the machine's
keys. The packages (ejabberd and the Erlang libraries it needs newer) are unpacked into FOLDER; the
result is an `ejabberd_home` for the launcher. Running it again with everything in place does nothing.
"""

import contextlib
import shutil
import subprocess
import sys
from pathlib import Path

from ejabberd.home import EjabberdHome, find_ejabberd

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_STATUS = Path("/var/lib/dpkg/status")


def unpack(version: str, folder: Path) -> EjabberdHome:
    """Make sure that ejabberd `version` lies in `folder` and return it; RuntimeError says what failed."""
    ready = _present(version, folder)
    if ready is not None:
        return ready
    work = (folder / ".apt").resolve()
    apt = _PrivateApt(work)
    _say("reading the package lists")
    apt.prepare()
    candidate = apt.find(version)
    _say(f"fetching ejabberd {candidate} and what it needs")
    for package in apt.download(candidate):
        _say(f"unpacking {package.name.partition('_')[0]}")
        _run("dpkg-deb", "-x", str(package), str(folder))
    shutil.rmtree(work)
    made = _present(version, folder)
    if made is None:
        raise RuntimeError(f"the packages did not bring ejabberd {version} into {folder}")
    return made


def _present(version: str, folder: Path) -> EjabberdHome | None:
    with contextlib.suppress(FileNotFoundError):
        home = find_ejabberd(folder)
        if home.version == version and not (folder / ".apt").exists():
            return home
    return None


class _PrivateApt:
    """apt with a configuration, a state and a cache of its own."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._config = work / "apt.conf"

    def prepare(self) -> None:
        codename, mirror = _codename(), ""
        for line in _run("apt-get", "indextargets", "--format", "$(CODENAME) $(SITE)", "Created-By: Packages"):
            suite, _, site = line.partition(" ")
            mirror = mirror or (site if suite == codename else "")
        if not mirror:
            raise RuntimeError(f"this machine's apt sources name no mirror for {codename}")
        for name in ("state/lists/partial", "cache/archives/partial"):
            (self._work / name).mkdir(parents=True, exist_ok=True)
        signed = f"[signed-by={_KEYRING}] " if _KEYRING.exists() else ""
        sources = "".join(f"deb {signed}{mirror} {suite} main\n" for suite in (codename, f"{codename}-backports"))
        (self._work / "sources.list").write_text(sources)
        shutil.copyfile(_STATUS, self._work / "status")
        self._config.write_text(
            f'Dir::State "{self._work}/state/";\nDir::State::status "{self._work}/status";\n'
            f'Dir::Cache "{self._work}/cache/";\nDir::Etc::sourcelist "{self._work}/sources.list";\n'
            'Dir::Etc::sourceparts "-";\nAPT::Sandbox::User "root";\n'
        )
        self._apt("apt-get", "update", "--error-on=any")

    def find(self, version: str) -> str:
        """Return the full version of the package, like `24.12-3~bpo12+1`."""
        offered = [line.split("|")[1].strip() for line in self._apt("apt-cache", "madison", "ejabberd")]
        for candidate in offered:
            if candidate.startswith((f"{version}-", f"{version}~")):
                return candidate
        raise RuntimeError(f"no ejabberd {version} for this Debian, only: {', '.join(sorted(set(offered)))}")

    def download(self, candidate: str) -> list[Path]:
        """Fetch the package and all that would have to be newer or new with it; apt checks the signatures."""
        suite = f"{_codename()}-backports"
        self._apt(
            "apt-get", "install", "--download-only", "--yes", "--no-install-recommends", "--reinstall",
            "-t", suite, f"ejabberd={candidate}",
        )  # fmt: skip
        return sorted((self._work / "cache" / "archives").glob("*.deb"))

    def _apt(self, *command: str) -> list[str]:
        return _run(*command, config=self._config)


def _codename() -> str:
    for line in Path("/etc/os-release").read_text().splitlines():
        name, _, value = line.partition("=")
        if name == "VERSION_CODENAME":
            return value.strip('"')
    raise RuntimeError("/etc/os-release names no VERSION_CODENAME: is this a Debian?")


def _run(*command: str, config: Path | None = None) -> list[str]:
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    if config is not None:
        environment["APT_CONFIG"] = str(config)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:2])} failed: {(done.stderr or done.stdout).strip()[-1000:]}")
    return done.stdout.splitlines()


def _say(progress: str) -> None:
    print(progress, flush=True)


def main() -> None:
    """Run as `python -m ejabberd.versions VERSION FOLDER`."""
    if len(sys.argv) != 3:
        sys.exit("usage: python -m ejabberd.versions VERSION FOLDER")
    try:
        home = unpack(sys.argv[1], Path(sys.argv[2]))
    except (RuntimeError, OSError) as error:
        sys.exit(f"error: {error}")
    _say(f"ejabberd {home.version} is ready in {sys.argv[2]}")


if __name__ == "__main__":
    main()
