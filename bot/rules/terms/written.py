"""Words and phrases as an analyst writes them, compiled to paths of slots."""

import re
from itertools import product

from bot.rules.forms import codes
from bot.rules.forms.assemble import folded
from bot.rules.forms.common import drawn_alike, word_forms
from bot.rules.normalise import fold
from bot.rules.place import Place
from bot.rules.slots import Compiled, Dropped, Form, Guard, Path, Reason, Skip, Slot
from bot.rules.terms.refusals import no_word, refuse
from bot.rules.words import Reading

MAX_WORDS = 20
MAX_SLOP = 20
# Longer words are not written; a word's forms take longer than its length.
MAX_LENGTH = 40
# A shorter prefix hits nearly every post.
MIN_PREFIX = 3
# A phrase written as one word (StormShadow) is one more path, while that costs no more forms than this.
_MAX_JOINED = 400

_NONE: tuple[Dropped, ...] = ()
_INNER = re.compile(r"[^\W_]|[-‐‑‒–—−'’‘ʼ`´.]")
_SLIP = re.compile(r"(.+?)~(\d*)")


def word(text: str, place: Place) -> Compiled:
    """A bare word of a query. Raises `RuleError`."""
    refuse(text, place)
    if text.startswith("="):
        return Compiled(text, (Path(_exact(text[1:], text, place)),))
    if text.endswith("*"):
        return Compiled(text, (Path(_prefixed(text, text, place)),))
    slots, dropped = _inflected(text, text, place)
    return Compiled(text, (Path(slots), *joined(slots), *_many(slots)), dropped)


def phrase(body: str, place: Place, *, slop: int = 0) -> Compiled:
    """Words between quotes, in this order, with up to `slop` others between two of them. Raises `RuleError`."""
    text = f'"{body}"' + (f"~{slop}" if slop else "")
    slots: tuple[Slot, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    for piece in pieces_of(body, text, slop, place):
        if piece.endswith("*"):
            more, lost = _prefixed(piece, text, place), _NONE
        elif piece.startswith("="):
            more, lost = _exact(piece[1:], text, place), _NONE
        else:
            # `open fire`: a verb begins a phrase; `command post`: further words are mostly nouns.
            more, lost = _inflected(piece, text, place, verbs=not slots)
        slots += _spread(more, slop) if slots else more
        dropped += lost
    return Compiled(text, (Path(slots), *joined(slots), *_many(slots)), dropped)


def pieces_of(body: str, text: str, slop: int, place: Place) -> list[str]:
    """The written words of a phrase, checked."""
    if slop > MAX_SLOP:
        raise place.error(f"{text}: at most {MAX_SLOP} words may stand between; for more write NEAR/{slop}.")
    pieces = [piece.strip(".,;:!?…()«»") for piece in body.split() if any(char.isalnum() for char in piece)]
    if not pieces:
        raise place.error(f"{text} holds no word; write words between the quotes.")
    count = sum(count_slots(piece, text, place) for piece in pieces)
    if count > MAX_WORDS:
        raise place.error(f"the phrase {text} has {count} words; at most {MAX_WORDS} are allowed.")
    return pieces


def tokens(body: str, text: str, place: Place) -> list[tuple[str, str]]:
    """The letters and digits of one written word, each as written and folded: Т-90М is т, 90, м."""
    reading = Reading(fold(body))
    if not reading.words:
        raise place.error(no_word(text, body))
    if len(body) > MAX_LENGTH:
        raise place.error(
            f"`{body[:MAX_LENGTH]}…` is longer than any word ({len(body)} signs, at most {MAX_LENGTH}); write a /regex/."
        )
    strange = [char for char in body if not _INNER.match(char) and fold(char).text.strip() and char != "_"]
    if strange:
        raise place.error(
            f"`{strange[0]}` cannot stand inside a word (in {text}); write the words apart in quotes as a phrase, "
            "or a /regex/ for signs."
        )
    if re.search(r"'", fold(body).text) and body.replace("'", "").isalpha():
        return [(body, folded(body))]
    return [(reading.original(i, i), token) for i, token in enumerate(reading.words)]


def count_slots(piece: str, text: str, place: Place) -> int:
    """How many slots a written word will have."""
    if piece.startswith("="):
        return len(tokens(piece[1:], text, place))
    if piece.endswith("*"):
        return len(_prefixed(piece, text, place))
    return len(tokens(_unslipped(piece, text, place)[0], text, place))


def _unslipped(body: str, text: str, place: Place) -> tuple[str, bool]:
    """The word without its `~1`, and whether it had one."""
    slip = _SLIP.fullmatch(body)
    if slip and slip[2] not in ("", "1"):
        raise place.error(f"{text}: only one slip is allowed, ~1: words two letters apart are other words.")
    return (slip[1], True) if slip else (body, False)


def _exact(body: str, text: str, place: Place) -> tuple[Slot, ...]:
    pairs = tokens(body, text, place)
    return tuple(
        Slot({token: Form()} | drawn_alike(token), tight=number > 0) for number, (_, token) in enumerate(pairs)
    )


def _prefixed(body: str, text: str, place: Place) -> tuple[Slot, ...]:
    stem = body.removesuffix("*")
    if not any(char.isalnum() for char in stem):
        raise place.error(no_word(text, body))
    if "*" in stem:
        raise place.error(f"in {text}, a `*` may stand only at the end of a word: прилет*.")
    *before, (_, last) = tokens(stem, text, place)
    if len(last) < MIN_PREFIX:
        raise place.error(f"{text} is too short for a prefix: give at least {MIN_PREFIX} letters before `*`.")
    slots = [Slot({token: Form()}, tight=number > 0) for number, (_, token) in enumerate(before)]
    return (*slots, Slot({}, prefix=last, tight=bool(slots)))


def _inflected(
    body: str, text: str, place: Place, *, verbs: bool = True
) -> tuple[tuple[Slot, ...], tuple[Dropped, ...]]:
    """The slots of one written word: one, or several for a code or a word with a hyphen."""
    body, fuzzy = _unslipped(body, text, place)
    pairs = tokens(body, text, place)
    code = any(token.isdigit() for _, token in pairs)
    slots: list[Slot] = []
    dropped: list[Dropped] = []
    for written, token in pairs:
        if token.isdigit():
            forms = {token: Form()}
        elif code:
            forms = codes.letters(written)
        else:
            forms, lost = word_forms(written, verbs=verbs)
            dropped += lost
        slots.append(Slot(forms, tight=bool(slots), fuzzy=fuzzy))
    return tuple(slots), tuple(dropped)


def _spread(slots: tuple[Slot, ...], slop: int) -> tuple[Slot, ...]:
    first, *rest = slots
    return (Slot(first.forms, first.prefix, slop, Skip.ANY if slop else Skip.NONE, first.tight, first.fuzzy), *rest)


def _many(slots: tuple[Slot, ...]) -> list[Path]:
    """The English plural of a code that ends in digits: F-16s."""
    if len(slots) < 2 or not slots[-1].tight or not all(form.isdigit() for form in slots[-1].forms):
        return []
    return [Path((*slots, Slot({"s": Form(Reason.INFLECTED, Guard.LOWER)}, tight=True)))]


def joined(slots: tuple[Slot, ...]) -> list[Path]:
    """The same words written as one: StormShadow, контрбатарейная for контр-батарейная."""
    count = 1
    for slot in slots:
        count *= len(slot.forms)
    letters = all(form.isalpha() for slot in slots for form in slot.forms)
    if len(slots) < 2 or not letters or not 0 < count <= _MAX_JOINED or any(slot.gap for slot in slots):
        return []
    joined = {"".join(choice): Form(Reason.GLUED) for choice in product(*(slot.forms for slot in slots))}
    return [Path((Slot(joined, fuzzy=any(slot.fuzzy for slot in slots)),))]
