"""Recordings made to do harm, and sound to do it with."""

import io
import random
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

VICTIM_RATE = 16_000


def tone(seconds: float, rate: int = VICTIM_RATE) -> NDArray[np.int16]:
    """A 440 Hz tone."""
    return (np.sin(np.arange(int(seconds * rate)) * (2 * np.pi * 440 / rate)) * 12_000).astype(np.int16)


def encode(samples: NDArray[np.int16], *, container: str, codec: str, rate: int = VICTIM_RATE) -> bytes:
    """`samples` (mono) in any container and codec that FFmpeg writes; its Vorbis encoder knows stereo alone."""
    layout = "stereo" if codec == "vorbis" else "mono"
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout=layout, options={"strict": "experimental"})
        resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=rate)
        fifo = av.AudioFifo()
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = rate
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            part.pts = None
            fifo.write(part)
        for part in _blocks(fifo, stream.codec_context.frame_size or 1024):
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return buffer.getvalue()


def _blocks(fifo: av.AudioFifo, size: int) -> Iterator[AudioFrame]:
    written = 0
    while (frame := fifo.read(size, partial=True)) is not None:
        frame.pts, frame.time_base = written, Fraction(1, frame.sample_rate)
        written += frame.samples
        yield frame


def hours_of_silence(hours: float) -> bytes:
    """FLAC at 8 kHz: 12 hours take 85 kB, and were 6.6 GB of memory once decoded without a limit."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="flac") as output:
        stream = output.add_stream("flac", rate=8000, layout="mono")
        stream.codec_context.format = "s16"
        stream.options = {"frame_size": "65535", "compression_level": "0"}
        stream.codec_context.open()
        size = stream.codec_context.frame_size
        block = AudioFrame.from_ndarray(np.zeros((1, size), np.int16), format="s16", layout="mono")
        block.sample_rate = 8000
        block.time_base = Fraction(1, 8000)
        for number in range(int(hours * 3600 * 8000 / size)):
            block.pts = number * size
            output.mux(stream.encode(block))
        output.mux(stream.encode(None))
    return buffer.getvalue()


def silent_film() -> bytes:
    """An MP4 with a picture and no sound."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(10):
            output.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        output.mux(stream.encode(None))
    return buffer.getvalue()


def flip_bits(data: bytes, *, seed: int, share: float, keep: int = 0) -> bytes:
    """`data` with one bit in `share` of its bytes turned over, the first `keep` bytes excepted."""
    chance = random.Random(seed)
    flipped = bytearray(data)
    for _ in range(int(len(data) * share)):
        flipped[chance.randrange(keep, len(data))] ^= 1 << chance.randrange(8)
    return bytes(flipped)


def lists_of_others(victim: Path) -> dict[str, bytes]:
    """Files that FFmpeg, left to itself, takes for lists of other files or of network addresses."""
    name = victim.name.encode()
    return {
        "concat": b"ffconcat version 1.0\nfile " + name + b"\n",
        "concat, absolute": b"ffconcat version 1.0\nfile '" + str(victim).encode() + b"'\n",
        "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 45678 RTP/AVP 0\n",
        "hls": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n" + name + b"\n#EXT-X-ENDLIST\n",
        "playlist": b"[playlist]\nFile1=" + name + b"\nNumberOfEntries=1\n",
        "dash": b'<?xml version="1.0"?><MPD><BaseURL>' + name + b"</BaseURL></MPD>",
        "pls over http": b"#EXTM3U\nhttp://127.0.0.1:9/x.ts\n",
    }


def not_recordings() -> dict[str, bytes]:
    """Other things that might be called voice.ogg."""
    return {
        "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(100),
        "png": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "gif": b"GIF89a" + bytes(100),
        "zip": b"PK\x03\x04" + bytes(100),
        "html": b"<!doctype html><html><body>voice</body></html>",
        "text": "просто текст".encode(),
        "one byte": b"O",
        "zeros": bytes(4096),
        "avi": b"RIFF\x10\x00\x00\x00AVI LIST" + bytes(64),
        "aac": b"\xff\xf1\x50\x80" + bytes(64),
    }
