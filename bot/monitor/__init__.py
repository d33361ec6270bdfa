"""The policy: what was read or heard is held against the rules, then written in one transaction."""

from bot.monitor.monitor import Monitor
from bot.monitor.past import Fired, admitting, look_back
from bot.monitor.post import Reading
from bot.monitor.subject import source_texts, speech_of, spoken_words, subject
from bot.monitor.wanted import wish_of

__all__ = [
    "Fired",
    "Monitor",
    "Reading",
    "admitting",
    "look_back",
    "source_texts",
    "speech_of",
    "spoken_words",
    "subject",
    "wish_of",
]
