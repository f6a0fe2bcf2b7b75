"""Many changes in one request: every operation is carried out by its own handler, all in one transaction, or none.

Who leaves here was not looked at one by one, so the request is a door (`model.Door.BULK`): what takes access beyond
the guard's limits is held. Absences and erasure are asked for by name, and so are no operations of a bulk request.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any
from urllib.parse import unquote

from multidict import CIMultiDict
from pydantic import JsonValue

from kleanxmpp import errors, ids, lending
from kleanxmpp.doors import Passage
from kleanxmpp.model import Door
from kleanxmpp.ports import Directory

from .. import auth, problems
from .. import problem_kinds as kinds
from ..answers import Answer
from ..openapi.arguments import body_of, path_arguments
from ..openapi.operation import Handler, Operation
from ..problems import Problem
from ..schemas.bulk import BulkBody, BulkOperation, BulkView
from ..schemas.problem import OperationResult
from ..schemas.types import Id
from ..services import Call

_REFERENCE = "bulkId:"
_BASE = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    operation: Operation
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One operation that is well formed and permitted."""

    index: int
    said: BulkOperation
    operation: Operation
    texts: Mapping[str, str]

    def call(self, call: Call) -> Call:
        """Return the request as this operation alone sees it."""
        headers = CIMultiDict({} if self.said.if_match is None else {"If-Match": self.said.if_match})
        return replace(call, headers=headers)

    def arguments(self, known: Mapping[str, str]) -> Mapping[str, Any]:
        """Return what its handler takes. `known`: the ids of what earlier operations made, by their names."""
        return _arguments(self.operation, self.texts, self.said, known)


def carrying_out(operations: Sequence[Operation]) -> Handler:
    """Return the handler that carries out those of the operations that may be part of a bulk request."""
    routes = [_route(one, one.in_bulk) for one in operations if one.in_bulk is not None]

    async def change_many(call: Call, *, body: BulkBody) -> Answer:
        """Change many at once.

        Up to a thousand operations in their order, each as it would be sent alone, all of them or none: if one is
        refused, nothing of the request is applied, and `results` says what is wrong with which. The token needs the
        scope of each. Adding, changing, deactivating (for good) and reactivating people, and all changes of groups
        and circles; absences and erasure only by name. What an operation with a `bulk_id` makes is `bulkId:NAME` to
        later ones. Losses of access beyond the limit are `held`: see GET /api/v1/held.
        """
        steps = _understood(call, body.operations, routes)
        async with lending.together(call.directory, call.company.id) as lent:
            results = await _carried_out(call, lent, steps)
            async with lent.write() as tx:
                await tx.note_contact(call.company.id, Door.BULK, at=call.now)
        view = BulkView(results=results)
        return Answer(body=view, kept=view.without_bodies())

    return change_many


def _route(operation: Operation, handler: Handler) -> _Route:
    parts = operation.path.removeprefix(_BASE).split("/")[1:]
    return _Route(operation=replace(operation, handler=handler), parts=tuple(parts))


async def _carried_out(call: Call, lent: Directory, steps: Sequence[_Step]) -> list[OperationResult]:
    """Return what became of each. Raises Problem when one is refused, for the transaction must end then."""
    passage = Passage(door=Door.BULK, limits=call.services.settings.limits)
    inside = call.on(lent, headers={}, passage=passage)
    known: dict[str, str] = {}
    results: list[OperationResult] = []
    for run in _runs(steps):
        for step, answer in zip(run, await _answers(inside, run, known, count=len(steps)), strict=True):
            made = getattr(answer.body, "id", None)
            if step.said.bulk_id is not None and made is not None:
                known[step.said.bulk_id] = made
            results.append(_result(step, answer))
    return results


def _runs(steps: Sequence[_Step]) -> Iterator[Sequence[_Step]]:
    """Yield the steps in their order, those together that can be carried out together."""
    for handler, alike in groupby(steps, key=lambda step: step.operation.in_bulk_together):
        if handler is None:
            yield from ([step] for step in alike)
        else:
            yield from _each_once(alike)


def _each_once(steps: Iterable[_Step]) -> Iterator[Sequence[_Step]]:
    """Yield runs in which nobody comes twice: what is said later of somebody comes after what was said before."""
    run: list[_Step] = []
    seen: set[object] = set()
    for step in steps:
        key = step.texts.get("external_id") or (step.said.body or {}).get("external_id")
        if key is not None and key in seen:
            yield run
            run, seen = [], set()
        run.append(step)
        seen.add(key)
    yield run


async def _answers(call: Call, run: Sequence[_Step], known: Mapping[str, str], *, count: int) -> Sequence[Answer]:
    first = run[0]
    together = first.operation.in_bulk_together
    try:
        if together is None:
            return [await first.operation.handler(first.call(call), **first.arguments(known))]
        return await together(call, [(step.call(call), step.arguments(known)) for step in run])
    except errors.InBatch as error:
        raise _refused(count, {run[error.index].index: _problem(error.__cause__)}) from error
    except (Problem, errors.NotFound, errors.Stale, errors.Conflict, errors.Invalid) as error:
        raise _refused(count, {first.index: _problem(error)}) from error


def _problem(error: BaseException | None) -> Problem:
    if isinstance(error, errors.KleanError):
        return problems.from_core(error)
    assert isinstance(error, Problem)
    return error


def _understood(call: Call, said: Sequence[BulkOperation], routes: Sequence[_Route]) -> list[_Step]:
    """Return the steps, or raise Problem with everything that is wrong with their form and the token's scopes."""
    steps: list[_Step] = []
    wrong: dict[int, Problem] = {}
    stand_ins: dict[str, str] = {}  # for what does not exist yet, while the form is checked
    for index, one in enumerate(said):
        try:
            steps.append(_step(call, index, one, routes, stand_ins))
        except Problem as problem:
            wrong[index] = problem
        if one.bulk_id is not None:
            stand_ins[one.bulk_id] = ids.new_id()
    if wrong:
        raise _refused(len(said), wrong)
    return steps


def _step(call: Call, index: int, said: BulkOperation, routes: Sequence[_Route], known: Mapping[str, str]) -> _Step:
    operation, texts = _routed(said, routes)
    auth.require(call.token, operation.scope or "")
    if said.if_match is not None and not operation.versioned:
        raise problems.invalid("if_match", "This operation compares no version.")
    _arguments(operation, texts, said, known)
    return _Step(index=index, said=said, operation=operation, texts=texts)


def _routed(said: BulkOperation, routes: Sequence[_Route]) -> tuple[Operation, Mapping[str, str]]:
    given = said.path.split("/")[1:]
    for route in routes:
        if route.operation.method != said.method or len(route.parts) != len(given):
            continue
        pairs = list(zip(route.parts, given, strict=True))
        if all(part == text for part, text in pairs if not part.startswith("{")):
            return route.operation, {part[1:-1]: _decoded(text) for part, text in pairs if part.startswith("{")}
    raise problems.invalid("path", "No operation of a bulk request has this method and path.")


def _decoded(text: str) -> str:
    try:
        plain = unquote(text, errors="strict")
    except UnicodeDecodeError:
        plain = ""
    if not plain or re.search(r"[?#\s]", text):
        raise problems.invalid("path", "A path is percent-encoded UTF-8, without a query.")
    return plain


def _arguments(
    operation: Operation, texts: Mapping[str, str], said: BulkOperation, known: Mapping[str, str]
) -> dict[str, Any]:
    ids_of = {name: _meant(text, known, where="path") for name, text in texts.items() if operation.hints[name] is Id}
    arguments = path_arguments(operation, {**texts, **ids_of})
    if operation.body is None:
        if said.body is not None:
            raise problems.invalid("body", "This operation takes no body.")
        return arguments
    if said.body is None and not operation.body_optional:
        raise problems.invalid("body", "This operation needs a body.")
    arguments["body"] = body_of(operation.body, json.dumps(_with_ids(said.body or {}, known)))
    return arguments


def _with_ids(body: Mapping[str, JsonValue], known: Mapping[str, str]) -> dict[str, JsonValue]:
    """Return the body of a circle's change with ids in the place of names; other bodies hold no ids."""
    after = dict(body)
    for field in ("members", "add"):
        if isinstance(items := body.get(field), list):
            after[field] = [_item_with_id(item, known) for item in items]
    if isinstance(gone := body.get("remove"), list):
        after["remove"] = [_meant(one, known, where="remove") if isinstance(one, str) else one for one in gone]
    return after


def _item_with_id(item: JsonValue, known: Mapping[str, str]) -> JsonValue:
    if not isinstance(item, dict) or not isinstance(user_id := item.get("user_id"), str):
        return item
    return {**item, "user_id": _meant(user_id, known, where="user_id")}


def _meant(text: str, known: Mapping[str, str], *, where: str) -> str:
    """Return the id that a name stands for, or what is no name as it is."""
    if not text.startswith(_REFERENCE):
        return text
    found = known.get(text.removeprefix(_REFERENCE))
    if found is None:
        raise problems.invalid(where, "No earlier operation that makes something has this bulk_id.")
    return found


def _result(step: _Step, answer: Answer) -> OperationResult:
    return OperationResult(
        index=step.index,
        bulk_id=step.said.bulk_id,
        status=answer.status,
        location=answer.headers.get("Location"),
        etag=answer.headers.get("ETag"),
        held=answer.held,
        body=None if answer.body is None else answer.body.model_dump(mode="json"),
    )


def _refused(count: int, wrong: Mapping[int, Problem]) -> Problem:
    """Return the refusal of the whole request."""
    other = Problem(kind=kinds.NOT_APPLIED)
    return Problem(kind=kinds.BULK_REFUSED, results=tuple(_problems(count, wrong, other)))


def _problems(count: int, wrong: Mapping[int, Problem], other: Problem) -> Iterator[OperationResult]:
    for index in range(count):
        problem = problems.view(wrong.get(index, other))
        yield OperationResult(index=index, status=problem.status, problem=problem)
