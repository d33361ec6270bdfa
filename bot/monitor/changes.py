"""Rules that wait for something to happen: an edit, a deletion, a burst of deletions. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.model import Channel, ChannelId, Event, Item, Kind, Match
from bot.monitor.post import bearer, borne
from bot.monitor.subject import any_post, subject
from bot.rules import RuleSet, Subject
from bot.rules.rule import Rule
from bot.rules.trigger import On
from bot.store import Deletion, Raised


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A post before and after an edit, its other items included."""

    before: Sequence[Item]
    after: Sequence[Item]
    channel: Channel
    origins: Mapping[ChannelId, Channel]


def edited_into(rules: RuleSet, edit: Edit) -> tuple[Match, ...]:
    """What rules on edits find in the new state."""
    removing = _removing(rules)
    return tuple(
        replace(match, event="An edit brought these words.")
        for match in _matches(rules, edit.after, edit)
        if match.rule_id not in removing
    )


def edited_out(rules: RuleSet, edit: Edit) -> tuple[Match, ...]:
    """What rules on edits that remove words found in the state before, and do not find any more."""
    if not (removing := _removing(rules)):
        return ()
    # By terms, not by forms: an edit that inflects a word otherwise has not taken it out.
    still = rules.terms_in(_subject(edit.after, edit))
    found = []
    for match in _matches(rules, edit.before, edit):
        gone = tuple(span for span in match.spans if span.term not in still)
        if gone and match.rule_id in removing:
            found.append(replace(match, spans=gone, event="An edit took these words out."))
    return tuple(found)


def _removing(rules: RuleSet) -> set[str]:
    return {rule.id for rule in rules.on(On.EDITED) if rule.trigger.removes}


def _matches(rules: RuleSet, items: Sequence[Item], edit: Edit) -> tuple[Match, ...]:
    return rules.match(_subject(items, edit), On.EDITED)


def _subject(items: Sequence[Item], edit: Edit) -> Subject:
    return subject(items, channel=edit.channel, origins=edit.origins)


def deleted(rules: RuleSet, deletion: Deletion, sinks: tuple[str, ...]) -> Iterator[Raised]:
    """The alerts of rules on deletions, on the state that was deleted."""
    past = deletion.past
    asked = {rule.id: rule for rule in rules.on(On.DELETED)}
    items = [item for item in past.items if item.message.kind is not Kind.SERVICE]
    if not asked or not items or not deletion.at:
        return
    posted = {item.message.message_id: item.message.posted_at for item in items}
    for match in rules.match(subject(items, channel=past.channel, origins=past.origins), On.DELETED):
        number = bearer(match, deletion.at)
        after = deletion.at[number] - posted.get(number, deletion.at[number])
        if _in_time(asked[match.rule_id], after):
            told = replace(borne(match, number), event=f"Found deleted {_words(after)} after it was posted.")
            key = next(item.message.key for item in past.items if item.message.message_id == number)
            yield Raised(key=key, version=past.versions[number], match=told, sinks=sinks)


def _in_time(rule: Rule, after: timedelta) -> bool:
    return rule.trigger.within is None or after <= rule.trigger.within


def burst(rules: RuleSet, event: Event, channel: Channel) -> Iterator[Match]:
    """What rules on bursts of deletions say of one: matches without words."""
    post = any_post(channel)
    for rule in rules.on(On.DELETION_BURST):
        if rule.scope.admits(post):
            yield Match(
                rule_id=rule.id,
                title=rule.title,
                severity=rule.severity,
                revision=rule.revision,
                spans=(),
                event=f"{event.count} posts found deleted within 10 minutes, ids {event.first_id} to {event.last_id}.",
            )


def _words(passed: timedelta) -> str:
    """As `4 min`, from below."""
    seconds = max(0, int(passed.total_seconds()))
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
