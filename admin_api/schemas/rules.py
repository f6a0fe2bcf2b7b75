"""Rules about circles in JSON: how one is said, what it would change, and why somebody is in or is not."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, JsonValue

from kleanxmpp import rule_text, rules
from kleanxmpp.group_rules import Because, Explanation, Preview
from kleanxmpp.model import Role, User
from kleanxmpp.rule_ports import GroupException
from kleanxmpp.rules import Condition, Rule

from .types import Id, Query, RequestBody, View

_EXAMPLE: JsonValue = {"all": [{"attribute": "site", "in": ["Objekt 12"]}, {"attribute": "role", "in": ["Reinigung"]}]}
RuleObject = Annotated[dict[str, JsonValue], Field(examples=[_EXAMPLE])]
RuleBody = RuleObject | Annotated[str, Field(max_length=rule_text.LONGEST, examples=['site = "Objekt 12"'])]
"""A rule as JSON or as people write it: `{"attribute": …, "in": […]}`, `all`, `any`, `not`; or `site = "Objekt 12"`."""


def rule_of(said: dict[str, JsonValue] | str | None) -> Rule | None:
    """Return the core's value. Raises Invalid for what is no rule."""
    if said is None:
        return None
    return rule_text.parse(said) if isinstance(said, str) else rules.from_json(said)


class PreviewBody(RequestBody):
    """A rule to try."""

    rule: RuleBody | None
    """`null`: what would happen without a rule."""


class ExplainQuery(Query):
    """About whom, and in which language."""

    user: Id
    """The user's id."""
    lang: Literal["de", "en"] | None = None
    """Of the sentences. Left out: what Accept-Language asks for, else the company's."""


class PersonView(View):
    """Somebody, in short."""

    user_id: str
    username: str
    display_name: str

    @classmethod
    def of(cls, user: User) -> Self:
        """Return how a person is shown."""
        return cls(user_id=user.id, username=user.username, display_name=user.display_name)


class RulePreviewView(View):
    """What a rule would change. Nothing was changed."""

    joins: int
    """How many people would come in."""
    leaves: int
    """How many people would go out."""
    total: int
    """How many members there would be, effective or not."""
    joining: list[PersonView]
    """The first hundred of those who would come in."""
    leaving: list[PersonView]
    """The first hundred of those who would go out."""

    @classmethod
    def of(cls, found: Preview) -> Self:
        """Return how a preview is shown."""
        return cls(
            joins=len(found.moves.joining),
            leaves=len(found.moves.leaving),
            total=found.total,
            joining=[PersonView.of(user) for user in found.joining],
            leaving=[PersonView.of(user) for user in found.leaving],
        )


class ConditionView(View):
    """One condition of the rule, as it is for this person."""

    attribute: str
    wanted: list[str]
    """One of these is asked for; with `negated`, none of these."""
    negated: bool
    has: list[str]
    """What is known about the person; empty: nothing."""
    holds: bool | None
    """`null`: nothing is known, so it counts neither way."""

    @classmethod
    def of(cls, condition: Condition) -> Self:
        """Return how a condition is shown."""
        return cls(
            attribute=condition.attribute,
            wanted=list(condition.wanted),
            negated=condition.negated,
            has=list(condition.has),
            holds=condition.holds,
        )


class ExplanationView(View):
    """Why somebody is in a group, or is not."""

    model_config = ConfigDict(serialize_by_alias=True)

    group_id: str
    user_id: str
    is_in: bool = Field(serialization_alias="in")
    """Whether the person is in the circle."""
    because: Because
    """What decides: `fixed` (somebody put them in), `rule`, `exception` (the rule matches, but not for them), or
    `no_rule` (and nobody put them in)."""
    role: Role | None
    effective: bool
    """Whether the membership counts: only while the person may chat and the group is not archived."""
    excepted: bool
    """Whether there is an exception for the person."""
    rule: str | None
    """The group's rule as people write it."""
    holds: bool | None
    """What the rule says about the person; `null`: something that it asks for is not known, or there is no rule."""
    conditions: list[ConditionView]
    """Every condition of the rule, in its order."""
    sentences: list[str]
    """The same for people, in the language asked for."""

    @classmethod
    def of(cls, why: Explanation, *, effective: bool, sentences: Sequence[str]) -> Self:
        """Return how an explanation is shown."""
        return cls(
            group_id=why.group.id,
            user_id=why.user.id,
            is_in=why.standing is not None,
            because=why.because,
            role=why.standing.role if why.standing else None,
            effective=effective,
            excepted=why.excepted,
            rule=rule_text.printed(why.group.rule) if why.group.rule else None,
            holds=why.holds,
            conditions=[ConditionView.of(condition) for condition in why.conditions],
            sentences=list(sentences),
        )


class ExceptionView(PersonView):
    """Somebody whom the group's rule never makes a member."""

    since: datetime
    is_member: bool
    """Whether the person is in the circle nevertheless, because somebody put them in."""

    @classmethod
    def about(cls, found: GroupException) -> Self:
        """Return how an exception is shown."""
        user = found.user
        return cls(
            user_id=user.id,
            username=user.username,
            display_name=user.display_name,
            since=found.since,
            is_member=found.standing is not None,
        )


class ExceptionPage(View):
    """Exceptions in the order of the usernames."""

    items: list[ExceptionView]
    next_cursor: str | None
