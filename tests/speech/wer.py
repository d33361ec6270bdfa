"""Word errors of a transcript, for the tests that count them over many."""

from bot.speech.wer import distance as word_errors
from bot.speech.wer import words_of

__all__ = ["word_errors", "words_of"]
