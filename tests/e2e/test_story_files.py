"""Photos and files stay inside: who may chat sends them, who got the link reads them, and nothing outlives its time."""

import asyncio
import os
import shutil
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.made_up import new_name
from tests.e2e.service import COMPONENT, NEIGHBOUR, Person, Service
from tests.e2e.staff import Refused, Staff

pytestmark = pytest.mark.asyncio(loop_scope="session")

GO_SENDXMPP = shutil.which("go-sendxmpp")
PICTURE = bytes.fromhex("89504e470d0a1a0a") + b"not really a picture " * 5000


async def http(method: str, url: str, content: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with aiohttp.ClientSession() as session, session.request(method, url, data=content, headers=sent) as answer:
        return answer.status, await answer.read()


async def put(url: str, content: bytes = PICTURE, media_type: str = "image/png") -> int:
    return (await http("PUT", url, content, Content_Type=media_type))[0]


async def kept_of(service: Service, person: Person) -> list[Path]:
    """Return the files on disk that belong to a person."""
    listed = (await service.api("GET", f"/users/{person.id}/files"))["items"]
    return [path for one in listed for path in service.files.rglob(one["id"])]


async def test_a_colleague_gets_what_a_client_sent_and_the_erased_takes_it_along(
    service: Service, staff: Staff
) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    phone, other = await staff.login(anna.login), await staff.login(bernd.login)
    await other.is_there()
    link = await phone.upload("Gruß.png", PICTURE, media_type="image/png")
    service.secrets.append(link.split("/")[-2])
    await phone.say(bernd.jid, link)
    received = await other.wait_for("message", body=link)
    assert await http("GET", str(received.facts["body"])) == (200, PICTURE)
    assert await put(link) == 403, "a place is used once"
    assert len(await kept_of(service, anna)) == 1

    with pytest.raises(Refused, match="not-acceptable"):
        await phone.ask_for_place("film.mp4", 25 * 1024**2 + 1, media_type="video/mp4")
    with pytest.raises(Refused, match="not-acceptable"):
        await phone.upload("seite.html", b"<script/>", media_type="text/html")

    files = await kept_of(service, anna)
    answer = await service.api("DELETE", f"/users/{anna.id}", wait=20, expect=200)
    evidence = {line["item"]: line for line in answer["evidence"]}
    assert (evidence["files"]["found"], evidence["files"]["left"], evidence["files"]["closed"]) == (1, 0, True)
    assert not any(file.exists() for file in files)
    assert (await http("GET", link))[0] == 404


async def test_who_leaves_cannot_use_a_place_given_before(service: Service, staff: Staff) -> None:
    leaver, colleague = await service.hire_many("Ludwig", "Carla")
    phone, other = await staff.login(leaver.login), await staff.login(colleague.login)
    sent = await phone.upload("vorher.png", PICTURE, media_type="image/png")
    place, theirs = [
        await client.ask_for_place("nachher.png", len(PICTURE), media_type="image/png") for client in (phone, other)
    ]
    service.secrets += [url.split("/")[-2] for url in (sent, place, theirs)]
    answer = await service.api("POST", f"/users/{leaver.id}/deactivate", {}, wait=20, expect=200)
    evidence = {line["item"]: line for line in answer["evidence"]}
    assert (evidence["uploads"]["found"], evidence["uploads"]["left"]) == (1, 0)
    assert await put(place) == 403
    assert len(await kept_of(service, leaver)) == 1
    assert (await http("GET", sent))[0] == 200, "what was sent stays with the colleagues until retention"
    assert await put(theirs) == 201


async def test_another_company_gets_no_place(service: Service, staff: Staff) -> None:
    neighbour = await service.hire("Nora", domain=NEIGHBOUR)
    stranger = await staff.login(neighbour.login)
    with pytest.raises(Refused):
        await stranger.ask_for_place("x.jpg", 10, at=COMPONENT)
    assert await stranger.ask_for_place("x.jpg", 10), "at home there is one"


async def test_debians_go_sendxmpp_finds_the_service_and_sends_a_file(
    service: Service, staff: Staff, tmp_path: Path
) -> None:
    assert GO_SENDXMPP, "go-sendxmpp is missing: apt-get install go-sendxmpp"
    anna, bernd = await service.hire_many("Anna", "Bernd")
    phone = await staff.login(bernd.login)
    file = tmp_path / "notiz.txt"
    file.write_text(new_name("Eine Notiz"))
    process = await asyncio.create_subprocess_exec(
        GO_SENDXMPP, "-j", f"{anna.login.host}:{anna.login.port}", "-u", anna.jid, "-p", anna.login.credential,
        "--timeout", "20", "--http-upload", str(file), bernd.jid,
        env={"PATH": os.defpath, "HOME": "/nonexistent", "SSL_CERT_FILE": anna.login.ca_file},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode(errors="replace")
    message = await phone.wait_for("message", body=lambda body: "/files/" in (body or ""))
    link = str(message.facts["body"])
    service.secrets.append(link.split("/")[-2])
    assert await http("GET", link) == (200, file.read_bytes())
