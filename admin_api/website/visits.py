"""One request of a browser: who is there, in which language, and what they may do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from kleanxmpp import errors, tokens
from kleanxmpp.model import Company, User
from kleanxmpp.ports import Directory
from kleanxmpp.web_sessions import SignedIn
from kleanxmpp.website_ports import StaffRole

from ..addresses import address_of
from ..schemas.types import ID_PATTERN
from ..services import Services
from . import words
from .rendering import Pages

PAGES = web.AppKey("pages", Pages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request, and who sent it. `signed_in` None: nobody is known. `form` is what a form sent, else empty.

    `files` came with the form, on pages that take any.
    """

    request: web.Request
    services: Services
    pages: Pages
    signed_in: SignedIn | None
    language: str
    now: datetime
    form: MultiDictProxy[str] = field(default_factory=lambda: MultiDictProxy(MultiDict()))
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def directory(self) -> Directory:
        """The truth."""
        return self.services.directory

    @property
    def who(self) -> SignedIn:
        """Whoever is signed in; only where a page asked for that."""
        assert self.signed_in is not None
        return self.signed_in

    @property
    def company(self) -> Company:
        """Theirs."""
        return self.who.company

    @property
    def user(self) -> User | None:
        """The person; None: somebody with a link from the shell."""
        return self.who.user

    @property
    def actor(self) -> str:
        """Who acts, as the audit log names it."""
        return self.who.actor

    @property
    def address(self) -> str | None:
        """Where the browser is, as far as that can be believed."""
        return address_of(self.request)

    @property
    def by_script(self) -> bool:
        """Whether a script asks for a part of a page."""
        return self.request.headers.get("HX-Request") == "true"

    def may(self, scope: str) -> bool:
        """Whether whoever is signed in may do this on the dashboard."""
        return self.signed_in is not None and bool({scope, tokens.ADMIN} & self.signed_in.scopes)

    def is_lead(self) -> bool:
        """Whether they may edit the groups that they moderate."""
        return self.signed_in is not None and StaffRole.GROUP_LEAD in self.signed_in.roles

    def id(self, part: str) -> str:
        """Return an id that stands in the address. Raises NotFound for what is none."""
        text = self.request.match_info[part]
        if not re.fullmatch(ID_PATTERN, text):
            raise errors.NotFound
        return text

    def say(self, message: str, /, **values: object) -> str:
        """Translate, and fill in what is named like `%(this)s`."""
        text = words.translations(self.language).gettext(message)
        return text % values if values else text

    def page(self, template: str, *, status: int = 200, **values: object) -> web.Response:
        """Return a page. Templates find this visit as `visit`."""
        return self.pages.page(template, language=self.language, status=status, visit=self, **values)

    def instead(self, template: str, *, status: int, **values: object) -> web.Response:
        """Return a page that takes the place of the whole one, also where a script asked for a part of it."""
        if not self.by_script:
            return self.page(template, status=status, **values)
        response = self.page(
            template, status=200, **values
        )  # scripts put nothing on the page that comes with an error's status
        response.headers.update({"HX-Retarget": "#content", "HX-Reselect": "#content > *", "HX-Reswap": "innerHTML"})
        return response

    def go(self, path: str) -> web.Response:
        """Send the browser to another page, after a form."""
        return web.Response(status=303, headers={"Location": path})


def own_path(path: str) -> str:
    """Return a path of ours, and nothing that leads elsewhere."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"
