"""`earshot transcribe`: recordings become text, without Telegram and without a configuration."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click
from rich.markup import escape

from bot.app.hearing import Hearer
from bot.cli.edge import AGO, asynchronous, err
from bot.cli.group import examples
from bot.cli.sheet import SUFFIXES, Sheet, Told
from bot.cli.speech_hearer import MODEL_HELP, absolute, announce, hearer_of
from bot.errors import ConfigError, MediaRefused
from bot.speech.commands.several import transcribe_all
from bot.speech.truth.language_names import CODES, language_code


def _language(context: click.Context, option: click.Parameter, given: str | None) -> str | None:
    """The code. Whisper ignores one that it does not know and listens, so a slip is refused here."""
    code = language_code(given) if given else None
    if given and code not in CODES.values():
        raise click.BadParameter(f"{given!r} is no language that Whisper knows; write its code, as ru, uk or en")
    return code


@click.command(
    epilog=examples(
        "earshot transcribe note.ogg",
        "earshot transcribe *.ogg --model large-v3-turbo --format srt --out subtitles",
        "earshot transcribe talk.mp3 --language uk --format json",
        "earshot transcribe --again --model large-v3-turbo --since 30d",
    ),
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE...]")
@click.option("--model", help=MODEL_HELP)
@click.option("--format", "form", type=click.Choice(list(SUFFIXES)), default="text", show_default=True)
@click.option(
    "--language", metavar="CODE", callback=_language, help="Spoken in all of them; found by listening when left out."
)
@click.option(
    "--out", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write a file for each into this folder."
)
@click.option("--again", is_flag=True, help="No files: what Earshot has recorded is heard again by --model.")
@click.option("--since", type=AGO, help="With --again: posted so long ago or later: 30d, 2w, a date.")
@click.option("--until", type=AGO, help="With --again: posted before.")
@click.option("--channel", help="With --again: only this channel, by handle or id.")
@click.option("--alert", is_flag=True, help="With --again: what is found in old posts alerts too, as from the archive.")
@click.option("--look", is_flag=True, help="With --again: ask for nothing, show how far it is.")
@click.pass_context
@asynchronous
async def transcribe(
    context: click.Context,
    files: tuple[Path, ...],
    model: str | None,
    form: str,
    language: str | None,
    folder: Path | None,
    again: bool,
    since: datetime | None,
    until: datetime | None,
    channel: str | None,
    alert: bool,
    look: bool,
) -> int:
    """Transcribe recordings: voice notes, audio files, the sound of videos.

    Works without Telegram and without any configuration; where there is one, its speech section alone counts: with a
    speech.server the recordings are sent there, unless --model names a model of this machine. Results come in the order
    of FILES. A segment that is not to be trusted is marked "[check by ear]". Exit code 1 when a file was
    refused: the reason is on stderr, and the others are done. Ctrl-C keeps what is done (exit code 130).

    With --again there are no FILES: the running Earshot has --model hear, in the background, the recordings that were
    posted since; matches that are new or have vanished are shown. Repeat the command to see how far it is.
    """
    if again:
        if files or language or folder or form not in ("text", "json"):
            raise click.UsageError("--again takes no files, and of the other options only --model and --format json")
        # The store, the rules and Telethon come with it.
        from bot.cli.again import hear_again
        from bot.config import find_config, load_config

        return await hear_again(
            load_config(find_config(context.find_root().params["config"])),
            model=absolute(model),
            since=since,
            until=until,
            channel=channel,
            alert=alert,
            look=look,
            as_json=form == "json",
        )
    if since or until or channel or alert or look:
        raise click.UsageError("--since, --until, --channel, --alert and --look belong to --again")
    if not files:
        raise click.UsageError("name at least one recording")
    hearer = hearer_of(context, model)
    # Word times cost a tenth of the decoding; lines of text show none.
    hearer = replace(hearer, settings=replace(hearer.settings, words=form != "text"))
    if folder is not None:
        _make(folder)
    sheet = Sheet(files=_once(files), form=form, folder=folder)
    complete = await _transcribe(hearer, language, sheet)
    sheet.end()
    return 130 if not complete else 1 if sheet.refused else 0


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be made: {error.strerror}; name another folder with --out") from error


def _once(files: Sequence[Path]) -> list[Path]:
    """The files without those that were named before."""
    kept: dict[Path, Path] = {}
    for file in files:
        if file.resolve() in kept:
            err.print(f"{escape(str(file))}: named twice, transcribed once")
        kept.setdefault(file.resolve(), file)
    return list(kept.values())


async def _transcribe(hearer: Hearer, language: str | None, sheet: Sheet) -> bool:
    """Fill the sheet; False when somebody interrupted."""
    transcriber = hearer.open()
    readable = _readable(sheet)
    todo = [place for place, refusal in readable.items() if refusal is None]
    if todo:
        announce(hearer)
    with Told(sheet) as told:
        for place, refusal in readable.items():
            if isinstance(refusal, MediaRefused):
                told.done(place, refusal)
        try:
            if todo:
                await transcriber.start()
                await transcribe_all(
                    transcriber,
                    [sheet.files[place] for place in todo],
                    lambda number, outcome: told.done(todo[number], outcome),
                    language=language,
                )
        except asyncio.CancelledError:
            return False
        finally:
            await transcriber.close()
    return True


def _readable(sheet: Sheet) -> dict[int, MediaRefused | None]:
    """By place: None, or why there is no use in asking for it."""
    return {place: _obstacle(file) for place, file in enumerate(sheet.files)}


def _obstacle(file: Path) -> MediaRefused | None:
    if file.is_dir():
        return MediaRefused("folder", f"a folder; name the recordings in it, as {file}/*.ogg")
    return None if file.exists() else MediaRefused("missing", "there is no such file")
