"""Versions as entity tags (RFC 9110 section 8.8.3), so that two people can edit without overwriting each other.

A disabled company marks its tags: whether people may chat is part of what is shown, but not of a user's version.
"""

import re
from collections.abc import Mapping

from kleanxmpp import errors
from kleanxmpp.model import Company

from .problems import invalid

_OURS = re.compile(r'"(\d{1,18})(-disabled)?"')


def tag(version: int, *, company: Company | None = None) -> str:
    """Return the entity tag of a version; with `company` for what also depends on whether it is enabled."""
    disabled = company is not None and not company.enabled
    return f'"{version}-disabled"' if disabled else f'"{version}"'


def expected_version(headers: Mapping[str, str]) -> int | None:
    """Return the version that If-Match names; None if any will do. Raises Stale for a tag that was never ours."""
    given = headers.get("If-Match", "*").strip()
    if given == "*":
        return None
    if "," in given:
        raise invalid("If-Match", "Send one entity tag, or *.")
    ours = _OURS.fullmatch(given)
    if ours is None:
        raise errors.Stale
    return int(ours.group(1))


def is_known(headers: Mapping[str, str], current: str) -> bool:
    """Whether If-None-Match says that the caller has this version already."""
    given = headers.get("If-None-Match", "")
    return given.strip() == "*" or current in (part.strip().removeprefix("W/") for part in given.split(","))
