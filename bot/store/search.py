"""Full-text search: the same terms, asked of FTS5 and of PostgreSQL's tsquery.

Terms hold letters and digits alone (texts.py), so nothing that a user types reaches either syntax.
"""

from collections.abc import Sequence
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.schema import search_documents
from bot.store.texts import Term

Order = Literal["newest", "best"]

_FTS = sa.table("search_index", sa.column("rowid", sa.Integer))


async def find(
    conn: AsyncConnection, terms: Sequence[Term], where: Sequence[sa.ColumnElement[bool]], order: Order, limit: int
) -> Sequence[Any]:
    """(channel_id, message_id) of the posts that hold the terms, in order."""
    sqlite = conn.dialect.name == "sqlite"
    source, holds, rank = _fts(terms) if sqlite else _vectors(terms)
    d = search_documents.c
    newest = (d.posted_at.desc(), d.channel_id, d.message_id.desc())
    query = sa.select(d.channel_id, d.message_id).select_from(source).where(holds, *where)
    query = query.order_by(*([rank, *newest] if order == "best" else newest)).limit(limit)
    return (await conn.execute(query)).all()


def _fts(terms: Sequence[Term]) -> tuple[sa.FromClause, sa.ColumnElement[bool], sa.ColumnElement[Any]]:
    wanted = " AND ".join(_fts_term(term) for term in terms if not term.exclude)
    unwanted = " OR ".join(_fts_term(term) for term in terms if term.exclude)
    asked = f"({wanted}) NOT ({unwanted})" if unwanted else wanted
    index: sa.ColumnElement[Any] = sa.literal_column("search_index")
    source = search_documents.join(_FTS, _FTS.c.rowid == search_documents.c.document_id)
    return source, index.op("MATCH", is_comparison=True)(asked), sa.func.bm25(index)


def _fts_term(term: Term) -> str:
    return f'"{" ".join(term.words)}"{" *" if term.prefix else ""}'


def _vectors(terms: Sequence[Term]) -> tuple[sa.FromClause, sa.ColumnElement[bool], sa.ColumnElement[Any]]:
    # The index finds posts that hold all the words; LIKE over the folded text then sees whether a phrase's stand side
    # by side (positions in a tsvector end at 16,383, transcripts do not).
    asked = sa.cast(" & ".join(_lexemes(term) for term in terms if not term.exclude), TSQUERY)
    holds: list[sa.ColumnElement[bool]] = [search_documents.c.vector.op("@@", is_comparison=True)(asked)]
    for term in terms:
        if term.exclude:
            holds.append(~_stands(term))
        elif len(term.words) > 1:
            holds.append(_stands(term))
    return search_documents, sa.and_(*holds), sa.func.ts_rank(search_documents.c.vector, asked).desc()


def _lexemes(term: Term) -> str:
    *full, last = (f"'{word}'" for word in term.words)
    return " & ".join([*full, f"{last}:*" if term.prefix else last])


def _stands(term: Term) -> sa.ColumnElement[bool]:
    padded = sa.literal(" ") + search_documents.c.folded + sa.literal(" ")
    return padded.like(f"% {' '.join(term.words)}{'' if term.prefix else ' '}%")
