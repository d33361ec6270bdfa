"""`earshot speech bench`: what transcribing costs on this machine, on any model and recordings."""

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from bot.app.hearing import DEMO_NOTE, settings_anywhere
from bot.cli.edge import err, json_option, out, print_json, print_table, table
from bot.cli.group import examples
from bot.cli.speech_hearer import with_model
from bot.speech.commands.references import recordings_in
from bot.speech.models import ensure_model

if TYPE_CHECKING:
    from bot.speech.commands.bench import Race

# Seconds of the notes that are made where no folder is named.
_LENGTHS = [6.0 + number for number in range(8)]


@click.command(
    epilog=examples(
        "earshot speech bench",
        "earshot speech bench recordings --model large-v3-turbo --rounds 3",
        "earshot speech bench --json",
    ),
)
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), required=False)
@click.option("--model", help="A name (small, medium, large-v3-turbo) or a folder in CTranslate2 format.")
@click.option("--rounds", type=click.IntRange(1, 100), default=5, show_default=True, help="The median of them counts.")
@json_option
@click.pass_context
def bench(context: click.Context, folder: Path | None, model: str | None, rounds: int, as_json: bool) -> int:
    """Time this machine on the recordings in DIR (or eight made notes), beside a plain faster-whisper loop.

    The contenders take turns, on the same model. Processor seconds count, on a GPU the clock. Exit code 1 when the exact
    mode did not write, to the last digit, what it writes one at a time.
    """
    settings = with_model(settings_anywhere(context.find_root().params["config"]), model)
    # Only this waits: a turn runs where an interrupt ends it.
    place = asyncio.run(ensure_model(settings.model, settings.models_folder))
    # The libraries of speech: only where they are used.
    from bot.speech.commands.bench import ALONE, EXACT, contenders, on_gpu, race
    from bot.speech.sound.notes import make_notes

    gpu = on_gpu(settings.device)
    with tempfile.TemporaryDirectory() as scratch:
        paths = recordings_in(folder) if folder else make_notes(DEMO_NOTE, _LENGTHS, Path(scratch))
        entered = contenders(
            place,
            device=settings.device,
            compute_type=settings.compute_type,
            workers=1 if gpu else settings.cores,
            batch=settings.together,
        )
        result = race(entered, paths, rounds=rounds, on_gpu=gpu, told=lambda what: err.print(escape(what)))
    equal = result.equal(EXACT, ALONE)
    if as_json:
        print_json({"model": settings.model, "recordings": len(paths), **_plain(result)})
    else:
        _print(result, len(paths), settings.model)
    return 0 if equal else 1


def _print(result: "Race", recordings: int, model: str) -> None:
    from bot.speech.commands.bench import ALONE, EXACT, FLOOR, LOOP, SAME

    measure = "the clock" if result.on_gpu else "the processor"
    out.print(
        f"{escape(model)}: {recordings} recordings of {result.sound:.0f} s together; seconds by {measure}, median of "
        f"{result.rounds} rounds"
    )
    rows = table("", ">seconds", ">times real time", ">times the loop")
    for name in result.times:
        seconds = result.seconds(name)
        rows.add_row(name, f"{seconds:.2f}", f"{result.sound / seconds:.1f}", f"{result.times_as_fast(name):.2f}")
    print_table(rows)
    out.print(
        f"at batch 1, over encoding and decoding alone: ours {result.seconds(ALONE) / result.seconds(FLOOR):.2f}, "
        f"the loop {result.seconds(LOOP) / result.seconds(FLOOR):.2f}"
    )
    out.print(f"exact writes what it writes one at a time: {_yes(result.equal(EXACT, ALONE))}")
    out.print(f"exact writes what faster-whisper writes with the same options: {_yes(result.alike(EXACT, SAME))}")


def _yes(holds: bool) -> str:
    return "yes" if holds else "[red]no[/]"


def _plain(result: "Race") -> dict[str, object]:
    from bot.speech.commands.bench import ALONE, EXACT, FLOOR, SAME

    return {
        "sound_seconds": round(result.sound, 2),
        "rounds": result.rounds,
        "measure": "clock" if result.on_gpu else "processor",
        "seconds": {name: round(result.seconds(name), 3) for name in result.times},
        "times_the_loop": {name: round(result.times_as_fast(name), 3) for name in result.times},
        "overhead": round(result.seconds(ALONE) / result.seconds(FLOOR), 3),
        "exact_equals_one_at_a_time": result.equal(EXACT, ALONE),
        "exact_writes_what_faster_whisper_writes": result.alike(EXACT, SAME),
    }
