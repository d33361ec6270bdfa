"""Messages of 4,096 characters that are made to be slow, for `make bench-rules`.

Two kinds: pieces repeated without end, and the rules' own words in any order, plain and disguised, which a seeded search
looks for. Each is held against the median message of the corpus, and against the median of honest texts of its own length,
messages of the corpus one after another; both are timed beside it.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from benchmarks import report

LIMIT = 4_096
ROUNDS = 5
# Honest messages that are timed beside each hostile one, and honest texts of its length.
BESIDE, LONG_BESIDE = 40, 9
# Texts that the search makes, and the slowest of them that are timed again.
TRIED, KEPT = 400, 12

Work = Callable[[str], object]

# Rules that such texts are made for, beside the drawn ones.
TARGETS = (
    '"взрыв взрыв взрыв взрыв"~20', "взрыв NEAR/50 взрыв", '"взрыв удар"~20', "взрыв NEAR/50 удар", 'person:"Сергей Шойгу"',
    "Хаймарс~1", 'unit:"58-я армия"', "place:Бердянск", "взры*", "/взрыв/", r"/\d+/", "url:t.me/*", "mention:rybar",
    "person:Кадыров", "контрбатарейная",
)  # fmt: skip


def repeated(rng: random.Random, words: Sequence[str]) -> dict[str, str]:
    """Pieces repeated without end, and what is odd in other ways."""
    pieces = (
        "а", "ш о й г у ", "а б в г д е ж з ", "*", "а*", "а1", "ш🔥о🔥й🔥г🔥у ", "а🔥", "сто пятьдесят восемь ", "пять ",
        "пятьдесят восьмой ", "а\u0301", "а\ufe0f", "ш\u200bо", "𝗦𝗵𝗼𝗶𝗴𝘂 ", "взрыв ", "взрыв удар ", "\u202eугйоШ \u202c",
        "مرحبا بالعالم ", "Шой-\n", "\n", ".", "а. ", "аБ", "Шoй", "п'", "@a", "@rybar ", "https://t.me/x ", "1 ", "58-я ",
        "58 гв ", "взрывы ", "🔥", "«взрыв» ", "Сергей Шойгу ", "аааб ", "ﷺ", "к@дыров ", "Ш.о.й.г.у ", "контр батарейная ",
        "взрыв\u200bудар ", "#ВзрывУдар ", "взрыв🔥удар ", "взрыв-удар-", "в🔥з🔥р🔥ы🔥в ", "у*ар ", "58ОА ", "58 ОА ",
        "StormShadow ", "И. Попов ", "И И И Попов ", "звільнити з посади ", "Хаймерс ", "взрыв. ",
        "58-я армия ", "взрыв взрывом удары ",
    )  # fmt: skip
    masks = "".join(f"{a}*{b}{c}о " for a, b, c in product("абвгдежзиклмнопрст", "аеиоуя", "бвгдклмнпрст"))
    single = {
        "many masks": masks,
        "one long mask": "а" * (LIMIT - 1) + "*",
        "a word after ones": "1" * (LIMIT - 1) + "а",
        "marks on one letter": "а" + "\u0301" * LIMIT,
        "selectors on one letter": "а" + "\ufe0f" * LIMIT,
        "a hyphen and lines": "а-" + "\n" * (LIMIT - 3) + "б",
        "a long address": "https://" + "a/." * LIMIT,
        "two long humps": "а" * (LIMIT // 2) + "Б" * LIMIT,
        "all different": " ".join(words[:800]),
        "anything": "".join(chr(rng.randrange(32, 0x3000)) for _ in range(LIMIT)),
        "anything Cyrillic": "".join(rng.choices("абвгдежзийклмнопрстуфхцчшщъыьэюя      -'*1.", k=LIMIT)),
    }
    return {name: text[:LIMIT] for name, text in single.items()} | {
        repr(piece): (piece * LIMIT)[:LIMIT] for piece in pieces
    }


_GLUE = (" ", ", ", ". ", "", "\n", "-", "🔥", "\u200b", "#", "'", " и ", "_", "*")
_ALIKE = str.maketrans("аеорсухк", "aeopcyxk")
_DISGUISES: tuple[Callable[[str], str], ...] = (
    str,
    str.title,
    str.upper,
    lambda word: word.translate(_ALIKE),
    lambda word: word[:2] + "\u200b" + word[2:],
    "🔥".join,
    " ".join,
    lambda word: word[:1] + "*" + word[2:],
    lambda word: "#" + word.title().replace(" ", ""),
    lambda word: word[:3] + "'" + word[3:],
    lambda word: word[:2] + "о" + word[3:],
)


def mixed(rng: random.Random, own: Sequence[str]) -> str:
    """Words of rules, a few or many of them, in one disguise, in several or in none, with one sign between or many."""
    some = rng.choices(own, k=rng.choice((1, 2, 5, 20, 1_000)))
    disguises = rng.choice(((str,), (rng.choice(_DISGUISES),), _DISGUISES))
    signs = rng.choice(((" ",), (rng.choice(_GLUE),), _GLUE))
    parts = [rng.choice(disguises)(rng.choice(some)) + rng.choice(signs) for _ in range(LIMIT // 2)]
    return ("".join(parts) * 4)[:LIMIT]


@dataclass(frozen=True, slots=True)
class Slow:
    """A hostile text, its milliseconds, and these against the median message and the median honest text of its length."""

    name: str
    ms: float
    times: float
    times_long: float


def against_honest(work: Work, texts: dict[str, str], messages: Sequence[str]) -> list[Slow]:
    """The slowest first; of each the quickest of some rounds, as others use the machine."""
    honest = _long(messages)
    found = []
    for name, text in texts.items():
        rounds = []
        for number in range(ROUNDS):
            usual = _median(work, messages[number * BESIDE : (number + 1) * BESIDE])
            usual_long = _median(work, honest[number * LONG_BESIDE : (number + 1) * LONG_BESIDE])
            spent = milliseconds(work, text)
            rounds.append(Slow(name, spent, spent / usual, spent / usual_long))
        found.append(min(rounds, key=lambda one: one.times))
    return sorted(found, key=lambda one: -one.times)


def _median(work: Work, texts: Sequence[str]) -> float:
    return report.median([milliseconds(work, text) for text in texts])


def _long(messages: Sequence[str]) -> list[str]:
    """As many honest texts of `LIMIT` characters as the rounds ask for, from the end of the corpus."""
    joined = " ".join(messages[-ROUNDS * LONG_BESIDE * LIMIT // min(map(len, messages)) :])
    return [joined[number * LIMIT : (number + 1) * LIMIT] for number in range(ROUNDS * LONG_BESIDE)]


def slowest_mixes(rng: random.Random, work: Work, own: Sequence[str]) -> dict[str, str]:
    """The slowest of the texts that a search makes of the rules' own words."""
    texts = [mixed(rng, own) for _ in range(TRIED)]
    for text in texts[: TRIED // 4]:
        work(text)
    spent = {text: milliseconds(work, text) for text in texts}
    kept = sorted(spent, key=lambda text: -spent[text])[:KEPT]
    return {f"mix {text[:24]!r}": text for text in kept}


def milliseconds(work: Work, text: str) -> float:
    """Processor time of one message."""
    begin = time.process_time()
    work(text)
    return (time.process_time() - begin) * 1000
