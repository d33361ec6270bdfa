"""What speaks against a segment, and against the voice activity detection that chose what was transcribed. Pure.

A flag never deletes: the words are kept and shown, and an alert that rests on them alone says "check by ear".
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from math import inf
from unicodedata import name as unicode_name

from bot.speech.sound.voice import Chunks, speech_share
from bot.speech.truth.boilerplate import Phrasebook, fold, shipped
from bot.speech.truth.languages import SURE
from bot.transcript import Segment, Transcript, Word

BOILERPLATE = "boilerplate"
LOOP = "loop"
NO_SPEECH = "no-speech"
LOW_CONFIDENCE = "low-confidence"
LANGUAGE_DOUBT = "language-doubt"
# In the order in which a segment bears them: first what says most about why.
FLAGS = (BOILERPLATE, LOOP, NO_SPEECH, LOW_CONFIDENCE, LANGUAGE_DOUBT)

# Whisper's own thresholds (openai/whisper, whisper/transcribe.py: logprob_threshold, no_speech_threshold,
# compression_ratio_threshold). There a good logprob overrules the second; here it does not, for what Whisper invents
# is often confident.
LEAST_LOGPROB = -1.0
MOST_NO_SPEECH = 0.6
MOST_COMPRESSION = 2.4
# A word below this is as likely wrong as right.
SURE_WORD = 0.5
# Of a segment's time: with less of it voiced, the words were found where nobody spoke.
LEAST_SPEECH_SHARE = 0.1
# A run of up to six words, said three times or more, that makes up more than half of a segment of eight words or more.
# Three times, because people do say a thing twice.
LOOP_WORDS = 6
LOOP_TIMES = 3
LOOP_SHARE = 0.5
LOOP_LEAST_WORDS = 8
# Tokens per second: dense Russian is 6 to 8. Time stamps are coarse, so less than a second counts as one.
MOST_TOKENS_PER_SECOND = 12.0
# Between two languages: mean log probabilities a fifth apart are e^6 to one after thirty tokens, which is no accident.
CLEAR_LOGPROB = 0.2
# VAD that keeps less than this of a voice note has more likely missed a soft voice than found a silent note.
LEAST_KEPT_SHARE = 0.2

_CYRILLIC = "ru uk be bg mk kk ky tg mn ba tt"
_LATIN = "en de fr es it pt pl cs sk sl hr ro hu tr nl sv no nn da fi et lv lt ca gl sq az id ms vi la"
_SCRIPTS = {
    **dict.fromkeys(_CYRILLIC.split(), "CYRILLIC"),
    **dict.fromkeys(_LATIN.split(), "LATIN"),
    **dict.fromkeys("ar fa ur ps".split(), "ARABIC"),
    **dict.fromkeys("he yi".split(), "HEBREW"),
    "el": "GREEK",
    "hy": "ARMENIAN",
    "ka": "GEORGIAN",
}
# Letters of the neighbours' alphabets that a language does not have.
_FOREIGN_LETTERS = {"ru": frozenset("іїєґў"), "uk": frozenset("ыэъёў"), "be": frozenset("ищъїєґ")}


def flags_of(
    *,
    avg_logprob: float,
    no_speech: float,
    compression: float,
    words: Sequence[Word],
    text: str | None = None,
    language: str | None = None,
    language_probability: float | None = None,
    speech_share: float | None = None,
    seconds: float | None = None,
    tokens: int | None = None,
    book: Phrasebook | None = None,
) -> tuple[str, ...]:
    """What speaks against a segment, in the order of `FLAGS`; empty when nothing does.

    `text` None: the words' texts. `language`: in which it was transcribed; `language_probability` is that of its window.
    `speech_share`: 0 to 1, see `bot.speech.sound.voice`. `seconds` and `tokens` of the segment: how fast it was said.
    What is None is not known and raises no flag. `book` None: the phrases that come with Earshot.
    """
    said = "".join(word.text for word in words) if text is None else text
    sure = sum(word.probability for word in words) / len(words) if words else 1.0
    signs = {
        BOILERPLATE: (book or shipped()).is_boilerplate(said, language),
        LOOP: compression > MOST_COMPRESSION or is_loop(said) or is_too_fast(tokens, seconds),
        NO_SPEECH: no_speech > MOST_NO_SPEECH or _unvoiced(speech_share),
        LOW_CONFIDENCE: avg_logprob < LEAST_LOGPROB or sure < SURE_WORD,
        LANGUAGE_DOUBT: (language_probability is not None and language_probability < SURE)
        or (language is not None and is_foreign(said, language)),
    }
    return tuple(flag for flag in FLAGS if signs[flag])


def is_loop(text: str) -> bool:
    """Whether one run of one to six words, over and over, makes up more than half of the text."""
    words = fold(text).split()
    if len(words) < LOOP_LEAST_WORDS:
        return False
    return any(
        times >= LOOP_TIMES and times * length > LOOP_SHARE * len(words)
        for length in range(1, LOOP_WORDS + 1)
        for times in _repeats(words, length)
    )


def _repeats(words: Sequence[str], length: int) -> Iterable[int]:
    """How often each run of `length` words occurs, occurrences that overlap counted once."""
    counts: dict[tuple[str, ...], int] = {}
    free_from: dict[tuple[str, ...], int] = {}
    for place in range(len(words) - length + 1):
        run = tuple(words[place : place + length])
        if place >= free_from.get(run, 0):
            counts[run] = counts.get(run, 0) + 1
            free_from[run] = place + length
    return counts.values()


def is_too_fast(tokens: int | None, seconds: float | None) -> bool:
    """Whether nobody speaks as fast as that; False where it is not known."""
    if tokens is None or seconds is None:
        return False
    return tokens > MOST_TOKENS_PER_SECOND * max(seconds, 1.0)


def is_foreign(text: str, language: str) -> bool:
    """Whether the text is written in another script than `language`, or with letters that it does not have.

    A name in Latin letters in a Russian sentence is no sign: only where most letters are of other scripts.
    """
    letters = [letter for letter in text.lower() if letter.isalpha()]
    if _FOREIGN_LETTERS.get(language, frozenset()).intersection(letters):
        return True
    script = _SCRIPTS.get(language)
    others = sum(_script(letter) != script for letter in letters)
    return script is not None and 2 * others > len(letters)


@lru_cache(4096)
def _script(letter: str) -> str:
    return unicode_name(letter, "").partition(" ")[0]


def _unvoiced(speech_share: float | None) -> bool:
    return speech_share is not None and speech_share < LEAST_SPEECH_SHARE


def worth_without_vad(speech_seconds: float, duration: float) -> bool:
    """Whether VAD kept so little of a note that it should be heard without VAD as well (20 %)."""
    return duration > 0 and speech_seconds < LEAST_KEPT_SHARE * duration


def fuller(with_vad: Transcript, without_vad: Transcript, chunks: Chunks = ()) -> Transcript:
    """The one of two transcripts of a note that has more sure words in unflagged segments; with VAD, if they are equal.

    Either may hold inventions: VAD takes a second of music for a voice, and without it Whisper writes where nobody
    speaks. No figure tells them from a soft voice. So what only one of them heard is flagged `low-confidence`, and what
    was heard without VAD is flagged `no-speech` where VAD found none (`chunks`: where it found some): it is shown, and
    is to be checked by ear. For the comparison, `no-speech` by VAD alone does not count. The parameters say what was
    chosen and why; the seconds of speech stay those that VAD found.
    """
    kept, heard = _sure_words(with_vad), _sure_words(without_vad, overrule_vad=True)
    share = 100 * with_vad.speech_seconds / with_vad.duration if with_vad.duration else 0.0
    why = f"VAD kept {share:.0f} % of the recording; sure words: {kept} with it, {heard} without it"
    run, chosen, other = ("without", without_vad, with_vad) if heard > kept else ("with", with_vad, without_vad)
    confirmed = frozenset(fold(other.text).split())
    segments = [_unless_confirmed(segment, confirmed) for segment in chosen.segments]
    if chosen is without_vad:
        segments = [_unless_voiced(segment, chunks) for segment in segments]
    return replace(
        chosen,
        segments=tuple(segments),
        speech_seconds=with_vad.speech_seconds,
        parameters=chosen.parameters | {"vad_run": run, "vad_reason": why},
    )


def likelier(first: Transcript, second: Transcript) -> Transcript:
    """The one of two transcripts of a note, each in another language, that the decoder found it easier to write.

    One that is empty, a loop, improbable or in letters that its language does not have loses to one that is not;
    otherwise the higher mean log probability wins, `first` where they are equal. Where that is clear, the words settle
    what the sound left open, and `language-doubt` is taken away; where it is near, it stays. The parameters say what was
    compared.
    """
    faults = [_is_poor(one) for one in (first, second)]
    means = [_mean_logprob(one) for one in (first, second)]
    kept = second if (faults[1], -means[1]) < (faults[0], -means[0]) else first
    clear = faults[0] != faults[1] or abs(means[0] - means[1]) >= CLEAR_LOGPROB
    why = ", ".join(
        f"{one.language} {mean:.2f}{' (doubtful)' if fault else ''}"
        for one, mean, fault in zip((first, second), means, faults, strict=True)
    )
    return replace(
        kept,
        segments=tuple(_settled(segment, kept.language) if clear else segment for segment in kept.segments),
        parameters=kept.parameters | {"languages_tried": f"mean log probability in {why}"},
    )


def _is_poor(transcript: Transcript) -> bool:
    """Whether most of its letters stand in segments that are not to be believed."""
    poor = sum(
        len(segment.text)
        for segment in transcript.segments
        if {BOILERPLATE, LOOP, LOW_CONFIDENCE}.intersection(segment.flags)
        or is_foreign(segment.text, segment.language or transcript.language)
    )
    return 2 * poor >= len(transcript.text)


def _mean_logprob(transcript: Transcript) -> float:
    """Of its segments, by their letters; -inf where there are none."""
    letters = sum(len(segment.text) for segment in transcript.segments)
    if not letters:
        return -inf
    # Rounded, so that what is equal stays equal.
    return round(sum(segment.avg_logprob * len(segment.text) for segment in transcript.segments) / letters, 6)


def _settled(segment: Segment, language: str) -> Segment:
    """The segment without the doubt that the sound left, if it is in the note's language and in its letters."""
    if segment.language not in (None, language) or is_foreign(segment.text, language):
        return segment
    return replace(segment, flags=tuple(flag for flag in segment.flags if flag != LANGUAGE_DOUBT))


def _unless_confirmed(segment: Segment, confirmed: frozenset[str]) -> Segment:
    """The segment, flagged `low-confidence` unless half of its words are among the confirmed ones."""
    said = fold(segment.text).split()
    return segment if 2 * sum(word in confirmed for word in said) >= len(said) else _flagged(segment, LOW_CONFIDENCE)


def _unless_voiced(segment: Segment, chunks: Chunks) -> Segment:
    """The segment with its share of speech, flagged `no-speech` where there is none."""
    share = speech_share(segment.start, segment.end, chunks)
    found = replace(segment, speech_share=share)
    return _flagged(found, NO_SPEECH) if _unvoiced(share) else found


def _flagged(segment: Segment, more: str) -> Segment:
    return replace(segment, flags=tuple(flag for flag in FLAGS if flag == more or flag in segment.flags))


def _sure_words(transcript: Transcript, *, overrule_vad: bool = False) -> int:
    return sum(
        word.probability >= SURE_WORD
        for segment in transcript.segments
        if not _objections(segment, overrule_vad)
        for word in segment.words
    )


def _objections(segment: Segment, overrule_vad: bool) -> set[str]:
    """The segment's flags, without the one that only VAD raised when that is in question."""
    by_vad_alone = overrule_vad and segment.no_speech_probability <= MOST_NO_SPEECH
    return set(segment.flags) - ({NO_SPEECH} if by_vad_alone else set())
