"""What a speech server's refusals mean: whose fault it is, and so whether another try can help. Pure."""

import json
import re
from dataclasses import dataclass
from typing import Any

from bot.errors import ChildDied, MediaRefused, ModelMissing, ServerAway, SpeechError
from bot.speech.remote.verbose_json import clean

_EXCERPT = 200
_MOST_WAIT_SECONDS = 3600.0
# Too early, too many, gateways without a back end, a model that is being loaded (whisper.cpp: 503).
_BUSY = frozenset({408, 425, 429, 502, 503, 504})
_MEDIA = {413: "too-large", 415: "container"}
# Fields of the request that stand for the settings and not for the recording.
_SETTINGS = re.compile(r"verbose_json|response_format|timestamp_granularit|\(model\)|'model'", re.IGNORECASE)
_LANGUAGE = re.compile(r"\blanguage\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A server's whole answer; `kind` is its media type, `retry_after` that header as it came."""

    status: int
    kind: str
    body: bytes
    retry_after: str | None = None


def error_of(reply: Reply, *, server: str, model: str, key: str | None) -> SpeechError | None:
    """The error in `reply`, None when it is an answer. `key` is taken out of whatever the server says.

    MediaRefused: the server does not take this recording. ModelMissing: it takes none with these settings. ServerAway:
    not now. ChildDied: it failed, perhaps because of the recording.
    """
    if reply.status == 200:
        return None if _is_json(reply) else ModelMissing(_no_json(reply, server))
    said = _said(reply, key)
    text = f"the speech server {server} answered {reply.status}{f': {said}' if said else ''}"
    if reply.status in _BUSY:
        return ServerAway(text, retry_after=_wait(reply.retry_after))
    if reply.status >= 500:
        return ChildDied(text)
    if reason := _MEDIA.get(reply.status):
        return MediaRefused(reason, text)
    if reply.status in (400, 422) and not _SETTINGS.search(said):
        # Without a word of why it may be the server's fault.
        return MediaRefused("refused", text) if said else ChildDied(text)
    return ModelMissing(f"{text}; {_advice(reply.status, model)}")


def is_about_language(reply: Reply) -> bool:
    """Whether the server refused the request for the language that was given."""
    return reply.status in (400, 422) and bool(_LANGUAGE.search(_said(reply, None)))


def excerpt(text: str, most: int = _EXCERPT) -> str:
    """The beginning of what a server says, as one clean line."""
    line = clean(text).strip()
    return line if len(line) <= most else line[: most - 3] + "..."


def _is_json(reply: Reply) -> bool:
    """By its type, or by its looks: whisper.cpp and others are not strict about the first."""
    return reply.kind.endswith("json") or reply.body.lstrip()[:1] == b"{"


def _no_json(reply: Reply, server: str) -> str:
    return (
        f"the speech server {server} answered with {excerpt(reply.kind, 60)} instead of JSON; speech.server.url must "
        "lead to a server with OpenAI's /v1/audio/transcriptions"
    )


def _advice(status: int, model: str) -> str:
    name = excerpt(model, 80)
    if status in (401, 403):
        return "set its key with speech.server.api_key_file or EARSHOT_SPEECH_KEY"
    if status == 404:
        return (
            f"check that speech.server.url leads to OpenAI's /v1/audio/transcriptions, and that the server has the model "
            f"{name} (speech.server.model)"
        )
    if 300 <= status < 400:
        return "it wants us elsewhere; set speech.server.url to the final address"
    return f"check speech.server.url and speech.server.model ({name})"


def _wait(header: str | None) -> float | None:
    """Seconds of a Retry-After, an hour at most; None without one, or for the form with a date, which nobody sends here."""
    if header is None or not re.fullmatch(r"[0-9]{1,9}", header.strip()):
        return None
    return min(float(header), _MOST_WAIT_SECONDS)


def _said(reply: Reply, key: str | None) -> str:
    """What the body says, without the key; empty for a body that is no text of an error."""
    text = reply.body[: 64 * 1024].decode("utf-8", "replace")
    try:
        text = _message(json.loads(text))
    except (ValueError, RecursionError):
        # A page for people says nothing that the status does not.
        text = "" if "<" in text[:200] else text
    if key:
        text = text.replace(key, "...")
    return excerpt(text)


def _message(body: Any) -> str:
    """OpenAI: {error: {message, param}}; FastAPI: {detail: text or [{loc, msg}]}; whisper.cpp: {error: text}."""
    for name in ("error", "detail", "message"):
        if isinstance(body, dict) and body.get(name):
            return _message(body[name]) if name != "message" else _with_place(body)
    if isinstance(body, dict) and "msg" in body:
        return f"{body.get('loc', '')} {body['msg']}".strip()
    if isinstance(body, list):
        return "; ".join(_message(row) for row in body[:3])
    return body if isinstance(body, str) else ""


def _with_place(body: dict[str, Any]) -> str:
    param = body.get("param")
    return f"{body['message']}" + (f" ({param})" if isinstance(param, str) and param else "")
