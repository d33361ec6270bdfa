"""Full-text search: the same terms, asked of FTS5 and of PostgreSQL's tsquery.

Terms hold letters and digits alone (texts.py), so nothing that a user types reaches either syntax.
"""

from collections.abc import Sequence
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.newest import load_newest
from bot.store.newest_sqlite import MOST_READ
from bot.store.schema import search_documents
from bot.store.texts import Term
from bot.store.walk import Sought, stands

Order = Literal["newest", "best"]

_FTS = sa.table("search_index", sa.column("rowid", sa.Integer))
_VECTOR = search_documents.c.vector
# Posts of one moment.
_TIES = (search_documents.c.channel_id, search_documents.c.message_id.desc())


async def find(
    conn: AsyncConnection, terms: Sequence[Term], where: Sequence[sa.ColumnElement[bool]], order: Order, limit: int
) -> Sequence[Any]:
    """(channel_id, message_id, ...) of the posts that hold the terms, in order."""
    sqlite = conn.dialect.name == "sqlite"
    if order == "newest":
        return await load_newest(conn, _words(terms) if sqlite else _vectors(terms), where, _TIES, limit)
    d = search_documents.c
    source, holds, rank = _ranked_fts(terms) if sqlite else _ranked_vectors(terms)
    query = sa.select(d.channel_id, d.message_id).select_from(source).where(holds, *where)
    return (await conn.execute(query.order_by(rank, d.posted_at.desc(), *_TIES).limit(limit))).all()


def _words(terms: Sequence[Term]) -> Sought:
    def reads() -> sa.ColumnElement[bool]:
        return sa.and_(*(~_stands(term) if term.exclude else _stands(term) for term in terms))

    return Sought(reads=reads, asks=_fts(terms), long=len(terms) > MOST_READ)


def _vectors(terms: Sequence[Term]) -> Sought:
    read = any(term.exclude or len(term.words) > 1 for term in terms)
    return Sought(reads=lambda: _holds(terms), asks=_lexemes(terms), judged_by_reading=read)


def _holds(terms: Sequence[Term]) -> sa.ColumnElement[bool]:
    # The index finds posts that hold all the words; LIKE over the folded text then sees whether a phrase's stand side
    # by side (positions in a tsvector end at 16,383, transcripts do not).
    holds: list[sa.ColumnElement[bool]] = [_VECTOR.op("@@", is_comparison=True)(_tsquery(terms))]
    for term in terms:
        if term.exclude:
            holds.append(~_stands(term))
        elif len(term.words) > 1:
            holds.append(_stands(term))
    return sa.and_(*holds)


def _ranked_fts(terms: Sequence[Term]) -> tuple[sa.FromClause, sa.ColumnElement[bool], sa.ColumnElement[Any]]:
    index: sa.ColumnElement[Any] = sa.literal_column("search_index")
    source = search_documents.join(_FTS, _FTS.c.rowid == search_documents.c.document_id)
    return source, index.op("MATCH", is_comparison=True)(_fts(terms)), sa.func.bm25(index)


def _ranked_vectors(terms: Sequence[Term]) -> tuple[sa.FromClause, sa.ColumnElement[bool], sa.ColumnElement[Any]]:
    return search_documents, _holds(terms), sa.func.ts_rank(_VECTOR, _tsquery(terms)).desc()


def _fts(terms: Sequence[Term]) -> str:
    wanted = " AND ".join(_fts_term(term) for term in terms if not term.exclude)
    unwanted = " OR ".join(_fts_term(term) for term in terms if term.exclude)
    return f"({wanted}) NOT ({unwanted})" if unwanted else wanted


def _fts_term(term: Term) -> str:
    return f'"{" ".join(term.words)}"{" *" if term.prefix else ""}'


def _tsquery(terms: Sequence[Term]) -> sa.ColumnElement[Any]:
    return sa.cast(_lexemes(terms), TSQUERY)


def _lexemes(terms: Sequence[Term]) -> str:
    return " & ".join(_lexeme(term) for term in terms if not term.exclude)


def _lexeme(term: Term) -> str:
    *full, last = (f"'{word}'" for word in term.words)
    return " & ".join([*full, f"{last}:*" if term.prefix else last])


def _stands(term: Term) -> sa.ColumnElement[bool]:
    return stands(term.words, prefix=term.prefix)
