"""Which addresses we answer to, and which room service belongs to which company. Pure.

One component serves several companies over one stream: the domain that a stanza was sent to says which
company it is about, never a setting or a guess.
"""

from dataclasses import dataclass

BOT = "klean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The companies' domains and the prefixes of our component and of the room service."""

    domains: tuple[str, ...]
    component_prefix: str = "klean"
    rooms_prefix: str = "gruppen"

    def __post_init__(self) -> None:
        if not self.domains:
            raise ValueError("at least one domain is needed")

    @property
    def stream(self) -> str:
        """The address that opens the stream; the others share it."""
        return self.component(self.domains[0])

    def component(self, domain: str) -> str:
        """The component's address in this company."""
        return f"{self.component_prefix}.{domain}"

    def bot(self, domain: str) -> str:
        """The address that people chat with."""
        return f"{BOT}@{self.component(domain)}"

    def rooms(self, domain: str) -> str:
        """The room service of this company."""
        return f"{self.rooms_prefix}.{domain}"

    def company_of(self, host: str) -> str | None:
        """Return the domain of the company that `host` belongs to: the domain itself and all below it."""
        owners = [domain for domain in self.domains if host == domain or host.endswith(f".{domain}")]
        return max(owners, key=len, default=None)

    def inside_one_company(self, one: str, other: str) -> bool:
        """Whether both hosts belong to the same company."""
        return self.company_of(one) is not None and self.company_of(one) == self.company_of(other)

    def asked_as(self, to_host: str, *, sender_host: str) -> str | None:
        """Return the company's domain if a person of that company asks our component in it; else None."""
        domain = self.company_of(to_host)
        if domain is None or to_host != self.component(domain) or sender_host != domain:
            return None
        return domain
