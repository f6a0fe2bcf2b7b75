"""What ejabberd's HTTP API answers, as frozen values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

Json = Mapping[str, "Json"] | list["Json"] | str | int | float | bool | None

_SEPARATORS = re.compile(r"[\s,]+")


class Unreadable(Exception):
    """An answer does not have the expected shape. Translated in `EjabberdApi`, never seen outside."""


def as_list(answer: Json) -> list[Json]:
    """Narrow to a list, or raise Unreadable."""
    if not isinstance(answer, list):
        raise Unreadable
    return answer


def as_text(answer: Json) -> str:
    """Narrow to text, or raise Unreadable."""
    if not isinstance(answer, str):
        raise Unreadable
    return answer


def as_number(answer: Json) -> int:
    """Narrow to a whole number (also one written as text), or raise Unreadable."""
    try:
        return int(answer)  # type: ignore[arg-type]  # anything else than a number ends in the same place
    except (TypeError, ValueError):
        raise Unreadable from None


def field(answer: Json, name: str) -> Json:
    """Read one field of an object, or raise Unreadable."""
    if not isinstance(answer, Mapping) or name not in answer:
        raise Unreadable
    return answer[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """Which ejabberd answers."""

    version: str
    """As the package calls it, like `24.12-3~bpo12+1`."""
    release: tuple[int, int]

    @classmethod
    def from_response(cls, answer: Json) -> Self:
        """Read the answer, or raise Unreadable."""
        found = re.search(r"ejabberd (\d+)\.(\d+)\S*", as_text(answer))
        if found is None:
            raise Unreadable
        return cls(version=found.group().removeprefix("ejabberd "), release=(int(found.group(1)), int(found.group(2))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One live or sleeping (resumable) session of a user."""

    resource: str
    uptime: int
    """Seconds."""

    @classmethod
    def from_response(cls, answer: Json) -> Self:
        """Read the answer, or raise Unreadable."""
        return cls(resource=as_text(field(answer, "resource")), uptime=as_number(field(answer, "uptime")))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRecord:
    """A session of a device. The mark is empty if it is not known; not awake: its connection broke."""

    resource: str
    mark: str
    awake: bool

    @classmethod
    def from_response(cls, answer: Json) -> Self:
        """Read the answer, or raise Unreadable."""
        return cls(
            resource=as_text(field(answer, "resource")),
            mark=as_text(field(answer, "mark")),
            awake=as_number(field(answer, "awake")) != 0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRecord:
    """When a secret with this mark was last connected with, in milliseconds since 1970; the stamp names the entry."""

    username: str
    mark: str
    at: int
    stamp: str

    @classmethod
    def from_response(cls, answer: Json) -> Self:
        """Read the answer, or raise Unreadable."""
        return cls(
            username=as_text(field(answer, "user")),
            mark=as_text(field(answer, "mark")),
            at=as_number(field(answer, "at")),
            stamp=as_text(field(answer, "stamp")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedGroup:
    """Options of a shared roster group."""

    label: str
    description: str
    display: frozenset[str]
    """The groups whose members this group's members see."""

    @classmethod
    def from_response(cls, answer: Json) -> Self | None:
        """None: there is no such group."""
        options = {as_text(field(item, "key")): as_text(field(item, "value")) for item in as_list(answer)}
        if not options:
            return None
        # several displayed groups are joined by "\n" (23.01) or "\n, \n" (24.12)
        display = frozenset(_SEPARATORS.split(options.get("displayed_groups", ""))) - {""}
        return cls(label=options.get("label", ""), description=options.get("description", ""), display=display)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomAffiliation:
    """One entry of a room's list. A user's JID is bare; a whole domain has no `@`."""

    jid: str
    affiliation: str
    reason: str

    @classmethod
    def from_response(cls, answer: Json) -> Self:
        """Read the answer, or raise Unreadable."""
        username, domain = as_text(field(answer, "username")), as_text(field(answer, "domain"))
        return cls(
            jid=f"{username}@{domain}" if username else domain,
            affiliation=as_text(field(answer, "affiliation")),
            reason=as_text(field(answer, "reason")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomOccupant:
    """Somebody who is in a room now."""

    jid: str
    nick: str
    role: str

    @classmethod
    def from_response(cls, answer: Json) -> Self:
        """Read the answer, or raise Unreadable."""
        return cls(
            jid=as_text(field(answer, "jid")),
            nick=as_text(field(answer, "nick")),
            role=as_text(field(answer, "role")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownNames:
    """The names in a user's vCard. None: not there."""

    full_name: str | None
    nickname: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """What is kept for a user: the vCard's names (empty: not there) and the stored bookmarks as XML.

    `photo`: the SHA-1 of the directory's photo; empty: the picture, if there is any, is the person's own.
    """

    username: str
    full_name: str
    nickname: str
    photo: str
    bookmarks: str

    @classmethod
    def from_response(cls, answer: Json) -> Self:
        """Read the answer, or raise Unreadable."""
        return cls(
            username=as_text(field(answer, "user")),
            full_name=as_text(field(answer, "full_name")),
            nickname=as_text(field(answer, "nickname")),
            photo=as_text(field(answer, "photo")),
            bookmarks=as_text(field(answer, "bookmarks")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """How much is kept for a user that outlives sessions: push registrations, waiting messages, tokens."""

    username: str
    push: int
    offline_messages: int
    tokens: int

    @classmethod
    def from_response(cls, answer: Json) -> Self:
        """Read the answer, or raise Unreadable."""
        return cls(
            username=as_text(field(answer, "user")),
            push=as_number(field(answer, "push")),
            offline_messages=as_number(field(answer, "offline_messages")),
            tokens=as_number(field(answer, "tokens")),
        )
