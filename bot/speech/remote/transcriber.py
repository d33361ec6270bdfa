"""Recordings become transcripts on a server of the team's own: any with OpenAI's `/v1/audio/transcriptions`."""

import asyncio
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import aiohttp
import structlog

from bot.confined.frames import MAX_FRAME_BYTES
from bot.errors import ChildDied, MediaRefused
from bot.speech.local.transcriber import is_partial
from bot.speech.port import HeardBefore
from bot.speech.remote.answer import transcript_of
from bot.speech.remote.refusals import Reply, error_of, is_about_language
from bot.speech.remote.server import CONNECT_SECONDS, PATH, RemoteSettings, ask_server, open_session, receive, told
from bot.speech.remote.verbose_json import BadAnswer
from bot.speech.settings import MEBIBYTE
from bot.speech.sound.container import check_container
from bot.transcript import Transcript

log = structlog.get_logger()

# No recording in which somebody speaks takes fewer bytes for a second: Opus begins at 6 kbit/s, the rest is pauses. So
# the size, which we know, says how much an answer may hold.
LEAST_BYTES_A_SECOND = 500
# Twenty words or tokens a second as JSON, and then some.
_ANSWER_BYTES_A_SECOND = 16 * 1024
# File name and type by container: OpenAI goes by the name, others by the bytes. It says nothing about the recording.
_NAMES = {
    "ogg": ("recording.ogg", "audio/ogg"),
    "mp3": ("recording.mp3", "audio/mpeg"),
    "wav": ("recording.wav", "audio/wav"),
    "flac": ("recording.flac", "audio/flac"),
    "mov": ("recording.mp4", "audio/mp4"),
    "matroska": ("recording.webm", "audio/webm"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the server is told of a recording, and how many seconds long that can be at most."""

    container: str
    longest: float
    language: str | None
    hot_words: str


class RemoteTranscriber:
    """A `Transcriber` whose model runs on a server. One connection pool, opened when first needed."""

    def __init__(self, settings: RemoteSettings) -> None:
        """Nothing is asked yet."""
        self._settings = settings
        # Sent as OpenAI's `prompt`: text that might stand before what is said.
        self._hot_words = ""
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._session: aiohttp.ClientSession | None = None
        self._jobs: set[asyncio.Task[Any]] = set()

    @property
    def capacity(self) -> int:
        """As many as the settings say; the server has its own queue."""
        return self._settings.concurrency

    def expect(self, hot_words: str) -> None:
        """See `Transcriber.expect`."""
        self._hot_words = hot_words

    async def start(self) -> None:
        """Ask the server whether it is there. Raises ServerAway; ModelMissing when the key or the address is wrong."""
        log.info("speech.server", server=self._settings.host, state=await ask_server(self._settings))

    async def close(self) -> None:
        """Hang up, in the middle of recordings if need be (which then raise ChildDied)."""
        session, self._session = self._session, None
        for job in self._jobs:
            job.cancel()
        if session is not None:
            await session.close()

    async def transcribe(
        self,
        path: Path,
        *,
        language: str | None,
        declared_seconds: float | None,
        heard_before: HeardBefore | None = None,
    ) -> Transcript:
        """What is said in the file at `path`; `language` is a hint (ISO 639-1) that goes before the setting.

        Raises MediaRefused (this recording is not to be tried again), ChildDied (the server failed on it: worth a few
        tries), ServerAway (it is not its fault) or ModelMissing (the settings are wrong).
        """
        container, size = await asyncio.to_thread(check_container, path, max_bytes=self._settings.max_bytes)
        longest = min(self._settings.max_seconds, size / LEAST_BYTES_A_SECOND)
        if declared_seconds is not None and declared_seconds > self._settings.max_seconds:
            raise MediaRefused(
                "too-long", f"the recording plays longer than the {self._settings.max_seconds:g} s that are allowed"
            )
        async with self._slots:
            asked = _Asked(
                container=container,
                longest=longest,
                language=language or self._settings.language,
                hot_words=self._hot_words,
            )
            job = asyncio.ensure_future(self._exchange(path, asked))
            self._jobs.add(job)
            try:
                body, asked = await job
            except asyncio.CancelledError:
                if (task := asyncio.current_task()) and task.cancelling():
                    raise
                raise ChildDied("the connection to the speech server was closed") from None
            finally:
                self._jobs.discard(job)
        return await asyncio.to_thread(self._read, body, asked, declared_seconds)

    async def _exchange(self, path: Path, asked: _Asked) -> tuple[bytes, _Asked]:
        """The server's answer, and what it was asked for in the end."""
        reply = await self._post(path, asked)
        if asked.language and is_about_language(reply):
            # As a model of our own, which listens when it does not know the language.
            log.info("speech.language_not_offered", server=self._settings.host, language=asked.language)
            asked = replace(asked, language=None)
            reply = await self._post(path, asked)
        if error := error_of(reply, server=self._settings.host, model=self._settings.model, key=self._settings.api_key):
            raise error
        return reply.body, asked

    async def _post(self, path: Path, asked: _Asked) -> Reply:
        if self._session is None:
            self._session = open_session(self._settings)
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout, sock_connect=CONNECT_SECONDS)
        file = await asyncio.to_thread(path.open, "rb")
        try:
            async with (
                told(self._settings, f"did not answer within {self._settings.timeout:g} s"),
                self._session.post(
                    self._settings.at(PATH),
                    data=self._form(file, asked),
                    timeout=timeout,
                    allow_redirects=False,
                ) as response,
            ):
                most = MEBIBYTE + int(_ANSWER_BYTES_A_SECOND * asked.longest)
                return await receive(response, min(MAX_FRAME_BYTES, most))
        finally:
            await asyncio.to_thread(file.close)

    def _form(self, file: BinaryIO, asked: _Asked) -> aiohttp.FormData:
        """The file comes last, so that a server that reads as it goes knows what is wanted."""
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("model", self._settings.model)
        form.add_field("response_format", "verbose_json")
        # In the order in which speaches expects them.
        for granularity in ("segment", "word"):
            form.add_field("timestamp_granularities[]", granularity)
        if asked.language:
            form.add_field("language", asked.language)
        if asked.hot_words:
            form.add_field("prompt", asked.hot_words)
        name, kind = _NAMES[asked.container]
        form.add_field("file", file, filename=name, content_type=kind)
        return form

    def _read(self, body: bytes, asked: _Asked, declared: float | None) -> Transcript:
        given = self._settings
        try:
            transcript = transcript_of(
                json.loads(body),
                hint=asked.language,
                declared=declared,
                longest=asked.longest,
                model=f"{given.model}@{given.host}",
                parameters={"server": given.host} | ({"hot_words": asked.hot_words} if asked.hot_words else {}),
            )
        except BadAnswer as error:
            raise ChildDied(f"the speech server {given.host} sent no transcript: {error}") from error
        except (ValueError, RecursionError) as error:
            raise ChildDied(f"the speech server {given.host} sent an answer that is not JSON: {error}") from error
        partial = transcript.parameters["duration"] == "given" and is_partial(transcript.duration, declared)
        return replace(transcript, partial=partial, declared=declared)
