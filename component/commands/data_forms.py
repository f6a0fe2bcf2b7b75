"""Data forms (XEP-0004) between values and XML. Pure.

Plain elements instead of slixmpp's stanza classes: those register themselves process-wide, and what is
needed here is a question with text fields and a table of results.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

NAMESPACE = "jabber:x:data"
FORM = f"{{{NAMESPACE}}}x"
_FIELD = f"{{{NAMESPACE}}}field"
_VALUE = f"{{{NAMESPACE}}}value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: a question in a form, a column in a table."""

    name: str
    label: str
    type: str = "text-single"
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What came back. `values` None: the form was cancelled."""

    values: Mapping[str, str] | None


def make_question(
    fields: Iterable[Field], *, title: str, instructions: str = "", form_type: str | None = None
) -> Element:
    """Return a form to be filled in."""
    form = _form("form", title=title, instructions=instructions, form_type=form_type)
    for field in fields:
        element = _field(form, field)
        if field.required:
            SubElement(element, f"{{{NAMESPACE}}}required")
    return form


def make_table(
    columns: Sequence[Field], rows: Iterable[Sequence[str]], *, title: str = "", form_type: str | None = None
) -> Element:
    """Return a result with one item per row; every row has a value for every column."""
    form = _form("result", title=title, instructions="", form_type=form_type)
    reported = SubElement(form, f"{{{NAMESPACE}}}reported")
    for column in columns:
        _field(reported, column)
    for row in rows:
        item = SubElement(form, f"{{{NAMESPACE}}}item")
        for column, value in zip(columns, row, strict=True):
            field = SubElement(item, _FIELD, {"var": column.name})
            SubElement(field, _VALUE).text = value
    return form


def make_facts(facts: Mapping[str, str], *, form_type: str) -> Element:
    """Return a result with one value per field, as service discovery carries it (XEP-0128)."""
    form = _form("result", title="", instructions="", form_type=form_type)
    for name, value in facts.items():
        SubElement(SubElement(form, _FIELD, {"var": name}), _VALUE).text = value
    return form


def read_submitted(parent: Element) -> Submitted | None:
    """Return what the form inside `parent` says, None if there is none. Of several values of a field, the first."""
    form = parent.find(FORM)
    if form is None:
        return None
    if form.get("type") == "cancel":
        return Submitted(values=None)
    fields = ((field.get("var"), field.findtext(_VALUE) or "") for field in form.findall(_FIELD))
    return Submitted(values={name: value for name, value in fields if name})


def _form(kind: str, *, title: str, instructions: str, form_type: str | None) -> Element:
    form = Element(FORM, {"type": kind})
    for name, text in (("title", title), ("instructions", instructions)):
        if text:
            SubElement(form, f"{{{NAMESPACE}}}{name}").text = text
    if form_type is not None:
        hidden = SubElement(form, _FIELD, {"var": "FORM_TYPE", "type": "hidden"})
        SubElement(hidden, _VALUE).text = form_type
    return form


def _field(parent: Element, field: Field) -> Element:
    return SubElement(parent, _FIELD, {"var": field.name, "type": field.type, "label": field.label})
