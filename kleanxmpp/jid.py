"""XMPP addresses: the only place that knows their rules (RFC 7622).

A localpart must survive two sets of rules unchanged: PRECIS (RFC 8265), which newer servers and clients use,
and nodeprep (RFC 6122), which ejabberd uses. Where they differ (`ß`), two programs would read two addresses
in one text, so such names are refused instead of guessed.
"""

import re
import stringprep
import unicodedata
from dataclasses import dataclass, replace
from typing import Self

from precis_i18n import get_profile

from kleanxmpp import errors

EXCLUDED = frozenset("\"&'/:<>@")
"""Not allowed in a localpart although PRECIS would let them pass (RFC 7622 section 3.3.1)."""
LONGEST = 1023
"""Octets (UTF-8) of each part of an address."""

_USERNAME = get_profile("UsernameCaseMapped")
_OPAQUE = get_profile("OpaqueString")
_DOMAIN_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_ADVICE = "Use letters without accents, digits, dots and hyphens, for example joerg.gross."


def normalise_localpart(text: str) -> str:
    """Return the one spelling of a username that every server agrees on. Raises Invalid (field `username`)."""
    if not text:
        raise _bad_username("is empty")
    if bad := next((c for c in text if c in EXCLUDED or c.isspace()), None):
        raise _bad_username(f"contains {_shown(bad)}, which addresses do not allow")
    if len(text) > LONGEST:
        raise _bad_username(f"is longer than {LONGEST} bytes")
    localpart = _precis(text)
    if any(c in EXCLUDED or c.isspace() for c in localpart) or _precis(localpart) != localpart:
        raise _bad_username("contains characters that addresses do not allow")
    if bad := next((c for c in localpart if _nodeprep(c) != c), None):
        other = _nodeprep(bad)
        instead = f'; write "{other}" instead' if other else ""
        raise _bad_username(f"contains {_shown(bad)}, which not every server reads alike{instead}")
    if _nodeprep(localpart) != localpart:
        raise _bad_username("is not read alike by every server")
    if len(localpart.encode()) > LONGEST:
        raise _bad_username(f"is longer than {LONGEST} bytes")
    return localpart


def normalise_domain(text: str) -> str:
    """Return the domain in lowercase without a final dot. Raises Invalid (field `domain`).

    Domains with other letters are wanted in their ASCII form (`xn--…`), the one that certificates and DNS hold.
    """
    domain = text.lower().removesuffix(".")
    if not domain.isascii():
        raise errors.Invalid(
            "The domain contains letters outside a-z. Write its ASCII form, which begins with xn--.", field="domain"
        )
    if len(domain) > 253 or not all(_DOMAIN_LABEL.fullmatch(label) for label in domain.split(".")):
        raise errors.Invalid(
            "This is not a domain. Write names of letters, digits and hyphens with dots between them, "
            "for example chat.example.org.",
            field="domain",
        )
    return domain


@dataclass(frozen=True, slots=True, kw_only=True)
class Jid:
    """An address, every part normalised. Make one with `Jid.parse` or from parts that are normal already."""

    localpart: str | None = None
    domain: str
    resource: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `localpart@domain/resource`. Raises Invalid."""
        bare, slash, resource = text.partition("/")
        localpart, at, domain = bare.rpartition("@")
        return cls(
            localpart=normalise_localpart(localpart) if at else None,
            domain=normalise_domain(domain),
            resource=_normalise_resource(resource) if slash else None,
        )

    @property
    def bare(self) -> Self:
        """The address without its resource."""
        return replace(self, resource=None)

    def __str__(self) -> str:
        start = f"{self.localpart}@" if self.localpart is not None else ""
        return start + self.domain + (f"/{self.resource}" if self.resource is not None else "")


def _normalise_resource(text: str) -> str:
    try:
        resource: str = _OPAQUE.enforce(text)
    except UnicodeEncodeError as error:
        raise errors.Invalid("The resource of the address is empty or not acceptable.", field="jid") from error
    if len(resource.encode()) > LONGEST:
        raise errors.Invalid(f"The resource of the address is longer than {LONGEST} bytes.", field="jid")
    return resource


def _precis(text: str) -> str:
    try:
        return str(_USERNAME.enforce(text))
    except UnicodeEncodeError as error:
        bad = text[error.start : error.start + 1] if error.end - error.start == 1 else ""
        what = (
            f"contains {_shown(bad)}, which addresses do not allow"
            if bad
            else "mixes characters that do not go together"
        )
        raise _bad_username(what) from error


def _nodeprep(text: str) -> str | None:
    """Return the text as nodeprep (RFC 6122 appendix A) maps it, None where it is prohibited."""
    mapped = "".join(stringprep.map_table_b2(c) for c in text if not stringprep.in_table_b1(c))
    mapped = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    prohibited = (
        stringprep.in_table_a1, stringprep.in_table_c11_c12, stringprep.in_table_c21_c22, stringprep.in_table_c3,
        stringprep.in_table_c4, stringprep.in_table_c5, stringprep.in_table_c6, stringprep.in_table_c7,
        stringprep.in_table_c8, stringprep.in_table_c9,
    )  # fmt: skip
    if any(c in EXCLUDED or any(test(c) for test in prohibited) for c in mapped):
        return None
    return mapped if _bidi_is_consistent(mapped) else None


def _bidi_is_consistent(text: str) -> bool:
    """Whether the text keeps RFC 3454 section 6: right-to-left text begins and ends so, and nothing else is in it."""
    if not any(stringprep.in_table_d1(c) for c in text):
        return True
    if any(stringprep.in_table_d2(c) for c in text):
        return False
    return stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])


def _shown(character: str) -> str:
    if character.isspace():
        return "a space"
    return f'"{character}"' if character.isprintable() and character != '"' else f"the character U+{ord(character):04X}"


def _bad_username(what: str) -> errors.Invalid:
    return errors.Invalid(f"The username {what}. {_ADVICE}", field="username")
