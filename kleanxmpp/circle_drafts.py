"""A circle that somebody is changing and has not saved. Pure.

The draft travels in the form itself, so nothing is stored and nothing is lost. It holds the circle as it was when the
editing began, too: only so can it be told later what somebody else changed meanwhile. Of a group with a rule it is
about the fixed members; who is in by the rule is not its business.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from kleanxmpp import errors
from kleanxmpp.model import Role

_MARKS = {Role.MEMBER: "", Role.MODERATOR: "*"}
_ITEM = re.compile(r"([-*]?)([0-9a-f]{32})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What makes one circle of another."""

    joining: Mapping[str, Role]
    leaving: frozenset[str]
    roles: Mapping[str, Role]

    @property
    def put(self) -> Mapping[str, Role]:
        """Everybody who comes in or gets another role."""
        return {**self.joining, **self.roles}

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.joining or self.leaving or self.roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class CircleDraft:
    """The circle as it shall be (`roles`), and as it was in `version` (`base`)."""

    version: int
    base: Mapping[str, Role]
    roles: Mapping[str, Role]

    @property
    def difference(self) -> Difference:
        """What the draft would change."""
        return difference(self.base, self.roles)

    def put(self, user_ids: Iterable[str], role: Role | None = None) -> "CircleDraft":
        """Let these people in. A role of None keeps the one that somebody has."""
        new = {user_id: role or self.roles.get(user_id, Role.MEMBER) for user_id in user_ids}
        return replace(self, roles={**self.roles, **new})

    def without(self, user_ids: Iterable[str]) -> "CircleDraft":
        """Take these people out."""
        out = set(user_ids)
        return replace(self, roles={user_id: role for user_id, role in self.roles.items() if user_id not in out})

    def on_top_of(self, *, version: int, base: Mapping[str, Role]) -> "CircleDraft":
        """Return what this draft changes, applied to a circle that somebody else changed meanwhile."""
        mine = self.difference
        kept = {user_id: role for user_id, role in base.items() if user_id not in mine.leaving}
        return CircleDraft(version=version, base=base, roles={**kept, **mine.put})


def begun(*, version: int, base: Mapping[str, Role]) -> CircleDraft:
    """Return a draft that changes nothing yet."""
    return CircleDraft(version=version, base=base, roles=base)


def difference(before: Mapping[str, Role], after: Mapping[str, Role]) -> Difference:
    """Return what makes `after` of `before`."""
    return Difference(
        joining={user_id: role for user_id, role in after.items() if user_id not in before},
        leaving=frozenset(before.keys() - after.keys()),
        roles={user_id: role for user_id, role in after.items() if user_id in before and before[user_id] is not role},
    )


def written(draft: CircleDraft) -> tuple[str, str]:
    """Return a draft as two texts for a form: the circle as it was, and what changes."""
    change = draft.difference
    leaving = (f"-{user_id}" for user_id in sorted(change.leaving))
    return _text(draft.base), " ".join([_text(change.put), *leaving]).strip()


def read(*, version: int, base: str, changes: str) -> CircleDraft:
    """Return the draft that these texts are. Raises Invalid for what no form of ours holds."""
    circle, out = _items(base)
    put, leaving = _items(changes)
    if out or leaving - circle.keys():
        raise errors.Invalid("This is no circle.", field="base")
    kept = {user_id: role for user_id, role in circle.items() if user_id not in leaving}
    return CircleDraft(version=version, base=circle, roles=kept | put)


def _text(circle: Mapping[str, Role]) -> str:
    return " ".join(_MARKS[role] + user_id for user_id, role in sorted(circle.items()))


def _items(text: str) -> tuple[dict[str, Role], set[str]]:
    put, out = dict[str, Role](), set[str]()
    for word in text.split():
        found = _ITEM.fullmatch(word)
        if found is None:
            raise errors.Invalid("This is no circle.", field="base")
        mark, user_id = found.groups()
        if mark == "-":
            out.add(user_id)
        else:
            put[user_id] = Role.MODERATOR if mark else Role.MEMBER
    return put, out
