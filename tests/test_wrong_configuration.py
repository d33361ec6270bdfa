"""Wrong configuration, through the command line: one clear line, the right exit code, nothing written, no secret shown."""

import asyncio
import json
import logging
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import structlog

from bot.cli import cli
from bot.cli.guard import guard
from bot.config import ENVIRONMENT
from tests.configured import CLOSED_PORT, PASSWORD, SECRETS, Break, Folder, server_key

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def key() -> str:
    """One server key for all: making one takes a while."""
    return server_key()


@pytest.fixture
def folder(tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """A configuration in which nothing is wrong, and an environment without secrets; logging is put back afterwards."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with ExitStack() as stack:
        yield Folder(tmp_path / "earshot", stack, key=key)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def call(folder: Folder, *arguments: str) -> int:
    """Run `earshot ARGUMENTS` on the folder in this process; the exit code."""
    return guard(cli, ["--config", str(folder.path), *arguments])


def ready(folder: Folder, capture: Capture) -> dict[str, tuple[int, int, int]]:
    """What is there before a command; what was said while it was made ready is forgotten."""
    capture.readouterr()
    return folder.listing()


def one_line(capture: Capture) -> str:
    """The one line on standard error; nothing is on standard output, and no secret anywhere."""
    said = capture.readouterr()
    assert said.out == ""
    assert said.err.startswith("earshot: "), said.err
    assert said.err.count("\n") == 1, said.err
    assert [secret for secret in SECRETS if secret in said.err] == []
    return said.err


# --- what can be wrong ------------------------------------------------------------------------------------------------


def hold_lock(folder: Folder) -> None:
    """Another process holds the session, as a second daemon would."""
    lock = folder.data / "sessions" / "main.session.lock"
    code = (
        "import fcntl, os, sys\n"
        "lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)\n"
        "fcntl.flock(lock, fcntl.LOCK_EX)\n"
        "os.pwrite(lock, str(os.getpid()).encode(), 0)\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    folder.stack.enter_context(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"


def take_port(folder: Folder) -> None:
    """Another program listens where `/healthz` is to be."""
    taken = folder.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    folder.set("health", port=taken.getsockname()[1])


def from_the_future(folder: Folder) -> None:
    """A later Earshot has upgraded the database."""
    asyncio.run(folder.give_database())
    folder.sql("UPDATE alembic_version SET version_num = '9999'", "UPDATE about SET value = '7.1'")


def half_a_model(folder: Folder) -> None:
    """A copy of the model was interrupted."""
    model = folder.path / "model"
    shutil.copytree(folder.settings["speech"]["model"], model)
    (model / "model.bin").unlink()
    folder.set("speech", model="./model")


def in_place_of(name: str) -> Break:
    """A folder where a file is expected."""

    def break_it(folder: Folder) -> None:
        (folder.path / name).unlink(missing_ok=True)
        (folder.path / name).mkdir(parents=True)

    return break_it


def apprise(url: str) -> Break:
    """A second route for alerts."""

    def break_it(folder: Folder) -> None:
        folder.write("secrets/mail", url)
        folder.set("alerts", apprise=[{"name": "mail", "url_file": "secrets/mail"}])

    return break_it


def rule(lines: str) -> Break:
    """One more rule file."""
    return lambda folder: folder.write("rules/zz.yaml", lines)


def channels(text: str) -> Break:
    """Another channels.yaml."""
    return lambda folder: folder.write("channels.yaml", text)


def no_session(folder: Folder) -> None:
    """Nobody has logged in yet, on a machine without any data."""
    shutil.rmtree(folder.data)


def session(content: str | bytes) -> Break:
    """Another content of the session file."""
    return lambda folder: folder.write("data/sessions/main.session", content)


RULE = "rules:\n  - id: one\n    title: One\n    match: "

# name: (what breaks it, exit code, pieces of the line)
WRONG: dict[str, tuple[Break, int, list[str]]] = {
    # settings
    "no settings file": (lambda f: (f.path / "earshot.yaml").unlink(), 3, ["earshot.yaml", "earshot init"]),
    "unknown section": (lambda f: f.set(alert={"chat": 1}), 3, ["earshot.yaml:18: alert: there is no such key", "'alerts'"]),
    "unknown key": (lambda f: f.set("telegram", swep_seconds=1), 3, ["earshot.yaml:9: telegram.swep_seconds", "'sweep_seconds'"]),
    "a key given twice": (lambda f: f.append("health: {port: 1}\n"), 3, ["earshot.yaml:18: 'health' is given twice"]),
    "unclosed bracket": (lambda f: f.append("log: {level: info\n"), 3, ["earshot.yaml:19: not valid YAML"]),
    "a tab": (lambda f: f.append("log:\n\tlevel: info\n"), 3, ["earshot.yaml:19: not valid YAML"]),
    "a control character": (lambda f: f.append("log: {level: \x1b[31m}\n"), 3, ["earshot.yaml:18: not valid YAML", "U+001B"]),
    "not text": (lambda f: f.write("earshot.yaml", b"\xff\xfe\x00"), 3, ["earshot.yaml", "not UTF-8 text"]),
    "a list": (lambda f: f.write("earshot.yaml", "- telegram\n"), 3, ["earshot.yaml: expected keys such as", "found list"]),
    "nothing": (lambda f: f.write("earshot.yaml", ""), 3, ["earshot.yaml: expected keys such as", "found nothing"]),
    "no date": (lambda f: f.append("log: {level: 2023-13-45}\n"), 3, ["earshot.yaml:18: '2023-13-45' is not understood"]),
    "text for a number": (lambda f: f.set("telegram", api_id="abc"), 3, ["earshot.yaml:2: telegram.api_id", "valid integer", "found 'abc'"]),
    "a number too large": (lambda f: f.set("telegram", api_id=2**40), 3, ["earshot.yaml:2: telegram.api_id", "less than or equal"]),
    "not a number": (lambda f: f.set("alerts", per_second=float("nan")), 3, ["earshot.yaml:12: alerts.per_second"]),
    "an unknown compute type": (lambda f: f.set("speech", compute_type="int9"), 3, ["speech.compute_type", "found 'int9'"]),
    # secrets
    "the hash in the settings": (lambda f: f.set("telegram", api_hash=SECRETS[0]), 3, ["telegram.api_hash", "name a file with api_hash_file"]),
    "the hash as a file name": (lambda f: f.set("telegram", api_hash_file=SECRETS[0]), 3, ["earshot.yaml:3: telegram.api_hash_file", "name of a file"]),
    "the token as a file name": (lambda f: f.set("alerts", bot_token_file=SECRETS[1]), 3, ["alerts.bot_token_file", "name of a file"]),
    "no hash": (lambda f: f.set("telegram", api_hash_file=None), 3, ["telegram.api_hash_file: no api_hash", "EARSHOT_API_HASH"]),
    "no file for the hash": (lambda f: f.set("telegram", api_hash_file="absent"), 3, ["earshot.yaml:3: telegram.api_hash_file", "No such file"]),
    "an empty file for the hash": (lambda f: f.write("secrets/api_hash", "\n"), 3, ["telegram.api_hash_file", "is empty; put the secret into it"]),
    "a folder for the hash": (in_place_of("secrets/api_hash"), 3, ["telegram.api_hash_file", "Is a directory"]),
    "no token": (lambda f: f.set("alerts", bot_token_file=None), 3, ["alerts.bot_token_file: the chat needs a bot", "@BotFather"]),
    "an empty file for the token": (lambda f: f.write("secrets/bot_token", ""), 3, ["alerts.bot_token_file", "is empty"]),
    # where alerts go
    "no chat and no route": (lambda f: f.set("alerts", chat=None), 3, ["alerts.chat: alerts would go nowhere"]),
    "no chat's name": (lambda f: f.set("alerts", chat="https://t.me/desk"), 3, ["earshot.yaml:10: alerts.chat"]),
    "a route that Apprise does not know": (apprise(f"nonsense://user:{PASSWORD}@x"), 3, ["'mail'", "nonsense://", "Apprise"]),
    "a route that is no URL": (apprise(PASSWORD), 3, ["'mail'", "Apprise"]),
    "the route as a file name": (
        lambda f: f.set("alerts", apprise=[{"name": "mail", "url_file": f"mailto://u:{PASSWORD}@x"}]),
        3, ["earshot.yaml:13: alerts.apprise.0.url_file", "name of a file"],
    ),
    # channels
    "no channels file": (lambda f: (f.path / "channels.yaml").unlink(), 3, ["channels.yaml: there is no such file"]),
    "no channels": (channels("channels: []\n"), 3, ["channels.yaml:1: channels"]),
    "a channel listed twice": (channels("channels:\n  - handle: durov\n  - handle: '@Durov'\n"), 3, ["channels.yaml:3: durov is listed twice (first in line 2)"]),
    "no handle": (channels("channels:\n  - handle: https://t.me/durov\n"), 3, ["channels.yaml:2: channels.0.handle", "is no handle"]),
    "an unquoted @": (channels("channels:\n  - handle: @durov\n"), 3, ["channels.yaml:2: not valid YAML", "in quotes"]),
    "an unknown key of a channel": (channels("channels:\n  - {handle: durov, categry: x}\n"), 3, ["channels.yaml:2: channels.0.categry", "'category'"]),
    # rules
    "no rules folder": (lambda f: f.set(rules_folder="absent"), 3, ["rules_folder: there is no such folder"]),
    "no rules": (lambda f: [one.unlink() for one in (f.path / "rules").rglob("*.yaml")], 3, ["rules_folder: no *.yaml in it"]),
    "a folder for a rule file": (in_place_of("rules/zz.yaml"), 3, ["rules/zz.yaml: cannot be read: Is a directory"]),
    "a rule file that is no YAML": (rule("rules: [\n"), 3, ["zz.yaml:", "not valid YAML"]),
    "a bad regular expression": (rule(RULE + "/взрыв(/\n"), 3, ["zz.yaml:4", "rule one"]),
    "an unknown key of a rule": (rule(RULE + "взрыв\n    severty: high\n"), 3, ["zz.yaml:5", "`severty`", "`severity`"]),
    "a rule id used twice": (rule(RULE + "взрыв\n  - {id: one, match: удар}\n"), 3, ["zz.yaml:5", "already used in zz.yaml:2"]),
    "an unknown list": (rule(RULE + "$strkie\n"), 3, ["zz.yaml:4", "`strkie`"]),
    "a rule without a positive term": (rule(RULE + "NOT погода\n"), 3, ["zz.yaml:2", "none of its words"]),
    # data folder and database
    "a file for the data folder": (lambda f: f.set(data_folder="channels.yaml"), 3, ["data_folder", "channels.yaml is a file"]),
    "a data folder below a file": (lambda f: f.set(data_folder="channels.yaml/data"), 3, ["data_folder", "channels.yaml is a file"]),
    "an unknown database": (lambda f: f.set(database=f"mysql://u:{PASSWORD}@h/n"), 3, ["earshot.yaml:18: database", "found 'mysql'"]),
    "a database in parts": (lambda f: f.set(database={"url": f"postgresql://u:{PASSWORD}@h/n"}), 3, ["earshot.yaml:18: database", "valid string"]),
    "a database URL with a word for a port": (lambda f: f.set(database=f"postgresql://u:{PASSWORD}@h:x/n"), 5, ["database URL is not understood"]),
    "a database that nobody serves": (
        lambda f: f.set(database=f"postgresql://u:{PASSWORD}@127.0.0.1:{CLOSED_PORT}/earshot"),
        5, ["earshot on 127.0.0.1", "nothing listens there"],
    ),
    "a database in no folder": (lambda f: f.set(database=f"sqlite:///{f.path}/absent/x.db"), 5, ["absent/x.db", "its folder does not exist"]),
    "a folder for the database": (in_place_of("data/earshot.db"), 5, ["earshot.db is a folder"]),
    "a file that is no database": (lambda f: f.write("data/earshot.db", "not a database\n" * 99), 5, ["earshot.db is not a database"]),
    "a database of another program": (lambda f: f.sql("CREATE TABLE invoices (id INTEGER)"), 5, ["belongs to another program", "invoices"]),
    "a database from the future": (from_the_future, 5, ["earshot.db was written by Earshot 7.1", "install that version"]),
    # model
    "half a model": (half_a_model, 7, ["model folder", "lacks model.bin"]),
    "no model folder": (lambda f: f.set("speech", model="./absent"), 7, ["absent", "neither a folder that exists nor a known name"]),
    "an unknown model": (lambda f: f.set("speech", model="smal"), 7, ["'smal'", "did you mean small?"]),
    # server
    "no server key": (lambda f: (f.path / "server.pem").unlink(), 3, ["server.pem: the server's public key cannot be read"]),
    "a server key that is none": (lambda f: f.write("server.pem", "-----\n"), 3, ["server.pem: this is not an RSA public key in PEM form"]),
    "a damaged server key": (
        lambda f: f.write("server.pem", "-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n"),
        3, ["server.pem: this is not an RSA public key in PEM form"],
    ),
    # sessions
    "no session": (no_session, 4, ["main.session: there is no session yet; type: earshot login"]),
    "a session that others may read": (lambda f: (f.data / "sessions/main.session").chmod(0o640), 3, ["main.session", "chmod 600"]),
    "a folder of sessions that others may write": (lambda f: (f.data / "sessions").chmod(0o770), 3, ["sessions", "chmod 700"]),
    "a session that is none": (session("garbage"), 3, ["main.session: this is not a session of Earshot"]),
    "half a session": (lambda f: f.give_session("main", auth_key="00"), 3, ["main.session: this is not a session of Earshot"]),
    "a session from the future": (lambda f: f.give_session("main", format=9), 3, ["main.session: this is not a session of Earshot"]),
    "a damaged session of the bot": (lambda f: f.give_session("bot", auth_key="00"), 3, ["bot.session: this is not a session of Earshot"]),
}  # fmt: skip

# What only shows when the daemon is about to start: `earshot check` may be asked while one runs.
OCCUPIED: dict[str, tuple[Break, int, list[str]]] = {
    "a session in use": (hold_lock, 6, ["main.session: process ", "is using this session"]),
    "a port in use": (take_port, 3, ["health.port: 127.0.0.1:", "Address already in use", "0 for none"]),
    "a file for the media folder": (lambda f: f.write("data/media", ""), 5, ["media folder", "cannot be used"]),
}

ALL = {**WRONG, **OCCUPIED}


@pytest.mark.parametrize("name", ALL)
def test_run_says_it_in_one_line(name: str, folder: Folder, capsys: Capture) -> None:
    """`earshot run` ends before it has written anything, with the exit code and one line that says what to do."""
    break_it, code, expected = ALL[name]
    break_it(folder)
    before = ready(folder, capsys)
    assert call(folder, "run") == code
    said = one_line(capsys)
    assert [piece for piece in expected if piece not in said] == [], said
    assert folder.listing() == before


@pytest.mark.parametrize("name", WRONG)
def test_check_finds_it_first(name: str, folder: Folder, capsys: Capture) -> None:
    """`earshot check` finds the same, exits 1, prints JSON whatever is wrong, and writes nothing."""
    break_it, _, expected = WRONG[name]
    break_it(folder)
    before = ready(folder, capsys)
    assert call(folder, "check", "--json") == 1
    said = capsys.readouterr()
    assert said.err == ""
    errors = [finding["text"] for finding in json.loads(said.out) if finding["level"] == "error"]
    assert any(all(piece in text for piece in expected) for text in errors), errors
    assert not any("\n" in text for text in errors)
    assert [secret for secret in SECRETS if secret in said.out] == []
    assert folder.listing() == before


def test_nothing_wrong(folder: Folder, capsys: Capture) -> None:
    """The folder that all these tests break is one of which `earshot check` has nothing to say, before and after a run."""
    before = ready(folder, capsys)
    assert call(folder, "check") == 0
    assert folder.listing() == before
    asyncio.run(folder.give_database())
    before = ready(folder, capsys)
    assert call(folder, "check") == 0
    assert folder.listing() == before
    said = capsys.readouterr()
    assert said.err == ""
    assert "error" not in said.out


def test_a_database_in_use_stays_as_it_is(folder: Folder, capsys: Capture) -> None:
    """With a database already there, a start that is refused leaves that too as it was."""
    asyncio.run(folder.give_database())
    folder.set("speech", model="smal")
    before = ready(folder, capsys)
    assert call(folder, "run") == 7
    assert "did you mean small?" in one_line(capsys)
    assert folder.listing() == before


def test_check_lists_everything(folder: Folder, capsys: Capture) -> None:
    """`earshot check` does not stop at the first finding, be it in a file or in what the files name."""
    folder.set("telegram", api_hash_file="absent")
    folder.set(rules_folder="absent", database=f"mysql://u:{PASSWORD}@h/n")
    folder.write("channels.yaml", "channels: []\n")
    assert call(folder, "check") == 1
    said = capsys.readouterr().out
    assert said.count("error") == 4, said
    folder.set("telegram", api_hash_file="secrets/api_hash")
    folder.set(rules_folder="rules", database=None, data_folder="elsewhere")
    folder.set("speech", model="smal")
    folder.write("channels.yaml", "channels:\n  - handle: durov\n")
    folder.write("rules/zz.yaml", RULE + "слово\n    tests:\n      match: [другое]\n")
    (folder.path / "server.pem").unlink()
    take_port(folder)
    assert call(folder, "check", "--json") == 1
    findings = json.loads(capsys.readouterr().out)
    wrong = [finding["what"] for finding in findings if finding["level"] == "error"]
    assert wrong == ["rule tests", "model", "telegram", "session", "health"], findings


# What other commands say: (arguments, what breaks it, exit code, pieces of the line).
COMMANDS: dict[str, tuple[list[str], Break, int, list[str]]] = {
    "status, bad settings": (["status"], WRONG["unclosed bracket"][0], 3, ["earshot.yaml:19: not valid YAML"]),
    "status, from the future": (["status", "--json"], from_the_future, 5, ["was written by Earshot 7.1"]),
    "search, from the future": (["search", "удар"], from_the_future, 5, ["was written by Earshot 7.1"]),
    "search, no database": (["search", "x"], WRONG["a file that is no database"][0], 5, ["is not a database"]),
    "channels, listed twice": (["channels"], WRONG["a channel listed twice"][0], 3, ["listed twice"]),
    "channels, no session": (["channels", "--check"], no_session, 4, ["type: earshot login"]),
    "channels, damaged session": (["channels", "--check"], session("x"), 3, ["this is not a session of Earshot"]),
    "channels, in use": (["channels", "--check"], hold_lock, 6, ["is using this session"]),
    "rules list, bad expression": (["rules", "list", "--json"], WRONG["a bad regular expression"][0], 3, ["zz.yaml:4"]),
    "rules test, no such rule": (["rules", "test", "absent", "x"], lambda f: None, 3, ["absent: there is no such rule"]),
    "backfill, no such channel": (["backfill", "@none", "--since", "2023-07-01"], lambda f: None, 3, ["@none: not a channel that is followed"]),
    "login, no hash": (["login", "--phone", "+1"], WRONG["no hash"][0], 3, ["no api_hash"]),
    "login, no token": (["login", "--bot"], lambda f: f.set("alerts", chat=None, bot_token_file=None), 3, ["bot_token_file: no token", "@BotFather"]),
    "login, in use": (["login", "--phone", "+1"], hold_lock, 6, ["is using this session"]),
    "login, no server key": (["login", "--phone", "+1"], WRONG["no server key"][0], 3, ["public key cannot be read"]),
    "login, damaged session": (["login", "--phone", "+1"], session("x"), 3, ["this is not a session of Earshot"]),
    "login, a file for sessions": (
        ["login", "--phone", "+1"], lambda f: (no_session(f), f.write("data/sessions", "")), 3, ["folder for sessions"],
    ),
    "login, from the future": (["login", "--phone", "+1"], from_the_future, 5, ["was written by Earshot 7.1"]),
    "login, a file for the data folder": (["login", "--bot"], WRONG["a file for the data folder"][0], 3, ["is a file"]),
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_other_commands_say_it_in_one_line(name: str, folder: Folder, capsys: Capture) -> None:
    """Every command that needs what is wrong says it in one line, with the exit code, and writes nothing."""
    arguments, break_it, code, expected = COMMANDS[name]
    break_it(folder)
    before = ready(folder, capsys)
    assert call(folder, *arguments) == code
    said = one_line(capsys)
    assert [piece for piece in expected if piece not in said] == [], said
    assert folder.listing() == before


def test_the_environment_is_named_when_it_is_wrong(
    folder: Folder, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong database URL from the environment is not blamed on the settings file."""
    monkeypatch.setenv("EARSHOT_DATABASE", f"mysql://u:{PASSWORD}@h/n")
    assert call(folder, "status") == 3
    assert "EARSHOT_DATABASE: expected postgresql://" in one_line(capsys)


@pytest.mark.parametrize("arguments", [["run"], ["login", "--phone", "+9996612222"], ["channels", "--check"]])
def test_nobody_listens(arguments: list[str], folder: Folder, capsys: Capture) -> None:
    """Where no Telegram answers, a command ends after `connect_seconds` with exit code 9 and says where it looked."""
    assert call(folder, *arguments) == 9
    said = capsys.readouterr().err.splitlines()
    told = [line for line in said if line.startswith("earshot: ")]
    assert told == said[-1:]
    port = folder.settings["telegram"]["server"]["port"]
    assert f"127.0.0.1:{port} cannot be reached" in told[0]
    assert "Traceback" not in "".join(said)
    if arguments != ["run"]:
        assert said == told, "a command is not the daemon: it keeps no log"
