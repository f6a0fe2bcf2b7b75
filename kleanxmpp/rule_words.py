"""Why somebody is in a group or is not, in sentences for the people who look after groups, in German and in English.

Both languages have the same keys; the tests see to it. The first sentence says what decides, then comes a line for
each condition of the rule.
"""

from collections.abc import Mapping, Sequence

from kleanxmpp import rules
from kleanxmpp.attributes import USUAL
from kleanxmpp.desired import Access, access
from kleanxmpp.group_rules import Because, Explanation
from kleanxmpp.model import Company
from kleanxmpp.rules import All, Any, Condition, Not, OneOf, Rule

GERMAN = {
    "in_fixed": "{name} gehört fest zur Gruppe „{group}“, unabhängig von einer Regel.",
    "in_rule": "{name} gehört zur Gruppe „{group}“, weil die Regel zutrifft: {rule}",
    "out_rule": "{name} gehört nicht zur Gruppe „{group}“, weil die Regel nicht zutrifft: {rule}",
    "out_unknown": "{name} gehört nicht zur Gruppe „{group}“, weil etwas nicht bekannt ist, was die Regel verlangt: "
    "{rule}",
    "out_exception": "{name} gehört nicht zur Gruppe „{group}“: Die Regel trifft zu ({rule}), aber es gibt eine "
    "Ausnahme.",
    "out_no_rule": "{name} gehört nicht zur Gruppe „{group}“: Die Gruppe hat keine Regel, und niemand hat {name} "
    "aufgenommen.",
    "excepted": "Es gibt eine Ausnahme: Die Regel nimmt {name} nicht auf.",
    "not_effective": "Die Mitgliedschaft ruht, solange {name} nicht am Chat teilnimmt.",
    "archived": "Die Gruppe ist archiviert: Bis sie zurückgeholt wird, hat sie niemand.",
    "holds": "{attribute}: verlangt ist {wanted}, bekannt ist {has}: erfüllt.",
    "fails": "{attribute}: verlangt ist {wanted}, bekannt ist {has}: nicht erfüllt.",
    "unknown": "{attribute}: verlangt ist {wanted}, bekannt ist nichts: nicht erfüllt.",
    "quoted": "„{value}“",
    "or": " oder ",
    "not": "nicht {wanted}",
    "is": "{attribute} ist {wanted}",
    "is_not": "{attribute} ist nicht {wanted}",
    "none_of": "nicht ({rule})",
    "all": " und ",
    "any": " oder ",
    "site": "Standort",
    "role": "Tätigkeit",
    "department": "Abteilung",
    "division": "Bereich",
    "cost_center": "Kostenstelle",
    "employee_number": "Personalnummer",
    "manager": "vorgesetzte Person",
    rules.LOCALE: "Sprache",
    rules.EMAIL_DOMAIN: "Domain der E-Mail-Adresse",
}
ENGLISH = {
    "in_fixed": "{name} is a fixed member of the group “{group}”, whatever a rule says.",
    "in_rule": "{name} is in the group “{group}” because the rule holds: {rule}",
    "out_rule": "{name} is not in the group “{group}” because the rule does not hold: {rule}",
    "out_unknown": "{name} is not in the group “{group}” because something that the rule asks for is not known: {rule}",
    "out_exception": "{name} is not in the group “{group}”: the rule holds ({rule}), but there is an exception.",
    "out_no_rule": "{name} is not in the group “{group}”: the group has no rule, and nobody put {name} in.",
    "excepted": "There is an exception: the rule does not take {name} in.",
    "not_effective": "The membership rests as long as {name} does not take part in the chat.",
    "archived": "The group is archived: until it is brought back nobody has it.",
    "holds": "{attribute}: wanted is {wanted}, known is {has}: met.",
    "fails": "{attribute}: wanted is {wanted}, known is {has}: not met.",
    "unknown": "{attribute}: wanted is {wanted}, nothing is known: not met.",
    "quoted": "“{value}”",
    "or": " or ",
    "not": "not {wanted}",
    "is": "{attribute} is {wanted}",
    "is_not": "{attribute} is not {wanted}",
    "none_of": "not ({rule})",
    "all": " and ",
    "any": " or ",
    "site": "site",
    "role": "job",
    "department": "department",
    "division": "division",
    "cost_center": "cost center",
    "employee_number": "personnel number",
    "manager": "manager",
    rules.LOCALE: "language",
    rules.EMAIL_DOMAIN: "domain of the e-mail address",
}
WORDS = {"de": GERMAN, "en": ENGLISH}


def sentences(company: Company, why: Explanation, *, language: str) -> Sequence[str]:
    """Return the explanation in `de` or `en`."""
    words = WORDS[language]
    about = {
        "name": why.user.display_name,
        "group": why.group.name,
        "rule": described(why.group.rule, language=language) if why.group.rule else "",
    }
    said = [words[_reason(why)].format(**about)]
    if why.excepted and why.because is not Because.EXCEPTION:
        said.append(words["excepted"].format(**about))
    if why.standing is not None and access(company, why.user) is not Access.FULL:
        said.append(words["not_effective"].format(**about))
    if why.group.archived:
        said.append(words["archived"])
    return [*said, *(_line(words, condition, language=language) for condition in why.conditions)]


def described(rule: Rule, *, language: str) -> str:
    """Return what a rule says, in `de` or `en`."""
    words = WORDS[language]
    match rule:
        case OneOf(attribute, values) | Not(OneOf(attribute, values)):
            said = words["is_not" if isinstance(rule, Not) else "is"]
            return said.format(attribute=attribute_name(attribute, language=language), wanted=_listed(words, values))
        case Not(part):
            return words["none_of"].format(rule=described(part, language=language))
        case All(parts) | Any(parts):
            joint = words["all" if isinstance(rule, All) else "any"]
            return joint.join(_within(part, language=language) for part in parts)


def attribute_name(attribute: str, *, language: str) -> str:
    """Return what an attribute is called; of one that is not usual, its own name."""
    known = attribute in rules.BUILT_IN or attribute in USUAL
    return WORDS[language][attribute] if known else attribute


def _within(part: Rule, *, language: str) -> str:
    said = described(part, language=language)
    return f"({said})" if isinstance(part, All | Any) else said


def _reason(why: Explanation) -> str:
    if why.because is Because.RULE and why.standing is None and why.holds is None:
        return "out_unknown"
    return f"{'in' if why.standing else 'out'}_{why.because}"


def _line(words: Mapping[str, str], condition: Condition, *, language: str) -> str:
    wanted = _listed(words, condition.wanted)
    return words[{True: "holds", False: "fails", None: "unknown"}[condition.holds]].format(
        attribute=attribute_name(condition.attribute, language=language),
        wanted=words["not"].format(wanted=wanted) if condition.negated else wanted,
        has=_listed(words, condition.has, joined=", "),
    )


def _listed(words: Mapping[str, str], values: Sequence[str], *, joined: str | None = None) -> str:
    return (joined or words["or"]).join(words["quoted"].format(value=value) for value in values)
