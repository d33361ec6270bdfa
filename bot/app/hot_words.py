"""Names that the decoder of speech is told to expect: those that the rules look for."""

from collections.abc import Iterable

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
    written = [term for rule in rules.rules for term in rule.terms]
    named = [term.partition(":") for kind in _KINDS for term in written if term.startswith(f"{kind}:")]
    chosen: list[str] = []
    length = 0
    for name in dict.fromkeys(body.strip('"') for _, _, body in named):
        length += len(name) + 2
        if length > most:
            break
        chosen.append(name)
    return ", ".join(chosen)
