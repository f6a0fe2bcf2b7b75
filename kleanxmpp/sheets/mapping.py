"""The small TOML file that says what the columns of somebody else's export mean, and how it is written.

It is strict: what it does not name must be ignored expressly, or the import stops, because a column that nobody
thought of may be the one that says who left.
"""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from kleanxmpp import attributes, errors
from kleanxmpp.sheets.text import Encoding

FIELDS: Mapping[str, str] = {
    "username": "fixed for ever; made from the name if it is not given",
    "display_name": "or first_name and last_name, or name_reversed",
    "first_name": "",
    "last_name": "",
    "name_reversed": "as in “Berg, Anna”",
    "external_id": "the id that HR or KleanApp uses; the surest way to find the person again",
    "email": "",
    "locale": "de or en",
    "active": "ja/nein, yes/no, true/false, 1/0, x, aktiv/inaktiv; no off-boards the person",
    "chat_permission": "like active",
    "joined_on": "the first day of the employment",
    "leaves_on": "the last day of the employment; the person is off-boarded after it",
    "groups": "names separated by ; and a * after (or before) those that the person moderates",
}
"""What a column can mean, besides attributes: their usual names, or attributes.NAME."""

Dates = Literal["DD.MM.YYYY", "DD.MM.YY", "YYYY-MM-DD", "YYYYMMDD", "DD/MM/YYYY", "MM/DD/YYYY"]
_LARGEST = 200_000


def canonical(name: str) -> str | None:
    """Return the full name of what a column can mean: `site` is `attributes.site`. None: there is no such thing."""
    if name in FIELDS:
        return name
    if name in attributes.USUAL:
        return f"attributes.{name}"
    prefix, _, rest = name.partition(".")
    try:
        return name if prefix == "attributes" and attributes.checked({rest: ()}) else None
    except errors.Invalid:
        return None


def _checked(name: str) -> str:
    found = canonical(name)
    if found is None:
        known = ", ".join((*FIELDS, *attributes.USUAL))
        raise ValueError(f"there is no field “{name}”; there are {known} and attributes.NAME")
    return found


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Column(_Part):
    """What one column means. `yes` and `no` are further words for a fact; an empty one is what an empty cell says."""

    field: str
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    separator: Annotated[str, Field(min_length=1, max_length=3)] | None = None

    _field = field_validator("field")(_checked)


class Layout(_Part):
    """How the file is written. None: recognise it."""

    encoding: Encoding | None = None
    delimiter: Literal[";", ",", "|", "tab"] | None = None
    sheet: str | None = None
    header: Annotated[int, Field(ge=1, le=1000)] | None = None
    ignore: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    dates: tuple[Dates, ...] = ("DD.MM.YYYY",)
    separator: Annotated[str, Field(min_length=1, max_length=3)] = ";"

    @field_validator("dates", mode="before")
    @classmethod
    def _one_or_several(cls, given: object) -> object:
        return (given,) if isinstance(given, str) else given


class Groups(_Part):
    """What holds for the groups that the file names."""

    announcements: tuple[str, ...] = ()


class Mapping_(_Part):
    """The whole file: `[file]`, `[columns]`, `[constants]`, `[groups]`."""

    file: Layout = Layout()
    columns: dict[str, tuple[Column, ...]]
    constants: dict[str, str] = {}
    groups: Groups = Groups()

    @field_validator("columns", mode="before")
    @classmethod
    def _short_forms(cls, given: object) -> object:
        return {name: _columns(one) for name, one in given.items()} if isinstance(given, dict) else given

    @field_validator("constants", mode="before")
    @classmethod
    def _texts(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        return {_checked(name): _text(value) for name, value in _flat(given)}

    @model_validator(mode="after")
    def _each_once(self) -> "Mapping_":
        fields = [one.field for several in self.columns.values() for one in several] + list(self.constants)
        if twice := sorted({field for field in fields if fields.count(field) > 1}):
            raise ValueError(f"{', '.join(twice)} comes from more than one place")
        if not fields:
            raise ValueError("no column is named")
        return self


def read(data: bytes) -> Mapping_:
    """Return the mapping of a TOML file. Raises Invalid with everything that is wrong with it."""
    if len(data) > _LARGEST:
        raise errors.Invalid("The mapping is too large.", field="mapping")
    try:
        return Mapping_.model_validate(tomllib.loads(data.decode("utf-8-sig")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise errors.Invalid(f"The mapping is no TOML: {error}.", field="mapping") from None
    except ValidationError as error:
        found = (f"{'.'.join(map(str, one['loc'])) or 'mapping'}: {one['msg']}" for one in error.errors())
        raise errors.Invalid(f"The mapping is not right. {'; '.join(found)}.", field="mapping") from None


def _columns(given: object) -> object:
    """Return the long form of "field", of a table, or of a list of both."""
    several = given if isinstance(given, list) else [given]
    return [{"field": one} if isinstance(one, str) else one for one in several]


def _flat(given: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted names: TOML makes a table of `attributes.site = …`."""
    for name, value in given.items():
        if isinstance(value, dict) and not before:
            yield from _flat(value, f"{name}.")
        else:
            yield before + name, value


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int):
        return str(value)
    raise ValueError("a constant is a text, a whole number, true or false")
