"""How the demo looks: the analyst chat, the table of times, what to type next."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.box import ROUNDED
from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from telethon.helpers import add_surrogate, del_surrogate
from telethon.tl import types

from bot.sandbox.posted import Posted

_STYLES: dict[type, str] = {
    types.MessageEntityBold: "bold yellow",
    types.MessageEntityCode: "cyan",
    types.MessageEntityItalic: "italic",
    types.MessageEntityUrl: "blue underline",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the table of times."""

    what: str
    seconds: float
    remark: str


def chat_panel(title: str, messages: Sequence[Posted]) -> Panel:
    """A chat as its members see it."""
    bubbles = (Panel(_styled(m), box=ROUNDED, border_style="dim", padding=(0, 1), expand=False) for m in messages)
    return Panel(
        Group(*bubbles), title=f"[bold]{escape(title)}[/]", title_align="left", border_style="green", width=112
    )


def _styled(message: Posted) -> Text:
    """A message with its entities (UTF-16 units) as colours."""
    wide = add_surrogate(message.text)
    text = Text(message.text)
    for entity in message.entities:
        start = len(del_surrogate(wide[: entity.offset]))
        end = start + len(del_surrogate(wide[entity.offset : entity.offset + entity.length]))
        text.stylize(_STYLES.get(type(entity), ""), start, end)
    return text


def times_table(steps: Sequence[Step]) -> Table:
    """How long each act took."""
    rows = Table(title="How long it took", title_justify="left", title_style="bold", box=None, pad_edge=False)
    rows.add_column("what happened")
    rows.add_column("seconds", justify="right")
    rows.add_column("")
    for step in steps:
        rows.add_row(step.what, f"{step.seconds:.2f}", f"[dim]{step.remark}[/]")
    return rows


def draw(panel: Panel, picture: Path) -> None:
    """Write a panel as an SVG picture that loads nothing, fonts included, from elsewhere."""
    with Path(os.devnull).open("w") as nowhere:
        canvas = Console(record=True, width=116, file=nowhere, force_terminal=True, color_system="truecolor")
        canvas.print(panel)
        svg = re.sub(r"@font-face \{.*?\}", "", canvas.export_svg(title="earshot demo"), flags=re.DOTALL)
        picture.write_text(svg, "utf-8")


def say_what_next(console: Console, folder: Path) -> None:
    """Where everything is kept, and what to type next."""
    name = escape(str(folder))
    console.print("[bold]Everything is kept.[/] What to type next:")
    for command, why in (
        (f".venv/bin/earshot --config {name} search 'артиллерийской разведки'", "words in texts and in speech"),
        (f".venv/bin/earshot --config {name} rules list", "what alerts are raised for"),
        (f"ls -R {name}/data", "database, recordings by SHA-256, sessions"),
        ("make demo ARGS=--serve", "the same, and it stays up"),
        (".venv/bin/earshot init FOLDER", "your own listening post"),
    ):
        console.print(f"  [cyan]{command}[/]  [dim]{why}[/]")
