"""How late is a post, with a thousand channels on one account? `make bench-listening`

The sandbox takes 50 ms for each call. Told, each for Earshot (listener, reader and the rules that ship) and, where it can,
for a plain Telethon listener whose handler inserts a row, in turns:

quiet line   From push to commit, for posts made while all 1,000 channels cross the line at which they are asked after
             together. For Telethon that is its 15 minutes without updates, shortened until then so that it lies within the
             run; Earshot has no such line, and sweeps four times in the same minute. Goal: p99 under 250 ms.
sweep        Calls of one full sweep. Goal: at most 15.
calls        Calls by method for 1,000 posts, at the load of the run.
pushes off   30 % of the channels are never pushed: from post to commit, worst. Goal: the sweep interval and two calls.
"""

import argparse
import asyncio
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telethon import TelegramClient, events
from telethon._updates import messagebox
from telethon.crypto import AuthKey
from telethon.sessions import MemorySession

from benchmarks import report, scenery, watcher
from benchmarks.scenery import Posted
from benchmarks.telegram import Telegram
from bot.model import Channel
from bot.telegram import Server

CALL_SECONDS = 0.05
POSTS_PER_SECOND = 20.0
# Seconds without an update after which the plain listener asks, until its channels have crossed that line.
LINE_SECONDS = 20.0
# Earshot's interval in the run over the line.
SWEEP_SECONDS = 15.0
# And where a third of the channels is mute.
MUTE_SWEEP_SECONDS = 10.0
MUTE_SHARE = 0.3
# Of a channel, in a day: what Russian military and political channels post.
NORMAL = 25
GOAL_P99 = 0.25
GOAL_SWEEP = 15

Stored = dict[tuple[int, int], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a run takes place."""

    telegram: Telegram
    user_id: int
    channels: Sequence[Channel]
    # A database in which the channels are pinned; copied for each run.
    template: Path
    folder: Path
    # Seconds of measuring.
    seconds: float

    async def prepare(self) -> str:
        """A fresh database and a new login: its key."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.template, self.folder)
        return await self.telegram.log_in(self.user_id)


def lags(posted: Sequence[Posted], stored: Stored) -> list[float]:
    """Seconds from push to commit; infinite for what never came."""
    never = float("inf")
    return [stored.get((one.channel_id, one.message_id), never) - one.at for one in posted]


def spread(seconds: Sequence[float]) -> dict[str, float | None]:
    """p50, p99 and the worst, in milliseconds; None for never."""
    figures = {"p50": report.percentile(seconds, 50), "p99": report.percentile(seconds, 99), "max": max(seconds)}
    return {name: None if value == float("inf") else round(value * 1000) for name, value in figures.items()}


# --- the plain listener -----------------------------------------------------------------------------------------------


class Plain:
    """As tools in this field are written: a handler for new messages that inserts a row."""

    def __init__(self, server: Server, key: str, file: Path) -> None:
        session = MemorySession()
        session.set_dc(server.dc, server.host, server.port)
        session.auth_key = AuthKey(bytes.fromhex(key))
        self.stored: Stored = {}
        self._db = sqlite3.connect(file)
        self._db.execute("CREATE TABLE posts (channel INTEGER, message INTEGER, text TEXT)")
        self.client = TelegramClient(session, 1, "0" * 32)
        self.client.add_event_handler(self._on_new, events.NewMessage())

    async def __aenter__(self) -> "Plain":
        await self.client.connect()
        # As the documentation advises, so that every channel is known.
        await self.client.get_dialogs()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.disconnect()
        self._db.close()

    async def _on_new(self, event: Any) -> None:
        self._db.execute("INSERT INTO posts VALUES (?, ?, ?)", (event.chat_id, event.message.id, event.message.message))
        self._db.commit()
        self.stored.setdefault((event.chat_id, event.message.id), time.monotonic())


async def plain_line(place: Place) -> dict[str, Any]:
    """The quiet line, with the plain listener."""
    key = await place.prepare()
    messagebox.NO_UPDATES_TIMEOUT = LINE_SECONDS
    async with Plain(place.telegram.server, key, place.folder / "plain.db") as plain:
        await place.telegram.ask(scenery.post_once_each, 500.0)
        await asyncio.sleep(LINE_SECONDS - 2)
        # Those that crossed it are not to cross it again.
        asyncio.get_running_loop().call_later(5.0, setattr, messagebox, "NO_UPDATES_TIMEOUT", 900)
        return await _measured(place, plain.stored)


# --- Earshot ----------------------------------------------------------------------------------------------------------


async def earshot_line(place: Place) -> dict[str, Any]:
    """The quiet line, with Earshot."""
    key = await place.prepare()
    async with watcher.listening(place.folder, place.telegram.server, key, sweep_seconds=SWEEP_SECONDS) as ears:
        await _settled(place)
        await place.telegram.ask(scenery.post_once_each, 500.0)
        await asyncio.sleep(LINE_SECONDS - 2)
        return await _measured(place, ears.stopwatch.stored)


async def earshot_sweep(place: Place) -> dict[str, Any]:
    """Calls of a full sweep, when nothing happens."""
    key = await place.prepare()
    async with watcher.listening(place.folder, place.telegram.server, key, sweep_seconds=MUTE_SWEEP_SECONDS) as ears:
        await _settled(place)
        await place.telegram.ask(scenery.forget_calls)
        swept = ears.listener.swept_at
        await watcher.is_so(lambda: ears.listener.swept_at != swept)
        calls = await place.telegram.ask(scenery.count_calls)
    return {"calls": sum(calls.values()), "by_method": calls}


async def earshot_mute(place: Place) -> dict[str, Any]:
    """Pushes off for 30 % of the channels."""
    key = await place.prepare()
    mute = [channel.channel_id for channel in place.channels[: round(len(place.channels) * MUTE_SHARE)]]
    async with watcher.listening(place.folder, place.telegram.server, key, sweep_seconds=MUTE_SWEEP_SECONDS) as ears:
        await _settled(place)
        await place.telegram.ask(scenery.swallow, mute)
        posted = await place.telegram.ask(scenery.post_steadily, place.seconds, POSTS_PER_SECOND)
        last = [(one.channel_id, one.message_id) for one in posted]
        await watcher.is_so(lambda: all(key in ears.stopwatch.stored for key in last))
        await place.telegram.ask(scenery.hear_again)
        return {
            "bound_ms": round((MUTE_SWEEP_SECONDS + 2 * CALL_SECONDS) * 1000),
            **spread(lags([one for one in posted if one.channel_id in set(mute)], ears.stopwatch.stored)),
        }


async def _settled(place: Place) -> None:
    """Wait until what was posted in earlier runs is made up for: nothing but overviews is asked for a while."""
    calls = {"": 1}
    while calls.keys() - {"messages.getPeerDialogs"}:
        await place.telegram.ask(scenery.forget_calls)
        await asyncio.sleep(2)
        calls = await place.telegram.ask(scenery.count_calls)


async def _measured(place: Place, stored: Stored) -> dict[str, Any]:
    await place.telegram.ask(scenery.forget_calls)
    posted = await place.telegram.ask(scenery.post_steadily, place.seconds, POSTS_PER_SECOND)
    calls = await place.telegram.ask(scenery.count_calls)
    # What is still under way is given another minute and a half; after that it counts as never.
    try:
        await watcher.is_so(lambda: all((one.channel_id, one.message_id) in stored for one in posted), seconds=90)
    except TimeoutError:
        report.tell(f"{sum(lag == float('inf') for lag in lags(posted, stored))} posts never came")
    per_thousand = {method: round(count * 1000 / len(posted)) for method, count in sorted(calls.items())}
    return {**spread(lags(posted, stored)), "posts": len(posted), "calls_per_1000": per_thousand}


# --- the run ----------------------------------------------------------------------------------------------------------


CONTENDERS = {"plain": plain_line, "earshot": earshot_line, "sweep": earshot_sweep, "mute": earshot_mute}


async def run(*, channels: int, seconds: float, rounds: int) -> None:
    """Everything, in turns."""
    figures: dict[str, list[dict[str, Any]]] = {what: [] for what in CONTENDERS}
    async with Telegram() as telegram:
        with tempfile.TemporaryDirectory(prefix="bench-listening-") as name:
            user_id, watched = await telegram.ask(scenery.make_channels, channels)
            await watcher.pin(Path(name) / "template", watched)
            await telegram.ask(scenery.set_latency, CALL_SECONDS)
            report.tell(f"{channels:,} channels")
            place = Place(
                telegram=telegram,
                user_id=user_id,
                channels=watched,
                template=Path(name) / "template",
                folder=Path(name) / "run",
                seconds=seconds,
            )
            for number in range(rounds):
                for what, contender in CONTENDERS.items():
                    # Nobody else to compare these with: once.
                    if number and what in ("sweep", "mute"):
                        continue
                    figures[what].append(await contender(place))
                    report.tell(f"round {number + 1}: {what}: {figures[what][-1]}")
    _print(figures, channels)


def _print(figures: dict[str, list[dict[str, Any]]], channels: int) -> None:
    medians = {what: _median(rounds) for what, rounds in figures.items()}
    plain, earshot, mute, sweep = (medians[what] for what in ("plain", "earshot", "mute", "sweep"))
    report.table(
        ["push to commit, ms", "p50", "p99", "worst"],
        [
            [what, *("never" if one[name] is None else f"{one[name]:,}" for name in ("p50", "p99", "max"))]
            for what, one in (("plain Telethon", plain), ("Earshot", earshot), ("Earshot, 30 % mute", mute))
        ],
    )
    print(f"calls for 1,000 posts, plain Telethon: {plain['calls_per_1000']}; Earshot: {earshot['calls_per_1000']}")
    per_day = channels * NORMAL / 86_400
    print(
        f"at {NORMAL} posts a day and channel and a sweep a minute: {sweep['calls'] * 1000 / per_day / 60:,.0f} calls"
    )
    print(f"goal p99 under 250 ms over the quiet line: {report.verdict((earshot['p99'] or 1e9) < GOAL_P99 * 1000)}")
    print(f"goal {GOAL_SWEEP} calls a sweep: {sweep['calls']}: {report.verdict(sweep['calls'] <= GOAL_SWEEP)}")
    worst = mute["max"] or 1e9
    print(f"goal sweep and two calls, {mute['bound_ms']:,} ms: {report.verdict(worst <= mute['bound_ms'])}")
    report.finish("listening", channels=channels, medians=medians, rounds=figures)


def _median(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of numbers; of anything else the first round's. What never came in one round is None."""
    first = rounds[0]
    numbers = {name: [one[name] for one in rounds] for name, value in first.items() if isinstance(value, int | None)}
    return first | {name: None if None in found else report.median(found) for name, found in numbers.items()}


def main() -> None:
    """`--quick`: 200 channels, half a minute, one round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    asyncio.run(run(channels=200 if quick else 1000, seconds=30 if quick else 60, rounds=1 if quick else 3))


if __name__ == "__main__":
    main()
