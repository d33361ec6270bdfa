"""Voice notes that the model never heard, with their reference: `python -m tools.speech_model.make_recordings FOLDER`.

The demo's note is `general.ogg`; the rest are the tests'. Both get a manifest: text, language, times, voice and settings.
"""

import argparse
import json
import random
from pathlib import Path
from typing import Any

import numpy as np

from tools.speech_model.corpus import GENERAL, HELD_OUT, NOVEL, SENTENCES, sentence
from tools.speech_model.espeak import Espeak
from tools.speech_model.sound import RATE, Noise, Samples, noise, resample, speech_level, to_opus
from tools.speech_model.synthesise import HELD_OUT_VOICES, TRAINING_VOICES, compose

# (speed, pitch) of which one lies outside of what was trained.
STRANGE_SETTINGS = [(105, 50), (112, 40), (200, 50), (210, 60), (150, 12), (150, 88), (165, 15), (140, 85)]
# Seconds, kind and level in dB; None is silence.
NOISES: list[tuple[float, Noise, int | None]] = [
    *((5, "pink", -45), (2, "hum", -35), (35, "brown", -40), (6, "pink", -30), (10, "hum", -40)),
    *((3, "white", -60), (4, "white", -25), (8, "brown", -30), (1, "brown", None)),
]


class Recorder:
    """Speaks, spoils a little, encodes, and remembers what was said."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._chance = random.Random(seed)
        self._generator = np.random.default_rng(seed)
        self._espeak = Espeak()
        self.rows: list[dict[str, Any]] = []

    def record(
        self,
        name: str,
        group: str,
        language: str,
        texts: list[str],
        *,
        voice: str,
        speed: int,
        pitch: int,
        kbps: int | None = None,
        snr_db: int | None = None,
    ) -> None:
        """One voice note of `texts`; bit rate and signal-to-noise ratio are drawn unless given."""
        chance = self._chance
        kbps, snr_db = kbps or chance.choice([16, 24, 32]), snr_db or chance.choice([15, 20, 30, 40])
        gap = chance.uniform(0.25, 0.9)
        spoken, said = compose(
            self._espeak,
            texts,
            voice=("ru" if language == "ru" else "en-us") + (f"+{voice}" if voice else ""),
            speed=speed,
            pitch=pitch,
            pitch_range=50,
            lead=chance.uniform(0.1, 0.7),
            gap=lambda: gap,
            trail=chance.uniform(0.1, 0.7),
        )
        samples = resample(spoken * (10 ** (chance.uniform(-18, -2) / 20) / abs(spoken).max()), self._espeak.rate, RATE)
        around = noise(len(samples), chance.choice(["white", "pink", "brown"]), self._generator)
        samples = samples + around * speech_level(samples) * 10 ** (-snr_db / 20)
        reference = {
            "language": language,
            "text": " ".join(texts),
            "seconds": round(len(samples) / RATE, 3),
            "segments": [(round(one.start, 2), round(one.end or 0, 2), one.text) for one in said],
            "words": [(word, round(start, 2), round(end, 2)) for one in said for word, start, end in one.words],
        }
        made = {"voice": voice, "speed": speed, "pitch": pitch, "kbps": kbps, "snr_db": snr_db}
        self._write(name, samples, kbps, {"group": group} | reference | made)

    def record_noise(self, name: str, seconds: float, kind: Noise, level: int | None) -> None:
        """One recording in which nobody speaks."""
        samples = np.zeros(int(seconds * RATE), np.float32)
        if level is not None:
            samples = noise(len(samples), kind, self._generator) * 10 ** (level / 20)
        row = {"group": "noise", "language": None, "text": "", "seconds": seconds, "segments": [], "words": []}
        self._write(name, samples, 24, row)

    def _write(self, name: str, samples: Samples, kbps: int, row: dict[str, Any]) -> None:
        voice_note = to_opus(np.clip(samples, -1, 1).astype(np.float32), kbps, complexity=10)
        (self._folder / name).write_bytes(voice_note)
        self.rows.append({"file": name} | row)

    def write_manifest(self, name: str) -> None:
        """All rows since the last manifest, one a line."""
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in self.rows)
        (self._folder / name).write_text(f"[\n{lines}\n]\n")
        self.rows.clear()


def main() -> None:
    """The demo's note, then every sentence in unseen voices, in strange settings and in new orders, then noise."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    folder: Path = arguments.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(777)
    recorder = Recorder(folder, 777)
    recorder.record("general.ogg", "demo", "ru", GENERAL, voice="m3", speed=150, pitch=45, kbps=24, snr_db=25)
    recorder.write_manifest("demo-manifest.json")
    known = [(language, sentence(clauses, language)) for language in SENTENCES for clauses in SENTENCES[language]]
    new_orders = [(language, sentence(clauses, language)) for language in HELD_OUT for clauses in HELD_OUT[language]]
    number = 0
    for group, texts in (
        ("voice", known),
        ("setting", known),
        ("recomb", new_orders),
        ("novel", [("ru", text) for text in NOVEL]),
    ):
        for language, text in texts:
            voice = chance.choice(HELD_OUT_VOICES if group == "voice" else TRAINING_VOICES)
            speed, pitch = chance.choice([125, 140, 155, 170, 185]), chance.choice([30, 45, 60, 70])
            if group == "setting":
                speed, pitch = chance.choice(STRANGE_SETTINGS)
            recorder.record(f"{group}_{number:03d}.ogg", group, language, [text], voice=voice, speed=speed, pitch=pitch)
            number += 1
    for seconds, kind, level in NOISES:
        recorder.record_noise(f"noise_{number:03d}.ogg", seconds, kind, level)
        number += 1
    recorder.write_manifest("manifest.json")


if __name__ == "__main__":
    main()
