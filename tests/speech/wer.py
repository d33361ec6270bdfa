"""Word error rate: edits that turn what was heard into what was said, per word that was said."""

import re
from collections.abc import Sequence


def words_of(text: str) -> list[str]:
    """Words in lower case, without punctuation."""
    return re.findall(r"\w+", text.lower())


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein distance over words: insertions, deletions and substitutions count one each."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1]
