"""Word errors of a transcript, for the tests that count them over many."""

from bot.speech.commands.wer import distance as word_errors
from bot.speech.commands.wer import words_of

__all__ = ["word_errors", "words_of"]
