"""A mapping to start from: for no file in particular, or for the columns that a file has."""

import json

from kleanxmpp.sheets import guesses, mapped
from kleanxmpp.sheets.table import Table

EXAMPLE = """# What the columns of an export mean:  kleanxmpp import export.csv --mapping mapping.toml --dry-run
[file]
# Left out, the next four are recognised.
# encoding = "windows-1252"      # or "utf-8", "utf-16"
# delimiter = ";"                # or ",", "|", "tab"
# sheet = "Mitarbeiter"          # XLSX: needed if several sheets have something in them
# header = 4                     # line of the header, if there are titles above it
dates = ["DD.MM.YYYY"]           # also DD.MM.YY, YYYY-MM-DD, YYYYMMDD, DD/MM/YYYY, MM/DD/YYYY
separator = ","                  # between several values in one cell
empty = ["-", "k. A."]           # cells that say nothing
ignore = ["Geburtsdatum"]        # columns that are not read; ["*"] for all that are not named below

[columns]
"Personalnummer" = "external_id"
"Nachname" = "last_name"
"Vorname" = "first_name"
"E-Mail dienstlich" = "email"
"Eintritt" = "joined_on"
"Austritt" = "leaves_on"         # the last day; the person is off-boarded after it
"Kostenstelle" = "attributes.cost_center"
"Objekt" = ["attributes.site", "groups"]
"Tätigkeit" = "attributes.role"
"Chat" = { field = "chat_permission", yes = ["x"], no = [""] }

[constants]
locale = "de"

[groups]
announcements = []               # groups in which only moderators write, if they are new
"""


def mapping_for(table: Table) -> str:
    """Return a mapping for the columns of this table. What is only guessed must be looked at; the rest is ignored."""
    columns, ignored, used = [], [], set()
    for header in filter(None, mapped.headers(table)):
        field = guesses.field_like(header)
        if field is None or field in used:
            ignored.append(header)
        else:
            used.add(field)
            columns.append(f'{_quoted(header)} = "{field}"')
    lines = [
        "# Guessed from the names of the columns: look at each line before you use it.",
        "[file]",
        f"header = {table.header.number}",
        f"ignore = [{', '.join(map(_quoted, ignored))}]",
        "",
        "[columns]",
        *columns,
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
