"""A large archive to search in: posts drawn from a seed; archive_rows.py writes them into the real tables.

Real Russian words in all their inflected forms, Zipf by lexeme, under the commonest function words; surnames and armies as
people write them; words that were in everyone's mouth for one month and in nobody's after. 200 channels, two years: the
first eighteen months came by a backfill, channel after channel and the newest first; the rest as it was posted. Of a
hundred posts one is edited and one a voice note with its transcript; of twenty one has a second photo. No post of anyone
is in it.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate, islice, product

from bot.model import ChannelId, Kind, Media, Message, MessageId
from bot.rules.forms.dictionary import analyzer
from bot.transcript import Segment, Transcript, Word

SEED = 58
CHANNELS = 200
END = datetime(2024, 7, 12, tzinfo=UTC)
BEGIN = END - timedelta(days=730)
MONTHS = 24
# Before this moment everything came by a backfill.
LISTENING = END - timedelta(days=180)
EDITED, SPOKEN, ALBUMS = 0.01, 0.01, 0.05

# The commonest words of Russian, in this order.
FUNCTION_WORDS = (
    "и в не на что с по для от как это из к а о но у его за же то все так было только или при до бы их уже если во мы "
    "еще они после когда также под через где быть себя наши который сегодня без там были будет очень может здесь"
).split()  # fmt: skip
SURNAMES = (
    "Попов Цоков Гурулев Шаманов Романчук Кузовлев Лапин Мизинцев Теплинский Нагаев Ершов Рудской Зорин Рябов Фомин Лосев "
    "Шубин Карпов Сухов Панин Волков Дронов Титов Жуков Громов Белов Орлов Котов Сомов Ежов"
).split()  # fmt: skip
ARMIES = {58: "пятьдесят восьмая", 35: "тридцать пятая", 41: "сорок первая", 20: "двадцатая", 8: "восьмая"}
# Share of the posts that name the commonest; the others by Zipf.
_NAMED, _ARMY = 0.004, 0.004
# Share of a month's posts that hold one of its words, and how many words a month has.
_TALKED_OF, TOPICS = 0.3, 5


@dataclass(frozen=True, slots=True)
class Post:
    """A post as it stands at last, what it was before an edit, and what is said in it."""

    message: Message
    before: Message | None = None
    transcript: Transcript | None = None


class Author:
    """Writes texts; the same ones for the same seed."""

    def __init__(self, seed: int = SEED) -> None:
        self._rng = random.Random(seed)
        lexemes = list(_lexemes())
        self._rng.shuffle(lexemes)
        # What a month talks of stands nowhere else.
        self.topics = [_pick(lexemes, TOPICS) for _ in range(MONTHS)]
        self.lexemes = lexemes
        weighted = [([word], 1 / (rank + 3)) for rank, word in enumerate(FUNCTION_WORDS)]
        weighted += [(forms, 1 / (rank + 3 + len(FUNCTION_WORDS))) for rank, forms in enumerate(lexemes)]
        self.words = [form for forms, _ in weighted for form in forms]
        self._weights = list(accumulate(weight / len(forms) for forms, weight in weighted for _ in forms))
        self._surname_weights = [1 / (rank + 1) for rank in range(len(SURNAMES))]

    def text(self, at: datetime) -> str:
        """20 to 120 words, with names and the words of the month where it comes so."""
        rng = self._rng
        words = rng.choices(self.words, cum_weights=self._weights, k=rng.randint(20, 120))
        words[0] = words[0].capitalize()
        if rng.random() < _TALKED_OF:
            forms = rng.choice(self.topics[min(MONTHS - 1, (at - BEGIN) * MONTHS // (END - BEGIN))])
            words[rng.randrange(len(words))] = rng.choice(forms)
        # A surname in two comes with an army close by.
        named = rng.random() < _NAMED * sum(self._surname_weights)
        if named:
            spot = rng.randrange(len(words))
            words.insert(spot, self._surname())
            if rng.random() < 0.5:
                words.insert(min(len(words), spot + rng.randint(1, 6)), self._army())
        elif rng.random() < _ARMY * len(ARMIES):
            words.insert(rng.randrange(len(words)), self._army())
        breaks = rng.random()
        return "".join(
            word + (". " if number % 11 == 10 else ", " if breaks < 0.5 and number % 7 == 6 else " ")
            for number, word in enumerate(words)
        ).rstrip()

    def pair(self, at: datetime) -> str:
        """Two words that stand side by side in a post."""
        words = self.text(at).replace(".", "").replace(",", "").split()
        spot = self._rng.randrange(len(words) - 1)
        return " ".join(words[spot : spot + 2])

    def _surname(self) -> str:
        (name,) = self._rng.choices(SURNAMES, self._surname_weights)
        if name.endswith("ий") or name.endswith("ой"):
            return name[:-2] + self._rng.choice([name[-2:], "ого", "ому", "им", "ом"])
        return name + self._rng.choice(["", "", "а", "у", "ым", "е"])

    def _army(self) -> str:
        number = self._rng.choice(list(ARMIES))
        forms = [
            f"{number}-я армия",
            f"{number}-й армии",
            f"{number}-ю армию",
            f"{number} ОА",
            f"{ARMIES[number]} армия",
        ]
        return self._rng.choice([*forms, f"{number}-й общевойсковой армией"])


@cache
def _lexemes() -> tuple[list[str], ...]:
    """All forms of some thousands of words of the dictionary."""
    known = analyzer("ru")
    found: dict[str, list[str]] = {}
    for prefix in map("".join, product("абвгдежзиклмнопрстуфхцчшэя", "авеиклмнорстуя")):
        for word, *_ in islice(known.dictionary.iter_known_words(prefix), 0, 500, 15):
            best = known.parse(word)[0]
            if best.normal_form not in found and "-" not in word and len(word) < 14:
                found[best.normal_form] = sorted({form.word for form in best.lexeme})
    return tuple(found[word] for word in sorted(found))


def _pick(lexemes: list[list[str]], count: int) -> list[list[str]]:
    return [lexemes.pop() for _ in range(count)]


def posts(author: Author, total: int) -> Iterator[Post]:
    """`total` messages in the order in which they were heard."""
    rng = random.Random(SEED + 1)
    weights = list(accumulate(1 / (rank + 10) for rank in range(CHANNELS)))
    moments = sorted(rng.randrange(int((END - BEGIN).total_seconds())) for _ in range(total))
    plan: dict[int, list[tuple[datetime, int]]] = {number: [] for number in range(CHANNELS)}
    live: list[tuple[datetime, int, int]] = []
    newest = [0] * CHANNELS
    for second in moments:
        at = BEGIN + timedelta(seconds=second)
        (channel,) = rng.choices(range(CHANNELS), cum_weights=weights)
        newest[channel] += 1
        if at < LISTENING:
            plan[channel].append((at, newest[channel]))
        else:
            live.append((at, channel, newest[channel]))
    for channel, history in plan.items():
        for at, number in reversed(history):
            yield _post(author, rng, channel, number, at)
    for at, channel, number in live:
        yield _post(author, rng, channel, number, at)


def channel_id(number: int) -> ChannelId:
    """Of the channel so numbered, from 0."""
    return ChannelId(-1_001_000_000_000 - number)


def _post(author: Author, rng: random.Random, channel: int, number: int, at: datetime) -> Post:
    document = channel << 32 | number
    message = Message(
        channel_id=channel_id(channel), message_id=MessageId(number), kind=Kind.TEXT, posted_at=at, views=1_000
    )
    chance = rng.random()
    if chance < SPOKEN:
        media = Media(document_id=document, size=1_000, mime="audio/ogg", duration=60.0)
        return Post(replace(message, kind=Kind.VOICE, media=media), transcript=_said(author.text(at)))
    # Of this post and the one before or after it, by their numbers.
    album = channel << 32 | (number + 1) // 2
    if random.Random(album).random() < ALBUMS:
        media = Media(document_id=document, size=1_000, mime="image/jpeg")
        text = author.text(at) if number % 2 else ""
        return Post(replace(message, kind=Kind.PHOTO, media=media, album_id=album, text=text))
    message = replace(message, text=author.text(at))
    if chance > 1 - EDITED:
        return Post(replace(message, text=author.text(at), edited_at=at + timedelta(minutes=5)), before=message)
    return Post(message)


def _said(text: str) -> Transcript:
    words = tuple(
        Word(start=number * 0.5, end=number * 0.5 + 0.4, text=f" {word}", probability=0.9)
        for number, word in enumerate(text.split())
    )
    segment = Segment(
        start=0.0,
        end=words[-1].end,
        text=f" {text}",
        words=words,
        avg_logprob=-0.2,
        no_speech_probability=0.01,
        compression_ratio=1.5,
    )
    return Transcript(
        language="ru",
        language_probability=0.99,
        duration=60.0,
        speech_seconds=50.0,
        segments=(segment,),
        model="bench",
        parameters={},
    )
