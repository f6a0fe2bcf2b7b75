"""The directory as the storage of one SCIM request: one transaction, from the first read to the last write.

`operation` opens it; what runs inside belongs to it, a whole bulk request included.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

from scim2_models import (
    PreconditionFailedException,
    Resource,
    ResourceType,
    ResponseParameters,
    SearchRequest,
)
from scim2_server.storage import AsyncScimStorage, SearchPage

from kleanxmpp import scim_circles, scim_people
from kleanxmpp.ports import Directory, Transaction
from kleanxmpp.scim_circles import CircleChange
from kleanxmpp.scim_people import Source, Waits
from kleanxmpp.scim_ports import ScimCircle, Slice

from . import circles, filters, people
from .models import MOST_RESULTS, Group, Person


class DirectoryStorage(AsyncScimStorage):
    """The people and groups of one company, for one request. `reads`: nothing will be written."""

    def __init__(self, directory: Directory, source: Source, *, reads: bool) -> None:
        self._directory, self.source, self._reads = directory, source, reads
        self._open: Transaction | None = None

    @asynccontextmanager
    async def _operation(self) -> AsyncIterator[None]:
        if self._open is not None:
            yield
            return
        waits: Waits | None = None
        opened = self._directory.read() if self._reads else self._directory.write(self.source.company.id)
        async with opened as self._open:
            try:
                yield
            except Waits as error:
                waits = error
            finally:
                self._open = None
        if waits is not None:  # what was held is kept
            raise waits

    def operation(self) -> AbstractAsyncContextManager[None]:
        """Open the request's transaction, or go on in it. It is undone when the block raises, but for `Waits`."""
        return self._operation()

    @property
    def _tx(self) -> Transaction:
        if self._open is None:
            raise RuntimeError("nothing is read or written outside of an operation")
        return self._open

    async def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,
    ) -> Resource[Any]:
        """Return a resource; a group without its members if the answer does not name them."""
        if resource_type.name == "User":
            return self._of(await scim_people.existing(self._tx, self.source, resource_id))
        circle = await scim_circles.existing(self._tx, self.source, resource_id)
        return await self._group(circle, members=circles.wants_members(response_parameters))

    async def search(
        self,
        resource_types: list[ResourceType],
        search_request: SearchRequest[Any],
        *,
        position: Any = None,  # noqa: ANN401 - only with cursors, which are not announced
    ) -> SearchPage:
        """Return a page and how many there are, all of it found and counted by the database."""
        total, resources = 0, list[Resource[Any]]()
        count = MOST_RESULTS if search_request.count is None else search_request.count
        for kind in dict.fromkeys(str(one.name) for one in resource_types):
            offset = max(0, (search_request.start_index_0 or 0) - total)
            found, some = await self._searched(kind, search_request, offset=offset, limit=count - len(resources))
            total += found
            resources += some
        return SearchPage(total, resources)

    async def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        """Add a person or a group."""
        if isinstance(resource, Group):
            change = circles.whole_change(resource)
            return await self._group(await scim_circles.add(self._tx, self.source, change), members=True)
        sent: Any = resource
        identity = people.identity_of(sent)
        known, free = await scim_people.adoptable(self._tx, self.source, identity.external_id)
        if known is None:
            new = replace(people.new_user(sent), external_id=identity.external_id if free else None)
            return self._of(await scim_people.add(self._tx, self.source, new, identity))
        patch = people.patch_to(known, sent, whole=True, says_active=True)
        return self._of(await scim_people.change(self._tx, self.source, known, patch, identity))

    async def create_people(self, sent: Sequence[Any]) -> Sequence[Resource[Any]]:
        """Add people at once; what is returned says who they are, and no more. Raises as `scim_people.add_all` does."""
        wanted = [(people.new_user(one), people.identity_of(one)) for one in sent]
        return [people.located(one) for one in await scim_people.add_all(self._tx, self.source, wanted)]

    async def update(
        self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None
    ) -> Resource[Any]:
        """Change a person to what a PATCH made of them, or a group as a PUT does."""
        if isinstance(resource, Group):
            return await self.change_group(str(resource.id), circles.whole_change(resource), expected=expected_version)
        return await self.change_user(resource, expected=expected_version)

    async def change_user(
        self,
        resource: Any,  # noqa: ANN401 - the library makes the class when it runs
        *,
        expected: str | None = None,
        whole: bool = False,
        says_active: bool | None = None,
    ) -> Resource[Any]:
        """Change a person. `whole`: it is a PUT. `says_active` None: only if it differs."""
        person = await scim_people.existing(self._tx, self.source, str(resource.id))
        _check_version(expected, people.version_of(person))
        if says_active is None:
            says_active = resource.active != person.user.active
        patch = people.patch_to(person, resource, whole=whole, says_active=says_active)
        hidden = person.user.active if not whole and resource.active is None else None
        if whole and "external_id" not in resource.model_fields_set:
            resource.external_id = person.external_id
        identity = people.identity_of(resource, hidden=hidden)
        return self._of(await scim_people.change(self._tx, self.source, person, patch, identity))

    async def change_group(
        self, group_id: str, change: CircleChange, *, expected: str | None = None, members: bool = True
    ) -> Group:
        """Change a group by what differs. `members`: the answer names them."""
        circle = await scim_circles.existing(self._tx, self.source, group_id)
        _check_version(expected, circles.version_of(circle))
        return await self._group(await scim_circles.change(self._tx, self.source, circle, change), members=members)

    async def delete(
        self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None
    ) -> None:
        """Off-board and erase a person, or delete a group."""
        if resource_type.name == "User":
            if expected_version is not None:
                person = await scim_people.existing(self._tx, self.source, resource_id)
                _check_version(expected_version, people.version_of(person))
            await scim_people.remove(self._tx, self.source, resource_id)
        else:
            if expected_version is not None:
                circle = await scim_circles.existing(self._tx, self.source, resource_id)
                _check_version(expected_version, circles.version_of(circle))
            await scim_circles.remove(self._tx, self.source, resource_id)

    async def _searched(
        self, kind: str, search: SearchRequest[Any], *, offset: int, limit: int
    ) -> tuple[int, list[Resource[Any]]]:
        company_id = self.source.company.id
        where = filters.condition_of(search.filter, kind, Person if kind == "User" else Group)
        part = filters.slice_of(search, kind, offset=offset, limit=max(0, limit))
        if kind == "User":
            found = await self._tx.find_scim_people(company_id, where, part) if part.limit else []
            whole = _is_all(part, len(found))
            total = len(found) if whole else await self._tx.count_scim_people(company_id, where)
            return total, [self._of(person) for person in found]
        groups = await self._tx.find_scim_circles(company_id, where, part) if part.limit else []
        whole = _is_all(part, len(groups))
        total = len(groups) if whole else await self._tx.count_scim_circles(company_id, where)
        with_members = circles.wants_members(search)
        members = await self._tx.scim_members([one.group.id for one in groups]) if with_members else {}
        return total, [circles.shown(one, members.get(one.group.id)) for one in groups]

    async def _group(self, circle: ScimCircle, *, members: bool) -> Group:
        found = await self._tx.scim_members([circle.group.id]) if members else {}
        return circles.shown(circle, found.get(circle.group.id))

    @staticmethod
    def _of(person: Any) -> Resource[Any]:  # noqa: ANN401 - as above
        resource: Resource[Any] = people.shown(person)
        return resource


def _is_all(part: Slice, found: int) -> bool:
    """Whether what was found of this part is all there is, so that nothing need be counted."""
    return part.offset == 0 and found < part.limit


def _check_version(expected: str | None, present: str) -> None:
    if expected is not None and expected != present:
        raise PreconditionFailedException
