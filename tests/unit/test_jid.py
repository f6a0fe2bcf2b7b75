"""Addresses: what every server reads alike passes, everything else is refused with a reason."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kleanxmpp import errors, jid
from kleanxmpp.jid import Jid

ANY_LETTERS = st.text(st.characters(categories=("L", "N", "M", "P"))) | st.text()


@given(ANY_LETTERS)
@example("groß")
@example("אב1")
@example("İ")
@example("ǰ")
@example("ΐ")
@example("ᾳ")
def test_normalising_twice_changes_nothing_and_only_invalid_is_raised(text: str) -> None:
    try:
        once = jid.normalise_localpart(text)
    except errors.Invalid as refusal:
        assert refusal.field == "username"
        assert str(refusal).endswith("for example joerg.gross.")
        return
    assert jid.normalise_localpart(once) == once
    assert 0 < len(once.encode()) <= jid.LONGEST
    assert not jid.EXCLUDED & set(once)


@given(st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,30}[a-z0-9])?", fullmatch=True))
def test_plain_usernames_pass_unchanged(text: str) -> None:
    assert jid.normalise_localpart(text) == text


def test_case_and_width_are_mapped() -> None:
    assert jid.normalise_localpart("Jörg.Groll") == "jörg.groll"
    assert jid.normalise_localpart("\uff2aörg") == "jörg"
    assert jid.normalise_localpart("jo\u0308rg") == "jörg"


@pytest.mark.parametrize(
    ("username", "reason"),
    [
        ("", "is empty"),
        ("joerg gross", "contains a space"),
        ("joerg@firma", 'contains "@"'),
        ("o'brien", 'contains "\'"'),
        ("a/b", 'contains "/"'),
        ("groß", 'contains "ß", which not every server reads alike; write "ss" instead'),
        ("νίκος", 'write "\u03c3" instead'),
        ("a\u200db", "contains the character U+200D"),
        ("x" * 1024, "is longer than 1023 bytes"),
        ("ö" * 600, "is longer than 1023 bytes"),
        ("אב1", "is not read alike by every server"),
    ],
)
def test_what_servers_read_differently_is_refused_with_a_reason(username: str, reason: str) -> None:
    with pytest.raises(errors.Invalid) as refusal:
        jid.normalise_localpart(username)
    assert reason in str(refusal.value)


def test_domains_are_lowercased_and_checked() -> None:
    assert jid.normalise_domain("Firma.Test.") == "firma.test"
    assert jid.normalise_domain("localhost") == "localhost"
    for bad in ("", ".", "a..b", "-a.test", "a b.test", "a_b.test", "x" * 64 + ".test", "münchen.test", "a.test/x"):
        with pytest.raises(errors.Invalid) as refusal:
            jid.normalise_domain(bad)
        assert refusal.value.field == "domain"


@given(st.text(max_size=20))
def test_normalising_a_domain_twice_changes_nothing_and_only_invalid_is_raised(text: str) -> None:
    try:
        once = jid.normalise_domain(text)
    except errors.Invalid:
        return
    assert jid.normalise_domain(once) == once


def test_an_address_is_read_and_written() -> None:
    full = Jid.parse("Anna.Berg@Firma.Test/Mein Telefon")
    assert full == Jid(localpart="anna.berg", domain="firma.test", resource="Mein Telefon")
    assert str(full) == "anna.berg@firma.test/Mein Telefon"
    assert str(full.bare) == "anna.berg@firma.test"
    assert Jid.parse("klean.firma.test") == Jid(domain="klean.firma.test")
    assert Jid.parse("firma.test/a@b/c").resource == "a@b/c"


@pytest.mark.parametrize("text", ["", "@firma.test", "a@b@c.test", "anna@", "anna@firma.test/", "firma.test/\u0000"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(errors.Invalid):
        Jid.parse(text)


@given(st.text(max_size=30))
def test_reading_an_address_raises_only_invalid(text: str) -> None:
    try:
        parsed = Jid.parse(text)
    except errors.Invalid:
        return
    assert Jid.parse(str(parsed)) == parsed
