"""How the command line starts: a command loads what it needs, and nothing else."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import click
import pytest

from bot.cli import cli
from bot.cli.group import Group, Later
from bot.cli.guard import guard
from bot.config import ENVIRONMENT
from bot.store import Store
from tests.configured import Folder, server_key
from tests.stores import ready_sqlite

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

SCRIPT = """
import sys
from bot.cli import cli
from bot.cli.guard import guard
code = guard(cli)
print(*sys.modules, file=sys.stderr)
sys.exit(code)
"""

OUTSIDE = {"telethon", "aiohttp", "prometheus_client", "apprise"}
KEPT = {"sqlalchemy", "alembic", "bot.store"}
DRAWN = {"rich", "structlog", "asyncio"}
RULES = {"bot.rules", "pymorphy3", "regex"}


def loaded(arguments: list[str], **environment: str) -> tuple[int, str, set[str]]:
    """What `earshot ARGUMENTS` in a process of its own returns, prints, and has loaded at its end."""
    kept = {name: value for name, value in os.environ.items() if name not in (*ENVIRONMENT, "EARSHOT_CONFIG")}
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stdout, set(ran.stderr.split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A configuration in which nothing is wrong, and a store with nothing in it."""
    with ExitStack() as stack:
        made = Folder(tmp_path_factory.mktemp("start") / "earshot", stack, key=server_key())
        asyncio.run(_begin(made))
        yield made.path


async def _begin(folder: Folder) -> None:
    store = await Store.open(ready_sqlite(folder.data), folder.data / "media")
    await store.close()


def later(group: click.Group) -> Iterator[Later]:
    """Every command that comes later, of groups too."""
    for command in group.commands.values():
        assert isinstance(command, Later)
        yield command
        if isinstance(found := command.load(), click.Group):
            yield from later(found)


@pytest.mark.parametrize(
    ("arguments", "needless"),
    [
        (["--version"], OUTSIDE | KEPT | DRAWN | RULES | {"pydantic", "yaml"}),
        (["--help"], OUTSIDE | KEPT | DRAWN | RULES | {"pydantic", "yaml"}),
        (["rules", "--help"], OUTSIDE | KEPT | RULES | {"pydantic", "yaml"}),
        (["rules", "test", "person:Попов", "Отставка Попова"], OUTSIDE | KEPT | {"pydantic"}),
        (["rules", "explain", "person:Попов"], OUTSIDE | KEPT | {"pydantic"}),
        (["--config", "FOLDER", "rules", "list"], OUTSIDE | KEPT),
        (["--config", "FOLDER", "channels"], OUTSIDE | {"alembic"}),
        (["--config", "FOLDER", "audit"], OUTSIDE | {"alembic"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_light_command_loads_little(arguments: list[str], needless: set[str], folder: Path) -> None:
    """A command that asks neither the database nor Telegram does not load what does."""
    code, out, modules = loaded([str(folder) if one == "FOLDER" else one for one in arguments])
    # An audit of nothing is not complete.
    assert code == (1 if "audit" in arguments else 0)
    assert out
    assert "bot.cli" in modules
    assert modules & needless == set()


def test_completing_the_name_of_a_command_loads_none() -> None:
    """The shell is told names and their lines without any command being loaded."""
    code, out, modules = loaded([], _EARSHOT_COMPLETE="bash_complete", COMP_WORDS="earshot s", COMP_CWORD="1")
    assert (code, out.splitlines()) == (0, ["plain,status", "plain,search", "plain,speech"])
    assert not {name for name in modules if name.startswith("bot.cli.")} - {"bot.cli.group", "bot.cli.guard"}


def test_options_of_a_command_are_completed() -> None:
    """What a command takes is completed from the command itself."""
    code, out, _ = loaded([], _EARSHOT_COMPLETE="bash_complete", COMP_WORDS="earshot rules test --", COMP_CWORD="3")
    assert code == 0
    assert {"plain,--cases", "plain,--json"} <= set(out.split())


def test_every_command_is_where_the_table_says() -> None:
    """Each name leads to the command of this name, and each has a line for the help of its group."""
    commands = list(later(cli))
    assert {"run", "rules", "test", "retro"} <= {command.name for command in commands}
    assert all(command.load().name == command.name and command.get_short_help_str() for command in commands)


def test_a_name_that_leads_to_another_command_is_refused() -> None:
    """A slip in the table is told with the place."""
    with pytest.raises(TypeError, match=r"bot.cli.serve:run is not the command walk"):
        Later("walk", "bot.cli.serve:run", "Go.").load()
    with pytest.raises(TypeError, match=r"bot.cli.serve:os is not the command os"):
        Later("os", "bot.cli.serve:os", "").load()


@pytest.mark.parametrize(("wrong", "meant"), [(["lisen"], None), (["serach"], "search"), (["rules", "lst"], "list")])
def test_a_slip_gets_a_suggestion(wrong: list[str], meant: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that no command has is refused with exit code 2, and the nearest name."""
    assert guard(cli, wrong) == 2
    said = capsys.readouterr().err
    assert f"No such command '{wrong[-1]}'" in said
    assert meant is None or f"'{meant}'" in said


def test_the_order_of_the_help_is_that_of_use() -> None:
    """The help lists the commands in the order of the table."""
    assert isinstance(cli, Group)
    assert list(cli.commands)[:3] == ["demo", "init", "login"]
