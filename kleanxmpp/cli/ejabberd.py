"""`kleanxmpp ejabberd …`: what an existing ejabberd needs to serve the companies."""

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from cyclopts import App, Parameter

from ejabberd.config import drop_in, drop_in_notes
from ejabberd.config import whole as whole_configuration
from ejabberd.home import find_ejabberd
from ejabberd.inputs import Listeners, ServerConfig
from ejabberd.launcher import extauth_command
from ejabberd.modules import compile_module
from kleanxmpp import errors
from kleanxmpp.cli.shell import DEFAULTS, Options, open_shell
from kleanxmpp.settings import Settings, check_for_serving

app = App(name="ejabberd", help="What ejabberd needs: its configuration and our module.")

EXTAUTH_FILE = Path("/etc/kleanxmpp/extauth.toml")


@app.command
async def config(
    *,
    notes: Annotated[bool, Parameter(negative=(), help="Write what is to be changed by hand instead.")] = False,
    whole: Annotated[
        Path | None, Parameter(help="Write a complete ejabberd.yml instead; PEM file with certificates and key.")
    ] = None,
    extauth: Annotated[Path, Parameter(help="Configuration of the login program.")] = EXTAUTH_FILE,
    options: Options = DEFAULTS,
) -> None:
    """Write the file to include in ejabberd.yml, for all companies of the directory. It holds a secret."""
    async with open_shell(options) as shell, shell.directory.read() as tx:
        domains = tuple(company.domain for company in await tx.companies())
    described = server_config(shell.settings, domains=domains, extauth=extauth)
    if whole is not None:
        text = whole_configuration(described, Listeners(certfiles=(str(whole),)))
    else:
        text = drop_in_notes(described) if notes else drop_in(described)
    print(text, end="")


@app.command
async def module(folder: Annotated[Path, Parameter(help="Where to put mod_klean.beam.")], /) -> None:
    """Compile our module for the ejabberd that is installed. Repeat this after each upgrade of ejabberd."""
    print(await compiled(folder))


def server_config(settings: Settings, *, domains: tuple[str, ...], extauth: Path) -> ServerConfig:
    """Return what ejabberd's configuration is made from. Raises Invalid if something is not set."""
    check_for_serving(settings)
    server = settings.server
    account, _, home = server.api_user.partition("@")
    if home not in domains:
        raise errors.Invalid(
            f"server.api_user must be an account of a company, but {home or 'it'} is none.", field="server.api_user"
        )
    return ServerConfig(
        domains=(home, *(domain for domain in domains if domain != home)),
        component_secret=server.component_secret.get_secret_value(),
        extauth_program=extauth_command(extauth),
        rooms_prefix=server.rooms_prefix,
        component_prefix=server.component_prefix,
        component_port=server.component_port,
        api_port=urlsplit(server.api_url).port or 80,
        api_user=account,
    )


async def compiled(folder: Path) -> Path:
    """Compile `mod_klean` into the folder. Raises Invalid that says what is missing."""
    try:
        beam = await compile_module(find_ejabberd(), folder)
    except (FileNotFoundError, RuntimeError) as error:
        missing = "The compiler erlc" if "erlc" in str(error) else str(error)
        raise errors.Invalid(f"{missing}: install ejabberd and erlang-base, then repeat this.") from error
    for path, mode in ((folder, 0o755), (beam, 0o644)):
        os.chmod(path, mode)  # whatever the umask: ejabberd reads it as another user
    return beam
