"""Asking for many messages at once."""

import json
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Key
from bot.store.schema import messages, versions

_SQLITE = (
    "SELECT json_extract(value, '$[0]') AS channel_id, json_extract(value, '$[1]') AS message_id FROM json_each(:k)"
)
_POSTGRESQL = (
    "SELECT CAST(value ->> 0 AS bigint) AS channel_id, CAST(value ->> 1 AS bigint) AS message_id"
    " FROM json_array_elements(CAST(:k AS json)) AS value"
)


class Wanted:
    """Keys as a table to join with, in one parameter, so that the statement is compiled once.

    Not `(channel_id, message_id) IN (...)`: given two pairs or more, SQLite answers that by reading the whole table.
    """

    def __init__(self, conn: AsyncConnection, keys: Iterable[Key | tuple[int, int]]) -> None:
        places = [(key.channel_id, key.message_id) if isinstance(key, Key) else key for key in keys]
        given = sa.text(_SQLITE if conn.dialect.name == "sqlite" else _POSTGRESQL)
        given = given.bindparams(sa.bindparam("k", json.dumps(list(dict.fromkeys(places))), sa.Text))
        self.table = given.columns(channel_id=sa.BigInteger, message_id=sa.BigInteger).cte("wanted")

    def within(self, table: sa.FromClause) -> sa.Join:
        """Those rows of a table that carry a wanted key."""
        return self.table.join(table, same_message(self.table, table))


def same_message(one: sa.FromClause, other: sa.FromClause) -> sa.ColumnElement[bool]:
    """Both tables' rows are about one message."""
    return (one.c.channel_id == other.c.channel_id) & (one.c.message_id == other.c.message_id)


# The version of a post that is its newest state.
IS_NEWEST = same_message(messages, versions) & (versions.c.number == messages.c.current)
