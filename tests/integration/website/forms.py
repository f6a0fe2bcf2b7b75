"""What a form would send if one pressed a button now: read from the page like a browser does."""

from html.parser import HTMLParser

from tests.integration.website.browser import Shown

Values = dict[str, list[str]]


class _Form(HTMLParser):
    """Collects the fields of the form with this field in it; the page's other forms are left alone."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[list[tuple[str, str]]] = []
        self._textarea: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append([])
        if not self.forms or "name" not in found:
            return
        if tag == "input" and (found.get("type") not in {"checkbox", "radio"} or "checked" in found):
            self.forms[-1].append((found["name"], found.get("value", "on")))
        if tag == "textarea":
            self._textarea = found["name"]
            self.forms[-1].append((found["name"], ""))

    def handle_data(self, data: str) -> None:
        if self._textarea is not None:
            name, text = self.forms[-1].pop()
            self.forms[-1].append((name, text + data))

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._textarea = None


def form_with(shown: Shown, field: str) -> Values:
    """Return what the first form that has this field would send, its csrf apart."""
    reader = _Form()
    reader.feed(shown.text)
    form = next(form for form in reader.forms if field in dict(form))
    values: Values = {}
    for name, value in form:
        if name != "csrf":
            values.setdefault(name, []).append(value)
    return values
