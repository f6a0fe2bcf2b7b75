"""A file of people of any format that we read, to rows. What the file is, its first bytes say, not its name."""

from collections.abc import Sequence

from kleanxmpp.import_rows import Row
from kleanxmpp.sheets import archive, delimited, mapped, text, workbook
from kleanxmpp.sheets.mapping import Layout, Mapping_
from kleanxmpp.sheets.table import Table


def read(data: bytes, mapping: Mapping_ | None = None) -> Sequence[Row]:
    """Return the people of a CSV or XLSX file. Raises FaultyFile with every fault. Takes seconds for a large file."""
    return mapped.rows(table_of(data, mapping.file if mapping else Layout()), mapping)


def table_of(data: bytes, layout: Layout) -> Table:
    """Return what is written in a CSV or XLSX file. Raises FaultyFile."""
    if archive.looks_like_workbook(data):
        return workbook.table(data, sheet=layout.sheet, header=layout.header)
    delimiter = "\t" if layout.delimiter == "tab" else layout.delimiter
    return delimited.table(text.decoded(data, encoding=layout.encoding), delimiter=delimiter, header=layout.header)
