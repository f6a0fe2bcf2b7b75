"""The evidence of an off-boarding as one printed page: facts become words, words become HTML. Pure.

What could not be checked is written out as such; only what the last look found closed is called closed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import jinja2

from kleanxmpp import __version__
from kleanxmpp.documents.facts import EvidenceFacts
from kleanxmpp.documents.words import WORDS, Words
from kleanxmpp.model import Evidence, Handover, Mode

_MOST_HANDOVERS = 6
_MOST_HEIRS = 3
_LONGEST_NAME = 60
_SIGNS = {True: "closed", False: "open", None: "unknown"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """What all parts of the page share."""

    facts: EvidenceFacts
    words: Words
    locale: str

    def say(self, key: str, **values: object) -> str:
        """Return a text of the language."""
        return self.words.text[key].format(**values)

    def moment(self, at: datetime) -> str:
        """Return a moment as it is written where the company is."""
        local = at.astimezone(ZoneInfo(self.facts.company.timezone))
        months = self.words.months
        return self.say(
            "moment",
            day=local.day,
            month=local.month,
            name=months[local.month - 1] if months else "",
            year=local.year,
            time=f"{local:%H:%M:%S}",
        )

    def number(self, value: float, *, digits: int = 0) -> str:
        """Return a number as the language writes it."""
        text = f"{value:,.{digits}f}"
        return text.translate(str.maketrans(",.", ".,")) if self.locale == "de" else text


def evidence_html(facts: EvidenceFacts, *, locale: str, now: datetime) -> str:
    """Return the page as HTML that needs nothing from outside. `locale` is one of the languages of `WORDS`."""
    page = _Page(facts=facts, words=WORDS[locale], locale=locale)
    return _template().render(
        in_words(facts, locale=locale),
        lang=locale,
        company=facts.company,
        document_id=facts.offboarding.id,
        printed=page.say("printed", moment=page.moment(now)),
        version=__version__,
    )


def in_words(facts: EvidenceFacts, *, locale: str) -> Mapping[str, Any]:
    """Return what the page says, for whoever shows it: `t` is the language's texts, the rest is about this one."""
    page = _Page(facts=facts, words=WORDS[locale], locale=locale)
    offboarding = facts.offboarding
    return {
        "t": page.words.text,
        "title": page.words.text.get(f"title_{offboarding.mode.value}", page.say("title")),
        "verdict": _verdict(page),
        "facts": list(_facts(page)),
        "reason": " ".join(page.words.reason(offboarding.reason).split()) or page.say("none"),
        "lines": [_line(page, line) for line in offboarding.evidence],
        "handovers": list(_handovers(page)),
    }


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("kleanxmpp.documents"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("evidence.html")


def _verdict(page: _Page) -> Mapping[str, str]:
    """Say how it stands. Complete is only what was proven, never what merely has an end."""
    offboarding = page.facts.offboarding
    if offboarding.complete and offboarding.completed_at is not None:
        took = (offboarding.completed_at - offboarding.requested_at).total_seconds()
        seconds = page.number(max(took, 0.0), digits=2)
        return {"sign": "closed", "words": page.say("complete"), "more": page.say("complete_more", seconds=seconds)}
    if offboarding.cancelled_at is not None:
        more = page.say("cancelled_more", moment=page.moment(offboarding.cancelled_at))
        return {"sign": "open", "words": page.say("cancelled"), "more": more}
    return {"sign": "unknown", "words": page.say("running"), "more": page.say("running_more")}


def _facts(page: _Page) -> Iterator[tuple[str, str, str]]:
    """Yield label, value, and what stands smaller below the value."""
    offboarding, person = page.facts.offboarding, page.facts.person
    if person is None:
        yield page.say("person"), page.say("erased", id=offboarding.user_id), ""
    else:
        yield page.say("person"), person.display_name, f"{person.username}@{page.facts.company.domain}"
    yield page.say("mode"), page.words.modes[offboarding.mode.value], ""
    yield page.say("requested"), page.moment(offboarding.requested_at), ""
    completed = page.moment(offboarding.completed_at) if offboarding.completed_at else page.say("not_completed")
    yield page.say("completed"), completed, ""
    yield page.say("actor"), _actor(page), ""
    yield page.say("zone"), page.facts.company.timezone, ""


def _actor(page: _Page) -> str:
    kind, _, name = page.facts.offboarding.actor.partition(":")
    if kind == "token" and page.facts.token is not None:
        return page.say("by_token", name=page.facts.token)
    if kind == "user" and (known := page.facts.people.get(name)) is not None:
        return page.say("by_person", name=known.display_name)
    keys = {
        "token": "by_revoked_token", "shell": "by_shell", "schedule": "by_schedule",
        "user": "by_erased_person", "session": "by_session",
    }  # fmt: skip
    if kind not in keys:
        return page.facts.offboarding.actor
    return page.say(keys[kind], id=name, name=name)


def _line(page: _Page, line: Evidence) -> Mapping[str, str]:
    name, more = page.words.items.get(line.item, (line.item, ""))
    if page.facts.offboarding.mode is Mode.PAUSED and line.item == "contact_groups":
        more = page.say("kept")
    sign = _SIGNS[line.closed]
    return {
        "name": name,
        "more": more,
        "found": _count(page, line.found),
        "done": _count(page, line.done),
        "left": _count(page, line.left),
        "sign": sign,
        "result": page.say(sign),
        "after": f"{page.number(line.milliseconds)} ms" if line.closed is not None else page.say("none"),
    }


def _count(page: _Page, number: int | None) -> str:
    return page.say("none") if number is None else page.number(number)


def _handovers(page: _Page) -> Iterator[Mapping[str, str]]:
    """Yield a line for each group, the first few only: one page must do. Those that nobody took come first."""
    everything = sorted(page.facts.offboarding.handovers, key=lambda one: bool(one.to or one.others))
    for one in everything[:_MOST_HANDOVERS]:
        name = page.facts.groups.get(one.group_id)
        group = page.say("deleted_group", id=one.group_id) if name is None else _short(name)
        yield {"group": group, "moderators": _moderators(page, one), "sign": "" if one.to or one.others else "open"}
    if (left := len(everything) - _MOST_HANDOVERS) > 0:
        yield {"group": page.say("more_groups", count=left), "moderators": "", "sign": ""}


def _moderators(page: _Page, handover: Handover) -> str:
    people = page.facts.people
    named = [
        _short(people[user_id].display_name) if user_id in people else page.say("erased_heir", id=user_id)
        for user_id in handover.to[:_MOST_HEIRS]
    ]
    if (left := len(handover.to) - _MOST_HEIRS) > 0:
        named.append(page.say("more_heirs", count=left))
    if handover.others:
        named.append(page.say("one_other") if handover.others == 1 else page.say("others", count=handover.others))
    return _listed(named, last=page.say("and")) if named else page.say("nobody")


def _listed(words: list[str], *, last: str) -> str:
    return last.join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1].rstrip()}…"
