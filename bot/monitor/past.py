"""The rules held against the archive: the engine of the live way, over whole posts in their newest states."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass, replace

import structlog

from bot.canary import CANARY
from bot.model import Channel, ChannelId, Item, Kind, Match, MessageId
from bot.monitor.post import PostName, bearer, borne, post_name
from bot.monitor.subject import any_post, subject
from bot.rules import Rule, RuleSet
from bot.store import Page, Past, Raised, Store, Window

log = structlog.get_logger()

# Messages on the first page and at most; pages grow, so that a search ends soon and a long way is not many steps.
FIRST_PAGE = 100
LONGEST_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """A post of the archive, and what a rule finds in it."""

    past: Past
    match: Match

    @property
    def item(self) -> Item:
        """The item that an alert would name."""
        number = bearer(self.match, self.past.versions)
        return next(item for item in self.past.items if item.message.message_id == number)

    def raised(self, sinks: tuple[str, ...]) -> Raised:
        """The alert that it would be, marked as one from the archive."""
        message = self.item.message
        return Raised(
            key=message.key,
            version=self.past.versions[message.message_id],
            match=replace(borne(self.match, message.message_id), archive=True),
            sinks=sinks,
        )


async def look_back(
    store: Store, rules: RuleSet, window: Window, *, looked: Callable[[int], None] = lambda _: None
) -> AsyncGenerator[Fired, None]:
    """Every match in the window, the newest post first. `looked` is told how many more messages were read.

    The answer is that of the live way, for each post's newest state: the same engine is given the same fields, an album
    as one post. Nothing is left out beforehand but what no rule can be for: other channels (`admitting`), service
    messages and the canary's. The full-text index is asked only where the window has a wish (a search): it knows words
    as they are written, so a word in look-alike letters, with stars in it or spread over the line is not found there,
    and a backtest must find it.
    """
    seen: set[PostName] = set()
    async with aclosing(_pages(store, window)) as pages:
        async for page in pages:
            for past in page.posts:
                name = post_name(past.items[0].message)
                if name not in seen:
                    for match in _held(rules, past):
                        yield Fired(past=past, match=match)
                # Only an album can come again.
                if isinstance(name, tuple):
                    seen.add(name)
            looked(page.messages)
            # A page is one long step: here whoever wants it stopped is heard.
            await asyncio.sleep(0)


async def _pages(store: Store, window: Window) -> AsyncGenerator[Page, None]:
    after, limit = None, FIRST_PAGE
    while True:
        page = await store.archive.page(window, after=after, limit=limit)
        yield page
        if page.after is None:
            return
        after, limit = page.after, min(2 * limit, LONGEST_PAGE)


def _held(rules: RuleSet, past: Past) -> tuple[Match, ...]:
    items = [item for item in past.items if item.message.kind is not Kind.SERVICE]
    if not items or past.channel.category == CANARY:
        return ()
    try:
        return rules.match(subject(items, channel=past.channel, origins=past.origins))
    except Exception:
        # As on the live way: a fault of ours on one post hides no other.
        number: MessageId = items[0].message.message_id
        log.exception("the rules failed on a post", channel=past.channel.channel_id, message=number)
        return ()


def admitting(rule: Rule, channels: Collection[Channel]) -> list[ChannelId]:
    """The channels in which the rule could fire at all."""
    return [channel.channel_id for channel in channels if rule.scope.admits(any_post(channel))]
