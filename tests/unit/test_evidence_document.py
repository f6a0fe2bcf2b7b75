"""The printed evidence: one page, in two languages, that never says more than was proven."""

import ast
import io
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pypdf
import pytest

import kleanxmpp
from kleanxmpp import errors, offboardings
from kleanxmpp.desired import Person
from kleanxmpp.documents import pdf
from kleanxmpp.documents.evidence import evidence_html
from kleanxmpp.documents.facts import EvidenceFacts
from kleanxmpp.documents.words import ENGLISH, GERMAN, WORDS
from kleanxmpp.model import Absence, Evidence, Handover, Mode, Offboarding
from kleanxmpp.state import UserState
from tests.factories import a_company, a_user

NOW = datetime(2027, 3, 1, 8, 30, 5, tzinfo=UTC)
COMPANY = a_company(name="Glanz & Gloria Gebäudereinigung", domain="glanz.test")
JOERG = a_user(COMPANY, display_name="Jörg Groß", username="joerg.gross")
AYLIN = a_user(COMPANY, display_name="Aylin Öztürk")
ITEMS = (
    "logins", "gate", "sessions", "rooms", "contact_groups", "bookmarks", "web_sessions", "links", "uploads", "files",
    "push", "offline_messages", "tokens",
)  # fmt: skip


def a_line(item: str, **facts: object) -> Evidence:
    line = Evidence(item=item, found=2, done=2, left=0, closed=True, milliseconds=1_234)
    return replace(line, **facts)


def the_facts(**changed: object) -> EvidenceFacts:
    offboarding = Offboarding(
        id="01a200048d477e5d949403718ea813af",
        company_id=COMPANY.id,
        user_id=JOERG.id,
        reason="Vertrag endet",
        actor="token:t1",
        requested_at=NOW,
        completed_at=NOW + timedelta(milliseconds=412),
        handovers=(Handover(group_id="g1", to=(AYLIN.id,), others=1),),
        evidence=tuple(a_line(item) for item in ITEMS),
    )
    return EvidenceFacts(
        company=COMPANY,
        offboarding=replace(offboarding, **changed),
        person=JOERG,
        groups={"g1": "Frühschicht Süd"},
        people={AYLIN.id: AYLIN},
        token="HR-Abgleich",
    )


async def text_of(facts: EvidenceFacts, locale: str) -> str:
    """Return what stands on the page, with single spaces; fails if it is not one page."""
    content = await pdf.evidence_pdf(facts, locale=locale, now=NOW + timedelta(hours=1))
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    assert len(pages) == 1
    return " ".join(pages[0].extract_text().split())


async def test_a_complete_offboarding_is_told_in_german() -> None:
    text = await text_of(the_facts(), "de")
    for part in (
        "Glanz & Gloria Gebäudereinigung", "glanz.test", "Nachweis über den Entzug des Chat-Zugangs",
        "Vollständig und nachgewiesen", "0,41 Sekunden nach dem Auftrag", "Jörg Groß", "joerg.gross@glanz.test",
        "Austritt", "Vertrag endet", "Programmierschnittstelle, Zugang „HR-Abgleich“", "01.03.2027, 09:30:05 Uhr",
        "Europe/Berlin", "Räume", "geschlossen", "1.234 ms", "Frühschicht Süd",
        "Aylin Öztürk und einer weiteren Person", "auf eigenen Geräten der Person",
        "Beleg 01a200048d477e5d949403718ea813af",
        "gedruckt am 01.03.2027, 10:30:05 Uhr", "Seite 1 / 1",
    ):  # fmt: skip
        assert part in text, (part, text)
    assert text.count("geschlossen") == len(ITEMS) + 2, "each line, the verdict and the heading"
    assert "nicht geprüft" not in text


async def test_what_could_not_be_checked_is_told_in_english_and_is_not_complete() -> None:
    lines = (
        a_line("logins"),
        a_line("sessions", left=1, closed=False),
        a_line("rooms", found=None, done=0, left=None, closed=None),
        a_line("video_calls", left=None, closed=None),
    )
    text = await text_of(the_facts(completed_at=None, evidence=lines, actor="shell:root", handovers=()), "en")
    for part in (
        "Record of withdrawn chat access", "Not complete yet", "1 March 2027, 09:30:05", "command line, root",
        "not yet", "2 2 1 open", "– 0 – not checked", "video_calls", "person’s own devices", "Page 1 / 1",
    ):  # fmt: skip
        assert part in text, (part, text)
    assert (text.count("not checked"), text.count("1,234 ms")) == (2, 2)
    assert "Complete and proven" not in text
    assert "handed over" not in text


@pytest.mark.parametrize("locale", WORDS)
async def test_the_longest_of_everything_is_one_page(locale: str) -> None:
    facts = the_facts(
        reason="W" * 500,
        handovers=tuple(Handover(group_id=f"g{n}", to=(AYLIN.id, "gone") * 5, others=3) for n in range(60)),
        evidence=tuple(a_line(item, found=12_345) for item in (*ITEMS, "writing", "one more", "another")),
    )
    longest = "Straßenmeisterei " * 4
    text = await text_of(
        replace(
            facts,
            company=replace(COMPANY, name=longest[:60]),
            person=replace(JOERG, display_name=longest[:60], username="x" * 60),
            people={AYLIN.id: replace(AYLIN, display_name=longest * 3)},
            groups={f"g{n}": longest[:60] for n in range(60)},
        ),
        locale,
    )
    assert ("54 weitere Gruppen" if locale == "de" else "54 more groups") in text


@pytest.mark.parametrize("locale", WORDS)
async def test_after_erasure_only_ids_are_left(locale: str) -> None:
    facts = replace(the_facts(mode=Mode.ERASED), person=None, people={}, groups={}, token=None)
    text = await text_of(facts, locale)
    assert "Jörg" not in text and "joerg" not in text and "Aylin" not in text
    for one in (JOERG.id, AYLIN.id, "g1", "t1"):
        assert one in text


def test_whoever_asked_on_the_dashboard_is_named() -> None:
    asked = replace(the_facts(actor=f"user:{AYLIN.id}"), token=None)
    assert "Aylin Öztürk" in evidence_html(replace(asked, groups={}), locale="de", now=NOW)
    assert AYLIN.id in evidence_html(replace(asked, people={}), locale="de", now=NOW)
    assert "s1" in evidence_html(the_facts(actor="session:s1"), locale="en", now=NOW)


def test_a_cancelled_offboarding_is_not_called_complete() -> None:
    facts = the_facts(completed_at=None, cancelled_at=NOW + timedelta(days=1))
    html = evidence_html(facts, locale="de", now=NOW)
    assert "Abgebrochen" in html and "am 02.03.2027, 09:30:05 Uhr zurückgegeben" in html
    assert "Vollständig" not in html


def test_an_end_without_proof_is_not_called_complete() -> None:
    html = evidence_html(the_facts(evidence=(a_line("gate", closed=None, left=None),)), locale="de", now=NOW)
    assert "Vollständig" not in html and "Noch nicht abgeschlossen" in html


def test_before_the_first_look_nothing_counts_as_closed() -> None:
    html = evidence_html(the_facts(completed_at=None, evidence=()), locale="en", now=NOW)
    assert "Nothing has been checked yet" in html


def test_a_group_that_nobody_could_take_over_stands_first() -> None:
    handed = (Handover(group_id="g1", others=1), Handover(group_id="g2"))
    html = evidence_html(
        replace(the_facts(handovers=handed), groups={"g1": "Eins", "g2": "Zwei"}), locale="de", now=NOW
    )
    assert html.index("Zwei") < html.index("Eins")
    assert "niemandem" in html


def test_names_and_reasons_are_text_and_never_markup() -> None:
    evil = '"><img src="file:///etc/passwd">'
    facts = replace(the_facts(reason=evil), person=replace(JOERG, display_name=evil))
    assert "<img" not in evidence_html(facts, locale="de", now=NOW)


def test_a_page_loads_nothing_from_outside() -> None:
    with pytest.raises(ValueError, match="loads nothing"):
        pdf._nothing_from_outside("https://example.org/pixel.png")


def reasons_of_the_program() -> set[str]:
    """What stands in the source as a reason, and is not somebody's own."""
    found = set()
    for module in Path(kleanxmpp.__path__[0]).parent.glob("[ka]*/**/*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(keywords=given) if getattr(node.func, "id", "") != "Fault":
                    said = (one.value for one in given if one.arg == "reason" and isinstance(one.value, ast.Constant))
                    found.update(one.value for one in said if isinstance(one.value, str))
                case ast.Assign(targets=[ast.Name(id="REASON")], value=ast.Constant(value=str(text))):
                    found.add(text)
    return found


def test_a_reason_of_the_programs_own_is_told_in_words_and_everything_else_as_it_is() -> None:
    assert {"SCIM", "the absence ended", "import of a file"} <= reasons_of_the_program() <= GERMAN.reasons.keys()
    assert GERMAN.reason("the absence ended") == "Die Abwesenheit ist zu Ende"
    assert GERMAN.reason("import of märz {1}.csv") == "Import von märz {1}.csv"
    assert GERMAN.reason("import of a file") == "Import einer Datei"
    assert (GERMAN.reason("He says: bye."), GERMAN.reason(None)) == ("He says: bye.", "")


def test_both_languages_say_everything() -> None:
    assert GERMAN.reasons.keys() == ENGLISH.reasons.keys()
    assert GERMAN.text.keys() == ENGLISH.text.keys()
    assert GERMAN.modes.keys() == ENGLISH.modes.keys() == set(Mode)
    assert GERMAN.items.keys() == ENGLISH.items.keys()
    people = (
        JOERG,
        replace(JOERG, active=False),
        replace(JOERG, erasing=True),
        *(replace(JOERG, absence=absence) for absence in Absence),
    )
    for person in (Person(company=COMPANY, user=user) for user in people):
        lines = offboardings.evidence(
            person=person,
            credentials=0,
            found=None,
            done={},
            left=None,
            wanted=UserState(),
            uploads=0,
            web=None,
            files=None,
        )
        assert {line.item for line in lines} <= GERMAN.items.keys()


async def test_printing_does_not_stand_in_the_way_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "printed", lambda html: threading.current_thread().name.encode())
    assert (await pdf.evidence_pdf(the_facts(), locale="de", now=NOW)).startswith(b"pdf")


async def test_without_the_library_the_answer_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(errors.NotInstalled, match="apt-get install libpango"):
        await pdf.evidence_pdf(the_facts(), locale="de", now=NOW)
