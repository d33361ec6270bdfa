"""The archive gone through from the newest post to the oldest, what the index narrows, and alerts on the past."""

from datetime import timedelta

import pytest

from bot.model import Forward, Key, Kind, Message
from bot.monitor import Fired, look_back, wish_of
from bot.monitor.past import FIRST_PAGE
from bot.rules import RuleSet
from bot.rules.single import parse_single
from bot.store import Holds, Some, Store, Window
from tests.store.making import BLOGGER, LAWMAKER, NOON, heard, key, match, message, put, transcript, voice

pytestmark = pytest.mark.slow


async def fired(store: Store, rules: RuleSet, window: Window | None = None) -> list[Fired]:
    """All that a set of rules finds."""
    return [one async for one in look_back(store, rules, window or Window())]


def keys(found: list[Fired]) -> list[Key]:
    """The messages that alerts would name."""
    return [one.item.message.key for one in found]


async def transcribe(store: Store, *words: str) -> None:
    """Record what is said in the one recording that is wanted."""
    (recording,) = await store.recordings.due("wanted", NOON, 10)  # type: ignore[arg-type]
    await store.recordings.record_fetched(recording.recording_id, sha256="ab", size=9, at=NOON)
    await store.recordings.record_transcript(recording.recording_id, transcript(*words), {}, sinks=(), at=NOON)


async def test_newest_states_newest_first(store: Store) -> None:
    """Posts come by their time, in their newest state, deleted ones too; what an edit has removed is not found."""
    await put(store, message(1, "удар", posted_at=NOON - timedelta(days=2)))
    await put(store, message(2, "удары", channel_id=BLOGGER, posted_at=NOON - timedelta(days=1)))
    await put(store, message(3, "удар", posted_at=NOON - timedelta(hours=1)))
    await put(store, message(3, "тихо", posted_at=NOON - timedelta(hours=1), edited_at=NOON))
    await put(store, message(4, "об ударах"))
    await store.intake.record(heard(deleted=[4]))
    found = await fired(store, parse_single("удар"))
    assert keys(found) == [key(4), key(2, BLOGGER), key(1)]
    assert [sorted(one.past.deleted) for one in found] == [[4], [], []]


async def test_the_window(store: Store) -> None:
    """Times and channels bound what is read: since counts, until no longer does."""
    for number in range(1, 6):
        await put(store, message(number, "удар", posted_at=NOON - timedelta(days=number)))
    await put(store, message(1, "удар", channel_id=BLOGGER, posted_at=NOON - timedelta(days=3)))
    window = Window(since=NOON - timedelta(days=4), until=NOON - timedelta(days=2), channel_ids=[LAWMAKER])
    assert keys(await fired(store, parse_single("удар"), window)) == [key(3), key(4)]
    assert await store.archive.count(window) == 2
    assert await fired(store, parse_single("удар"), Window(channel_ids=[])) == []


@pytest.mark.slow
async def test_many_pages(store: Store) -> None:
    """Every post is read once, also where many have one time and an album lies over the border of a page."""
    album = range(FIRST_PAGE - 1, FIRST_PAGE + 3)
    posts = [
        message(number, "удар", posted_at=NOON, **({"album_id": 5, "kind": Kind.PHOTO} if number in album else {}))
        for number in range(1, 2 * FIRST_PAGE)
    ]
    await put(store, *posts)
    looked: list[int] = []
    found = [one async for one in look_back(store, parse_single("удар"), Window(), looked=looked.append)]
    assert len(found) == len(posts) - len(album) + 1
    assert sum(looked) == len(posts)
    assert sum(len(one.past.items) for one in found) == len(posts)


async def test_the_whole_post_is_matched(store: Store) -> None:
    """The words of an album may stand in several captions, and those of a voice note in its transcript."""
    await put(
        store, message(1, "генерал", album_id=3, kind=Kind.PHOTO), message(2, "снят", album_id=3, kind=Kind.PHOTO)
    )
    await put(store, voice(5, text="Слушайте"))
    await transcribe(store, "генерал", "убит")
    (album,) = await fired(store, parse_single("генерал AND снят"))
    assert [span.item for span in album.match.spans] == [1, 2]
    assert [span.item for span in album.raised(()).match.spans] == [None, 2]
    (spoken,) = await fired(store, parse_single("убит"))
    assert spoken.match.spans[0].spoken is not None
    assert spoken.item.message.key == key(5)


async def test_service_messages_are_no_posts(store: Store) -> None:
    """A service message is not matched; names that a post is forwarded from are."""
    await put(store, message(1, "", kind=Kind.SERVICE, service="title: удар"))
    await put(store, message(2, "тихо", forward=Forward(posted_at=NOON, name="Удар дня")))
    assert keys(await fired(store, parse_single("удар"))) == [key(2)]


# --- the index --------------------------------------------------------------------------------------------------------

TEXTS = {
    1: "58-я армия отходит",
    2: "пятьдесят восьмая армия отходит",
    3: "58ОА отходит",
    4: "позиции 58-й гвардейской общевойсковой армии",
    5: "Слов'янськ тримається",
    6: "под Славянском тихо",
    7: "танк Т-90М подбит",
    8: "танк Т90М подбит",
    9: "Генерал Попов снят с должности",
    10: "Ракетный удар по Бердянску",
    11: "НIМАRS",
    12: "Хаймарсы отработали",
}


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ('unit:"58-я армия"', {1, 2, 3, 4}),
        ("place:Слов'янськ OR place:Славянск", {5, 6}),
        ("Т-90М", {7, 8}),
        ("person:Попов AND должность", {9}),
        ("person:Попов NEAR/2 снят", {9}),
        ("бердянск* NOT погода", {10}),
        ("/рак.тный/ OR удар", {10}),
        ("танк AND /Т.?90/", {7, 8}),
        ("Хаймарс", {12}),
    ],
)
async def test_the_index_narrows_and_the_engine_confirms(store: Store, query: str, numbers: set[int]) -> None:
    """What a search finds by way of the index is what the engine finds in all posts, where words are not hidden."""
    await put(store, *(message(number, text) for number, text in TEXTS.items()))
    rules = parse_single(query)
    wish = wish_of(rules.rules[0].tree)
    everywhere = {one.item.message.message_id for one in await fired(store, rules)}
    narrowed = {one.item.message.message_id for one in await fired(store, rules, Window(wish=wish))}
    assert everywhere == narrowed == numbers
    page = await store.archive.page(Window(wish=wish))
    assert wish is None or page.messages < len(TEXTS)


@pytest.mark.parametrize("word", ['"', "' | 'x", "a:b", "x) OR (y", "\\", "*", ""])
def test_a_wish_holds_words_alone(word: str) -> None:
    """Nothing but letters and digits can reach the syntax of the index."""
    with pytest.raises(ValueError, match="no word"):
        Holds(word)


async def test_words_that_are_operators_elsewhere(store: Store) -> None:
    """What FTS5 takes for an operator is a word here."""
    await put(store, message(1, "or not"))
    for word in ("OR", "NOT", "NEAR", "AND"):
        page = await store.archive.page(Window(wish=Some((Holds(word), Holds("нет")))))
        assert page.messages == (word in ("OR", "NOT"))


# --- alerts on the past -----------------------------------------------------------------------------------------------


async def due(store: Store) -> list[Message]:
    """The posts of the alerts that wait."""
    return [row.alert.message for row in await store.outbox.due("chat", NOON, 100) if row.alert]


async def test_alerts_on_the_past_come_once(store: Store) -> None:
    """Each is marked, and raising them again raises none."""
    await put(store, message(1, "удар"), message(2, "удар"))
    found = [one.raised(("chat",)) for one in await fired(store, parse_single("удар"))]
    assert await store.intake.raise_past(found) == 2
    assert await store.intake.raise_past(found) == 0
    (first, second) = await store.outbox.due("chat", NOON, 10)
    assert first.alert is not None
    assert first.alert.match.archive
    assert second.alert is not None


async def test_what_has_alerted_does_not_alert_again(store: Store) -> None:
    """A rule that fired when the post came raises nothing for the past, in the text or in the speech."""
    await put(store, message(1, "удар"), matches=[match("query", "удар")])
    assert len(await due(store)) == 1
    assert (
        await store.intake.raise_past([one.raised(("chat",)) for one in await fired(store, parse_single("удар"))]) == 0
    )
    await put(store, voice(2))
    await transcribe(store, "удар")
    found = [one.raised(("chat",)) for one in await fired(store, parse_single("удар"))]
    assert await store.intake.raise_past(found) == 1
    assert await store.intake.raise_past(found) == 0
    assert [post.message_id for post in await due(store)] == [1, 2]
