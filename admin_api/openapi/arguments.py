"""From texts to a handler's arguments: what stands in a path, and what a body says."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from .. import problem_kinds as kinds
from .. import problems
from ..problems import Problem
from ..schemas.types import ID_PATTERN, Id
from .operation import Operation

_ID = re.compile(ID_PATTERN)


def path_arguments(operation: Operation, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return what the path says, by name. Raises Problem: not found for what is no id, invalid for the rest."""
    arguments: dict[str, Any] = {}
    for name in operation.path_names:
        kind = operation.hints[name]
        if kind is Id and not _ID.fullmatch(texts[name]):
            raise Problem(kind=kinds.NOT_FOUND)
        try:
            arguments[name] = _adapter(kind).validate_python(texts[name])
        except ValidationError as error:
            raise _renamed(problems.from_validation(error), name) from None
    return arguments


def body_of(model: type[BaseModel], raw: bytes | str) -> BaseModel:
    """Return the body that this JSON is. Raises Problem."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise problems.from_validation(error) from None


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - any type that a parameter has
    return TypeAdapter(kind)


def _renamed(problem: Problem, name: str) -> Problem:
    problem.errors = tuple(line.model_copy(update={"field": name}) for line in problem.errors)
    return problem
