"""The policy: what was read or heard is held against the rules, then written in one transaction."""

from bot.monitor.monitor import Monitor
from bot.monitor.post import Reading
from bot.monitor.subject import source_texts, speech_of, spoken_words, subject

__all__ = ["Monitor", "Reading", "source_texts", "speech_of", "spoken_words", "subject"]
