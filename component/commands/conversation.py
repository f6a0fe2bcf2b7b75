"""From a line of chat to the text that answers it: there is always one."""

from kleanxmpp import assistant, errors

from . import parsing
from .base import Answer, Context
from .chat_text import chat_text
from .offered import COMMANDS, HELP


async def reply_to(body: str, context: Context) -> str:
    """Return the reply to what a person wrote, with the greeting in front if this is the first contact ever."""
    try:
        greeting = await greeting_once(context)
        return await _reply(body, context, greeting=greeting)
    except errors.DirectoryUnavailable:
        return context.texts.unavailable


async def greeting_once(context: Context) -> str:
    """Return the greeting for the first contact with this person; empty ever after."""
    if not await assistant.greet_once(context.directory, context.person):
        return ""
    person = context.person
    return context.texts.greeting.format(name=person.user.display_name, company=person.company.name)


async def introduction(context: Context) -> Answer:
    """Return the overview of what can be asked."""
    return await HELP.run(context)


async def _reply(body: str, context: Context, *, greeting: str) -> str:
    texts = context.texts
    allowed = [command for command in COMMANDS if command.allows(context.person)]
    meant = parsing.read(body, allowed)
    if meant is None:
        return chat_text(greeting or texts.not_understood, await introduction(context))
    if meant.command is None:
        hello = texts.hello.format(name=context.person.user.display_name)
        return chat_text(greeting or hello, await introduction(context))
    try:
        answer = await meant.command.run(context.with_argument(meant.argument))
    except errors.DirectoryUnavailable:
        return chat_text(greeting, texts.unavailable)
    return chat_text(greeting, answer)
