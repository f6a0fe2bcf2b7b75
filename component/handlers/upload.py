"""Places for files (XEP-0363 slots), on the component's address, where clients find it by looking around their domain.

Here only the permission is given; the file itself goes to the address in the answer, by HTTP, and both sides know of
each other through the directory alone. The limit is shown per company and read anew, because it may change.
"""

from collections.abc import Callable
from copy import copy
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement

from slixmpp import JID
from slixmpp.exceptions import XMPPError
from slixmpp.plugins.xep_0030 import DiscoInfo
from slixmpp.xmlstream.handler import CoroutineCallback
from slixmpp.xmlstream.matcher import MatchXPath

from kleanxmpp import errors, files

from ..commands.data_forms import make_facts
from ..commands.rate import Limiter, Rate, Verdict
from ..connection import Connection
from ..errors import answering
from ..locale import in_every_language
from .adhoc import IQ_RATE
from .askers import Questions, Stanza, unavailable_in_words

NAMESPACE = "urn:xmpp:http:upload:0"
_REQUEST, _SLOT = f"{{{NAMESPACE}}}request", f"{{{NAMESPACE}}}slot"
_NAME = "KleanXMPP"


class Upload:
    """Gives out slots below `files_url`. Who may have one and how much is the core's business."""

    def __init__(
        self,
        questions: Questions,
        *,
        files_url: str,
        rate: Rate = IQ_RATE,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._questions, self._files_url, self._clock = questions, files_url, clock
        self._limiter = Limiter(rate)

    def register(self, connection: Connection) -> None:
        """Take over requests for slots, and announce them. Comes after `DiscoHandler`."""
        addresses, xmpp = connection.addresses, connection.xmpp
        matcher = MatchXPath(f"{{{xmpp.default_ns}}}iq/{_REQUEST}")
        xmpp.register_handler(CoroutineCallback("Upload Slot", matcher, answering(self.on_request)))
        disco: Any = xmpp.plugin["xep_0030"]
        self._described = disco.static.get_info
        for host in map(addresses.component, addresses.domains):
            disco.add_feature(NAMESPACE, jid=host)
            disco.add_identity(category="store", itype="file", name=_NAME, jid=host)
            disco.set_node_handler("get_info", JID(host), None, self.on_info)

    async def on_info(self, to: JID, node: str, sender: JID, iq: Stanza) -> DiscoInfo:
        """Describe the component as before, and add how large a file may be."""
        info: DiscoInfo = copy(self._described(to, node, sender, iq))
        domain = self._questions.addresses.company_of(to.host)
        with unavailable_in_words():
            async with self._questions.directory.read() as tx:
                company = await tx.company_by_domain(domain or "")
        if company is not None and not node:
            limit = {"max-file-size": str(files.largest(company))}
            info.append(make_facts(limit, form_type=NAMESPACE))
        return info

    async def on_request(self, iq: Stanza) -> None:
        """Give a slot, or say why not."""
        if iq["type"] not in ("get", "set"):
            return
        domain = self._questions.company_asked(iq)
        if iq["to"].local:
            raise XMPPError("service-unavailable")
        if self._limiter.ask(iq["from"].bare) is not Verdict.ANSWER:
            text = in_every_language(lambda texts: texts.too_fast)
            raise XMPPError("resource-constraint", etype="wait", text=text)
        try:
            with unavailable_in_words():
                file, token = await files.grant(
                    self._questions.directory,
                    domain=domain,
                    username=iq["from"].local,
                    wanted=_wanted(iq),
                    now=self._clock(),
                )
        except errors.TooLarge as error:
            _refuse(iq, "not-acceptable", "modify", _too_large(error))
        except errors.QuotaExceeded as error:
            _refuse(iq, "resource-constraint", "wait", _retry(error))
        except errors.Forbidden as error:
            text = in_every_language(lambda texts: texts.upload_refused)
            raise XMPPError("forbidden", etype="auth", text=text) from error
        except errors.Invalid as error:
            text = in_every_language(lambda texts: texts.upload_type)
            raise XMPPError("not-acceptable", etype="modify", text=text) from error
        else:
            reply = iq.reply()
            reply.append(_slot(f"{self._files_url}/{token}/{quote(file.name, safe='')}"))
            reply.send()


def _wanted(iq: Stanza) -> files.Wanted:
    request = iq.xml.find(_REQUEST)
    size = request.get("size", "")
    if iq["type"] != "get" or not (size.isascii() and size.isdecimal() and len(size) < 19):
        raise XMPPError("bad-request", etype="modify")
    return files.Wanted(name=request.get("filename", ""), size=int(size), media_type=request.get("content-type", ""))


def _slot(url: str) -> Element:
    slot = Element(_SLOT)
    for way in ("put", "get"):
        SubElement(slot, f"{{{NAMESPACE}}}{way}", {"url": url})
    return slot


def _too_large(error: errors.TooLarge) -> tuple[str, Element]:
    megabytes = f"{round(error.limit / 1024**2, 1):g}"
    detail = Element(f"{{{NAMESPACE}}}file-too-large")
    SubElement(detail, f"{{{NAMESPACE}}}max-file-size").text = str(error.limit)
    return in_every_language(lambda texts: texts.upload_too_large.format(megabytes=megabytes)), detail


def _retry(error: errors.QuotaExceeded) -> tuple[str, Element]:
    stamp = f"{error.until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return in_every_language(lambda texts: texts.upload_quota), Element(f"{{{NAMESPACE}}}retry", {"stamp": stamp})


def _refuse(iq: Stanza, condition: str, kind: str, said: tuple[str, Element]) -> None:
    text, detail = said
    reply = iq.reply()
    reply["type"] = "error"
    reply["error"]["condition"] = condition
    reply["error"]["type"] = kind
    reply["error"]["text"] = text
    reply["error"].append(detail)
    reply.send()
