"""Between people of the directory and SCIM's users. Pure. The table of attributes is in docs/scim.md.

The directory is the truth for what it knows, so it overrules the document that the client once sent; where both mean
the same, the client gets its own spelling back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scim2_models import Meta

from kleanxmpp.drafts import LOCALES, NewUser
from kleanxmpp.edits import UserPatch
from kleanxmpp.scim_people import Identity
from kleanxmpp.scim_ports import ScimPerson

from .models import Email, EnterpriseUser, Manager, Person

ENTERPRISE_FIELDS = {
    "department": "department",
    "employee_number": "employee_number",
    "cost_center": "cost_center",
    "division": "division",
}
"""Our attribute -> the extension's; `role` is the title, `manager` the manager's value."""

_NEVER_KEPT = ("schemas", "id", "meta", "externalId", "userName", "active", "groups", "password")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a SCIM user says about what the directory knows; None or missing: nothing."""

    display_name: str | None = None
    email: str | None = None
    locale: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


def facts_of(resource: Any) -> Facts:  # noqa: ANN401 - the library makes the class when it runs
    """Return what a resource says in our words."""
    work = resource[EnterpriseUser]
    said = {ours: getattr(work, theirs) for ours, theirs in ENTERPRISE_FIELDS.items()} if work else {}
    said["manager"] = work.manager.value if work and work.manager else None
    said["role"] = resource.title
    known = {name: text for name, value in said.items() if (text := _single(value))}
    chosen = _chosen_email(resource)
    return Facts(
        display_name=_name_of(resource),
        email=_single(chosen.value) if chosen else None,
        locale=_locale(resource.preferred_language) or _locale(resource.locale),
        attributes=known,
    )


def shown(person: ScimPerson) -> Any:  # noqa: ANN401 - as above
    """Return the resource: what the client said, corrected by what the directory knows."""
    user, kept = person.user, person.kept
    resource = Person.model_validate(dict(kept.document) if kept else {})
    resource.user_name, resource.external_id = person.user_name, person.external_id
    resource.active = None if kept and kept.document.get("active") is user.active else user.active
    said = facts_of(resource)
    if (said.display_name or _single(person.user_name)) != user.display_name:
        resource.display_name = user.display_name
    if said.email != (user.email or None):
        _set_email(resource, user.email)
    if (kept is None or said.locale is not None) and said.locale != user.locale:
        resource.preferred_language = user.locale
    _set_attributes(resource, said, user.attributes)
    resource.id = user.id
    resource.meta = _meta(person)
    return resource


def located(person: ScimPerson) -> Any:  # noqa: ANN401 - as above
    """Return a resource that says which person it is, in which version, and nothing about them."""
    return Person.model_construct(id=person.user.id, meta=_meta(person))


def _meta(person: ScimPerson) -> Meta:
    return Meta(
        resource_type="User",
        created=person.user.created_at,
        last_modified=person.changed_at,
        version=version_of(person),
    )


def version_of(person: ScimPerson) -> str:
    """Return the entity tag: it changes with what the directory knows, and with what only SCIM said."""
    return f'W/"{person.user.version}.{person.kept.version if person.kept else 0}"'


def identity_of(resource: Any, *, hidden: bool | None = None) -> Identity:  # noqa: ANN401 - as above
    """Return what is kept beside the directory's row.

    `hidden`: the client removed `active` while it was this. It is not said for as long as it stays so.
    """
    document = document_of(resource) | ({} if hidden is None else {"active": hidden})
    return Identity(user_name=resource.user_name or "", external_id=resource.external_id or None, document=document)


def document_of(resource: Any) -> dict[str, object]:  # noqa: ANN401 - as above
    """Return the resource as it is kept: without what has its own place, and never with a password."""
    found: dict[str, object] = resource.model_dump(mode="json")
    return {name: value for name, value in found.items() if name not in _NEVER_KEPT}


def new_user(resource: Any) -> NewUser:  # noqa: ANN401 - as above
    """Return the person as they come in. Who has no name is called by the userName."""
    said = facts_of(resource)
    return NewUser(
        display_name=said.display_name or resource.user_name or "",
        email=said.email,
        locale=said.locale,
        active=resource.active is not False,
        attributes={name: (value,) for name, value in said.attributes.items()},
    )


def patch_to(person: ScimPerson, resource: Any, *, whole: bool, says_active: bool) -> UserPatch:  # noqa: ANN401
    """Return what the client wants to be different.

    `whole`: the resource was sent as a whole (PUT). What it leaves out is then removed if SCIM said it before, and
    stays if another door said it. A name, a locale and `active` are never removed.
    """
    known, said = facts_of(shown(person)), facts_of(resource)
    before = facts_of(Person.model_validate(dict(person.kept.document))) if whole and person.kept else Facts()
    gone = [n for n in known.attributes if n not in said.attributes and (not whole or n in before.attributes)]
    changed = {n: (value,) for n, value in said.attributes.items() if known.attributes.get(n) != value}
    attributes = changed | dict.fromkeys(gone, ())
    fields = {"active"} if says_active and resource.active is not None else set()
    fields |= {"attributes"} if attributes else set()
    if said.email != known.email and (said.email or not whole or before.email):
        fields.add("email")
    name = said.display_name or (_single(resource.user_name) if known.display_name and not whole else None)
    if name and name != person.user.display_name and said.display_name != known.display_name:
        fields.add("display_name")
    if said.locale and said.locale != person.user.locale:
        fields.add("locale")
    return UserPatch(
        fields=frozenset(fields),
        display_name=name or "",
        email=said.email,
        locale=said.locale or person.user.locale,
        active=bool(resource.active),
        attributes=attributes,
    )


def _single(value: str | None) -> str | None:
    return " ".join(value.split()) or None if value else None


def _name_of(resource: Any) -> str | None:  # noqa: ANN401 - as above
    name = resource.name
    parts = (name.given_name, name.family_name) if name else ()
    return (
        _single(resource.display_name)
        or (_single(name.formatted) if name else None)
        or _single(" ".join(part for part in parts if part))
    )


def _locale(text: str | None) -> str | None:
    language = (text or "")[:2].lower()
    return language if language in LOCALES and not (text or "")[2:3].isalpha() else None


def _chosen_email(resource: Any) -> Any:  # noqa: ANN401 - as above
    """Return the primary address, else the one for work, else the first."""
    emails = [email for email in resource.emails or [] if email.value]
    primary = [email for email in emails if email.primary]
    work = [email for email in emails if email.type == "work"]
    return next(iter([*primary, *work, *emails]), None)


def _set_email(resource: Any, email: str | None) -> None:  # noqa: ANN401 - as above
    chosen = _chosen_email(resource)
    if chosen is None:
        resource.emails = [*(resource.emails or []), Email(value=email, type=Email.Type.work, primary=True)]
    elif email:
        chosen.value = email
    else:
        resource.emails = [one for one in resource.emails if one is not chosen] or None


def _set_attributes(resource: Any, said: Facts, known: Mapping[str, tuple[str, ...]]) -> None:  # noqa: ANN401
    wanted: dict[str, str | None] = {}
    for name in (*ENTERPRISE_FIELDS, "manager", "role"):
        values = known.get(name, ())
        if said.attributes.get(name) not in (values or (None,)):
            wanted[name] = values[0] if values else None
    if not wanted:
        return
    if "role" in wanted:
        resource.title = wanted.pop("role")
    work = resource[EnterpriseUser] or EnterpriseUser()
    if "manager" in wanted:
        manager = wanted.pop("manager")
        work.manager = Manager(value=manager) if manager else None
    for name, value in wanted.items():
        setattr(work, ENTERPRISE_FIELDS[name], value)
    resource[EnterpriseUser] = work
