"""What is known about a person besides who they are: department, site, role … Rules about circles read it.

Names are free; those in `USUAL` are what the doors call the same thing. A person can work at two sites, so every
attribute has several values. Sources say only what they know: what a source leaves out stays, and no value at all
removes an attribute.
"""

import re
from collections.abc import Mapping

from kleanxmpp import errors

Attributes = Mapping[str, tuple[str, ...]]
"""Name -> values in the order they came, each once; a name without values is not there."""

USUAL = ("site", "role", "department", "division", "cost_center", "employee_number", "manager")
NAME_PATTERN = r"^[a-z][a-z0-9_]{0,39}$"
MOST_NAMES = 30
MOST_VALUES = 50
LONGEST_VALUE = 200


def checked(said: Mapping[str, tuple[str, ...]]) -> Attributes:
    """Return what was said with single spaces and each value once. Raises Invalid for what is no name or no value."""
    if len(said) > MOST_NAMES:
        raise errors.Invalid(f"A person has at most {MOST_NAMES} attributes.", field="attributes")
    return {_name(name): _values(name, values) for name, values in said.items()}


def merged(known: Attributes, said: Attributes) -> Attributes:
    """Return what is known after something was said; equal to `known` if that is nothing new. Raises Invalid."""
    after = {name: values for name, values in (dict(known) | dict(checked(said))).items() if values}
    if len(after) > MOST_NAMES:
        raise errors.Invalid(f"A person has at most {MOST_NAMES} attributes.", field="attributes")
    return dict(sorted(after.items()))


def _name(name: str) -> str:
    if not re.fullmatch(NAME_PATTERN, name):
        raise errors.Invalid(
            "An attribute's name has up to 40 small letters, digits and underscores.", field="attributes"
        )
    return name


def _values(name: str, values: tuple[str, ...]) -> tuple[str, ...]:
    single = tuple(dict.fromkeys(text for value in values if (text := " ".join(value.split()))))
    if len(single) > MOST_VALUES or any(len(value) > LONGEST_VALUE or not value.isprintable() for value in single):
        raise errors.Invalid(
            f"An attribute has up to {MOST_VALUES} values of up to {LONGEST_VALUE} printable characters.",
            field=f"attributes.{name}",
        )
    return single
