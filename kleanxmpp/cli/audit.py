"""`kleanxmpp audit …`: is the audit log still what was written, and what is in it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

from cyclopts import App, Parameter, validators

from kleanxmpp import audit, chains, errors
from kleanxmpp.chains import Verification
from kleanxmpp.cli import DONE, FAILED, output
from kleanxmpp.cli.shell import DEFAULTS, Options, find_company, open_company, open_shell
from kleanxmpp.model import ChainHead
from kleanxmpp.ports import Transaction

app = App(name="audit", help="The audit log: verify, export and read it.")

Operator = Annotated[
    bool, Parameter(negative=(), help="The operator's own entries, which belong to no company, and no others.")
]
_OPERATORS = "the operator"


@app.command
async def verify(
    *,
    operator: Operator = False,
    noted: Annotated[
        str | None, Parameter(help="NUMBER:HASH, a head that was noted down earlier; needs --company or --operator.")
    ] = None,
    options: Options = DEFAULTS,
) -> int:
    """Check that no entry was changed, removed, inserted or moved. All chains, unless one is named.

    Prints where each chain ends: note number and hash down elsewhere, to recognise a log that was written anew as a
    whole. Exit code 1: something is wrong.
    """
    head = _head(noted)
    async with _chains(options, operator=operator) as (tx, named):
        if head is not None and not (operator or options.company):
            raise errors.Invalid("Say whose head was noted: --company DOMAIN or --operator.", field="noted")
        found = {name: await chains.verify(tx, company_id, noted=head) for company_id, name in named.items()}
    intact = all(one.intact for one in found.values())
    if options.json:
        listed = [_facts(name, one) for name, one in found.items()]
        output.write_json({"intact": intact, "chains": listed})
    else:
        for name, one in found.items():
            _write(name, one)
    return DONE if intact else FAILED


@app.command
async def export(
    *,
    operator: Operator = False,
    since: Annotated[
        int,
        Parameter(validator=validators.Number(gte=0), help="Only what was written after the entry with this number."),
    ] = 0,
    options: Options = DEFAULTS,
) -> None:
    """Write entries as JSON lines, with all that is needed to verify them elsewhere. All chains, unless one is named.

    Each chain ends with a line that holds its head. docs/operators.md says how to verify such a file.
    """
    async with _chains(options, operator=operator) as (tx, named):
        for company_id in named:
            async for entry in chains.entries(tx, company_id, after=since):
                print(chains.line_of(entry))
            head = await tx.chain_head(company_id) or audit.EMPTY
            facts = {"number": head.number, "hash": head.hash}
            print(audit.canonical({"chain": audit.chain_of(company_id), "head": facts}).decode())


@app.command(name="list")
async def list_(
    *,
    operator: Operator = False,
    limit: Annotated[int, Parameter(validator=validators.Number(gte=1), help="How many entries.")] = 50,
    options: Options = DEFAULTS,
) -> None:
    """List who did what to whom, the newest first."""
    if operator:
        async with open_shell(options) as shell, shell.directory.read() as tx:
            found = await tx.page_audit(None, before=None, limit=limit)
    else:
        async with open_company(options) as (shell, company), shell.directory.read() as tx:
            found = await tx.page_audit(company.id, before=None, limit=limit)
    if options.json:
        output.write_json([json.loads(chains.line_of(entry)) for entry in found])
    else:
        columns = ("number", "at", "actor", "action", "subject", "reason")
        output.write_table([{name: getattr(entry, name) for name in columns} for entry in found], columns)


@asynccontextmanager
async def _chains(options: Options, *, operator: bool) -> AsyncIterator[tuple[Transaction, Mapping[str | None, str]]]:
    """Yield a reading transaction, and which chains are meant: their company ids, and what to call them."""
    if operator and options.company:
        raise errors.Invalid("Choose one: --company or --operator.", field="company")
    async with open_shell(options) as shell:
        company = await find_company(shell, options.company) if options.company else None
        async with shell.directory.read() as tx:
            if company is not None:
                yield tx, {company.id: company.domain}
            elif operator:
                yield tx, {None: _OPERATORS}
            else:
                named: dict[str | None, str] = {None: _OPERATORS}
                named |= {one.id: one.domain for one in await tx.companies()}
                gone = sorted(chain for chain in await tx.chains() if chain is not None and chain not in named)
                yield tx, named | {chain: f"unknown company {chain}" for chain in gone}


def _head(noted: str | None) -> ChainHead | None:
    if noted is None:
        return None
    number, _, digest = noted.partition(":")
    if not (number.isascii() and number.isdigit() and len(digest) == len(audit.BEGINNING)):
        raise errors.Invalid("Write a noted head as NUMBER:HASH, as `kleanxmpp audit verify` prints it.", field="noted")
    return ChainHead(number=int(number), hash=digest.lower())


def _write(name: str, found: Verification) -> None:
    state = "intact" if found.intact else "BROKEN"
    print(f"{name}: {state}, {found.entries} entries, head {found.head.number}:{found.head.hash}")
    for problem in found.problems:
        print(f"  {problem.message}")


def _facts(name: str, found: Verification) -> dict[str, Any]:
    return {
        "chain": found.chain,
        "name": name,
        "intact": found.intact,
        "entries": found.entries,
        "head": {"number": found.head.number, "hash": found.head.hash},
        "problems": [
            {"kind": one.kind.value, "number": one.number, "id": one.id, "message": one.message}
            for one in found.problems
        ],
    }
