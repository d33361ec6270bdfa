"""What does a transcript cost, beside the obvious loop over faster-whisper? `make bench-speech`

Eight notes of 6 to 13 s, and a mix of twenty of 5 to 90 s, on tiny and base: the loop as everybody writes it, the loop with
our options, encoding and decoding alone, and ours in its modes, in turns, five rounds; the median of the processor
seconds counts, and ours must write what it writes one at a time, to the last digit. Then what stands around it, each of
which may be asked for alone (`--only worst`): decoding and spectrogram, the worst notes, hot words, the restart of the
speech process, and its memory from note 20 to note 500.

This process is set up as the speech process is (bot/confined/process.py, bot/speech/local/heap.py): it starts itself anew
in the same environment, and keeps its buffers. The loop over faster-whisper takes its turns in a process without either.

Without real weights at hand it makes models of the true architecture (benchmarks/random_whisper.py), kept in
build/speech. `--model FOLDER` takes a real one; `--device cuda` counts by the clock, on the processor that has to wait.
"""

import argparse
import logging
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import structlog

from benchmarks import report
from benchmarks.speech_rest import PARTS, ROUNDS, model_folder, rest
from bot.confined.process import environment
from bot.sandbox.stage import GENERAL
from bot.speech.commands import bench
from bot.speech.local.heap import keep_buffers
from bot.speech.sound.notes import make_notes

SEED = 58
QUICK_ROUNDS = 1
GOALS = {bench.EXACT: (1.4, 1.4), bench.FITTED: (4.0, 2.0), bench.FITTED_1: (5.5, 3.0)}
GOAL_OVERHEAD = 1.25
COMPUTE_TYPES = {"cpu": "int8", "cuda": "float16"}
# What this process needs of its own: a place for its notes, and where its modules are.
_NOT_THE_CHILDS = ("HOME", "TMPDIR", "PYTHONPATH")


def lengths() -> dict[str, list[float]]:
    """Seconds of the notes of each set."""
    rng = random.Random(SEED)
    return {
        "8 notes of 6-13 s": [6.0 + number for number in range(8)],
        "20 notes of 5-90 s": [round(5 * 18 ** rng.random(), 1) for _ in range(20)],
    }


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


def as_the_speech_process() -> None:
    """Start this program anew in the environment of the speech process, if it is not in it, and keep buffers as that does.

    Libraries read the environment when they are loaded, so it cannot be changed later.
    """
    wanted = environment(len(os.sched_getaffinity(0)))
    if any(os.environ.get(name) != value for name, value in wanted.items() if name not in _NOT_THE_CHILDS):
        kept = {name: os.environ[name] for name in _NOT_THE_CHILDS if name in os.environ}
        # Ourselves, with what we were given.
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks.speech", *sys.argv[1:]], wanted | kept)  # noqa: S606
    keep_buffers()
    # Read when a process starts: the process of the loop has none.
    os.environ.pop("MALLOC_ARENA_MAX", None)


def parsed() -> argparse.Namespace:
    """What is asked for."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--quick", action="store_true", help="one round, 60 notes for the memory")
    arguments.add_argument("--rounds", type=int)
    arguments.add_argument("--sizes", default="tiny,base", help="of the random models")
    arguments.add_argument("--model", type=Path, help="a real model's folder instead")
    arguments.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    arguments.add_argument("--batch", type=int, default=8)
    arguments.add_argument(
        "--only", choices=["race", "rest", *PARTS], help="leave out everything else; rest: all but the race"
    )
    given = arguments.parse_args()
    given.rounds = given.rounds or (QUICK_ROUNDS if given.quick else ROUNDS)
    return given


def main() -> None:
    """Everything, or what is asked for."""
    given = parsed()
    as_the_speech_process()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    folders = (
        {given.model.name: given.model}
        if given.model
        else {size: model_folder(size) for size in given.sizes.split(",")}
    )
    figures: dict[str, object] = {"device": given.device, "batch": given.batch, "rounds": given.rounds}
    with tempfile.TemporaryDirectory() as scratch:
        sets = {name: make_notes(GENERAL, found, Path(scratch) / name) for name, found in lengths().items()}
        if given.only in (None, "race"):
            figures["races"] = [
                run_race(f"{model}, {name}", folder, notes, number, given)
                for model, folder in folders.items()
                for number, (name, notes) in enumerate(sets.items())
            ]
        if given.device == "cpu":
            figures |= rest(next(iter(folders.values())), list(sets.values()), Path(scratch), given)
    report.finish("speech", **figures)


if __name__ == "__main__":
    main()
