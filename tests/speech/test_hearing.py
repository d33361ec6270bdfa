"""The model's way through recordings: what faster-whisper hears, whoever else is heard at the same time."""

import json
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from faster_whisper import WhisperModel

from bot.model import Transcript
from bot.speech.local.driver import Driver
from bot.speech.local.hearing import hear
from bot.speech.local.model import Model, Prompted
from bot.speech.settings import Manner
from bot.speech.sound.decode import RATE, Sound, decode
from tests.speech.conftest import DEMO, MODEL, RECORDINGS, load_clips

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
    (whole,) = model.decode_all([asked], limit=224, beam_size=5)
    assert whole.finished
    assert len(whole.tokens) > 40


def test_fitted_windows_are_heard_as_well(model: Model, sounds: list[Sound]) -> None:
    """The small model finds words in windows that fit the notes; transcripts say how they were made."""
    (heard,) = run(model, sounds[:1], Manner(fitted=True), batch=8)
    assert heard.parameters["windows"] == "fitted"
    assert len(heard.words) > 20


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
