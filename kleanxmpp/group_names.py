"""What is acceptable as a group's name and description, and slugs that no group ever had."""

from itertools import islice

from kleanxmpp import errors, names
from kleanxmpp.model import Company
from kleanxmpp.ports import Transaction


def checked_name(text: str) -> str:
    """Return the group's name with single spaces. Raises Invalid for nothing, control characters or over 100."""
    name = " ".join(text.split())
    if not name or len(name) > 100 or not name.isprintable():
        raise errors.Invalid("A group's name has 1 to 100 printable characters.", field="name")
    return name


def checked_description(text: str) -> str:
    """Return the description, trimmed. Raises Invalid for control characters or over 500."""
    text = text.strip()
    if len(text) > 500 or not text.replace("\n", " ").isprintable():
        raise errors.Invalid("A description has up to 500 printable characters.", field="description")
    return text


async def free_slug(tx: Transaction, company: Company, candidate: str) -> str:
    """Return the candidate, or it with the smallest number, that no group ever had. Raises Conflict."""
    for size in (8, 64, 1024):
        candidates = list(islice(names.numbered_from(candidate), size))
        taken = await tx.taken_slugs(company.id, candidates)
        if free := next((slug for slug in candidates if slug not in taken), None):
            return free
    raise errors.Conflict("Too many groups had this name; choose another one.", field="name")
