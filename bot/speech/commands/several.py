"""Many recordings through one transcriber, as many at once as it takes."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.errors import ModelMissing, SpeechError
from bot.model import Transcript
from bot.speech.port import Transcriber

Outcome = Transcript | SpeechError


async def transcribe_all(
    transcriber: Transcriber,
    paths: Sequence[Path],
    done: Callable[[int, Outcome], None],
    *,
    language: str | None = None,
) -> None:
    """Call `done` with the place in `paths` and the outcome of each recording, as they end, in any order.

    What is refused, or kills the speech process, is an outcome. ModelMissing is raised: nothing can be transcribed then.
    """
    gate = asyncio.Semaphore(transcriber.capacity)

    async def one(place: int, path: Path) -> None:
        async with gate:
            done(place, await _outcome(transcriber, path, language))

    tasks = [asyncio.create_task(one(place, path)) for place, path in enumerate(paths)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _outcome(transcriber: Transcriber, path: Path, language: str | None) -> Outcome:
    try:
        return await transcriber.transcribe(path, language=language, declared_seconds=None)
    except ModelMissing:
        raise
    except SpeechError as error:
        return error
