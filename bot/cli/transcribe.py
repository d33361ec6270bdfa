"""`earshot transcribe`: recordings become text, without Telegram and without a configuration."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bot.app.hearing import settings_anywhere
from bot.cli.edge import asynchronous, err
from bot.cli.group import examples
from bot.errors import ConfigError, MediaRefused
from bot.health.jsonable import to_json
from bot.model import Transcript
from bot.speech import LocalTranscriber, SpeechSettings
from bot.speech.language_names import CODES, language_code
from bot.speech.models import locate_model
from bot.speech.several import Outcome, transcribe_all
from bot.speech.subtitles import as_srt, as_text, as_vtt

_WRITERS: dict[str, Callable[[Transcript], str]] = {"text": as_text, "srt": as_srt, "vtt": as_vtt}
_SUFFIXES = {"text": ".txt", "srt": ".srt", "vtt": ".vtt", "json": ".json"}


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
    ),
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--model", help="A name (small, medium, large-v3-turbo) or a folder in CTranslate2 format.")
@click.option("--format", "form", type=click.Choice(list(_SUFFIXES)), default="text", show_default=True)
@click.option(
    "--language", metavar="CODE", callback=_language, help="Spoken in all of them; found by listening when left out."
)
@click.option(
    "--out", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write a file for each into this folder."
)
@click.pass_context
@asynchronous
async def transcribe(
    context: click.Context,
    files: tuple[Path, ...],
    model: str | None,
    form: str,
    language: str | None,
    folder: Path | None,
) -> int:
    """Transcribe recordings: voice notes, audio files, the sound of videos.

    Works without Telegram and without any configuration; where there is one, its speech section counts. Results come in
    the order of FILES. A segment that is not to be trusted is marked "[check by ear]". Exit code 1 when a file was
    refused: the reason is on stderr, and the others are done. Ctrl-C keeps what is done (exit code 130).
    """
    if not files:
        raise click.UsageError("name at least one recording")
    settings = with_model(settings_anywhere(context.find_root().params["config"]), model)
    # Word times cost a tenth of the decoding; lines of text show none.
    settings = replace(settings, words=form != "text")
    if folder is not None:
        _make(folder)
    sheet = Sheet(files=_once(files), form=form, folder=folder)
    complete = await _transcribe(settings, language, sheet)
    sheet.end()
    return 130 if not complete else 1 if sheet.refused else 0


def with_model(settings: SpeechSettings, model: str | None) -> SpeechSettings:
    """`settings` with the model that the command line names; ModelMissing when nobody knows it.

    Says so on stderr when it has to be fetched first.
    """
    if model is not None:
        folder = Path(model).expanduser()
        settings = replace(settings, model=str(folder.resolve()) if folder.is_dir() else model)
    if locate_model(settings.model, settings.models_folder) is None:
        err.print(
            f"fetching the speech model [bold]{escape(settings.model)}[/] into {escape(str(settings.models_folder))}, once"
        )
    return settings


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


@dataclass(slots=True, kw_only=True)
class Sheet:
    """What comes of the files, printed or written in their order."""

    files: list[Path]
    form: str
    folder: Path | None
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    _printed: set[int] = field(default_factory=set)

    @property
    def refused(self) -> bool:
        """Whether one of them was."""
        return any(not isinstance(outcome, Transcript) for outcome in self.outcomes.values())

    def take(self, place: int, outcome: Outcome) -> None:
        """Keep it, and print what is complete from the beginning on."""
        self.outcomes[place] = outcome
        for ready in range(len(self.files)):
            if ready not in self.outcomes:
                return
            self._show(ready)

    def end(self) -> None:
        """Print the rest: what came after a file that was not done."""
        for place in sorted(self.outcomes):
            self._show(place)
        if self.form == "json" and self.folder is None:
            found = [
                self._plain(place) for place in sorted(self.outcomes) if isinstance(self.outcomes[place], Transcript)
            ]
            click.echo(json.dumps(found, ensure_ascii=False, indent=2))

    def _show(self, place: int) -> None:
        outcome = self.outcomes[place]
        if place in self._printed or not isinstance(outcome, Transcript):
            return
        self._printed.add(place)
        if self.folder is not None:
            self._write(self.folder / self._name(place), self._content(place, outcome))
        elif self.form != "json":
            head = f"{self.files[place]}:\n" if self.form == "text" and len(self.files) > 1 else ""
            click.echo(head + self._content(place, outcome), nl=bool(head))

    def _content(self, place: int, transcript: Transcript) -> str:
        if self.form == "json":
            return json.dumps(self._plain(place), ensure_ascii=False, indent=2) + "\n"
        return _WRITERS[self.form](transcript)

    def _plain(self, place: int) -> dict[str, Any]:
        transcript = self.outcomes[place]
        assert isinstance(transcript, Transcript)  # noqa: S101 - asked for by the callers
        return {"file": str(self.files[place]), **to_json(transcript), "text": transcript.text}

    def _name(self, place: int) -> str:
        """`note.srt`; `note.ogg.srt` where another file would be called so too."""
        file = self.files[place]
        alike = sum(other.stem == file.stem for other in self.files)
        return (file.stem if alike == 1 else file.name) + _SUFFIXES[self.form]

    def _write(self, path: Path, text: str) -> None:
        try:
            path.write_text(text, "utf-8")
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error


async def _transcribe(settings: SpeechSettings, language: str | None, sheet: Sheet) -> bool:
    """Fill the sheet; False when somebody interrupted."""
    transcriber = LocalTranscriber(settings)
    readable = _readable(sheet)
    with _Told(sheet) as told:
        for place, refusal in readable.items():
            if isinstance(refusal, MediaRefused):
                told.done(place, refusal)
        try:
            if todo := [place for place, refusal in readable.items() if refusal is None]:
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


class _Told:
    """Progress on stderr: a bar on a terminal, lines otherwise; reasons in either case."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._begun = time.monotonic()
        # Its standard output is not ours to redirect: results may go to a file.
        self._bar = Progress(
            *(
                TextColumn("recordings"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[last]}"),
            ),
            console=err,
            transient=True,
            disable=not err.is_terminal,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._bar.add_task("", total=len(sheet.files), last="")

    def __enter__(self) -> "_Told":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def done(self, place: int, outcome: Outcome) -> None:
        """One more is done, or refused."""
        name = escape(str(self._sheet.files[place]))
        if err.is_terminal:
            self._bar.stop()
        if not isinstance(outcome, Transcript):
            reason = f" ({outcome.reason})" if isinstance(outcome, MediaRefused) else ""
            err.print(f"[red]refused[/]{reason} {name}: {escape(' '.join(str(outcome).split()))}")
        elif not err.is_terminal:
            err.print(f"{len(self._sheet.outcomes) + 1}/{len(self._sheet.files)} {name}: {_in_words(outcome)}")
        self._sheet.take(place, outcome)
        if err.is_terminal:
            self._bar.start()
            self._bar.update(self._task, advance=1, last=f"{name}")


def _in_words(transcript: Transcript) -> str:
    if not transcript.segments:
        return f"{transcript.duration:.1f} s, nothing heard"
    flagged = sum(bool(segment.flags) for segment in transcript.segments)
    doubt = f", {flagged} of {len(transcript.segments)} segments to be checked by ear" if flagged else ""
    sure = f"{100 * transcript.language_probability:.0f} %"
    return f"{transcript.duration:.1f} s, {transcript.language} {sure}{doubt}"
