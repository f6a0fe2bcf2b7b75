"""Rules: their two written forms, whom they match, and that the explanation says the same."""

from typing import Any as Whatever

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleanxmpp import errors, rule_text, rules
from kleanxmpp.attributes import Attributes
from kleanxmpp.rules import All, Any, Not, OneOf, Rule

NAMES = ("site", "role", "not", "in", "and", "user.locale")
VALUES = ("Nord", "nord ", "Objekt  12", "objekt 12", 'Haus "A"', "a\\b", "ß", "SS", "and", ")")
SITE, ROLE = OneOf("site", ("Objekt 12",)), OneOf("role", ("Reinigung", "Glas"))

conditions = st.builds(
    rules.one_of, st.sampled_from(NAMES), st.lists(st.sampled_from(VALUES), min_size=1, max_size=3)
)  # fmt: skip


def _nested(parts: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    several = st.lists(parts, min_size=1, max_size=3)
    return st.builds(rules.every, several) | st.builds(rules.either, several) | st.builds(rules.no, parts)


any_rule = st.recursive(conditions, _nested, max_leaves=8)


def _acceptable(rule: Rule) -> bool:
    try:
        rules.checked(rule)
    except errors.Invalid:
        return False
    return True


a_rule = any_rule.filter(_acceptable)
people = st.dictionaries(
    st.sampled_from(NAMES), st.lists(st.sampled_from(VALUES), min_size=1, max_size=2).map(tuple), max_size=4
)


def naive(rule: Rule, about: Attributes) -> float:
    """Kleene's logic by numbers: 0 does not hold, 1 holds, one half is not known."""
    match rule:
        case OneOf(attribute, values):
            has = {" ".join(value.split()).casefold() for value in about.get(attribute, ())}
            return 0.5 if not has else float(any(" ".join(v.split()).casefold() in has for v in values))
        case Not(part):
            return 1 - naive(part, about)
        case All(parts):
            return min(naive(part, about) for part in parts)
        case Any(parts):
            return max(naive(part, about) for part in parts)


def from_conditions(rule: Rule, holding: list[bool | None], *, negated: bool = False) -> float:
    """Put together what the explanation says about each condition, in order."""
    match rule:
        case OneOf():
            found = holding.pop(0)
            return 0.5 if found is None else float(found)
        case Not(part):
            return from_conditions(part, holding, negated=not negated)
        case All(parts) | Any(parts):
            each = [from_conditions(part, holding, negated=negated) for part in parts]
            return min(each) if isinstance(rule, All) is not negated else max(each)


@given(a_rule)
def test_a_printed_rule_reads_as_the_same_rule(rule: Rule) -> None:
    assert rule_text.parse(rule_text.printed(rule)) == rule


@given(a_rule)
def test_a_rule_comes_back_from_json_as_the_same_rule(rule: Rule) -> None:
    assert rules.from_json(rules.to_json(rule)) == rule


@given(any_rule, people)
def test_a_rule_matches_whom_the_naive_model_matches(rule: Rule, about: Attributes) -> None:
    assert rules.matches(rule, rules.facts(about)) == (naive(rule, about) == 1)


@given(any_rule, people)
def test_the_explanation_agrees_with_the_rule(rule: Rule, about: Attributes) -> None:
    explained = rules.explain(rule, about)
    assert from_conditions(rule, [one.holds for one in explained]) == naive(rule, about)
    assert all((one.holds is None) == (not one.has) for one in explained)


@given(a_rule)
def test_a_rule_matches_nobody_of_whom_nothing_is_known(rule: Rule) -> None:
    assert not rules.matches(rule, {})


@given(st.text(alphabet='siteandorn=(),." \\\n€', max_size=60))
def test_whatever_is_typed_is_a_rule_or_refused(text: str) -> None:
    try:
        rule = rule_text.parse(text)
    except errors.Invalid as refused:
        assert refused.field == "rule"
    else:
        assert rule_text.parse(rule_text.printed(rule)) == rule


def test_a_rule_reads_as_people_write_it() -> None:
    text = 'site = "Objekt 12" and role in ("Reinigung", "Glas")'
    assert rule_text.parse(text) == All((SITE, ROLE))
    assert rule_text.printed(All((SITE, ROLE))) == text
    mixed = rule_text.parse('site="Objekt 12" AND NOT role IN ("Reinigung","Glas") or department = "a \\"b\\" \\\\"')
    assert mixed == Any((All((SITE, Not(ROLE))), OneOf("department", ('a "b" \\',))))
    assert rule_text.parse('not in ("x") and not not = "y" and in = "z"') == All(
        (OneOf("not", ("x",)), Not(OneOf("not", ("y",))), OneOf("in", ("z",)))
    )


def test_case_and_spaces_do_not_matter() -> None:
    rule = rules.one_of("site", ["  Objekt   12 ", "OBJEKT 12", "Straße"])
    assert rule.values == ("Objekt 12", "Straße")
    assert rules.matches(rule, rules.facts({"site": ("Nord", "objekt 12")}))
    assert rules.matches(rule, rules.facts({"site": ("STRASSE",)}))
    assert not rules.matches(rule, rules.facts({"site": ("Objekt 1",)}))


def test_what_is_not_known_matches_neither_a_condition_nor_its_opposite() -> None:
    rule = All((SITE, Not(ROLE)))
    assert not rules.matches(rule, rules.facts({"site": ("Objekt 12",)}))
    assert not rules.matches(rule, rules.facts({"site": ("Objekt 12",), "role": ("Glas",)}))
    assert rules.matches(rule, rules.facts({"site": ("Objekt 12",), "role": ("Leitung",)}))


def test_language_and_mail_domain_are_known_beside_the_attributes() -> None:
    about = rules.known({"user": ("x",)}, locale="de", email="anna@Nord.example")
    assert rules.matches(
        rule_text.parse('user.locale = "DE" and user.email_domain = "nord.example"'), rules.facts(about)
    )
    assert rules.EMAIL_DOMAIN not in rules.known({}, locale="de", email=None)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "A rule is"),
        ({}, "A rule is"),
        ([], "A rule is"),
        ({"all": []}, "matches nobody"),
        ({"any": []}, "matches nobody"),
        ({"attribute": "site", "in": []}, "one or more values"),
        ({"attribute": "site", "in": [" "]}, "one or more values"),
        ({"attribute": "site", "in": ["x" * 201]}, "one or more values"),
        ({"attribute": "site", "in": ["a\u0000"]}, "one or more values"),
        ({"attribute": "site", "in": [1]}, "A rule is"),
        ({"attribute": "site", "in": ["x"], "all": []}, "A rule is"),
        ({"attribute": "Site", "in": ["x"]}, "no attribute's name"),
        ({"attribute": "user.name", "in": ["x"]}, "no attribute's name"),
        ({"not": {"attribute": "site", "in": ["x"]}}, "needs something that makes"),
        (
            {"any": [{"attribute": "a", "in": ["x"]}, {"not": {"attribute": "b", "in": ["x"]}}]},
            "needs something that makes",
        ),
        ({"any": [{"attribute": "a", "in": [str(n)]} for n in range(51)]}, "up to 50 conditions"),
        ({"attribute": "a", "in": [str(n) for n in range(1001)]}, "up to 50 conditions"),
    ],
)
def test_what_is_no_rule_is_refused(value: Whatever, said: str) -> None:
    with pytest.raises(errors.Invalid, match=said) as refused:
        rules.from_json(value)
    assert refused.value.field == "rule"


def test_rules_are_not_nested_without_end() -> None:
    deep: Whatever = {"attribute": "site", "in": ["x"]}
    for kind in ["all", "any"] * 500:
        deep = {kind: [deep, deep]}
    with pytest.raises(errors.Invalid, match="5 levels"):
        rules.from_json(deep)
    with pytest.raises(errors.Invalid, match="5 levels"):
        rule_text.parse("(" * 5000 + 'a = "b"' + ")" * 5000)
    with pytest.raises(errors.Invalid, match="5 levels"):
        rule_text.parse("not " * 4000 + 'a = "b"')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a condition such as .* is missing at the end"),
        ('site = "x" site = "y"', "“and” or “or” is missing before site"),
        ("site = x", "a value in quotes, .* is missing before x"),
        ('site = "x', 'not understood from here on: "x'),
        ('(site = "x"', "“\\)” is missing at the end"),
        ('site in ("x" "y")', '“\\)” is missing before "y"'),
        ("x" * 20_001, "up to 20000 characters"),
    ],
)
def test_text_that_is_no_rule_is_refused_where_it_stops_making_sense(text: str, said: str) -> None:
    with pytest.raises(errors.Invalid, match=said):
        rule_text.parse(text)
