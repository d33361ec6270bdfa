"""How fast is an outage made up for? `make bench-catchup`

50,000 posts in 200 channels were made while nobody listened. Two contenders read them from the same server process, in
turns, each in a new process of its own: Earshot's listener, which records every raw message durably (and, told
separately, until all is read and matched as well), and a bare Telethon `iter_messages` loop over the channels, without
its pause between pages, that stores nothing. Once without latency, where only the processor counts, and once at 50 ms a
call. Goal: 0.8 of the loop's rate; memory flat.
"""

import argparse
import asyncio
import shutil
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from telethon import TelegramClient
from telethon.crypto import AuthKey
from telethon.sessions import MemorySession

from benchmarks import report, scenery, watcher
from benchmarks.telegram import SPAWN, Telegram
from bot.model import Channel, utc_now
from bot.telegram import Server
from bot.telegram.ids import input_peer

GOAL = 0.8
CALL_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a contender is given."""

    server: Server
    key: str
    channels: list[Channel]
    posts: int
    # Database and session of this round.
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How it went: seconds by the clock and of processor time, and resident memory in MB at 10, 50 and 100 %."""

    seconds: float
    work: float
    rss: list[float] = field(default_factory=list)


def bare_loop(task: Task) -> Result:
    """The loop that everybody writes."""
    return asyncio.run(_bare_loop(task))


async def _bare_loop(task: Task) -> Result:
    session = MemorySession()
    session.set_dc(task.server.dc, task.server.host, task.server.port)
    session.auth_key = AuthKey(bytes.fromhex(task.key))
    client = TelegramClient(session, 1, "0" * 32, receive_updates=False)
    await client.connect()
    try:
        begin, work, count = time.monotonic(), time.process_time(), 0
        for channel in task.channels:
            async for _ in client.iter_messages(input_peer(channel), min_id=channel.top_id, wait_time=0):
                count += 1
        assert count == task.posts, count
        return Result(seconds=time.monotonic() - begin, work=time.process_time() - work)
    finally:
        await client.disconnect()


def recorded(task: Task) -> Result:
    """Earshot's listener until every raw message is committed."""
    return asyncio.run(_earshot(task, read=False))


def read_and_matched(task: Task) -> Result:
    """Listener and reader until every message is matched and indexed."""
    return asyncio.run(_earshot(task, read=True))


async def _earshot(task: Task, *, read: bool) -> Result:
    memory: list[float] = []
    async with watcher.listening(task.folder, task.server, task.key, sweep_seconds=600, read=read) as ears:
        work = time.process_time()
        for share in (0.1, 0.5, 1):
            wanted = round(task.posts * share)
            await watcher.is_so(lambda wanted=wanted: len(ears.stopwatch.stored) >= wanted)
            memory.append(report.rss())
        while read and await ears.store.intake.unread(1):  # noqa: ASYNC110 - rows do not tell when they change
            await asyncio.sleep(0.05)
        seconds, work = time.monotonic() - ears.begun, time.process_time() - work
        status = await ears.store.archive.status(utc_now())
    assert sum(channel.gaps for channel in status.channels) == 0
    assert status.unread == (0 if read else task.posts)
    return Result(seconds=seconds, work=work, rss=memory)


CONTENDERS = (bare_loop, recorded, read_and_matched)


async def compete(telegram: Telegram, template: Path, task: Task, rounds: int, what: str) -> dict[str, list[Result]]:
    """Every contender in every round, in turns."""
    results: dict[str, list[Result]] = {contender.__name__: [] for contender in CONTENDERS}
    for number in range(rounds):
        for contender in CONTENDERS:
            # Long, and nobody else does it: once.
            if number and contender is read_and_matched:
                continue
            shutil.rmtree(task.folder, ignore_errors=True)
            shutil.copytree(template, task.folder)
            with ProcessPoolExecutor(1, mp_context=SPAWN) as pool:
                result = await asyncio.get_running_loop().run_in_executor(pool, contender, task)
            results[contender.__name__].append(result)
            rate = task.posts / result.seconds
            report.tell(f"{what}, round {number + 1}: {contender.__name__}: {rate:,.0f} posts/s")
    return results


def summary(results: dict[str, list[Result]], posts: int) -> dict[str, dict[str, object]]:
    """Medians, and the ratio to the bare loop's of the same round."""
    bare = [result.seconds for result in results[bare_loop.__name__]]
    return {
        name: {
            "posts_per_second": round(posts / report.median([one.seconds for one in rounds])),
            "ratio": round(report.median([base / one.seconds for base, one in zip(bare, rounds, strict=False)]), 2),
            "processor_us_per_post": round(report.median([one.work for one in rounds]) / posts * 1e6),
            "rss_mb": [round(report.median(column)) for column in zip(*(one.rss for one in rounds), strict=True)],
        }
        for name, rounds in results.items()
    }


async def run(*, channels: int, posts: int, rounds: int) -> None:
    """Build the outage, let them compete, print."""
    async with Telegram() as telegram:
        with tempfile.TemporaryDirectory(prefix="bench-catchup-") as name:
            folder = Path(name)
            user_id, watched = await telegram.ask(scenery.make_channels, channels)
            await watcher.pin(folder / "template", watched)
            await telegram.ask(scenery.post_everywhere, posts)
            report.tell(f"{posts:,} posts in {channels} channels")
            key = await telegram.log_in(user_id)
            task = Task(server=telegram.server, key=key, channels=watched, posts=posts, folder=folder / "round")
            figures = {}
            for seconds in (0.0, CALL_SECONDS):
                await telegram.ask(scenery.set_latency, seconds)
                what = f"{seconds * 1000:.0f} ms a call"
                figures[what] = summary(await compete(telegram, folder / "template", task, rounds, what), posts)
    rows = [
        [
            f"{what}: {name}",
            f"{one['posts_per_second']:,}",
            str(one["ratio"]),
            str(one["processor_us_per_post"]),
            " ".join(map(str, one["rss_mb"])),
        ]
        for what, contenders in figures.items()
        for name, one in contenders.items()
    ]
    report.table(["", "posts/s", "ratio", "µs of processor a post", "RSS MB at 10, 50, 100 %"], rows)
    for what, contenders in figures.items():
        print(f"goal {GOAL} for 'recorded' at {what}: {report.verdict(contenders['recorded']['ratio'] >= GOAL)}")
    report.finish("catchup", channels=channels, posts=posts, rounds=rounds, figures=figures)


def main() -> None:
    """`--quick`: a tenth of the posts, one round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    asyncio.run(run(channels=40 if quick else 200, posts=10_000 if quick else 50_000, rounds=1 if quick else 3))


if __name__ == "__main__":
    main()
