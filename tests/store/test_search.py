"""Search: the same words find and mark the same on both engines."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.model import Hit, Kind, LinkPreview, Media, Message, Poll, RecordingState, Source
from bot.store import Store
from tests.store.making import BLOGGER, LAWMAKER, NOON, heard, message, put, transcript, voice

POSTS: Sequence[Message] = (
    message(1, "Удар ещё под Бердянском: Storm Shadow, 3 ракеты"),
    message(2, "Генерал Попов снят. Попов сказал «правду»"),
    message(3, "Всё про генералов и про 58-ю армию", channel_id=BLOGGER),
    message(4, "б\u0435рд\u200bянск за\u0301мок и\u0306ота"),
    message(5, kind=Kind.POLL, poll=Poll(question="Кто снял?", options=("Министр", "Никто"))),
    message(6, preview=LinkPreview(url="https://x", title="Цоков погиб", description="у моря")),
    message(7, kind=Kind.DOCUMENT, media=Media(document_id=3, size=1, file_name="prikaz_58.pdf")),
)

FOUND = [
    ("удар", [1]),
    ("УДАР ЕЩЕ", [1]),
    ("попов", [2]),
    ("поп*", [2]),
    ("генерал*", [2, 3]),
    ("генерал", [2]),
    ("генерал* -попов", [3]),
    ("всё", [3]),
    ("бердянск", [4]),
    ("бердянск*", [1, 4]),
    ("замок йота", [4]),
    ('"storm shadow"', [1]),
    ('"shadow storm"', []),
    ("storm-shadow", [1]),
    ("58", [3, 7]),
    ("58-ю", [3]),
    ("58-ю*", [3]),
    ("58 -58-ю", [7]),
    ('-"58 ю" 58', [7]),
    ("министр снял", [5]),
    ("цоков моря", [6]),
    ("prikaz pdf", [7]),
    ('"попов сказал правду"', [2]),
    ('"попов снят попов"', [2]),
    ("ракеты попов", []),
    ("-удар", []),
    ("", []),
    ("*", []),
    ('"', []),
    ("-", []),
    ("удар AND попов", []),
    ("удар) OR (попов", []),
    ("folded:удар", []),
    ("NEAR(удар)", []),
    ("'удар'", [1]),
    ("удар & ещё", [1]),
    ("удар \\ % _", [1]),
    ("удар\0", [1]),
    ("ударь", []),
]


@pytest.fixture
async def posts(store: Store) -> Store:
    """A store with a few posts."""
    await put(store, *POSTS)
    return store


async def test_found(posts: Store) -> None:
    """Words are ANDed, case, ё, stress and zero-width marks do not matter, and nothing typed is syntax."""
    for order in ("newest", "best"):
        for words, expected in FOUND:
            found = await posts.archive.search(words, order=order)
            assert sorted(hit.message.message_id for hit in found) == expected, words


def marked(hit: Hit) -> list[str]:
    """The text under the marks."""
    return [hit.excerpt[start:end] for start, end in hit.marks]


MARKED = [
    ("еще удар", Source.TEXT, ["Удар", "ещё"]),
    ("попов", Source.TEXT, ["Попов", "Попов"]),
    ("бердянск", Source.TEXT, ["б\u0435рд\u200bянск"]),
    ("замок", Source.TEXT, ["за\u0301мок"]),
    ('"storm shadow" раке*', Source.TEXT, ["Storm Shadow", "ракеты"]),
    ("министр", Source.POLL, ["Министр"]),
    ("цоков", Source.PREVIEW, ["Цоков"]),
    ("prikaz", Source.FILE_NAME, ["prikaz"]),
]


async def test_marks(posts: Store) -> None:
    """Marks are exact places in the original text."""
    for words, source, marks in MARKED:
        (hit,) = await posts.archive.search(words)
        assert (hit.source, marked(hit)) == (source, marks)


async def test_newest_state_only(posts: Store) -> None:
    """An edited post is found by its newest words alone, a deleted one by its last words and as deleted."""
    await put(posts, message(1, "Отбой", edited_at=NOON))
    assert await posts.archive.search("удар") == ()
    await posts.intake.record(heard(deleted=[1]))
    (hit,) = await posts.archive.search("отбой")
    assert (hit.deleted, hit.version) == (True, 2)


async def test_transcript(store: Store) -> None:
    """Spoken words are found with the second at which they are said, in every post that bears the recording."""
    await put(store, voice(1, text="слушайте командующего"))
    (recording,) = await store.recordings.due(RecordingState.WANTED, NOON, 1)
    await store.recordings.record_fetched(recording.recording_id, sha256="a" * 64, size=1, at=NOON)
    said = transcript("командующий", "армией", "говорит")
    await store.recordings.record_transcript(recording.recording_id, said, {}, sinks=(), at=NOON)
    await put(store, voice(2, channel_id=BLOGGER))
    hits = await store.archive.search("армией")
    assert [(hit.source, hit.spoken_at, marked(hit)) for hit in hits] == [(Source.TRANSCRIPT, 1.0, ["армией"])] * 2
    (both,) = await store.archive.search("слушайте армией говорит")
    assert (both.source, both.spoken_at, marked(both)) == (Source.TRANSCRIPT, 1.0, ["армией", "говорит"])
    assert await store.archive.search('"командующего командующий"') == ()


async def test_filters(posts: Store) -> None:
    """Channel and time narrow the search; newest come first; the limit holds."""
    at = NOON + timedelta(days=1)
    await put(posts, message(20, "генерал генерал", posted_at=at))
    hits = await posts.archive.search("генерал*")
    assert [hit.message.message_id for hit in hits] == [20, 3, 2]
    assert [hit.message.message_id for hit in await posts.archive.search("генерал*", limit=1)] == [20]
    assert [hit.message.message_id for hit in await posts.archive.search("генерал*", channel_id=BLOGGER)] == [3]
    assert [hit.message.message_id for hit in await posts.archive.search("генерал*", since=at)] == [20]
    assert len(await posts.archive.search("генерал*", until=at, channel_id=LAWMAKER)) == 1


async def test_best(posts: Store) -> None:
    """Best first: the post that is about little else."""
    await put(posts, message(20, "попов " + "слово " * 200), message(21, "попов попов попов"))
    hits = await posts.archive.search("попов", order="best")
    assert hits[0].message.message_id == 21


async def test_long_transcript(store: Store) -> None:
    """A phrase is found behind the sixteen-thousandth word, where PostgreSQL's positions end."""
    await put(store, voice(1))
    (recording,) = await store.recordings.due(RecordingState.WANTED, NOON, 1)
    await store.recordings.record_fetched(recording.recording_id, sha256="a" * 64, size=1, at=NOON)
    words = [f"w{number % 700}" for number in range(20_000)]
    said = transcript(*words, "контрбатарейная", "борьба")
    await store.recordings.record_transcript(recording.recording_id, said, {}, sinks=(), at=NOON)
    (hit,) = await store.archive.search('"контрбатарейная борьба"')
    assert hit.spoken_at == 20_000
    assert await store.archive.search('"борьба контрбатарейная"') == ()
