"""Between groups of the directory and SCIM's groups. Pure.

A PATCH is read into what it changes, never applied to the whole group: the circle may have thousands of members.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from scim2_models import (
    InvalidPathException,
    InvalidValueException,
    Meta,
    MutabilityException,
    NoTargetException,
    PatchOp,
    PatchOperation,
    Path,
    ResponseParameters,
)
from scim2_models.path import CompareOperator, Comparison, LogicalExpr, LogicalOperator

from kleanxmpp.scim_circles import CircleChange
from kleanxmpp.scim_ports import ScimCircle

from .models import Group, GroupMember

Op = PatchOperation.Op


def shown(circle: ScimCircle, members: Sequence[str] | None) -> Group:
    """Return the resource. `members` are the ids of users; None: they were not asked for."""
    group, kept = circle.group, circle.kept
    said = str(kept.document.get("displayName", "")) if kept else ""
    return Group(
        id=group.id,
        external_id=kept.external_id if kept else None,
        display_name=said if " ".join(said.split()) == group.name else group.name,
        members=[_member(user_id) for user_id in members] if members else None,
        meta=Meta(
            resource_type="Group",
            created=group.created_at,
            last_modified=circle.changed_at,
            version=version_of(circle),
        ),
    )


def version_of(circle: ScimCircle) -> str:
    """Return the entity tag: it changes with the group, with its circle, and with what only SCIM said."""
    group, kept = circle.group, circle.kept
    return f'W/"{group.version}.{group.circle_version}.{kept.version if kept else 0}"'


def wants_members(parameters: ResponseParameters[Any] | None) -> bool:
    """Whether an answer with these parameters names the members."""
    if parameters is None:
        return True
    if parameters.attributes:
        return any(_field(path) == "members" for path in parameters.attributes)
    excluded = parameters.excluded_attributes or []
    return not any(_field(path) == "members" and len(path.parts) == 1 for path in excluded)


def whole_change(group: Group) -> CircleChange:
    """Return what a group that was sent as a whole changes. Members and externalId that are left out stay."""
    change = CircleChange(name=group.display_name)
    if "external_id" in group.model_fields_set:
        change = change.and_identified(group.external_id or None)
    if group.members is None and "members" not in group.model_fields_set:
        return change
    return change.and_whole(_ids([{"value": member.value} for member in group.members or []]))


def patch_change(patch: PatchOp[Group], *, group_id: str, may_empty: bool) -> CircleChange:
    """Return what a PATCH changes, all operations in their order. Raises for what a group does not have.

    `may_empty`: whoever removes the members without naming any means all of them.
    """
    change = CircleChange()
    for operation in patch.operations or []:
        if operation.path is not None:
            emptied = may_empty and _empties(operation)
            change = (
                change.and_whole(frozenset())
                if emptied
                else _at_path(change, operation.op, operation.path, operation.value)
            )
        else:
            if not isinstance(operation.value, dict):
                raise InvalidValueException(detail="an operation without a path has an object as value")
            for name, value in operation.value.items():
                change = _at_name(change, operation.op, str(name), value, group_id=group_id)
    return change


def _empties(operation: PatchOperation[Any]) -> bool:
    path = operation.path
    named = operation.value is not None or path is None or path.value_filter is not None
    return not named and operation.op is Op.remove and str(path).rsplit(":", 1)[-1].lower() == "members"


def _at_name(change: CircleChange, op: Op, name: str, value: object, *, group_id: str) -> CircleChange:
    if name.lower() == "schemas":
        return change
    if name.lower() == "id":
        if value != group_id:
            raise MutabilityException(attribute="id", detail="'id' is read-only")
        return change
    return _at_path(change, op, Path.__class_getitem__(Group)(name), value)


def _at_path(change: CircleChange, op: Op, path: Path[Any], value: object) -> CircleChange:
    match _field(path):
        case "members":
            return _members(change, op, path, value)
        case "display_name":
            return change.and_named(_text(value))
        case "external_id":
            return change.and_identified(None if op is Op.remove or value is None else _text(value) or None)
        case _:
            raise InvalidPathException(path=str(path), detail=f"'{path}' is not an attribute of a group here")


def _members(change: CircleChange, op: Op, path: Path[Any], value: object) -> CircleChange:
    binding = path.resolve()
    if binding is not None and binding.sub_field_name is not None:
        raise InvalidPathException(path=str(path), detail="members are added and removed as a whole")
    if path.value_filter is not None:
        if op is not Op.remove:
            raise NoTargetException(detail="members are added to 'members', without a filter")
        return change.and_drop(_ids_in(path.value_filter))
    if op is Op.remove:
        if value is None:
            raise InvalidValueException(detail="remove names the members; replace with [] empties a group")
        return change.and_drop(_ids(value))
    return change.and_put(_ids(value)) if op is Op.add else change.and_whole(_ids(value))


def _ids(value: object) -> frozenset[str]:
    entries = value if isinstance(value, list) else [] if value is None else [value]
    return frozenset(_id(entry) for entry in entries)


def _id(entry: object) -> str:
    if isinstance(entry, Mapping):
        found = [value for name, value in entry.items() if str(name).lower() == "value"]
        entry = found[0] if found else None
    if not isinstance(entry, str) or not entry:
        raise InvalidValueException(detail="a member has the id of a user as value")
    return entry


def _ids_in(selection: object) -> frozenset[str]:
    """Return the ids that `value eq "…" or value eq "…"` names. Raises for any other selection."""
    match selection:
        case LogicalExpr(op=LogicalOperator.or_, terms=terms):
            return frozenset().union(*(_ids_in(term) for term in terms))
        case Comparison(attr_path=path, op=CompareOperator.eq, value=str(value)) if path.attr.lower() == "value":
            return frozenset({value})
        case _:
            raise InvalidPathException(detail='members are selected by value eq "…" only')


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidValueException(detail="a text is needed")
    return value


def _field(path: Path[Any]) -> str | None:
    binding = path.resolve()
    return binding.field_name if binding else None


def _member(user_id: str) -> GroupMember:
    return GroupMember.model_validate({"value": user_id, "$ref": f"Users/{user_id}", "type": "User"})
