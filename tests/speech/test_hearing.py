"""The model's way through recordings: what faster-whisper hears, whoever else is heard at the same time."""

import json
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_whisper import WhisperModel
from numpy.typing import NDArray

from bot.speech.local.asks import Ask, Decode, Encode, Hearing, Together, Work
from bot.speech.local.driver import Driver
from bot.speech.local.hearing import hear
from bot.speech.local.model import Decoded, Model, Prompted
from bot.speech.settings import Manner
from bot.speech.sound.decode import RATE, Sound, decode
from bot.transcript import Transcript
from tests.speech.conftest import DEMO, MODEL, RECORDINGS, Clip, load_clips
from tests.speech.wer import word_errors, words_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model() -> Model:
    """The shipped model, two calls side by side."""
    return Model(str(MODEL), device="cpu", compute_type="default", workers=2, threads=1)


@pytest.fixture(scope="module")
def sounds() -> list[Sound]:
    """The general's note of 25 s, and shorter ones."""
    clips = [*load_clips(DEMO), *load_clips(RECORDINGS)[:5]]
    return [decode(clip.path, max_bytes=10**8, max_seconds=600.0) for clip in clips]


def run(
    model: Model, sounds: Sequence[Sound], manner: Manner, *, batch: int, hint: str | None = None
) -> list[Transcript]:
    """The transcripts of sounds that are heard at the same time."""
    driver: Driver[Transcript] = Driver(model, workers=2, beam_size=manner.beam_size, batch=batch)
    for number, sound in enumerate(sounds):
        driver.post(partial(driver.add, number, hear(model, sound, manner, "tiny", hint=hint), sound.seconds))
    return [transcript for _, transcript in sorted(islice(driver.run(), len(sounds)), key=lambda one: one[0])]


@pytest.mark.parametrize("manner", [Manner(), Manner(beam_size=1), Manner(words=False), Manner(language="ru")])
def test_it_is_what_faster_whisper_hears(model: Model, sounds: list[Sound], manner: Manner) -> None:
    """Segments, words, times and probabilities, to the last digit, with the same options, of notes heard together."""
    theirs = WhisperModel(str(MODEL), device="cpu", compute_type="default", cpu_threads=1)
    if manner.words:
        # Between two windows faster-whisper may hear the end of a word twice, which we mend: see `Model.align_words`.
        sounds = [sound for sound in sounds if sound.seconds < 20]
    compared = 0
    for sound, ours in zip(sounds, run(model, sounds, manner, batch=8), strict=True):
        found, info = theirs.transcribe(
            sound.samples,
            language=manner.language,
            beam_size=manner.beam_size,
            temperature=[0.0],
            vad_filter=True,
            condition_on_previous_text=False,
            word_timestamps=manner.words,
        )
        segments = list(found)
        if segments:
            assert ours.language == info.language
        assert [segment.text for segment in ours.segments] == [segment.text for segment in segments]
        said = [word for segment in segments for word in segment.words or ()]
        assert [(word.text, word.start, word.probability) for word in ours.words] == [
            (word.word, word.start, word.probability) for word in said
        ]
        compared += len(segments)
    assert compared >= 5


def test_company_changes_nothing(model: Model, sounds: list[Sound]) -> None:
    """A transcript is the same whether it was decoded alone or with seven others."""
    together = run(model, sounds, Manner(), batch=8)
    assert together == run(model, list(reversed(sounds)), Manner(), batch=1)[::-1]


def test_tokens_of_a_batch_are_those_of_one_at_a_time(model: Model, sounds: list[Sound]) -> None:
    """Bit for bit: tokens, scores and all, beam search and greedy."""
    windows = [np.pad(model.features(sound.samples)[:, :3000], ((0, 0), (0, 3000)))[:, :3000] for sound in sounds[:6]]
    asked = [Prompted(model.encode_all([window])[0], model.prompt("ru")) for window in windows]
    for beam_size in (1, 5):
        alone = [model.decode_all([one], limit=112, beam_size=beam_size)[0] for one in asked]
        assert model.decode_all(asked, limit=112, beam_size=beam_size) == alone
        assert any(len(one.tokens) > 5 for one in alone)


def test_the_limit_is_that_of_the_text(model: Model, sounds: list[Sound]) -> None:
    """CTranslate2 halves the length that it is given; a limit of 10 is 10 tokens of text, and is told as unfinished."""
    window = np.pad(model.features(sounds[0].samples)[:, :3000], ((0, 0), (0, 3000)))[:, :3000]
    asked = Prompted(model.encode_all([window])[0], model.prompt("ru"))
    (cut,) = model.decode_all([asked], limit=10, beam_size=5)
    assert (len(cut.tokens), cut.finished) == (10, False)
    assert [len(model.decode_all([asked], limit=limit, beam_size=1)[0].tokens) for limit in (1, 2, 3)] == [1, 2, 3]
    (whole,) = model.decode_all([asked], limit=224, beam_size=5)
    assert whole.finished
    assert len(whole.tokens) > 40


@pytest.mark.parametrize("limit", [1, 10, 40])
def test_hot_words_take_nothing_from_the_text(model: Model, sounds: list[Sound], limit: int) -> None:
    """However long the prompt is, as many tokens are left for what is said."""
    names = "Герасимов, Попов, Шойгу, 58-я армия, Бердянск, " * 8
    window = np.pad(model.features(sounds[0].samples)[:, :3000], ((0, 0), (0, 3000)))[:, :3000]
    asked = Prompted(model.encode_all([window])[0], model.prompt("ru", hot_words=names))
    assert len(asked.prompt) > 60
    (cut,) = model.decode_all([asked], limit=limit, beam_size=5)
    assert (len(cut.tokens), cut.finished) == (limit, False)


def test_a_window_of_a_hundredth_second_is_heard(model: Model, sounds: list[Sound]) -> None:
    """What is left of a noise at the end of a recording is a window too, and is tried twice."""
    noise = np.random.default_rng(7).standard_normal(RATE // 100).astype(np.float32) * 0.1

    class Doubting(Model):
        """A model whose first try is always improbable."""

        tries: list[int]

        def decode_all(
            self, asked: Sequence[Prompted], *, limit: int, beam_size: int, temperature: float = 0.0
        ) -> list[Decoded]:
            self.tries.append(limit)
            decoded = super().decode_all(asked, limit=limit, beam_size=beam_size, temperature=temperature)
            return [one._replace(avg_logprob=-2.0, no_speech=0.0) for one in decoded]

    doubting = Doubting(str(MODEL), device="cpu", compute_type="default", workers=2, threads=1)
    doubting.tries = []
    sound = Sound(samples=noise, dropped=0)
    (transcript,) = run(doubting, [sound], Manner(), batch=1)
    assert 1 in doubting.tries
    assert transcript.duration == 0.01


def test_fitted_windows_are_heard_as_well(model: Model, sounds: list[Sound]) -> None:
    """The small model finds words in windows that fit the notes; transcripts say how they were made."""
    (heard,) = run(model, sounds[:1], Manner(fitted=True), batch=8)
    assert heard.parameters["windows"] == "fitted"
    assert len(heard.words) > 20


def test_pieces_of_a_long_note_are_decoded_together(model: Model, clips: list[Clip]) -> None:
    """Fitted: 35 s of six notes are cut at pauses; most words come out, in order, and so they do in any company."""
    spoken = [clip for clip in clips if clip.group == "setting" and clip.language == "ru"][:9]
    samples = [decode(clip.path, max_bytes=10**8, max_seconds=600.0).samples for clip in spoken]
    long = Sound(np.concatenate(samples), 0)
    assert long.seconds > 30
    (heard,) = run(model, [long], Manner(fitted=True), batch=8)
    said = words_of(" ".join(clip.text for clip in spoken))
    assert word_errors(said, words_of(heard.text)) <= 0.1 * len(said)
    starts = [word.start for word in heard.words]
    assert starts == sorted(starts)
    assert heard.words[-1].end <= long.seconds
    together = run(model, [long, Sound(samples[0], 0), long], Manner(fitted=True), batch=3)
    assert (together[0], together[2]) == (heard, heard)


class Unsure(Model):
    """A model that hears the language less well: its own probabilities, with 0.6 of them shared with another language."""

    taken_for = "en"

    def languages(self, encoded: NDArray[Any]) -> dict[str, float]:
        """As if most of what it heard sounded like another language."""
        heard = {language: 0.4 * probability for language, probability in super().languages(encoded).items()}
        heard[self.taken_for] += 0.6
        return heard


@pytest.mark.parametrize("fitted", [False, True])
def test_a_language_in_doubt_is_settled_by_the_words(
    model: Model, sounds: list[Sound], clips: list[Clip], fitted: bool
) -> None:
    """Russian taken for English (0.6) is decoded in both, and kept in Russian, as an English clip is in English.

    Each window is decoded once more and not encoded again; without the doubt nothing is.
    """
    english = next(clip for clip in clips if clip.language == "en" and clip.group == "setting")
    cases = {"ru": sounds[1], "en": decode(english.path, max_bytes=10**8, max_seconds=600.0)}
    for language, sound in cases.items():
        unsure = Unsure(str(MODEL), device="cpu", compute_type="default", workers=2, threads=1)
        unsure.taken_for = {"ru": "en", "en": "ru"}[language]
        manner = Manner(fitted=fitted)
        (heard,), (clear,) = run(unsure, [sound], manner, batch=8), run(model, [sound], manner, batch=8)
        assert (heard.language, heard.text) == (language, clear.text)
        assert heard.language_probability == pytest.approx(0.4, abs=0.01)
        assert "language-doubt" not in heard.segments[0].flags
        assert heard.parameters["languages_tried"].startswith(f"mean log probability in {unsure.taken_for} ")
        assert "languages_tried" not in clear.parameters
        doubted, sure = (asks_of(one, sound, manner) for one in (unsure, model))
        assert doubted[Encode] == sure[Encode]
        assert sure[Decode] < doubted[Decode] <= 2 * sure[Decode] + 1


def asks_of(model: Model, sound: Sound, manner: Manner) -> Counter[type]:
    """What one recording asks for on its way."""
    asked: Counter[type] = Counter()

    def answer(ask: Ask) -> Any:
        asked[type(ask)] += 1
        if isinstance(ask, Together):
            return [through(hearing) for hearing in ask.hearings]
        if isinstance(ask, Encode):
            return model.encode_all([ask.window])[0]
        if isinstance(ask, Decode):
            how = {"limit": ask.limit, "beam_size": manner.beam_size, "temperature": ask.temperature}
            return model.decode_all([ask.asked], **how)[0]
        assert isinstance(ask, Work)
        return ask.run()

    def through(hearing: Hearing[Any]) -> Any:
        word = None
        while True:
            try:
                word = answer(hearing.send(word))
            except StopIteration as end:
                return end.value

    through(hear(model, sound, manner, "tiny", hint=None))
    return asked


class Standing(Model):
    """A model whose decoder writes a segment that ends where it begins, whatever it is given."""

    def decode_all(
        self, asked: Sequence[Prompted], *, limit: int, beam_size: int, temperature: float = 0.0
    ) -> list[Decoded]:
        """Stamp, a word, and the first stamp twice: the text would go on from where its window began."""
        decoded = super().decode_all(asked, limit=limit, beam_size=beam_size, temperature=temperature)
        stamp = self.tokenizer("en").timestamp_begin
        text = [next(token for token in one.tokens if token < self.end_of_text) for one in decoded]
        return [
            one._replace(tokens=[stamp, word, stamp, stamp, word], avg_logprob=-0.1, no_speech=0.0, compression=1.0)
            for one, word in zip(decoded, text, strict=True)
        ]


@pytest.mark.parametrize("manner", [Manner(words=False), Manner(words=False, fitted=True)])
@pytest.mark.timeout(60)
def test_a_window_whose_stamps_stand_still_is_not_heard_for_ever(sounds: list[Sound], manner: Manner) -> None:
    """A text that would go on from where its window began ends the window; the recording comes to its end."""
    standing = Standing(str(MODEL), device="cpu", compute_type="default", workers=2, threads=1)
    assert standing.cut([standing.tokenizer("en").timestamp_begin] * 2, "en", 0, 3000)[1] == 0
    (heard,) = run(standing, sounds[:1], manner, batch=8)
    assert heard.duration == sounds[0].seconds


class Looping(Model):
    """A model whose decoder has lost its way: one word, as often as it has room for."""

    def decode_all(
        self, asked: Sequence[Prompted], *, limit: int, beam_size: int, temperature: float = 0.0
    ) -> list[Decoded]:
        """Not encoded anew, and no stamp but the first."""
        tokenizer = self.tokenizer("en")
        tokens = [tokenizer.timestamp_begin, *tokenizer.encode(" no") * (limit - 1)]
        sure = -0.1 if temperature else -0.2
        return [Decoded(tokens, avg_logprob=sure, no_speech=0.0, compression=9.0, finished=False) for _ in asked]


@pytest.mark.parametrize("seconds", [4, 9, 11, 23])
def test_a_loop_is_decoded_twice_and_no_more(sounds: list[Sound], seconds: int) -> None:
    """Once, and once hotter; where its words are said to end is not taken for the end of what was said."""
    looping = Looping(str(MODEL), device="cpu", compute_type="default", workers=2, threads=1)
    sound = Sound(sounds[0].samples[: seconds * RATE], 0)
    asked = asks_of(looping, sound, Manner(language="en"))
    assert (asked[Encode], asked[Decode]) == (1, 2)
    (heard,) = run(looping, [sound], Manner(language="en"), batch=8)
    assert all("loop" in segment.flags for segment in heard.segments)
    assert heard.segments


def test_silence_costs_no_window(model: Model) -> None:
    """Digital silence is no speech, and no model is asked: the language is nobody's, or the channel's."""
    silence = Sound(np.zeros(20 * RATE, np.float32), 0)
    hearing = hear(model, silence, Manner(), "tiny", hint=None)
    with pytest.raises(StopIteration) as end:
        next(hearing)
    transcript: Transcript = end.value.value
    assert (transcript.language, transcript.segments, transcript.speech_seconds) == ("und", (), 0.0)
    assert run(model, [silence], Manner(), batch=8, hint="uk")[0].language == "uk"


def test_an_english_translation_stands_beside_the_words(model: Model, sounds: list[Sound]) -> None:
    """Asked for, it is decoded from the same encoder output; the words of the original stay as they are."""
    plain, translated = (run(model, sounds[:2], Manner(translate=asked), batch=8) for asked in (False, True))
    assert [one.translation for one in plain] == [None, None]
    assert all(one.translation for one in translated)
    assert [one.segments for one in plain] == [one.segments for one in translated]


def test_an_error_ends_the_run_that_it_belongs_to(model: Model) -> None:
    """What a library raises comes out of the driver; nothing waits for ever."""
    driver: Driver[Transcript] = Driver(model, workers=2, beam_size=5, batch=8)
    broken = Sound(np.full((2, RATE), 0.5, np.float32), 0)
    driver.post(partial(driver.add, 1, hear(model, broken, Manner(), "tiny", hint=None), 1.0))
    with pytest.raises(Exception, match=r"1D|dimension|shape"):
        next(driver.run())


def test_phrases_of_a_users_own_file_are_flagged(model: Model, sounds: list[Sound], tmp_path: Path) -> None:
    """What was harvested from their model counts beside what comes with Earshot."""
    (plain,) = run(model, sounds[1:2], Manner(), batch=8)
    assert plain.segments[0].flags == ()
    file = tmp_path / "mine.json"
    phrases = [{"text": segment.text.strip(), "language": "*", "source": "known"} for segment in plain.segments]
    file.write_text(json.dumps({"phrases": phrases}), "utf-8")
    (flagged,) = run(model, sounds[1:2], Manner(boilerplate=str(file)), batch=8)
    assert [segment.flags for segment in flagged.segments] == [("boilerplate",)] * len(plain.segments)
