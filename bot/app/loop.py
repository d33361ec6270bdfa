"""A loop of the service, as the composition root hands it around."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from bot.pulse import Pulse


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """One loop of the service, its wake-up, and the seconds of unbroken work after which it counts as stuck."""

    run: Callable[[], Coroutine[Any, Any, None]]
    pulse: Pulse
    bound: float
