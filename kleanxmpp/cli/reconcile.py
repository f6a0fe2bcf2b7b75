"""`kleanxmpp reconcile`: compare the server with the directory now.

A sweep only reads and marks, so this needs no stream of its own beside the running service's, which does the repairs.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated, Any

from cyclopts import Parameter

from kleanxmpp.changes import Change
from kleanxmpp.cli import DONE, FAILED, output
from kleanxmpp.cli.shell import DEFAULTS, Options, open_company
from kleanxmpp.model import Company
from kleanxmpp.ports import Server
from kleanxmpp.settings import Settings, check_for_serving
from kleanxmpp.sweep import sweep
from kleanxmpp.sweep_report import SweepReport


async def reconcile(
    *,
    dry_run: Annotated[bool, Parameter(negative=(), help="Only say what differs.")] = False,
    force: Annotated[bool, Parameter(negative=(), help="Also if that removes more than the allowed share.")] = False,
    options: Options = DEFAULTS,
) -> int:
    """Compare the server with the directory now, and look for every trace of people without access.

    What differs is mended by the running service.
    """
    async with open_company(options) as (shell, company):
        check_for_serving(shell.settings)
        pace = shell.settings.reconcile
        async with _server(shell.settings, company) as server:
            report = await sweep(
                shell.directory,
                server,
                company,
                rooms_prefix=shell.settings.server.rooms_prefix,
                pace=(pace.share, pace.floor),
                force=force,
                dry_run=dry_run,
                actor=shell.actor,
            )
    if options.json:
        output.write_json(_facts(report, dry_run=dry_run))
    else:
        _write(report, dry_run=dry_run)
    return FAILED if report.held is not None and not dry_run else DONE


@asynccontextmanager
async def _server(settings: Settings, company: Company) -> AsyncIterator[Server]:
    """Yield a server that can be read, over the HTTP API alone: its stream is never opened."""
    from component.connection import Connection
    from component.link import Link
    from component.server import EjabberdServer
    from ejabberd.api import EjabberdApi
    from kleanxmpp.cli.wiring import component_settings

    chosen = component_settings(settings, domains=(company.domain,))
    connection = Connection(
        chosen.addresses, host=chosen.component_host, port=chosen.component_port, secret=chosen.component_secret
    )
    api = EjabberdApi(
        chosen.api_url,
        user=chosen.api_user,
        password=chosen.api_password,
        timeout=chosen.api_timeout,
        concurrency=chosen.api_concurrency,
    )
    async with api:
        yield EjabberdServer(Link(api=api, connection=connection))


def _write(report: SweepReport, *, dry_run: bool) -> None:
    for drift in report.drift:
        for step in drift.plan:
            print(f"{drift.scope.kind.value} {drift.scope.id}: {_described(step)}")
    if report.differing > len(report.drift):
        print(f"… and {report.differing - len(report.drift)} more")
    for what, found in (
        ("in the gate, but not in the directory", report.strangers),
        ("strange rooms (kept)", report.strange_rooms),
        ("strange shared groups", report.strange_shared_groups),
    ):
        if found:
            print(f"{what}: {', '.join(found)}")
    for trace in report.traces:
        print(f"without access, but in the strange room {trace.room}: {', '.join(sorted(trace.affiliations))}")
    if report.leftovers:
        counts = ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in sorted(report.leftovers.items()))
        print(f"left of people without access: {counts}")
    print(f"{report.people} people and {report.groups} groups compared in {report.seconds:.1f} s; ", end="")
    if report.held is not None:
        print(f"{report.differing} differ. {report.held}")
    elif not report.differing:
        print("nothing else differs." if report.leftovers else "nothing differs.")
    else:
        print(f"{report.differing} differ. " + ("Dry run." if dry_run else "The running service mends them now."))


def _described(step: Change) -> str:
    facts = {key: value for key, value in asdict(step).items() if value not in ("", False, None)}
    return f"{type(step).__name__} " + ", ".join(f"{key}={_short(value)}" for key, value in facts.items())


def _short(value: object) -> str:
    if isinstance(value, frozenset | dict) and len(value) > 3:
        return f"({len(value)})"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {inner}" for key, inner in value.items())
    return ", ".join(map(str, value)) if isinstance(value, frozenset) else str(value)


def _facts(report: SweepReport, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "seconds": report.seconds,
        "people": report.people,
        "groups": report.groups,
        "differing": report.differing,
        "held": report.held,
        "plan": [
            {"scope": f"{drift.scope.kind.value}:{drift.scope.id}", "changes": [_described(s) for s in drift.plan]}
            for drift in report.drift
        ],
        "strangers": report.strangers,
        "strange_rooms": report.strange_rooms,
        "strange_shared_groups": report.strange_shared_groups,
        "traces": [{"room": trace.room, "people": sorted(trace.affiliations)} for trace in report.traces],
        "leftovers": report.leftovers,
    }
