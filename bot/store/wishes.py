"""Which words a post must hold to be worth a closer look: asked of FTS5 and of PostgreSQL's tsquery alike.

Words hold letters and digits alone, and are folded as the index has them (texts.py), so nothing of a rule reaches either
syntax.
"""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY

from bot.store.newest_sqlite import MOST_READ
from bot.store.schema import search_documents
from bot.store.texts import fold
from bot.store.walk import Sought, stands


@dataclass(frozen=True, slots=True)
class Holds:
    """A word of letters and digits; with `begins`, any that begins so. ValueError for one that holds anything else."""

    word: str
    begins: bool = False

    def __post_init__(self) -> None:
        if not self.word.isalnum():
            raise ValueError(f"no word: {self.word!r}")


@dataclass(frozen=True, slots=True)
class Every:
    """All of these."""

    wishes: tuple["Wish", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of these."""

    wishes: tuple["Wish", ...]


Wish = Holds | Every | Some


def sought(dialect: str, wish: Wish) -> Sought:
    """The wish as a condition on documents, and as a query to the index."""
    if dialect == "sqlite":
        return Sought(reads=lambda: _read(wish), asks=_fts(wish), long=_count(wish) > MOST_READ)
    asks = _tsquery(wish)
    holds = search_documents.c.vector.op("@@", is_comparison=True)(sa.cast(asks, TSQUERY))
    return Sought(reads=lambda: holds, asks=asks)


def _count(wish: Wish) -> int:
    return 1 if isinstance(wish, Holds) else sum(map(_count, wish.wishes))


def _read(wish: Wish) -> sa.ColumnElement[bool]:
    if isinstance(wish, Holds):
        return stands((fold(wish.word),), prefix=wish.begins)
    return (sa.and_ if isinstance(wish, Every) else sa.or_)(*map(_read, wish.wishes))


def _fts(wish: Wish) -> str:
    return _spelled(wish, lambda held: f'"{fold(held.word)}"{" *" if held.begins else ""}', " AND ", " OR ")


def _tsquery(wish: Wish) -> str:
    return _spelled(wish, lambda held: f"'{fold(held.word)}'{':*' if held.begins else ''}", " & ", " | ")


def _spelled(wish: Wish, spell: Callable[[Holds], str], every: str, some: str) -> str:
    """In the language of an engine, by its way to spell a word, AND and OR."""
    if isinstance(wish, Holds):
        return spell(wish)
    joint = every if isinstance(wish, Every) else some
    return f"({joint.join(_spelled(one, spell, every, some) for one in wish.wishes)})"
