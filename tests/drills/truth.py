"""What really happened: every id of every watched channel with all its states, from the sandbox's own log."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from telethon.tl import types

from bot.sandbox.chats import Chat
from tests.drills.play import Play

Address = tuple[int, int]  # (marked channel id, message id)


@dataclass(frozen=True, slots=True)
class State:
    """One state of a post. Times are monotonic; `until` is infinite for one that lasts."""

    text: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Post:
    """One id: its states in order, and what became of it."""

    address: Address
    states: tuple[State, ...]
    service: bool
    restricted: bool
    voice: bool
    deleted_at: float | None
    album_id: int | None


Truth = Mapping[Address, Post]


def truth_of(chats: Sequence[Chat], play: Play) -> Truth:
    """Everything that was ever posted, by address."""
    posts = (_post(chat, message_id, play) for chat in chats for message_id in range(1, chat.log.top_id + 1))
    return {post.address: post for post in posts}


def _post(chat: Chat, message_id: int, play: Play) -> Post:
    entry = chat.entry(message_id)
    happened = [
        (event.kind, play.moments.get((chat.channel_id, event.pts), 0.0))
        for event in chat.log.events
        if message_id in event.ids
    ]
    deleted_at = next((at for kind, at in happened if kind == "delete"), None)
    texts = [*(edit.text for edit in entry.edits), entry.tl.message or ""]
    # A nemesis makes bulk events: edits in the counter alone, after all others.
    begins = [at for kind, at in happened if kind in ("new", "edit")][: len(texts)]
    ends = [*begins[1:], float("inf") if deleted_at is None else deleted_at]
    return Post(
        address=(chat.channel_id, message_id),
        states=tuple(State(text, since, until) for text, since, until in zip(texts, begins, ends, strict=True)),
        service=isinstance(entry.tl, types.MessageService),
        restricted=bool(getattr(entry.tl, "restriction_reason", None)),
        voice=bool(getattr(entry.tl, "media", None)) and isinstance(entry.tl.media, types.MessageMediaDocument),
        deleted_at=deleted_at,
        album_id=getattr(entry.tl, "grouped_id", None),
    )


# Seconds after which pushes flow again, once a fault has ended.
STEADY = 1.5
# Seconds within which a push of a sound connection has been stored, also on a busy machine: a gap waits for half a second.
PROMPT = 1.0


@dataclass(frozen=True, slots=True)
class Weather:
    """When something was broken, as (from, to) on the monotonic clock, and how often the listener sweeps."""

    faults: tuple[tuple[float, float], ...]
    sweep_seconds: float

    def could_be_seen(self, state: State) -> bool:
        """Whether the listener cannot excuse not having this state.

        It was born in fair weather and stood there until its push had time to arrive, or it stood through more than a
        whole sweep of fair weather. What was overwritten or deleted while we were cut off, no client can ever ask for.
        """
        born_fair = any(low <= state.since <= high - PROMPT for low, high in self._fair())
        swept = self.sweep_seconds * 1.1 + PROMPT
        return born_fair or any(min(state.until, high) - max(state.since, low) >= swept for low, high in self._fair())

    def _fair(self) -> Iterable[tuple[float, float]]:
        """The stretches without a fault, each from when pushes flow again."""
        begin = 0.0
        for low, high in sorted(self.faults):
            if low > begin:
                yield begin, low
            begin = max(begin, high + STEADY)
        yield begin, float("inf")
