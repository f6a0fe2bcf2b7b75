"""SCIM's operations on the directory, where the library's own would read too much, or apply half of something.

A group is changed by what differs, without its circle. A bulk request is one transaction: all of it or nothing.
"""

from typing import Any, cast

from scim2_models import (
    BulkOperation,
    Error,
    PatchOp,
    Path,
    Resource,
    ResourceType,
    ResponseParameters,
)
from scim2_server.bulk import BulkPlan
from scim2_server.conditions import Conditions
from scim2_server.handler import AsyncScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.routing import Operation
from scim2_server.service import ScimService

from kleanxmpp.errors import KleanError

from . import circles, errors
from .models import Group, checked_boolean
from .storage import DirectoryStorage

NOT_APPLIED = 424
_USERS = "/Users"
_LEAN = ResponseParameters[Group](excluded_attributes=[Path[Group]("members")])


class DirectoryService(ScimService):
    """The protocol, with the core's errors and the answers that identity providers expect."""

    @staticmethod
    def error_of(exception: Exception) -> Error:
        """Return SCIM's error for any exception."""
        return errors.error_of(exception)

    def bulk_success(
        self,
        base_url: str,
        operation: BulkOperation[Resource[Any]],
        outcome: dict[str, Any],
        resource: Resource[Any] | None,
    ) -> dict[str, Any]:
        """Return the outcome of an operation, without making the whole answer of a single request for it."""
        found = super().bulk_success(base_url, operation, outcome, None)
        if resource is None or resource.meta is None or resource.id is None:
            return found
        location = self.resource_location(base_url, self.get_resource_type_of(resource), resource.id)
        return found | {"location": location, "version": resource.meta.version}

    def patch_response(
        self, base_url: str, resource: Resource[Any], response_parameters: ResponseParameters[Any]
    ) -> ScimResponse:
        """Answer 204 for a group, whose members may be thousands, and the whole resource for a person."""
        if isinstance(resource, Group):
            return super().patch_response(base_url, resource, response_parameters)
        return self.replacement_response(base_url, resource, response_parameters)


class _Undone(Exception):
    """One operation of a bulk request failed, so none of it is kept."""


class DirectoryHandler(AsyncScimHandler):
    """Serves one request."""

    storage: DirectoryStorage

    @property
    def _lenient(self) -> bool:
        return self.storage.source.lenient

    async def replace(self, request: ScimRequest) -> ScimResponse:
        """Replace a resource."""
        with self.service.provider:
            target = self.service.route(request, Operation.replace)
            kind = self.service.resource_type_at(cast(str, target.endpoint))
            parameters = self.service.read_response_parameters(kind, request.query)
            sent = self.service.read_replacement(kind, request.body, request.header("Content-Type"))
            conditions = self.service.read_conditions(request)
            async with self.storage.operation():
                resource = await self._replaced(
                    kind, cast(str, target.resource_id), sent, conditions, members=circles.wants_members(parameters)
                )
            return self.service.replacement_response(request.base_url, resource, parameters)

    async def patch(self, request: ScimRequest) -> ScimResponse:
        """Modify a resource."""
        with self.service.provider:
            target = self.service.route(request, Operation.patch)
            kind = self.service.resource_type_at(cast(str, target.endpoint))
            parameters = self.service.read_response_parameters(kind, request.query)
            sent = self.service.read_patch(kind, request.body, request.header("Content-Type"))
            conditions = self.service.read_conditions(request)
            answered = self._lenient or bool(parameters.attributes or parameters.excluded_attributes)
            async with self.storage.operation():
                resource = await self._patched(
                    kind,
                    cast(str, target.resource_id),
                    sent,
                    conditions,
                    members=answered and circles.wants_members(parameters),
                )
            if answered:
                return self.service.replacement_response(request.base_url, resource, parameters)
            return self.service.patch_response(request.base_url, resource, parameters)

    async def delete_resource(self, resource_type: ResourceType, resource_id: str, conditions: Conditions) -> None:
        """Delete a resource; what is gone already is no error."""
        if conditions != Conditions():
            current = await self.storage.get(resource_type, resource_id, response_parameters=_lean(resource_type))
            self.service.check_deletion(current, conditions)
        await self.storage.delete(resource_type, resource_id)

    async def apply_bulk_operation(
        self, resource_type: ResourceType, operation: BulkOperation[Resource[Any]]
    ) -> Resource[Any] | None:
        """Apply one operation of a bulk request."""
        sent: Any = operation.data
        resource_id, conditions = cast(str, operation.resource_id), Conditions(if_match=operation.version)
        match operation.method:
            case BulkOperation.Method.post:
                return await self.storage.create(resource_type, sent)
            case BulkOperation.Method.put:
                return await self._replaced(resource_type, resource_id, sent, conditions, members=False)
            case BulkOperation.Method.patch:
                return await self._patched(resource_type, resource_id, sent, conditions, members=False)
            case _:
                await self.delete_resource(resource_type, resource_id, conditions)
                return None

    async def bulk(self, request: ScimRequest) -> ScimResponse:
        """Run a bulk request. At the first failure everything is undone, and every operation is told so."""
        with self.service.provider:
            self.service.route(request, Operation.bulk)
            plan = self.service.read_bulk(request.body, request.header("Content-Type"))
            if not await self._added_together(request, plan):
                await self._run_steps(request, plan)
            return self.service.bulk_response(plan)

    async def _run_steps(self, request: ScimRequest, plan: BulkPlan) -> None:
        try:
            async with self.storage.operation():
                for step in plan:
                    result, resource = await self.run_bulk_step(request, plan, step)
                    plan.record(step, result, resource)
                    if plan.errors:
                        raise _Undone
        except _Undone:
            self._tell_undone(request, plan)

    async def _added_together(self, request: ScimRequest, plan: BulkPlan) -> bool:
        """Run a request of nothing but new people in few queries; False, with nothing done, if anything is special."""
        operations = _new_people(plan)
        if not operations or any(self.service.bulk_validation_failure(one, {}) for one in operations):
            return False
        try:
            async with self.storage.operation():
                created = await self.storage.create_people([one.data for one in operations])
        except KleanError:  # nothing was kept; whom it is about is found one by one
            return False
        for step, operation, resource in zip(plan.steps, operations, created, strict=True):
            outcome = self.service.bulk_outcome(request.base_url, operation)
            plan.record(step, self.service.bulk_success(request.base_url, operation, outcome, resource), resource)
        return True

    def _tell_undone(self, request: ScimRequest, plan: BulkPlan) -> None:
        detail = "Not applied: another operation of this request failed, and a request is applied whole or not at all."
        for index, operation in enumerate(plan.operations):
            if index not in plan.results or plan.results[index]["status"] < 400:
                outcome = self.service.bulk_outcome(request.base_url, operation)
                error = Error(status=NOT_APPLIED, detail=detail)
                plan.results[index] = outcome | {"status": NOT_APPLIED, "response": error}

    async def _replaced(
        self, kind: ResourceType, resource_id: str, sent: Resource[Any], conditions: Conditions, *, members: bool
    ) -> Resource[Any]:
        current = await self.storage.get(kind, resource_id, response_parameters=_lean(kind))
        if isinstance(sent, Group):
            self.service.check_preconditions(current, "PUT", conditions)
            return await self.storage.change_group(resource_id, circles.whole_change(sent), members=members)
        self.service.apply_replacement(current, sent, conditions)
        return await self.storage.change_user(sent, whole=True, says_active=True)

    async def _patched(
        self, kind: ResourceType, resource_id: str, sent: "PatchOp[Any]", conditions: Conditions, *, members: bool
    ) -> Resource[Any]:
        current = await self.storage.get(kind, resource_id, response_parameters=_lean(kind))
        if isinstance(current, Group):
            self.service.check_preconditions(current, "PATCH", conditions)
            change = circles.patch_change(sent, group_id=resource_id, may_empty=self._lenient)
            return await self.storage.change_group(resource_id, change, members=members)
        says_active = _says_active(sent)
        changed = self.service.apply_patch(current, sent, conditions) is not None
        return await self.storage.change_user(current, says_active=says_active) if changed or says_active else current


def _new_people(plan: BulkPlan) -> list[BulkOperation[Resource[Any]]]:
    """Return the operations in the plan's order if each adds a person and refers to nobody of the request."""
    operations = [plan.operation(step) for step in plan.steps]
    named = [one.bulk_id for one in operations if one.bulk_id is not None]
    new = all(one.method is BulkOperation.Method.post and one.path == _USERS for one in operations)
    alone = len(set(named)) == len(named) and not any(map(plan.references, operations))
    return operations if new and alone else []


def _lean(kind: ResourceType) -> ResponseParameters[Any] | None:
    return _LEAN if kind.name == "Group" else None


def _says_active(patch: "PatchOp[Any]") -> bool:
    """Whether a PATCH says that somebody is active or not, be it what is known already. Raises for neither."""
    said: list[object] = []
    for operation in patch.operations or []:
        if operation.path is not None:
            said += [operation.value] if _is_active(str(operation.path)) else []
        elif isinstance(operation.value, dict):
            said += [value for name, value in operation.value.items() if _is_active(name)]
    return any([checked_boolean(value) is not None for value in said])


def _is_active(path: str) -> bool:
    return path.rsplit(":", 1)[-1].lower() == "active"
