"""Terms: the atoms of a rule. A word, a phrase, a prefix (exact forms), or a regular expression."""

import re
from dataclasses import dataclass

from bot.rules.normalise import fold
from bot.rules.patterns import Pattern, compile_pattern
from bot.rules.place import Place
from bot.rules.words import Reading

MAX_WORDS = 20
# A shorter prefix hits nearly every post.
MIN_PREFIX = 3

_TYPED = re.compile(r"(person|place|unit|url|mention|word|lemma):", re.IGNORECASE)
_FIELD = re.compile(r"([A-Za-zА-Яа-яЁё_]+):")
_INNER = re.compile(r"[^\W_]|[-‐‑‒–—−'’‘ʼ`´]")
_INSTEAD = {
    "url": "write a regular expression such as /example\\.org/",
    "mention": "write a regular expression such as /@name\\b/",
}
_FORMS = "list the forms instead, for example (Шойгу OR Попов OR Попова OR Попову OR Поповым)"


@dataclass(frozen=True, slots=True)
class Step:
    """One token of a wording. `tight`: written together with the one before it, at most a hyphen between."""

    token: str
    prefix: bool = False
    tight: bool = False

    def __str__(self) -> str:
        return f"{'-' if self.tight else ''}{self.token}{'*' if self.prefix else ''}"


@dataclass(frozen=True, slots=True)
class Wording:
    """Words to be found in this order. `text` is the term as written, `reason` what a span will say."""

    text: str
    reason: str
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return " ".join(map(str, self.steps))


Term = Wording | Pattern


def word(text: str, place: Place) -> Wording:
    """A bare word of a query: `слово`, `=слово`, `58-я`, `прилет*`. Raises `RuleError`."""
    _refuse_typed(text, place)
    body = text.removeprefix("=")
    steps = _steps(body, text, place)
    return Wording(text, "prefix" if steps[-1].prefix else "exact", steps)


def phrase(body: str, place: Place) -> Wording:
    """Words between quotes, in this order; each may end in `*`. Raises `RuleError`."""
    text = f'"{body}"'
    steps: tuple[Step, ...] = ()
    for piece in body.split():
        # Punctuation by itself, as the dash in "Армия — сила", is a gap like any other.
        if any(char.isalnum() for char in piece):
            steps += _steps(piece.strip(".,;:!?…()«»"), text, place)
    if not steps:
        raise place.error(f"{text} holds no word; write words between the quotes.")
    if len(steps) > MAX_WORDS:
        raise place.error(f"the phrase {text} has {len(steps)} words; at most {MAX_WORDS} are allowed.")
    if len(steps) == 1:
        return Wording(text, "prefix" if steps[0].prefix else "exact", steps)
    return Wording(text, "phrase", steps)


def regex(body: str, place: Place) -> Pattern:
    """A regular expression, given without its slashes. Raises `RuleError`."""
    return compile_pattern(f"/{body}/", body, place)


def _steps(body: str, text: str, place: Place) -> tuple[Step, ...]:
    """The tokens of one written word; its parts (`58-я`, `об'єкт`) are tight."""
    prefix = body.endswith("*")
    stem = body.removesuffix("*")
    if "*" in stem:
        raise place.error(f"in {text}, a `*` may stand only at the end of a word: прилет*.")
    reading = Reading(fold(stem))
    if not reading.tokens:
        raise place.error(_no_word(text, stem))
    strange = [char for char in stem if not _INNER.match(char) and fold(char).text.strip() and char != "_"]
    if strange:
        raise place.error(
            f"`{strange[0]}` cannot stand inside a word (in {text}); write the words apart in quotes as a phrase, "
            "or a /regex/ for signs."
        )
    tokens = [token.text for token in reading.tokens]
    if prefix and len(tokens[-1]) < MIN_PREFIX:
        raise place.error(f"{text} is too short for a prefix: give at least {MIN_PREFIX} letters before `*`.")
    last = len(tokens) - 1
    return tuple(Step(token, prefix and i == last, i > 0) for i, token in enumerate(tokens))


def _no_word(text: str, stem: str) -> str:
    if stem.startswith("@") or "://" in stem:
        return f"{text} is a mention or an address, which is no word; {_INSTEAD['mention']}."
    return f"{text or 'the term'} has no letter or digit; write a word, a phrase in quotes, or a /regex/ for signs."


def _refuse_typed(text: str, place: Place) -> None:
    if typed := _TYPED.match(text):
        kind = typed.group(1).lower()
        raise place.error(
            f"`{kind}:` is not known to this version, which matches exact forms only; {_INSTEAD.get(kind, _FORMS)}."
        )
    if field := _FIELD.match(text):
        raise place.error(
            f"`{field.group(1)}:` is no kind of term; to look for the words themselves put them in quotes."
        )
    if "~" in text:
        raise place.error(
            f"`~` in {text} is not known to this version, which matches exact forms only; "
            "list the spellings, as (борьба OR барьба)."
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
