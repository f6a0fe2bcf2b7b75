"""Rules as people write and read them: `site = "Objekt 12" and role in ("Reinigung", "Glas")`. Pure.

`and` binds closer than `or`; what is nested is printed in parentheses. A word is an attribute's name where `=` or
`in (` follows, so that attributes may be called `not` or `in`, too.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kleanxmpp import errors, rules
from kleanxmpp.rules import All, Any, Not, OneOf, Rule

LONGEST = 20_000
_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|([A-Za-z][A-Za-z0-9_.]*)|([=(),]))', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def printed(rule: Rule) -> str:
    """Return the rule as text."""
    match rule:
        case OneOf(attribute, (value,)):
            return f"{attribute} = {_quoted(value)}"
        case OneOf(attribute, values):
            return f"{attribute} in ({', '.join(map(_quoted, values))})"
        case Not(part):
            return f"not {_within(part)}"
        case All(parts):
            return " and ".join(map(_within, parts))
        case Any(parts):
            return " or ".join(map(_within, parts))


def parse(text: str) -> Rule:
    """Return the rule that the text says. Raises Invalid that says where it is not understood."""
    if len(text) > LONGEST:
        raise errors.Invalid(f"A rule has up to {LONGEST} characters.", field="rule")
    reader = _Reader(tokens=_tokens(text))
    rule = _joined(reader, "or", depth=0)
    if reader.peek() is not None:
        raise reader.unexpected("“and” or “or”")
    return rules.checked(rule)


@dataclass(slots=True, kw_only=True)
class _Reader:
    """The tokens and how far they are read."""

    tokens: Sequence[str]
    at: int = 0

    def peek(self, ahead: int = 0) -> str | None:
        """Return a token that is not taken yet; None: there is none."""
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else None

    def skip(self, word: str) -> bool:
        """Take this word or sign if it is next."""
        if (self.peek() or "").lower() != word:
            return False
        self.at += 1
        return True

    def need(self, sign: str) -> None:
        """Take this sign. Raises Invalid for anything else."""
        if not self.skip(sign):
            raise self.unexpected(f"“{sign}”")

    def names(self) -> bool:
        """Whether a condition begins here, whatever the attribute is called."""
        first, second = self.peek() or '"', (self.peek(1) or "").lower()
        return first[0].isalpha() and (second == "=" or (second == "in" and self.peek(2) == "("))

    def unexpected(self, wanted: str) -> errors.Invalid:
        """Return what to raise where something else was wanted."""
        found = self.peek()
        where = "at the end" if found is None else f"before {found[:50]}"
        return errors.Invalid(f"The rule is not understood: {wanted} is missing {where}.", field="rule")


def _joined(reader: _Reader, word: str, *, depth: int) -> Rule:
    """Read parts with `and` or `or` between them."""
    inner: Callable[[], Rule] = (
        (lambda: _joined(reader, "and", depth=depth)) if word == "or" else (lambda: _single(reader, depth=depth))
    )
    parts = [inner()]
    while reader.skip(word):
        parts.append(inner())
    return rules.either(parts) if word == "or" else rules.every(parts)


def _single(reader: _Reader, *, depth: int) -> Rule:
    if depth > 4 * rules.DEEPEST:
        raise errors.Invalid(f"A rule has up to {rules.DEEPEST} levels.", field="rule")
    if reader.names():
        return _condition(reader)
    if reader.skip("not"):
        return rules.no(_single(reader, depth=depth + 1))
    if reader.skip("("):
        rule = _joined(reader, "or", depth=depth + 1)
        reader.need(")")
        return rule
    raise reader.unexpected('a condition such as site = "Nord"')


def _condition(reader: _Reader) -> OneOf:
    attribute = reader.peek() or ""
    reader.at += 1
    if reader.skip("="):
        return rules.one_of(attribute, [_value(reader)])
    reader.need("in")
    reader.need("(")
    values = [_value(reader)]
    while reader.skip(","):
        values.append(_value(reader))
    reader.need(")")
    return rules.one_of(attribute, values)


def _value(reader: _Reader) -> str:
    token = reader.peek() or ""
    if not token.startswith('"'):
        raise reader.unexpected('a value in quotes, such as "Nord",')
    reader.at += 1
    return _ESCAPED.sub(r"\1", token[1:-1])


def _tokens(text: str) -> list[str]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        token = _TOKEN.match(text, at)
        if token is None:
            raise errors.Invalid(f"The rule is not understood from here on: {text[at:].strip()[:50]}", field="rule")
        found.append(token.group().lstrip())
        at = token.end()
    return found


def _within(rule: Rule) -> str:
    return f"({printed(rule)})" if isinstance(rule, All | Any) else printed(rule)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
