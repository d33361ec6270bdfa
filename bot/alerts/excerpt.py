"""Which pieces of a field an alert quotes: every matched place in its sentence, places that touch as one."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.alerts.neutral import borders, neutralise
from bot.model import Source, Span

# Code points quoted before and after the matched words, at most.
_CONTEXT = 160
# Code points of one excerpt; what a greedy regular expression matched is cut here.
_LONGEST = 700
_SENTENCE_END = re.compile(r"[.!?…]+[»\")]*\s+")
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """One quoted place. `marks` are (start, end) code-point pairs in `text`: exactly the matched words."""

    source: Source
    text: str
    marks: tuple[tuple[int, int], ...]
    spans: tuple[Span, ...]
    # Characters that one does not see, left out of this field.
    hidden: int


@dataclass(slots=True)
class _Window:
    start: int
    end: int
    marks: list[tuple[int, int]]
    spans: list[Span]


def excerpts(source: Source, original: str, spans: Iterable[Span]) -> tuple[Excerpt, ...]:
    """The quoted places of one field, in reading order. Spans that lie outside the text are quoted by their form."""
    clean = neutralise(original)
    cuts = borders(clean.text)
    windows: list[_Window] = []
    lost: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        if not 0 <= span.start < span.end <= len(original):
            lost.append(span)
            continue
        mark = _widen(cuts, clean.offsets[span.start], clean.offsets[span.end])
        _place(windows, _Window(*_sentence(clean.text, cuts, mark), [mark], [span]))
    found = [_excerpt(source, clean.text, cuts, window, clean.hidden) for window in windows]
    return (*found, *(_by_form(source, span) for span in lost))


def _place(windows: list[_Window], new: _Window) -> None:
    """Join the window to the one before where they touch, unless that grows too long to read."""
    last = windows[-1] if windows else None
    if last and (new.marks[0][1] <= last.end or (new.start <= last.end and new.end - last.start <= _LONGEST)):
        last.end = max(new.end if new.end - last.start <= _LONGEST else last.end, last.end)
        last.marks += new.marks
        last.spans += new.spans
    else:
        if last:
            new.start = max(new.start, min(last.end, new.marks[0][0]))
        windows.append(new)


def _widen(cuts: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """The smallest stretch of whole graphemes that holds start..end."""
    return cuts[bisect_right(cuts, start) - 1], cuts[bisect_left(cuts, end)]


def _sentence(text: str, cuts: Sequence[int], mark: tuple[int, int]) -> tuple[int, int]:
    """The sentence around the marked words, or as much of it as is quoted, cut between words where it can be."""
    low, high = max(0, mark[0] - _CONTEXT), min(len(text), mark[1] + _CONTEXT)
    starts = [found.end() for found in _SENTENCE_END.finditer(text, low, mark[0])]
    stop = _SENTENCE_END.search(text, max(mark[0], mark[1] - 1), high)
    start = starts[-1] if starts else _word_start(text, low, mark[0])
    end = stop.end() if stop else _word_end(text, mark[1], high)
    start, end = _widen(cuts, start, end)
    return start, min(end, _widen(cuts, start, min(start + _LONGEST, len(text)))[1])


def _word_start(text: str, low: int, start: int) -> int:
    blank = _BLANKS.search(text, low, start) if low else None
    return blank.end() if blank else low


def _word_end(text: str, end: int, high: int) -> int:
    blanks = list(_BLANKS.finditer(text, end, high)) if high < len(text) else []
    return blanks[-1].start() if blanks else high


def _excerpt(source: Source, text: str, cuts: Sequence[int], window: _Window, hidden: int) -> Excerpt:
    """Cut the window out of the text, with an ellipsis on each side where the text goes on."""
    start = window.start + len(text[window.start : window.end]) - len(text[window.start : window.end].lstrip())
    while start and text[start : start + 1] == "/":
        # Cut off from what stands before it, a path would read as a bot command.
        start = cuts[bisect_left(cuts, start) - 1]
    piece = text[start : window.end].rstrip()
    left = "… " if text[:start].strip() else ""
    right = " …" if text[start + len(piece) :].strip() else ""
    marks: list[tuple[int, int]] = []
    for mark in window.marks:
        low, high = max(mark[0] - start, 0), min(mark[1] - start, len(piece))
        if marks and low < marks[-1][1]:
            low, high = marks[-1][0], max(high, marks.pop()[1])
        if low < high:
            marks.append((low, high))
    shifted = tuple((len(left) + low, len(left) + high) for low, high in marks)
    return Excerpt(source=source, text=f"{left}{piece}{right}", marks=shifted, spans=tuple(window.spans), hidden=hidden)


def _by_form(source: Source, span: Span) -> Excerpt:
    """The words alone, for a span whose text is not at hand."""
    clean = neutralise(span.form or span.term)
    marks = ((0, len(clean.text)),) if clean.text else ()
    return Excerpt(source=source, text=clean.text, marks=marks, spans=(span,), hidden=clean.hidden)
