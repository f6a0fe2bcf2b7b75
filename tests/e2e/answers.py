"""What the admin API answered, as tests speak about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.client import Login


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the API answered."""

    status: int
    headers: Mapping[str, str]
    body: Any

    def __getitem__(self, key: str) -> Any:
        return self.body[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user of the directory with the login of the first device."""

    id: str
    username: str
    jid: str
    name: str
    login: Login = field(repr=False)
    credential_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """A group of the directory."""

    id: str
    slug: str
    room: str
    name: str
