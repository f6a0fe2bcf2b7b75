"""Which handlers make up the assistant: chat, commands, search, and the greeting of whoever shows up first."""

from collections.abc import Sequence

from kleanxmpp.ports import Directory

from ..addresses import Addresses
from ..connection import Handler
from .adhoc import AdHoc
from .askers import Questions
from .messages import Messages
from .presence import PresenceHandler
from .search import UserSearch


def assistant_handlers(directory: Directory, *, addresses: Addresses) -> Sequence[Handler]:
    """Return the handlers, to be registered after `DiscoHandler` and in this order."""
    questions = Questions(directory=directory, addresses=addresses)
    messages = Messages(questions)
    return (messages, AdHoc(questions), UserSearch(questions), PresenceHandler(on_contact=messages.greet))
