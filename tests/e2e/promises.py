"""What a member of a group is promised, looked at with the member's own device."""

from tests.e2e.service import Circle, Person, Service
from tests.e2e.staff import Staff


async def has_everything(service: Service, staff: Staff, person: Person, circle: Circle, colleagues: set[str]) -> None:
    """Assert that a person who logs in finds these contacts, the one bookmark, and an open room."""
    phone = await staff.login(person.login, resource="pruefung")
    assert set(phone.contacts) == colleagues
    assert set(await phone.stored_bookmarks()) == {circle.room}
    await phone.join(circle.room, person.name)
    assert person.jid in await service.occupants(circle)
    await phone.logout()
