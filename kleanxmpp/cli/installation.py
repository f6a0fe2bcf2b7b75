"""The files of an installation: where they lie, who may read them, what stands in them.

Nothing is overwritten: what was there is kept as a copy with the time in its name.
"""

import grp
import json
import os
import pwd
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kleanxmpp import errors

SECRET, SHARED_SECRET, PUBLIC = 0o600, 0o640, 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """The service's user, and ejabberd's group, whose login program reads the directory."""

    user: str
    uid: int
    gid: int
    ejabberd: str
    ejabberd_gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the files of an installation are."""

    folder: Path
    data: Path

    @property
    def settings(self) -> Path:
        """The settings of the service."""
        return self.folder / "kleanxmpp.toml"

    @property
    def extauth(self) -> Path:
        """The configuration of ejabberd's login program."""
        return self.folder / "extauth.toml"

    @property
    def drop_in(self) -> Path:
        """What ejabberd.yml includes."""
        return self.folder / "ejabberd.yml"

    @property
    def unit(self) -> Path:
        """The service for systemd."""
        return self.folder / "kleanxmpp.service"

    @property
    def code(self) -> Path:
        """Where our module for ejabberd is."""
        return self.folder / "ebin"

    @property
    def database(self) -> Path:
        """The SQLite database."""
        return self.data / "kleanxmpp.db"

    @property
    def uploads(self) -> Path:
        """The files that people send each other; made by the service when the first one comes in."""
        return self.data / "files"

    @property
    def website(self) -> Path:
        """The styles and scripts that `kleanxmpp website fetch` gets."""
        return self.data / "website"

    @property
    def files(self) -> Sequence[Path]:
        """Everything that is written."""
        return self.settings, self.extauth, self.drop_in, self.unit


def find_owners(user: str, ejabberd_group: str) -> Owners | None:
    """Look up who the files will belong to. None for somebody who is not root: then all is theirs.

    Raises Invalid that says what to do if root names somebody who does not exist.
    """
    if os.geteuid() != 0:
        return None
    try:
        account = pwd.getpwnam(user)
    except KeyError as error:
        raise errors.Invalid(
            f"There is no system user {user}. Make it, then repeat this: "
            f"adduser --system --group --no-create-home {user}",
            field="user",
        ) from error
    try:
        group = grp.getgrnam(ejabberd_group)
    except KeyError as error:
        raise errors.Invalid(
            f"There is no system group {ejabberd_group}. Install ejabberd first, or name its group: --ejabberd-group",
            field="ejabberd_group",
        ) from error
    return Owners(user=user, uid=account.pw_uid, gid=account.pw_gid, ejabberd=ejabberd_group, ejabberd_gid=group.gr_gid)


def make_folders(places: Places, owners: Owners | None, *, with_data: bool) -> None:
    """Make the folders. `with_data`: SQLite's files are in the second, and inherit ejabberd's group from it."""
    if not places.folder.exists():
        places.folder.mkdir(parents=True)
        places.folder.chmod(0o755)  # whatever the umask: ejabberd must get in; each file is protected by itself
    places.data.mkdir(parents=True, exist_ok=True)
    if owners is None:
        places.data.chmod(0o700)
    else:
        os.chown(places.data, owners.uid, owners.ejabberd_gid if with_data else owners.gid)
        places.data.chmod(0o2750 if with_data else 0o700)


def write(file: Path, text: str, *, mode: int, owner: tuple[int, int] | None, now: datetime) -> Path | None:
    """Write a file that never is readable for more than `mode` says. Return where the former one is kept."""
    kept = None
    if file.exists():
        kept = file.with_name(f"{file.name}.{now:%Y%m%d-%H%M%S}")
        file.rename(kept)
    handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with open(handle, "w", encoding="utf-8") as opened:
        opened.write(text)
        if owner is not None:
            os.fchown(handle, *owner)
        os.fchmod(handle, mode)
    return kept


def settings_text(
    *, url: str, component_secret: str, api_user: str, api_password: str, uploads: Path, website: Path
) -> str:
    """Return kleanxmpp.toml."""
    return (
        "# Settings of KleanXMPP. All of them: kleanxmpp settings --markdown\n\n"
        f"[database]\nurl = {_quoted(url)}\n\n"
        "[server]\n"
        f"component_secret = {_quoted(component_secret)}\n"
        f"api_user = {_quoted(api_user)}\n"
        f"api_password = {_quoted(api_password)}\n\n"
        "[files]\n"
        f"folder = {_quoted(str(uploads))}\n"
        '# public_url = "https://chat.example.org"  # lets people send files: see docs/files.md\n\n'
        "[website]\n"
        f"folder = {_quoted(str(website))}\n"
    )


def extauth_text(*, url: str, api_user: str, api_password_sha256: str) -> str:
    """Return extauth.toml."""
    return (
        "# For ejabberd's login program. It reads two views of the directory and writes nothing.\n"
        f"database = {_quoted(url)}\n"
        f"api_user = {_quoted(api_user)}\n"
        f"api_password_sha256 = {_quoted(api_password_sha256)}\n"
    )


def unit_text(places: Places, *, user: str) -> str:
    """Return the systemd unit: a user of its own who may write the data folder and nothing else."""
    program = Path(sys.executable).with_name("kleanxmpp")
    command = str(program) if program.exists() else f"{sys.executable} -m kleanxmpp.cli"
    return _UNIT.format(command=command, settings=places.settings, user=user, data=places.data)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string without \\/ and surrogates is a TOML basic string


_UNIT = """\
[Unit]
Description=KleanXMPP: keeps ejabberd equal to the directory
After=network.target ejabberd.service postgresql.service
Wants=ejabberd.service

[Service]
Type=exec
User={user}
ExecStart={command} serve --config {settings}
Restart=on-failure
RestartSec=2
TimeoutStopSec=30
UMask=0027
ReadWritePaths=-{data}
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
CapabilityBoundingSet=
SystemCallArchitectures=native
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
"""
