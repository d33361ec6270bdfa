"""Does memory grow? `make bench-soak`

A simulated day at ten times the normal load passes in eight minutes. Normal: 74 channels with 25 posts a day each, of
which 10 % are edited and 2 % deleted soon after; so 18,500 posts, and one in 200 of them alerts. The real `earshot run`
hears them, sweeping every second, and its resident memory is sampled. The slope is that of the least squares, from the
sixth hour on. Goal: under 1 MB an hour. No recordings: transcribing takes the time it takes.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from benchmarks import report, scenery, watcher
from benchmarks.scenery import Author
from bot.model import ChannelId, utc_now
from bot.sandbox.chats import Chat
from bot.sandbox.stage import Stage
from bot.store import Store

CHANNELS = 74
POSTS_A_DAY = 25
TIMES = 10
EDITED, DELETED = 0.10, 0.02
ALERTING = 0.005
# Words that the example rules know.
ALARM = "Бердянск: удар по штабу 58-й армии"
MINUTES_A_DAY = 8.0
WARM_UP_HOURS = 6.0
SAMPLES_AN_HOUR = 4
GOAL_MB = 1.0
PATIENCE_SECONDS = 120.0

Sample = tuple[float, float]


class Day:
    """Posts, edits and deletes at an even rate, until told to stop."""

    def __init__(self, chats: Sequence[Chat]) -> None:
        self.posts = self.edits = self.deletions = 0
        self._chats = chats
        self._author = Author()
        self._rng = random.Random(scenery.SEED)
        self._recent: deque[tuple[Chat, int]] = deque(maxlen=200)

    async def pass_by(self, seconds: float, per_second: float) -> None:
        """As many posts as fit into the time, and what becomes of them."""
        begin = time.monotonic()
        for number in range(round(seconds * per_second)):
            await asyncio.sleep(max(0.0, begin + number / per_second - time.monotonic()))
            self._step()

    def _step(self) -> None:
        chat, draw = self._rng.choice(self._chats), self._rng.random()
        if draw < ALERTING:
            self._recent.append((chat, chat.post(f"{ALARM}. {self._author.text()}")))
        else:
            self._recent.append((chat, self._author.post(chat)))
        self.posts += 1
        if self._rng.random() < EDITED:
            chat, message_id = self._rng.choice(self._recent)
            chat.edit(message_id, self._author.text())
            self.edits += 1
        if self._rng.random() < DELETED:
            place = self._rng.randrange(len(self._recent))
            chat, message_id = self._recent[place]
            del self._recent[place]
            chat.delete(message_id)
            self.deletions += 1


def slope(samples: Sequence[Sample]) -> float:
    """Of the straight line through (x, y) by least squares."""
    x = report.mean([sample[0] for sample in samples])
    y = report.mean([sample[1] for sample in samples])
    return sum((a - x) * (b - y) for a, b in samples) / sum((a - x) ** 2 for a, _ in samples)


async def sampled(stage: Stage, day: asyncio.Task[None], hour: float) -> list[Sample]:
    """(simulated hours, MB) until the day is over; `hour`: seconds that one takes."""
    samples: list[Sample] = []
    begin = time.monotonic()
    while not day.done():
        samples.append(((time.monotonic() - begin) / hour, report.rss(stage.pid)))
        if len(samples) % (SAMPLES_AN_HOUR * 2) == 1:
            report.tell(f"hour {samples[-1][0]:4.1f}: {samples[-1][1]:.1f} MB")
        await asyncio.sleep(hour / SAMPLES_AN_HOUR)
    await day
    return samples


async def run(*, hours: float) -> None:
    """Let so many simulated hours pass."""
    hour = MINUTES_A_DAY * 60 / 24
    per_second = CHANNELS * POSTS_A_DAY * TIMES / 24 / hour
    with tempfile.TemporaryDirectory(prefix="bench-soak-") as name:
        settings = {"telegram": {"sweep_seconds": 1}}
        async with Stage(Path(name), settings=settings) as stage:
            watched = scenery.fill_world(stage.sandbox, stage.listener, CHANNELS)
            stage.configure([{"handle": channel.handle, "category": scenery.CATEGORY} for channel in watched])
            login = await stage.login()
            assert login.code == 0, login.err
            await watcher.pin(stage.folder / "data", watched)
            await stage.start()
            await stage.until(lambda: bool(stage.desk.messages), what="listening")
            day = Day([chat for chat in stage.sandbox.world.channels.values() if chat.handle])
            task = asyncio.create_task(day.pass_by(hours * hour, per_second))
            samples = await sampled(stage, task, hour)
            left, waited = await _settled(stage)
            await stage.stop()
    _print(samples, day, hours=hours, left=left, waited=waited)


async def _settled(stage: Stage) -> tuple[int, float]:
    """Wait until all that was posted is accounted for and read; what is not after two minutes, and the seconds it took."""
    begin = time.monotonic()
    async with watcher.opened_store(stage.folder / "data") as store:
        while (left := await _unaccounted(stage, store)) and time.monotonic() - begin < PATIENCE_SECONDS:  # noqa: ASYNC110
            await asyncio.sleep(0.5)
    return left, time.monotonic() - begin


async def _unaccounted(stage: Stage, store: Store) -> int:
    """Ids that the ledger has not heard of or that are open, and raw messages that nobody has read."""
    status = await store.archive.status(utc_now())
    heard = {one.channel.channel_id: one.channel.top_id for one in status.channels}
    chats = [chat for chat in stage.sandbox.world.channels.values() if chat.handle]
    unheard = sum(chat.log.top_id - heard[ChannelId(chat.channel_id)] for chat in chats)
    return unheard + sum(one.gaps for one in status.channels) + status.unread


def _print(samples: list[Sample], day: Day, *, hours: float, left: int, waited: float) -> None:
    warm = WARM_UP_HOURS * hours / 24
    growth = slope([sample for sample in samples if sample[0] >= warm])
    shares = (0, 0.25, 0.5, 0.75, 1)
    marks = [min(samples, key=lambda sample, at=hours * share: abs(sample[0] - at))[1] for share in shares]
    report.table(
        ["simulated hour", *(f"{hours * share:.0f}" for share in shares)],
        [["RSS, MB", *(f"{mark:.1f}" for mark in marks)]],
    )
    print(f"{day.posts:,} posts, {day.edits:,} edits, {day.deletions:,} deletions")
    print(f"ids not accounted for and messages not read {waited:.0f} s after the end: {left}")
    print(f"goal {GOAL_MB:.0f} MB an hour after {warm:.1f} h: {growth:.2f} MB: {report.verdict(growth < GOAL_MB)}")
    report.finish(
        "soak",
        hours=hours,
        posts=day.posts,
        slope_mb_per_hour=round(growth, 3),
        rss_mb=[round(mb, 1) for _, mb in samples],
        left=left,
        seconds_behind=round(waited, 1),
    )


def main() -> None:
    """`--quick`: four hours and a half."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    asyncio.run(run(hours=4.5 if parser.parse_args().quick else 24))


if __name__ == "__main__":
    main()
