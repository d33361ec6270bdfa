"""Many recordings through one transcriber: what a busy or lost server does to them."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.errors import ServerAway
from bot.speech.commands.several import Outcome, transcribe_all
from bot.speech.remote.server import RemoteSettings
from bot.speech.remote.transcriber import RemoteTranscriber
from bot.transcript import Transcript
from tests.speech.conftest import RECORDINGS

FILES = [RECORDINGS / f"{name}.ogg" for name in ("voice_000", "voice_001", "voice_002")]


class Busy:
    """Says 503 to the first `refusals` uploads."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.asked = 0

    async def answer(self, request: web.Request) -> web.Response:
        await request.read()
        self.asked += 1
        if self.asked <= self.refusals:
            return web.json_response({"error": "busy"}, status=503)
        return web.json_response({"text": "слово", "duration": 3.0, "language": "ru"})


@pytest.fixture
async def busy() -> AsyncIterator[tuple[Busy, RemoteTranscriber]]:
    """A server that is refused nothing yet, and a transcriber that sends it one recording at a time."""
    state = Busy(0)
    application = web.Application(client_max_size=10_000_000)
    application.router.add_post("/v1/audio/transcriptions", state.answer)
    async with TestServer(application) as server:
        transcriber = RemoteTranscriber(RemoteSettings(url=str(server.make_url("/")), model="m", concurrency=1))
        yield state, transcriber
        await transcriber.close()


async def gather(transcriber: RemoteTranscriber, waits: tuple[float, ...]) -> list[Outcome]:
    outcomes: dict[int, Outcome] = {}

    def done(place: int, outcome: Outcome) -> None:
        outcomes[place] = outcome

    await transcribe_all(transcriber, FILES, done, waits=waits)
    return [outcomes[place] for place in range(len(FILES))]


async def test_a_busy_server_is_waited_for(busy: tuple[Busy, RemoteTranscriber]) -> None:
    """Two refusals cost two waits, and no recording."""
    state, transcriber = busy
    state.refusals = 2
    assert all(isinstance(one, Transcript) for one in await gather(transcriber, (0.01, 0.01)))
    assert state.asked == 5


async def test_a_lost_server_is_waited_for_once(busy: tuple[Busy, RemoteTranscriber]) -> None:
    """The first recording waits in vain, the others no longer; each says why."""
    state, transcriber = busy
    state.refusals = 100
    begun = time.monotonic()
    outcomes = await asyncio.wait_for(gather(transcriber, (0.1, 0.3)), 20)
    assert all(isinstance(one, ServerAway) for one in outcomes)
    assert state.asked == 5
    assert time.monotonic() - begun >= 0.4


async def test_a_missing_file_says_so(busy: tuple[Busy, RemoteTranscriber], tmp_path: Path) -> None:
    """What cannot be read is an outcome of its own."""
    _, transcriber = busy
    outcomes: list[Outcome] = []
    await transcribe_all(transcriber, [tmp_path / "gone.ogg"], lambda _, outcome: outcomes.append(outcome))
    assert "cannot be read" in str(outcomes[0])
