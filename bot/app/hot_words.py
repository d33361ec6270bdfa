"""Names that the decoder of speech is told to expect: those that the rules look for."""

from collections.abc import Iterable, Iterator
from itertools import product

from bot.config.settings import SpeechSection
from bot.rules import RuleSet
from bot.speech import Rehearser, Transcriber

# Whisper has room for 223 tokens before the text; a Russian letter pair is about one. What is longer slows each note.
MOST_LETTERS = 400
# People are misheard most, towns least.
_KINDS = ("person", "unit", "place")


def expect_names(hearers: Iterable[Transcriber | Rehearser], speech: SpeechSection, rules: RuleSet) -> None:
    """Tell all `hearers` the names of these rules, where the settings want it."""
    if speech.hot_words:
        names = hot_words(rules)
        for hearer in hearers:
            hearer.expect(names)


def hot_words(rules: RuleSet, *, most: int = MOST_LETTERS) -> str:
    """People, units and places of the rules as they are written there, each once, up to `most` letters."""
    chosen: dict[str, None] = {}
    length = 0
    for name in _named(rules):
        if name not in chosen:
            length += len(name) + 2
            if length > most:
                break
            chosen[name] = None
    return ", ".join(chosen)


def _named(rules: RuleSet) -> Iterator[str]:
    """In turn, so that of thousands of rules only the first are looked at."""
    for kind, rule in product(_KINDS, rules.rules):
        yield from (term.partition(":")[2].strip('"') for term in rule.terms if term.startswith(f"{kind}:"))
