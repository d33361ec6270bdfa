"""What turns recordings into transcripts, wherever the model runs."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from bot.transcript import Transcript

# Whether a recording of this fingerprint (see `fingerprint`) is known: then it is not transcribed.
HeardBefore = Callable[[bytes], Awaitable[bool]]


class Transcriber(Protocol):
    """Implemented by `LocalTranscriber` (a process of ours) and by `RemoteTranscriber` (an OpenAI-compatible server)."""

    @property
    def capacity(self) -> int:
        """How many recordings it takes at once; more wait."""

    def expect(self, hot_words: str) -> None:
        """Tell the decoder of the recordings after this to expect these names, as written between commas; "" for none."""

    async def start(self) -> None:
        """Get ready, so that the first recording need not wait. Raises ModelMissing when that cannot be."""

    async def close(self) -> None:
        """End, in the middle of recordings if need be (which then raise ChildDied)."""

    async def transcribe(
        self,
        path: Path,
        *,
        language: str | None,
        declared_seconds: float | None,
        heard_before: HeardBefore | None = None,
    ) -> Transcript:
        """What is said in the file at `path`; `language` is a hint (ISO 639-1).

        `heard_before` is asked before the model is, where the sound has a fingerprint and can be had (a server does not
        give it to us). Raises MediaRefused (this recording is not to be tried again), ChildDied, ServerAway or
        ModelMissing (it is), and errors.HeardBefore.
        """
