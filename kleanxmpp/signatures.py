"""Signed messages between systems, after the Standard Webhooks specification (symmetric, `v1`).

What is signed is `ID.TIMESTAMP.BODY`, by HMAC-SHA256 with a secret that both sides know. During rotation a message
carries several signatures, or is checked against several secrets: one that fits is enough.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kleanxmpp import errors

PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)
"""How far the sender's clock may be from ours, either way. Whoever sees a message later could be repeating it."""
ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER = "webhook-id", "webhook-timestamp", "webhook-signature"
_SECRET_BYTES = 32
_LEAST_BYTES, _MOST_BYTES = 24, 64  # as the specification has it
_LONGEST_ID = 256
_MOST_SIGNATURES = 16


class Unsigned(errors.KleanError):
    """A message that was not signed by anybody we know, or not just now. Says nothing about secrets or bodies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What the headers of a message say. `signatures` are its `v1` ones, decoded."""

    id: str
    at: datetime
    signatures: tuple[bytes, ...]


def new_secret() -> str:
    """Make a secret with 256 random bits, in the specification's notation."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """Return the bytes of a secret; the prefix is optional. Raises Invalid for what is no secret of 192 to 512 bits."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not _LEAST_BYTES <= len(key) <= _MOST_BYTES:
        raise errors.Invalid("A secret is whsec_ and 24 to 64 bytes in base64.", field="secret")
    return key


def headers_for(message_id: str, body: bytes, *, secrets: Sequence[str], at: datetime) -> dict[str, str]:
    """Return the three headers of a message, signed with each of the secrets."""
    signed = [_signature(key_of(secret), message_id, at, body) for secret in secrets]
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: str(int(at.timestamp())),
        SIGNATURE_HEADER: " ".join("v1," + base64.b64encode(one).decode() for one in signed),
    }


def read_headers(headers: Mapping[str, str], *, now: datetime) -> Signed:
    """Return what the headers (looked up in small letters) say. Raises Unsigned if some are missing, wrong or old."""
    message_id = headers.get(ID_HEADER, "")
    if not message_id or len(message_id) > _LONGEST_ID or not message_id.isprintable() or "." in message_id:
        raise Unsigned(f"The header {ID_HEADER} is missing, or is no identifier.")
    timestamp = headers.get(TIMESTAMP_HEADER, "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        raise Unsigned(f"The header {TIMESTAMP_HEADER} is missing, or is no number of seconds.")
    at = datetime.fromtimestamp(int(timestamp), UTC)
    if abs(now - at) > TOLERANCE:
        raise Unsigned("The message was signed too long ago, or in the future. Check the clocks, and sign it anew.")
    given = headers.get(SIGNATURE_HEADER, "").split()[:_MOST_SIGNATURES]
    return Signed(id=message_id, at=at, signatures=tuple(_decoded(one) for one in given if one.startswith("v1,")))


def is_signed_by(secret: str, signed: Signed, body: bytes) -> bool:
    """Whether one of the signatures was made with this secret. Takes the same time whichever it was."""
    expected = _signature(key_of(secret), signed.id, signed.at, body)
    return sum(hmac.compare_digest(expected, one) for one in signed.signatures) > 0


def _signature(key: bytes, message_id: str, at: datetime, body: bytes) -> bytes:
    head = f"{message_id}.{int(at.timestamp())}.".encode()
    return hmac.new(key, head + body, hashlib.sha256).digest()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.removeprefix("v1,"), validate=True)
    except (binascii.Error, ValueError):
        return b""
