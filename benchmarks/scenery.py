"""What happens in the sandbox's process: channels, posts, and what was asked of the server."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass

from bot.model import Channel, ChannelId, ChannelState, Entity, MessageId, Mode
from bot.sandbox import Sandbox
from bot.sandbox.chats import Chat
from bot.sandbox.world import User

SEED = 58
# Of every channel; as the configuration has it, so that a start has nothing to change.
CATEGORY = "milblogger"
# Ten pixels, as a photo's bytes: what is in a file plays no part here.
_PIXELS = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de")


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A post, and the moment when the server had it, on the clock that all processes share (`time.monotonic`)."""

    channel_id: int
    message_id: int
    at: float


def words(rng: random.Random, count: int) -> list[str]:
    """Invented Cyrillic words of 2 to 5 syllables."""
    syllables = [a + b for a in "бвгджзклмнпрстфхцчш" for b in "аеиоуыяё"]
    return ["".join(rng.choices(syllables, k=rng.randint(2, 5))) for _ in range(count)]


class Author:
    """Writes posts as posts look: 30 to 120 words, one of them bold, every tenth with a photo."""

    def __init__(self, seed: int = SEED) -> None:
        self._rng = random.Random(seed)
        self._words = words(self._rng, 20_000)
        self._weights = [1 / (rank + 3) for rank in range(len(self._words))]

    def text(self) -> str:
        """The words of a post."""
        return " ".join(self._rng.choices(self._words, self._weights, k=self._rng.randint(30, 120)))

    def post(self, chat: Chat) -> int:
        """Post in a channel; the message id."""
        text = self.text()
        bold = Entity(kind="bold", start=0, length=text.index(" "))
        if self._rng.random() < 0.1:
            return chat.post(text, entities=[bold], photo=_PIXELS, views=self._rng.randint(1, 50_000))
        return chat.post(text, entities=[bold], views=self._rng.randint(1, 50_000))


def make_channels(sandbox: Sandbox, count: int) -> tuple[int, list[Channel]]:
    """A watcher's user id, and `count` channels that it has joined, as Earshot pins them."""
    watcher = sandbox.world.add_user("Watcher", phone="+9990000001")
    return watcher.id, fill_world(sandbox, watcher, count)


def fill_world(sandbox: Sandbox, watcher: User, count: int) -> list[Channel]:
    """`count` channels with one post each, which `watcher` has joined, as Earshot pins them."""
    world = sandbox.world
    # A thousand is what Telegram allows a Premium account.
    world.limits.channels = max(world.limits.channels, count)
    author = Author()
    pinned = []
    for number in range(count):
        chat = world.add_channel(f"Channel {number + 1}", handle=f"channel{number + 1:04}")
        chat.invite(watcher)
        author.post(chat)
        pinned.append(_pinned(chat, watcher.id))
    return pinned


def _pinned(chat: Chat, user_id: int) -> Channel:
    return Channel(
        channel_id=ChannelId(chat.channel_id),
        access_hash=chat.world.access_hash(user_id, chat.key),
        handle=chat.handle,
        title=chat.title,
        category=CATEGORY,
        mode=Mode.JOIN,
        joined=True,
        pts=chat.log.pts,
        top_id=MessageId(chat.log.top_id),
        watch_from=MessageId(chat.log.top_id + 1),
        state=ChannelState.ACTIVE,
    )


def post_everywhere(sandbox: Sandbox, total: int) -> None:
    """So many posts, spread evenly, while nobody listens."""
    author = Author()
    chats = list(sandbox.world.channels.values())
    for number in range(total):
        author.post(chats[number % len(chats)])


async def post_steadily(sandbox: Sandbox, seconds: float, per_second: float, seed: int = SEED) -> list[Posted]:
    """Post in channels drawn at random, at an even rate."""
    author, rng = Author(seed), random.Random(seed)
    chats = list(sandbox.world.channels.values())
    posted = []
    begin = time.monotonic()
    for number in range(round(seconds * per_second)):
        await asyncio.sleep(max(0.0, begin + number / per_second - time.monotonic()))
        chat = rng.choice(chats)
        at = time.monotonic()
        posted.append(Posted(channel_id=chat.channel_id, message_id=author.post(chat), at=at))
    return posted


async def post_once_each(sandbox: Sandbox, per_second: float) -> list[Posted]:
    """One post in every channel."""
    author = Author()
    posted = []
    for chat in list(sandbox.world.channels.values()):
        at = time.monotonic()
        posted.append(Posted(channel_id=chat.channel_id, message_id=author.post(chat), at=at))
        await asyncio.sleep(1 / per_second)
    return posted


def forget_calls(sandbox: Sandbox) -> None:
    """Count from here."""
    sandbox.calls.clear()


def count_calls(sandbox: Sandbox) -> dict[str, int]:
    """How often each method was called."""
    return dict(Counter(call.method for call in sandbox.calls))


def swallow(sandbox: Sandbox, channel_ids: list[int]) -> None:
    """No pushes for these channels from now on."""
    for channel_id in channel_ids:
        sandbox.faults.swallow_push(channel_id, True)


def hear_again(sandbox: Sandbox) -> None:
    """No more faults, but for the latency."""
    for chat in sandbox.world.channels.values():
        sandbox.faults.swallow_push(chat, 0)


def set_latency(sandbox: Sandbox, seconds: float) -> None:
    """Let each call take so long, whatever it asks."""
    sandbox.faults.latency(seconds)
