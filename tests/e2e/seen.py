"""What a client saw, as facts that tests can name: parsed from the stanza itself, with the time of its arrival."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
MUC_USER = "{http://jabber.org/protocol/muc#user}"
EVENT = "{http://jabber.org/protocol/pubsub#event}"
CLIENT = "{jabber:client}"
ROSTER = "{jabber:iq:roster}"
UPLOAD = "urn:xmpp:http:upload:0"
DELAY = "{urn:xmpp:delay}delay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One thing that a client saw. `kind`: message, presence, contact, notification, iq, closed, stream_error."""

    kind: str
    at: float
    facts: dict[str, object]
    xml: Element | None = field(default=None, repr=False)

    def has(self, **wanted: object) -> bool:
        """Whether all these facts hold; a callable is asked, `contains=` looks into the body."""
        for name, value in wanted.items():
            found = self.facts.get(name)
            if callable(value):
                if not value(found):
                    return False
            elif found != value:
                return False
        return True

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value!r}" for name, value in self.facts.items() if value not in (None, (), ""))
        return f"{self.kind}({facts})"


def condition_of(xml: Element) -> str | None:
    """Return the error condition of a stanza, None if it is no error."""
    if xml.get("type") != "error":
        return None
    found = (e.tag.removeprefix(STANZAS) for e in xml.iter() if e.tag.startswith(STANZAS))
    return next((name for name in found if name != "text"), "unknown")


def read(text: str, *, at: float) -> Iterator[Seen]:
    """Yield what a stanza tells; a contact list tells one thing for each contact."""
    xml = ElementTree.fromstring(text)
    kind = xml.tag.removeprefix(CLIENT)
    if kind == "message" and (event := xml.find(f"{EVENT}event")) is not None:
        yield Seen(kind="notification", at=at, facts={"from": xml.get("from"), **_items(event)}, xml=xml)
    elif kind == "message":
        yield Seen(kind="message", at=at, facts=_message(xml), xml=xml)
    elif kind == "presence":
        yield Seen(kind="presence", at=at, facts=_presence(xml), xml=xml)
    elif (query := xml.find(f"{ROSTER}query")) is not None and xml.get("type") in ("set", "result"):
        for item in query.iterfind(f"{ROSTER}item"):
            yield Seen(kind="contact", at=at, facts=contact_facts(item), xml=xml)
    else:
        facts = {name: xml.get(name) for name in ("from", "type", "id")}
        yield Seen(kind="iq", at=at, facts=facts | {"error": condition_of(xml)}, xml=xml)


def _message(xml: Element) -> dict[str, object]:
    return {
        "from": xml.get("from"),
        "type": xml.get("type", "normal"),
        "id": xml.get("id"),
        "body": xml.findtext(f"{CLIENT}body"),
        "subject": xml.findtext(f"{CLIENT}subject"),
        "error": condition_of(xml),
        "delayed": xml.find(DELAY) is not None,
        "codes": _codes(xml),
        "lang": xml.get("{http://www.w3.org/XML/1998/namespace}lang"),
    }


def _presence(xml: Element) -> dict[str, object]:
    item = xml.find(f"{MUC_USER}x/{MUC_USER}item")
    return {
        "from": xml.get("from"),
        "type": xml.get("type", "available"),
        "error": condition_of(xml),
        "codes": _codes(xml),
        "affiliation": item.get("affiliation") if item is not None else None,
        "role": item.get("role") if item is not None else None,
        "jid": item.get("jid") if item is not None else None,
        "nick": item.get("nick") if item is not None else None,
        "photo": xml.findtext("{vcard-temp:x:update}x/{vcard-temp:x:update}photo"),
    }


def _codes(xml: Element) -> tuple[int, ...]:
    return tuple(int(status.get("code", 0)) for status in xml.iterfind(f"{MUC_USER}x/{MUC_USER}status"))


def contact_facts(item: Element) -> dict[str, object]:
    """Return what a line of a contact list says."""
    return {
        "jid": item.get("jid"),
        "name": item.get("name"),
        "subscription": item.get("subscription"),
        "groups": tuple(sorted(group.text or "" for group in item.iterfind(f"{ROSTER}group"))),
    }


def _items(event: Element) -> dict[str, object]:
    items = event.find(f"{EVENT}items")
    if items is None:
        return {"node": None}
    return {
        "node": items.get("node"),
        "ids": tuple(item.get("id") for item in items.iterfind(f"{EVENT}item")),
        "retracted": tuple(item.get("id") for item in items.iterfind(f"{EVENT}retract")),
    }
