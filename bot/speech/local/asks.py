"""What a recording on its way through the model asks for; whoever runs it chooses the order, and what goes together."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.speech.local.mel import Features
from bot.speech.local.model import Prompted


@dataclass(frozen=True, slots=True)
class Work:
    """A call of its own, answered with what it returns; `front`: it needs no model (files, voice activity, mel)."""

    run: Callable[[], Any]
    front: bool = False


@dataclass(frozen=True, slots=True)
class Encode:
    """A window of the spectrogram, answered with its encoder output."""

    window: Features


@dataclass(frozen=True, slots=True)
class Decode:
    """Answered with `Decoded`. Windows of the same limit, temperature and lengths may be decoded together."""

    asked: Prompted
    limit: int
    temperature: float = 0.0

    @property
    def key(self) -> tuple[object, ...]:
        """What they must have in common. A sample is drawn for each alone, so that company does not change it."""
        alone = id(self) if self.temperature else None
        return self.limit, self.temperature, self.asked.encoded.shape, len(self.asked.prompt), alone


@dataclass(frozen=True, slots=True)
class Signal:
    """A word from whoever wants the recording: answered by `Driver.answer`."""


@dataclass(frozen=True, slots=True)
class Together:
    """Hearings of the same recording, side by side; answered with a list of what they return, in their order."""

    hearings: Sequence["Hearing[Any]"]


Ask = Work | Encode | Decode | Signal | Together
T = TypeVar("T")
# Yields what it needs, is sent the answers, returns the result.
Hearing = Generator[Ask, Any, T]
