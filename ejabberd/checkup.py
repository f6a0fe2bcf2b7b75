"""What our module says about the server that it runs in (`klean_checkup`), as a frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from ejabberd.commands import Commands
from ejabberd.records import Json, Unreadable, as_list, as_text, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerRecord:
    """One listening port.

    `access`: `open` if somebody without the gate gets in, `closed`, or `-`. `sender`: in whose name a component may
    speak, `own` or `anybody`.
    """

    port: str
    module: str
    tls: bool
    access: str
    sender: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckupRecord:
    """Everything that the module tells of one host. `values` are the options that come once."""

    values: Mapping[str, str]
    lists: Mapping[str, frozenset[str]]
    listeners: tuple[ListenerRecord, ...]
    push: Mapping[str, str]
    now: datetime

    @classmethod
    def from_response(cls, answer: Json) -> Self:
        """Read the answer, or raise Unreadable."""
        pairs = [(as_text(field(item, "key")), as_text(field(item, "value"))) for item in as_list(answer)]
        values, missing = dict(pairs), _ONCE - {key for key, _ in pairs}
        if missing:
            raise Unreadable
        return cls(
            values={key: values[key] for key in _ONCE},
            lists={key: frozenset(value for name, value in pairs if name == key) for key in _MANY},
            listeners=tuple(_listener(value) for key, value in pairs if key == "listener"),
            push=dict(_two(value) for key, value in pairs if key == "push"),
            now=_moment(values["time"]),
        )


_ONCE = frozenset({"source", "version", "time", "spool", "auth_use_cache", "s2s_access", "s2s_allowed"})
_MANY = ("auth_method", "module", "host", "route", "module_route", "open_room", "handler")


async def checkup(commands: Commands, *, host: str) -> CheckupRecord:
    """Ask the module. Raises Refused with status 404 where it is not loaded, or is an older one."""
    return await commands.ask("klean_checkup", CheckupRecord.from_response, host=host)


def _listener(text: str) -> ListenerRecord:
    try:
        port, module, tls, access, sender = text.split(" ")
    except ValueError:
        raise Unreadable from None
    return ListenerRecord(port=port, module=module, tls=tls == "tls", access=access, sender=sender)


def _two(text: str) -> tuple[str, str]:
    first, _, second = text.partition(" ")
    return first, second


def _moment(milliseconds: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    except ValueError:
        raise Unreadable from None
