"""Where the command line meets the rest: settings and moments in, tables and JSON to the terminal."""

import asyncio
import json
import os
import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click
from rich.console import Console
from rich.measure import measure_renderables
from rich.table import Table

from bot.errors import ConfigError
from bot.health.jsonable import to_json
from bot.model import utc_now

if TYPE_CHECKING:
    from bot.config import Config

P = ParamSpec("P")
T = TypeVar("T")

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class Moment(click.DateTime):
    """A day or a minute; the refusal says how to write one."""

    name = "moment"

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What the help calls it."""
        return "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The moment, without a time zone."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is no date; write 2023-07-12 or 2023-07-12T18:30 (UTC)", param, ctx)


MOMENT = Moment()


class Ago(Moment):
    """A day or a minute, or how long ago it was, as 30d; always UTC."""

    name = "ago"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What the help calls it."""
        return "DATE|30d"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The moment."""
        if isinstance(value, datetime):
            return value
        if found := re.fullmatch(r"(\d{1,4})([hdw])", str(value).strip()):
            unit = {"h": "hours", "d": "days", "w": "weeks"}[found[2]]
            return utc_now() - timedelta(**{unit: int(found[1])})
        try:
            moment = click.DateTime.convert(self, value, param, ctx)
        except click.BadParameter:
            self.fail(
                f"{value!r} is no date and no time ago; write 30d, 2w, 12h, 2023-07-12 or 2023-07-12T18:30 (UTC)",
                param,
                ctx,
            )
        return moment.replace(tzinfo=UTC)


AGO = Ago()
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of a table.")


class State:
    """What the group hands to its commands: the configuration, read when first needed."""

    def __init__(self, given: Path | None) -> None:
        self._given = given

    def config(self) -> "Config":
        """The configuration; ConfigError when there is none or it is wrong."""
        from bot.config import find_config, load_config

        return load_config(find_config(self._given))

    def examine(self) -> "Config | list[str]":
        """The configuration, or everything that is wrong with it, a line each."""
        from bot.config import examine_config, find_config

        try:
            return examine_config(find_config(self._given))
        except ConfigError as error:
            return [str(error)]


def asynchronous(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Let click call a coroutine function."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        return asyncio.run(function(*args, **kwargs))

    return call


def print_json(value: object) -> None:
    """One JSON document on stdout; dataclasses, times and enums included."""
    click.echo(json.dumps(to_json(value), ensure_ascii=False, indent=2))


def table(*columns: str) -> Table:
    """A plain table. Columns that begin with '>' are right-aligned; those with '=' are never broken: ids, to be copied."""
    result = Table(header_style="bold", box=None, pad_edge=False)
    for column in columns:
        result.add_column(
            column.lstrip(">="),
            justify="right" if column.startswith(">") else "left",
            no_wrap=column.startswith((">", "=")),
            overflow="fold",
        )
    return result


def print_table(rows: Table) -> None:
    """Print a table as wide as the terminal (or $COLUMNS); in a pipe as wide as it is, so that a line is a row."""
    if not out.is_terminal and "COLUMNS" not in os.environ:
        rows.width = measure_renderables(out, out.options.update(max_width=10_000), [rows]).maximum
    out.print(rows, crop=False)
