"""`earshot speech eval`: how well models hear, by recordings whose words are known."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

import click
from rich.markup import escape
from rich.progress import Progress

from bot.app.hearing import settings_anywhere
from bot.cli.edge import asynchronous, err, json_option, out, print_json, print_table, table
from bot.cli.group import examples
from bot.cli.transcribe import with_model
from bot.speech import SpeechSettings
from bot.speech.commands.evaluate import Score, evaluate
from bot.speech.commands.references import Reference, read_references

Mode = Literal["exact", "fitted"]
_MODES = ("exact", "fitted")


def _modes(context: click.Context, option: click.Parameter, given: str) -> tuple[Mode, ...]:
    modes = tuple(dict.fromkeys(part.strip() for part in given.split(",")))
    if wrong := [mode for mode in modes if mode not in _MODES]:
        raise click.BadParameter(f"{wrong[0]!r} is no mode; write exact, fitted or exact,fitted")
    return cast(tuple[Mode, ...], modes)


@click.command(
    "eval",
    epilog=examples(
        "earshot speech eval recordings",
        "earshot speech eval recordings --model small --model large-v3-turbo --mode exact,fitted",
        "earshot speech eval recordings --json > scores.json",
    ),
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--model", "models", multiple=True, help="A name or a folder; several are compared.")
@click.option("--mode", "modes", default="exact", show_default=True, callback=_modes, help="exact, fitted, or both.")
@json_option
@click.pass_context
@asynchronous
async def eval_command(
    context: click.Context, folder: Path, models: tuple[str, ...], modes: tuple[Mode, ...], as_json: bool
) -> int:
    """Word and character error rates of models and modes, over the recordings in DIR.

    What is said in a.ogg stands in a.txt; or a manifest.json (a list of {"file": ..., "text": ...}) or manifest.tsv lists
    all. Case, punctuation and ё do not count; numbers are compared as they are written. Measure before you set
    `speech.mode: fitted`. Exit code 1 when a recording was refused.
    """
    references = read_references(folder)
    base = settings_anywhere(context.find_root().params["config"])
    scores = []
    try:
        for name, settings in _wanted(base, models, modes):
            scores.append(await _score(name, settings, references))
    except asyncio.CancelledError:
        _print(scores, as_json)
        return 130
    _print(scores, as_json)
    return 1 if any(score.refused for score in scores) else 0


def _wanted(
    base: SpeechSettings, models: tuple[str, ...], modes: tuple[Mode, ...]
) -> Iterator[tuple[str, SpeechSettings]]:
    for model in dict.fromkeys(models) or (None,):
        settings = with_model(base, model)
        for mode in modes:
            yield model or settings.model, replace(settings, mode=mode)


async def _score(name: str, settings: SpeechSettings, references: list[Reference]) -> Score:
    with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(f"{escape(name)}, {settings.mode}", total=len(references))
        score = await evaluate(settings, references, name=name, told=lambda: bar.advance(task))
    for one in score.recordings:
        if one.refused is not None:
            err.print(f"[red]refused[/] {escape(one.file)}: {escape(one.refused)}")
    return score


def _print(scores: list[Score], as_json: bool) -> None:
    if as_json:
        print_json(
            {"normalisation": "NFC, lower case, ё as е, no punctuation", "results": [_plain(one) for one in scores]}
        )
        return
    rows = table("model", "mode", ">recordings", ">words", ">WER %", ">CER %", ">times real time")
    for score in scores:
        rows.add_row(
            escape(score.model),
            score.mode,
            str(len(score.recordings) - score.refused),
            str(score.words.said),
            f"{100 * score.words.rate:.2f}",
            f"{100 * score.characters.rate:.2f}",
            f"{score.sound / score.seconds:.1f}" if score.seconds else "–",
        )
    print_table(rows)
    for exact in scores:
        for fitted in scores:
            if (exact.model, exact.mode, fitted.mode) == (fitted.model, "exact", "fitted"):
                out.print(_verdict(exact, fitted))


def _verdict(exact: Score, fitted: Score) -> str:
    points = 100 * (fitted.words.rate - exact.words.rate)
    faster = (exact.seconds / exact.sound) / (fitted.seconds / fitted.sound) if fitted.sound and exact.sound else 1.0
    return (
        f"{escape(exact.model)}: fitted changes the word error rate by {points:+.2f} points, and is {faster:.1f} times as "
        f"fast here ({fitted.words.said} words: a few hundred tell little)"
    )


def _plain(score: Score) -> dict[str, object]:
    return {
        "model": score.model,
        "mode": score.mode,
        "recordings": len(score.recordings) - score.refused,
        "refused": score.refused,
        "words": score.words.said,
        "word_errors": score.words.edits,
        "wer": _finite(score.words.rate),
        "characters": score.characters.said,
        "character_errors": score.characters.edits,
        "cer": _finite(score.characters.rate),
        "sound_seconds": round(score.sound, 2),
        "seconds": round(score.seconds, 2),
        "files": [
            {
                "file": one.file,
                "said": one.said,
                "heard": one.heard,
                "wer": _finite(one.words.rate),
                "cer": _finite(one.characters.rate),
                "refused": one.refused,
            }
            for one in score.recordings
        ],
    }


def _finite(rate: float) -> float | None:
    """JSON has no infinity: None where words were heard and none were said."""
    return None if rate == float("inf") else round(rate, 5)
