"""How a problem looks (RFC 9457), with members of our own: `errors`, `id` and, for bulk requests, `results`."""

from pydantic import ConfigDict, JsonValue

from .types import View


class FieldError(View):
    """What is wrong with one field."""

    field: str
    """The field, with dots into objects and lists: `members.3.role`. Also a query parameter or a header."""
    message: str


class ProblemView(View):
    """Why a request was refused. What is not known is left out."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    type: str
    """A stable address that names the kind of problem; a page there explains it."""
    title: str
    status: int
    detail: str | None = None
    errors: list[FieldError] | None = None
    """The fields that are not acceptable."""
    id: str | None = None
    """What the problem is about, where that has an id of its own."""


class OperationResult(View):
    """What became of one operation of a bulk request. What does not apply is null or left out."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    index: int
    """Which one, from 0."""
    bulk_id: str | None = None
    status: int
    """As if the operation had been sent alone; 424: only others were refused."""
    location: str | None = None
    etag: str | None = None
    """The new version, for `if_match`."""
    held: bool = False
    """True: access that was to be taken away waits for a confirmation, see `held`."""
    body: dict[str, JsonValue] | None = None
    """As if the operation had been sent alone. Left out when a request is repeated with its Idempotency-Key."""
    problem: ProblemView | None = None
    """Why it was refused."""


class BulkProblemView(ProblemView):
    """Why a bulk request was refused: at least one of its operations was."""

    results: list[OperationResult] | None = None
    """What became of each operation, in their order."""
