"""What stands around a transcript, each measured by `benchmarks.speech --only NAME`."""

import argparse
import asyncio
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import report
from benchmarks.random_whisper import write_model
from bot.sandbox.stage import GENERAL
from bot.speech import LocalTranscriber, SpeechSettings
from bot.speech.commands import bench
from bot.speech.local.model import WINDOW_FRAMES, Model, Prompted
from bot.speech.settings import Manner
from bot.speech.sound.notes import make_notes, noise, silence, write_note

KEPT = Path("build/speech")
PARTS = ("front", "worst", "hot_words", "restart", "memory")
ROUNDS = 5
GOAL_FRONT, GOAL_GROWTH, GOAL_RESTART, GOAL_WORST = 6.0, 5.0, 1.0, 3.0
# Of the notes that loop.
WORST_SECONDS = (10.0, 19.0, 25.0, 29.0)
# After the last answer: what is kept is given back by then.
REST_SECONDS = 1.0
HOT_WORDS = ", ".join(["Гурулёв", "Попов", "Цоков", "Герасимов", "Шойгу", "58-я армия", "Storm Shadow", "Бердянск"] * 2)


def model_folder(size: str, *, loop: bool = False) -> Path:
    """A random model, made when it is not there yet."""
    folder = KEPT / f"random-{size}{'-loop' if loop else ''}"
    if not (folder / "model.bin").is_file():
        report.tell(f"making a random model of the size {size}{' that never ends' if loop else ''}")
        write_model(size, folder, loop=loop)
    return folder


def rest(folder: Path, sets: Sequence[Sequence[Path]], scratch: Path, given: argparse.Namespace) -> dict[str, object]:
    """Figures of what stands around the race, by the names of its parts."""
    short = sets[0]
    sizes = ["tiny", "base", *([] if given.quick else ["small"])]
    parts: dict[str, Callable[[], object]] = {
        "front": lambda: front(folder, [note for notes in sets for note in notes]),
        "worst": lambda: worst(folder, scratch, given.rounds),
        "hot_words": lambda: hot_words(short, given.rounds),
        "restart": lambda: asyncio.run(restart(sizes, given.rounds)),
        "memory": lambda: asyncio.run(memory(folder, short, 60 if given.quick else 500)),
    }
    return {name: parts[name]() for name in PARTS if given.only in (None, "rest", name)}


def front(folder: Path, notes: Sequence[Path]) -> dict[str, float]:
    """Decoding and spectrogram."""
    model = Model(str(folder), device="cpu", compute_type="int8", workers=1, threads=1)
    value = median(bench.front_milliseconds(model, notes) for _ in range(ROUNDS))
    held = report.verdict(value <= GOAL_FRONT)
    print(f"\ndecoding and spectrogram: {value:.2f} processor ms a second; {held} (goal {GOAL_FRONT:.0f})")
    return {"milliseconds": round(value, 2)}


def worst(folder: Path, scratch: Path, rounds: int) -> dict[str, float]:
    """Notes that go wrong, by how much dearer they are than one of their length that does not."""
    loop = Model(str(model_folder("tiny", loop=True)), device="cpu", compute_type="int8", workers=1, threads=1)
    model = Model(str(folder), device="cpu", compute_type="int8", workers=1, threads=1)
    manner = Manner()
    ten, *longer = make_notes(GENERAL, WORST_SECONDS, scratch / "worst")
    made = {
        "silence": write_note(silence(10), scratch / "silence.ogg"),
        "white noise": write_note(noise(10), scratch / "white.ogg"),
        "pink noise": write_note(noise(10, pink=True), scratch / "pink.ogg"),
    }
    # What goes wrong, and the normal note that it is held against.
    cases = {name: (model, path, ten) for name, path in made.items()} | {
        f"a loop, {seconds:.0f} s": (loop, path, path)
        for seconds, path in zip(WORST_SECONDS, (ten, *longer), strict=True)
    }
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, (which, path, normal) in cases.items():
            seconds[name].append((_processor(which, path, manner), _processor(model, normal, manner)))
    times = {
        name: median([wrong for wrong, _ in found]) / median([right for _, right in found])
        for name, found in seconds.items()
    }
    print("\nnotes that go wrong (tiny, word times; of 10 s where nothing else is said), times a normal one:")
    report.table(
        ["", "times", ""],
        [
            [name, f"{value:.2f}", f"{report.verdict(value <= GOAL_WORST)} (goal {GOAL_WORST:.0f})"]
            for name, value in times.items()
        ],
    )
    return {name: round(value, 3) for name, value in times.items()}


def _processor(model: Model, path: Path, manner: Manner) -> float:
    begun = time.process_time()
    bench.alone(model, path, manner)
    return time.process_time() - begun


def hot_words(notes: Sequence[Path], rounds: int) -> dict[str, float]:
    """What names in the prompt cost a note of 10 s: about 90 tokens, as two dozen names are with a real tokenizer.

    The model writes as many tokens as it may, 40: one that ends by itself ends sooner with other words before it.
    """
    model = Model(str(model_folder("tiny", loop=True)), device="cpu", compute_type="int8", workers=1, threads=1)
    features = model.features(bench.read(notes[4]).samples)[:, :1000]
    window = np.pad(features, ((0, 0), (0, WINDOW_FRAMES - features.shape[-1])))
    seconds: dict[str, list[float]] = {"": [], HOT_WORDS: []}
    for _ in range(3 * rounds):
        for names, found in seconds.items():
            begun = time.process_time()
            (encoded,) = model.encode_all([window])
            asked = Prompted(encoded, model.prompt("ru", hot_words=names))
            model.decode_all([asked], limit=40, beam_size=Manner().beam_size)
            found.append(time.process_time() - begun)
    ratio = median(seconds[HOT_WORDS]) / median(seconds[""])
    print(f"\nhot words ({len(HOT_WORDS)} letters): {ratio:.3f} times the cost of a note without")
    return {"times": round(ratio, 3)}


async def memory(folder: Path, notes: Sequence[Path], count: int) -> dict[str, float]:
    """What the speech process holds when nothing is at hand, after 20 notes and after all; and the most while it works.

    What is kept is given back when nothing is at hand, and now and then, so a look in the middle of the work says little.
    """
    transcriber = LocalTranscriber(_settings(folder), jobs_per_child=count + 1)
    seen: list[float] = []

    async def worker(todo: list[Path]) -> None:
        while todo:
            await transcriber.transcribe(todo.pop(), language=None, declared_seconds=None)
            seen.append(report.rss(transcriber.pid or 0))
            if len(seen) % 20 == 0:
                report.tell(f"memory: note {len(seen)}, {seen[-1]:.1f} MB")

    async def at_rest_after(some: int) -> float:
        todo = [notes[number % len(notes)] for number in range(some)]
        await asyncio.gather(*(worker(todo) for _ in range(transcriber.capacity)))
        await asyncio.sleep(REST_SECONDS)
        return report.rss(transcriber.pid or 0)

    await transcriber.start()
    try:
        before = await at_rest_after(20)
        after = await at_rest_after(count - 20)
    finally:
        await transcriber.close()
    first, last = max(seen[: count // 5]), max(seen[-count // 5 :])
    held = report.verdict(after - before <= GOAL_GROWTH)
    print(
        f"\nmemory of the speech process with nothing at hand: {before:.1f} MB after note 20, {after:.1f} MB after note "
        f"{count}; {held} (goal: {GOAL_GROWTH:.0f} MB more). At work at most {first:.1f} MB in the first fifth, "
        f"{last:.1f} in the last"
    )
    return {
        "megabytes_at_20": round(before, 1),
        "growth": round(after - before, 1),
        "most_in_first_fifth": round(first, 1),
        "most_in_last_fifth": round(last, 1),
        "notes": count,
    }


async def restart(sizes: Sequence[str], rounds: int) -> dict[str, float]:
    """Processor seconds of the speech process until it is ready."""
    found = {}
    for size in sizes:
        settings = _settings(model_folder(size))
        seconds = []
        for _ in range(rounds):
            transcriber = LocalTranscriber(settings)
            try:
                await transcriber.start()
                seconds.append(_processor_seconds(transcriber.pid or 0))
            finally:
                await transcriber.close()
        found[size] = round(median(seconds), 2)
    print("\nrestart of the speech process, processor seconds:")
    rows = [
        [size, f"{value:.2f}", f"{report.verdict(value <= GOAL_RESTART)} (goal {GOAL_RESTART:.0f})"]
        for size, value in found.items()
    ]
    report.table(["", "seconds", ""], rows)
    return found


def _settings(folder: Path) -> SpeechSettings:
    return SpeechSettings(model=str(folder), models_folder=KEPT, device="cpu", compute_type="int8")


def _processor_seconds(pid: int) -> float:
    """Of a running process, all its threads: proc(5), /proc/PID/stat, utime and stime."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
