"""An identity provider, as tests speak about one."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.admin_api.desk import Answered, Desk

BODIES = Path(__file__).parent / "bodies"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scim:
    """Calls /scim/v2 with a token."""

    desk: Desk
    token: str

    async def call(
        self, method: str, path: str, body: Any = None, *, expect: int | None = None, **options: Any
    ) -> Answered:
        """Send a request; `expect`: the status it must have."""
        if body is not None:
            options["data"] = body if isinstance(body, bytes) else json.dumps(body).encode()
            options["headers"] = {"Content-Type": "application/scim+json"} | options.get("headers", {})
        answer = await self.desk.call(method, "/scim/v2" + path, token=options.pop("token", self.token), **options)
        if expect is not None:
            assert answer.status == expect, (method, path, answer.status, answer.text)
        return answer

    async def person(self, user_name: str, **facts: Any) -> dict[str, Any]:
        """Add a person."""
        body = {"schemas": [USER], "userName": user_name, **facts}
        return dict((await self.call("POST", "/Users", body, expect=201)).body)

    async def group(self, name: str, *members: str, **facts: Any) -> dict[str, Any]:
        """Add a group with these members."""
        body = {"schemas": [GROUP], "displayName": name, **facts}
        if members:
            body["members"] = [{"value": member} for member in members]
        return dict((await self.call("POST", "/Groups", body, expect=201)).body)

    async def read(self, path: str) -> dict[str, Any]:
        """Return what is at this address."""
        return dict((await self.call("GET", path, expect=200)).body)

    async def patch(self, path: str, *operations: dict[str, Any], **options: Any) -> Answered:
        """Send a PATCH of these operations."""
        return await self.call("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, **options)

    async def members(self, group_id: str) -> set[str]:
        """Return the ids of a group's members."""
        return {member["value"] for member in (await self.read(f"/Groups/{group_id}")).get("members", [])}

    async def found(self, path: str, **query: Any) -> dict[str, Any]:
        """Search, and return the list's answer."""
        answer = await self.call("GET", path, params={name: str(value) for name, value in query.items()}, expect=200)
        assert answer.body["schemas"] == [LIST]
        return dict(answer.body)


def recorded(name: str, **placeholders: str) -> bytes:
    """Return a recorded request body; `{{name}}` in it stands for an id of the test."""
    text = (BODIES / f"{name}.json").read_text()
    for placeholder, value in placeholders.items():
        text = text.replace("{{" + placeholder + "}}", value)
    assert "{{" not in text, text
    return text.encode()


def error(answer: Answered) -> str | None:
    """Return the scimType of an error; fails if it is not one in SCIM's form."""
    assert answer.headers["Content-Type"].startswith("application/scim+json"), answer.text
    assert answer.body["schemas"] == [ERROR]
    assert answer.body["status"] == str(answer.status)
    return answer.body.get("scimType")
