"""What does a transcript cost, beside the obvious loop over faster-whisper? `make bench-speech`

Eight notes of 6 to 13 s, and a mix of twenty of 5 to 90 s, on tiny and base: the loop as everybody writes it, the loop with
our options, encoding and decoding alone, and ours in its modes, in turns, five rounds; the median of the processor
seconds counts, and ours must write what it writes one at a time, to the last digit. Then what stands around it: decoding
and spectrogram, memory from note 20 to note 500, the restart of the speech process, the worst notes, hot words.

Without real weights at hand it makes models of the true architecture (benchmarks/random_whisper.py), kept in
build/speech. `--model FOLDER` takes a real one; `--device cuda` counts by the clock, on the processor that has to wait.
"""

import argparse
import asyncio
import logging
import os
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import structlog

from benchmarks import report
from benchmarks.random_whisper import write_model
from bot.sandbox.stage import GENERAL
from bot.speech import LocalTranscriber, SpeechSettings
from bot.speech.commands import bench
from bot.speech.local.model import Model
from bot.speech.settings import Manner
from bot.speech.sound.notes import make_notes, noise, silence, write_note

SEED = 58
ROUNDS, QUICK_ROUNDS = 5, 1
KEPT = Path("build/speech")
GOALS = {bench.EXACT: (1.4, 1.4), bench.FITTED: (4.0, 2.0), bench.FITTED_1: (5.5, 3.0)}
GOAL_OVERHEAD, GOAL_FRONT, GOAL_GROWTH, GOAL_RESTART, GOAL_WORST = 1.25, 6.0, 5.0, 1.0, 3.0
HOT_WORDS = ", ".join(["Гурулёв", "Попов", "Цоков", "Герасимов", "Шойгу", "58-я армия", "Storm Shadow", "Бердянск"] * 2)
COMPUTE_TYPES = {"cpu": "int8", "cuda": "float16"}


def lengths() -> dict[str, list[float]]:
    """Seconds of the notes of each set."""
    rng = random.Random(SEED)
    return {
        "8 notes of 6-13 s": [6.0 + number for number in range(8)],
        "20 notes of 5-90 s": [round(5 * 18 ** rng.random(), 1) for _ in range(20)],
    }


def model_folder(size: str, *, loop: bool = False) -> Path:
    """A random model, made when it is not there yet."""
    folder = KEPT / f"random-{size}{'-loop' if loop else ''}"
    if not (folder / "model.bin").is_file():
        report.tell(f"making a random model of the size {size}{' that never ends' if loop else ''}")
        write_model(size, folder, loop=loop)
    return folder


def run_race(
    name: str, folder: Path, notes: Sequence[Path], goals: int, given: argparse.Namespace
) -> dict[str, object]:
    """One model, one set of notes: the table, and its figures."""
    entered = bench.contenders(
        folder,
        device=given.device,
        compute_type=COMPUTE_TYPES[given.device],
        workers=1 if given.device == "cuda" else len(os.sched_getaffinity(0)),
        batch=given.batch,
    )
    on_gpu = given.device == "cuda"
    result = bench.race(
        entered, notes, rounds=given.rounds, on_gpu=on_gpu, told=lambda what: report.tell(f"{name}: {what}")
    )
    measure = "the clock" if on_gpu else "the processor"
    print(f"\n{name}: {result.sound:.0f} s of sound, median of {result.rounds} rounds, seconds by {measure}")
    rows = []
    for contender in entered:
        goal = GOALS.get(contender, (0.0, 0.0))[goals]
        times = result.times_as_fast(contender)
        held = f"{report.verdict(times >= goal)} (goal {goal})" if goal and not given.model else ""
        rows.append(
            [contender, f"{result.seconds(contender):.2f}", f"{times:.2f}", _agreement(result, contender), held]
        )
    report.table(["", "seconds", "times as fast", "writes the same as", ""], rows)
    overhead = {who: result.seconds(who) / result.seconds(bench.FLOOR) for who in (bench.LOOP, bench.SAME, bench.ALONE)}
    print(
        f"over encoding and decoding alone, at batch 1: ours {overhead[bench.ALONE]:.2f}, the loop "
        f"{overhead[bench.LOOP]:.2f}, with our options {overhead[bench.SAME]:.2f}; "
        f"{report.verdict(overhead[bench.ALONE] <= GOAL_OVERHEAD)} (goal {GOAL_OVERHEAD})"
    )
    return {
        "set": name,
        "sound": round(result.sound, 1),
        "seconds": {who: round(result.seconds(who), 3) for who in entered},
        "times_as_fast": {who: round(result.times_as_fast(who), 3) for who in entered},
        "exact_equals_one_at_a_time": result.equal(bench.EXACT, bench.ALONE),
        "exact_writes_what_the_loop_writes": result.alike(bench.EXACT, bench.SAME),
        "overhead": {who: round(value, 3) for who, value in overhead.items()},
    }


def _agreement(result: bench.Race, contender: str) -> str:
    if contender == bench.EXACT:
        alone, loop = result.equal(contender, bench.ALONE), result.alike(contender, bench.SAME)
        return f"one at a time: {'yes' if alone else 'NO'}; the loop with our options: {'yes' if loop else 'NO'}"
    return ""


def front(folder: Path, notes: Sequence[Path]) -> dict[str, float]:
    """Decoding and spectrogram."""
    model = Model(str(folder), device="cpu", compute_type="int8", workers=1, threads=1)
    value = median(bench.front_milliseconds(model, notes) for _ in range(ROUNDS))
    held = report.verdict(value <= GOAL_FRONT)
    print(f"\ndecoding and spectrogram: {value:.2f} processor ms a second; {held} (goal {GOAL_FRONT:.0f})")
    return {"milliseconds": round(value, 2)}


def worst(folder: Path, notes: Sequence[Path], scratch: Path, rounds: int) -> dict[str, float]:
    """Notes of ten seconds that go wrong, by how much dearer they are than one that does not."""
    loop = Model(str(model_folder("tiny", loop=True)), device="cpu", compute_type="int8", workers=1, threads=1)
    model = Model(str(folder), device="cpu", compute_type="int8", workers=1, threads=1)
    manner = Manner()
    made = {
        "silence": write_note(silence(10), scratch / "silence.ogg"),
        "white noise": write_note(noise(10), scratch / "white.ogg"),
        "pink noise": write_note(noise(10, pink=True), scratch / "pink.ogg"),
    }
    cases = {"normal": (model, notes[4]), "a loop": (loop, notes[4])} | {
        name: (model, path) for name, path in made.items()
    }
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, (which, path) in cases.items():
            begun = time.process_time()
            bench.alone(which, path, manner)
            seconds[name].append(time.process_time() - begun)
    times = {name: median(found) / median(seconds["normal"]) for name, found in seconds.items()}
    print("\nnotes of 10 s (tiny, word times), times a normal one:")
    report.table(
        ["", "times", ""],
        [
            [name, f"{value:.2f}", f"{report.verdict(value <= GOAL_WORST)} (goal {GOAL_WORST:.0f})"]
            for name, value in times.items()
        ],
    )
    return {name: round(value, 3) for name, value in times.items()}


def hot_words(folder: Path, notes: Sequence[Path], rounds: int) -> dict[str, float]:
    """What names in the prompt cost: about 90 tokens, as two dozen names are with a real tokenizer."""
    model = Model(str(folder), device="cpu", compute_type="int8", workers=1, threads=1)
    seconds: dict[str, list[float]] = {"without": [], "with": []}
    for _ in range(rounds):
        for name, manner in {"without": Manner(words=False), "with": Manner(words=False, hot_words=HOT_WORDS)}.items():
            begun = time.process_time()
            for path in notes:
                bench.alone(model, path, manner)
            seconds[name].append(time.process_time() - begun)
    ratio = median(seconds["with"]) / median(seconds["without"])
    print(f"\nhot words ({len(HOT_WORDS)} letters): {ratio:.3f} times the cost of a note without")
    return {"times": round(ratio, 3)}


async def memory(folder: Path, notes: Sequence[Path], count: int) -> dict[str, float]:
    """Growth of the speech process from note 20 to the last."""
    transcriber = LocalTranscriber(_settings(folder), jobs_per_child=count + 1)
    seen: dict[int, float] = {}
    done = 0

    async def worker(todo: list[Path]) -> None:
        nonlocal done
        while todo:
            await transcriber.transcribe(todo.pop(), language=None, declared_seconds=None)
            done += 1
            if done % 20 == 0:
                seen[done] = report.rss(transcriber.pid or 0)
                report.tell(f"memory: note {done}, {seen[done]:.1f} MB")

    await transcriber.start()
    try:
        todo = [notes[number % len(notes)] for number in range(count)]
        await asyncio.gather(*(worker(todo) for _ in range(transcriber.capacity)))
    finally:
        await transcriber.close()
    growth = seen[max(seen)] - seen[20]
    print(
        f"\nmemory of the speech process: {seen[20]:.1f} MB at note 20, {seen[max(seen)]:.1f} MB at note {max(seen)}; "
        f"{report.verdict(growth <= GOAL_GROWTH)} (goal: {GOAL_GROWTH:.0f} MB more)"
    )
    return {"megabytes_at_20": round(seen[20], 1), "growth": round(growth, 1), "notes": max(seen)}


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


def main() -> None:
    """Everything, or what is asked for."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--quick", action="store_true", help="one round, 60 notes for the memory")
    arguments.add_argument("--rounds", type=int)
    arguments.add_argument("--sizes", default="tiny,base", help="of the random models")
    arguments.add_argument("--model", type=Path, help="a real model's folder instead")
    arguments.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    arguments.add_argument("--batch", type=int, default=8)
    arguments.add_argument("--only", choices=["race", "rest"], help="leave out the other half")
    given = arguments.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    given.rounds = given.rounds or (QUICK_ROUNDS if given.quick else ROUNDS)
    folders = (
        {given.model.name: given.model}
        if given.model
        else {size: model_folder(size) for size in given.sizes.split(",")}
    )
    figures: dict[str, object] = {"device": given.device, "batch": given.batch, "rounds": given.rounds}
    with tempfile.TemporaryDirectory() as scratch:
        sets = {name: make_notes(GENERAL, found, Path(scratch) / name) for name, found in lengths().items()}
        short = next(iter(sets.values()))
        if given.only != "rest":
            figures["races"] = [
                run_race(f"{model}, {name}", folder, notes, number, given)
                for model, folder in folders.items()
                for number, (name, notes) in enumerate(sets.items())
            ]
        if given.only != "race" and given.device == "cpu":
            folder = next(iter(folders.values()))
            figures["front"] = front(folder, [note for notes in sets.values() for note in notes])
            figures["worst"] = worst(folder, short, Path(scratch), given.rounds)
            figures["hot_words"] = hot_words(folder, short, given.rounds)
            figures["restart"] = asyncio.run(
                restart(["tiny", "base", *([] if given.quick else ["small"])], given.rounds)
            )
            figures["memory"] = asyncio.run(memory(folder, short, 60 if given.quick else 500))
    report.finish("speech", **figures)


if __name__ == "__main__":
    main()
