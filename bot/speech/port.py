"""What turns recordings into transcripts, wherever the model runs."""

from pathlib import Path
from typing import Protocol

from bot.model import Transcript


class Transcriber(Protocol):
    """Implemented by `LocalTranscriber` (a process of ours) and by `RemoteTranscriber` (an OpenAI-compatible server)."""

    @property
    def capacity(self) -> int:
        """How many recordings it takes at once; more wait."""

    async def start(self) -> None:
        """Get ready, so that the first recording need not wait. Raises ModelMissing when that cannot be."""

    async def close(self) -> None:
        """End, in the middle of recordings if need be (which then raise ChildDied)."""

    async def transcribe(self, path: Path, *, language: str | None, declared_seconds: float | None) -> Transcript:
        """What is said in the file at `path`; `language` is a hint (ISO 639-1).

        Raises MediaRefused (this recording is not to be tried again), ChildDied or ModelMissing (it is).
        """
