"""The directory search of XEP-0055 between values and XML. Pure; the searching itself is the core's.

The directory knows one display name per person. Clients expect columns for first and last names, so the
last word stands in one and the rest in the other; the display name itself is the nick. E-mail addresses
are nobody's business here: the column is always empty.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

from kleanxmpp.assistant import FoundPerson

from ..locale import Texts
from .data_forms import Field, make_question, make_table, read_submitted

NAMESPACE = "jabber:iq:search"
QUERY = f"{{{NAMESPACE}}}query"
MOST = 50
_ASKED = ("first", "last", "nick")
_SHOWN = (*_ASKED, "email")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is searched for: all that was filled in, as one text. `by_form`: it came in a data form."""

    text: str
    by_form: bool


def read_search(query: Element) -> Search:
    """Read the payload of a `set`. What is not one of our fields is ignored, as XEP-0055 wants it."""
    submitted = read_submitted(query)
    if submitted is not None:
        return Search(text=_joined(submitted.values or {}), by_form=True)
    values = {name: query.findtext(f"{{{NAMESPACE}}}{name}") or "" for name in _ASKED}
    return Search(text=_joined(values), by_form=False)


def make_search_fields(texts: Texts) -> Element:
    """Return the answer to a `get`: the fields, both as plain elements and as a data form."""
    query = Element(QUERY)
    SubElement(query, f"{{{NAMESPACE}}}instructions").text = texts.search_instructions
    for name in _ASKED:
        SubElement(query, f"{{{NAMESPACE}}}{name}")
    fields = (Field(name=name, label=label) for name, label in _labels(texts).items() if name in _ASKED)
    query.append(
        make_question(fields, title=texts.search_title, instructions=texts.search_instructions, form_type=NAMESPACE)
    )
    return query


def make_search_result(people: Iterable[FoundPerson], *, domain: str, by_form: bool, texts: Texts) -> Element:
    """Return the answer to a `set`, in the way that it was asked."""
    query = Element(QUERY)
    rows = [(f"{who.username}@{domain}", _columns(who)) for who in people]
    if by_form:
        columns = [Field(name="jid", label=texts.label_address, type="jid-single")]
        columns += [Field(name=name, label=label) for name, label in _labels(texts).items()]
        table = ((jid, *(values[column.name] for column in columns[1:])) for jid, values in rows)
        query.append(make_table(columns, table, form_type=NAMESPACE))
        return query
    for jid, values in rows:
        item = SubElement(query, f"{{{NAMESPACE}}}item", {"jid": jid})
        for name in _SHOWN:
            SubElement(item, f"{{{NAMESPACE}}}{name}").text = values[name]
    return query


def _joined(values: Mapping[str, str]) -> str:
    """Return the words of all fields once each: clients that offer several get the same name typed twice."""
    words = " ".join(values.get(name, "") for name in _ASKED).split()
    return " ".join(dict.fromkeys(words)).replace("*", " ").strip()


def _labels(texts: Texts) -> Mapping[str, str]:
    return {
        "first": texts.label_first,
        "last": texts.label_last,
        "nick": texts.label_nick,
        "email": texts.label_email,
    }


def _columns(who: FoundPerson) -> Mapping[str, str]:
    first, _, last = who.display_name.rpartition(" ")
    return {"first": first, "last": last, "nick": who.display_name, "email": ""}
