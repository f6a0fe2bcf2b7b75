"""The steps of an ad-hoc command (XEP-0050) between values and XML. Pure, apart from running the command.

Nothing is kept between the steps: a submitted form says all that is needed to answer. So there is no
session to expire, to steal or to lose in a restart; the session id only lets the client match the steps.
"""

import secrets
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

from ..locale import Texts
from .base import Answer, Command, Context, Entry
from .chat_text import chat_text
from .data_forms import Field, Submitted, make_question, make_table, read_submitted
from .links import link

NAMESPACE = "http://jabber.org/protocol/commands"
COMMAND = f"{{{NAMESPACE}}}command"
QUESTION = "name"
"""The one field that a command may ask for."""
_GOING_ON = frozenset({"execute", "next", "complete"})


class BadStep(Exception):
    """The client took a step that does not exist here. `condition` is the one of XEP-0050 section 4.4."""

    def __init__(self, condition: str) -> None:
        super().__init__(condition)
        self.condition = condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the client asks for."""

    node: str
    action: str = "execute"
    session: str | None = None
    submitted: Submitted | None = None


def read_step(command: Element) -> Step:
    """Read the payload of the client's IQ."""
    return Step(
        node=command.get("node", ""),
        action=command.get("action", "execute"),
        session=command.get("sessionid"),
        submitted=read_submitted(command),
    )


async def take(step: Step, *, command: Command, context: Context) -> Element:
    """Return the payload that answers this step; run the command if the step says all it needs.

    Raises BadStep, and what the command raises.
    """
    if step.action == "cancel" or (step.submitted is not None and step.submitted.values is None):
        return _payload(step, status="canceled")
    if step.action not in _GOING_ON:
        raise BadStep("bad-action" if step.action == "prev" else "malformed-action")
    if step.action != "execute" and step.session is None:
        raise BadStep("bad-sessionid")
    wording = command.wording(context.texts)
    if wording.question is None:
        return _answered(step, await command.run(context), title=wording.title, texts=context.texts)
    if step.submitted is None and step.session is None:
        question = Field(name=QUESTION, label=wording.question, required=True)
        return _asking(step, make_question((question,), title=wording.title, instructions=wording.does))
    answer = await command.run(context.with_argument(_argument(step)))
    return _answered(step, answer, title=wording.title, texts=context.texts)


def _argument(step: Step) -> str:
    values = step.submitted.values if step.submitted else None
    argument = (values or {}).get(QUESTION, "").strip()
    if not argument:
        raise BadStep("bad-payload")
    return argument


def _payload(step: Step, *, status: str) -> Element:
    session = step.session or secrets.token_urlsafe(12)
    return Element(COMMAND, {"node": step.node, "sessionid": session, "status": status})


def _asking(step: Step, question: Element) -> Element:
    payload = _payload(step, status="executing")
    actions = SubElement(payload, f"{{{NAMESPACE}}}actions", {"execute": "complete"})
    SubElement(actions, f"{{{NAMESPACE}}}complete")
    payload.append(question)
    return payload


def _answered(step: Step, answer: Answer, *, title: str, texts: Texts) -> Element:
    payload = _payload(step, status="completed")
    note = SubElement(payload, f"{{{NAMESPACE}}}note", {"type": "info"})
    note.text = chat_text(answer.lead, answer.close)
    if answer.entries:
        payload.append(_table(answer.entries, title=title, texts=texts))
    return payload


def _table(entries: tuple[Entry, ...], *, title: str, texts: Texts) -> Element:
    columns = [
        Field(name="name", label=texts.label_name),
        Field(name="jid", label=texts.label_address, type="jid-single"),
        Field(name="link", label=texts.label_link),
    ]
    if with_notes := any(entry.notes for entry in entries):
        columns.append(Field(name="note", label=texts.label_note))
    rows = (
        (entry.name, entry.jid, link(entry.jid, entry.tap), *((", ".join(entry.notes),) if with_notes else ()))
        for entry in entries
    )
    return make_table(columns, rows, title=title)
