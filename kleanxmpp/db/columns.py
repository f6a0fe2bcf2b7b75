"""Column types that keep our values whole on both databases.

Text compares by code point everywhere (PostgreSQL: collation "C"), so that pages have the same order on
both, and the same as Python's `sorted`.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Generic, TypeVar

from sqlalchemy import JSON, DateTime, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from kleanxmpp import rules

Word = TypeVar("Word", bound=StrEnum)

TEXT = Text().with_variant(Text(collation="C"), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware point in time, stored and given back in UTC. Naive ones are refused: nobody knows what they mean."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware datetime of any zone into UTC."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a point in time needs a time zone")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give SQLite's naive values the zone they were stored in."""
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class WordOf(TypeDecorator[Word], Generic[Word]):
    """A member of a `StrEnum`, stored as its text."""

    impl = TEXT
    cache_ok = True

    def __init__(self, words: type[Word]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: Word | None, dialect: Dialect) -> str | None:
        """Store the text."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: Dialect) -> Word | None:
        """Find the member again."""
        return None if value is None else self.words(value)


class WordsOf(TypeDecorator[frozenset[Word]], Generic[Word]):
    """Members of a `StrEnum`, stored as a JSON list."""

    impl = JSON
    cache_ok = True

    def __init__(self, words: type[Word]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: frozenset[Word] | None, dialect: Dialect) -> list[str] | None:
        """Store a list, in order."""
        return None if value is None else sorted(word.value for word in value)

    def process_result_value(self, value: list[str] | None, dialect: Dialect) -> frozenset[Word] | None:
        """Find the members again."""
        return None if value is None else frozenset(self.words(word) for word in value)


class Texts(TypeDecorator[tuple[str, ...]]):
    """Several texts in their order, stored as a JSON list."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> list[str] | None:
        """Store a list."""
        return None if value is None else list(value)

    def process_result_value(self, value: list[str] | None, dialect: Dialect) -> tuple[str, ...] | None:
        """Make it unchangeable again."""
        return None if value is None else tuple(value)


class TextsByName(TypeDecorator[Mapping[str, tuple[str, ...]]]):
    """Names with several texts each, stored as a JSON object."""

    impl = JSON
    cache_ok = True

    def process_bind_param(
        self, value: Mapping[str, tuple[str, ...]] | None, dialect: Dialect
    ) -> dict[str, list[str]] | None:
        """Store lists."""
        return None if value is None else {name: list(texts) for name, texts in value.items()}

    def process_result_value(
        self, value: dict[str, list[str]] | None, dialect: Dialect
    ) -> Mapping[str, tuple[str, ...]] | None:
        """Make them unchangeable again."""
        return None if value is None else {name: tuple(texts) for name, texts in value.items()}


class RuleText(TypeDecorator[rules.Rule]):
    """A rule, stored as the text of its JSON: groups are read far more often than there are different rules."""

    impl = TEXT
    cache_ok = True

    def process_bind_param(self, value: rules.Rule | None, dialect: Dialect) -> str | None:
        """Store JSON."""
        return None if value is None else json.dumps(rules.to_json(value), ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> rules.Rule | None:
        """Make the rule again, each text once."""
        return None if value is None else _rule(value)


@lru_cache(maxsize=1000)
def _rule(text: str) -> rules.Rule:
    return rules.from_json(json.loads(text))
