"""Devices on the page of a person and in the API: which is connected now, and when each was seen last."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from kleanxmpp import changes, credentials
from kleanxmpp.counting import Counter
from kleanxmpp.device_ports import DeviceSession
from kleanxmpp.errors import Permanent
from kleanxmpp.model import Company, Credential, User
from kleanxmpp.website_ports import StaffRole
from tests.integration.admin_api.desk import Desk
from tests.integration.website.browser import Browser, Shown
from tests.integration.website.test_departures import a_person
from tests.integration.website.test_people import signed_in

LATER = timedelta(minutes=1)


async def a_device(desk: Desk, user: User, label: str) -> tuple[Credential, str]:
    return await credentials.issue(
        desk.directory, desk.company, user.id, label=label, actor="test", now=datetime.now(UTC)
    )


async def connect(desk: Desk, user: User, resource: str, secret: str) -> None:
    await desk.server.apply(desk.company, changes.OpenGate(username=user.username))
    desk.server.log_in(desk.company, user.username, resource, secret=secret)


async def look(desk: Desk) -> None:
    await Counter(directory=desk.directory, server=desk.server).look(now=datetime.now(UTC) + LATER)


def told(shown: Shown) -> dict[str, str]:
    """Return what the table says of each device in the column "Last seen"."""
    rows = re.findall(r'<th scope="row">([^<]+)</th>.*?data-label="Last seen">(.*?)</td>', shown.text, re.DOTALL)
    return {label: re.sub(r"<[^>]+>", "", words).strip() for label, words in rows}


async def test_the_page_says_of_each_device_whether_it_is_connected_or_when_it_was(admin: Browser) -> None:
    desk, bob = admin.desk, await a_person(admin.desk)
    for label in ("Phone", "Tablet", "Laptop"):
        _, secret = await a_device(desk, bob, label)
        if label != "Laptop":
            await connect(desk, bob, label.lower(), secret)
    desk.server.lose(desk.company, bob.username, "tablet")
    shown = await admin.open(f"/people/{bob.id}")
    assert told(shown) == {"Phone": "Connected now", "Tablet": "Not seen yet", "Laptop": "Not seen yet"}
    await look(desk)
    now = told(await admin.open(f"/people/{bob.id}"))
    assert re.search(r"\d\d:\d\d", now.pop("Tablet")), "a moment of the company's clock"
    assert now == {"Phone": "Connected now", "Laptop": "Not seen yet"}
    assert "is not known" not in shown.text


async def test_whoever_may_look_at_people_sees_it_too(browser: Browser) -> None:
    await signed_in(browser, StaffRole.AUDITOR)
    bob = await a_person(browser.desk)
    _, secret = await a_device(browser.desk, bob, "Phone")
    await connect(browser.desk, bob, "a", secret)
    assert told(await browser.open(f"/people/{bob.id}")) == {"Phone": "Connected now"}


async def test_a_server_that_cannot_tell_leaves_what_is_written_down(
    admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, bob = admin.desk, await a_person(admin.desk)
    _, secret = await a_device(desk, bob, "Phone")
    await connect(desk, bob, "a", secret)
    await look(desk)
    desk.server.away = True
    shown = await admin.open(f"/people/{bob.id}")
    assert "could not tell" in shown.text and "is not known" in shown.text
    assert re.search(r"\d\d:\d\d", told(shown)["Phone"])
    desk.server.away = False

    async def unknown_command(company: Company, username: str) -> list[DeviceSession]:
        raise Permanent("no such command")

    monkeypatch.setattr(desk.server, "device_sessions", unknown_command)
    assert "could not tell" in (await admin.open(f"/people/{bob.id}")).text
    access = (await desk.call("GET", f"/users/{bob.id}/access")).body["server"]
    assert (access["sessions"], access["devices"]) == (["a"], None), "an older module: the rest is known all the same"


async def test_who_has_no_device_is_not_asked_for(admin: Browser) -> None:
    bob = await a_person(admin.desk)
    admin.desk.server.away = True
    shown = await admin.open(f"/people/{bob.id}")
    assert "No device yet" in shown.text and "could not tell" not in shown.text


async def test_it_is_said_in_german(admin: Browser) -> None:
    desk, bob = admin.desk, await a_person(admin.desk)
    for label in ("Handy", "Tablet"):
        _, secret = await a_device(desk, bob, label)
    await connect(desk, bob, "a", secret)
    await admin.send("/language", {"language": "de", "to": "/"})
    shown = await admin.open(f"/people/{bob.id}")
    assert "Zuletzt gesehen" in shown.text and "Jetzt verbunden" in shown.text and "Noch nicht gesehen" in shown.text


async def test_the_api_says_when_and_which_session_is_whose(admin: Browser) -> None:
    desk, bob = admin.desk, await a_person(admin.desk)
    phone, secret = await a_device(desk, bob, "Phone")
    await a_device(desk, bob, "Tablet")
    before = datetime.now(UTC)
    await connect(desk, bob, "a", secret)
    await connect(desk, bob, "b", "revoked meanwhile")
    desk.server.lose(desk.company, bob.username, "a")
    await look(desk)
    listed = (await desk.call("GET", f"/users/{bob.id}/credentials")).body["items"]
    moments = {one["label"]: one["last_seen_at"] for one in listed}
    assert moments["Tablet"] is None and datetime.fromisoformat(moments["Phone"]) >= before
    assert secret not in str(listed)
    access = (await desk.call("GET", f"/users/{bob.id}/access")).body["server"]
    assert access["devices"] == [
        {"resource": "a", "credential_id": phone.id, "label": "Phone", "connected": False},
        {"resource": "b", "credential_id": None, "label": None, "connected": True},
    ]


async def test_the_moment_is_gone_with_the_credential(admin: Browser) -> None:
    desk, bob = admin.desk, await a_person(admin.desk)
    made, secret = await a_device(desk, bob, "Phone")
    await connect(desk, bob, "a", secret)
    await look(desk)
    await admin.open(f"/people/{bob.id}")
    shown = await admin.send(f"/people/{bob.id}/devices/{made.id}/revoke")
    assert told(shown) == {} and "No device yet" in shown.text
    await a_device(desk, bob, "Phone")
    assert told(await admin.open(f"/people/{bob.id}")) == {"Phone": "Not seen yet"}
