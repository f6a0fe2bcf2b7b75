"""Asking for a place for a file (XEP-0363), as XML on a stream."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

import pytest

from component.commands.rate import Rate
from component.handlers.askers import Questions
from component.handlers.upload import NAMESPACE, Upload
from kleanxmpp.file_ports import FileState
from kleanxmpp.ids import sha256_hex
from kleanxmpp.model import Absence
from tests.integration.component.assistant.talking import ADDRESSES, ANNA, BOT, Talk, condition_of, talking
from tests.unit.component.commands.scene import FIRMA, a_directory, a_user
from tests.unit.component.fake_server import NS

HOST = "klean.firma.test"
NOW = datetime(2026, 7, 1, 21, 30, tzinfo=UTC)
URL = "https://chat.firma.test/files/"
MB = 1024**2


@dataclass(slots=True, kw_only=True)
class Scene:
    talk: Talk
    now: datetime

    async def ask(self, *, sender: str = ANNA, to: str = HOST, type: str = "get", **wanted: object) -> Element:
        values = {"filename": "foto.jpg", "size": 1000, "content-type": "image/jpeg"}
        values |= {name.replace("_", "-"): value for name, value in wanted.items()}
        attributes = " ".join(f"{name}={quoteattr(str(value))}" for name, value in values.items() if value is not None)
        return await self.talk.iq(f"<request xmlns='{NAMESPACE}' {attributes}/>", sender=sender, to=to, type=type)

    async def change_company(self, **facts: object) -> None:
        async with self.talk.directory.write(FIRMA.id) as tx:
            await tx.save_company(replace(FIRMA, **facts))


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    away = a_user("garten", "Gerd Garten", absence=Absence.GARDEN_LEAVE)
    async with talking(await a_directory(away)) as talk:
        made = Scene(talk=talk, now=NOW)
        questions = Questions(directory=talk.directory, addresses=ADDRESSES)
        rate = Rate(burst=40, seconds_each=60)
        Upload(questions, files_url=URL.rstrip("/"), rate=rate, clock=lambda: made.now).register(talk.connection)
        yield made


def urls(answer: Element) -> tuple[str, str]:
    slot = answer.find(f"{{{NAMESPACE}}}slot")
    assert slot is not None, condition_of(answer)
    put, get = slot.find(f"{{{NAMESPACE}}}put"), slot.find(f"{{{NAMESPACE}}}get")
    assert put is not None and get is not None
    return str(put.get("url")), str(get.get("url"))


async def test_the_component_says_that_it_takes_files_and_how_large(scene: Scene) -> None:
    for limit, shown in ((25 * MB, 25 * MB), (3 * MB, 3 * MB), (900 * MB, 500 * MB)):
        await scene.change_company(upload_max_bytes=limit)
        answer = await scene.talk.iq("<query xmlns='http://jabber.org/protocol/disco#info'/>")
        identities = {(e.get("category"), e.get("type")) for e in answer.iter() if e.tag.endswith("}identity")}
        assert ("store", "file") in identities
        assert NAMESPACE in {e.get("var") for e in answer.iter() if e.tag.endswith("}feature")}
        fields = {f.get("var"): f[0].text for f in answer.iter("{jabber:x:data}field")}
        assert fields == {"FORM_TYPE": NAMESPACE, "max-file-size": str(shown)}


async def test_who_may_chat_gets_a_place_with_a_link_that_nobody_guesses(scene: Scene) -> None:
    put, get = urls(await scene.ask(filename="Ordner/Gruß & Kuss.jpg"))
    assert put == get
    token, _, name = put.removeprefix(URL).partition("/")
    assert (put.startswith(URL), name, len(token)) == (True, "Gru%C3%9F%20%26%20Kuss.jpg", 34)
    async with scene.talk.directory.read() as tx:
        file = await tx.file_by_token(sha256_hex(token))
    assert file is not None
    assert (file.user_id, file.name, file.size, file.media_type) == ("u-anna", "Gruß & Kuss.jpg", 1000, "image/jpeg")
    assert file.state is FileState.GRANTED
    assert urls(await scene.ask()) != (put, get)


@pytest.mark.parametrize("sender", ["carla", "dora", "garten", "nobody"])
async def test_who_may_not_chat_gets_none(scene: Scene, sender: str) -> None:
    assert condition_of(await scene.ask(sender=f"{sender}@firma.test/x")) == "forbidden"


async def test_strangers_and_other_addresses_get_none(scene: Scene) -> None:
    assert condition_of(await scene.ask(to=BOT)) == "service-unavailable"
    assert condition_of(await scene.ask(sender="firma.test")) == "service-unavailable"
    await scene.change_company(enabled=False)
    assert condition_of(await scene.ask()) == "forbidden"


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "application/octet-stream", "", "rubbish", None])
async def test_a_type_that_the_company_does_not_take_is_refused(scene: Scene, media_type: str | None) -> None:
    assert condition_of(await scene.ask(content_type=media_type)) == "not-acceptable"


@pytest.mark.parametrize("media_type", ["text/plain; charset=utf-8", "IMAGE/PNG"])
async def test_a_type_may_be_written_in_other_ways(scene: Scene, media_type: str) -> None:
    urls(await scene.ask(content_type=media_type))


@pytest.mark.parametrize("size", ["", "-1", "1e3", "٣", "9" * 30])
async def test_what_is_no_size_is_a_bad_request(scene: Scene, size: str) -> None:
    assert condition_of(await scene.ask(size=size)) == "bad-request"


async def test_too_large_names_the_limit(scene: Scene) -> None:
    urls(await scene.ask(size=25 * MB))
    answer = await scene.ask(size=25 * MB + 1)
    assert condition_of(answer) == "not-acceptable"
    named = answer.find(f"{NS}error/{{{NAMESPACE}}}file-too-large/{{{NAMESPACE}}}max-file-size")
    assert named is not None and named.text == str(25 * MB)
    assert "25 MB" in "".join(answer.itertext())
    assert condition_of(await scene.ask(size=0)) == "not-acceptable"


async def test_a_used_up_day_names_the_companys_midnight(scene: Scene) -> None:
    await scene.change_company(upload_daily_bytes=3000)
    for _ in range(3):
        urls(await scene.ask())
    answer = await scene.ask(size=1)
    error = answer.find(f"{NS}error")
    assert error is not None and (condition_of(answer), error.get("type")) == ("resource-constraint", "wait")
    retry = error.find(f"{{{NAMESPACE}}}retry")
    assert retry is not None and retry.get("stamp") == "2026-07-01T22:00:00Z", "midnight in Berlin"
    urls(await scene.ask(sender="bob@firma.test/x"))
    scene.now = datetime(2026, 7, 1, 22, 0, tzinfo=UTC)
    urls(await scene.ask())


async def test_a_directory_that_is_away_and_a_loop_are_told_to_wait(scene: Scene) -> None:
    scene.talk.directory.away = True
    assert condition_of(await scene.ask()) == "resource-constraint"
    scene.talk.directory.away = False
    answers = [condition_of(await scene.ask(sender="joerg@firma.test/x")) for _ in range(42)]
    assert answers == [""] * 40 + ["resource-constraint"] * 2
