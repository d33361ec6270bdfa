"""A database of the first release, with what it held, becomes one of this release."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from pydantic_core import to_json

from bot.model import How, Media, utc_now
from bot.store import Store
from bot.store.engine import Database, parse_url
from bot.store.migrate import config
from tests.store.making import BLOGGER, LAWMAKER, NOON, heard, message, raw, transcript
from tests.stores import opened

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

UNHEARD = LAWMAKER - 7
SPARSE = LAWMAKER - 8
ALBUM = 13_000_000_000_000_123

# (channel, priority, watch_from, top_id, joined)
CHANNELS = [(LAWMAKER, 1, 5, 20, True), (BLOGGER, 2, 1, 0, False), (UNHEARD, 3, 4, 6, True), (SPARSE, 4, 1, 9, False)]
# Below the window, across its beginning, inside, beyond its end.
RUNS = [
    (LAWMAKER, 1, 2),
    (LAWMAKER, 4, 6),
    (LAWMAKER, 9, 9),
    (LAWMAKER, 10, 12),
    (LAWMAKER, 15, 18),
    (LAWMAKER, 25, 25),
]


def moment(dialect: str, at: datetime) -> Any:
    """As the engine keeps it."""
    return at if dialect == "postgresql" else int(at.timestamp() * 1_000_000)


def statements(dialect: str) -> Iterable[tuple[str, dict[str, Any]]]:
    """The rows of a first release."""
    at = moment(dialect, NOON)
    for channel_id, priority, watch_from, top_id, joined in CHANNELS:
        yield (
            "INSERT INTO channels (channel_id, handle, title, category, priority, mode, joined, watched, watch_from, top_id, "
            "pts, state) VALUES (:c, NULL, 'A title', 'other', :priority, 'join', :joined, :yes, :first, :top, 9, 'active')",
            {"c": channel_id, "priority": priority, "joined": joined, "yes": True, "first": watch_from, "top": top_id},
        )
    for channel_id, _, _, _, _ in CHANNELS[:3]:
        account = "main" if channel_id != UNHEARD else "other"
        yield "INSERT INTO access_hashes VALUES (:a, :c, 77)", {"a": account, "c": channel_id}
    for channel_id, first, last in RUNS:
        yield "INSERT INTO ledger VALUES (:c, :first, :last, 'stored')", {"c": channel_id, "first": first, "last": last}
    states = (message(5, "нет"), message(6, "да", album_id=ALBUM), message(7, '"album_id":77'))
    for state in states:
        yield (
            "INSERT INTO messages (channel_id, message_id, current, service) VALUES (:c, :m, 1, :no)",
            {"c": LAWMAKER, "m": state.message_id, "no": False},
        )
        yield (
            "INSERT INTO versions (channel_id, message_id, number, change, stored_at, how, message) "
            "VALUES (:c, :m, 1, 'original', :at, 'push', :message)",
            {"c": LAWMAKER, "m": state.message_id, "at": at, "message": to_json(state).decode()},
        )
    odd = Media(document_id=2, size=9, duration=float("nan"), file_name='\0 "duration":7')
    for number, media in (
        (1, Media(document_id=1, size=9, duration=61.5)),
        (2, odd),
        (3, Media(document_id=3, size=9)),
    ):
        yield (
            "INSERT INTO recordings (recording_id, document_id, channel_id, message_id, kind, media, posted_at, state, "
            "state_since, sha256, attempts) VALUES (:n, :n, :c, 5, 'voice', :media, :at, 'done', :at, :sha, 0)",
            {"n": number, "c": LAWMAKER, "media": _json(media), "at": at, "sha": f"sha{number}"},
        )
    for number in range(1, 4):
        said = transcript('"model":"x"', "\0", duration=float("inf"))
        yield (
            "INSERT INTO transcripts VALUES (:sha, :said, :at)",
            {"sha": f"sha{number}", "said": _json(said), "at": at},
        )
    # Recorded, not read yet.
    yield (
        "INSERT INTO messages (channel_id, message_id, current, service) VALUES (:c, 9, NULL, :no)",
        {"c": LAWMAKER, "no": False},
    )


def _json(noun: object) -> str:
    """As the store writes nouns."""
    return to_json(noun, inf_nan_mode="constants").decode()


async def first_release(url: str) -> None:
    """Make the tables of the first release, and fill them."""
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).touch()
    database = Database(parse_url(url))

    def make(connection: sa.Connection) -> None:
        settings = config()
        settings.attributes["connection"] = connection
        command.upgrade(settings, "0001")
        connection.execute(sa.text("INSERT INTO about VALUES ('earshot', '0.1.0')"))
        for statement, parameters in statements(connection.dialect.name):
            connection.execute(sa.text(statement), parameters)

    async with database.write() as conn:
        await conn.run_sync(make)
    await database.close()


async def spans(store: Store, channel_id: Any) -> list[tuple[int, int]]:
    """The gaps of a channel."""
    return [(gap.first, gap.last) for gap in await store.channels.gaps(channel_id)]


async def test_gaps_are_found(url: str, tmp_path: Path) -> None:
    """The gaps of the window are opened as of the upgrade, and said to be older."""
    await first_release(url)
    async with opened(url, tmp_path) as store:
        assert await spans(store, LAWMAKER) == [(7, 8), (13, 14), (19, 20)]
        assert await spans(store, BLOGGER) == []
        assert await spans(store, UNHEARD) == [(4, 6)]
        assert await spans(store, SPARSE) == [(1, 9)]
        (gap,) = await store.channels.gaps(SPARSE)
        assert gap.since
        assert abs(gap.since - utc_now()) < timedelta(minutes=5)
        assert gap.reason == "open before gaps were dated"
        coverage = await store.channels.coverage(LAWMAKER)
        assert (coverage.first, coverage.last, coverage.ids) == (5, 20, {("stored", How.SWEEP): 10})


async def test_main_carries_what_it_heard(url: str, tmp_path: Path) -> None:
    """The one account of the first release carries and has joined what it had; the rest is nobody's."""
    await first_release(url)
    async with opened(url, tmp_path) as store:
        found = {one.channel_id: (one.account, one.joined, one.access_hash) for one in await store.channels.all()}
        assert found == {
            LAWMAKER: ("main", True, 77),
            BLOGGER: ("main", False, 77),
            UNHEARD: (None, False, 0),
            SPARSE: (None, False, 0),
        }
        assert [one.joined for one in await store.channels.all("main")] == [True, False, False, False]


async def test_albums_are_found(url: str, tmp_path: Path) -> None:
    """The albums of posts are read from their states, and not from what people wrote."""
    await first_release(url)
    async with opened(url, tmp_path) as store, store._database.read() as conn:
        rows = await conn.execute(sa.text("SELECT message_id, album_id FROM messages ORDER BY message_id"))
        assert [tuple(row) for row in rows] == [(5, None), (6, ALBUM), (7, None), (9, None)]


async def test_lengths_and_models_are_read_from_what_there_was(url: str, tmp_path: Path) -> None:
    """How long a recording is and which model heard it come from the nouns, whatever strangers wrote into them."""
    await first_release(url)
    async with opened(url, tmp_path) as store, store._database.read() as conn:
        rows = await conn.execute(sa.text("SELECT seconds FROM recordings ORDER BY recording_id"))
        assert [row.seconds for row in rows] == [61.5, None, None]
        rows = await conn.execute(sa.text("SELECT model, hearing_id FROM transcripts"))
        assert [tuple(row) for row in rows] == [("tiny", None)] * 3


async def test_goes_on(url: str, tmp_path: Path) -> None:
    """What is heard after the upgrade joins what was there before."""
    await first_release(url)
    async with opened(url, tmp_path) as store:
        await store.intake.record(heard(raw(7), raw(8), raw(13), deleted=[14], top_id=21))
        assert await spans(store, LAWMAKER) == [(19, 20), (21, 21)]


async def test_upgraded_at_once(url: str, tmp_path: Path) -> None:
    """Of several processes that find an old database, one upgrades it."""
    await first_release(url)
    stores = await asyncio.gather(*(Store.open(url, tmp_path / "media") for _ in range(3)))
    for store in stores:
        assert await spans(store, SPARSE) == [(1, 9)]
        await store.close()
