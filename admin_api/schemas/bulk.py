"""Many changes in one request, in JSON."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, JsonValue
from pydantic_core import PydanticCustomError

from .problem import OperationResult
from .types import RequestBody, View

MOST_OPERATIONS = 1000
BULK_ID_PATTERN = r"^[A-Za-z0-9_.-]{1,64}$"


class BulkOperation(RequestBody):
    """One change, as it would be sent alone."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"]
    path: Annotated[str, Field(min_length=1, max_length=4000, pattern="^/", examples=["/users/by-external-id/4711"])]
    """Below `/api/v1`, percent-encoded, without a query. A part of it may be `bulkId:NAME`."""
    body: dict[str, JsonValue] | None = None
    """A `user_id` in it, and an entry of `remove`, may be `bulkId:NAME`."""
    if_match: Annotated[str, Field(max_length=100, examples=['"3"'])] | None = None
    """As the header If-Match."""
    bulk_id: Annotated[str, Field(pattern=BULK_ID_PATTERN, examples=["nord"])] | None = None
    """A name for what this operation makes, by which later ones mean it."""


def _names_once(operations: Sequence[BulkOperation]) -> Sequence[BulkOperation]:
    named = [one.bulk_id for one in operations if one.bulk_id is not None]
    if len(named) != len(set(named)):
        raise PydanticCustomError("twice", "A bulk_id is given more than once.")
    return operations


class BulkBody(RequestBody):
    """Changes in the order in which they are made: all of them or none."""

    operations: Annotated[
        list[BulkOperation], Field(min_length=1, max_length=MOST_OPERATIONS), AfterValidator(_names_once)
    ]


class BulkView(View):
    """What became of each operation, in their order. All were applied."""

    results: list[OperationResult]

    def without_bodies(self) -> Self:
        """Return this without data about people."""
        return self.model_copy(update={"results": [one.model_copy(update={"body": None}) for one in self.results]})
