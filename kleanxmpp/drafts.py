"""A person before they are in the directory: what is known, what is acceptable, and names that nobody else has."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from kleanxmpp import attributes, errors, ids, jid, names
from kleanxmpp.attributes import Attributes
from kleanxmpp.model import Company, User
from kleanxmpp.ports import Transaction

LOCALES = ("de", "en")
RESERVED_USERNAMES = frozenset({"klean", "klean-api"})
"""The assistant's localpart and the service account of ejabberd's API: nobody shall look like them."""
SYNTHETIC_PREFIX = "klean-doctor-"
"""Of the username of every synthetic user with whom the doctor tries the server, and of nobody else: whoever had one
would be taken for what a checkup left behind, and be erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """What is known about a person before they are in the directory. Without username one is made from the name.

    `synthetic`: nobody at all, but the doctor's, whose username begins with `SYNTHETIC_PREFIX`.
    """

    display_name: str
    username: str | None = None
    external_id: str | None = None
    email: str | None = None
    locale: str | None = None
    active: bool = True
    chat_permission: bool = True
    admin: bool | None = None
    attributes: Attributes = field(default_factory=dict, hash=False)
    synthetic: bool = False


async def draft(tx: Transaction, company: Company, new: NewUser, *, now: datetime) -> User:
    """Return a valid user that is not saved yet, with a username and a nickname that nobody else has."""
    display_name = checked_name(new.display_name)
    if new.username:
        username = checked_username(new.username, synthetic=new.synthetic)
    else:
        username = await free_username(tx, company, names.username_from(display_name))
    nickname = await free_nickname(tx, company, display_name, username=username)
    return User(
        id=ids.new_id(),
        company_id=company.id,
        username=username,
        display_name=display_name,
        nickname=nickname,
        external_id=new.external_id or None,
        email=new.email or None,
        locale=checked_locale(new.locale or company.locale),
        active=new.active,
        chat_permission=new.chat_permission,
        admin=bool(new.admin),
        attributes=attributes.merged({}, new.attributes),
        created_at=now,
    )


def checked_username(text: str, *, synthetic: bool = False) -> str:
    """Return the localpart that this text stands for. Raises Invalid for what is no localpart, or is reserved."""
    username = jid.normalise_localpart(text)
    if username in RESERVED_USERNAMES:
        raise errors.Invalid("This username is reserved for the program itself.", field="username")
    if username.startswith(SYNTHETIC_PREFIX) and not synthetic:
        raise errors.Invalid(
            f"Usernames that begin with {SYNTHETIC_PREFIX} are reserved for checkups of the server.", field="username"
        )
    return username


def checked_name(text: str) -> str:
    """Return the display name with single spaces. Raises Invalid for nothing, control characters or over 200."""
    name = " ".join(text.split())
    if not name or len(name) > 200 or not name.isprintable():
        raise errors.Invalid("A display name has 1 to 200 printable characters.", field="display_name")
    return name


def checked_locale(text: str) -> str:
    """Return the locale if the product speaks it. Raises Invalid."""
    if text not in LOCALES:
        raise errors.Invalid(f"The locale must be one of: {', '.join(LOCALES)}.", field="locale")
    return text


async def free_nickname(
    tx: Transaction, company: Company, display_name: str, *, username: str, own: str | None = None
) -> str:
    """Return the name to appear under that nobody but `own` (a user id) has. Raises Conflict."""
    candidates = list(islice(names.nicknames_from(display_name, username), 8))
    holders = await tx.taken_nicknames(company.id, candidates)
    free = (name for name in candidates if holders.get(name) in {None, own})
    if nickname := next(free, None):
        return nickname
    raise errors.Conflict("Other people appear under this name already.", field="display_name")


async def free_username(tx: Transaction, company: Company, candidate: str) -> str:
    """Return the candidate, or it with the smallest number, that nobody ever had. Raises Conflict after a thousand."""
    if candidate.startswith(SYNTHETIC_PREFIX):
        candidate = candidate.replace("-", ".")
    for size in (8, 64, 1024):
        candidates = list(islice(names.numbered_from(candidate), size))
        taken = RESERVED_USERNAMES | await tx.taken_usernames(company.id, candidates)
        if free := next((name for name in candidates if name not in taken), None):
            return free
    raise errors.Conflict("Too many people have this name; give a username.", field="username")
