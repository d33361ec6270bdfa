"""The speech server in the settings: what is wrong with it is one clear line, and a server that is away stops nobody."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.app.checks import check_all, preflight
from bot.app.parts import speech_server, speech_transcriber
from bot.config import ENVIRONMENT, load_config
from bot.errors import ConfigError, EarshotError, ModelMissing
from bot.speech import LocalTranscriber
from bot.speech.remote.transcriber import RemoteTranscriber
from tests.configured import CLOSED_PORT, Folder, server_key

pytestmark = pytest.mark.slow

KEY = "sk-hidden-speech-key"


@pytest.fixture(scope="module")
def public_key() -> str:
    """One server key for all: making one takes a while."""
    return server_key()


@pytest.fixture
def folder(tmp_path: Path, public_key: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """A configuration in which nothing is wrong, and an environment without secrets."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    root = logging.getLogger()
    level = root.level
    with ExitStack() as stack:
        folder = Folder(tmp_path / "earshot", stack, key=public_key)
        folder.write("secrets/speech-key", f"{KEY}\n")
        yield folder
    root.setLevel(level)
    structlog.reset_defaults()


def serve(folder: Folder, url: str, **more: object) -> None:
    folder.set("speech", server={"url": url, "model": "a/model", "api_key_file": "secrets/speech-key", **more})


def test_who_transcribes(folder: Folder) -> None:
    """A process on this machine, until a server is set; its settings are those of the file."""
    assert isinstance(speech_transcriber(load_config(folder.path / "earshot.yaml")), LocalTranscriber)
    serve(folder, "http://gpu:8000", concurrency=7, timeout_seconds=30)
    folder.set("speech", language="uk", max_minutes=5, max_megabytes=3)
    config = load_config(folder.path / "earshot.yaml")
    assert isinstance(speech_transcriber(config), RemoteTranscriber)
    settings = speech_server(config)
    assert settings is not None
    assert (settings.url, settings.model, settings.api_key) == ("http://gpu:8000", "a/model", KEY)
    assert (settings.concurrency, settings.timeout, settings.language) == (7, 30, "uk")
    assert (settings.max_seconds, settings.max_bytes) == (300, 3_000_000)
    assert KEY not in f"{config!r} {settings!r}"


def test_the_key_from_the_environment(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """EARSHOT_SPEECH_KEY goes before the file."""
    serve(folder, "http://gpu:8000")
    monkeypatch.setenv("EARSHOT_SPEECH_KEY", "another")
    settings = speech_server(load_config(folder.path / "earshot.yaml"))
    assert settings is not None
    assert settings.api_key == "another"


Change = Callable[[Folder], object]
WRONG: dict[str, tuple[Change, str]] = {
    "no scheme": (lambda f: serve(f, "gpu:8000"), "speech.server.url: expected an address as http://gpu-box:8000"),
    "another scheme": (lambda f: serve(f, "ftp://gpu"), "speech.server.url: expected an address"),
    "no port": (lambda f: serve(f, "http://gpu:port"), "speech.server.url: expected an address"),
    "a password": (
        lambda f: serve(f, "https://me:hidden-password@gpu"),
        "speech.server.url: no user, password or query",
    ),
    "a query": (lambda f: serve(f, f"https://gpu/?key={KEY}"), "speech.server.url: no user, password or query"),
    "the key in the file": (
        lambda f: serve(f, "http://gpu", api_key=KEY),
        "name a file with api_key_file, or set EARSHOT_SPEECH_KEY",
    ),
    "the key for a file": (lambda f: serve(f, "http://gpu", api_key_file=KEY), "expected the name of a file"),
    "no key file": (lambda f: serve(f, "http://gpu", api_key_file="absent"), "absent cannot be read"),
    "none at once": (lambda f: serve(f, "http://gpu", concurrency=0), "speech.server.concurrency"),
    "no model": (lambda f: f.set("speech", server={"url": "http://gpu"}), "speech.server.model: this key is needed"),
    "a key of two lines": (
        lambda f: (serve(f, "http://gpu"), f.write("secrets/speech-key", "one\ntwo")),
        "speech.server.api_key_file: expected one word",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_settings(folder: Folder, case: str) -> None:
    """The key and what was expected, and no secret."""
    change, text = WRONG[case]
    change(folder)
    with pytest.raises(ConfigError) as raised:
        speech_server(load_config(folder.path / "earshot.yaml"))
    assert text in str(raised.value)
    assert KEY not in str(raised.value)
    assert "hidden-password" not in str(raised.value)


async def the_model_line(folder: Folder) -> tuple[str, str]:
    findings = await check_all(load_config(folder.path / "earshot.yaml"))
    return next((finding.level, finding.text) for finding in findings if finding.what == "model")


async def starts(folder: Folder) -> EarshotError | None:
    """What keeps `earshot run` from starting, if anything does."""
    try:
        await preflight(load_config(folder.path / "earshot.yaml"))
    except EarshotError as error:
        return error
    return None


async def test_a_server_that_is_away(folder: Folder) -> None:
    """`earshot check` says so; `earshot run` listens all the same, for recordings wait."""
    serve(folder, f"http://127.0.0.1:{CLOSED_PORT}")
    level, text = await the_model_line(folder)
    assert level == "error"
    assert "cannot be reached" in text
    assert "speech.server.url" in text
    assert await starts(folder) is None


async def test_a_server_that_answers(folder: Folder) -> None:
    """With the right key the check says what is there; with a wrong one neither check nor start passes."""

    async def models(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response({"error": {"message": "wrong key"}}, status=401)
        return web.json_response({"data": [{"id": "a/model"}]})

    application = web.Application()
    application.router.add_get("/v1/models", models)
    async with TestServer(application) as server:
        serve(folder, str(server.make_url("/v1")))
        level, text = await the_model_line(folder)
        assert (level, text) == ("ok", f"a/model at 127.0.0.1:{server.port}, which lists it")
        assert await starts(folder) is None
        folder.write("secrets/speech-key", "wrong")
        level, text = await the_model_line(folder)
        assert level == "error"
        assert "set its key with speech.server.api_key_file" in text
        assert isinstance(await starts(folder), ModelMissing)
