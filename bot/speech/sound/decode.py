"""Bytes of a recording become samples, or a refusal.

FFmpeg chooses a container by looking inside, and some "containers" are lists of other files or of network addresses: a
32-byte voice note can make it play a file of ours (measured with PyAV 18.1). So we look first, name the demuxer
ourselves, and let it open nothing else; and it runs in a thread in which the kernel opens no file.
"""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import av
import av.subtitles.stream  # PyAV would import it at the first container, where nothing may be opened any more
import numpy as np
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from numpy.typing import NDArray

from bot.confined.seccomp import forbid_opening
from bot.errors import MediaRefused
from bot.speech.sound.container import ACCEPTED, HEAD_BYTES, sniff

RATE = 16_000
# Decoders that are given hostile bytes: sound only, no codec that nobody posts.
CODECS = frozenset({"opus", "libopus", "vorbis", "libvorbis", "aac", "mp3", "mp3float", "flac", "alac"})
_OPTIONS = {
    "format_whitelist": "ogg,mp3,wav,flac,mov,matroska",
    "protocol_whitelist": "none",
    "codec_whitelist": ",".join(sorted(CODECS)),
}
# Outside of these nobody records, and the resampler's filters grow with the rate: 100 MHz took 0.8 GB and 5 s.
_RATES = range(4_000, 768_001)
# Frames are resampled in blocks of so many seconds and samples of all channels at most: one by one costs up to a third more.
_BLOCK_SECONDS = 30
_BLOCK_SAMPLES = 500_000
_SEALED = ThreadPoolExecutor(thread_name_prefix="decoder", initializer=forbid_opening)


@dataclass(frozen=True, slots=True)
class Sound:
    """Decoded sound: float32 mono in [-1, 1] at 16 kHz, one dimension; `dropped` packets could not be decoded."""

    samples: NDArray[np.float32]
    dropped: int

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return len(self.samples) / RATE


def decode(path: Path, *, max_bytes: int, max_seconds: float) -> Sound:
    """Decode the file at `path`.

    Raises MediaRefused: `unreadable`, `empty`, `too-large`, `container`, `no-audio`, `too-long` or `damaged`.
    """
    try:
        with path.open("rb") as file:
            return _SEALED.submit(decode_file, file, max_bytes=max_bytes, max_seconds=max_seconds).result()
    except OSError as error:
        raise MediaRefused("unreadable", f"the stored recording cannot be read: {error.strerror}") from error


def decode_file(file: BinaryIO, *, max_bytes: int, max_seconds: float) -> Sound:
    """As `decode`, for a file that is open and in this thread; OSError where it cannot be read."""
    try:
        return _decode_file(file, max_bytes=max_bytes, max_seconds=max_seconds)
    except MemoryError as error:
        raise MediaRefused("too-large", "decoding takes more memory than the speech process may use") from error
    except av.FFmpegError as error:
        raise MediaRefused("damaged", f"the recording cannot be decoded: {error.strerror}") from error


def _decode_file(file: BinaryIO, *, max_bytes: int, max_seconds: float) -> Sound:
    size = file.seek(0, io.SEEK_END)
    if size == 0:
        raise MediaRefused("empty", "the recording has no bytes")
    if size > max_bytes:
        raise MediaRefused("too-large", f"the recording has {size} bytes, more than the {max_bytes} that are allowed")
    file.seek(0)
    container = sniff(file.read(HEAD_BYTES))
    if container is None:
        raise MediaRefused("container", f"the bytes are not in a known container; {ACCEPTED}")
    file.seek(0)
    with av.open(file, "r", format=container, options=_OPTIONS, metadata_errors="ignore") as opened:
        return _collect(opened, max_seconds)


def _collect(container: InputContainer, max_seconds: float) -> Sound:
    frames = _Frames(container)
    pieces: list[NDArray[np.int16]] = []
    count = 0
    for piece in _resample(frames):
        pieces.append(piece)
        count += len(piece)
        if count > max_seconds * RATE:
            raise MediaRefused("too-long", f"the recording plays longer than the {max_seconds:g} s that are allowed")
    if count == 0:
        raise MediaRefused("damaged", "no sound could be decoded from the recording")
    samples = np.concatenate(pieces, dtype=np.float32)
    samples /= 32768.0  # in place: hours of sound are hundreds of megabytes
    return Sound(samples, frames.dropped)


class _Frames:
    """The decodable frames of the first audio stream; `dropped` counts packets that were not."""

    def __init__(self, container: InputContainer) -> None:
        if not container.streams.audio:
            raise MediaRefused("no-audio", "the recording has no audio stream")
        self._container = container
        self._stream = container.streams.audio[0]
        # FFmpeg has no decoder for some codecs that it can name, and PyAV then no context.
        context = self._stream.codec_context
        codec = context.name if context is not None else "that FFmpeg does not know"
        # WAV is many codecs; all of its plain ones carry the prefix.
        if codec not in CODECS and not codec.startswith("pcm_"):
            raise MediaRefused("container", f"sound in the codec {codec} is not accepted; {ACCEPTED}")
        self.dropped = 0

    def __iter__(self) -> Iterator[AudioFrame]:
        for packet in self._packets():
            try:
                yield from self._stream.decode(packet)
            except MemoryError:
                raise
            except av.FFmpegError:
                # Most are invalid data; a flipped bit may also ask for what FFmpeg does not implement.
                self.dropped += 1

    def _packets(self) -> "Iterator[Packet[AudioStream]]":
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except MemoryError:
                raise
            except av.FFmpegError:
                # The demuxer lost its place: what was read so far is what there is.
                self.dropped += 1
                return
            yield packet


def _resample(frames: _Frames) -> Iterator[NDArray[np.int16]]:
    """Frames of any shape as int16 mono pieces at 16 kHz; a stream may change its shape on the way."""
    run: _Run | None = None
    for frame in frames:
        frame.pts = None  # gaps in damaged time stamps are no reason to stop
        if run is None or run.shape != _shape(frame):
            if run is not None:
                yield from run.end()
            run = _Run(frame)
        yield from run.take(frame)
    if run is not None:
        yield from run.end()


def _shape(frame: AudioFrame) -> tuple[str, str, int, int]:
    return frame.format.name, frame.layout.name, frame.layout.nb_channels, frame.sample_rate


class _Run:
    """Frames of one shape, resampled in blocks; the samples are those of one by one."""

    def __init__(self, first: AudioFrame) -> None:
        self.shape = _shape(first)
        *_, channels, rate = self.shape
        if rate not in _RATES:
            raise MediaRefused("damaged", f"the recording claims {rate} samples a second, which no recording has")
        self._block = min(_BLOCK_SECONDS * rate, max(1, _BLOCK_SAMPLES // channels))
        self._waiting = AudioFifo()
        self._resampler = AudioResampler(format="s16", layout="mono", rate=RATE)

    def take(self, frame: AudioFrame) -> Iterator[NDArray[np.int16]]:
        """Another frame, and the pieces that it completes."""
        self._waiting.write(frame)
        while self._waiting.samples >= self._block:
            yield from self._pieces(self._waiting.read(self._block))

    def end(self) -> Iterator[NDArray[np.int16]]:
        """What is left."""
        if self._waiting.samples:
            yield from self._pieces(self._waiting.read())
        yield from self._pieces(None)

    def _pieces(self, frame: AudioFrame | None) -> Iterator[NDArray[np.int16]]:
        for part in self._resampler.resample(frame):
            yield part.to_ndarray().reshape(-1).astype(np.int16, copy=False)
