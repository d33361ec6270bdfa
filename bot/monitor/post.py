"""One post through a batch: a message, or the items of an album, which are one post. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.model import ChannelId, Item, Key, Match, Message, MessageId, Unread
from bot.store import Known

Forms = frozenset[tuple[str, str]]
# What names a post: the key of its message, or channel and album.
PostName = Key | tuple[ChannelId, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A raw message and what it says."""

    unread: Unread
    message: Message


def post_name(message: Message) -> PostName:
    """The post that a message is, or is an item of."""
    return message.key if message.album_id is None else (message.channel_id, message.album_id)


def states(readings: Iterable[Reading]) -> list[list[Reading]]:
    """The readings, in order, as states of posts: an album's items together, until one of them comes again."""
    found: list[list[Reading]] = []
    newest: dict[PostName, list[Reading]] = {}
    for reading in readings:
        name = post_name(reading.message)
        state = newest.get(name)
        if state is None or any(reading.message.key == other.message.key for other in state):
            state = newest[name] = []
            found.append(state)
        state.append(reading)
    return found


@dataclass(slots=True)
class Standing:
    """A post as it stands while a batch is gone through."""

    # Its items in their newest states, by id.
    items: dict[MessageId, Item] = field(default_factory=dict)
    # The (rule, form) pairs that have alerted on it.
    forms: Forms = frozenset()

    def take(self, news: Sequence[Item]) -> tuple[Item, ...]:
        """The post with these states of some of its items; one that is older than what stands does not stay."""
        told = {item.message.message_id: item for item in news}
        now = self.items | told
        self.items |= {
            number: item
            for number, item in told.items()
            if number not in self.items or not _older(item, self.items[number])
        }
        return tuple(now[number] for number in sorted(now))

    def news(self, matches: Iterable[Match]) -> list[Match]:
        """Those of the matches that have a form which has not alerted; from now on it has."""
        fresh = []
        for match in matches:
            if match.forms - self.forms:
                self.forms |= match.forms
                fresh.append(match)
        return fresh


def siblings(known: Mapping[Key, Known]) -> Iterator[Message]:
    """All messages that are of one post with a known one."""
    for one in known.values():
        yield from (item.message for item in one.siblings)


def before_edit(state: Sequence[Reading], post: Standing, known: Mapping[Key, Known]) -> tuple[Item, ...]:
    """The post as it stood, when one of these states is an edit of it; else nothing."""
    old: dict[MessageId, Item] = {}
    for one in state:
        latest = known[one.message.key].latest
        item = post.items.get(one.message.message_id)
        if item is None and latest is not None:
            item = Item(message=latest, transcript=known[one.message.key].transcript)
        if item is not None and is_edit(item.message, one.message):
            old[one.message.message_id] = item
    whole = {**post.items, **old}
    return tuple(whole[number] for number in sorted(whole)) if old else ()


def standings(readings: Sequence[Reading], known: Mapping[Key, Known]) -> dict[PostName, Standing]:
    """The posts of a batch as they stood before it."""
    posts: dict[PostName, Standing] = {}
    for reading in readings:
        before = known[reading.message.key]
        post = posts.setdefault(post_name(reading.message), Standing())
        post.forms |= before.forms
        post.take(before.siblings)
    return posts


def standing(siblings: Sequence[Item], forms: Forms) -> Standing:
    """A post as it stands: its items, and the (rule, form) pairs that have alerted on it."""
    post = Standing(forms=forms)
    post.take(siblings)
    return post


def bearer(match: Match, numbers: Iterable[MessageId]) -> MessageId:
    """Which of these items an alert names: the one with the first hit, else the one with the lowest id."""
    among = set(numbers)
    return next((span.item for span in match.spans if span.item in among), min(among))


def borne(match: Match, number: MessageId) -> Match:
    """The match as that of one message: `Span.item` is left where the words are another item's."""
    spans = tuple(replace(span, item=None) if span.item == number else span for span in match.spans)
    return replace(match, spans=spans)


def is_edit(before: Message, after: Message) -> bool:
    """Whether a state is a newer one of the same message, and says something else."""
    return before != after and _stamp(after) >= _stamp(before)


def _older(item: Item, than: Item) -> bool:
    return _stamp(item.message) < _stamp(than.message)


def _stamp(message: Message) -> tuple[float, bool]:
    """Orders the states of a message. Telegram counts in seconds: an edit may carry the second of the post."""
    return (message.edited_at or message.posted_at).timestamp(), message.edited_at is not None
