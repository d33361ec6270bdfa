"""Fingerprints: what coders, cuts and gain leave the same, and what is another recording after all."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bot.speech.sound.decode import RATE, decode
from bot.speech.sound.fingerprint import MAX_KEYS, SAME, fingerprint, keys, same
from tests.speech.conftest import RECORDINGS

pytestmark = pytest.mark.slow

Samples = NDArray[np.float32]


def load(path: Path) -> Samples:
    return decode(path, max_bytes=20_000_000, max_seconds=600.0).samples


def note(*names: str) -> Samples:
    """Recordings of the tests, one after the other."""
    return np.concatenate([load(RECORDINGS / f"{name}.ogg") for name in names])


def coded(samples: Samples, folder: Path, codec: str, container: str, rate: int, kilobits: int) -> Samples:
    """Encoded and decoded again."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout="mono", bit_rate=kilobits * 1000)
        frame = av.AudioFrame.from_ndarray(np.clip(samples, -1, 1)[None], format="flt", layout="mono")
        frame.sample_rate = RATE
        context = stream.codec_context
        resampler = av.AudioResampler(context.format.name, "mono", rate, frame_size=context.frame_size)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            output.mux(stream.encode(part))
    path = folder / "coded"
    path.write_bytes(file.getvalue())
    return load(path)


def opus(samples: Samples, folder: Path, kilobits: int = 16) -> Samples:
    return coded(samples, folder, "libopus", "ogg", 48_000, kilobits)


@pytest.fixture(scope="module")
def general() -> Samples:
    """Four sentences, 16 s."""
    return note("voice_005", "voice_009", "voice_010", "voice_006")


def assert_same(one: Samples, other: Samples) -> None:
    first, second = fingerprint(one), fingerprint(other)
    assert same(first, second) >= SAME
    assert same(first, second) == same(second, first)
    assert keys(first) & keys(second)


def assert_different(one: Samples, other: Samples) -> None:
    first, second = fingerprint(one), fingerprint(other)
    assert first
    assert second
    assert same(first, second) < SAME


@pytest.mark.parametrize(
    ("codec", "container", "rate", "kilobits"),
    [
        ("libopus", "ogg", 48_000, 16),
        ("libopus", "ogg", 48_000, 24),
        ("aac", "mp4", 44_100, 32),
        ("libmp3lame", "mp3", 44_100, 32),
    ],
)
def test_another_coder(general: Samples, tmp_path: Path, codec: str, container: str, rate: int, kilobits: int) -> None:
    """A recording that was encoded again is the same, and an index finds it."""
    assert_same(general, coded(general, tmp_path, codec, container, rate, kilobits))


def test_three_coders_one_after_the_other(general: Samples, tmp_path: Path) -> None:
    """Posted on from messenger to messenger: 32, 16 and 24 kbit/s."""
    again = general
    for kilobits in (32, 16, 24):
        again = opus(again, tmp_path, kilobits)
    assert_same(general, again)


@pytest.mark.parametrize(("begin", "end"), [(2, 0), (0, 2), (2, 2)])
def test_two_seconds_less_at_an_end(general: Samples, tmp_path: Path, begin: int, end: int) -> None:
    """Trimmed by up to 2 s at either end and encoded again: the same."""
    assert_same(general, opus(general[begin * RATE : len(general) - end * RATE], tmp_path))


@pytest.mark.parametrize("decibels", [-20, 6])
def test_quieter_or_louder(general: Samples, tmp_path: Path, decibels: int) -> None:
    """Gain, clipped where it must be, is no other recording."""
    gained = np.clip(general * np.float32(10 ** (decibels / 20)), -1, 1)
    assert_same(general, opus(gained, tmp_path))


@pytest.mark.parametrize("samples", [1, 127, 128, 256, 300, 5_000, 40_000])
def test_begun_at_another_sample(general: Samples, samples: int) -> None:
    """Silence before it, of any number of samples, does not count."""
    assert_same(general, np.concatenate([np.zeros(samples, np.float32), general]))


def test_recordings_of_the_tests_are_all_different() -> None:
    """Every pair of the unseen voices, some with the same sentence, some with the same voice: different, seldom looked at."""
    prints = [fingerprint(load(path)) for path in sorted(RECORDINGS.glob("voice_*.ogg"))[:40]]
    prints = [one for one in prints if one]
    pairs = [(one, other) for number, one in enumerate(prints) for other in prints[:number]]
    assert len(pairs) > 400
    assert max(same(one, other) for one, other in pairs) < SAME
    assert sum(bool(keys(one) & keys(other)) for one, other in pairs) <= len(pairs) * 0.02


def test_the_same_jingle_before_another_speech() -> None:
    """12 s that are the same sample by sample, then 5 s that are not: different."""
    jingle = note("voice_005", "voice_009", "voice_010")
    assert_different(np.concatenate([jingle, note("voice_020")]), np.concatenate([jingle, note("voice_034")]))


def test_a_sentence_in_the_middle_is_replaced(general: Samples) -> None:
    """One second of another voice within 16 s: different."""
    other = general.copy()
    other[8 * RATE : 9 * RATE] = note("voice_020")[RATE : 2 * RATE]
    assert_different(general, other)


def test_a_word_is_cut_out(general: Samples) -> None:
    """What follows the cut no longer lies where it lay: different."""
    assert_different(general, np.concatenate([general[: 8 * RATE], general[int(8.5 * RATE) :]]))


def test_a_quote_is_not_the_recording(general: Samples) -> None:
    """A minute that quotes 10 s of another is neither it nor like it."""
    around = note(*(f"voice_{number:03}" for number in range(20, 34)))
    quoting = np.concatenate([around[: 20 * RATE], general[: 10 * RATE], around[20 * RATE : 50 * RATE]])
    assert_different(quoting, general[: 10 * RATE])


def noises(seed: int) -> dict[str, Samples]:
    """Ten seconds each of what says nothing."""
    dice = np.random.default_rng(seed)
    time = np.arange(10 * RATE) / RATE
    white = dice.normal(size=len(time))
    spectrum, pitch = np.fft.rfft(white), np.fft.rfftfreq(len(time), 1 / RATE)
    pitch[0] = 1
    pink, brown = (np.fft.irfft(spectrum / pitch**power, len(time)) for power in (0.5, 1.0))
    made = {
        "zeros": 0 * time,
        "nearly silent": 1e-5 * white,
        "white": 0.1 * white,
        "pink": 0.3 * pink / np.abs(pink).max(),
        "brown": 0.3 * brown / np.abs(brown).max(),
        "tone": 0.3 * np.sin(2 * np.pi * 440 * time),
        "hum": 0.3 * np.sin(2 * np.pi * 50 * time) + 0.01 * white,
        "chord": sum(0.1 * np.sin(2 * np.pi * hertz * time) for hertz in (262, 330, 392)),
        "beeps": 0.3 * np.sin(2 * np.pi * 1000 * time) * (time % 1 < 0.3),
        "a click": 0.5 * np.sign(white) * ((time > 5) & (time < 5.05)),
    }
    return {name: samples.astype(np.float32) for name, samples in made.items()}


@pytest.mark.parametrize("name", noises(0))
def test_what_says_nothing_has_no_fingerprint(name: str, tmp_path: Path) -> None:
    """Silence, noise, tones and beeps, as made and as a voice note: empty, hence never the same as anything."""
    samples = noises(1)[name]
    for heard in (samples, opus(samples, tmp_path)):
        assert fingerprint(heard) == b""
    assert same(b"", b"") == 0.0
    assert keys(b"") == frozenset()


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("noise_*.ogg")), ids=lambda path: path.stem)
def test_recordings_without_speech_have_no_fingerprint(path: Path) -> None:
    """The noises among the recordings."""
    assert fingerprint(load(path)) == b""


def test_too_short_to_tell(general: Samples) -> None:
    """Less than two and a half seconds: empty, down to no sample at all."""
    assert [fingerprint(general[:length]) for length in (0, 1, 511, 512, 20_000, 2 * RATE)] == [b""] * 6


def test_size(general: Samples) -> None:
    """A few dozen bytes per second, and at most 96 sub-hashes of 32 bits."""
    made = fingerprint(general)
    assert len(made) < 66.5 * len(general) / RATE + 2 + 3 * MAX_KEYS
    assert 0 < len(keys(made)) <= MAX_KEYS
    assert all(0 <= key < 2**32 for key in keys(made))


@pytest.mark.parametrize("names", [("voice_005", "voice_009"), ("voice_010", "voice_006", "voice_001")])
def test_a_trimmed_note_shares_more_than_one(names: tuple[str, ...], tmp_path: Path) -> None:
    """Many recordings share one sub-hash by chance; one that lost 2 s at both ends must stand out among them."""
    whole = note(*names)
    trimmed = opus(whole[2 * RATE : -2 * RATE], tmp_path)
    assert len(keys(fingerprint(whole)) & keys(fingerprint(trimmed))) >= 5


def test_what_was_stored_with_fewer_sub_hashes_is_found(general: Samples, tmp_path: Path) -> None:
    """Earlier versions kept 64: the same form, compared and found by the same keys."""
    made = fingerprint(general)
    stored = bytes([made[0], 64]) + made[2 : 2 + 3 * 64] + made[2 + 3 * made[1] :]
    again = fingerprint(opus(general, tmp_path))
    assert same(stored, again) == same(made, again) >= SAME
    assert len(keys(stored)) == 64
    assert keys(stored) & keys(again)


@pytest.mark.parametrize("change", [lambda made: made[:-1], lambda made: made[:1], lambda made: made[:30]])
def test_a_damaged_fingerprint_is_refused(general: Samples, change: Callable[[bytes], bytes]) -> None:
    """Cut bytes are said to be cut."""
    with pytest.raises(ValueError, match="cut or damaged"):
        keys(change(fingerprint(general)))


def test_another_version_is_refused(general: Samples) -> None:
    """The first byte is the version."""
    made = fingerprint(general)
    with pytest.raises(ValueError, match="version 9; expected 1"):
        same(b"\x09" + made[1:], made)


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros((2, 5), np.float32), "one dimension"),
        (np.zeros(5, np.float64), "expected float32"),
        (np.full(5, np.nan, np.float32), "no number"),
    ],
)
def test_samples_that_are_none_are_refused(samples: Samples, words: str) -> None:
    """Another shape, another type, no numbers."""
    with pytest.raises(ValueError, match=words):
        fingerprint(samples)


@settings(deadline=None, max_examples=60)
@given(st.binary(min_size=1, max_size=400))
def test_any_bytes_are_read_or_refused(stored: bytes) -> None:
    """Bytes from anywhere are a fingerprint or no fingerprint: no other error, no number out of bounds."""
    for made in (stored, b"\x01" + stored):
        with contextlib.suppress(ValueError):
            assert len(keys(made)) <= 255
            assert 0.0 <= same(made, made) <= 1.0
