"""Just enough HTML: text is escaped always, and what is HTML already is marked by its type."""

import html
import re
from collections.abc import Iterable

_CODE = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\[([^\]]+)\]\((/[^)\s]*)\)")
_EMPTY = frozenset({"meta", "link", "br"})


class Markup(str):
    """HTML that is safe to put on a page."""

    __slots__ = ()


Child = str | Markup | Iterable["Child"] | None


def tag(name: str, /, *children: Child, **attributes: str | bool) -> Markup:
    """Return an element. `class_` and the like are attributes whose names are taken in Python."""
    given = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{html.escape(value)}"')
        for key, value in attributes.items()
        if value is not False
    )
    inside = "".join(_text(child) for child in children)
    return Markup(f"<{name}{given}>" if name in _EMPTY else f"<{name}{given}>{inside}</{name}>")


def prose(text: str) -> Markup:
    """Return paragraphs and lists of text that knows `code`, [links](/here), blank lines and lines with a dash."""
    return Markup("".join(_paragraph(part) for part in re.split(r"\n\s*\n", text.strip()) if part))


def inline(text: str) -> Markup:
    """Return text with `code` and [links](/here); other hosts are never linked."""
    escaped = html.escape(text)
    coded = _CODE.sub(r"<code>\1</code>", escaped)
    return Markup(_LINK.sub(r'<a href="\2">\1</a>', coded))


def page(title: str, *children: Child, style: str) -> str:
    """Return a whole page."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("link", rel="stylesheet", href=style),
    )
    return "<!doctype html>\n" + tag("html", head, tag("body", *children), lang="en")


def _paragraph(text: str) -> str:
    lines = text.splitlines()
    if all(line.startswith("- ") for line in lines):
        return tag("ul", [tag("li", inline(line[2:])) for line in lines])
    return tag("p", inline(" ".join(line.strip() for line in lines)))


def _text(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return html.escape(child)
    return "".join(_text(one) for one in child)
