"""Terms: what an analyst writes, compiled to paths of slots.

Шойгу  ракета          a word in all its forms
=ЮВО                   this form alone
прилет*                words that begin so
"Ореховское направление"   words in this order, each in all its forms; "..."~2: up to two words between
Хаймарс~1              also one slip away, where no dictionary knows the word
person:Попов  person:"Иван Попов"  place:Бердянск  unit:"58-я армия"
/regular expression/
"""

import re
from collections.abc import Callable
from functools import partial
from itertools import product

from bot.rules.forms import codes
from bot.rules.forms.assemble import folded
from bot.rules.forms.common import drawn_alike, word_forms
from bot.rules.forms.dictionary import is_common_word, is_feminine_first_name
from bot.rules.forms.people import first_name, initials, surname
from bot.rules.forms.places import place as place_forms
from bot.rules.military import contradicting, echelon_of, needs_capitals, short_names
from bot.rules.normalise import fold
from bot.rules.numbers import find_numbers
from bot.rules.patterns import Pattern, compile_pattern
from bot.rules.place import Place
from bot.rules.slots import Compiled, Dropped, Form, Guard, Path, Reason, Skip, Slot
from bot.rules.words import Reading

MAX_WORDS = 20
MAX_SLOP = 20
# A shorter prefix hits nearly every post.
MIN_PREFIX = 3
# A phrase written as one word (StormShadow) is one more path, while that costs no more forms than this.
_MAX_JOINED = 400
# Adjectives between a unit's number and its noun.
_UNIT_GAP = 5

KINDS = ("person", "place", "unit")

_FIELD = re.compile(r"([A-Za-zА-Яа-яЁё_]+):")
_INNER = re.compile(r"[^\W_]|[-‐‑‒–—−'’‘ʼ`´.]")
_SLIP = re.compile(r"(.+?)~(\d*)")
_INSTEAD = {
    "url": "write a regular expression such as /example\\.org/",
    "mention": "write a regular expression such as /@name\\b/",
}


Term = Compiled | Pattern


def term(text: str, place: Place) -> Term:
    """A term as it stands in a query, whatever its kind. Raises `RuleError`."""
    kind, body, slop = _kind(text)
    match kind:
        case "phrase":
            return phrase(body, place, slop=slop)
        case "regex":
            return regex(body, place)
        case "word":
            return word(body, place)
    return typed(kind, body, place)


def check(text: str, place: Place) -> Term:
    """Like `term`, for a list that no rule uses: refuses what `term` refuses, and makes no forms. Raises `RuleError`."""
    kind, body, slop = _kind(text)
    match kind:
        case "phrase":
            _pieces(body, text, slop, place)
        case "regex":
            return regex(body, place)
        case "word":
            _refuse(body, place)
            _check_word(body, text, place)
        case "unit":
            return typed(kind, body, place)
        case "person":
            _names(body, text, place)
        case _:
            _filled(kind, body, place)
            for name in body.split():
                _tokens(name, text, place)
    return Compiled(text, ())


def _kind(text: str) -> tuple[str, str, int]:
    """(kind, what it is about, slop) of a term as it stands in a query."""
    if text.startswith('"'):
        body, _, slop = text.rpartition('"')
        return "phrase", body[1:], int(slop.removeprefix("~") or 0)
    kind, colon, body = text.partition(":")
    if colon and kind in KINDS:
        return kind, body.strip('"'), 0
    if text.startswith("/") and text.endswith("/") and len(text) > 1:
        return "regex", text[1:-1].replace("\\/", "/"), 0
    return "word", text, 0


def word(text: str, place: Place) -> Compiled:
    """A bare word of a query. Raises `RuleError`."""
    _refuse(text, place)
    if text.startswith("="):
        return Compiled(text, (Path(_exact(text[1:], text, place)),))
    if text.endswith("*"):
        return Compiled(text, (Path(_prefixed(text, text, place)),))
    slots, dropped = _inflected(text, text, place)
    return Compiled(text, (Path(slots), *_joined(slots), *_many(slots)), dropped)


def phrase(body: str, place: Place, *, slop: int = 0) -> Compiled:
    """Words between quotes, in this order, with up to `slop` others between two of them. Raises `RuleError`."""
    text = f'"{body}"' + (f"~{slop}" if slop else "")
    slots: tuple[Slot, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    for piece in _pieces(body, text, slop, place):
        if piece.endswith("*"):
            more, lost = _prefixed(piece, text, place), ()
        elif piece.startswith("="):
            more, lost = _exact(piece[1:], text, place), ()
        else:
            # `open fire`: a verb begins a phrase; `command post`: further words are mostly nouns.
            more, lost = _inflected(piece, text, place, verbs=not slots)
        slots += _spread(more, slop) if slots else more
        dropped += lost
    return Compiled(text, (Path(slots), *_joined(slots), *_many(slots)), dropped)


def _pieces(body: str, text: str, slop: int, place: Place) -> list[str]:
    """The written words of a phrase, checked."""
    if slop > MAX_SLOP:
        raise place.error(f"{text}: at most {MAX_SLOP} words may stand between; for more write NEAR/{slop}.")
    pieces = [piece.strip(".,;:!?…()«»") for piece in body.split() if any(char.isalnum() for char in piece)]
    if not pieces:
        raise place.error(f"{text} holds no word; write words between the quotes.")
    count = sum(_check_word(piece, text, place) for piece in pieces)
    if count > MAX_WORDS:
        raise place.error(f"the phrase {text} has {count} words; at most {MAX_WORDS} are allowed.")
    return pieces


def typed(kind: str, body: str, place: Place) -> Compiled:
    """A term that says what it names: `person:`, `place:`, `unit:`. Raises `RuleError`."""
    text = f'{kind}:"{body}"' if " " in body else f"{kind}:{body}"
    _filled(kind, body, place)
    make = {"person": _person, "place": _place, "unit": _unit}[kind]
    return Compiled(text, make(body, text, place))


def _filled(kind: str, body: str, place: Place) -> None:
    if not body.strip():
        raise place.error(f"`{kind}:` needs a name, as {_EXAMPLES[kind]}.")


_EXAMPLES = {"person": 'person:"Иван Попов"', "place": "place:Бердянск", "unit": 'unit:"58-я армия"'}


def regex(body: str, place: Place) -> Pattern:
    """A regular expression, given without its slashes. Raises `RuleError`."""
    return compile_pattern(f"/{body}/", body, place)


# --- words ------------------------------------------------------------------------------------------------------------


def _tokens(body: str, text: str, place: Place) -> list[tuple[str, str]]:
    """The letters and digits of one written word, each as written and folded: Т-90М is т, 90, м."""
    reading = Reading(fold(body))
    if not reading.words:
        raise place.error(_no_word(text, body))
    strange = [char for char in body if not _INNER.match(char) and fold(char).text.strip() and char != "_"]
    if strange:
        raise place.error(
            f"`{strange[0]}` cannot stand inside a word (in {text}); write the words apart in quotes as a phrase, "
            "or a /regex/ for signs."
        )
    if re.search(r"'", fold(body).text) and body.replace("'", "").isalpha():
        return [(body, folded(body))]
    return [(reading.original(i, i), token) for i, token in enumerate(reading.words)]


def _check_word(piece: str, text: str, place: Place) -> int:
    """How many slots a written word will have."""
    if piece.startswith("="):
        return len(_tokens(piece[1:], text, place))
    if piece.endswith("*"):
        return len(_prefixed(piece, text, place))
    return len(_tokens(_unslipped(piece, text, place)[0], text, place))


def _unslipped(body: str, text: str, place: Place) -> tuple[str, bool]:
    """The word without its `~1`, and whether it had one."""
    slip = _SLIP.fullmatch(body)
    if slip and slip[2] not in ("", "1"):
        raise place.error(f"{text}: only one slip is allowed, ~1: words two letters apart are other words.")
    return (slip[1], True) if slip else (body, False)


def _exact(body: str, text: str, place: Place) -> tuple[Slot, ...]:
    tokens = _tokens(body, text, place)
    return tuple(
        Slot({token: Form()} | drawn_alike(token), tight=number > 0) for number, (_, token) in enumerate(tokens)
    )


def _prefixed(body: str, text: str, place: Place) -> tuple[Slot, ...]:
    stem = body.removesuffix("*")
    if "*" in stem:
        raise place.error(f"in {text}, a `*` may stand only at the end of a word: прилет*.")
    *before, (_, last) = _tokens(stem, text, place)
    if len(last) < MIN_PREFIX:
        raise place.error(f"{text} is too short for a prefix: give at least {MIN_PREFIX} letters before `*`.")
    slots = [Slot({token: Form()}, tight=number > 0) for number, (_, token) in enumerate(before)]
    return (*slots, Slot({}, prefix=last, tight=bool(slots)))


def _inflected(
    body: str, text: str, place: Place, *, verbs: bool = True
) -> tuple[tuple[Slot, ...], tuple[Dropped, ...]]:
    """The slots of one written word: one, or several for a code or a word with a hyphen."""
    body, fuzzy = _unslipped(body, text, place)
    tokens = _tokens(body, text, place)
    code = any(token.isdigit() for _, token in tokens)
    slots: list[Slot] = []
    dropped: list[Dropped] = []
    for written, token in tokens:
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


def _joined(slots: tuple[Slot, ...]) -> list[Path]:
    """The same words written as one: StormShadow, контрбатарейная for контр-батарейная."""
    count = 1
    for slot in slots:
        count *= len(slot.forms)
    letters = all(form.isalpha() for slot in slots for form in slot.forms)
    if len(slots) < 2 or not letters or not 0 < count <= _MAX_JOINED or any(slot.gap for slot in slots):
        return []
    joined = {"".join(choice): Form(Reason.GLUED) for choice in product(*(slot.forms for slot in slots))}
    return [Path((Slot(joined, fuzzy=any(slot.fuzzy for slot in slots)),))]


# --- people, places, units --------------------------------------------------------------------------------------------


def _person(body: str, text: str, place: Place) -> tuple[Path, ...]:
    names = _names(body, text, place)
    woman = len(names) > 1 and is_feminine_first_name(folded(names[0]))
    last = _hyphened(names[-1], partial(surname, woman=woman))
    if len(names) == 1:
        return (Path(last),)
    bare = (Slot({form: Form(one.reason) for form, one in last[0].forms.items()}), *last[1:])
    first, initial = Slot(first_name(names[0])), Slot(initials(names[0]))
    named = Slot(bare[0].forms, gap=1, skip=Skip.PATRONYMIC)
    return (
        Path((first, named, *bare[1:])),
        Path((initial, named, *bare[1:])),
        Path((*bare, first)),
        Path((*bare, initial)),
    )


def _names(body: str, text: str, place: Place) -> list[str]:
    """A surname, or first name and surname."""
    _filled("person", body, place)
    names = [name.strip(".,") for name in body.split()]
    if any(not name.replace("-", "").replace("'", "").isalpha() for name in names) or len(names) > 3:
        raise place.error(f"{text}: expected a surname, or a first name and a surname, as {_EXAMPLES['person']}.")
    return names


def _hyphened(name: str, forms_of: Callable[[str], dict[str, Form]]) -> tuple[Slot, ...]:
    parts = name.split("-")
    return tuple(Slot(forms_of(part), tight=number > 0) for number, part in enumerate(parts))


def _place(body: str, text: str, place: Place) -> tuple[Path, ...]:
    pieces = [(number, *token) for name in body.split() for number, token in enumerate(_tokens(name, text, place))]
    several = len(pieces) > 1
    # One name among the words (новая каховка) tells what is meant without capitals; красный лиман needs them.
    named = several and any(token.isalpha() and not is_common_word(token) for _, _, token in pieces)
    slots = []
    for number, written, token in pieces:
        forms = place_forms(written, several=several) if token.isalpha() else {token: Form()}
        if named:
            forms = {form: Form(one.reason, one.guard & ~Guard.CAPITAL) for form, one in forms.items()}
        slots.append(Slot(forms, tight=number > 0))
    return (Path(tuple(slots)), *_joined(tuple(slots)))


def _unit(body: str, text: str, place: Place) -> tuple[Path, ...]:
    reading = Reading(fold(body))
    numbers = [int(word) for word in reading.words if word.isdigit()] or [n.value for n in find_numbers(reading.words)]
    echelon = echelon_of(reading.words)
    if len(numbers) != 1 or echelon is None:
        raise place.error(
            f"{text}: expected a number and a size, as {_EXAMPLES['unit']}; a unit without a number is a phrase."
        )
    number = Slot({str(numbers[0]): Form()})
    nouns = {form: Form(Reason.INFLECTED, Guard.AFTER_ORDINAL) for form in echelon.plural}
    nouns |= {
        form: Form(
            Reason.EXACT if form in reading.words else Reason.INFLECTED,
            Guard.LAST_SIZE if form == "army" else Guard.NONE,
        )
        for form in echelon.singular
    }
    short = {
        form: Form(Reason.EXACT, Guard.UPPER if needs_capitals(form) else Guard.NONE)
        for form in short_names(echelon, reading.words)
    }
    without = contradicting(reading.words)
    return tuple(
        Path((number, Slot(forms, gap=_UNIT_GAP, skip=Skip.MILITARY, without=without))) for forms in (nouns, short)
    )


# --- refusals ---------------------------------------------------------------------------------------------------------


def _no_word(text: str, stem: str) -> str:
    if stem.startswith("@") or "://" in stem:
        return f"{text} is a mention or an address, which is no word; {_INSTEAD['mention']}."
    return f"{text or 'the term'} has no letter or digit; write a word, a phrase in quotes, or a /regex/ for signs."


def _refuse(text: str, place: Place) -> None:
    if field := _FIELD.match(text):
        kind = field.group(1)
        known = ", ".join(f"{name}:" for name in KINDS)
        raise place.error(
            f"`{kind}:` is no kind of term ({known} are); {_INSTEAD.get(kind.lower(), 'to look for the words themselves put them in quotes')}."
        )
    if text.startswith("#"):
        raise place.error(
            f"write {text[1:] or 'the word'} without `#`: a word also finds the hashtag. For the hashtag alone: /{text}\\b/."
        )
    if text.startswith(("+", "-")):
        raise place.error(f"`{text[0]}` before a word is not used here; write AND or NOT (in {text}).")
    if text in ("|", "||", "&", "&&"):
        raise place.error(f"`{text}` is not used here; write {'OR' if '|' in text else 'AND'}.")
    if "?" in text:
        raise place.error(f"`?` in {text} is not used here; end a word with `*`, or write a /regex/.")
    if any(quote in text for quote in "“”„«»"):
        raise place.error(f'{text} has curly quotes; a phrase stands in straight ones: "Storm Shadow".')
