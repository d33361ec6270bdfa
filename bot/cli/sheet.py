"""Transcripts on their way to a terminal, a pipe or a folder: in the order of the files, with progress beside them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bot.cli.edge import err
from bot.errors import ConfigError, MediaRefused
from bot.health.jsonable import to_json
from bot.speech.commands.several import Outcome
from bot.speech.commands.subtitles import as_srt, as_text, as_vtt
from bot.transcript import Transcript

_WRITERS: dict[str, Callable[[Transcript], str]] = {"text": as_text, "srt": as_srt, "vtt": as_vtt}
SUFFIXES = {"text": ".txt", "srt": ".srt", "vtt": ".vtt", "json": ".json"}


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
        return (file.stem if alike == 1 else file.name) + SUFFIXES[self.form]

    def _write(self, path: Path, text: str) -> None:
        try:
            path.write_text(text, "utf-8")
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error


class Told:
    """Progress on stderr: a bar on a terminal, lines otherwise; reasons in either case."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
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

    def __enter__(self) -> "Told":
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
