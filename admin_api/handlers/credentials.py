"""Device logins over HTTP."""

from kleanxmpp import credentials, users

from ..answers import Answer
from ..schemas.credentials import CredentialPage, CredentialView, IssuedCredentialView, NewCredentialBody
from ..schemas.types import Id
from ..services import Call


async def list_credentials(call: Call, *, user_id: Id) -> Answer:
    """List a person's devices.

    Without their secrets, which nobody has but the devices.
    """
    async with call.directory.read() as tx:
        user = await users.existing(tx, call.company, user_id)
        found = await tx.credentials(user.id)
    return Answer(body=CredentialPage(items=[CredentialView.of(one) for one in found]))


async def issue_credential(call: Call, *, user_id: Id, body: NewCredentialBody) -> Answer:
    """Set up a device.

    Answers, only this once, the device's secret with everything a client needs to connect. A request repeated with the
    same Idempotency-Key is told that the secret was shown already (409), and which credential it was.
    """
    credential, secret = await credentials.issue(
        call.directory, call.company, user_id, label=body.label, actor=call.actor, now=call.now
    )
    async with call.directory.read() as tx:
        user = await users.existing(tx, call.company, user_id)
    settings, domain = call.services.settings, call.company.domain
    issued = IssuedCredentialView(
        id=credential.id,
        label=credential.label,
        credential=secret,
        jid=f"{user.username}@{domain}",
        xmpp_host=settings.xmpp_host or domain,
        xmpp_port=settings.xmpp_port,
        websocket_url=settings.websocket_url,
        rooms_domain=settings.rooms_domain(domain),
        component=f"{settings.component_prefix}.{domain}",
        created_at=credential.created_at,
    )
    headers = {"Location": f"/api/v1/users/{user_id}/credentials/{credential.id}"}
    return Answer(status=201, body=issued, headers=headers, secret_of=credential.id)


async def revoke_credential(call: Call, *, user_id: Id, credential_id: Id) -> Answer:
    """Revoke a device.

    It cannot log in any more from the moment of the answer on, and the person's sessions end: which of them used it
    cannot be told. The person's other devices come back by themselves.
    """
    await credentials.revoke(call.directory, call.company, user_id, credential_id, actor=call.actor, now=call.now)
    return Answer(status=204)
