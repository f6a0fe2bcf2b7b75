"""Identifiers and secrets. Ids sort by when they were made; secrets are easy to type, never kept in the clear."""

import hashlib
import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u
_GROUPS, _GROUP_LENGTH = 7, 4


def new_id() -> str:
    """Return a unique id of 32 hex digits, made like a version 7 UUID (RFC 9562 section 5.7)."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    value = milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & ((1 << 62) - 1)
    return f"{value:032x}"


def new_secret() -> str:
    """Return a fresh secret of 140 random bits, like `7k3m-9qxt-…`: lowercase, nothing that looks like another."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    return "-".join(groups)


def sha256_hex(secret: str) -> str:
    """Return the form in which a secret is stored. Enough for random secrets; never meant for human passwords."""
    return hashlib.sha256(secret.encode()).hexdigest()
