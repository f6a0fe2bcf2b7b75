"""How clients find the commands (XEP-0030). Pure.

Made anew for each question, because everybody sees the names in their own language.
"""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement

from ..locale import Texts
from . import adhoc_steps, data_forms
from .base import Command

INFO = "http://jabber.org/protocol/disco#info"
ITEMS = "http://jabber.org/protocol/disco#items"


def make_list_info(texts: Texts) -> Element:
    """Describe the node that lists the commands."""
    return _info("command-list", texts.commands, (INFO, ITEMS), node=adhoc_steps.NAMESPACE)


def make_command_info(command: Command, *, texts: Texts) -> Element:
    """Describe one command."""
    features = (INFO, adhoc_steps.NAMESPACE, data_forms.NAMESPACE)
    return _info("command-node", command.wording(texts).title, features, node=command.node)


def make_command_items(commands: Iterable[Command], *, jid: str, texts: Texts) -> Element:
    """List the commands of this address."""
    query = Element(f"{{{ITEMS}}}query", {"node": adhoc_steps.NAMESPACE})
    for command in commands:
        item = {"jid": jid, "node": command.node, "name": command.wording(texts).title}
        SubElement(query, f"{{{ITEMS}}}item", item)
    return query


def _info(kind: str, name: str, features: Iterable[str], *, node: str) -> Element:
    query = Element(f"{{{INFO}}}query", {"node": node})
    SubElement(query, f"{{{INFO}}}identity", {"category": "automation", "type": kind, "name": name})
    for feature in features:
        SubElement(query, f"{{{INFO}}}feature", {"var": feature})
    return query
