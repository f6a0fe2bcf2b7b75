"""How a problem looks (RFC 9457), with two members of our own: `errors` and `id`."""

from pydantic import ConfigDict

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
