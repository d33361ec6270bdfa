"""PostgreSQL finds the newest documents by the index that was meant, whatever its planner would have taken."""

import random
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from bot.store import Store, newest_postgresql
from bot.store.search import find
from bot.store.texts import parse_query
from tests.store.making import BLOGGER, LAWMAKER, NOON, channel, message
from tests.store.test_newest import fill
from tests.stores import opened, ready_postgres

pytestmark = pytest.mark.slow

POSTS = 2_000
# "Index Scan Backward using NAME": stops as soon as enough is found; "Bitmap Index Scan on NAME": gives all at once.
_INDEX = re.compile(r"(using|on) (?:ix|uq|pk)_search_documents_?(\w*)")
WINDOWS: Sequence[dict[str, Any]] = [
    {},
    {"since": NOON - timedelta(minutes=1_500)},
    # So narrow that both indexes together would seem less work.
    {"since": NOON - timedelta(minutes=150)},
    {"channel_id": LAWMAKER},
    {"channel_id": LAWMAKER, "since": NOON - timedelta(minutes=300)},
]
_BY_TIME = {("using", "posted_at"), ("using", "channel")}
_BY_WORD = {("on", "vector")}


@pytest.fixture
async def store(tmp_path: Path) -> Any:
    """An archive in no order of time, in which a word is held by one post in two, or one in fifty, beside many others."""
    rng = random.Random(58)
    async with opened(ready_postgres(), tmp_path, clock=lambda: NOON) as store:
        for one in (LAWMAKER, BLOGGER):
            await store.channels.pin(channel(one, handle=f"c{-one}"), account="main")
        posts = []
        for number in range(POSTS):
            words = ["и в" if number % 2 else "на", *(["попов"] if number % 50 == 0 else [])]
            words += [f"w{rng.randrange(100_000)}" for _ in range(60)]
            at = NOON - timedelta(minutes=number)
            posts.append(message(number + 1, " ".join(words), rng.choice([LAWMAKER, BLOGGER]), posted_at=at))
        rng.shuffle(posts)
        await fill(store, posts)
        async with store._database.write() as conn:
            await conn.exec_driver_sql("ANALYZE")
        yield store


async def plans(store: Store, asked: str, window: dict[str, Any]) -> list[set[tuple[str, str]]]:
    """The indexes that each statement goes through by which documents are read for their words."""
    found: list[set[tuple[str, str]]] = []

    def note(conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith("SELECT") and "search_documents.vector @@" in statement:
            plan = "\n".join(row[0] for row in conn.exec_driver_sql(f"EXPLAIN {statement}", parameters))
            assert "Seq Scan" not in plan, plan
            found.append(set(_INDEX.findall(plan)))

    engine = store._database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    await store.archive.search(asked, limit=20, **window)
    event.remove(engine, "before_cursor_execute", note)
    return found


async def test_common_words_by_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is common is read by its time, and no index is asked in how many documents it is."""
    monkeypatch.setattr(newest_postgresql, "FEW", 100)
    for asked in ("и", "и в", '"и в"'):
        for window in WINDOWS:
            steps = await plans(store, asked, window)
            assert steps
            assert all(len(step) == 1 and step <= _BY_TIME for step in steps), (asked, window, steps)


async def test_rare_words_by_word(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is rare is asked of the index of words alone, at once, however narrow the window."""
    monkeypatch.setattr(newest_postgresql, "FEW", 100)
    for asked in ("попов", "попов и", "нигде"):
        for window in WINDOWS:
            assert await plans(store, asked, window) == [_BY_WORD], (asked, window)


async def test_beginnings_first_by_time(store: Store) -> None:
    """In how many documents a beginning is, no statistics tell: some are read before the index is asked for it."""
    first, *_, last = await plans(store, "поп*", {})
    assert (first <= _BY_TIME, last) == (True, _BY_WORD)
    assert len(await plans(store, "w1*", {})) == 1


async def test_less_common_than_taken_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What turns out to be rare is asked of the index after a step or two, not read to the end."""
    monkeypatch.setattr(newest_postgresql, "FEW", 5)
    monkeypatch.setattr(newest_postgresql, "NEAR", 30)
    steps = await plans(store, "попов", {})
    assert steps[0] <= _BY_TIME
    assert steps[-1] == _BY_WORD
    assert len(steps) < 5


async def test_each_time_planned(store: Store) -> None:
    """However often it is asked, no plan is made that would not know the words."""
    async with store._database.read() as conn:
        backend = await conn.scalar(sa.text("SELECT pg_backend_pid()"))
    for _ in range(15):
        for asked in ("и", '"и в"', "попов"):
            await store.archive.search(asked)
    async with store._database.read() as conn:
        assert await conn.scalar(sa.text("SELECT pg_backend_pid()")) == backend
        counted = "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement LIKE '%vector @@ %'"
        rows = [tuple(row) for row in await conn.execute(sa.text(counted))]
    assert any(custom > 10 for custom, _ in rows)
    assert not any(generic for _, generic in rows), rows


async def test_settings_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the planner is told for a search holds no longer than that, for what is read next in its transaction."""
    settings = sa.text("SELECT name, setting FROM pg_settings WHERE name LIKE 'enable_%' OR name = 'plan_cache_mode'")
    async with store._database.read() as conn:
        before = (await conn.execute(settings)).all()
        for few in (0, 10_000):
            monkeypatch.setattr(newest_postgresql, "FEW", few)
            assert len(await find(conn, parse_query("и"), [], "newest", 20)) == 20
            assert (await conn.execute(settings)).all() == before
