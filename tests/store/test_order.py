"""Any order and any repetition of what is heard ends in the same posts and the same ledger."""

import itertools
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.model import ChannelId, Heard, How, Kind, Message, RawMessage
from bot.store import Observation, Store
from bot.store.schema import ledger, messages, versions
from tests.store.making import NOON, channel, heard, message, raw

IDS = range(1, 9)
_CHANNELS = itertools.count(-1009000000000, -1)

# What the server holds: for each id its states in order, or a service message; and the ids deleted since.
TRUTH = st.fixed_dictionaries({number: st.integers(0, 3) for number in IDS})
DELETED = st.sets(st.sampled_from(list(IDS)))


def states(channel_id: ChannelId, number: int, count: int) -> list[Message]:
    """The states of a post; a post of none is a service message."""
    if not count:
        return [message(number, channel_id=channel_id, kind=Kind.SERVICE, service="pin")]
    return [
        message(number, f"state {at}", channel_id, edited_at=NOON + timedelta(minutes=at) if at else None)
        for at in range(count)
    ]


def batches(truth: dict[int, int], deleted: set[int], chance: random.Random) -> Iterator[dict[str, Any]]:
    """What is heard, cut anyhow, each piece at least once."""
    pieces: list[tuple[int, int | None]] = [
        (number, at) for number, count in truth.items() for at in range(max(count, 1))
    ]
    pieces += [(number, None) for number in deleted]
    pieces += chance.choices(pieces, k=len(pieces) // 2)
    chance.shuffle(pieces)
    while pieces:
        size = chance.randint(1, 4)
        some, pieces = pieces[:size], pieces[size:]
        yield {
            "states": [(number, at) for number, at in some if at is not None],
            "deleted": [number for number, at in some if at is None],
            "pts": chance.choice([None, 3, 5]),
            "how": chance.choice(list(How)),
        }


async def play(store: Store, channel_id: ChannelId, truth: dict[int, int], deleted: set[int], seed: int) -> Any:
    """Hear it all in one order, reading now and then; return what is kept."""
    chance = random.Random(seed)
    known: dict[bytes, Message] = {}
    await store.channels.pin(channel(channel_id), account="main")
    for batch in batches(truth, deleted, chance):
        raws: list[RawMessage] = []
        for number, at in batch["states"]:
            state = states(channel_id, number, truth[number])[at]
            body = raw(number, state.text, service=state.kind is Kind.SERVICE)
            known[body.digest] = state
            raws.append(body)
        said: Heard = heard(*raws, channel_id=channel_id, deleted=batch["deleted"], how=batch["how"], pts=batch["pts"])
        await store.intake.record(said)
        if chance.random() < 0.5:
            await read(store, known)
    await store.intake.record(heard(channel_id=channel_id, pts=5, top_id=len(IDS)))
    await read(store, known)
    return await kept(store, channel_id)


async def read(store: Store, known: dict[bytes, Message]) -> None:
    """Observe all that waits."""
    unread = await store.intake.unread()
    await store.intake.observe(
        [
            Observation(raw_id=one.raw_id, message=known[one.raw.digest], heard_at=one.heard_at, how=one.how)
            for one in unread
        ]
    )


async def kept(store: Store, channel_id: ChannelId) -> Any:
    """The ledger, the newest state and deletion of every post, all states that it had, and the counters."""
    v, m, runs = versions.c, messages.c, ledger.c
    async with store._database.read() as conn:
        ranges = (await conn.execute(ledger.select().where(runs.channel_id == channel_id))).all()
        posts = (await conn.execute(messages.select().where(m.channel_id == channel_id))).all()
        rows = (await conn.execute(sa.select(versions).where(v.channel_id == channel_id))).all()
    held = {(row.message_id, row.number): row.message for row in rows}
    (status,) = [one for one in (await store.archive.status(NOON)).channels if one.channel.channel_id == channel_id]
    return (
        # `how` tells which was first, and so does the border between two runs of one state.
        {number: run.state for run in ranges for number in range(run.first_id, run.last_id + 1)},
        {row.message_id: (held[row.message_id, row.current].text, row.deleted_at is not None) for row in posts},
        sorted((row.message_id, row.message.text if row.message else "(deleted)") for row in rows),
        (status.messages, status.versions, status.deleted, status.gaps, status.channel.pts, status.channel.top_id),
    )


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(truth=TRUTH, deleted=DELETED, seeds=st.tuples(st.integers(0, 2**32), st.integers(0, 2**32)))
async def test_any_order(store: Store, truth: dict[int, int], deleted: set[int], seeds: tuple[int, int]) -> None:
    """Two orders of hearing the same, with repetitions, leave the same rows."""
    one, other = [await play(store, ChannelId(next(_CHANNELS)), truth, deleted, seed) for seed in seeds]
    assert one == other
    posts = {number: post for number, post in one[1].items()}
    assert {number for number, (_, gone) in posts.items() if gone} == deleted
    assert {number: text for number, (text, _) in posts.items()} == {
        number: f"state {count - 1}" if count else "" for number, count in truth.items()
    }
    assert one[3][3] == 0
