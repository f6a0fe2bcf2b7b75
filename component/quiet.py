"""Keeps what people write out of the logs.

slixmpp logs whole stanzas at DEBUG, and unparsable ones at ERROR. The level is set on its loggers, so that
a DEBUG root logger does not open them, and a filter blanks the arguments that can carry content.
"""

import logging
from xml.etree.ElementTree import Element

from slixmpp.xmlstream import ElementBase

_LEVELS = {"slixmpp": logging.INFO, "slixmpp.xmlstream": logging.WARNING}
_CARRIERS = (
    "slixmpp.basexmpp",
    "slixmpp.componentxmpp",
    "slixmpp.stanza.rootstanza",
    "slixmpp.xmlstream.stanzabase",
    "slixmpp.xmlstream.xmlstream",
)


class _WithoutContent(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple("…" if isinstance(a, bytes | Element | ElementBase) else a for a in record.args)
        return True


_without_content = _WithoutContent()


def keep_content_out_of_logs() -> None:
    """Set levels and filters on slixmpp's loggers. Calling it again changes nothing."""
    for name, level in _LEVELS.items():
        logging.getLogger(name).setLevel(level)
    for name in _CARRIERS:
        logging.getLogger(name).addFilter(_without_content)
