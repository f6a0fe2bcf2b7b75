"""What all judgements share: nothing is judged that is not known, and cures are lines for the company's host."""

from collections.abc import Callable
from textwrap import indent
from typing import TypeVar

from kleanxmpp.doctor.facts import Facts, NotChecked
from kleanxmpp.doctor.findings import Verdict, not_checked

T = TypeVar("T")


def judged(value: T | NotChecked, judge: Callable[[T], Verdict]) -> Verdict:
    """Judge a value, unless it is not known."""
    return not_checked(value.why) if isinstance(value, NotChecked) else judge(value)


def for_host(facts: Facts, lines: str) -> str:
    """Return these lines of YAML where they belong: in the options of the company's host."""
    return f"host_config:\n  {facts.addresses.domain}:\n{indent(lines, '    ')}"


def without_module(facts: Facts, *names: str) -> str:
    """Return in words of a comment that these modules and handlers must go."""
    return for_host(facts, "modules:\n" + "\n".join(f"  # without: {name}" for name in names))
