"""Where models are looked for, and what is said when they are nowhere."""

import hashlib
from dataclasses import replace
from pathlib import Path

import faster_whisper.utils
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.errors import ModelMissing
from bot.speech import KNOWN_MODELS, LocalTranscriber, SpeechSettings, find_model
from bot.speech.models import ensure_model, fingerprint, locate_model
from tests.speech.conftest import MODEL

FILES = ("config.json", "model.bin", "tokenizer.json", "vocabulary.json")


def place(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("{}")
    return folder


def test_names_are_those_of_faster_whisper() -> None:
    """Our table of names is the installed version's own."""
    assert KNOWN_MODELS == faster_whisper.utils._MODELS


def test_a_folder(tmp_path: Path) -> None:
    """A complete folder is taken as it is, an incomplete one refused with the names of what it lacks."""
    folder = place(tmp_path / "mine", "config.json", "tokenizer.json")
    with pytest.raises(ModelMissing, match=r"lacks model\.bin, vocabulary\.json or vocabulary\.txt"):
        locate_model(str(folder), tmp_path)
    place(folder, "model.bin", "vocabulary.txt")
    assert locate_model(str(folder), tmp_path) == folder


@pytest.mark.parametrize(
    ("model", "hint"), [("smal", "did you mean small"), ("/no/such/folder", "neither a folder"), ("жжж", "names are")]
)
def test_a_model_that_nobody_knows(tmp_path: Path, model: str, hint: str) -> None:
    """A misspelt name gets the nearest one, a folder that is not there is said to be none."""
    with pytest.raises(ModelMissing, match=hint):
        locate_model(model, tmp_path)


def test_a_name_is_found_where_it_was_placed_or_fetched(tmp_path: Path) -> None:
    """By hand under its name, or in the loader's cache; an interrupted download is not found."""
    assert locate_model("small", tmp_path) is None
    cached = place(tmp_path / "models--Systran--faster-whisper-small/snapshots/abc", *FILES[:2])
    assert locate_model("small", tmp_path) is None
    place(cached, *FILES)
    assert locate_model("small", tmp_path) == cached
    by_hand = place(tmp_path / "small", *FILES)
    assert locate_model("small", tmp_path) == by_hand
    assert locate_model("somebody/their-model", tmp_path) is None


def test_words_for_the_check_command(settings: SpeechSettings) -> None:
    """`find_model` says where a model is, or that it will be fetched, and writes nothing."""
    assert str(MODEL) in find_model(settings)
    assert "will be fetched" in find_model(replace(settings, model="small"))
    assert not settings.models_folder.exists()


@pytest.mark.slow
async def test_a_download_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network the error names the files, the page, the folder and the key to set."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelMissing) as raised:
        await ensure_model("tiny", tmp_path / "models")
    text = str(raised.value)
    for part in (
        *("model.bin", "config.json", "tokenizer.json", "vocabulary", "speech.model"),
        "https://huggingface.co/Systran/faster-whisper-tiny",
        str(tmp_path / "models/tiny"),
    ):
        assert part in text
    assert "\n" not in text


@pytest.mark.slow
async def test_a_download(settings: SpeechSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A named model is fetched once, by faster-whisper's own loader, from a hub that speaks Hugging Face's protocol."""
    hub = Hub(MODEL)
    async with TestServer(hub.application()) as server:
        monkeypatch.setenv("HF_ENDPOINT", str(server.make_url("")).rstrip("/"))
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        folder = await ensure_model("tiny", settings.models_folder)
    assert fingerprint(folder) == fingerprint(MODEL)
    assert "model.bin" in hub.served
    assert "README.md" not in hub.served
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    transcriber = LocalTranscriber(replace(settings, model="tiny"))
    await transcriber.start()
    await transcriber.close()


class Hub:
    """The part of a model hub that a download needs, with one model under every name."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.name: path for path in folder.iterdir()}
        self.served: list[str] = []

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/api/models/{owner}/{name}/revision/{revision}", self._list)
        application.router.add_get("/api/models/{owner}/{name}/tree/{revision}", self._tree)
        application.router.add_get("/{owner}/{name}/resolve/{revision}/{file}", self._send)
        return application

    async def _list(self, request: web.Request) -> web.Response:
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        return web.json_response(
            {"id": name, "sha": "c" * 40, "siblings": [{"rfilename": file} for file in self._files]}
        )

    async def _tree(self, request: web.Request) -> web.Response:
        return web.json_response(
            [
                {"type": "file", "path": name, "size": path.stat().st_size, "oid": _digest(path)[:40]}
                for name, path in self._files.items()
            ]
        )

    async def _send(self, request: web.Request) -> web.Response:
        name = request.match_info["file"]
        if request.method == "GET":
            self.served.append(name)
        headers = {"X-Repo-Commit": "c" * 40, "ETag": f'"{_digest(self._files[name])}"'}
        return web.Response(body=self._files[name].read_bytes(), headers=headers)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.slow
async def test_a_folder_with_a_broken_model(settings: SpeechSettings, tmp_path: Path) -> None:
    """A folder that has all files, but no model in them, is named with the loader's words."""
    broken = place(tmp_path / "broken", *FILES)
    with pytest.raises(ModelMissing, match="cannot be loaded"):
        await LocalTranscriber(replace(settings, model=str(broken))).start()


@pytest.mark.slow
async def test_a_compute_type_that_does_not_exist(settings: SpeechSettings) -> None:
    """A wrong compute type is said at the start in CTranslate2's words."""
    with pytest.raises(ModelMissing, match="int3"):
        await LocalTranscriber(replace(settings, compute_type="int3")).start()


def test_fingerprint_names_the_weights(tmp_path: Path) -> None:
    """Two models of one name are told apart."""
    assert fingerprint(MODEL) != fingerprint(place(tmp_path, *FILES))
    assert len(fingerprint(MODEL)) == 12
