"""Photos on the website: shown to whoever may see people, set and removed by a form without any script."""

import hashlib
import io
import re
from pathlib import Path

import pytest

from admin_api.website.formats import initials
from kleanxmpp.photos import MOST_BYTES
from kleanxmpp.website_ports import StaffRole
from tests.integration.website.browser import Browser, Shown
from tests.integration.website.test_people import beside, signed_in, the_user
from tests.photos import CAMERA, a_picture, png_that_claims


def a_file(content: bytes, name: str = "foto.jpg") -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file


async def fetched(browser: Browser, path: str) -> tuple[int, dict[str, str], bytes]:
    url = browser.desk.client.make_url(path)
    async with browser.session.get(url, allow_redirects=False) as answer:
        return answer.status, dict(answer.headers), await answer.read()


def pictures(shown: Shown) -> list[str]:
    return re.findall(r'<img class="face" src="([^"]+)" width="\d+" height="\d+" alt="" loading="lazy"', shown.text)


async def test_a_photo_is_chosen_shown_and_removed(admin: Browser) -> None:
    anna = await admin.desk.person("Anna Groß")
    page = f"/people/{anna['id']}"
    assert "AG" in (await admin.open(page)).text and not pictures(await admin.open("/people"))
    form = await admin.open(f"{page}/photo/edit")
    assert 'enctype="multipart/form-data"' in form.text and "Remove photo" not in form.text
    sent = await admin.send(f"{page}/photo/edit", {"photo": a_file(a_picture(size=(800, 600), exif=True))})
    assert sent.path == f"{page}?done=photo" and "within seconds" in sent.text
    sha1 = (await the_user(admin.desk, anna["id"])).photo_sha1
    for shown in (sent, await admin.open("/people"), await admin.open(f"{page}/photo/edit")):
        assert pictures(shown) == [f"{page}/photo?v={sha1}"]
    status, headers, content = await fetched(admin, f"{page}/photo?v={sha1}")
    assert (status, headers["Content-Type"], headers["X-Content-Type-Options"]) == (200, "image/jpeg", "nosniff")
    assert headers["Cache-Control"] == "private, max-age=86400, immutable"
    assert hashlib.sha1(content, usedforsecurity=False).hexdigest() == sha1 and CAMERA not in content
    assert (await fetched(admin, f"{page}/photo?v=older"))[1]["Cache-Control"] == "private, no-cache"
    await admin.open(f"{page}/photo/edit")
    gone = await admin.send(f"{page}/photo/edit", {"remove": "yes"})
    assert gone.path == f"{page}?done=no-photo" and "The photo was removed" in gone.text and not pictures(gone)
    assert (await fetched(admin, f"{page}/photo?v={sha1}"))[0] == 404


@pytest.mark.parametrize(
    ("content", "english", "german"),
    [
        (b"", "Please choose a picture.", "Bitte wählen Sie ein Bild."),
        (b"%PDF-1.7", "This is no JPEG, PNG or WebP picture.", "Das ist kein Bild der Formate JPEG, PNG oder WebP."),
        (a_picture()[:900], "damaged or was cut off", "beschädigt oder unvollständig"),
        (a_picture(size=(20, 20)), "at least 32 pixels", "mindestens 32 Bildpunkte"),
        (png_that_claims(60_000, 60_000), "at most 30 million pixels", "höchstens 30 Millionen Bildpunkte"),
        (bytes(MOST_BYTES + 10), "at most 5 MB", "höchstens 5 MB"),
    ],
)
async def test_what_is_no_photo_is_said_beside_the_field(
    admin: Browser, content: bytes, english: str, german: str
) -> None:
    anna = await admin.desk.person("Anna Groß")
    path = f"/people/{anna['id']}/photo/edit"
    for language, words in (("en", english), ("de", german)):
        admin.language = language
        await admin.open(path)
        shown = await admin.send(path, {"photo": a_file(content)})
        assert shown.status == 422 and words in beside(shown, "photo")
    assert (await the_user(admin.desk, anna["id"])).photo_sha1 is None


async def test_far_too_much_is_not_even_read(admin: Browser) -> None:
    anna = await admin.desk.person("Anna Groß")
    path = f"/people/{anna['id']}/photo/edit"
    await admin.open(path)
    shown = await admin.send(path, {"photo": a_file(bytes(2 * MOST_BYTES))})
    assert shown.status == 413 and "What was sent is too large." in shown.text


async def test_only_whoever_may_see_people_sees_faces_and_only_hr_changes_them(
    admin: Browser, other_browser: Browser
) -> None:
    anna = await admin.desk.person("Anna Groß")
    path = f"/people/{anna['id']}/photo"
    await admin.open(f"{path}/edit")
    await admin.send(f"{path}/edit", {"photo": a_file(a_picture())})
    assert (await fetched(other_browser, path))[0] == 303, "nobody is signed in there"
    for role, reads in ((StaffRole.GROUP_LEAD, 200), (StaffRole.AUDITOR, 200)):
        await signed_in(other_browser, role, f"Petra {role}")
        assert (await fetched(other_browser, path))[0] == reads
        assert f"{path}/edit" not in (await other_browser.open(f"/people/{anna['id']}")).text
        assert (await other_browser.open(f"{path}/edit")).status == 403
        await other_browser.open("/me")
        assert (await other_browser.send(f"{path}/edit", {"remove": "yes"})).status == 403
    await signed_in(other_browser, StaffRole.HR, "Petra Personal")
    assert (await other_browser.open(f"{path}/edit")).status == 200


async def test_a_form_from_elsewhere_or_without_its_secret_changes_nothing(admin: Browser) -> None:
    anna = await admin.desk.person("Anna Groß")
    path = f"/people/{anna['id']}/photo/edit"
    await admin.open(path)
    foreign = await admin.send(path, {"photo": a_file(a_picture())}, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status == 403
    await admin.open(path)
    assert (await admin.send(path, {"photo": a_file(a_picture())}, csrf=None)).status == 409
    assert (await the_user(admin.desk, anna["id"])).photo_sha1 is None


async def test_other_forms_take_no_files(admin: Browser) -> None:
    anna = await admin.desk.person("Anna Groß")
    path = f"/people/{anna['id']}/edit"
    version = (await admin.open(path)).fields["version"]
    values = {"display_name": "Anna Neu", "locale": "de", "chat_permission": "yes", "version": version}
    shown = await admin.send(path, values | {"photo": a_file(a_picture())})
    assert shown.path.endswith("?done=edited")
    assert (await the_user(admin.desk, anna["id"])).photo_sha1 is None


def test_initials_stand_for_names_of_any_kind() -> None:
    assert [initials(name) for name in ("Anna Maria Groß", "Cher", "ömer öz", "(die) Neue", "&")] == [
        "AG", "C", "ÖÖ", "N", "",
    ]  # fmt: skip


def test_no_style_or_script_is_needed_for_it() -> None:
    template = Path("admin_api/website/templates/people/face.html").read_text()
    assert "style=" not in template and "<script" not in template
