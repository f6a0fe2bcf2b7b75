"""`kleanxmpp company …`: one XMPP domain each."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

from cyclopts import App, Parameter

from kleanxmpp import companies, errors, sources
from kleanxmpp.cli import output
from kleanxmpp.cli.shell import DEFAULTS, Options, find_company, open_shell
from kleanxmpp.companies import CompanyPatch
from kleanxmpp.model import Company, ContactVisibility, Door
from kleanxmpp.source_ports import Source

app = App(name="company", help="Companies: one XMPP domain each.")

Domain = Annotated[str, Parameter(help="The company's XMPP domain.")]
Reason = Annotated[str | None, Parameter(help="Why; kept in the audit log.")]


@app.command(name="list")
async def list_(*, options: Options = DEFAULTS) -> None:
    """List companies."""
    async with open_shell(options) as shell, shell.directory.read() as tx:
        known = await tx.sources(None)
        found = [_facts(company, known) for company in await tx.companies()]
    if options.json:
        output.write_json(found)
    else:
        output.write_table(found, ("domain", "name", "enabled", "locale", "contact_visibility", "contacts_max"))


@app.command
async def add(
    domain: Domain,
    name: str,
    /,
    *,
    locale: Annotated[str, Parameter(help="Language of people for whom none is given: de or en.")] = "de",
    options: Options = DEFAULTS,
) -> None:
    """Add a company. ejabberd must serve its domain: see `kleanxmpp ejabberd config`."""
    async with open_shell(options) as shell:
        company = await companies.add_company(
            shell.directory, domain=domain, name=name, locale=locale, actor=shell.actor, now=shell.now
        )
    if options.json:
        output.write_json(_facts(company, ()))
        return
    print(f"Added {company.name} ({company.domain}).")
    print("Next: write ejabberd's configuration anew (kleanxmpp ejabberd config), restart ejabberd and the service.")


@app.command(name="set")
async def set_(
    domain: Domain,
    /,
    *,
    name: str | None = None,
    locale: str | None = None,
    contact_visibility: Annotated[
        ContactVisibility | None, Parameter(help="Whom people find in their contact list: their groups or everybody.")
    ] = None,
    contacts_max: Annotated[int | None, Parameter(help="Larger circles give a room only, no contacts.")] = None,
    timezone: Annotated[str | None, Parameter(help="Where a day begins: a name of the IANA database.")] = None,
    upload_max_bytes: Annotated[int | None, Parameter(help="How large a file may be; 0: nobody sends files.")] = None,
    upload_daily_bytes: Annotated[int | None, Parameter(help="How much each person may send in a day.")] = None,
    upload_type: Annotated[
        list[str] | None, Parameter(help="A media type that is taken, instead of all former ones; repeat it.")
    ] = None,
    file_retention_days: Annotated[int | None, Parameter(help="After how many days a file is removed.")] = None,
    source_expected: Annotated[
        list[str] | None,
        Parameter(
            help="How often a source is to be heard of: scim=PT1H, import=P1D; scim=never: not any more. Repeat it."
        ),
    ] = None,
    options: Options = DEFAULTS,
) -> None:
    """Change what holds for everybody in a company."""
    patch = CompanyPatch(
        name=name,
        locale=locale,
        contact_visibility=contact_visibility,
        contacts_max=contacts_max,
        timezone=timezone,
        upload_max_bytes=upload_max_bytes,
        upload_daily_bytes=upload_daily_bytes,
        upload_types=upload_type,
        file_retention_days=file_retention_days,
        sources_expected=dict(map(_expected, source_expected)) if source_expected else None,
    )
    if patch == CompanyPatch():
        raise errors.Invalid("Say what to change, for example --name.")
    await _change(options, domain, patch, reason=None, sentence="Changed {}.")


@app.command
async def enable(domain: Domain, /, *, reason: Reason = None, options: Options = DEFAULTS) -> None:
    """Let everybody back in who may chat."""
    await _change(options, domain, CompanyPatch(enabled=True), reason=reason, sentence="{} is enabled.")


@app.command
async def disable(
    domain: Domain,
    /,
    *,
    reason: Reason = None,
    yes: Annotated[bool, Parameter(negative=(), help="Do not ask.")] = False,
    options: Options = DEFAULTS,
) -> None:
    """Off-board everybody in the company. `enable` undoes it."""
    output.confirm(f"Everybody in {domain} will be off-boarded.", yes=yes)
    await _change(
        options, domain, CompanyPatch(enabled=False), reason=reason, sentence="{} is disabled: nobody can log in."
    )


async def _change(options: Options, domain: str, patch: CompanyPatch, *, reason: str | None, sentence: str) -> None:
    async with open_shell(options) as shell:
        company = await find_company(shell, domain)
        after = await companies.update_company(
            shell.directory, company, patch, actor=shell.actor, reason=reason, now=shell.now
        )
        async with shell.directory.read() as tx:
            known = await tx.sources(company.id)
    if options.json:
        output.write_json(_facts(after, known))
    else:
        print(sentence.format(after.domain))


def _expected(said: str) -> tuple[Door, timedelta | None]:
    """Return which door, and how often. Raises Invalid."""
    name, _, every = said.partition("=")
    if name not in [door.value for door in sources.DOORS]:
        raise errors.Invalid(f"A source is one of: {', '.join(sources.DOORS)}.", field="source_expected")
    return Door(name), None if every == "never" else sources.interval(every)


def _facts(company: Company, known: Sequence[Source]) -> dict[str, Any]:
    return {
        "id": company.id,
        "domain": company.domain,
        "name": company.name,
        "enabled": company.enabled,
        "locale": company.locale,
        "contact_visibility": company.contact_visibility.value,
        "contacts_max": company.contacts_max,
        "timezone": company.timezone,
        "upload_max_bytes": company.upload_max_bytes,
        "upload_daily_bytes": company.upload_daily_bytes,
        "upload_types": list(company.upload_types),
        "file_retention_days": company.file_retention_days,
        "sources_expected": {
            one.door.value: sources.words(one.expected.every)
            for one in known
            if one.expected is not None and one.company_id == company.id
        },
    }
