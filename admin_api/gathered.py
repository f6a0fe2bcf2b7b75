"""What many requests read at the same moment, read for all of them in one transaction."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from kleanxmpp import tokens
from kleanxmpp.gathering import Gathered
from kleanxmpp.leaving import Leave, leave_together
from kleanxmpp.model import ApiToken, Company, Offboarding
from kleanxmpp.ports import Directory


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyName:
    """Which company is meant: by its id, or (the operator) by its domain."""

    id: str | None = None
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class Together:
    """One question each; who asks at the same moment shares the answer's transaction."""

    directory: Directory
    token: Gathered[str, ApiToken | None] = field(init=False)
    """By its secret."""
    company: Gathered[CompanyName, Company | None] = field(init=False)
    offboarding: Gathered[tuple[str, str], Offboarding | None] = field(init=False)
    """By the ids of company and off-boarding."""
    leave: Gathered[Leave, Offboarding] = field(init=False)
    """Off-boards a person."""

    def __post_init__(self) -> None:
        for name, answer in (
            ("token", _tokens), ("company", _companies), ("offboarding", _offboardings), ("leave", leave_together)
        ):  # fmt: skip
            object.__setattr__(self, name, Gathered(partial(answer, self.directory)))


async def _tokens(directory: Directory, secrets: Sequence[str]) -> Sequence[ApiToken | None]:
    found = await tokens.find(directory, secrets)
    return [found.get(secret) for secret in secrets]


async def _companies(directory: Directory, asked: Sequence[CompanyName]) -> Sequence[Company | None]:
    found: dict[CompanyName, Company | None] = {}
    async with directory.read() as tx:
        for name in set(asked):
            if name.id is not None:
                found[name] = await tx.company(name.id)
            elif name.domain is not None:
                found[name] = await tx.company_by_domain(name.domain)
    return [found.get(name) for name in asked]


async def _offboardings(directory: Directory, asked: Sequence[tuple[str, str]]) -> Sequence[Offboarding | None]:
    ids: dict[str, set[str]] = defaultdict(set)
    for company_id, offboarding_id in asked:
        ids[company_id].add(offboarding_id)
    async with directory.read() as tx:
        found = {company_id: await tx.offboardings_by_id(company_id, some) for company_id, some in ids.items()}
    return [found[company_id].get(offboarding_id) for company_id, offboarding_id in asked]
