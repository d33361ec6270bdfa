"""Column types that both engines read and write alike."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError, to_json
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SURROGATE = re.compile("[\ud800-\udfff]")

# SQLite gives row ids only to a column that is exactly INTEGER.
RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Moment(TypeDecorator[datetime]):
    """An aware datetime, UTC both ways: timestamptz on PostgreSQL, microseconds since 1970 on SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Integers compare and index as SQLite's text dates would not."""
        own = sa.BigInteger() if dialect.name == "sqlite" else sa.DateTime(timezone=True)
        return dialect.type_descriptor(own)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Raise ValueError for a naive datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a time zone: {value!r}")
        return (value - _EPOCH) // _MICROSECOND if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give UTC, whatever zone the session is in."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return _EPOCH + int(value) * _MICROSECOND
        moment: datetime = value
        return moment.astimezone(UTC)


def storable(text: str) -> str:
    """Replace what PostgreSQL refuses in text, NUL and lone surrogates, with U+FFFD."""
    if "\0" not in text and _SURROGATE.search(text) is None:
        return text
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Text(TypeDecorator[str]):
    """Text from outside, made storable."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """See `storable`."""
        return None if value is None else storable(value)


class Noun(TypeDecorator[Any]):
    """A frozen dataclass of bot.model as JSON text.

    Text, not jsonb: jsonb refuses \\u0000, which a hostile post may contain.
    """

    impl = sa.Text
    cache_ok = True

    def __init__(self, noun: Any) -> None:
        super().__init__()
        self.noun = noun
        self._adapter: TypeAdapter[Any] = TypeAdapter(noun)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write JSON; NaN and Infinity, which Whisper can yield, by their names."""
        if value is None:
            return None
        try:
            return to_json(value, inf_nan_mode="constants").decode()
        except PydanticSerializationError:  # a lone surrogate somewhere
            return storable(json.dumps(self._adapter.dump_python(value, mode="json"), ensure_ascii=False))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Read it back; equal to what was written, but for lone surrogates."""
        return None if value is None else self._adapter.validate_json(value)
