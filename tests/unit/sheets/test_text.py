"""Bytes become text in the encoding that they are in, or are refused where they are in none."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleanxmpp.import_rows import FaultyFile
from kleanxmpp.sheets.text import Encoding, decoded

LINE = "Nachname;Größe\r\nMüller-Lüdenscheidt;„Groß“ \u2013 5 €\r\n"


def refusal(data: bytes, encoding: Encoding | None = None) -> str:
    with pytest.raises(FaultyFile) as refused:
        decoded(data, encoding=encoding)
    (fault,) = refused.value.faults
    return str(fault)


@pytest.mark.parametrize(
    "data",
    [
        LINE.encode(),
        codecs.BOM_UTF8 + LINE.encode(),
        LINE.encode("windows-1252"),
        LINE.encode("utf-16"),
        codecs.BOM_UTF16_BE + LINE.encode("utf-16-be"),
    ],
    ids=["UTF-8", "UTF-8 with BOM", "Windows-1252", "UTF-16", "UTF-16 BE"],
)
def test_the_usual_encodings_are_recognised(data: bytes) -> None:
    assert decoded(data) == LINE


@pytest.mark.parametrize(
    ("data", "encoding"), [("ö".encode(), "utf-8"), (b"\xf6", "windows-1252"), ("ö".encode("utf-16"), "utf-16")]
)
def test_a_mapping_can_say_which_encoding_it_is(data: bytes, encoding: Encoding) -> None:
    assert decoded(data, encoding=encoding) == "ö"


@pytest.mark.parametrize(
    ("data", "encoding", "reason"),
    [
        (b"a\nM\xfcller", "utf-8", "line 2: character 2 is not UTF-8; save the file as “CSV UTF-8”"),
        (codecs.BOM_UTF8 + b"\r\n\r\nM\xfcller", None, "line 3: character 2 is not UTF-8"),
        ("Müller".encode(), "windows-1252", "line 1: the mapping says windows-1252, but the file is UTF-8"),
        ("a".encode("utf-16"), "utf-8", "line 1: the mapping says utf-8, but the file is UTF-16"),
        (b"abc", "utf-16", "line 1: the mapping says utf-16, but the file has no byte order mark"),
        (
            "a\nbc".encode("utf-16-le").join([codecs.BOM_UTF16_LE, b"\x00\xd8"]),
            None,
            "line 2: character 3 is not UTF-16",
        ),
        ("a".encode("utf-32"), None, "line 1: the file is UTF-32"),
        (b"ab\ncd\0e", None, "line 2: character 3 has a NUL byte"),
        (b"\x89PNG\r\n\x1a\n\0\0", None, "line 3: character 1 has a NUL byte"),
        ("a".encode("utf-16-le"), None, "line 1: character 2 has a NUL byte"),
        (b"a\rJ\x81rg \xfc", None, "line 2: character 2 is neither UTF-8 nor Windows-1252"),
        ("Jörg\n".encode() + b"J\xf6rg", None, "line 2: character 2 is not UTF-8, but other letters of the file are"),
        (b"J\xf6rg\n" + "5 €".encode(), None, "line 1: character 2 is not UTF-8, but other letters of the file are"),
        (b"a" * (20 * 1024 * 1024 + 1), None, "line 1: the file is larger than 20 MiB"),
    ],
)
def test_what_has_no_or_several_encodings_is_refused_with_its_place(
    data: bytes, encoding: Encoding | None, reason: str
) -> None:
    assert refusal(data, encoding).startswith(reason)


@pytest.mark.parametrize("byte", [0x81, 0x8D, 0x8F, 0x90, 0x9D])
def test_bytes_that_windows_does_not_know_are_refused(byte: int) -> None:
    assert refusal(b"M\xfcller " + bytes([byte])) == "line 1: character 8 is neither UTF-8 nor Windows-1252"


@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_utf8_is_always_read_as_utf8(text: str) -> None:
    assert decoded(text.encode("utf-8-sig")) == text


@given(st.text(alphabet="abcxyzÄÖÜäöüßéèñ;,\r\n\u2013„“ -'()€"))
def test_german_in_windows_1252_is_always_read_as_such(text: str) -> None:
    text = f"ü\n{text}"  # alone, “Ä\u2013” might be a letter of UTF-8 as well
    assert decoded(text.encode("windows-1252")) == text


@given(st.binary(max_size=200), st.sampled_from([None, "utf-8", "windows-1252", "utf-16"]))
def test_any_bytes_are_text_or_refused(data: bytes, encoding: Encoding | None) -> None:
    try:
        assert "\0" not in decoded(data, encoding=encoding)
    except FaultyFile as refused:
        assert refused.faults[0].line >= 1
