"""What the bodies are made of. Requests are strict: no field is guessed, converted or silently ignored."""

import base64
import binascii
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from kleanxmpp import errors

ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"


class RequestBody(BaseModel):
    """A JSON object that a caller sends."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


def _without_defaults(schema: JsonDict) -> None:
    properties = schema.get("properties")
    for one in properties.values() if isinstance(properties, dict) else ():
        if isinstance(one, dict):
            one.pop("default", None)


class PatchBody(RequestBody):
    """What shall be different. A default is never used: `model_fields_set` says what is meant."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)


class Query(BaseModel):
    """The parameters of a list's address."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class View(BaseModel):
    """A JSON object that is answered."""

    model_config = ConfigDict(
        frozen=True, use_attribute_docstrings=True, json_schema_serialization_defaults_required=True
    )


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("printable", "Only printable characters are allowed.")
    return text


def _one_paragraph_or_more(text: str) -> str:
    if not text.replace("\n", " ").isprintable():
        raise PydanticCustomError("printable", "Only printable characters and line breaks are allowed.")
    return text


Printable = Annotated[str, AfterValidator(_printable)]
Prose = Annotated[str, AfterValidator(_one_paragraph_or_more)]
Id = Annotated[str, Field(pattern=ID_PATTERN)]
ExternalId = Annotated[Printable, Field(min_length=1, max_length=200)]


class ListQuery(Query):
    """How much of a list, and from where."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    """How many entries at most."""
    cursor: Annotated[str, Field(max_length=4000, pattern=r"^[A-Za-z0-9_-]+$")] | None = None
    """The `next_cursor` of the page before; nothing for the first page."""

    def after(self) -> str | None:
        """Return the key of the last entry of the page before. Raises Invalid for a cursor that we did not make."""
        return None if self.cursor is None else _key_of(self.cursor)


def cursor_after(key: str) -> str:
    """Return the opaque cursor of what follows `key`."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _key_of(cursor: str) -> str:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        key = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise _bad_cursor() from error
    if not key or not key.isprintable():
        raise _bad_cursor()
    return key


def _bad_cursor() -> errors.Invalid:
    return errors.Invalid("This is not a cursor that this list gave out.", field="cursor")
