"""What other systems report by themselves, signed; and the secrets they sign with."""

from collections.abc import Iterator
from contextlib import contextmanager

from kleanxmpp import errors, hr, metrics, signing

from ..answers import Answer
from ..schemas.hooks import AddedSecretView, HrEventBody, NewSecretBody, ReceivedView, SecretPage, SecretView
from ..schemas.types import Id
from ..services import Call, SignedCall

_OF_THE_EVENT = frozenset({"type", "timestamp"})


async def receive_hr_event(call: SignedCall, *, body: HrEventBody) -> Answer:
    """Take an event of the HR system.

    Signed after the Standard Webhooks specification; the secret says which company is meant. One event is about one
    person and is carried out whole or not at all: now, or at `effective_at` (202 with `scheduled`). Access is taken
    under the guard against mass changes (202 with `held`). A refusal uses up no `webhook-id`: mend the event and send
    it again. A message that was taken already answers 409; count it as delivered.
    """
    with _fields_of_data():
        event = body.event(message_id=call.message_id, company=call.company)
        received = await hr.receive(
            call.directory,
            call.company,
            event,
            limits=call.services.settings.limits,
            actor=call.actor,
            now=call.now,
        )
    metrics.HOOK_EVENTS.labels(hook=hr.PURPOSE, outcome=received.state).inc()
    view = ReceivedView.of(received, company=call.company)
    return Answer(status=200 if received.state == "applied" else 202, body=view)


async def list_hr_secrets(call: Call) -> Answer:
    """List the secrets that the HR system may sign with.

    Without themselves. Two hold while one is replaced by the other.
    """
    found = await signing.listed(call.directory, call.company, purpose=hr.PURPOSE)
    return Answer(body=SecretPage(items=[SecretView.of(one) for one in found]))


async def add_hr_secret(call: Call, *, body: NewSecretBody) -> Answer:
    """Add a secret for the HR system.

    Answers it, only this once. It holds at once, beside the others: add the new one, have the HR system use it, remove
    the old one.
    """
    added = await signing.add(
        call.directory, call.company, purpose=hr.PURPOSE, secret=body.secret, actor=call.actor, now=call.now
    )
    view = AddedSecretView(id=added.id, created_at=added.created_at, secret=added.secret)
    return Answer(status=201, body=view, secret_of=added.id)


async def remove_hr_secret(call: Call, *, secret_id: Id) -> Answer:
    """Remove a secret of the HR system.

    What is signed with it is refused from the answer on.
    """
    await signing.remove(call.directory, call.company, secret_id, purpose=hr.PURPOSE, actor=call.actor, now=call.now)
    return Answer(status=204)


@contextmanager
def _fields_of_data() -> Iterator[None]:
    """Name fields as they stand in the event."""
    try:
        yield
    except (errors.Invalid, errors.Conflict) as error:
        if error.field is not None and error.field not in _OF_THE_EVENT:
            error.field = f"data.{error.field}"
        raise
