"""Many people's changes at the same moment: few calls, and what one of them meets is nobody else's."""

import asyncio
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast
from xml.etree.ElementTree import Element

import pytest

from component import bookmarks, rooms, sessions
from component.crowd import together_in_companies
from component.link import Link
from ejabberd.records import Belongings
from kleanxmpp import errors
from kleanxmpp.changes import SetAffiliations, SetBookmarks
from kleanxmpp.state import Affiliation, Bookmark

DOMAIN = "firma.test"


class Server:
    """The two ways to a server, as far as these changes go. It refuses what names `refused`, and has no room `gone`."""

    def __init__(self) -> None:
        self.queries: list[tuple[str, set[str]]] = []
        self.stored: dict[str, str] = {}
        self.written: list[Mapping[str, str]] = []

    async def request(self, query: Element, *, to: str, sender: str, kind: str) -> None:
        jids = {item.get("jid", "") for item in query}
        self.queries.append((to, jids))
        if to.startswith("gone@"):
            raise errors.Temporary
        if "refused@firma.test" in jids:
            raise errors.Permanent

    async def belongings(self, usernames: Sequence[str], *, host: str) -> Sequence[Belongings]:
        return [
            Belongings(username=name, full_name="", nickname="", photo="", bookmarks=self.stored.get(name, ""))
            for name in usernames
        ]

    async def set_private(self, elements: Mapping[str, str], *, host: str) -> None:
        self.written.append(elements)

    async def kick_users(self, usernames: Sequence[str], *, host: str) -> Mapping[str, int]:
        return dict.fromkeys(usernames[1:], 1)

    @property
    def link(self) -> Link:
        addresses = SimpleNamespace(
            rooms=lambda domain: f"gruppen.{domain}", component=lambda domain: f"klean.{domain}"
        )
        made: Any = SimpleNamespace(
            connection=self,
            addresses=addresses,
            bookmarking=asyncio.Lock(),
            api=SimpleNamespace(accounts=self, sessions=self),
        )
        return cast(Link, made)


def out(room: str, name: str) -> SetAffiliations:
    return SetAffiliations(room=room, affiliations={f"{name}@{DOMAIN}": Affiliation.NONE})


async def test_each_room_is_told_once_about_everybody() -> None:
    server = Server()
    several = [out("nord", "anna"), out("ost", "anna"), out("nord", "ben")]
    assert await rooms.set_affiliations(server.link, several, domain=DOMAIN) == [1, 1, 1]
    assert sorted(server.queries, key=lambda query: query[0]) == [
        ("nord@gruppen.firma.test", {"anna@firma.test", "ben@firma.test"}),
        ("ost@gruppen.firma.test", {"anna@firma.test"}),
    ]


async def test_what_a_room_refuses_for_one_it_does_for_the_others() -> None:
    several = [out("nord", "anna"), out("nord", "refused"), out("gone", "ben"), out("nord", "carl")]
    anna, refused, ben, carl = await rooms.set_affiliations(Server().link, several, domain=DOMAIN)
    assert (anna, carl) == (1, 1)
    assert isinstance(refused, errors.Permanent)
    assert isinstance(ben, errors.Temporary)


async def test_bookmarks_that_cannot_be_read_are_written_for_nobody_but_the_others() -> None:
    server = Server()
    server.stored = {
        "anna": "<storage xmlns='storage:bookmarks'><conference jid='nord@gruppen.firma.test' autojoin='1'/></storage>",
        "broken": "<storage",
    }
    none: frozenset[Bookmark] = frozenset()
    several = [SetBookmarks(username=name, bookmarks=none) for name in ("broken", "anna", "ben")]
    broken, anna, ben = await bookmarks.set_bookmarks(server.link, several, domain=DOMAIN)
    assert isinstance(broken, errors.Permanent)
    assert (anna, ben) == (1, 0)
    assert [set(elements) for elements in server.written] == [{"anna", "ben"}]


async def test_who_is_missing_in_an_answer_is_not_taken_for_kicked() -> None:
    with pytest.raises(errors.Temporary):
        await sessions.end(Server().link, ["anna", "ben"], domain=DOMAIN)


async def test_companies_are_asked_each_for_itself() -> None:
    asked: list[tuple[str, Sequence[int]]] = []

    async def double(link: Link, numbers: Sequence[int], /, *, domain: str) -> Sequence[int]:
        asked.append((domain, numbers))
        return [2 * number for number in numbers]

    do = together_in_companies(Server().link, double)
    found = await asyncio.gather(do(("a.test", 1)), do(("b.test", 2)), do(("a.test", 3)))
    assert found == [2, 4, 6]
    assert asked == [("a.test", [1, 3]), ("b.test", [2])]
