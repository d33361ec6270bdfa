"""`earshot speech`: what the speech model of this machine does, and what it makes up."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.group import Group, Later, examples

if TYPE_CHECKING:
    from bot.speech import SpeechSettings
    from bot.speech.truth.harvest import Harvest


@click.group(
    cls=Group,
    epilog=examples(
        "earshot speech doctor",
        "earshot speech eval recordings --model small --mode exact,fitted",
        "earshot speech bench --model small",
        "earshot speech harvest",
    ),
)
def speech() -> None:
    """What this machine can do with speech, how well and how fast a model hears, what it makes up."""


speech.add(
    Later("doctor", "bot.cli.speech_doctor:doctor", "Show what this machine can do, and what to choose."),
    Later("eval", "bot.cli.speech_eval:eval_command", "Score models on recordings with known words."),
    Later("bench", "bot.cli.speech_bench:bench", "Time this machine beside a plain loop."),
    Later("harvest", "bot.cli.speech:harvest", "Collect what the model invents out of silence and noise."),
)


@click.command(
    epilog=examples(
        "earshot speech harvest",
        "earshot speech harvest --model large-v3-turbo --minutes 60 --out boilerplate.json",
        "earshot speech harvest --language uk --language pl",
    )
)
@click.option("--model", help="A name (small, medium, large-v3-turbo) or a folder in CTranslate2 format.")
@click.option(
    "--minutes",
    type=click.FloatRange(0.5, 600),
    default=10.0,
    show_default=True,
    help="Of noise, in each language.",
)
@click.option("--language", "languages", multiple=True, help="Code of a language; ru, uk and en when left out.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The same seed, the same noise.")
@click.option(
    "--out",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Add the phrases to this file, which is made if need be.",
)
@click.pass_context
def harvest(
    context: click.Context, model: str | None, minutes: float, languages: tuple[str, ...], seed: int, file: Path | None
) -> None:
    """Play silence, noise, hum and tones to the model, and collect the phrases that it hears there twice or more.

    Nothing of Telegram is asked, and no configuration is needed. Read what is found before you use it: a phrase that
    people also say is flagged wherever it is said by itself.
    """
    from bot.app.hearing import settings_anywhere
    from bot.cli.speech_hearer import with_model
    from bot.speech.truth.harvest import LANGUAGES, Shelf

    shelf = Shelf(file) if file else None
    settings = with_model(settings_anywhere(context.find_root().params["config"]), model)
    found = _played(settings, tuple(dict.fromkeys(languages)) or LANGUAGES, 60 * minutes, seed)
    _print(found, new=shelf.add(found.phrases) if shelf else None)


def _played(settings: "SpeechSettings", languages: tuple[str, ...], seconds: float, seed: int) -> "Harvest":
    from rich.progress import Progress

    from bot.cli.edge import err
    from bot.speech.truth.harvest import harvest as gather
    from bot.speech.truth.harvest import open_listener

    listen, name = asyncio.run(open_listener(settings, languages))
    with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("listening to noise", total=seconds * len(languages))
        return gather(
            listen,
            seconds=seconds,
            seed=seed,
            model=name,
            languages=languages,
            progress=lambda heard: bar.advance(task, heard),
        )


def _print(found: "Harvest", *, new: int | None) -> None:
    """The phrases, the most frequent first in each language, and what became of them."""
    from rich.markup import escape

    from bot.cli.edge import err, out, print_table, table
    from bot.speech.truth.boilerplate import is_boilerplate

    if found.phrases:
        rows = table(">times", "language", "known", "phrase")
        for phrase in found.phrases:
            known = "yes" if is_boilerplate(phrase.text, phrase.language) else "new"
            rows.add_row(str(phrase.heard), phrase.language, known, escape(phrase.text))
        print_table(rows)
    out.print(
        f"{found.clips} clips, {found.seconds / 60:.1f} min of noise in each language: {found.segments} segments, "
        f"{len(found.phrases)} phrases twice or more"
    )
    if new is not None:
        out.print(f"{new} added to the file")
    elif found.phrases:
        err.print("Nothing was written; --out FILE keeps them.")
