"""The evidence as PDF over HTTP."""

import io
import sys

import pypdf
import pytest

from tests.integration.admin_api.desk import EVERYWHERE, Answered, Desk


async def _begun(desk: Desk, **facts: object) -> str:
    user = await desk.person()
    answer = await desk.call("POST", f"/users/{user['id']}/deactivate", {"reason": "Kündigung", **facts})
    return str(answer.body["status_url"])


async def _printed(desk: Desk, path: str, **headers: str) -> tuple[str, str]:
    """Return the language and the text of the page."""
    sent = {"Authorization": f"Bearer {desk.token}"} | headers
    async with desk.client.get(path, headers=sent) as response:
        content = await response.read()
        assert (response.status, response.content_type) == (200, "application/pdf"), content
        assert response.headers["Content-Disposition"].startswith("inline")
        assert response.headers["Cache-Control"] == "no-store"
        language = response.headers["Content-Language"]
    (page,) = pypdf.PdfReader(io.BytesIO(content)).pages
    return language, " ".join(page.extract_text().split())


@EVERYWHERE
async def test_the_evidence_is_printed_with_names(desk: Desk) -> None:
    async with desk.working():
        url = await _begun(desk)
        await desk.until(url, lambda found: found.body["state"] == "complete")
    language, text = await _printed(desk, f"{url}.pdf")
    assert language == "de"
    for part in (
        "Vollständig und nachgewiesen",
        "Aylin Öztürk",
        "aylin.oeztuerk@firma.test",
        "Zugang „admin“",
        "Kündigung",
    ):
        assert part in text, (part, text)


@pytest.mark.parametrize(
    ("query", "accepted", "company", "language"),
    [
        ("?lang=en", "de", "de", "en"),
        ("", "fr, en-GB;q=0.8, de;q=0.4", "de", "en"),
        ("", "fr, de;q=0", "en", "en"),
        ("", "*", "de", "de"),
    ],
)
async def test_the_language_is_the_one_asked_for(
    quick_desk: Desk, query: str, accepted: str, company: str, language: str
) -> None:
    await quick_desk.call("PATCH", "/company", {"locale": company})
    url = await _begun(quick_desk, mode="paused")
    found, text = await _printed(quick_desk, f"{url}.pdf{query}", **{"Accept-Language": accepted})
    assert found == language
    assert ("Not complete yet" if language == "en" else "Noch nicht abgeschlossen") in text


async def test_a_language_that_is_not_spoken_is_named(quick_desk: Desk) -> None:
    answer = await quick_desk.call("GET", f"{await _begun(quick_desk)}.pdf?lang=fr")
    assert (answer.status, answer.fields) == (422, ["lang"])


async def test_only_who_may_read_people_prints_and_only_their_own(quick_desk: Desk) -> None:
    url, other = await _begun(quick_desk), await quick_desk.person("Bea Blum")
    refused = await quick_desk.call("GET", f"{url}.pdf", token=await quick_desk.token_for("groups:read"))
    assert refused.status == 403
    for path in (f"/users/{other['id']}/offboardings/{url.rsplit('/', 1)[1]}.pdf", f"{url.rsplit('/', 1)[0]}/none.pdf"):
        assert (await quick_desk.call("GET", path)).status == 404


async def test_without_the_library_it_says_what_to_install_and_all_else_works(
    quick_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    url = await _begun(quick_desk)
    answer: Answered = await quick_desk.call("GET", f"{url}.pdf")
    assert (answer.status, answer.problem) == (501, "not-installed")
    assert "libpangoft2-1.0-0" in answer.body["detail"]
    assert (await quick_desk.call("GET", url)).status == 200
