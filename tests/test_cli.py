"""The command line itself: help, exit codes, JSON, and what it does where there is nothing yet."""

import asyncio
import json
import logging
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from zipfile import ZipFile

import click
import psycopg
import pytest
import structlog

import bot
from bot.cli import cli
from bot.cli.group import Later
from bot.cli.guard import guard
from bot.cli.logs import set_up_logs
from bot.config import ENVIRONMENT, load_config
from bot.errors import ConfigError, EarshotError
from bot.telegram import SessionFile
from tests.configured import Folder, server_key
from tests.stores import postgres_url

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No secrets in the environment; logging is put back afterwards."""
    for name in (*ENVIRONMENT, "EARSHOT_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def key() -> str:
    """One server key for all."""
    return server_key()


@pytest.fixture
def folder(tmp_path: Path, key: str) -> Iterator[Folder]:
    """A configuration in which nothing is wrong, before the first run."""
    with ExitStack() as stack:
        yield Folder(tmp_path / "earshot", stack, key=key)


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    """The path of every command, groups included."""
    for name, command in group.commands.items():
        yield (*path, name)
        loaded = command.load() if isinstance(command, Later) else command
        if isinstance(loaded, click.Group):
            yield from commands(loaded, *path, name)


def call(folder: Folder, *arguments: str) -> int:
    """Run `earshot ARGUMENTS` on the folder in this process; the exit code."""
    return guard(cli, ["--config", str(folder.path), *arguments])


def tree(error: type[EarshotError]) -> Iterator[type[EarshotError]]:
    """The error and everything below it, in whatever room."""
    yield error
    for child in error.__subclasses__():
        yield from tree(child)


# --- help and exit codes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", list(commands(cli)), ids=" ".join)
def test_every_command_has_help_with_examples(path: tuple[str, ...], capsys: Capture) -> None:
    """`--help` of every command says what it does, shows examples that begin with `earshot`, and exits 0."""
    assert guard(cli, [*path, "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Usage: earshot {' '.join(path)}")
    examples = said.partition("Examples:\n")[2].strip().splitlines()
    assert examples
    assert all("earshot " + path[0] in line or f"earshot --config /srv/earshot {path[0]}" in line for line in examples)


def test_the_help_names_every_exit_code(capsys: Capture) -> None:
    """`earshot --help` lists the exit code of every error that Earshot raises on purpose."""
    assert guard(cli, ["--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    codes = {error.exit_code for error in tree(EarshotError)} | {0, 2, 130}
    listed = said.partition("Exit codes:")[2].partition(".")[0]
    assert {int(part.split()[0]) for part in listed.split(",") if part.split()[0].isdigit()} == codes


def test_version(capsys: Capture) -> None:
    """`--version` names the program and its version."""
    assert guard(cli, ["--version"]) == 0
    assert capsys.readouterr().out == f"earshot, version {bot.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["lisen"],
        ["run", "--fast"],
        ["search"],
        ["search", "*"],
        ["search", "x", "--limit", "0"],
        ["search", "x", "--since", "yesterday"],
        ["backfill", "@x"],
        ["rules", "absent"],
        ["login", "--qr", "--bot"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_exit_code_2(arguments: list[str], capsys: Capture) -> None:
    """What click refuses is refused before any configuration is read."""
    assert guard(cli, arguments) == 2
    assert "Error: " in capsys.readouterr().err


@pytest.mark.parametrize("raised", [KeyboardInterrupt, click.Abort, EOFError])
def test_interrupted_is_exit_code_130(raised: type[BaseException], capsys: Capture) -> None:
    """Ctrl-C, or the end of the input at a question, ends with 130 and without a traceback."""

    @click.command()
    def interrupted() -> None:
        raise raised

    assert guard(interrupted, []) == 130
    assert "interrupted" in capsys.readouterr().err


def test_an_error_is_one_line_whatever_it_holds(capsys: Capture) -> None:
    """Line breaks in a name, and what rich would take for markup, do not change the shape of an error."""

    @click.command()
    def fails() -> None:
        raise ConfigError("[bold]a\nb[/bold] \\[x]")

    assert guard(fails, []) == 3
    assert capsys.readouterr().err == "earshot: [bold]a b[/bold] \\[x]\n"


@pytest.mark.slow
def test_a_reader_that_goes_away(folder: Folder) -> None:
    """`earshot rules list | head -0` is quiet."""
    arguments = [sys.executable, "-m", "bot", "--config", str(folder.path), "rules", "list"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() in (0, 1)


# --- init -------------------------------------------------------------------------------------------------------------


def test_init_writes_what_the_other_commands_read(tmp_path: Path, capsys: Capture) -> None:
    """`earshot init` writes a configuration that loads, with a private data folder, and says what comes next."""
    folder = tmp_path / "new" / "earshot"
    assert guard(cli, ["init", str(folder)]) == 0
    assert "earshot.yaml" in capsys.readouterr().out
    assert load_config(folder / "earshot.yaml", environment={}).rules
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in ("data", "secrets")} == {0o700}
    assert guard(cli, ["--config", str(folder), "check", "--json"]) == 1
    wrong = {one["what"] for one in json.loads(capsys.readouterr().out) if one["level"] == "error"}
    assert wrong == {"sinks", "telegram", "session"}, "what only the operator can give, and nothing else"


@pytest.mark.parametrize("present", ["earshot.yaml", "channels.yaml", "rules"])
def test_init_touches_nothing_that_is_there(present: str, tmp_path: Path, capsys: Capture) -> None:
    """`earshot init` refuses a folder that has any part of a configuration, and leaves it as it is."""
    (tmp_path / present).write_text("mine")
    assert guard(cli, ["init", str(tmp_path)]) == 3
    assert capsys.readouterr().err == (
        f"earshot: {tmp_path / present}: is already there; choose another folder, or move it away\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == [present]
    assert (tmp_path / present).read_text() == "mine"


def test_init_where_it_cannot_write(tmp_path: Path, capsys: Capture) -> None:
    """A folder that cannot be made is one line."""
    (tmp_path / "file").write_text("")
    assert guard(cli, ["init", str(tmp_path / "file" / "below")]) == 3
    said = capsys.readouterr().err
    assert said.startswith("earshot: ")
    assert "cannot be written" in said


@pytest.mark.slow
def test_init_from_a_wheel(tmp_path: Path) -> None:
    """An installed Earshot, without a checkout, writes the same configuration."""
    root = Path(bot.__file__).resolve().parents[1]
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=root, check=True
    )
    [wheel] = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    with ZipFile(wheel) as archive:
        archive.extractall(installed)
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    new = tmp_path / "new"
    subprocess.run([sys.executable, "-m", "bot", "init", str(new)], cwd=tmp_path, env=environment, check=True)
    written = {path.relative_to(new): path.read_bytes() for path in new.rglob("*") if path.is_file()}
    config = root / "config"
    assert written == {path.relative_to(config): path.read_bytes() for path in config.rglob("*") if path.is_file()}


# --- tables and warnings ----------------------------------------------------------------------------------------------


def test_a_piped_table_has_a_line_for_each_row(
    folder: Folder, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a pipe nothing is cut or folded, however long a name is."""
    monkeypatch.delenv("COLUMNS", raising=False)
    handle = "a" * 32
    folder.write("channels.yaml", f"channels: [{{handle: {handle}, title: {'long ' * 30}, category: {'c' * 60}}}]\n")
    assert call(folder, "channels") == 0
    _, row = capsys.readouterr().out.splitlines()
    assert row.split() == [f"@{handle}", "–", *["long"] * 30, "c" * 60, "5", "not", "followed"]


@pytest.mark.parametrize("columns", [80, 120])
def test_a_table_fits_its_terminal(
    columns: int, folder: Folder, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the width is known, long names are folded, and nothing of a handle or an id is lost."""
    monkeypatch.setenv("COLUMNS", str(columns))
    handle = "abcdefgh" * 4
    folder.write("channels.yaml", f"channels: [{{handle: {handle}, title: {'long ' * 30}}}, {{id: -1001234567890}}]\n")
    assert call(folder, "channels") == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    names = "".join(line[: lines[0].index("id")].strip() for line in lines[1:])
    assert names == f"@{handle}-1001234567890"


def test_a_traceback_on_a_terminal_shows_no_values(capsys: Capture) -> None:
    """Variables hold posts, keys and tokens."""
    set_up_logs("info", "console")
    secret = "in a variable"
    try:
        int("x" if secret else "")
    except ValueError:
        structlog.get_logger().exception("it failed")
    shown = capsys.readouterr().err
    assert "test_cli.py" in shown
    assert "in a variable" not in shown


def test_a_warning_of_a_command_is_a_sentence(folder: Folder, capsys: Capture) -> None:
    """What is logged while a short command works is told in words, not as a line of JSON; secrets stay hidden."""
    assert call(folder, "rules", "list") == 0
    capsys.readouterr()
    structlog.get_logger().warning("the code is wrong", tries_left=2, code="12345")
    assert capsys.readouterr().err == "warning: the code is wrong (tries left 2, code hidden)\n"


def test_the_api_id_of_the_example_is_refused(folder: Folder, capsys: Capture) -> None:
    """An operator who left api_id as it came is told so, not sent to Telegram with it."""
    del folder.settings["telegram"]["server"]
    folder.set()
    assert call(folder, "login", "--bot") == 3
    assert "telegram.api_id: 1 only holds the place" in capsys.readouterr().err


def test_status_knows_a_daemon_without_health(folder: Folder, capsys: Capture) -> None:
    """With health.port 0 the lock on the session tells whether a daemon runs."""
    assert call(folder, "status") == 1
    assert "not running" in capsys.readouterr().out
    asyncio.run(folder.give_database())
    session = SessionFile.open(folder.data / "sessions" / "main.session")
    assert call(folder, "status") == 0
    assert capsys.readouterr().out.startswith("running: a process holds the session")
    session.release()


# --- before the first run ---------------------------------------------------------------------------------------------

# (arguments, exit code, the JSON)
EMPTY: list[tuple[list[str], int, object]] = [
    (["status", "--json"], 1, {"daemon": None, "store": None}),
    (["search", "удар", "--json"], 1, []),
    (["search", "удар", "--channel", "@blogger", "--json"], 1, []),
    (["channels", "--json"], 0, {"channels": [], "problems": []}),
    (["rules", "test", "commander-removed", "погода", "--json"], 1, {"rule": "commander-removed", "match": None}),
]


@pytest.mark.parametrize(("arguments", "code", "expected"), EMPTY, ids=lambda value: str(value)[:40])
def test_json_before_the_first_run(
    arguments: list[str], code: int, expected: object, folder: Folder, capsys: Capture
) -> None:
    """Commands that only read print valid JSON where nothing has been recorded yet, and make nothing."""
    before = folder.listing()
    assert call(folder, *arguments) == code
    assert json.loads(capsys.readouterr().out) == expected
    assert folder.listing() == before


@pytest.mark.parametrize("arguments", [["status"], ["search", "удар"], ["channels"]], ids=" ".join)
def test_tables_before_the_first_run(arguments: list[str], folder: Folder, capsys: Capture) -> None:
    """The same for people: it is said that nothing has been recorded yet, or that a channel was not looked up."""
    before = folder.listing()
    call(folder, *arguments)
    said = capsys.readouterr()
    assert "nothing has been recorded yet" in said.out + said.err or "not followed" in said.out
    assert folder.listing() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--json"],
        ["status", "--json"],
        ["channels", "--json"],
        ["search", "удар", "--json"],
        ["rules", "list", "--json"],
        ["rules", "test", "commander-removed", "Меня сняли с должности.", "--json"],
    ],
    ids=" ".join,
)
def test_json_on_an_empty_database(arguments: list[str], folder: Folder, capsys: Capture) -> None:
    """Every `--json` is one JSON document on standard output, with nothing on standard error."""
    asyncio.run(folder.give_database())
    capsys.readouterr()
    assert call(folder, *arguments) in (0, 1)
    said = capsys.readouterr()
    json.loads(said.out)
    assert said.err == ""


@pytest.mark.slow
def test_an_empty_postgresql_is_not_set_up_by_a_reader(folder: Folder, capsys: Capture) -> None:
    """Looking into an empty PostgreSQL makes no tables: the daemon does."""
    url = postgres_url()
    folder.set(database=url)
    assert call(folder, "search", "удар", "--json") == 1
    assert json.loads(capsys.readouterr().out) == []
    with psycopg.connect(url) as conn:
        tables = conn.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert tables == (0,)


class _Stranger(BaseHTTPRequestHandler):
    """Another program's web server."""

    def do_GET(self) -> None:
        body = b'{"hello": "world"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def test_a_stranger_on_the_health_port_is_no_daemon(folder: Folder, capsys: Capture) -> None:
    """A program that answers in our place is not taken for a running Earshot."""
    with HTTPServer(("127.0.0.1", 0), _Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        folder.set("health", port=server.server_port)
        assert call(folder, "status", "--json") == 1
        assert json.loads(capsys.readouterr().out)["daemon"] is None
        assert call(folder, "check") == 1
        assert "Address already in use" in capsys.readouterr().out
        server.shutdown()
