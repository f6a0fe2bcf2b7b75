"""Rules about who belongs to a circle: values, their JSON, and whether one matches a person. Pure.

What is not known about a person is neither true nor false, also under a `not`: the rule `site = "Nord" and not
role = "Leihkraft"` does not match somebody whose role no source ever said, so a source that loses an attribute lets
nobody in. Rules are kept in one shortest form, so that equal rules are equal values. Texts are compared without
regard to case and runs of spaces.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kleanxmpp import errors
from kleanxmpp.attributes import LONGEST_VALUE, NAME_PATTERN, Attributes

LOCALE, EMAIL_DOMAIN = "user.locale", "user.email_domain"
BUILT_IN = (LOCALE, EMAIL_DOMAIN)
"""Facts that every person has, or may have, beside the attributes. The dot keeps them apart from any attribute."""
MOST_CONDITIONS = 50
MOST_VALUES = 1000
DEEPEST = 5

Facts = Mapping[str, frozenset[str]]
"""What rules know about a person: name -> folded values. What is not known is not there."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """The person has at least one of these values."""

    attribute: str
    values: tuple[str, ...]
    folded: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folded", frozenset(map(fold, self.values)))


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: "tuple[Rule, ...]"


@dataclass(frozen=True, slots=True)
class Any:
    """At least one part holds."""

    parts: "tuple[Rule, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """The part is known not to hold."""

    part: "Rule"


Rule = OneOf | All | Any | Not


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of a rule as it is for one person. `holds` regards the `not`s above it; None: not known."""

    attribute: str
    wanted: tuple[str, ...]
    negated: bool
    has: tuple[str, ...]
    holds: bool | None


def fold(text: str) -> str:
    """Return the form in which texts are compared."""
    return " ".join(text.casefold().split())


def known(attributes: Attributes, *, locale: str, email: str | None) -> Attributes:
    """Return everything that rules may ask about a person, as it was said."""
    domain = email.rpartition("@")[2] if email else ""
    return dict(attributes) | {LOCALE: (locale,)} | ({EMAIL_DOMAIN: (domain,)} if domain else {})


def facts(about: Attributes) -> Facts:
    """Return the form in which rules read what is known."""
    return {name: frozenset(map(fold, values)) for name, values in about.items() if values}


def holds(rule: Rule, about: Facts) -> bool | None:
    """Say whether the rule holds for a person; None: that is not known. Only True makes somebody a member."""
    match rule:
        case OneOf():
            has = about.get(rule.attribute)
            return None if has is None else not rule.folded.isdisjoint(has)
        case Not():
            found = holds(rule.part, about)
            return None if found is None else not found
        case All():
            return _joined(rule.parts, about, decides=False)
        case Any():
            return _joined(rule.parts, about, decides=True)


def matches(rule: Rule, about: Facts) -> bool:
    """Whether the rule makes this person a member."""
    return holds(rule, about) is True


def explain(rule: Rule, about: Attributes) -> Sequence[Condition]:
    """Return every condition of the rule in its order, with what is known about the person."""
    return list(_conditions(rule, about, facts(about), negated=False))


def one_of(attribute: str, values: Sequence[str]) -> OneOf:
    """Return a condition. Raises Invalid for a name or values that no person can have."""
    if attribute not in BUILT_IN and not re.fullmatch(NAME_PATTERN, attribute):
        raise _invalid(f"“{attribute[:50]}” is no attribute's name.")
    single = {fold(text): text for value in reversed(values) if (text := " ".join(value.split()))}
    if not single or any(len(text) > LONGEST_VALUE or not text.isprintable() for text in single.values()):
        raise _invalid(f"“{attribute}” is compared with one or more values of up to {LONGEST_VALUE} characters.")
    return OneOf(attribute, tuple(reversed(single.values())))


def every(parts: Sequence[Rule]) -> Rule:
    """Return the shortest rule that holds when all parts do. Raises Invalid for no part: it would match everybody."""
    flat = _flat(parts, All)
    return flat[0] if len(flat) == 1 else All(flat)


def either(parts: Sequence[Rule]) -> Rule:
    """Return the shortest rule that holds when a part does. Raises Invalid for no part."""
    flat = _flat(parts, Any)
    return flat[0] if len(flat) == 1 else Any(flat)


def no(part: Rule) -> Rule:
    """Return the shortest rule that holds when the part is known not to."""
    return part.part if isinstance(part, Not) else Not(part)


def checked(rule: Rule) -> Rule:
    """Return the rule if it is one for a circle. Raises Invalid for too much, or for nothing that makes a member."""
    leaves = list(_leaves(rule))
    if len(leaves) > MOST_CONDITIONS or sum(len(one.values) for one in leaves) > MOST_VALUES or _depth(rule) > DEEPEST:
        raise _invalid(
            f"A rule has up to {MOST_CONDITIONS} conditions with {MOST_VALUES} values in all, "
            f"and up to {DEEPEST} levels."
        )
    if holds(rule, {one.attribute: frozenset() for one in leaves}):
        raise _invalid("A rule needs something that makes people members: “not” alone would take in everybody new.")
    return rule


def from_json(value: object) -> Rule:
    """Return the rule that a JSON value is. Raises Invalid."""
    return checked(_parsed(value, depth=0))


def to_json(rule: Rule) -> dict[str, object]:
    """Return a rule's JSON."""
    match rule:
        case OneOf():
            return {"attribute": rule.attribute, "in": list(rule.values)}
        case Not():
            return {"not": to_json(rule.part)}
        case All():
            return {"all": [to_json(part) for part in rule.parts]}
        case Any():
            return {"any": [to_json(part) for part in rule.parts]}


def _joined(parts: Sequence[Rule], about: Facts, *, decides: bool) -> bool | None:
    """Join what the parts say: one that `decides` does so for all; else one that is not known leaves all unknown."""
    found: bool | None = not decides
    for part in parts:
        one = holds(part, about)
        if one is decides:
            return decides
        if one is None:
            found = None
    return found


def _conditions(rule: Rule, about: Attributes, folded: Facts, *, negated: bool) -> Iterator[Condition]:
    match rule:
        case OneOf():
            yield Condition(
                attribute=rule.attribute,
                wanted=rule.values,
                negated=negated,
                has=about.get(rule.attribute, ()),
                holds=holds(no(rule) if negated else rule, folded),
            )
        case Not():
            yield from _conditions(rule.part, about, folded, negated=not negated)
        case All() | Any():
            for part in rule.parts:
                yield from _conditions(part, about, folded, negated=negated)


def _flat(parts: Sequence[Rule], kind: type[All] | type[Any]) -> tuple[Rule, ...]:
    if not parts:
        raise _invalid("A rule without conditions matches nobody; leave it out instead.")
    return tuple(inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,)))


def _leaves(rule: Rule) -> Iterator[OneOf]:
    match rule:
        case OneOf():
            yield rule
        case Not():
            yield from _leaves(rule.part)
        case All() | Any():
            for part in rule.parts:
                yield from _leaves(part)


def _depth(rule: Rule) -> int:
    match rule:
        case OneOf():
            return 1
        case Not():
            return 1 + _depth(rule.part)
        case All() | Any():
            return 1 + max(map(_depth, rule.parts))


def _parsed(value: object, *, depth: int) -> Rule:
    if depth > 2 * DEEPEST:
        raise _invalid(f"A rule has up to {DEEPEST} levels.")
    match value:
        case {"attribute": str(attribute), "in": list(values), **rest} if not rest and _texts(values):
            return one_of(attribute, values)
        case {"all": list(parts), **rest} if not rest:
            return every([_parsed(part, depth=depth + 1) for part in parts])
        case {"any": list(parts), **rest} if not rest:
            return either([_parsed(part, depth=depth + 1) for part in parts])
        case {"not": part, **rest} if not rest:
            return no(_parsed(part, depth=depth + 1))
    raise _invalid(
        'A rule is {"attribute": NAME, "in": [VALUE, …]}, {"all": [RULE, …]}, {"any": [RULE, …]} or {"not": RULE}.'
    )


def _texts(values: list[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _invalid(message: str) -> errors.Invalid:
    return errors.Invalid(message, field="rule")
