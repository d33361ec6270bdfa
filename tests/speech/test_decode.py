"""What the decoder takes, and by which word it refuses the rest."""

import io
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import MediaRefused
from bot.speech.sound.container import sniff
from bot.speech.sound.decode import Sound, decode
from tests.speech import bent, hostile
from tests.speech.audited import REASONS, AuditedDecoder, likeness, write_victim
from tests.speech.conftest import Clip
from tests.speech.containers import mp4

pytestmark = pytest.mark.slow

FORMATS = {
    "ogg": ("ogg", "libopus", 48_000),
    "mp3": ("mp3", "libmp3lame", 44_100),
    "wav": ("wav", "pcm_s16le", 16_000),
    "flac": ("flac", "flac", 16_000),
    "m4a": ("mp4", "aac", 44_100),
    "webm": ("webm", "libopus", 48_000),
    "mkv": ("matroska", "aac", 48_000),
}


def decode_bytes(folder: Path, data: bytes, *, max_bytes: int = 10_000_000, max_seconds: float = 60) -> Sound:
    path = folder / "voice.ogg"
    path.write_bytes(data)
    return decode(path, max_bytes=max_bytes, max_seconds=max_seconds)


def outcome_of(folder: Path, data: bytes) -> str:
    """The reason of the refusal, else the seconds that were decoded."""
    try:
        return str(decode_bytes(folder, data).seconds)
    except MediaRefused as refused:
        return refused.reason


def refusal(folder: Path, data: bytes, **limits: float) -> str:
    with pytest.raises(MediaRefused) as raised:
        decode_bytes(folder, data, **limits)  # type: ignore[arg-type]
    assert len(str(raised.value)) > 20, "a refusal says what is wrong in words"
    return raised.value.reason


@pytest.mark.parametrize("name", FORMATS)
def test_accepted_containers(tmp_path: Path, name: str) -> None:
    """Ogg, MP3, WAV, FLAC, MP4, WebM and Matroska come out as 16 kHz mono of the right length and loudness."""
    container, codec, rate = FORMATS[name]
    data = hostile.encode(hostile.tone(2.0, rate), container=container, codec=codec, rate=rate)
    sound = decode_bytes(tmp_path, data)
    assert sound.seconds == pytest.approx(2.0, abs=0.1)
    assert sound.samples.dtype == "float32"
    assert 0.2 < np.sqrt((sound.samples**2).mean()) < 0.3
    assert sound.dropped == 0


@pytest.mark.parametrize("what", hostile.lists_of_others(Path("victim.wav")))
def test_lists_of_other_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """A "recording" that names another file is refused, though that file lies beside it in the working directory."""
    victim = tmp_path / "victim.wav"
    victim.write_bytes(hostile.encode(hostile.tone(1.0), container="wav", codec="pcm_s16le"))
    monkeypatch.chdir(tmp_path)
    assert refusal(tmp_path, hostile.lists_of_others(victim)[what]) == "container"


@pytest.mark.parametrize("what", hostile.not_recordings())
def test_other_things_are_refused(tmp_path: Path, what: str) -> None:
    """Pictures, archives, pages and scraps are no containers."""
    assert refusal(tmp_path, hostile.not_recordings()[what]) == "container"


@pytest.mark.parametrize(
    "magic", [b"OggS", b"fLaC", b"RIFF\0\0\0\0WAVE", b"\x1aE\xdf\xa3", b"\0\0\0\x18ftypM4A ", b"ID3"]
)
def test_a_true_magic_number_does_not_open_the_door(tmp_path: Path, magic: bytes) -> None:
    """The rest of a file is read as the container that it claims to be, never as a list."""
    body = magic + b"\nffconcat version 1.0\nfile victim.wav\n" * 50
    assert refusal(tmp_path, body) in {"damaged", "no-audio"}


def test_empty(tmp_path: Path) -> None:
    """No bytes have a reason of their own."""
    assert refusal(tmp_path, b"") == "empty"


def test_too_many_bytes(tmp_path: Path) -> None:
    """A file over the limit is refused before it is read."""
    assert refusal(tmp_path, bytes(2000), max_bytes=1999) == "too-large"


def test_too_many_seconds(tmp_path: Path) -> None:
    """A recording over the limit is refused, however few bytes it has."""
    data = hostile.encode(hostile.tone(3.0), container="flac", codec="flac")
    assert refusal(tmp_path, data, max_seconds=2.9) == "too-long"
    assert decode_bytes(tmp_path, data, max_seconds=3.0).seconds == pytest.approx(3.0)


def test_no_audio_stream(tmp_path: Path) -> None:
    """A film without sound is named as such."""
    assert refusal(tmp_path, hostile.silent_film()) == "no-audio"


def test_a_codec_that_nobody_posts(tmp_path: Path) -> None:
    """A known container with an unusual codec never reaches that decoder."""
    data = hostile.encode(hostile.tone(1.0, 16_000), container="matroska", codec="ac3", rate=48_000)
    assert refusal(tmp_path, data) == "container"


@pytest.mark.parametrize("codec", [b"A_QUICKTIME", b"A_NOBODY/KNOWS"])
def test_a_codec_without_a_decoder(tmp_path: Path, codec: bytes) -> None:
    """A track in a codec that FFmpeg cannot decode at all is refused by that name."""
    data = bent.recordings()["opus.webm"].replace(b"\x86\x86A_OPUS", bytes([0x86, 0x80 + len(codec)]) + codec)
    assert refusal(tmp_path, data) in {"container", "damaged", "no-audio"}


def test_a_wav_codec_without_a_decoder(tmp_path: Path) -> None:
    """A WAV file in a codec of which FFmpeg knows nothing is refused as a container that is not accepted."""
    data = bent.recordings()["s16.wav"]
    assert refusal(tmp_path, data[:20] + (0x1234).to_bytes(2, "little") + data[22:]) == "container"


@pytest.mark.parametrize("rate", [1, 100, 999_999, 500_000_000, 2**31 - 1])
def test_an_impossible_rate(tmp_path: Path, rate: int) -> None:
    """A sample rate that nobody records at never reaches the resampler, whose filters would take gigabytes."""
    data = bent.recordings()["s16.wav"]
    assert refusal(tmp_path, data[:24] + rate.to_bytes(4, "little") + data[28:]) == "damaged"


@pytest.mark.parametrize("name", ["opus.ogg", "layer3.mp3", "s16.wav", "flac.flac", "aac.m4a", "vorbis.mkv"])
def test_blocks_sound_as_frames_one_by_one(tmp_path: Path, name: str) -> None:
    """Resampling in blocks gives the very samples that resampling frame after frame gives."""
    data = bent.recordings()[name]
    resampler = av.AudioResampler(format="s16", layout="mono", rate=16_000)
    with av.open(io.BytesIO(data)) as container:
        frames: list[AudioFrame | None] = [*container.decode(audio=0), None]
        for frame in frames[:-1]:
            frame.pts = None  # type: ignore[union-attr]
        parts = [part.to_ndarray().reshape(-1) for frame in frames for part in resampler.resample(frame)]
    expected = np.concatenate(parts).astype(np.float32) / 32768
    assert np.array_equal(decode_bytes(tmp_path, data).samples, expected)


def test_blocks_of_a_long_recording(tmp_path: Path) -> None:
    """The same holds across the borders of blocks, in a recording of many of them."""
    sound = np.random.default_rng(5).integers(-20_000, 20_000, 44_100 * 45).astype(np.int16)
    data = hostile.encode(sound, container="wav", codec="pcm_s16le", rate=44_100)
    resampler = av.AudioResampler(format="s16", layout="mono", rate=16_000)
    whole = AudioFrame.from_ndarray(sound.reshape(1, -1), format="s16", layout="mono")
    whole.sample_rate = 44_100
    expected = np.concatenate(
        [part.to_ndarray().reshape(-1) for part in (*resampler.resample(whole), *resampler.resample(None))]
    )
    assert np.array_equal(decode_bytes(tmp_path, data).samples, expected.astype(np.float32) / 32768)


@pytest.mark.parametrize("alias", [False, True])
@pytest.mark.parametrize("name", ["pcm.mov", "aac.m4a"])
def test_samples_that_lie_elsewhere(tmp_path: Path, name: str, alias: bool) -> None:
    """An MP4 that says its samples are in another file is never answered with that file's sound."""
    victim = tmp_path / "victim.mov"
    write_victim(victim)
    assert likeness(decode(victim, max_bytes=10**6, max_seconds=60).samples) > 0.9
    data = mp4.elsewhere(victim, bent.recordings()[name], alias=alias)
    try:
        assert likeness(decode_bytes(tmp_path, data).samples) < 0.3
    except MediaRefused as refused:
        assert refused.reason == "damaged"  # noqa: PT017


def test_memory_of_a_long_recording(tmp_path: Path) -> None:
    """Samples are held twice at most while they are decoded: as 16 bits and as 32."""
    victim, short, long = tmp_path / "victim.mov", tmp_path / "short.flac", tmp_path / "long.flac"
    write_victim(victim)
    short.write_bytes(bent.recordings()["flac.flac"])
    long.write_bytes(hostile.hours_of_silence(590 / 3600))
    with AuditedDecoder(victim) as decoder:
        before = decoder.decode(short).peak
        outcome = decoder.decode(long)
    assert outcome.seconds == pytest.approx(590, abs=10)
    assert outcome.peak - before < outcome.seconds * 16_000 * (2 + 4) * 1.25


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    """A recording whose file was removed is unreadable, not damaged."""
    with pytest.raises(MediaRefused, match="No such file"):
        decode(tmp_path / "nothing", max_bytes=1, max_seconds=1)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_cut_recording_gives_what_is_there(tmp_path: Path, general: Clip, share: float) -> None:
    """A truncated Ogg decodes to its beginning without an error, which is why declared seconds are compared."""
    data = general.path.read_bytes()
    sound = decode_bytes(tmp_path, data[: int(len(data) * share)])
    assert sound.seconds == pytest.approx(general.seconds * share, rel=0.2, abs=1.0)


def test_a_stream_that_changes_its_shape(tmp_path: Path) -> None:
    """Two MP3 files one after the other, of different rates, are both heard."""
    first = hostile.encode(hostile.tone(1.0, 44_100), container="mp3", codec="libmp3lame", rate=44_100)
    second = hostile.encode(hostile.tone(1.0, 16_000), container="mp3", codec="libmp3lame", rate=16_000)
    assert decode_bytes(tmp_path, first + second).seconds == pytest.approx(2.0, abs=0.3)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), share=st.sampled_from([0.0005, 0.01, 0.2]))
def test_flipped_bits(tmp_path_factory: pytest.TempPathFactory, general: Clip, seed: int, share: float) -> None:
    """A damaged recording gives sound or a named reason, and never more sound than was there."""
    data = hostile.flip_bits(general.path.read_bytes(), seed=seed, share=share)
    outcome = outcome_of(tmp_path_factory.mktemp("flip"), data)
    assert outcome in REASONS or 0 < float(outcome) <= 60


@given(st.binary(max_size=64))
def test_sniffing_takes_anything(head: bytes) -> None:
    """Any bytes are one of six containers or none."""
    assert sniff(head) in {None, "ogg", "mp3", "wav", "flac", "mov", "matroska"}
