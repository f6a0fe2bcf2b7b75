"""The pure make_ and read_ functions of the adapter, and the error border."""

import asyncio
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slixmpp import Iq
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.xmlstream import tostring

from component import bookmarks, contacts, rooms, sessions
from component.addresses import Addresses
from component.errors import Missing, StreamLost, from_iq, to_stanza
from component.together import together
from ejabberd.records import RoomAffiliation, Session, SharedGroup
from kleanxmpp import errors
from kleanxmpp.batches import batches
from kleanxmpp.desired import GATE
from kleanxmpp.state import Affiliation, Bookmark

ADDRESSES = Addresses(domains=("firma.test", "nord.firma.test", "zwei.test"))
SERVICE = "gruppen.firma.test"
ADMIN = "{http://jabber.org/protocol/muc#admin}"

words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co")), max_size=20).map(str.strip)
localparts = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)
our_bookmarks = st.frozensets(
    st.builds(Bookmark, room=localparts.map(lambda name: f"{name}@{SERVICE}"), name=words, nick=words), max_size=8
)


def one_per_room(found: frozenset[Bookmark]) -> frozenset[Bookmark]:
    return frozenset({bookmark.room: bookmark for bookmark in found}.values())


# rooms


@given(title=words, description=words, announcement=st.booleans())
def test_a_room_with_the_options_we_make_is_as_promised(title: str, description: str, announcement: bool) -> None:
    options = rooms.make_options(title=title, description=description, announcement=announcement)
    room = rooms.read_room(options, (), service="klean.firma.test")
    assert (room.title, room.description, room.announcement, room.as_promised) == (
        title,
        description,
        announcement,
        True,
    )


@pytest.mark.parametrize(
    "promise",
    [
        "members_only",
        "persistent",
        "public",
        "public_list",
        "mam",
        "anonymous",
        "allow_user_invites",
        "allow_change_subj",
        "allow_subscription",
        "moderated",
        "password_protected",
    ],
)
def test_every_single_broken_promise_is_seen(promise: str) -> None:
    options = rooms.make_options(title="", description="", announcement=False)
    options[promise] = {"true": "false", "false": "true"}[options[promise]]
    assert not rooms.read_room(options, (), service="klean.firma.test").as_promised
    del options[promise]
    assert not rooms.read_room(options, (), service="klean.firma.test").as_promised


def test_only_the_services_own_entries_are_left_out_of_a_list() -> None:
    listed = {
        "klean.firma.test": "owner",
        "klean@klean.firma.test": "owner",
        "anna@firma.test": "member",
        "ben@firma.test": "none",
        "firma.test": "member",
        "mallory@evil.test": "outcast",
    }
    entries = [RoomAffiliation(jid=jid, affiliation=value, reason="") for jid, value in listed.items()]
    assert rooms.read_room({}, entries, service="klean.firma.test").affiliations == {
        "anna@firma.test": Affiliation.MEMBER,
        "firma.test": Affiliation.MEMBER,
        "mallory@evil.test": Affiliation.OUTCAST,
    }


@given(
    affiliations=st.dictionaries(localparts, st.sampled_from(Affiliation), max_size=30),
    per_query=st.integers(min_value=1, max_value=10),
)
def test_queries_together_name_everybody_once(affiliations: dict[str, Affiliation], per_query: int) -> None:
    queries = list(rooms.make_affiliation_queries(affiliations, per_query=per_query))
    items = [(item.get("jid"), item.get("affiliation")) for query in queries for item in query.iter(f"{ADMIN}item")]
    assert sorted(items) == sorted((jid, value.value) for jid, value in affiliations.items())
    assert len(queries) == -(-len(affiliations) // per_query)


# bookmarks


@given(former=our_bookmarks, desired=our_bookmarks)
def test_bookmarks_survive_the_way_through_xml_and_replace_the_former(
    former: frozenset[Bookmark], desired: frozenset[Bookmark]
) -> None:
    former, desired = one_per_room(former), one_per_room(desired)
    empty = bookmarks.parse_storage("")
    before = bookmarks.make_storage(empty, former, service=SERVICE)
    after = bookmarks.make_storage(before, desired, service=SERVICE)
    stored = bookmarks.parse_storage(tostring(after))
    assert bookmarks.read_bookmarks(stored, service=SERVICE) == desired


def test_foreign_bookmarks_stay_as_they_are_and_ours_are_made_to_join() -> None:
    xml = f"""<storage xmlns='storage:bookmarks'>
      <conference jid='chess@rooms.example' name='Schach' autojoin='false'><password>p</password></conference>
      <url url='https://example.org/' name='Web'/>
      <conference jid='frueh@{SERVICE}' name='Früh' autojoin='false'><nick>Anna</nick></conference>
      <conference jid='weg@{SERVICE.upper()}' name='Weg' autojoin='1'/>
      <conference name='no address'/>
    </storage>"""
    former = bookmarks.parse_storage(xml)
    assert bookmarks.read_bookmarks(former, service=SERVICE) == {
        Bookmark(room=f"weg@{SERVICE.upper()}", name="Weg", nick="")
    }
    desired = frozenset({Bookmark(room=f"frueh@{SERVICE}", name="Früh", nick="Anna")})
    after = tostring(bookmarks.make_storage(former, desired, service=SERVICE))
    assert bookmarks.read_bookmarks(ElementTree.fromstring(after), service=SERVICE) == desired
    for kept in ("chess@rooms.example", "<password>p</password>", "https://example.org/", "no address"):
        assert kept in after
    assert "weg@" not in after
    assert after.startswith("<storage xmlns=")


def test_unreadable_bookmarks_are_an_error_and_not_an_empty_list() -> None:
    with pytest.raises(errors.Permanent):
        bookmarks.parse_storage("<storage")


# shared groups and sessions


def test_a_group_is_displayed_if_its_members_see_each_other() -> None:
    record = SharedGroup(label="Früh", description="", display=frozenset({"klean-g-a", "other"}))
    assert contacts.read_group("klean-g-a", record, members=None).displayed
    assert not contacts.read_group(GATE, record, members=None).displayed


@given(age=st.integers(min_value=0, max_value=10_000), begun_after=st.floats(min_value=-5000, max_value=5000))
def test_no_session_that_began_before_the_moment_is_missed(age: int, begun_after: float) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    began = moment + timedelta(seconds=begun_after)
    now = began + timedelta(seconds=age)
    session = Session(resource="phone", uptime=age)
    found = sessions.began_before([session], moment, now=now)
    if began < moment:
        assert found == {"phone"}
    if began >= moment + timedelta(seconds=1):
        assert found == frozenset()


# addresses


def test_a_stanza_belongs_to_the_closest_company() -> None:
    assert ADDRESSES.company_of("klean.firma.test") == "firma.test"
    assert ADDRESSES.company_of("klean.nord.firma.test") == "nord.firma.test"
    assert ADDRESSES.company_of("xfirma.test") is None
    assert not ADDRESSES.inside_one_company("nord.firma.test", "klean.firma.test")
    assert not ADDRESSES.inside_one_company("example.org", "example.org")


def test_only_people_of_the_company_ask_its_component() -> None:
    assert ADDRESSES.asked_as("klean.firma.test", sender_host="firma.test") == "firma.test"
    assert ADDRESSES.asked_as("klean.firma.test", sender_host="zwei.test") is None
    assert ADDRESSES.asked_as("klean.firma.test", sender_host=SERVICE) is None
    assert ADDRESSES.asked_as(SERVICE, sender_host="firma.test") is None


# errors


def stanza_error(condition: str, kind: str) -> IqError:
    iq = Iq()
    iq["type"] = "error"
    iq["error"]["condition"], iq["error"]["type"], iq["error"]["text"] = condition, kind, "anna@firma.test wrote: hi"
    return IqError(iq)


@pytest.mark.parametrize(
    ("condition", "kind", "expected"),
    [
        ("item-not-found", "cancel", Missing),
        ("resource-constraint", "wait", errors.Temporary),
        ("forbidden", "wait", errors.Temporary),
        ("service-unavailable", "cancel", errors.Temporary),
        ("forbidden", "auth", errors.Permanent),
        ("bad-request", "modify", errors.Permanent),
    ],
)
def test_stanza_errors_become_core_errors_without_the_servers_text(
    condition: str, kind: str, expected: type[Exception]
) -> None:
    error = from_iq(stanza_error(condition, kind), to="room@gruppen.firma.test")
    assert type(error) is expected
    assert "anna" not in str(error)


def test_no_answer_is_temporary() -> None:
    assert type(from_iq(IqTimeout(Iq()), to="firma.test")) is errors.Temporary


@pytest.mark.parametrize(
    ("error", "condition", "kind"),
    [
        (errors.NotFound(), "item-not-found", "cancel"),
        (errors.Conflict(), "conflict", "cancel"),
        (errors.Stale(), "conflict", "cancel"),
        (errors.Invalid(), "not-acceptable", "modify"),
        (errors.UnsafePlan(), "policy-violation", "modify"),
        (errors.DirectoryUnavailable("postgresql://secret"), "resource-constraint", "wait"),
        (StreamLost("secret"), "resource-constraint", "wait"),
        (errors.Permanent("secret"), "service-unavailable", "cancel"),
    ],
)
def test_core_errors_become_stanza_errors_without_internals(
    error: errors.KleanError, condition: str, kind: str
) -> None:
    answer = to_stanza(error)
    assert (answer.condition, answer.etype) == (condition, kind)
    assert "secret" not in (answer.text or "")


# many at once


async def test_the_first_error_ends_the_others_and_comes_bare() -> None:
    ended = asyncio.Event()

    async def wait_forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def fail() -> None:
        raise errors.Temporary("no")

    with pytest.raises(errors.Temporary):
        async with together() as tasks:
            tasks.create_task(wait_forever())
            tasks.create_task(fail())
    assert ended.is_set()


@given(st.lists(st.integers()), st.integers(1, 10))
def test_batches_lose_nothing_and_are_never_too_large(items: list[int], size: int) -> None:
    found = list(batches(items, size))
    assert [item for some in found for item in some] == items
    assert all(len(some) == size for some in found[:-1])
    assert all(1 <= len(some) <= size for some in found)
