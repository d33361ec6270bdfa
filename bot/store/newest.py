"""The newest documents that hold something: how much is read must not grow with how common it is.

An index of words knows every document that holds a word, but not which is the newest: for the commonest words it gives
nearly all, to be looked up and sorted. What is common stands in the newest documents as well. So those are read first, and
the index is asked for older ones alone, when they did not suffice: then what is looked for is rare, or has become so.
What is known beforehand to be rare is asked of the index at once: of SQLite's, which tells (newest_sqlite.py), and of
PostgreSQL's by what its statistics say of the words (newest_postgresql.py). The answer is the same whichever way it is
found: each parts the documents by their time.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import newest_postgresql, newest_sqlite
from bot.store.walk import Conditions, Sought, Walk


async def load_newest(
    conn: AsyncConnection, sought: Sought, where: Conditions, ties: Sequence[sa.ColumnElement[Any]], limit: int
) -> list[Any]:
    """(channel_id, message_id, posted_at, document_id) of up to `limit` documents, by `posted_at`, then by `ties`."""
    walk = Walk(conn, sought, where, ties, limit)
    load = newest_sqlite.load if conn.dialect.name == "sqlite" else newest_postgresql.load
    return await load(walk)
