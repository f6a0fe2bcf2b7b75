"""Real workbooks made by openpyxl, and ways to take them apart and put them together wrongly."""

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from openpyxl import Workbook  # type: ignore[import-untyped]


def workbook(*rows: Sequence[object], title: str = "Mitarbeiter", then: Callable[[Any], None] | None = None) -> bytes:
    """Return an XLSX file with these rows; `then` does something with the sheet before it is saved."""
    book = Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    if then is not None:
        then(sheet)
    return saved(book)


def saved(book: Any) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(contents: Mapping[str, bytes] | Iterable[tuple[str, bytes]], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression=method) as archive:
        for name, content in contents.items() if isinstance(contents, Mapping) else contents:
            archive.writestr(name, content)
    return file.getvalue()


def with_parts(data: bytes, **changed: bytes) -> bytes:
    """Return the workbook with parts replaced or added; `sheet` and `types` are short names."""
    names = {"sheet": "xl/worksheets/sheet1.xml", "types": "[Content_Types].xml", "strings": "xl/sharedStrings.xml"}
    return zipped(parts(data) | {names.get(name, name): content for name, content in changed.items()})


def with_shared_strings(data: bytes, strings: bytes) -> bytes:
    """Return the workbook as Excel writes it: texts are in a part of their own. Its only sheet refers to them."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    override = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'.encode()
    types = parts(data)["[Content_Types].xml"].replace(b"</Types>", override)
    cells = "".join(f'<row r="{n + 1}"><c r="A{n + 1}" t="s"><v>{n}</v></c></row>' for n in range(2))
    return with_parts(data, types=types, strings=strings, sheet=sheet(f"<sheetData>{cells}</sheetData>"))


def shared(*texts: str) -> bytes:
    inner = "".join(f"<si><t>{text}</t></si>" for text in texts)
    return f'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{inner}</sst>'.encode()


SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{}</worksheet>'


def sheet(inner: str) -> bytes:
    return SHEET.format(inner).encode()


def lying(data: bytes, *, size: int) -> bytes:
    """Return the archive with a directory that says every part unpacks to `size` bytes."""
    changed = bytearray(data)
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        start = 0
        while (start := changed.find(signature, start)) >= 0:
            changed[start + offset : start + offset + 4] = size.to_bytes(4, "little")
            start += 4
    return bytes(changed)
