"""Filters and sorting that the database can do by itself. Everything else is refused: nothing is ever scanned here."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from scim2_models import (
    InvalidFilterException,
    InvalidPathException,
    Path,
    ScimFilter,
    SearchRequest,
)
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)

from kleanxmpp.scim_ports import AllOf, AnyOf, Compared, Condition, Field, Relation, Slice

_SEARCHED: Mapping[str, Mapping[str, Field]] = {
    "User": {
        "id": Field.ID,
        "externalid": Field.EXTERNAL_ID,
        "username": Field.USER_NAME,
        "displayname": Field.DISPLAY_NAME,
        "emails.value": Field.EMAIL,
        "active": Field.ACTIVE,
        "meta.created": Field.CREATED,
        "meta.lastmodified": Field.CHANGED,
    },
    "Group": {
        "id": Field.ID,
        "externalid": Field.EXTERNAL_ID,
        "displayname": Field.DISPLAY_NAME,
        "members.value": Field.MEMBER,
        "meta.created": Field.CREATED,
        "meta.lastmodified": Field.CHANGED,
    },
}
_EXACT = {Field.ID, Field.EXTERNAL_ID, Field.MEMBER, Field.ACTIVE}
_MOMENTS = {Field.CREATED, Field.CHANGED}
_OF_TEXT = {CompareOperator.eq, CompareOperator.sw, CompareOperator.co}
_OF_MOMENT = {CompareOperator.eq, CompareOperator.gt, CompareOperator.ge, CompareOperator.lt, CompareOperator.le}
_SORTED = {Field.ID, Field.USER_NAME, Field.DISPLAY_NAME, Field.CREATED, Field.CHANGED}
_NOBODY = AnyOf(())


def condition_of(found: ScimFilter[Any] | None, kind: str, model: Any) -> Condition | None:  # noqa: ANN401
    """Return the filter as the directory understands it. Raises InvalidFilterException for what it cannot search."""
    if found is None:
        return None
    return _Translation(kind, model).visit(found.ast)


def slice_of(search: SearchRequest[Any], kind: str, *, offset: int, limit: int) -> Slice:
    """Return which part is asked for, and how it is sorted. Raises InvalidPathException for what cannot be sorted."""
    if search.sort_by is None:
        return Slice(offset=offset, limit=limit)
    order = _SEARCHED[kind].get(str(search.sort_by).rsplit(":", 1)[-1].lower())
    if order not in _SORTED:
        names = "userName, displayName, id, meta.created and meta.lastModified"
        raise InvalidPathException(path=str(search.sort_by), detail=f"sorting is possible by {names}")
    descending = search.sort_order == SearchRequest.SortOrder.descending
    return Slice(offset=offset, limit=limit, order=order, descending=descending)


class _Translation(FilterVisitor[Condition]):
    """Translates for one resource type; what the type does not have matches none of it (RFC 7644 section 3.4.2.1)."""

    def __init__(self, kind: str, model: Any) -> None:  # noqa: ANN401 - the library makes the class when it runs
        self._kind, self._model = kind, model

    def visit_comparison(self, node: Comparison) -> Condition:
        """Translate `attribute operator value`."""
        name = str(AttrPath(node.attr_path.attr, node.attr_path.sub_attr)).lower()
        name = f"{name}.value" if name in {"emails", "members"} else name
        field = _SEARCHED[self._kind].get(name)
        if field is None:
            if Path.__class_getitem__(self._model)(str(node.attr_path)).resolve() is None:
                return _NOBODY
            raise _refused(node)
        return Compared(field=field, relation=_relation(node, field), value=_value(node, field))

    def visit_logical_expr(self, node: LogicalExpr) -> Condition:
        """Translate `and` and `or`."""
        terms = tuple(self.visit(term) for term in node.terms)
        return AllOf(terms) if node.op == LogicalOperator.and_ else AnyOf(terms)

    def visit_value_path(self, node: ValuePath) -> Condition:
        """Translate `members[value eq …]`, and `emails[type eq "work"]` where it is about the one that we know."""
        name, terms = node.attr_path.attr.lower(), node.val_filter
        said = terms.terms if isinstance(terms, LogicalExpr) and terms.op == LogicalOperator.and_ else (terms,)
        values = [one for one in said if _is_about(one, "value")]
        rest = [one for one in said if one not in values]
        if name not in {"emails", "members"} or len(values) != 1 or not all(_is_usual(name, one) for one in rest):
            raise _refused(node)
        (value,) = values
        assert isinstance(value, Comparison)
        return self.visit_comparison(Comparison(AttrPath(name, "value"), value.op, value.value))

    def visit_present(self, node: Present) -> Condition:
        """Refuse `pr`."""
        raise _refused(node)

    def visit_not(self, node: Not) -> Condition:
        """Refuse `not`."""
        raise _refused(node)


def _relation(node: Comparison, field: Field) -> Relation:
    allowed = {CompareOperator.eq} if field in _EXACT else _OF_MOMENT if field in _MOMENTS else _OF_TEXT
    if node.op not in allowed:
        raise _refused(node)
    return Relation(node.op.value)


def _value(node: Comparison, field: Field) -> str | bool | datetime:
    value = node.value
    if field is Field.ACTIVE:
        if isinstance(value, bool):
            return value
    elif isinstance(value, str) and value:
        return _moment(value, node) if field in _MOMENTS else value
    raise _refused(node)


def _moment(text: str, node: Comparison) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _refused(node) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_about(node: FilterNode, name: str) -> bool:
    return isinstance(node, Comparison) and node.attr_path.attr.lower() == name


def _is_usual(name: str, node: FilterNode) -> bool:
    """Whether a selection names the e-mail address that the directory has, and no other."""
    if name != "emails" or not isinstance(node, Comparison) or node.op != CompareOperator.eq:
        return False
    return (node.attr_path.attr.lower(), node.value) in {("type", "work"), ("primary", True)}


def _refused(node: FilterNode) -> InvalidFilterException:
    return InvalidFilterException(
        detail=f"this cannot be searched here: {node}. Searched are userName, externalId, id, displayName, active, "
        "emails.value, members.value, meta.created and meta.lastModified, with eq, sw, co, dates with gt, ge, lt, le"
    )
