"""`hilfe` / `help`: what can be asked. Also what follows a salutation, and whatever was not understood."""

from collections.abc import Sequence

from kleanxmpp.desired import Person

from ..locale import Texts
from .base import Answer, Command, Context, Wording, everybody_who_may_chat


class Help:
    """Lists the commands that the person may use, itself first."""

    node = "hilfe"
    words: Sequence[str] = ("hilfe", "help", "menü", "menu", "start", "info")

    def __init__(self, others: Sequence[Command]) -> None:
        self._others = others

    def wording(self, texts: Texts) -> Wording:
        """Return title, usage and purpose."""
        return Wording(title=texts.help_title, usage=texts.help_usage, does=texts.help_does)

    def allows(self, person: Person) -> bool:
        """Everybody who may chat."""
        return everybody_who_may_chat(person)

    async def run(self, context: Context) -> Answer:
        """Answer with one line per command."""
        offered = [self.wording(context.texts)]
        offered += [other.wording(context.texts) for other in self._others if other.allows(context.person)]
        lines = [f"• {wording.usage}: {wording.does}" for wording in offered]
        return Answer(lead="\n".join([context.texts.help_lead, *lines]))
