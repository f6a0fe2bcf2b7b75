"""The zip archive that an XLSX file is, checked before anybody unpacks it for good.

A zip directory can lie, so sizes are checked twice: as the directory tells them, and by unpacking every part once,
piece by piece, with nothing kept. What is no plain workbook (old binary format, encrypted, with macros, linked to other
files) is refused in words that say what to do.
"""

import io
import zipfile
import zlib
from typing import Final

from kleanxmpp.import_rows import FaultyFile
from kleanxmpp.sheets.table import MOST_BYTES, refused

MOST_PARTS: Final = 500
MOST_UNPACKED: Final = 100 * 1024 * 1024
LARGEST_RATIO: Final = 200
_SMALL: Final = 1024 * 1024  # below, a part may be as dense as it likes
_CHUNK: Final = 64 * 1024
_OLE, _ZIP = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04"
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_MACROS, _LINKS = ("vbaproject.bin", "xl/macrosheets/"), ("xl/externallinks/",)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, RuntimeError)
"""What `zipfile` raises for an archive that is none."""
_SAVE = "save a copy as “Excel workbook (.xlsx)” or as “CSV UTF-8”, and import that"


def looks_like_workbook(data: bytes) -> bool:
    """Whether these are the first bytes of a workbook of any kind, be it one that is refused."""
    return data.startswith((_OLE, _ZIP, b"PK\x05\x06"))


def check(data: bytes) -> None:
    """Raise FaultyFile unless this is the archive of a plain XLSX workbook of a bearable size."""
    if data.startswith(_OLE):
        if _ENCRYPTED_STREAM in data:
            raise refused(f"the workbook is encrypted: open it with its password, {_SAVE} without one")
        raise refused(f"this is the old Excel format (.xls): {_SAVE}")
    if len(data) > MOST_BYTES:
        raise refused(f"the file is larger than {MOST_BYTES // 1024 // 1024} MiB")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            _check_directory(parts, size=len(data))
            _check_contents(archive, parts)
    except _BROKEN as error:
        raise refused(f"the file is damaged and cannot be unpacked: {_SAVE}") from error


def _check_directory(parts: list[zipfile.ZipInfo], *, size: int) -> None:
    names = [part.filename.replace("\\", "/").lstrip("/").lower() for part in parts]
    if len(parts) > MOST_PARTS or len(set(names)) != len(names):
        raise refused("the workbook has too many parts, or one of them twice; no spreadsheet program writes that")
    if any(part.flag_bits & 1 for part in parts):
        raise refused(f"the workbook is encrypted: open it with its password, {_SAVE} without one")
    if any(part.compress_type not in _METHODS for part in parts):
        raise refused(f"the workbook is packed in an unusual way: {_SAVE}")
    if sum(part.file_size for part in parts) > MOST_UNPACKED or any(map(_too_dense, parts)):
        raise _bomb()
    if sum(part.compress_size for part in parts) > size:
        raise refused("parts of the workbook overlap; no spreadsheet program writes that")
    if "xl/workbook.bin" in names:
        raise refused(f"this is a binary workbook (.xlsb): {_SAVE}")
    if "[content_types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise refused("this is a zip archive, but no Excel workbook (.xlsx)")
    if any(name.endswith(_MACROS[0]) or name.startswith(_MACROS[1]) for name in names):
        raise refused(f"the workbook has macros (.xlsm): {_SAVE}")
    if any(name.startswith(_LINKS) for name in names):
        raise refused(f"the workbook is linked to other workbooks: break the links (values stay), {_SAVE}")


def _too_dense(part: zipfile.ZipInfo) -> bool:
    return part.file_size > max(_SMALL, LARGEST_RATIO * part.compress_size)


def _check_contents(archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> None:
    """Unpack everything once. `zipfile` never gives more than the directory says, and compares the checksum."""
    whole = 0
    for part in parts:
        with archive.open(part) as opened:
            while chunk := opened.read(_CHUNK):
                whole += len(chunk)
                if whole > MOST_UNPACKED:
                    raise _bomb()
                if part.filename == "[Content_Types].xml" and b"macroEnabled" in chunk:
                    raise refused(f"the workbook may have macros (.xlsm): {_SAVE}")


def _bomb() -> FaultyFile:
    return refused(
        f"the workbook unpacks to more than {MOST_UNPACKED // 1024 // 1024} MiB, or to more than {LARGEST_RATIO} times "
        "its size; no list of people does"
    )
