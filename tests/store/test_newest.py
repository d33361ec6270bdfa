"""The newest documents are found by reading, by looking up and by going through: the answer is that of reading them all."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from bot.model import ChannelId, Message
from bot.store import Every, Holds, Some, Store, Window, Wish, newest_postgresql, newest_sqlite
from bot.store.index import index_posts
from bot.store.schema import messages, versions
from bot.store.texts import Term, parse_query, words
from tests.conftest import ALL
from tests.store.making import BLOGGER, LAWMAKER, NOON, message

pytestmark = pytest.mark.slow

POSTS = 150
# A few words, each rarer than the one before; the last is in old posts alone.
WORDS = ["и", "в", "не", "армия", "армии", "арм", "удар", "58", "58я", "попов", "storm", "шадоу"]
GONE = "мятеж"
QUERIES = [
    "и", "в", "попов", "шадоу", "нигде", GONE, f"и {GONE}", f"{GONE} -в", "и -в", "-в -не попов", '"и в"', '"в и" армия',
    "арм*", "58*", "-арм* и", '"и в не"', '"удар 58"', '-"и в" и', "попов storm", "и в не армия армии удар 58 попов storm",
    "и в не армия армии арм удар 58",
]  # fmt: skip
WISHES: list[Wish] = [
    Holds("и"),
    Holds("арм", begins=True),
    Holds(GONE),
    Every((Holds("и"), Some((Holds("попов"), Holds("storm"))))),
    Some((Holds("шадоу"), Holds(GONE), Every((Holds("в"), Holds("58", begins=True))))),
    Some(tuple(map(Holds, [*WORDS[3:], GONE]))),
    Every((Some(tuple(map(Holds, WORDS[3:]))), Holds("не"))),
]
WINDOWS: list[dict[str, Any]] = [
    {},
    {"channel_id": LAWMAKER},
    {"since": NOON - timedelta(minutes=30)},
    {"until": NOON - timedelta(minutes=40)},
    {"channel_id": BLOGGER, "since": NOON - timedelta(minutes=70), "until": NOON - timedelta(minutes=20)},
]


# For SQLite: documents read, hits that are few, hits that are many; for PostgreSQL: documents read in a step, hits that are
# few. With few documents, every way is gone.
BOUNDS = [
    (1, 0, 0, 1, 0),
    (7, 5, 30, 7, 0),
    (7, 0, 10_000, 7, 20),
    (60, 0, 20, 60, 0),
    (60, 10, 0, 60, 1),
    (10_000, 0, 0, 10_000, 0),
    (7, 10_000, 0, 7, 10_000),
]


def set_bounds(monkeypatch: pytest.MonkeyPatch, bounds: Sequence[int]) -> None:
    """So small that a few posts are as many."""
    for name, value in zip(("NEAR", "FEW", "MANY"), bounds[:3], strict=True):
        monkeypatch.setattr(newest_sqlite, name, value)
    for name, value in zip(("NEAR", "FEW"), bounds[3:], strict=True):
        monkeypatch.setattr(newest_postgresql, name, value)


@pytest.fixture(params=BOUNDS, ids=str)
def bounds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Each of them; its number."""
    set_bounds(monkeypatch, request.param)
    return BOUNDS.index(request.param)


async def filled(store: Store) -> list[Message]:
    """Posts in two channels, many at the same moment, in no order of time."""
    rng = random.Random(58)
    weights = [1 / (rank + 1) for rank in range(len(WORDS))]
    posts = []
    for number in range(1, POSTS + 1):
        at = NOON - timedelta(minutes=rng.randrange(75))
        drawn = rng.choices(WORDS, weights, k=rng.randrange(12))
        if at < NOON - timedelta(minutes=60):
            drawn.append(GONE)
        posts.append(message(number, " ".join(drawn), rng.choice([LAWMAKER, BLOGGER]), posted_at=at))
    rng.shuffle(posts)
    await fill(store, posts)
    return posts


async def fill(store: Store, posts: Sequence[Message]) -> None:
    """Write the posts, in this order, as if just heard."""
    async with store._database.write() as conn:
        place = ("channel_id", "message_id")
        rows = [{name: getattr(post, name) for name in place} for post in posts]
        await conn.execute(messages.insert(), [{**row, "current": 1, "service": False} for row in rows])
        state = {"number": 1, "change": "original", "stored_at": NOON, "how": "push"}
        await conn.execute(
            versions.insert(), [{**row, **state, "message": post} for row, post in zip(rows, posts, strict=True)]
        )
        await index_posts(conn, [(post, None) for post in posts])


def holds(text: Sequence[str], term: Term) -> bool:
    """Whether the words stand side by side somewhere, the last going on if it may."""
    for start in range(len(text) - len(term.words) + 1):
        *full, last = text[start : start + len(term.words)]
        if full == list(term.words[:-1]) and (last.startswith if term.prefix else last.__eq__)(term.words[-1]):
            return True
    return False


def fulfils(text: Sequence[str], wish: Wish) -> bool:
    """Whether the words are what is wished for."""
    if isinstance(wish, Holds):
        return any(word.startswith(wish.word) if wish.begins else word == wish.word for word in text)
    return (all if isinstance(wish, Every) else any)(fulfils(text, one) for one in wish.wishes)


def within(
    post: Message, *, channel_id: ChannelId | None = None, since: datetime | None = None, until: datetime | None = None
) -> bool:
    """Whether the post is in the window."""
    return (
        channel_id in (None, post.channel_id)
        and (since is None or post.posted_at >= since)
        and (until is None or post.posted_at < until)
    )


async def searched(store: Store, posts: Sequence[Message], asked: str, window: dict[str, Any], limit: int) -> None:
    """Hold what a search gives against what a reading of all posts, which are in its order, gives."""
    terms = parse_query(asked)
    expected = [
        post.key
        for post in posts
        if within(post, **window) and all(holds(words(post.text), term) != term.exclude for term in terms)
    ]
    found = await store.archive.search(asked, limit=limit, **window)
    assert [hit.message.key for hit in found] == expected[:limit], (asked, window, limit)


async def paged(store: Store, posts: Sequence[Message], wish: Wish, window: dict[str, Any], limit: int) -> None:
    """Hold what pages give against what a reading of all posts gives."""
    given = Window(
        since=window.get("since"),
        until=window.get("until"),
        channel_ids=[window["channel_id"]] if "channel_id" in window else None,
        wish=wish,
    )
    expected = {post.key for post in posts if within(post, **window) and fulfils(words(post.text), wish)}
    found: list[Message] = []
    after = None
    while True:
        page = await store.archive.page(given, after=after, limit=limit)
        found += [past.items[0].message for past in page.posts]
        if (after := page.after) is None:
            break
    assert sorted(found, key=lambda post: -post.posted_at.timestamp()) == found
    assert len(found) == len(expected)
    assert {post.key for post in found} == expected, (wish, window, limit)


def newest_first(posts: Sequence[Message]) -> list[Message]:
    """As a search has them."""
    return sorted(posts, key=lambda post: (-post.posted_at.timestamp(), post.channel_id, -post.message_id))


def in_turn(limits: Sequence[int], turn: int) -> Sequence[int]:
    """All in `make drills`; else one, so that whatever is asked has each of them under two or three of the bounds."""
    return limits if ALL else [limits[turn % len(limits)]]


async def test_words(store: Store, bounds: int) -> None:
    """A search gives the newest of all posts that hold the words, those of one moment by channel and number."""
    posts = newest_first(await filled(store))
    for number, (asked, window) in enumerate(product(QUERIES, WINDOWS)):
        for limit in in_turn((3, 20, 1000), number + bounds):
            await searched(store, posts, asked, window, limit)


async def test_wishes(store: Store, bounds: int) -> None:
    """Pages of any length give every post that fulfils a wish, once, by its time."""
    posts = await filled(store)
    for number, (wish, window) in enumerate(product(WISHES, WINDOWS)):
        for limit in in_turn((9, 1000), number + bounds):
            await paged(store, posts, wish, window, limit)


# --- archives and questions drawn from a seed -------------------------------------------------------------------------


def drawn_posts(rng: random.Random) -> list[Message]:
    """Words from one in two posts to one in a hundred; which of them are common turns round in the middle of the time."""
    known = [f"{letter}{number}" for number in range(12) for letter in "абв"]
    weights = [1 / (rank + 1) ** 1.3 for rank in range(len(known))]
    posts = []
    for number in range(1, 2 * POSTS + 1):
        minutes = rng.randrange(100)
        common = known if minutes < 50 else known[::-1]
        text = " ".join(rng.choices(common, weights, k=rng.randrange(1, 15)))
        at = NOON - timedelta(minutes=minutes)
        posts.append(message(number, text, rng.choice([LAWMAKER, BLOGGER]), posted_at=at))
    return posts


def drawn_window(rng: random.Random) -> dict[str, Any]:
    """Any of the bounds, or none."""
    since, until = sorted(NOON - timedelta(minutes=rng.randrange(101)) for _ in range(2))
    bounds = {"channel_id": rng.choice([LAWMAKER, BLOGGER]), "since": since, "until": until}
    return {name: value for name, value in bounds.items() if rng.random() < 0.4}


def drawn_query(rng: random.Random, posts: Sequence[Message]) -> str:
    """Words, beginnings and phrases of posts, some of them not wanted."""
    terms = []
    for number in range(rng.randint(1, 3)):
        spoken = rng.choice(posts).text.split()
        start = rng.randrange(len(spoken))
        phrase = " ".join(spoken[start : start + rng.randint(1, 3)])
        term = rng.choice([f'"{phrase}"', spoken[start], f"{spoken[start][:2]}*"])
        terms.append(f"-{term}" if number and rng.random() < 0.3 else term)
    return " ".join(terms)


def drawn_wish(rng: random.Random, posts: Sequence[Message], depth: int = 2) -> Wish:
    """Words and beginnings, by AND and OR."""
    if not depth or rng.random() < 0.3:
        word = rng.choice(rng.choice(posts).text.split())
        return Holds(word) if rng.random() < 0.8 else Holds(word[:2], begins=True)
    wishes = tuple(drawn_wish(rng, posts, depth - 1) for _ in range(rng.randint(2, 4)))
    return rng.choice([Every, Some])(wishes)


@pytest.mark.parametrize("analyzed", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
async def test_any_way(store: Store, seed: int, analyzed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is asked of whatever archive, every way finds what reading all of it finds, with or without statistics."""
    rng = random.Random(seed)
    posts = drawn_posts(rng)
    await fill(store, posts)
    if analyzed:
        async with store._database.write() as conn:
            await conn.exec_driver_sql("ANALYZE")
    posts = newest_first(posts)
    for _ in range(15):
        query, wish, window = drawn_query(rng, posts), drawn_wish(rng, posts), drawn_window(rng)
        for bounds in BOUNDS:
            set_bounds(monkeypatch, bounds)
            await searched(store, posts, query, window, rng.choice([2, 20, 1000]))
            await paged(store, posts, wish, window, rng.choice([20, 1000]))
