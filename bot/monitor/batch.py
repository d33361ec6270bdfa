"""One pass of posts over the rules; a rule set that fails on a post takes nothing else with it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from bot.canary import match_canary
from bot.model import Channel, ChannelId, Item, Match
from bot.monitor import changes, notices
from bot.monitor.changes import Edit, edited_into, edited_out
from bot.monitor.subject import subject
from bot.rules import RuleSet
from bot.rules.trigger import On
from bot.store import Deletion, Raised

log = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Batch:
    """One pass of posts over one set of rules."""

    rules: RuleSet
    # The channel that is held against the built-in rule alone.
    canary: ChannelId | None = None
    # The channels that its posts were forwarded from.
    origins: Mapping[ChannelId, Channel] = field(default_factory=dict)
    # For people: on which posts the rules failed.
    failures: list[str] = field(default_factory=list)

    def match(self, items: Sequence[Item], channel: Channel) -> tuple[Match, ...]:
        """The rules that the post meets; none, and a failure, where the rules failed."""
        if channel.channel_id == self.canary:
            return match_canary(items[-1].message.text)

        def work() -> tuple[Match, ...]:
            return self.rules.match(subject(items, channel=channel, origins=self.origins))

        return self._survive(work, (), items, channel)

    def edited(
        self, before: Sequence[Item], after: Sequence[Item], channel: Channel
    ) -> tuple[tuple[Match, ...], tuple[Match, ...]]:
        """What rules on edits find: in the new state, and in the one before; nothing when it is no edit."""
        if not before or channel.channel_id == self.canary or not self.rules.on(On.EDITED):
            return (), ()
        edit = Edit(before=before, after=after, channel=channel, origins=self.origins)

        def work() -> tuple[tuple[Match, ...], tuple[Match, ...]]:
            return edited_into(self.rules, edit), edited_out(self.rules, edit)

        nothing: tuple[tuple[Match, ...], tuple[Match, ...]] = ((), ())
        return self._survive(work, nothing, after, channel)

    def deleted(self, deletion: Deletion, sinks: tuple[str, ...]) -> list[Raised]:
        """What rules on deletions find in the state that was deleted."""

        def work() -> list[Raised]:
            return list(changes.deleted(self.rules, deletion, sinks))

        return self._survive(work, [], deletion.past.items, deletion.past.channel)

    def _survive(self, work: Callable[[], T], otherwise: T, items: Sequence[Item], channel: Channel) -> T:
        """The post matters more than our fault: it is recorded, and people are told to read it themselves."""
        try:
            return work()
        except Exception as error:
            number = items[0].message.message_id
            log.exception("the rules failed on a post", channel=channel.channel_id, message=number)
            self.failures.append(notices.rules_failed(channel, number, error))
            return otherwise
