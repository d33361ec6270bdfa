"""`earshot speech eval`: how well models hear, by recordings whose words are known."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

import click
from click.core import ParameterSource
from rich.markup import escape
from rich.progress import Progress

from bot.app.hearing import Hearer
from bot.cli.edge import asynchronous, err, json_option, out, print_json, print_table, table
from bot.cli.group import examples
from bot.cli.speech_hearer import MODEL_HELP, announce, hearer_of
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
        "earshot speech eval recordings --model server --model small",
        "earshot speech eval recordings --json > scores.json",
    ),
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--model", "models", multiple=True, help=f"{MODEL_HELP} Several are compared.")
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
    `speech.mode: fitted`. With a speech.server in the configuration that is scored, unless --model names models of this
    machine; a server has no --mode. Exit code 1 when a recording was refused.
    """
    references = read_references(folder)
    hearers = [hearer_of(context, model) for model in dict.fromkeys(models) or (None,)]
    chosen = context.get_parameter_source("modes") is not ParameterSource.DEFAULT
    if chosen and all(hearer.server for hearer in hearers):
        raise click.UsageError("a speech server has no --mode; name a model of this machine with --model")
    scores = []
    try:
        for hearer in hearers:
            announce(hearer)
            for mode in modes if hearer.server is None else (None,):
                scores.append(await _score(hearer, mode, references))
    except asyncio.CancelledError:
        _print(scores, as_json)
        return 130
    _print(scores, as_json)
    return 1 if any(score.refused for score in scores) else 0


async def _score(hearer: Hearer, mode: Mode | None, references: list[Reference]) -> Score:
    if mode is not None:
        hearer = replace(hearer, settings=replace(hearer.settings, mode=mode))
    host = hearer.server.host if hearer.server else None
    with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(escape(f"{hearer.model}, {mode or host}"), total=len(references))
        score = await evaluate(
            hearer.open(),
            references,
            model=hearer.model,
            server=host,
            mode=mode,
            told=lambda: bar.advance(task),
        )
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
    rows = table("model", "=on", "mode", ">recordings", ">words", ">WER %", ">CER %", ">times real time")
    for score in scores:
        rows.add_row(
            escape(score.model),
            escape(score.server or "this machine"),
            score.mode or "–",
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
        "server": score.server,
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
