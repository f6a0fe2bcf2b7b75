"""Use cases about signing in at a company's identity provider: the attempt, and who it turns out to be.

The provider says who somebody is, and nothing more: what they may, and whether they are still here, the directory says.
An attempt belongs to the browser that began it: its `state` is the hash of a secret that only this browser holds, so an
answer cannot be handed to another one. Nobody is ever made here: whom the directory does not know is refused.
"""

import hashlib
import secrets
import string
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from kleanxmpp import desired, errors, ids, web_sessions
from kleanxmpp.model import Company, User
from kleanxmpp.ports import Directory, Transaction
from kleanxmpp.website_ports import SignInAttempt

ATTEMPT_LASTS = timedelta(minutes=15)
"""Time to type a password, look for the phone with the second factor, and type it again."""
_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class Matches(StrEnum):
    """Which fact of a person equals what the provider says."""

    EMAIL = "email"
    EXTERNAL_ID = "external_id"


class Why(StrEnum):
    """Why somebody whom the provider knows is not let in."""

    UNKNOWN = "unknown"
    SEVERAL = "several"
    LEFT = "left"
    ABSENT = "absent"
    NO_ROLE = "no_role"


class NotLetIn(errors.Forbidden):
    """The provider knows the person, but they may not sign in here. `why` says what to tell them."""

    def __init__(self, why: Why) -> None:
        super().__init__()
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What the browser takes to the provider, and the secret that it keeps for itself."""

    state: str
    nonce: str
    challenge: str
    secret: str = field(repr=False)


async def begin(directory: Directory, company: Company, *, return_to: str, now: datetime) -> Begun:
    """Remember that a browser goes to the provider, and where it wants to be afterwards."""
    secret, verifier = ids.new_secret(), secrets.token_urlsafe(32)
    state, nonce = ids.sha256_hex(secret), ids.new_secret()
    attempt = SignInAttempt(
        state_sha256=ids.sha256_hex(state),
        company_id=company.id,
        nonce=nonce,
        verifier=verifier,
        return_to=return_to,
        created_at=now,
    )
    async with directory.write() as tx:
        await tx.add_sign_in_attempt(attempt)
    return Begun(state=state, nonce=nonce, challenge=_challenge(verifier), secret=secret)


async def take(directory: Directory, state: str, *, secret: str, now: datetime) -> tuple[Company, SignInAttempt]:
    """Return the attempt that this browser began, once. Raises NotFound: too late, taken, or another browser's."""
    if not secrets.compare_digest(ids.sha256_hex(secret).encode(), state.encode()):
        raise errors.NotFound
    async with directory.write() as tx:
        attempt = await tx.take_sign_in_attempt(ids.sha256_hex(state))
        company = await tx.company(attempt.company_id) if attempt else None
    if attempt is None or company is None or not company.enabled or now >= attempt.created_at + ATTEMPT_LASTS:
        raise errors.NotFound
    return company, attempt


async def sign_in(
    directory: Directory, company: Company, *, matches: Matches, value: str, now: datetime
) -> tuple[str, bool]:
    """Sign in whom the provider named; return the token for the cookie, and whether the dashboard is open to them.

    Without a role they are signed in for the chat. Raises NotLetIn.
    """
    async with directory.write(company.id) as tx:
        user = await _person(tx, company, matches=matches, value=value)
        manages = web_sessions.may_manage(company, user)
        has_role = manages and bool(await tx.staff_roles_of(user.id))
        if not has_role and not desired.may_log_in(company, user):
            raise NotLetIn(_why(user))
        _, token = await web_sessions.begin(tx, company, user=user, chat_only=not manages, how="oidc", now=now)
    return token, has_role


async def _person(tx: Transaction, company: Company, *, matches: Matches, value: str) -> User:
    if not value.isprintable():
        raise NotLetIn(Why.UNKNOWN)
    if matches is Matches.EXTERNAL_ID:
        found = list((await tx.users_by_external_id(company.id, [value])).values())
    else:
        # Letters beyond ASCII that fold to others do not make two mailboxes one.
        known = await tx.users_by_email(company.id, value)
        found = [one for one in known if (one.email or "").translate(_ASCII_LOWER) == value.translate(_ASCII_LOWER)]
    found = [one for one in found if one.active] or found  # who came back may have an older entry, too
    if len(found) != 1:
        raise NotLetIn(Why.SEVERAL if found else Why.UNKNOWN)
    return found[0]


def _why(user: User) -> Why:
    if not user.active or user.erasing:
        return Why.LEFT
    return Why.NO_ROLE if user.absence is None else Why.ABSENT


def _challenge(verifier: str) -> str:
    """RFC 7636 section 4.2."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
