"""A text cut into what a model takes at once, one sentence, and put together again. Pure."""

import re
from collections.abc import Iterator

# Telegram's posts have no more than 4,096 UTF-16 units (core.telegram.org/api/config, message_length_max).
MOST_CHARACTERS = 4_096

# A sentence ends with a mark, perhaps a quote, and a blank before what does not go on in lower case.
_END = re.compile(r"(?<=[.!?…])([»”\")\]]*)\s+(?![a-zа-яёіїєґ])")
# A dot behind one of these, or behind an initial, ends no sentence: a general and his name stay together.
_SHORT = re.compile(
    r"(?:^|[\s(«\"-])(?:\w|ген|полк|подполк|майор|кап|лейт|им|ул|вул|пос|смт|нп|н\.п|обл|тов|см|стр|тыс|тис|млн|млрд|руб)\.$",
    re.IGNORECASE,
)
_CYRILLIC = re.compile("[\u0400-\u052f]")
_BREAK = re.compile(r"[;:,]?\s+")
# As OPUS-MT's own preparation has them (Moses, normalize-punctuation): its models have not seen others.
_PLAIN = str.maketrans(
    {**dict.fromkeys("«»„“”", '"'), **dict.fromkeys("‘’‚ʼ", "'"), "–": "-", "—": "-", "…": "...", "\u00a0": " "}
)


def clean(text: str) -> str:
    """The text without what no pipe carries and no model has seen: lone surrogates, control characters."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "".join(char if char == "\n" or char.isprintable() else " " for char in whole)


def clip(text: str) -> tuple[str, bool]:
    """No more than `MOST_CHARACTERS` of a text, up to the end of a line, sentence or word; and whether that is less."""
    if len(text) <= MOST_CHARACTERS:
        return text, False
    kept = text[:MOST_CHARACTERS]
    for mark in ("\n", ". ", " "):
        if (place := kept.rfind(mark)) > MOST_CHARACTERS // 2:
            return kept[: place + 1].rstrip(), True
    return kept, True


def sentences(line: str) -> list[str]:
    """The sentences of one line."""
    found: list[str] = []
    for part in filter(None, _END.sub(r"\1\n", line.strip()).split("\n")):
        if found and _SHORT.search(found[-1]):
            found[-1] += f" {part}"
        else:
            found.append(part)
    return found


def is_foreign(sentence: str) -> bool:
    """Whether there is anything to translate in it: a line of digits, signs or Latin letters stays as it is."""
    return _CYRILLIC.search(sentence) is not None


def plain(sentence: str) -> str:
    """With quotation marks and dashes as models know them."""
    return sentence.translate(_PLAIN)


def halves(sentence: str) -> Iterator[str]:
    """Two parts of a sentence that is too long for a model, cut at the blank next to its middle, if it has one."""
    middle = len(sentence) // 2
    breaks = [found.end() for found in _BREAK.finditer(sentence) if found.start() > 0 and found.end() < len(sentence)]
    place = min(breaks, key=lambda at: abs(at - middle), default=middle)
    yield sentence[:place].rstrip()
    yield sentence[place:]
