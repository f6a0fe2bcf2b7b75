"""The form of a circle: a draft as hidden fields, and what somebody did to the people on the shown page."""

import re

from kleanxmpp import circle_drafts, errors
from kleanxmpp.circle_drafts import CircleDraft
from kleanxmpp.model import Role

from .numbers import whole
from .visits import Visit

_ID = re.compile(r"[0-9a-f]{32}")


def draft_of(visit: Visit) -> CircleDraft:
    """Return the draft that the form holds, with the boxes that were ticked or cleared. Raises Invalid."""
    form = visit.form
    draft = circle_drafts.read(
        version=whole(form.get("version"), 0), base=form.get("base", ""), changes=form.get("changes", "")
    )
    shown, stay = set(form.getall("shown", [])), set(form.getall("stay", []))
    moderators = set(form.getall("moderator", []))
    if not all(map(_ID.fullmatch, shown)):
        raise errors.Invalid(field="shown")
    draft = draft.without(shown - stay)
    draft = draft.put(shown & stay & moderators, Role.MODERATOR)
    return draft.put((shown & stay) - moderators, Role.MEMBER)


def fields_of(draft: CircleDraft) -> dict[str, str]:
    """Return the hidden fields of a draft."""
    base, changes = circle_drafts.written(draft)
    return {"version": str(draft.version), "base": base, "changes": changes}


def asked(visit: Visit) -> tuple[str, str]:
    """Return what the button that was pressed asks for, and about what: `add 018f…` or `save`."""
    what, _, about = visit.form.get("do", "").partition(" ")
    return what, about
