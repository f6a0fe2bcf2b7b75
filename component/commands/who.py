"""`wer NAME` / `who NAME`: the directory search of the company. The same search serves XEP-0055."""

import re
from collections.abc import Sequence

from kleanxmpp import assistant
from kleanxmpp.assistant import Found
from kleanxmpp.desired import Person
from kleanxmpp.names import fold

from ..locale import Texts
from .base import Answer, Context, Entry, Tap, Wording, everybody_who_may_chat

MOST = 10
LONGEST_QUERY = 100
"""Characters of a name that are looked at, and repeated in the answer."""
_FILLERS = frozenset({"ist", "sind", "heisst", "is", "are"})


class Who:
    """Finds colleagues by parts of their names; spelling is forgiven."""

    node = "wer"
    words: Sequence[str] = ("wer", "who", "suche", "suchen", "finde", "find", "search")

    def wording(self, texts: Texts) -> Wording:
        """Return title, usage, purpose and the question of the form."""
        return Wording(title=texts.who_title, usage=texts.who_usage, does=texts.who_does, question=texts.who_question)

    def allows(self, person: Person) -> bool:
        """Everybody who may chat."""
        return everybody_who_may_chat(person)

    async def run(self, context: Context) -> Answer:
        """Answer with at most ten people, best first, and how many more there are."""
        query = _name_in(context.argument)
        if not query:
            return Answer(lead=context.texts.who_missing)
        company = context.person.company
        found = await assistant.find_people(context.directory, company, query, limit=MOST)
        return _answer(found, query=query, domain=company.domain, texts=context.texts)


def _answer(found: Found, *, query: str, domain: str, texts: Texts) -> Answer:
    if not found.people:
        return Answer(lead=texts.who_none.format(query=query))
    lead = texts.who_found if found.exact else texts.who_similar
    return Answer(
        lead=lead.format(query=query),
        entries=tuple(
            Entry(name=who.display_name, jid=f"{who.username}@{domain}", tap=Tap.MESSAGE) for who in found.people
        ),
        close=_more(found.more, texts=texts),
    )


def _more(count: int, *, texts: Texts) -> str:
    if count == 0:
        return ""
    return texts.who_more_one if count == 1 else texts.who_more_many.format(count=count)


def _name_in(argument: str) -> str:
    words = argument[:LONGEST_QUERY].split()
    if words and fold(words[0]) in _FILLERS:
        words = words[1:]
    return re.sub(r"^\W+|\W+$", "", " ".join(words))
