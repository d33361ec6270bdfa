"""An hour each of what nobody says: no word may come out of it that is not flagged.

Notes of 25 to 35 s, the length at which Whisper invents most (faults: 28.6 % of dictations of 29 to 32 s), as Ogg/Opus
voice notes: digital silence, hiss at -60 dB, white, pink and brown noise, hum with harmonics, sweeping tones, and chords
with arpeggios and drums. The product's own transcriber hears them with the small model that ships; another with
`--model`. Counted are the words, and of these the ones in segments that nothing speaks against. Goal: none of those.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from benchmarks import report
from bot.sandbox.stage import SPEECH_MODEL
from bot.speech import LocalTranscriber, SpeechSettings
from bot.transcript import Transcript
from tests.speech import hostile

SEED = 20261123
RATE = 48_000
SHORTEST, LONGEST = 25.0, 35.0
_TOGETHER = 4

Samples = NDArray[np.float64]
Maker = Callable[[np.random.Generator, int], Samples]


def silence(_chance: np.random.Generator, count: int) -> Samples:
    """Zeros."""
    return np.zeros(count)


def hiss(chance: np.random.Generator, count: int) -> Samples:
    """A quiet line: white noise at -60 dB."""
    return chance.standard_normal(count) * 10 ** (-60 / 20)


def _coloured(chance: np.random.Generator, count: int, slope: float) -> Samples:
    """Noise whose power falls with the frequency to the power `slope`, at -12 to -35 dB."""
    spectrum = np.fft.rfft(chance.standard_normal(count))
    frequencies = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20.0)
    sound = np.fft.irfft(spectrum * frequencies ** (-slope / 2), count)
    return np.asarray(sound / np.sqrt(np.mean(sound**2)) * 10 ** (chance.uniform(-35, -12) / 20))


def white(chance: np.random.Generator, count: int) -> Samples:
    """As much power in each hertz."""
    return _coloured(chance, count, 0.0)


def pink(chance: np.random.Generator, count: int) -> Samples:
    """As much power in each octave: rain, a crowd far away."""
    return _coloured(chance, count, 1.0)


def brown(chance: np.random.Generator, count: int) -> Samples:
    """Wind and engines."""
    return _coloured(chance, count, 2.0)


def hum(chance: np.random.Generator, count: int) -> Samples:
    """The mains, 50 or 60 Hz with harmonics, over a little hiss."""
    seconds, base = np.arange(count) / RATE, chance.choice([50.0, 60.0])
    sound = sum(
        np.sin(2 * np.pi * base * n * seconds + chance.uniform(0, 6)) * chance.uniform(0, 1) / n for n in range(1, 12)
    )
    return sound * 0.1 + chance.standard_normal(count) * 0.001


def tones(chance: np.random.Generator, count: int) -> Samples:
    """Pure tones, sweeps up and down, and beeps, each for one to six seconds."""
    parts: list[Samples] = []
    while sum(map(len, parts)) < count:
        length = int(chance.uniform(1, 6) * RATE)
        seconds = np.arange(length) / RATE
        first, last = 2 ** chance.uniform(6.5, 12, 2)
        if chance.random() < 0.3:
            last = first
        phase = 2 * np.pi * (first * seconds + (last - first) * seconds**2 / (2 * length / RATE))
        loud = (np.sin(2 * np.pi * chance.uniform(0.5, 4) * seconds) > -0.3) if chance.random() < 0.4 else 1.0
        parts.append(np.sin(phase) * loud * chance.uniform(0.05, 0.5))
    return np.concatenate(parts)[:count]


def music(chance: np.random.Generator, count: int) -> Samples:
    """Four chords that go round, an arpeggio above them, a bass, and drums."""
    sound = np.zeros(count)
    beat = int(RATE * 60 / chance.uniform(80, 140))
    root = chance.uniform(100, 180)
    chords = [(0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14)]
    for number, begin in enumerate(range(0, count, beat)):
        chord = chords[number // 4 % 4]
        for step in chord:
            _add(sound, begin, _string(chance, root * 2 ** (step / 12), beat * 2, 0.08))
        _add(sound, begin, _string(chance, root / 2 * 2 ** (chord[0] / 12), beat, 0.15))
        for half in range(2):
            note = chord[int(chance.integers(3))] + 12
            _add(sound, begin + half * beat // 2, _string(chance, root * 2 ** (note / 12), beat // 2, 0.1))
            _add(sound, begin + half * beat // 2, _drum(chance, beat // 4, 0.0 if number % 2 else 60.0))
    return sound * 0.8 / max(1.0, float(np.abs(sound).max()))


def _string(chance: np.random.Generator, pitch: float, length: int, loud: float) -> Samples:
    seconds = np.arange(length) / RATE
    tone = sum(np.sin(2 * np.pi * pitch * n * seconds) / n for n in range(1, 6))
    return tone * np.exp(-seconds * chance.uniform(2, 5)) * np.minimum(1, seconds * 200) * loud


def _drum(chance: np.random.Generator, length: int, pitch: float) -> Samples:
    seconds = np.arange(length) / RATE
    sound = np.sin(2 * np.pi * pitch * seconds) if pitch else chance.standard_normal(length) * 0.4
    return np.asarray(sound * np.exp(-seconds * 25) * 0.4)


def _add(sound: Samples, begin: int, part: Samples) -> None:
    end = min(len(sound), begin + len(part))
    if begin < end:
        sound[begin:end] += part[: end - begin]


KINDS: Mapping[str, Maker] = {make.__name__: make for make in (silence, hiss, white, pink, brown, hum, tones, music)}


def note(kind: str, number: int) -> bytes:
    """Note `number` of a kind, as Telegram's clients record them: Opus, mono, 48 kHz."""
    chance = np.random.default_rng([SEED, sorted(KINDS).index(kind), number])
    count = int(chance.uniform(SHORTEST, LONGEST) * RATE)
    samples = np.clip(KINDS[kind](chance, count), -1, 1) * 32767
    return hostile.encode(samples.astype(np.int16), container="ogg", codec="libopus", rate=RATE)


@dataclass(slots=True)
class Heard:
    """What came out of the notes of one kind."""

    notes: int = 0
    seconds: float = 0.0
    # Of sound in which voice activity was found.
    speech: float = 0.0
    words: int = 0
    unflagged: int = 0

    def add(self, transcript: Transcript) -> str:
        """Count one; returns its unflagged text."""
        plain = [segment for segment in transcript.segments if not segment.flags]
        self.notes += 1
        self.seconds += transcript.duration
        self.speech += transcript.speech_seconds
        self.words += len(transcript.words)
        self.unflagged += sum(len(segment.words) for segment in plain)
        return " ".join(segment.text for segment in plain)


async def listen(folder: Path, transcriber: LocalTranscriber, kind: str, seconds: float) -> Heard:
    """Let it hear that many seconds of a kind."""
    heard = Heard()
    given = 0

    async def work() -> None:
        nonlocal given
        while heard.seconds < seconds:
            number, given = given, given + 1
            path = folder / f"{kind}-{number}.ogg"
            path.write_bytes(await asyncio.to_thread(note, kind, number))
            text = heard.add(await transcriber.transcribe(path, language=None, declared_seconds=None))
            if text:
                report.tell(f"{kind} {number}: {text}")
            path.unlink()

    async with asyncio.TaskGroup() as group:
        for _ in range(_TOGETHER):
            group.create_task(work())
    return heard


async def run(model: str, seconds: float, kinds: Sequence[str]) -> None:
    """Every one of `kinds` in turn."""
    found: dict[str, Heard] = {}
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-noise-") as name:
        folder = Path(name)
        transcriber = LocalTranscriber(SpeechSettings(model=model, models_folder=folder / "models", device="cpu"))
        for kind in kinds:
            found[kind] = await listen(folder, transcriber, kind, seconds)
            report.tell(f"{kind}: {found[kind].seconds:.0f} s, {found[kind].unflagged} unflagged words")
        await transcriber.close()
    report.table(
        ["sound", "notes", "minutes", "taken for speech, s", "words", "unflagged"],
        [
            [kind, f"{one.notes}", f"{one.seconds / 60:.1f}", f"{one.speech:.0f}", f"{one.words}", f"{one.unflagged}"]
            for kind, one in found.items()
        ],
    )
    total = sum(one.unflagged for one in found.values())
    print(f"goal 0 unflagged words: {total}: {report.verdict(total == 0)}; model {Path(model).name}")
    report.finish(
        "noise",
        seed=SEED,
        model=Path(model).name,
        seconds={kind: round(one.seconds) for kind, one in found.items()},
        speech_seconds={kind: round(one.speech, 1) for kind, one in found.items()},
        words={kind: one.words for kind, one in found.items()},
        unflagged={kind: one.unflagged for kind, one in found.items()},
        wall_s=round(time.monotonic() - begin),
    )


def main() -> None:
    """`--quick`: three minutes of each."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--model", default=str(SPEECH_MODEL), help="a folder or the name of a model")
    parser.add_argument("--kind", action="append", choices=sorted(KINDS), help="that one alone (may be repeated)")
    given = parser.parse_args()
    asyncio.run(run(given.model, 180.0 if given.quick else 3600.0, given.kind or list(KINDS)))


if __name__ == "__main__":
    main()
