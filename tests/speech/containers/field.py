"""What all bends of containers share."""

import random
from collections.abc import Callable, Sequence

Bend = Callable[[random.Random, bytes], bytes]
Bends = Sequence[Bend]
_WORDS = (0, 1, 2, 255, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def word(chance: random.Random, width: int) -> int:
    """A number of `width` bytes, mostly one of those where signs and sizes go wrong."""
    return (chance.choice(_WORDS) if chance.random() < 0.7 else chance.getrandbits(32)) % 2 ** (8 * width)
