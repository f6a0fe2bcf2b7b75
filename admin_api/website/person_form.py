"""The form about a person: what it holds, what it means, and what is wrong with it, said beside the field.

What is acceptable is said by the API's own body and by the core; only the words for people are here.
"""

from collections.abc import Mapping

from pydantic import ValidationError

from kleanxmpp import errors
from kleanxmpp.edits import UserPatch
from kleanxmpp.model import User

from ..schemas.users import NewUserBody
from .visits import Visit

NAMES = ("display_name", "email", "external_id", "locale", "site", "department", "chat_permission")
_OF_HR = ("site", "department")
_BETWEEN = ";"


def empty(locale: str) -> Mapping[str, str]:
    """Return the form about somebody new."""
    return dict.fromkeys(NAMES, "") | {"locale": locale, "chat_permission": "yes"}


def filled(user: User) -> Mapping[str, str]:
    """Return the form as it is about somebody known."""
    return {
        "display_name": user.display_name,
        "email": user.email or "",
        "external_id": user.external_id or "",
        "locale": user.locale,
        "chat_permission": "yes" if user.chat_permission else "",
    } | {name: f"{_BETWEEN} ".join(user.attributes.get(name, ())) for name in _OF_HR}


def typed(visit: Visit) -> Mapping[str, str]:
    """Return the form as somebody sent it."""
    return {name: visit.form.get(name, "") for name in NAMES}


def meant(form: Mapping[str, str]) -> NewUserBody:
    """Return what a form means. Raises ValidationError."""
    return NewUserBody.model_validate(
        {
            "display_name": form["display_name"].strip(),
            "email": form["email"].strip() or None,
            "external_id": form["external_id"].strip() or None,
            "locale": form["locale"] or None,
            "chat_permission": bool(form["chat_permission"]),
            "attributes": {
                name: [text for value in form[name].split(_BETWEEN) if (text := value.strip())] for name in _OF_HR
            },
        }
    )


def patch(form: Mapping[str, str], user: User) -> UserPatch:
    """Return what shall be different about somebody known. Raises ValidationError.

    Site and department are left alone unless somebody typed: a value may hold what stands between two of them.
    """
    body, known = meant(form), filled(user)
    facts = body.facts(external_id=body.external_id)
    return UserPatch(
        fields=frozenset({"display_name", "email", "external_id", "locale", "chat_permission", "attributes"}),
        display_name=facts.display_name,
        email=facts.email,
        external_id=facts.external_id,
        locale=facts.locale or user.locale,
        chat_permission=facts.chat_permission,
        attributes={name: values for name, values in facts.attributes.items() if form[name] != known[name]},
    )


def wrong(visit: Visit, error: ValidationError | errors.Invalid | errors.Conflict) -> Mapping[str, str]:
    """Return what is wrong, by field. Raises the error again if it is about nothing in the form."""
    if isinstance(error, ValidationError):
        places = [[str(part) for part in one["loc"]] for one in error.errors(include_url=False, include_input=False)]
        fields = [place[1] if place[0] == "attributes" else place[0] for place in places if place]
    else:
        fields = [(error.field or "").removeprefix("attributes.")]
    if not set(fields) <= set(NAMES):
        raise error
    return {name: _words(visit, name, taken=isinstance(error, errors.Conflict)) for name in fields}


def _words(visit: Visit, name: str, *, taken: bool) -> str:
    if name == "display_name":
        if taken:
            return visit.say("Too many people have this name. Add something that tells them apart.")
        return visit.say("A name has 1 to 200 letters.")
    if name == "email":
        return visit.say("This is not an e-mail address. It looks like name@company.com.")
    if name == "external_id":
        if taken:
            return visit.say("Somebody else has this personnel number.")
        return visit.say("A personnel number has up to 200 letters and digits.")
    return visit.say("This cannot be used here. Please choose something else.")
