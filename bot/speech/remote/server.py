"""An OpenAI-compatible speech server: where it is, whether it answers, and how its failures are told."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

import aiohttp
from yarl import URL

from bot.errors import ChildDied, MediaRefused, ServerAway
from bot.speech.remote.refusals import Reply, error_of, excerpt
from bot.speech.settings import MEBIBYTE

PATH = "/v1/audio/transcriptions"
# Seconds for a connection to come about, and for an answer to a mere question.
CONNECT_SECONDS = 10.0
ASK_SECONDS = 15.0
_CHUNK = 64 * 1024
_MOST_MODELS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSettings:
    """Where the server is, and what it is asked for. `url` may end before `/v1`, after it, or with the whole path."""

    url: str
    # The name under which the server knows it.
    model: str
    # Sent as a bearer token; never in a log, an error or a transcript.
    api_key: str | None = field(default=None, repr=False)
    # ISO 639-1 code of all recordings that bring no hint of their own; None lets the server listen.
    language: str | None = None
    # Recordings under way at once.
    concurrency: int = 4
    # Seconds from the first byte sent to the last one received.
    timeout: float = 600.0
    max_bytes: int = 512 * MEBIBYTE
    # Seconds of sound; a recording that is declared longer is refused.
    max_seconds: float = 2 * 3600.0

    @property
    def base(self) -> URL:
        """What comes before `/v1`."""
        return URL(self.url.rstrip("/").removesuffix(PATH).removesuffix("/v1").rstrip("/"))

    @property
    def host(self) -> str:
        """The server's name as it stands in transcripts and messages: host and port."""
        return self.base.authority

    @property
    def exposed(self) -> bool:
        """Whether recordings and key travel unencrypted to where others may listen: http to a public address."""
        host = self.base.host or ""
        if self.base.scheme == "https" or host.endswith((".localhost", ".local", ".internal")):
            return False
        try:
            address = ip_address(host)
        except ValueError:
            return "." in host
        return not (address.is_private or address.is_loopback)

    def at(self, path: str) -> URL:
        """The address of `path` on the server."""
        return URL(f"{self.base}{path}")


async def ask_server(settings: RemoteSettings) -> str:
    """Whether the server answers, in words. Raises ServerAway, or ModelMissing when it refuses the key.

    `GET /v1/models` lists the models of OpenAI, speaches and vLLM; whisper.cpp has only `GET /health`.
    """
    async with open_session(settings) as session:
        reply = await _get(settings, session, "/v1/models")
        if reply.status in (404, 405, 501):
            reply = await _get(settings, session, "/health")
            if reply.status == 404:
                return f"{settings.host} answers, but has neither /v1/models nor /health: is it a speech server?"
        if error := error_of(reply, server=settings.host, model=settings.model, key=settings.api_key):
            raise ServerAway(str(error)) if isinstance(error, ChildDied | MediaRefused) else error
    return f"{settings.model} at {settings.host}{_doubt(reply, settings.model)}"


def _doubt(reply: Reply, model: str) -> str:
    """Says so when the server lists models and ours is not among them; some take other names for what they have."""
    try:
        rows = json.loads(reply.body)["data"]
        names = [row["id"] for row in rows if isinstance(row["id"], str)]
    except (ValueError, RecursionError, LookupError, TypeError):
        return ", which answers"
    if model in names:
        return ", which lists it"
    listed = ", ".join(excerpt(name, 60) for name in names[:_MOST_MODELS]) + (
        "..." if len(names) > _MOST_MODELS else ""
    )
    return f", which answers but does not list it; it lists {listed or 'none'}"


async def _get(settings: RemoteSettings, session: aiohttp.ClientSession, path: str) -> Reply:
    timeout = aiohttp.ClientTimeout(total=ASK_SECONDS, sock_connect=CONNECT_SECONDS)
    async with (
        told(settings, f"did not answer within {ASK_SECONDS:g} s"),
        session.get(settings.at(path), timeout=timeout, allow_redirects=False) as response,
    ):
        return await receive(response, MEBIBYTE)


def open_session(settings: RemoteSettings) -> aiohttp.ClientSession:
    """A session that goes straight to the server: no proxy of the environment, no cookies, nothing to unpack."""
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "earshot"}
    if settings.api_key:
        headers["Authorization"] = f"Bearer {settings.api_key}"
    return aiohttp.ClientSession(
        headers=headers,
        # A connection for each recording: one that was kept may be closed by the server just when it is used again.
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )


async def receive(response: aiohttp.ClientResponse, most: int) -> Reply:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > most:
            raise ChildDied(f"the speech server {response.url.authority} answered with more than {most} bytes")
    return Reply(
        status=response.status,
        kind=response.content_type,
        body=bytes(body),
        retry_after=response.headers.get("Retry-After"),
    )


@asynccontextmanager
async def told(settings: RemoteSettings, late: str) -> AsyncIterator[None]:
    """aiohttp's errors as ours. Who never came through is away; who breaks off may have died of the recording."""
    where = f"the speech server {settings.host}"
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise ServerAway(f"{where} cannot be reached: {_reason(error)}; check speech.server.url") from error
    except TimeoutError as error:
        raise ChildDied(f"{where} {late}") from error
    except aiohttp.ClientError as error:
        raise ChildDied(f"{where} broke off: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """What the system says, else the error's kind: some texts of aiohttp repeat the request."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not valid: {error.certificate_error}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or type(error.os_error).__name__
    return type(error).__name__
