"""Templates to pages. Everything is escaped, unknown names are errors, and the policy lets nothing else run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from kleanxmpp.documents import words as documents

from . import core_words, formats, words
from .assets import Asset

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The content security policy of every page: no inline script or style, no other host, no frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Renders templates in both languages."""

    assets: Mapping[str, Asset]
    _environments: Mapping[str, Environment] = field(init=False)

    def __post_init__(self) -> None:
        addresses = frozenset((name, asset.address) for name, asset in self.assets.items())
        made = {language: _environment(language, addresses) for language in words.LANGUAGES}
        object.__setattr__(self, "_environments", made)

    def text(self, template: str, *, language: str, **values: object) -> str:
        """Return a template, filled in."""
        return self._environments[language].get_template(template).render(language=language, **values)

    def page(self, template: str, *, language: str, status: int = 200, **values: object) -> web.Response:
        """Return a template, filled in, as an answer."""
        return web.Response(
            text=self.text(template, language=language, **values),
            status=status,
            content_type="text/html",
            charset="utf-8",
            headers={"Content-Security-Policy": POLICY, "Content-Language": language, "Cache-Control": "no-store"},
        )


@cache
def _environment(language: str, addresses: frozenset[tuple[str, str]]) -> Environment:
    """Return what holds the compiled templates: one per process, because compiling takes a tenth of a second a page."""
    assets = dict(addresses)
    made = Environment(
        loader=PackageLoader(__package__ or "", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_translations(words.translations(language), newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    made.globals["csrf"] = _csrf
    made.globals["asset"] = lambda name: assets.get(name, "")
    made.filters["date"] = partial(formats.date, language=language)
    made.filters["moment"] = partial(formats.moment, language=language)
    made.filters["number"] = partial(formats.number, language=language)
    made.filters["duration"] = partial(formats.duration, language=language)
    made.filters["initials"] = formats.initials
    made.filters["reason"] = documents.WORDS[language].reason
    made.filters["told"] = partial(core_words.told, language=language)
    return made


@pass_context
def _csrf(context: Context) -> Markup:
    """Return the hidden field that shows that a form is ours; nothing where nobody is signed in."""
    signed_in = context["visit"].signed_in
    return (
        Markup("")
        if signed_in is None
        else Markup('<input type="hidden" name="csrf" value="{}">').format(signed_in.session.csrf)
    )
