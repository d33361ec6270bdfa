"""Training windows: `python -m tools.speech_model.synthesise FOLDER --shards 9`.

A shard is a pickle of 700 short clips, 40 long windows and 25 windows of noise, with log-mel features and everything that
is known of them: texts, word times, phonemes.
"""

import argparse
import pickle
import random
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

from tools.speech_model.corpus import random_sentence
from tools.speech_model.espeak import Espeak
from tools.speech_model.sound import RATE, Noise, Samples, from_opus, noise, spoil, to_opus

# Variants of espeak-ng; the held-out ones speak in the tests alone.
TRAINING_VOICES = [
    "", "m1", "m2", "m3", "m5", "m6", "m7", "m8", "f1", "f2", "f4", "f5", "Alex", "Andy", "Michael", "Denis", "Diogo",
    "Hugo", "Lee", "victor", "Marco", "norbert", "steph", "belinda", "Alicia", "michel", "pablo", "klatt2",
]  # fmt: skip
HELD_OUT_VOICES = ["m4", "f3", "Andrea", "Gene", "miguel", "max", "linda", "iven2"]
NOISES: list[Noise] = ["white", "pink", "brown", "hum"]
WINDOW_FRAMES = 3000
SHORT, LONG, SILENT = 700, 40, 25


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sentence with its times in seconds. `end` is None when the window ends before the sentence does."""

    text: str
    start: float
    end: float | None
    words: list[tuple[str, float, float]]
    phonemes: list[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class Window:
    """Log-mel features, float16 [80, frames], and what is said in them. `language` is None for noise."""

    kind: str
    mel: NDArray[np.float16]
    sentences: list[Spoken]
    language: str | None
    voice: str = ""


def compose(
    espeak: Espeak,
    texts: list[str],
    *,
    voice: str,
    speed: int,
    pitch: int,
    pitch_range: int,
    lead: float,
    gap: Callable[[], float],
    trail: float,
) -> tuple[Samples, list[Spoken]]:
    """The texts one after the other with silence before, between and after (seconds), at the engine's rate."""
    pieces = [np.zeros(int(lead * espeak.rate), np.float32)]
    position = len(pieces[0])
    spoken = []
    for index, text in enumerate(texts):
        said = espeak.say(text, voice=voice, speed=speed, pitch=pitch, pitch_range=pitch_range)
        offset = position / espeak.rate
        words = [(word, offset + start, offset + end) for word, start, end in said.words]
        phonemes = [(offset + start, name) for start, name in said.phonemes]
        phonemes.append((offset + len(said.samples) / espeak.rate, "_"))
        spoken.append(Spoken(text, words[0][1], words[-1][2], words, phonemes))
        pause = np.zeros(int((gap() if index + 1 < len(texts) else trail) * espeak.rate), np.float32)
        pieces += [said.samples, pause]
        position += len(said.samples) + len(pause)
    return np.concatenate(pieces), spoken


def cut(mel: NDArray[np.float16], sentences: list[Spoken]) -> tuple[NDArray[np.float16], list[Spoken]]:
    """The first 30 seconds; a sentence that they cut keeps its start time alone."""
    if mel.shape[1] <= WINDOW_FRAMES:
        return mel, sentences
    seconds = WINDOW_FRAMES / 100
    kept = []
    for sentence in sentences:
        if sentence.end is None or sentence.end > seconds - 0.1:
            if sentence.start < seconds - 0.4:
                kept.append(Spoken(sentence.text, sentence.start, None, sentence.words, sentence.phonemes))
            break
        kept.append(sentence)
    return mel[:, :WINDOW_FRAMES], kept


class Synthesiser:
    """Draws windows, reproducibly for a seed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._generator = np.random.default_rng(seed)
        self._espeak = Espeak()
        self._features = FeatureExtractor()

    def shard(self, short: int = SHORT, long: int = LONG, silent: int = SILENT) -> list[Window]:
        """That many windows of each kind, in any order."""
        kinds = ["short"] * short + ["long"] * long + ["noise"] * silent
        self._chance.shuffle(kinds)
        return [self.noise() if kind == "noise" else self.speech(kind) for kind in kinds]

    def speech(self, kind: str) -> Window:
        """A `short` clip of one to four sentences, or a `long` one of 12 to 30 seconds, by any training voice."""
        chance = self._chance
        language = "ru" if chance.random() < 0.83 else "en"
        variant = chance.choice(TRAINING_VOICES)
        voice = ("ru" if language == "ru" else chance.choice(["en-us", "en"])) + (f"+{variant}" if variant else "")
        speed = chance.randint(120, 190)
        samples, sentences = compose(
            self._espeak,
            self._short_texts(language) if kind == "short" else self._long_texts(language, speed),
            voice=voice,
            speed=speed,
            pitch=chance.randint(25, 75),
            pitch_range=chance.randint(35, 70),
            lead=chance.uniform(0, 0.8) if chance.random() < 0.93 else chance.uniform(0.8, 2.5),
            gap=lambda: chance.uniform(0.12, 1.1) if chance.random() < 0.95 else chance.uniform(1, 2.5),
            trail=chance.uniform(0, 0.8),
        )
        mel, sentences = cut(self._mel(spoil(samples, self._espeak.rate, chance, self._generator)), sentences)
        return Window(kind, mel, sentences, language, variant)

    def noise(self) -> Window:
        """Half a second to nine of noise, hum or silence, sometimes through Opus."""
        chance = self._chance
        count = int(chance.uniform(0.6, 9) * RATE)
        samples = np.zeros(count, np.float32)
        if chance.random() < 0.8:
            samples = noise(count, chance.choice(NOISES), self._generator) * 10 ** (chance.uniform(-80, -15) / 20)
        samples = np.clip(samples, -1, 1).astype(np.float32)
        if chance.random() < 0.4:
            samples = from_opus(to_opus(samples, chance.choice([16, 24, 32])))
        return Window("noise", self._mel(samples), [], None)

    def _short_texts(self, language: str) -> list[str]:
        count = self._chance.choices([1, 2, 3, 4], [72, 20, 6, 2])[0]
        return [random_sentence(self._chance, language) for _ in range(count)]

    def _long_texts(self, language: str, speed: int) -> list[str]:
        target = self._chance.uniform(12, 29) if self._chance.random() < 0.45 else 33
        texts: list[str] = []
        seconds = 0.0
        while seconds < target:
            texts.append(random_sentence(self._chance, language))
            seconds += len(texts[-1]) * 0.075 * 155 / speed + 0.5
        return texts

    def _mel(self, samples: Samples) -> NDArray[np.float16]:
        return self._features(samples)[:, :-1].astype(np.float16)


def write_shard(job: tuple[int, Path]) -> str:
    """Make one shard; `job` is its seed and its file."""
    seed, path = job
    windows = Synthesiser(seed).shard()
    path.write_bytes(pickle.dumps(windows))
    hours = sum(window.mel.shape[1] for window in windows) / 360_000
    return f"{path}: {len(windows)} windows, {hours:.2f} h"


def main() -> None:
    """Make all shards, one process for each core."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--shards", type=int, default=9)
    given = arguments.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with Pool() as pool:
        jobs = [(300 + index, given.folder / f"shard-{index:03d}.pkl") for index in range(given.shards)]
        for line in pool.imap_unordered(write_shard, jobs):
            print(line, flush=True)


if __name__ == "__main__":
    main()
