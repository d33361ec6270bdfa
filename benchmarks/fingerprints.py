"""Is a recording known again after other coders, cuts and gain, and never taken for another? `make bench-fingerprints`

The recordings of the tests, and notes of 6 to 20 s made of two to four of them (encoded once, as a messenger does). Each is
encoded and decoded again by PyAV's coders in all the ways of `SHORT` and, the notes, of `TRIMMED`. Printed per way: how many
are the same (`recall`), the least agreement, how many share a sub-hash with the original (`found`), how many of them they
share at least, and how many are too short to have a fingerprint. Then every pair of different recordings and of different
notes: the greatest agreement, and how often a sub-hash is shared. Recall counts what plays for at least 3.5 s (after the
cut), which is about 3 s of sound: of shorter ones a coder can take away the last bit that they need to have a fingerprint.

Goals: no pair the same, recall 99 % and found 99 % in every way, less than 3 ms of CPU per second of sound. All of it takes
about 8 minutes of CPU, most of which libopus has.
"""

import argparse
import io
import random
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks import report
from bot.speech.sound.decode import RATE, decode
from bot.speech.sound.fingerprint import SAME, fingerprint, keys, same

RECORDINGS = Path(__file__).parents[1] / "tests/speech/recordings"
GOAL_MS, GOAL_RECALL = 3.0, 0.99
LEAST_SECONDS = 3.5
SEED = 5

Samples = NDArray[np.float32]
Way = Callable[[Samples], Samples]


def _load(path: Path) -> Samples:
    return decode(path, max_bytes=50_000_000, max_seconds=600.0).samples


def _coded(codec: str, container: str, rate: int, kilobits: int) -> Way:
    def way(samples: Samples) -> Samples:
        file = io.BytesIO()
        with av.open(file, "w", format=container) as output:
            stream = output.add_stream(codec, rate=rate, layout="mono", bit_rate=kilobits * 1000)
            frame = av.AudioFrame.from_ndarray(np.clip(samples, -1, 1)[None], format="flt", layout="mono")
            frame.sample_rate = RATE
            # Without it some packets have no time, and a muxer refuses the last one of some recordings.
            frame.pts = 0
            context = stream.codec_context
            resampler = av.AudioResampler(context.format.name, "mono", rate, frame_size=context.frame_size)
            for part in [*resampler.resample(frame), *resampler.resample(None), None]:
                output.mux(stream.encode(part))
        with tempfile.NamedTemporaryFile() as written:
            Path(written.name).write_bytes(file.getvalue())
            return _load(Path(written.name))

    return way


def _opus(kilobits: int) -> Way:
    return _coded("libopus", "ogg", 48_000, kilobits)


def _aac(kilobits: int) -> Way:
    return _coded("aac", "mp4", 44_100, kilobits)


def _mp3(kilobits: int) -> Way:
    return _coded("libmp3lame", "mp3", 44_100, kilobits)


def _gain(decibels: float) -> Way:
    def way(samples: Samples) -> Samples:
        clipped = np.clip(samples * 10 ** (decibels / 20), -1, 1)
        return (np.round(clipped * 32767) / 32768).astype(np.float32)

    return way


def _cut(begin: float, end: float) -> Way:
    return lambda samples: samples[round(begin * RATE) : len(samples) - round(end * RATE)]


def _cut_at_random(rng: random.Random) -> Way:
    """Up to 2 s less at both ends."""
    return lambda samples: _cut(2 * rng.random(), 2 * rng.random())(samples)


def _shifted(rng: random.Random) -> Way:
    """Up to 0.1 s less or up to 1 s of silence more, in samples."""

    def way(samples: Samples) -> Samples:
        if rng.random() < 0.5:
            return samples[rng.randrange(1, RATE // 10) :]
        return np.concatenate([np.zeros(rng.randrange(1, RATE), np.float32), samples])

    return way


def _then(*ways: Way) -> Way:
    def way(samples: Samples) -> Samples:
        for each in ways:
            samples = each(samples)
        return samples

    return way


_RNG = random.Random(SEED)
SHORT: Mapping[str, Way] = {
    "opus 16": _opus(16),
    "opus 24": _opus(24),
    "opus 32, 16, 24": _then(_opus(32), _opus(16), _opus(24)),
    "aac 32": _aac(32),
    "mp3 32": _mp3(32),
    "mp3 64": _mp3(64),
    "-20 dB, opus 16": _then(_gain(-20), _opus(16)),
    "+6 dB, opus 24": _then(_gain(6), _opus(24)),
    "shifted, opus 16": _then(_shifted(_RNG), _opus(16)),
    "shifted, -20 dB, mp3 32, opus 16": _then(_shifted(_RNG), _gain(-20), _mp3(32), _opus(16)),
}
TRIMMED: Mapping[str, Way] = {
    "2 s less before, opus 16": _then(_cut(2, 0), _opus(16)),
    "2 s less behind, opus 24": _then(_cut(0, 2), _opus(24)),
    "2 s less at both, shifted, opus 16": _then(_cut(2, 2), _shifted(_RNG), _opus(16)),
    "1.97 and 1.3 s less, -20 dB, aac 32": _then(_cut(1.97, 1.3), _gain(-20), _aac(32)),
    **{f"up to 2 s less at both, opus 16 ({n})": _then(_cut_at_random(_RNG), _opus(16)) for n in range(1, 4)},
}


def _notes(recordings: Mapping[str, Samples]) -> dict[str, Samples]:
    """Each spoken recording in one note."""
    rng = random.Random(SEED)
    names = [name for name in recordings if not name.startswith("noise")]
    rng.shuffle(names)
    notes = {}
    while len(names) >= 2:
        taken, names = names[: (count := rng.randrange(2, 5))], names[count:]
        notes["+".join(taken)] = _opus(24)(np.concatenate([recordings[name] for name in taken]))
    return notes


@dataclass(frozen=True, slots=True)
class Row:
    """What became of the recordings in one way."""

    way: str
    count: int
    recall: float
    least: float
    found: float
    # Sub-hashes that are shared with the original, at least.
    fewest: int
    short: int


def _try(way: str, change: Way, originals: Mapping[str, Samples], prints: Mapping[str, bytes]) -> Row:
    agreements, shared, short = [], [], 0
    for name, original in originals.items():
        changed = change(original)
        if not prints[name]:
            continue
        # Silence put before it makes no recording longer.
        if min(len(original), len(changed)) < LEAST_SECONDS * RATE:
            short += 1
            continue
        made = fingerprint(changed)
        agreements.append(same(prints[name], made))
        shared.append(len(keys(prints[name]) & keys(made)))
    count = len(agreements)
    recall = sum(agreement >= SAME for agreement in agreements) / count
    found = sum(one > 0 for one in shared) / count
    return Row(way, count, recall, min(agreements), found, min(shared), short)


def _pairs(prints: Mapping[str, bytes]) -> tuple[int, int, float, float]:
    """Of all pairs: how many, how many the same, the greatest agreement, the share that shares a sub-hash."""
    made = [one for one in prints.values() if one]
    hashes = [keys(one) for one in made]
    agreements, shared = [], 0
    for number, one in enumerate(made):
        for before in range(number):
            agreements.append(same(one, made[before]))
            shared += bool(hashes[number] & hashes[before])
    wrong = sum(agreement >= SAME for agreement in agreements)
    return len(agreements), wrong, max(agreements), shared / len(agreements)


def _timed(originals: Mapping[str, Samples]) -> tuple[dict[str, bytes], float]:
    """The fingerprints, and the median of their CPU milliseconds per second of sound."""
    prints, costs = {}, []
    for name, samples in originals.items():
        begin = time.process_time()
        prints[name] = fingerprint(samples)
        costs.append((time.process_time() - begin) * 1000 * RATE / len(samples))
    return prints, report.median(costs)


def main() -> None:
    """Measure, print, say whether the goals are reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="every fourth recording and every other way")
    quick = parser.parse_args().quick
    paths = sorted(RECORDINGS.glob("*.ogg"))[:: 4 if quick else 1]
    recordings = {path.stem: _load(path) for path in paths}
    notes = _notes(recordings)
    rows, pairs, costs = [], [], []
    for kind, originals, ways in (("recording", recordings, SHORT), ("note", notes, {**SHORT, **TRIMMED})):
        prints, cost = _timed(originals)
        costs.append(cost)
        without = sum(not one for one in prints.values())
        report.tell(f"{len(prints)} {kind}s, {without} without a fingerprint (noise, or too short)")
        for way in list(ways)[:: 2 if quick else 1]:
            rows.append((kind, _try(way, ways[way], originals, prints)))
            report.tell(f"{kind}s: {way}")
        pairs.append((kind, *_pairs(prints)))
    cost = max(costs)
    head = ["way", "of", "count", "recall", "least agreement", "found by sub-hash", "fewest shared", "too short"]
    shown = [
        [
            row.way,
            kind,
            str(row.count),
            f"{row.recall:.1%}",
            f"{row.least:.3f}",
            f"{row.found:.1%}",
            str(row.fewest),
            str(row.short),
        ]
        for kind, row in rows
    ]
    report.table(head, shown)
    print()
    head = ["pairs of different", "pairs", "the same", "greatest agreement", "share a sub-hash"]
    report.table(head, [[kind, str(of), str(bad), f"{top:.3f}", f"{share:.2%}"] for kind, of, bad, top, share in pairs])
    no_wrong = all(wrong == 0 for _, _, wrong, _, _ in pairs)
    recalled = all(row.recall >= GOAL_RECALL for _, row in rows)
    found = all(row.found >= GOAL_RECALL for _, row in rows)
    print(f"\nthe same from {SAME} on; {cost:.2f} ms of CPU per second of sound")
    print(
        f"no pair the same: {report.verdict(no_wrong)}; recall {GOAL_RECALL:.0%}: {report.verdict(recalled)}; "
        f"found {GOAL_RECALL:.0%}: {report.verdict(found)}; ",
        end="",
    )
    print(f"{GOAL_MS:g} ms per second: {report.verdict(cost < GOAL_MS)}")
    recall = {f"{kind}: {row.way}": round(row.recall, 4) for kind, row in rows}
    looked_up = {f"{kind}: {row.way}": round(row.found, 4) for kind, row in rows}
    report.finish("fingerprints", recall=recall, found=looked_up, pairs=pairs, ms_per_second=round(cost, 2))


if __name__ == "__main__":
    main()
