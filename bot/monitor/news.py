"""What a pass brings to posts that has not alerted yet: pure, from what is read or heard and what the store knows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.model import Channel, ChannelId, How, Item, Key, Kind, Match
from bot.monitor import notices
from bot.monitor.batch import Batch
from bot.monitor.post import (
    PostName,
    Reading,
    Standing,
    bearer,
    before_edit,
    borne,
    post_name,
    standing,
    standings,
    states,
)
from bot.store import Appearance, Known
from bot.transcript import Transcript


@dataclass(slots=True)
class News:
    """The matches that one raw message brings, and those of the state before that it takes back."""

    matches: list[Match] = field(default_factory=list)
    before: list[Match] = field(default_factory=list)


def news(
    readings: Sequence[Reading], batch: Batch, channels: Mapping[ChannelId, Channel], known: Mapping[Key, Known]
) -> dict[int, News]:
    """By raw id, the matches that have a form which has not alerted: state by state, as they came."""
    posts = standings(readings, known)
    found: dict[int, News] = defaultdict(News)
    for state in states(readings):
        message = state[0].message
        items = [Item(message=one.message, transcript=known[one.message.key].transcript) for one in state]
        post = posts[post_name(message)]
        before = before_edit(state, post, known)
        whole = post.take(items)
        # The past is searched, it wakes nobody: neither does a post of which all that is new is from a backfill.
        if message.kind is Kind.SERVICE or all(one.unread.how is How.BACKFILL for one in state):
            continue
        raw_ids = {one.message.message_id: one.unread.raw_id for one in state}
        channel = channels[message.channel_id]
        into, out_of = batch.edited(before, whole, channel)
        for match in post.news((*batch.match(whole, channel), *into)):
            number = bearer(match, raw_ids)
            found[raw_ids[number]].matches.append(borne(match, number))
        for match in post.news(out_of):
            number = bearer(match, raw_ids)
            found[raw_ids[number]].before.append(borne(match, number))
    return found


def heard(
    appearances: Sequence[Appearance], transcript: Transcript, batch: Batch
) -> tuple[dict[Key, tuple[Match, ...]], list[str]]:
    """The matches that a transcript brings to the posts that bear it; an album may bear it twice.

    And notices, of what a fuller transcript brings to a rule that has alerted on the speech of the post: there is one
    alert for each rule and version.
    """
    posts: dict[PostName, Standing] = {}
    matches: dict[Key, tuple[Match, ...]] = {}
    more: list[str] = []
    for one in appearances:
        message = one.message
        post = posts.setdefault(post_name(message), standing(one.siblings, one.forms))
        whole = post.take([Item(message=message, transcript=transcript)])
        # Service messages bear no recordings, but a message may have become one.
        silent = message.kind is Kind.SERVICE or one.how is How.BACKFILL or message.channel_id == batch.canary
        found = [] if silent else post.news(batch.match(whole, one.channel))
        fresh = [match for match in found if match.rule_id not in one.spoken]
        matches[message.key] = tuple(borne(match, message.message_id) for match in fresh)
        more += (notices.heard_more(match, one.channel, message) for match in found if match not in fresh)
    return matches, more
