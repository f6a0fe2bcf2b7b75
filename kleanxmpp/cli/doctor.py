"""`kleanxmpp doctor`: whether the running server keeps the promises.

A database that cannot be used is a result, not a failure of this command: its line is red, and nothing else is checked.
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from kleanxmpp import errors
from kleanxmpp.cli import DONE, FAILED, NOT_CHECKED, output
from kleanxmpp.cli.shell import DEFAULTS, Options, open_company
from kleanxmpp.doctor.findings import Finding, Language, Level, Report
from kleanxmpp.doctor.run import Doctor, Surroundings, without_directory
from kleanxmpp.ports import Directory
from kleanxmpp.settings import Settings, check_for_serving

_SIGNS = {Level.GREEN: "✓", Level.YELLOW: "!", Level.RED: "✗", Level.NOT_CHECKED: "?"}
_COLOURS = {Level.GREEN: "32", Level.YELLOW: "33", Level.RED: "31", Level.NOT_CHECKED: "35"}
_COUNTED = {
    "de": {Level.GREEN: "grün", Level.YELLOW: "gelb", Level.RED: "rot", Level.NOT_CHECKED: "nicht geprüft"},
    "en": {Level.GREEN: "green", Level.YELLOW: "yellow", Level.RED: "red", Level.NOT_CHECKED: "not checked"},
}


async def doctor(
    *,
    lang: Annotated[Language, Parameter(help="Language of the lines.")] = "en",
    no_try: Annotated[bool, Parameter(negative=(), help="Look only, without the synthetic user.")] = False,
    options: Options = DEFAULTS,
) -> int:
    """Look whether the running server keeps the promises, and try it with a synthetic user."""
    try:
        report = await _examined(options, try_out=not no_try)
    except errors.DirectoryUnavailable as error:
        report = without_directory(options.company or "-", why=str(error))
    if options.json:
        output.write_json(_facts(report, lang))
    else:
        _write(report, lang)
    if report.count(Level.RED):
        return FAILED
    return NOT_CHECKED if report.count(Level.NOT_CHECKED) else DONE


async def _examined(options: Options, *, try_out: bool) -> Report:
    async with open_company(options) as (shell, company):
        check_for_serving(shell.settings)
        async with open_doctor(shell.settings, shell.directory) as opened:
            with output.progress("checkup", quiet=options.json) as progress:
                return await opened.examine(company, try_out=try_out, progress=progress)


@asynccontextmanager
async def open_doctor(settings: Settings, directory: Directory) -> AsyncIterator[Doctor]:
    """Yield a doctor of this installation. Without `client.xmpp_host` a client connects where the component does."""
    from component.checkup import CheckupSettings, EjabberdCheckup
    from ejabberd.api import EjabberdApi

    server, client = settings.server, settings.client
    chosen = CheckupSettings(
        xmpp_host=client.xmpp_host or server.component_host,
        xmpp_port=client.xmpp_port,
        websocket_url=client.websocket_url,
        api_url=server.api_url,
        rooms_prefix=server.rooms_prefix,
        component_prefix=server.component_prefix,
        ca_file=settings.doctor.ca_file,
    )
    password = server.api_password.get_secret_value()
    async with EjabberdApi(server.api_url, user=server.api_user, password=password, timeout=server.api_timeout) as api:
        yield Doctor(directory=directory, checkup=EjabberdCheckup(api, chosen), surroundings=_surroundings(settings))


def _surroundings(settings: Settings) -> Surroundings:
    scheme, _, file = settings.database.url.get_secret_value().partition(":///")
    return Surroundings(
        rooms_prefix=settings.server.rooms_prefix,
        component_prefix=settings.server.component_prefix,
        folders=(*((Path(file).parent,) if scheme == "sqlite" else ()), settings.files.folder),
        backup_path=settings.doctor.backup_path,
    )


def _write(report: Report, lang: Language) -> None:
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    width = max(len(finding.title.of(lang)) for finding in report.findings)
    for finding in report.findings:
        sign = _SIGNS[finding.level]
        if coloured:
            sign = f"\033[{_COLOURS[finding.level]}m{sign}\033[0m"
        print(f"{sign} {finding.title.of(lang):<{width}}  {finding.words.of(lang)}")
        for line in (finding.cure or "").splitlines():
            print(f"      {line}")
    counted = (f"{report.count(level)} {name}" for level, name in _COUNTED[lang].items())
    print(f"{report.domain}: {', '.join(counted)} ({report.seconds:.1f} s)")


def _facts(report: Report, lang: Language) -> dict[str, Any]:
    return {
        "company": report.domain,
        "at": report.at,
        "seconds": round(report.seconds, 3),
        "red": report.count(Level.RED),
        "yellow": report.count(Level.YELLOW),
        "not_checked": report.count(Level.NOT_CHECKED),
        "lines": [_line(finding, lang) for finding in report.findings],
    }


def _line(finding: Finding, lang: Language) -> dict[str, Any]:
    return {
        "id": finding.id,
        "level": finding.level.value,
        "title": finding.title.of(lang),
        "words": finding.words.of(lang),
        "yaml": finding.cure,
    }
