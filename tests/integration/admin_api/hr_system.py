"""An HR system that signs its events, and whoever tries to look like it."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from kleanxmpp import hr, ids, signatures, signing
from kleanxmpp.model import Company
from tests.integration.admin_api.desk import Answered, Desk

PATH = "/hooks/hr"


@dataclass(slots=True, kw_only=True)
class HrSystem:
    """Sends events with its secrets."""

    desk: Desk
    secrets: list[str] = field(default_factory=list)

    async def post(self, body: bytes, headers: dict[str, str]) -> Answered:
        sent = {"Content-Type": "application/json", **headers}
        return await self.desk.call("POST", PATH, token=None, data=body, headers=sent)

    async def send(
        self, event: dict[str, Any], *, message_id: str | None = None, age: timedelta = timedelta()
    ) -> Answered:
        body = json.dumps(event).encode()
        headers = signatures.headers_for(
            message_id or f"msg_{ids.new_id()}", body, secrets=self.secrets, at=datetime.now(UTC) - age
        )
        return await self.post(body, headers)

    async def say(self, kind: str, external_id: str, *, expect: int = 200, **data: Any) -> Any:
        """Send an event and return what came of it."""
        answer = await self.send(an_event(kind, external_id, **data))
        assert answer.status == expect, (answer.status, answer.text)
        return answer.body


def an_event(kind: str, external_id: str, **data: Any) -> dict[str, Any]:
    return {"type": kind, "timestamp": "2026-12-01T09:30:00Z", "data": {"external_id": external_id, **data}}


async def hr_system(desk: Desk, *, company: Company | None = None) -> HrSystem:
    """Return the HR system of a company, which has a secret."""
    secret = await signing.add(
        desk.directory, company or desk.company, purpose=hr.PURPOSE, actor="test", now=datetime.now(UTC)
    )
    return HrSystem(desk=desk, secrets=[secret.secret])
