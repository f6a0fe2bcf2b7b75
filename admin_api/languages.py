"""Accept-Language (RFC 9110 section 12.5.4), as far as this program speaks languages."""

import re
from collections.abc import Mapping

from kleanxmpp import drafts

_RANGE = re.compile(r"([a-z]{1,8})(?:-[a-z0-9-]{1,35})?(?:\s*;\s*q=([01](?:\.\d{0,3})?))?", re.IGNORECASE)


def preferred_language(headers: Mapping[str, str]) -> str | None:
    """Return the language that the caller likes best of those spoken here; None: none of them was named."""
    weights: dict[str, float] = {}
    for part in headers.get("Accept-Language", "").split(","):
        if found := _RANGE.fullmatch(part.strip()):
            language, weight = found.group(1).lower(), float(found.group(2) or 1)
            if language in drafts.LOCALES and weight > 0:
                weights[language] = max(weight, weights.get(language, 0.0))
    return max(weights, key=weights.__getitem__, default=None)
