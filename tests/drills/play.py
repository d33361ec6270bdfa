"""A play: a few channels, and a seeded script of what they post, edit and delete, over a few seconds of real time."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from bot.sandbox.chats import Chat

RECORDINGS = Path(__file__).parents[1] / "speech" / "recordings"
# Recordings that hold a word of a rule.
VOICES = ("voice_007.ogg", "voice_033.ogg", "voice_034.ogg", "voice_043.ogg")
# Rule -> its word, as in rules/drill.yaml.
WORDS = {"alpha": "ракета", "beta": "генерал", "gamma": "потери"}


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that a channel does, so many seconds after the play began."""

    at: float
    channel: int
    do: Callable[[Chat], object]


@dataclass(slots=True)
class Play:
    """The script, and when each event of each channel came about. `acts` are in order."""

    acts: list[Act]
    # (marked channel id, pts) -> monotonic time.
    moments: dict[tuple[int, int], float] = field(default_factory=dict)

    async def perform(self, chats: list[Chat]) -> None:
        """Act it out."""
        start = time.monotonic()
        for act in self.acts:
            await asyncio.sleep(max(start + act.at - time.monotonic(), 0))
            act.do(chats[act.channel % len(chats)])
            self.stamp(chats)

    def stamp(self, chats: list[Chat]) -> None:
        """Note the moment of every event that is new."""
        now = time.monotonic()
        for chat in chats:
            for event in reversed(chat.log.events):
                if (chat.channel_id, event.pts) in self.moments:
                    break
                self.moments[chat.channel_id, event.pts] = now


def script(seed: int, *, seconds: float = 2.0, acts: int = 36, channels: int = 4, voices: int = 0) -> Play:
    """The play of this seed: mostly posts, and edits, deletions, albums, service messages and bursts among them."""
    rng = random.Random(f"play {seed}")
    numbers = count(1)
    kinds = ["post"] * 16 + ["edit"] * 9 + ["delete"] * 4 + ["album"] * 2 + ["service"] * 2 + ["restricted", "burst"]
    chosen = [*rng.choices(kinds, k=acts - voices), *["voice"] * voices]
    rng.shuffle(chosen)
    moments = sorted(rng.uniform(0.0, seconds) for _ in chosen)
    return Play(
        [Act(at, rng.randrange(channels), _deed(kind, rng, numbers)) for at, kind in zip(moments, chosen, strict=True)]
    )


def text_of(rng: random.Random, number: int) -> str:
    """A text that no other state of any post has; two in five hold a word of a rule."""
    word = rng.choice(list(WORDS.values())) if rng.random() < 0.4 else "тихо"
    return f"Запись {number}: {word}, сообщают с места"


def _deed(kind: str, rng: random.Random, numbers: Iterator[int]) -> Callable[[Chat], object]:
    """What an act does; everything random is drawn here, so that a seed is a script whatever the timing."""
    text, where = text_of(rng, next(numbers)), rng.random()
    match kind:
        case "edit":
            return lambda chat: _on_living(chat, where, lambda one: chat.edit(one, text), lambda: chat.post(text))
        case "delete":
            return lambda chat: _on_living(chat, where, lambda one: chat.delete(one), lambda: chat.post(text))
        case "album":
            photo = rng.randbytes(64)
            return lambda chat: chat.album([{"photo": photo, "text": text}, {"photo": photo}, {"photo": photo}])
        case "service":
            return lambda chat: chat.set_title(text)
        case "restricted":
            return lambda chat: chat.post(text, restricted="terms")
        case "burst":
            texts = [text_of(rng, next(numbers)) for _ in range(12)]
            return lambda chat: [chat.post(one) for one in texts]
        case "voice":
            voice = RECORDINGS / rng.choice(VOICES)
            return lambda chat: chat.post(voice=voice)
    return lambda chat: chat.post(text)


def _on_living(chat: Chat, where: float, do: Callable[[int], object], otherwise: Callable[[], object]) -> object:
    """Do it to one of the newest living posts of text; where there is none, do the other thing."""
    living = [one.id for one in chat.messages[-20:] if not one.deleted and one.text and one.tl.media is None]
    return do(living[int(where * len(living))]) if living else otherwise()
