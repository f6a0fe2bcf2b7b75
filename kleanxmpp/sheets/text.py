"""From the bytes of a text file to its text, without guessing wrongly.

Valid UTF-8 is UTF-8: other encodings practically never look like it by chance. What is not is Windows-1252, which
German HR systems write, unless it has bytes that Windows-1252 does not know or parts that are UTF-8 after all: such a
mixture is refused, because half of its names would come in garbled.
"""

import codecs
import re
from typing import Literal

from kleanxmpp.import_rows import FaultyFile
from kleanxmpp.sheets.table import MOST_BYTES, refused

Encoding = Literal["utf-8", "windows-1252", "utf-16"]

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UTF8_LETTERS = re.compile(rb"[\xc2\xc3][\x80-\xbf]|\xe2\x80[\x80-\xbf]|\xe2\x82\xac")
_UNKNOWN = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


def decoded(data: bytes, *, encoding: Encoding | None = None) -> str:
    """Return the text without its byte order mark. `encoding` None: recognise it. Raises FaultyFile with the place."""
    if len(data) > MOST_BYTES:
        raise refused(f"the file is larger than {MOST_BYTES // 1024 // 1024} MiB")
    text = _read(data, encoding)
    if (at := text.find("\0")) >= 0:
        raise _at(text, at, "has a NUL byte: this is no text file, or its encoding is another one")
    return text


def _read(data: bytes, encoding: Encoding | None) -> str:
    if data.startswith(_UTF32):
        raise refused("the file is UTF-32; save it as “CSV UTF-8”")
    if encoding == "utf-16" or (encoding is None and data.startswith(_UTF16)):
        return _utf16(data)
    if data.startswith(_UTF16):
        raise refused(f"the mapping says {encoding}, but the file is UTF-16")
    marked, data = data.startswith(codecs.BOM_UTF8), data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        if encoding == "utf-8" or marked:
            raise _not_utf8(data, error.start, "is not UTF-8; save the file as “CSV UTF-8”") from None
        return _windows1252(data, error.start)
    if encoding == "windows-1252" and not data.isascii():
        raise refused("the mapping says windows-1252, but the file is UTF-8")
    return text


def _utf16(data: bytes) -> str:
    if not data.startswith(_UTF16):
        raise refused("the mapping says utf-16, but the file has no byte order mark of UTF-16")
    try:
        return data.decode("utf-16")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-16", errors="replace")
        raise _at(before, len(before), "is not UTF-16") from None


def _windows1252(data: bytes, first: int) -> str:
    """`first` is where the first byte is that is not UTF-8."""
    if _UTF8_LETTERS.search(data):
        raise _not_utf8(data, first, "is not UTF-8, but other letters of the file are: it is a mixture of encodings")
    text = data.decode("windows-1252", errors="replace")  # one character for each byte, so places are the same
    if unknown := _UNKNOWN.search(data):
        raise _at(text, unknown.start(), "is neither UTF-8 nor Windows-1252")
    return text


def _not_utf8(data: bytes, start: int, reason: str) -> FaultyFile:
    before = data[:start].decode(errors="replace")
    return _at(before, len(before), reason)


def _at(text: str, index: int, reason: str) -> FaultyFile:
    before = re.split(r"\r\n|\r|\n", text[:index])
    return refused(f"character {len(before[-1]) + 1} {reason}", line=len(before))
