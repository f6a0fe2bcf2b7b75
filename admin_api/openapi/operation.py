"""One line of the URL table as a value: what it takes, what it answers, what can go wrong.

What a handler's signature says already (path parameters, `query`, `body`) is read from it, and its docstring
becomes summary and description, so code and documentation are one.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_type_hints

from pydantic import BaseModel

from .. import problem_kinds as kinds
from ..answers import JSON, Answer
from ..problem_kinds import Kind
from ..schemas.types import Query, RequestBody

ANY_TOKEN = ""
"""The scope of what every token may ask for; the handler looks at what it asks."""

_SECRET = "It makes a secret, which cannot be shown without being valid."
_NOBODY = "No token says whose directory it would be tried on."
_PLACEHOLDER = re.compile(r"{(\w+)}")
_ALWAYS = (kinds.INTERNAL, kinds.UNAVAILABLE)
_WITH_TOKEN = (
    kinds.UNAUTHORIZED,
    kinds.MISSING_SCOPE,
    kinds.OTHER_COMPANY,
    kinds.UNKNOWN_COMPANY,
    kinds.COMPANY_NEEDED,
    kinds.TOO_FAST,
)
_WITH_BODY = (kinds.MALFORMED, kinds.TIMEOUT, kinds.TOO_LARGE, kinds.MEDIA_TYPE, kinds.INVALID)
_WITH_UPLOAD = (kinds.MALFORMED_FORM, kinds.TIMEOUT, kinds.TOO_LARGE, kinds.NOT_A_SPREADSHEET, kinds.INVALID)
_WITH_PICTURE = (kinds.TIMEOUT, kinds.TOO_LARGE, kinds.NOT_A_PICTURE, kinds.INVALID)
_WITH_KEY = (kinds.IN_PROGRESS, kinds.KEY_REUSED, kinds.INVALID)


Handler = Callable[..., Awaitable[Answer]]
Together = Callable[..., Awaitable[Sequence[Answer]]]
"""Takes the request, and of each operation the request as it sees it with its arguments. Raises InBatch."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one address. `scope` None: open to everybody, and the handler gets `Services`, not a `Call`.

    `signed`: open to whoever signs with a secret for this purpose, and the handler gets a `SignedCall`. `answers` maps
    each good status to its body, or to one of its lines if `media_type` says so. `waits` and `versioned` say which
    headers are honoured. `no_dry_run`: why what it changes cannot be tried. `in_bulk`: what carries it out as one
    operation of a bulk request, `in_bulk_together` several that follow each other; None: it is none.
    """

    method: str
    path: str
    handler: Handler
    tag: str
    scope: str | None
    answers: Mapping[int, type[BaseModel] | None]
    problems: tuple[Kind, ...] = ()
    waits: bool = False
    versioned: bool = False
    secret: bool = False
    media_type: str = JSON
    signed: str | None = None
    no_dry_run: str | None = None
    in_bulk: Handler | None = None
    in_bulk_together: Together | None = None

    @property
    def name(self) -> str:
        """The operation's id in the document."""
        return self.handler.__name__

    @property
    def summary(self) -> str:
        """What it does, in one sentence."""
        return self._doc.partition("\n")[0].rstrip(".")

    @property
    def description(self) -> str:
        """What it does, at length."""
        first, _, rest = self._doc.partition("\n")
        words = rest.strip() or first
        return words if self.why_no_dry_run is None else f"{words}\n\nWithout a dry run: {self.why_no_dry_run}"

    @property
    def path_names(self) -> list[str]:
        """The names of the path's parameters, in order."""
        return _PLACEHOLDER.findall(self.path)

    @cached_property
    def hints(self) -> dict[str, Any]:
        """The handler's parameters with their types."""
        return get_type_hints(self.handler, include_extras=True)

    @property
    def query(self) -> type[Query] | None:
        """What is taken after the question mark."""
        return self.hints.get("query")

    @property
    def body(self) -> type[RequestBody] | None:
        """The JSON object that is taken."""
        return self.hints.get("body")

    @property
    def takes_upload(self) -> bool:
        """Whether a file is taken as body."""
        return "upload" in self.hints

    @property
    def takes_picture(self) -> bool:
        """Whether a picture is taken as body."""
        return "picture" in self.hints

    @property
    def body_optional(self) -> bool:
        """Whether an empty body means an empty object. Never for PATCH, which would change nothing and say so late."""
        body = self.body
        return (
            body is not None and self.method != "PATCH" and not any(f.is_required() for f in body.model_fields.values())
        )

    @property
    def repeatable(self) -> bool:
        """Whether an Idempotency-Key is honoured. Not with a file: its answer is full of people, and repeatable."""
        return self.method == "POST" and self.signed is None and not self.takes_upload

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.method == "GET"

    @property
    def tries_itself(self) -> bool:
        """Whether `dry_run` is a parameter of its own."""
        return self.query is not None and "dry_run" in self.query.model_fields

    @property
    def why_no_dry_run(self) -> str | None:
        """Why what it changes cannot be tried; None: it can, or it changes nothing."""
        if self.reads or self.tries_itself:
            return None
        unsafe = (_SECRET, self.secret), (_NOBODY, self.scope is None)
        return self.no_dry_run or next((words for words, holds in unsafe if holds), None)

    @property
    def can_be_tried(self) -> bool:
        """Whether `?dry_run=true` carries it out in a transaction that is never committed."""
        return not self.reads and not self.tries_itself and self.why_no_dry_run is None

    def all_problems(self) -> list[Kind]:
        """Return every kind of problem it may answer, by status."""
        found = {*self.problems, *_ALWAYS}
        if self.scope is not None:
            found |= {*_WITH_TOKEN}
        if self.signed is not None:
            found |= {kinds.UNSIGNED, kinds.TOO_FAST}
        if not self.reads:
            found |= {kinds.INVALID} if self.why_no_dry_run is None else {kinds.INVALID, kinds.NO_DRY_RUN}
        if self.path_names:
            found.add(kinds.NOT_FOUND)
        if self.query is not None:
            found.add(kinds.INVALID)
        if self.body is not None:
            found |= {*_WITH_BODY}
        if self.takes_upload:
            found |= {*_WITH_UPLOAD}
        if self.takes_picture:
            found |= {*_WITH_PICTURE}
        if self.repeatable:
            found |= {*_WITH_KEY}
        if self.secret:
            found.add(kinds.SECRET_SHOWN)
        if self.versioned and not self.reads:
            found |= {kinds.STALE, kinds.INVALID}
        return sorted(found, key=lambda kind: (kind.status, kind.name))

    @property
    def _doc(self) -> str:
        return inspect.getdoc(self.handler) or ""
