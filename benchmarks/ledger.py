"""Does a long ledger slow the start down? `make bench-ledger`

The real `earshot run` watches 1,000 channels and is started, in turns, on a ledger that accounts for 10 million ids and on
an empty one. Every channel has 10,000 ids, of which 2 % were deleted, drawn at random, and the rest came by push, with a
stretch made up for by a difference every thousand: so the ledger is cut into many runs. Told: from the start of the process
until "listening" is in the chat, and until every channel has been compared with the server. Goal: 2 s more at most.
"""

import argparse
import asyncio
import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import report, scenery, watcher
from bot.model import Channel
from bot.sandbox.stage import Stage

GOAL_SECONDS = 2.0
DELETED_SHARE = 0.02
# Of every so many ids, the first few were learned by a difference.
STRETCH, BY_DIFFERENCE = 1000, 50
OVERVIEW = 100
KINDS = ("empty", "full")

Run = tuple[int, int, int, str, str]


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds until we listen, and until all was compared; resident memory then, in MB."""

    listening: float
    swept: float
    rss: float


def runs(channel_id: int, ids: int, rng: random.Random) -> Iterator[Run]:
    """The ledger's rows of a channel whose ids 1 to `ids` are all accounted for."""
    deleted = set(rng.sample(range(1, ids + 1), round(ids * DELETED_SHARE)))
    first, before = 1, _state(1, deleted)
    for number in range(2, ids + 1):
        now = _state(number, deleted)
        if now != before:
            yield (channel_id, first, number - 1, *before)
            first, before = number, now
    yield (channel_id, first, ids, *before)


def _state(number: int, deleted: set[int]) -> tuple[str, str]:
    how = "difference" if number % STRETCH < BY_DIFFERENCE else "push"
    return "deleted" if number in deleted else "stored", how


def fill(database: Path, channels: list[Channel], ids: int) -> int:
    """Write the ledger behind the store's back, as years of listening would have left it; the number of rows."""
    rng = random.Random(scenery.SEED)
    with sqlite3.connect(database) as connection:
        for channel in channels:
            rows = runs(channel.channel_id, ids, rng)
            connection.executemany(
                "INSERT INTO ledger (channel_id, first_id, last_id, state, how) VALUES (?, ?, ?, ?, ?)", rows
            )
        connection.execute("DELETE FROM gaps")
        connection.execute("UPDATE channels SET watch_from = 1, top_id = ?", (ids,))
        count = connection.execute("SELECT count(*) FROM ledger").fetchone()[0]
    connection.close()
    return int(count)


async def start(stage: Stage, database: Path) -> Start:
    """Start the daemon on a copy of that database, and stop it."""
    data = stage.folder / "data"
    for file in data.glob("earshot.db*"):
        file.unlink()
    shutil.copy(database, data / "earshot.db")
    said, asked = len(stage.desk.messages), len(stage.sandbox.calls)
    begin = time.monotonic()
    await stage.start()

    def overviews() -> int:
        return sum(call.method == "messages.getPeerDialogs" for call in stage.sandbox.calls[asked:])

    batches = len(stage.sandbox.world.channels) // OVERVIEW
    listening = asyncio.create_task(
        stage.until(lambda: len(stage.desk.messages) > said, what="listening", seconds=300.0)
    )
    await stage.until(lambda: overviews() >= batches, what="every channel compared", seconds=300.0)
    swept = time.monotonic() - begin
    await listening
    result = Start(listening=listening.result(), swept=swept, rss=report.rss(stage.pid))
    await stage.stop()
    return result


async def run(*, channels: int, ids: int, rounds: int) -> None:
    """Make both databases, start on each in turns, print."""
    with tempfile.TemporaryDirectory(prefix="bench-ledger-") as name:
        folder = Path(name)
        async with Stage(folder / "stage", settings={"telegram": {"sweep_seconds": 600}}) as stage:
            databases, rows = await _prepare(stage, folder, channels, ids)
            sizes = {kind: file.stat().st_size for kind, file in databases.items()}
            report.tell(f"{rows:,} rows account for {channels * ids:,} ids")
            results: dict[str, list[Start]] = {kind: [] for kind in KINDS}
            for number in range(rounds):
                for kind in KINDS:
                    results[kind].append(await start(stage, databases[kind]))
                    report.tell(f"round {number + 1}: {kind}: {results[kind][-1]}")
    _print(results, sizes, rows=rows, ids=channels * ids)


async def _prepare(stage: Stage, folder: Path, channels: int, ids: int) -> tuple[dict[str, Path], int]:
    watched = scenery.fill_world(stage.sandbox, stage.listener, channels)
    stage.configure([{"handle": channel.handle, "category": scenery.CATEGORY} for channel in watched])
    login = await stage.login()
    assert login.code == 0, login.err
    await watcher.pin(folder / "empty", watched)
    shutil.copytree(folder / "empty", folder / "full")
    databases = {kind: folder / kind / "earshot.db" for kind in KINDS}
    return databases, fill(databases["full"], watched, ids)


def _print(results: dict[str, list[Start]], sizes: dict[str, int], *, rows: int, ids: int) -> None:
    medians = {
        kind: {
            name: round(report.median([getattr(one, name) for one in starts]), 2)
            for name in ("listening", "swept", "rss")
        }
        for kind, starts in results.items()
    }
    report.table(
        ["ledger", "listening, s", "all compared, s", "RSS, MB"],
        [[kind, *(f"{medians[kind][name]:.1f}" for name in ("listening", "swept", "rss"))] for kind in (*KINDS,)],
    )
    more = medians["full"]["swept"] - medians["empty"]["swept"]
    size = sizes["full"] - sizes["empty"]
    print(f"{ids:,} ids are {rows:,} rows, {size / 1e6:.1f} MB: {size / ids:.2f} bytes an id")
    print(f"goal {GOAL_SECONDS:.0f} s more until all is compared: {more:.2f} s: {report.verdict(more < GOAL_SECONDS)}")
    report.finish("ledger", ids=ids, rows=rows, bytes=size, medians=medians)


def main() -> None:
    """`--quick`: a tenth of the ids, one round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    asyncio.run(run(channels=1000, ids=1_000 if quick else 10_000, rounds=1 if quick else 3))


if __name__ == "__main__":
    main()
