"""A speech server of the team's own: real uploads to a real server process on loopback, in the shapes of four servers."""

import asyncio
import hashlib
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import structlog
from aiohttp import ClientSession

from bot.errors import ChildDied, MediaRefused, ModelMissing, ServerAway, SpeechError
from bot.speech import LocalTranscriber
from bot.speech.remote.server import RemoteSettings, ask_server
from bot.speech.remote.transcriber import RemoteTranscriber
from bot.transcript import Transcript
from tests.configured import CLOSED_PORT
from tests.speech.conftest import Clip
from tests.speech.server import KEY
from tests.speech.server import MODEL as NAME

pytestmark = pytest.mark.slow


class Client:
    """Transcribers for one shape or fault after the other."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._open: list[RemoteTranscriber] = []

    def settings(self, shape: str) -> RemoteSettings:
        return RemoteSettings(url=f"{self.address}/{shape}", model=NAME, api_key=KEY, timeout=30.0)

    def of(self, shape: str, **changes: object) -> RemoteTranscriber:
        transcriber = RemoteTranscriber(replace(self.settings(shape), **changes))  # type: ignore[arg-type]
        self._open.append(transcriber)
        return transcriber

    async def hear(self, shape: str, clip: Clip, language: str | None = "ru", **changes: object) -> Transcript:
        return await self.of(shape, **changes).transcribe(clip.path, language=language, declared_seconds=clip.seconds)

    async def fail(self, shape: str, clip: Clip, **changes: object) -> SpeechError:
        with pytest.raises(SpeechError) as raised:
            await self.hear(shape, clip, **changes)
        return raised.value

    async def seen(self) -> dict[str, object]:
        async with ClientSession() as session, session.get(f"{self.address}/seen") as response:
            return await response.json()  # type: ignore[no-any-return]

    async def close(self) -> None:
        for transcriber in self._open:
            await transcriber.close()


@pytest.fixture
async def client(address: str) -> AsyncIterator[Client]:
    """All that it opened is closed again."""
    client = Client(address)
    yield client
    await client.close()


def checked(transcript: Transcript) -> Transcript:
    """The same, after what must hold of any transcript."""
    now = 0.0
    for segment in transcript.segments:
        assert segment.text == "".join(word.text for word in segment.words)
        assert 0 <= segment.start <= segment.end <= transcript.duration
    for word in transcript.words:
        assert now <= word.start <= word.end <= transcript.duration
        assert 0 <= word.probability <= 1
        now = word.start
    assert KEY not in repr(transcript)
    return transcript


SHAPES = {
    # words, confidence, duration
    "speaches": ("given", "segments", "given"),
    "older-speaches": ("given", "words", "given"),
    "openai": ("given", "segments", "given"),
    "whisper.cpp": ("given", "words", "given"),
    "no-words": ("interpolated", "segments", "given"),
    "vllm": ("interpolated", "segments", "given"),
    "bare": ("interpolated", "none", "declared"),
}


@pytest.mark.slow
async def test_the_words_are_those_of_a_model_of_our_own(
    client: Client, transcriber: LocalTranscriber, clips: list[Clip]
) -> None:
    """Whatever the shape of the answer, the text is what the same model says in our own process."""
    for clip in (clips[1], clips[20], clips[40], max(clips, key=lambda clip: clip.seconds)):
        own = await transcriber.transcribe(clip.path, language="ru", declared_seconds=clip.seconds)
        for shape in SHAPES:
            heard = checked(await client.hear(shape, clip))
            assert heard.text.split() == own.text.split(), shape


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
async def test_a_transcript_says_what_the_server_did_not(client: Client, general: Clip, shape: str) -> None:
    """Model and server are named, and what was interpolated or not known is in the parameters."""
    heard = checked(await client.hear(shape, general))
    words, confidence, duration = SHAPES[shape]
    assert heard.model == f"{NAME}@{client.address.removeprefix('http://')}"
    assert heard.parameters["server"] == client.address.removeprefix("http://")
    assert (heard.parameters["words"], heard.parameters["confidence"]) == (words, confidence)
    assert heard.parameters["duration"] == duration
    assert heard.language == "ru"
    assert heard.duration == pytest.approx(general.seconds, abs=0.6)
    assert not heard.partial
    assert 0 < heard.speech_seconds <= heard.duration


@pytest.mark.slow
async def test_word_times(client: Client, general: Clip) -> None:
    """Times of the server's words or tokens are kept; interpolated ones stay within their segment."""
    exact = (await client.hear("older-speaches", general)).words
    tokens = (await client.hear("whisper.cpp", general)).words
    openai = (await client.hear("openai", general)).words
    guessed = await client.hear("vllm", general)
    for one, of_tokens, of_openai in zip(exact, tokens, openai, strict=True):
        assert of_tokens.start == pytest.approx(one.start, abs=0.01)
        assert of_tokens.probability == pytest.approx(one.probability, abs=0.01)
        assert of_openai.start == pytest.approx(one.start, abs=0.01)
    assert len(guessed.words) == len(exact)
    for segment in guessed.segments:
        assert segment.words[0].start == segment.start
        assert segment.words[-1].end == pytest.approx(segment.end)
        assert all(word.end > word.start for word in segment.words)


@pytest.mark.slow
async def test_what_is_uploaded(client: Client, general: Clip) -> None:
    """The bytes as they lie on disk, last, under a name that says nothing; the fields as OpenAI names them; the key."""
    await client.hear("speaches", general)
    seen = await client.seen()
    assert seen["fields"] == [
        ["model", NAME],
        ["response_format", "verbose_json"],
        ["timestamp_granularities[]", "segment"],
        ["timestamp_granularities[]", "word"],
        ["language", "ru"],
        ["file", "recording.ogg audio/ogg"],
    ]
    assert seen["sha256"] == hashlib.sha256(general.path.read_bytes()).hexdigest()
    assert seen["key"] == f"Bearer {KEY}"
    headers = seen["headers"]
    assert isinstance(headers, dict)
    assert "Content-Length" in headers
    assert "Transfer-Encoding" not in headers


@pytest.mark.slow
async def test_the_language(client: Client, general: Clip) -> None:
    """The hint goes before the setting; without either the server listens, and one that it does not know is left out."""
    given = await client.of("speaches", language="ru").transcribe(general.path, language=None, declared_seconds=None)
    assert (given.language, given.parameters["language"]) == ("ru", "given")
    heard = await client.hear("whisper.cpp", general, language=None)
    assert heard.parameters["language"] == "detected"
    assert 0 < heard.language_probability < 1
    unsure = await client.hear("openai", general, language=None)
    assert unsure.parameters["language_probability"] == "unknown"
    assert unsure.language == heard.language
    left_out = await client.hear("language", general, language="xx")
    assert left_out.parameters["language"] == "detected"


FAULTS: dict[str, tuple[type[SpeechError], str]] = {
    "401": (ModelMissing, "speech.server.api_key_file"),
    "403": (ModelMissing, "EARSHOT_SPEECH_KEY"),
    "404": (ModelMissing, f"has the model {NAME} (speech.server.model)"),
    "400": (MediaRefused, "Invalid or unsupported audio file"),
    "400-silent": (ChildDied, "answered 400"),
    "400-page": (ChildDied, "answered 400"),
    "400-format": (ModelMissing, "speech.server.model"),
    "413": (MediaRefused, "Maximum content size limit"),
    "415": (MediaRefused, "Failed to decode audio"),
    "422-model": (ModelMissing, "Field required"),
    "422-file": (MediaRefused, "Expected a file"),
    "429": (ServerAway, "Rate limit reached"),
    "500": (ChildDied, "failed to process audio"),
    "503": (ServerAway, "answered 503"),
    "cut": (ChildDied, "broke off"),
    "hung-up": (ChildDied, "broke off"),
    "gigantic": (ChildDied, "answered with more than"),
    "moved": (ModelMissing, "final address"),
    "garbage": (ChildDied, "not JSON"),
    "page": (ModelMissing, "text/html instead of JSON"),
    "plain": (ModelMissing, "text/plain instead of JSON"),
    "deep": (ChildDied, "not JSON"),
    "list": (ChildDied, "expected a JSON object"),
    "wrong-types": (ChildDied, "segments: expected a list, found text"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_server_that_fails(client: Client, general: Clip, fault: str) -> None:
    """Each failure says whose fault it is, names the server and what to do, never the key; the next one is served."""
    kind, text = FAULTS[fault]
    with structlog.testing.capture_logs() as logs:
        error = await client.fail(fault, general)
    assert type(error) is kind
    assert text in str(error)
    assert client.address.removeprefix("http://") in str(error)
    assert KEY not in f"{error!r} {error.__cause__!r} {logs}"
    assert "\n" not in str(error)
    if isinstance(error, ServerAway):
        assert error.retry_after == (7.0 if fault == "429" else None)


async def test_an_early_refusal_of_a_large_upload(client: Client, general: Clip, tmp_path: Path) -> None:
    """A refusal that comes while the file is still being sent is understood; so is a server that hangs up then."""
    large = tmp_path / "large.ogg"
    large.write_bytes(general.path.read_bytes() + bytes(60_000_000))
    with pytest.raises(MediaRefused, match="413") as raised:
        await client.of("413").transcribe(large, language=None, declared_seconds=10.0)
    assert raised.value.reason == "too-large"
    with pytest.raises(ChildDied, match="broke off"):
        await client.of("hung-up-early").transcribe(large, language=None, declared_seconds=10.0)


@pytest.mark.parametrize("fault", ["slow", "trickle"])
async def test_a_server_that_takes_too_long(client: Client, general: Clip, fault: str) -> None:
    """The whole exchange is bounded, also when bytes still come."""
    begun = time.monotonic()
    error = await client.fail(fault, general, timeout=0.5)
    assert type(error) is ChildDied
    assert "within 0.5 s" in str(error)
    assert time.monotonic() - begun < 5


async def test_nobody_there(client: Client, general: Clip) -> None:
    """No server at the address is no fault of the recording, and names the setting."""
    error = await client.fail("speaches", general, url=f"http://127.0.0.1:{CLOSED_PORT}")
    assert type(error) is ServerAway
    assert "speech.server.url" in str(error)
    named = await client.fail("speaches", general, url="http://earshot.invalid:8000")
    assert type(named) is ServerAway


async def test_a_server_without_a_key_on_tls(client: Client, general: Clip) -> None:
    """https to a server that speaks http is told, not a traceback."""
    error = await client.fail("speaches", general, url=client.address.replace("http:", "https:"))
    assert isinstance(error, ServerAway)


async def test_no_proxy_of_the_environment(client: Client, general: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings and key go to the server alone, whatever proxies the environment names."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{CLOSED_PORT}")
    error = await client.fail("500", general)
    assert "failed to process audio" in str(error)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"#EXTM3U\nfile:///etc/passwd\n", "container"), (b"OggS" + bytes(2000), "too-large")],
)
async def test_what_is_never_sent(client: Client, tmp_path: Path, content: bytes, reason: str) -> None:
    """Bytes that are no accepted recording stay here: no server is asked."""
    path = tmp_path / "note"
    path.write_bytes(content)
    transcriber = client.of("speaches", url=f"http://127.0.0.1:{CLOSED_PORT}", max_bytes=1000)
    with pytest.raises(MediaRefused) as raised:
        await transcriber.transcribe(path, language=None, declared_seconds=None)
    assert raised.value.reason == reason


async def test_a_recording_that_is_declared_too_long(client: Client, general: Clip) -> None:
    """It is refused before it is sent, as a model of our own would refuse it."""
    error = await client.fail("speaches", general, max_seconds=1.0)
    assert isinstance(error, MediaRefused)
    assert error.reason == "too-long"


@pytest.mark.slow
async def test_a_partial_recording(client: Client, general: Clip) -> None:
    """Less sound than was declared makes a partial transcript, unless the server did not say how much it was."""
    transcriber = client.of("speaches")
    heard = await transcriber.transcribe(general.path, language="ru", declared_seconds=3 * general.seconds)
    assert heard.partial
    assert heard.declared == 3 * general.seconds
    heard = await client.of("bare").transcribe(general.path, language="ru", declared_seconds=3 * general.seconds)
    assert not heard.partial


async def test_closing_in_the_middle(client: Client, general: Clip) -> None:
    """Closing ends what is under way with ChildDied, at once."""
    transcriber = client.of("slow")
    job = asyncio.create_task(transcriber.transcribe(general.path, language=None, declared_seconds=None))
    await asyncio.sleep(0.3)
    await transcriber.close()
    with pytest.raises(ChildDied, match="closed"):
        await asyncio.wait_for(job, 5)


async def test_a_cancelled_recording(client: Client, general: Clip) -> None:
    """Cancelling one ends it alone; its place is free for the next."""
    transcriber = client.of("slow", concurrency=1)
    job = asyncio.create_task(transcriber.transcribe(general.path, language=None, declared_seconds=None))
    await asyncio.sleep(0.3)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    with pytest.raises(ChildDied, match="within"):
        await client.of("slow", timeout=0.3).transcribe(general.path, language=None, declared_seconds=None)


async def test_several_at_once(client: Client, general: Clip) -> None:
    """As many as the settings say are under way together; more wait."""
    transcriber = client.of("slow", concurrency=3, timeout=1.0)
    assert transcriber.capacity == 3
    begun = time.monotonic()
    jobs = [transcriber.transcribe(general.path, language=None, declared_seconds=None) for _ in range(5)]
    errors = await asyncio.gather(*jobs, return_exceptions=True)
    assert all(isinstance(error, ChildDied) for error in errors)
    assert 1.9 < time.monotonic() - begun < 2.9


ASKED: dict[str, tuple[type[SpeechError] | None, str]] = {
    "speaches": (None, "which lists it"),
    "others": (None, "does not list it; it lists another/model, m0, m1, m2, m3..."),
    "whisper.cpp": (None, "which answers"),
    "page": (None, "is it a speech server?"),
    "401": (ModelMissing, "api_key_file"),
    "500": (ServerAway, "answered 500"),
    "503": (ServerAway, "answered 503"),
}


@pytest.mark.parametrize("shape", ASKED)
async def test_asking_whether_it_is_there(client: Client, shape: str) -> None:
    """The check says what the server lists, or what is wrong; a transcriber asks the same when it starts."""
    kind, text = ASKED[shape]
    if kind is None:
        assert text in await ask_server(client.settings(shape))
        await client.of(shape).start()
    else:
        with pytest.raises(kind, match=text) as raised:
            await client.of(shape).start()
        assert KEY not in str(raised.value)


def test_addresses() -> None:
    """However much of the path is given; transcripts name host and port; plain http to a public address is exposed."""
    for url in ("http://gpu:8000", "http://gpu:8000/", "http://gpu:8000/v1", "http://gpu:8000/v1/audio/transcriptions"):
        settings = RemoteSettings(url=url, model="m")
        assert (str(settings.at("/v1/models")), settings.host) == ("http://gpu:8000/v1/models", "gpu:8000")
    exposed = {
        "http://gpu:8000": False,
        "http://127.0.0.1": False,
        "http://[::1]:80": False,
        "http://10.1.2.3": False,
        "http://box.local": False,
        "http://8.8.8.8": True,
        "http://speech.example.org": True,
        "https://speech.example.org": False,
    }
    for url, expected in exposed.items():
        assert RemoteSettings(url=url, model="m").exposed is expected, url


def test_the_key_is_not_shown() -> None:
    """Neither repr nor str of the settings bears it."""
    assert KEY not in repr(RemoteSettings(url="http://gpu", model="m", api_key=KEY))


async def test_the_upload_is_streamed(client: Client, general: Clip, tmp_path: Path) -> None:
    """A large recording does not pass through memory as a whole."""
    large = tmp_path / "large.ogg"
    large.write_bytes(general.path.read_bytes() + bytes(150_000_000))
    process, peak, done = psutil.Process(), 0, threading.Event()
    before = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.005):
            peak = max(peak, process.memory_info().rss - before)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        await client.of("500").transcribe(large, language=None, declared_seconds=None)
    except ChildDied:
        pass
    finally:
        done.set()
        thread.join()
    assert 0 < peak < 40_000_000
