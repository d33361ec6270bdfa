"""A speech server in a process of its own: real faster-whisper behind `/v1/audio/transcriptions`, in several shapes.

    python -m tests.speech.server MODEL_FOLDER

prints the port on loopback that it took. The first part of a path chooses the shape of the answers or a fault, as
`/speaches/v1/audio/transcriptions`. Shapes are those of the servers' own sources: speaches (executors/whisper.py), vLLM
(entrypoints/openai/speech_to_text), whisper.cpp (examples/server/server.cpp), OpenAI (its published example).
`GET /seen` tells what the last upload brought.
"""

import asyncio
import hashlib
import io
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import BodyPartReader, web
from faster_whisper import WhisperModel

Segments = list[Any]
KEY = "sk-kept-out-of-every-log"
MODEL = "test/tiny"


class Server:
    """One model, and what the last upload brought."""

    def __init__(self, folder: str) -> None:
        self._model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=1)
        self._lock = asyncio.Lock()
        # What was heard, by bytes, language and prompt: each shape of the same answer costs no second run.
        self._heard: dict[tuple[str, str | None, str | None], tuple[Segments, Any]] = {}
        self.seen: dict[str, Any] = {}

    def application(self) -> web.Application:
        application = web.Application(client_max_size=200_000_000)
        application.router.add_post("/{shape}/v1/audio/transcriptions", self._transcribe)
        application.router.add_get("/{shape}/v1/models", _models)
        application.router.add_get("/{shape}/health", _health)
        application.router.add_get("/seen", self._tell)
        return application

    async def _tell(self, _: web.Request) -> web.Response:
        return web.json_response(self.seen)

    async def _transcribe(self, request: web.Request) -> web.StreamResponse:
        shape = request.match_info["shape"]
        if fault := EARLY.get(shape):
            return await fault(request)
        fields, data = await _form(request)
        self.seen = {
            "fields": fields,
            "sha256": hashlib.sha256(data).hexdigest(),
            "headers": {name: value for name, value in request.headers.items() if name != "Authorization"},
            "key": request.headers.get("Authorization"),
        }
        if fault := FAULTS.get(shape):
            return await fault(request)
        if shape == "language" and "language" in dict(fields):
            return _error(400, "Unsupported language: 'xx'. Language code should be one of ...")
        segments, info = await self._hear(data, dict(fields).get("language"), dict(fields).get("prompt"))
        return web.json_response(SHAPES.get(shape, speaches)(segments, info))

    async def _hear(self, data: bytes, language: str | None, prompt: str | None) -> tuple[Segments, Any]:
        key = hashlib.sha256(data).hexdigest(), language, prompt
        async with self._lock:
            if key not in self._heard:
                self._heard[key] = await asyncio.to_thread(self._run, data, language, prompt)
        return self._heard[key]

    def _run(self, data: bytes, language: str | None, prompt: str | None) -> tuple[Segments, Any]:
        found, info = self._model.transcribe(
            io.BytesIO(data),
            language=language,
            initial_prompt=prompt,
            word_timestamps=True,
            vad_filter=True,
            condition_on_previous_text=False,
        )
        return list(found), info


async def _form(request: web.Request) -> tuple[list[tuple[str, str]], bytes]:
    """The fields in their order, the file by its name and type, and its bytes."""
    fields: list[tuple[str, str]] = []
    data = b""
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        assert part.name is not None
        if part.filename is not None:
            data = bytes(await part.read())
            fields.append((part.name, f"{part.filename} {part.headers['Content-Type']}"))
        else:
            fields.append((part.name, await part.text()))
    return fields, data


def speaches(segments: Segments, info: Any) -> dict[str, Any]:
    """Words beside the segments, without probabilities."""
    return {
        "task": "transcribe",
        "language": info.language,
        "duration": info.duration,
        "text": "".join(segment.text for segment in segments).strip(),
        "segments": [_segment(segment) for segment in segments],
        "words": [
            {"start": word.start, "end": word.end, "word": word.word} for segment in segments for word in segment.words
        ],
    }


def older_speaches(segments: Segments, info: Any) -> dict[str, Any]:
    """As its first versions: words with their probabilities."""
    answer = speaches(segments, info)
    words = [word for segment in segments for word in segment.words]
    for row, word in zip(answer["words"], words, strict=True):
        row["probability"] = word.probability
    return answer


def openai(segments: Segments, info: Any) -> dict[str, Any]:
    """The language by its name, the duration as text, words without blanks and punctuation."""
    words = [word for segment in segments for word in segment.words]
    return {
        **speaches(segments, info),
        "language": {"ru": "russian", "uk": "ukrainian", "en": "english"}.get(info.language, info.language),
        "duration": str(info.duration),
        "words": [{"word": word.word.strip(" .,!?-"), "start": word.start, "end": word.end} for word in words],
    }


def whisper_cpp(segments: Segments, info: Any) -> dict[str, Any]:
    """Tokens as words inside each segment: pieces of words, some of them halves of letters."""
    rows = []
    for segment in segments:
        row = {"id": segment.id, "text": segment.text, "start": segment.start, "end": segment.end}
        row |= {"tokens": segment.tokens, "avg_logprob": segment.avg_logprob, "temperature": 0.0}
        row |= {"no_speech_prob": segment.no_speech_prob, "words": []}
        for word in segment.words:
            middle = (word.start + word.end) / 2
            half = len(word.word) // 2 + 1
            times = {"t_dtw": -1, "probability": word.probability}
            row["words"].append({"word": word.word[:half], "start": word.start, "end": middle, **times})
            row["words"].append({"word": "\ufffd", "start": middle, "end": middle, **times})
            row["words"].append({"word": word.word[half:], "start": middle, "end": word.end, **times})
        rows.append(row)
    return {
        "task": "transcribe",
        "language": "russian" if info.language == "ru" else info.language,
        "duration": info.duration,
        "text": "".join(segment.text for segment in segments),
        "segments": rows,
        "detected_language": "russian" if info.language == "ru" else info.language,
        "detected_language_probability": info.language_probability,
        "language_probabilities": {info.language: info.language_probability},
    }


def no_words(segments: Segments, info: Any) -> dict[str, Any]:
    """whisper.cpp without time stamps of tokens."""
    answer = whisper_cpp(segments, info)
    for row in answer["segments"]:
        del row["words"]
    return answer


def vllm(segments: Segments, info: Any) -> dict[str, Any]:
    """No words, null where it does not know, the duration as text, segments stripped."""
    rows = []
    for segment in segments:
        row = {**_segment(segment), "text": segment.text.strip(), "no_speech_prob": None}
        rows.append(row)
    text = " ".join(row["text"] for row in rows)
    return {"duration": str(info.duration), "language": info.language, "text": text, "segments": rows, "words": None}


def bare(segments: Segments, info: Any) -> dict[str, Any]:
    """What a server says that knows only response_format=json."""
    return {"text": "".join(segment.text for segment in segments).strip(), "usage": {"type": "duration", "seconds": 1}}


SHAPES: dict[str, Callable[[Segments, Any], dict[str, Any]]] = {
    "speaches": speaches,
    "older-speaches": older_speaches,
    "openai": openai,
    "whisper.cpp": whisper_cpp,
    "no-words": no_words,
    "vllm": vllm,
    "bare": bare,
}


def _segment(segment: Any) -> dict[str, Any]:
    names = ("id", "seek", "start", "end", "text", "tokens", "temperature")
    return {name: getattr(segment, name) for name in (*names, "avg_logprob", "compression_ratio", "no_speech_prob")}


Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _error(status: int, message: str, param: str | None = None, **headers: str) -> web.Response:
    """As OpenAI and vLLM word it."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": status}
    return web.json_response(
        {"error": error}, status=status, headers={name.replace("_", "-"): v for name, v in headers.items()}
    )


def _always(status: int, message: str, param: str | None = None, **headers: str) -> Fault:
    async def answer(_: web.Request) -> web.StreamResponse:
        return _error(status, message, param, **headers)

    return answer


def _says(body: str, kind: str = "application/json", status: int = 200) -> Fault:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=body, content_type=kind, status=status)

    return answer


async def _echo_key(request: web.Request) -> web.StreamResponse:
    return _error(401, f"Incorrect API key provided: {request.headers.get('Authorization')}")


async def _sleep(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    return _error(500, "too late")


async def _trickle(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    for _ in range(600):
        await response.write(b" ")
        await asyncio.sleep(0.1)
    return response


async def _cut(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"text": "the fir')
    assert request.transport is not None
    request.transport.close()
    return response


async def _hang_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def _gigantic(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"text": "')
    for _ in range(100):
        await response.write(b"a" * 1_000_000)
    return response


async def _moved(request: web.Request) -> web.StreamResponse:
    raise web.HTTPTemporaryRedirect("http://127.0.0.1:9/elsewhere")


FAULTS: dict[str, Fault] = {
    "401": _echo_key,
    "403": _always(403, "Invalid API key. The provided API key is incorrect."),
    "404": _says('{"detail": "Model \'test/tiny\' is not installed locally."}', status=404),
    "400": _always(400, "Invalid or unsupported audio file."),
    "400-silent": _says("", status=400),
    "400-page": _says("<html><h1>Bad Request</h1></html>", "text/html", 400),
    "400-format": _always(400, "Currently do not support verbose_json for test/tiny"),
    "415": _says('{"detail": "Failed to decode audio. The provided file type is not supported."}', status=415),
    "422-model": _says('{"detail": [{"loc": ["body", "model"], "msg": "Field required"}]}', status=422),
    "422-file": _says('{"detail": [{"loc": ["body", "file"], "msg": "Expected a file"}]}', status=422),
    "429": _always(429, "Rate limit reached", Retry_After="7"),
    "500": _says('{"error":"failed to process audio"}', status=500),
    "503": _says('{"status":"loading model"}', status=503),
    "slow": _sleep,
    "trickle": _trickle,
    "cut": _cut,
    "hung-up": _hang_up,
    "gigantic": _gigantic,
    "moved": _moved,
    "garbage": _says('{"text": "the fir'),
    "page": _says("<html>Welcome to nginx</html>", "text/html"),
    "plain": _says("the transcript as text", "text/plain"),
    "deep": _says("[" * 200_000),
    "list": _says("[]"),
    "wrong-types": _says(json.dumps({"text": 5, "segments": "none"})),
}
# Answered before the upload is read, as a proxy does that looks at Content-Length.
EARLY: dict[str, Fault] = {
    "413": _always(413, "Maximum content size limit (26214400) exceeded"),
    "hung-up-early": _hang_up,
}


async def _models(request: web.Request) -> web.StreamResponse:
    shape = request.match_info["shape"]
    if shape in ("whisper.cpp", "page"):
        raise web.HTTPNotFound
    if shape in ("401", "500", "503", "slow"):
        return await FAULTS[shape](request)
    names = ["another/model", *(f"m{number}" for number in range(9))] if shape == "others" else [MODEL]
    return web.json_response({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


async def _health(request: web.Request) -> web.StreamResponse:
    if request.match_info["shape"] == "page":
        raise web.HTTPNotFound
    return web.json_response({"status": "ok"})


async def _serve(folder: str) -> None:
    runner = web.AppRunner(Server(folder).application(), shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    # Until whoever started us closes our input.
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
