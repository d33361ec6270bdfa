"""Many recordings through one transcriber, as many at once as it takes."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.errors import ModelMissing, ServerAway, SpeechError
from bot.speech.port import Transcriber
from bot.transcript import Transcript

Outcome = Transcript | SpeechError
# Seconds before a recording is tried again that a busy server did not take; more when it says so, to a minute.
WAITS = (1.0, 4.0, 15.0)
_MOST_WAIT = 60.0


async def transcribe_all(
    transcriber: Transcriber,
    paths: Sequence[Path],
    done: Callable[[int, Outcome], None],
    *,
    language: str | None = None,
    waits: Sequence[float] = WAITS,
) -> None:
    """Call `done` with the place in `paths` and the outcome of each recording, as they end, in any order.

    What is refused, or kills the speech process, is an outcome. So is a server that is away after all the `waits`; then
    it is waited for no longer for the others. ModelMissing is raised: nothing can be transcribed then.
    """
    gate = asyncio.Semaphore(transcriber.capacity)
    left = list(waits)

    async def one(place: int, path: Path) -> None:
        async with gate:
            outcome = await _outcome(transcriber, path, language, left)
        if isinstance(outcome, ServerAway):
            left.clear()
        done(place, outcome)

    tasks = [asyncio.create_task(one(place, path)) for place, path in enumerate(paths)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _outcome(transcriber: Transcriber, path: Path, language: str | None, waits: Sequence[float]) -> Outcome:
    """`waits` may become fewer meanwhile."""
    tries = 0
    while True:
        try:
            return await transcriber.transcribe(path, language=language, declared_seconds=None)
        except ModelMissing:
            raise
        except ServerAway as error:
            if tries >= len(waits):
                return error
            await asyncio.sleep(min(max(waits[tries], error.retry_after or 0.0), _MOST_WAIT))
            tries += 1
        except SpeechError as error:
            return error
