"""Links with which people set up their devices, for systems that hand them over by SMS, e-mail or on paper."""

from datetime import timedelta

from kleanxmpp import one_time_links, users

from .. import qr
from ..answers import Answer
from ..schemas.links import ChatSessionView, LinkPage, LinkView, MadeLinkView, NewLinkBody
from ..schemas.types import Id
from ..services import Call


async def list_links(call: Call, *, user_id: Id) -> Answer:
    """List a person's one-time links.

    The newest first, without their addresses, which nobody has but whoever was handed them.
    """
    async with call.directory.read() as tx:
        user = await users.existing(tx, call.company, user_id)
        found = await tx.one_time_links(call.company.id, user.id)
    return Answer(body=LinkPage(items=[LinkView.of(one, now=call.now) for one in found]))


async def make_link(call: Call, *, user_id: Id, body: NewLinkBody) -> Answer:
    """Make a link with which a person sets up devices.

    Answers its address, only this once, also as a QR code. Whoever opens it gets a login for an app, or chats in the
    browser; so hand it to nobody but the person. Nothing is sent from here. Refused (409) for somebody who may not
    chat. A request repeated with the same Idempotency-Key is told that the address was shown already (409), and which
    link it was.
    """
    link, code = await one_time_links.make_join(
        call.directory,
        call.company,
        user_id,
        lasts=timedelta(hours=body.lasts_hours),
        uses=body.uses,
        actor=call.actor,
        now=call.now,
    )
    url = f"{_base(call)}/join/{code}"
    made = MadeLinkView(id=link.id, url=url, qr_svg=qr.svg(url), uses_left=link.uses_left, expires_at=link.expires_at)
    headers = {"Location": f"/api/v1/users/{user_id}/links/{link.id}"}
    return Answer(status=201, body=made, headers=headers, secret_of=link.id)


async def open_chat(call: Call, *, user_id: Id) -> Answer:
    """Open the chat in the browser for a person whom your system has signed in.

    Answers an address, only this once, good for two minutes and one use: send the person's browser there, or show it in
    a frame of an origin that `website.embed_origins` names. The code stands behind `#`, where neither servers nor logs
    see it. Refused (409) for somebody who may not chat. A request repeated with the same Idempotency-Key is told that
    the address was shown already (409); `DELETE` of the link with this id takes it back unused.
    """
    link, code = await one_time_links.make_chat(call.directory, call.company, user_id, actor=call.actor, now=call.now)
    url = f"{_base(call)}/chat#code={code}"
    return Answer(status=201, body=ChatSessionView(id=link.id, url=url, expires_at=link.expires_at), secret_of=link.id)


async def revoke_link(call: Call, *, user_id: Id, link_id: Id) -> Answer:
    """Revoke a one-time link.

    It lets nobody in from the moment of the answer on. Devices that were set up with it stay.
    """
    await one_time_links.revoke(call.directory, call.company, link_id, user_id=user_id, actor=call.actor, now=call.now)
    return Answer(status=204)


def _base(call: Call) -> str:
    return call.services.settings.public_url or "http://" + call.headers["Host"]
