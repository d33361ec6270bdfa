"""What another hearing of a recording changes in the posts that bear it. Pure.

Both transcripts are held against the same rules and the same words of the post, so that what differs is what was heard:
a rule that has come or gone since takes back no alert.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.model import Changed, Channel, Correction, Item, Key, Match, MessageId, Quote, Source, Span
from bot.monitor import notices
from bot.monitor.post import Standing, borne
from bot.rules.words import form_of
from bot.store import Appearance, Corrected
from bot.transcript import Transcript

# Words shown on either side of those that were found, and quotations of one rule.
_AROUND = 4
_MOST = 5
_WORD = re.compile(r"\S+")

Matching = Callable[[Sequence[Item], Channel], Sequence[Match]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Twice:
    """A recording as it was heard before, and as it is heard now."""

    before: Transcript
    now: Transcript
    at: datetime


@dataclass(slots=True, kw_only=True)
class Effect:
    """What is to be recorded with the hearing."""

    matches: dict[Key, tuple[Match, ...]] = field(default_factory=dict)
    corrected: list[Corrected] = field(default_factory=list)
    outcome: list[Changed] = field(default_factory=list)

    def add(self, other: "Effect") -> None:
        """What another post adds."""
        self.matches |= other.matches
        self.corrected += other.corrected
        self.outcome += other.outcome


@dataclass(frozen=True, slots=True)
class Post:
    """One post, or one album, that bears the recording, perhaps twice."""

    appearances: tuple[Appearance, ...]
    # What its alerts that rest on speech are: (number, match) by message.
    alerts: Mapping[Key, Sequence[tuple[int, Match]]]
    # Nobody is alerted: neither anew nor by a correction.
    quiet: bool
    # Alerts are marked as from the archive.
    archive: bool

    @property
    def numbers(self) -> frozenset[MessageId]:
        """The items that bear the recording."""
        return frozenset(one.message.message_id for one in self.appearances)

    def items(self, transcript: Transcript) -> tuple[Item, ...]:
        """The post, with the recording as it is heard there."""
        post = Standing()
        post.take(self.appearances[0].siblings)
        return post.take([Item(message=one.message, transcript=transcript) for one in self.appearances])


def compare(post: Post, heard: Twice, match: Matching, effect: Effect) -> None:
    """Add what the hearing changes in a post: alerts, corrections, and what is reported."""
    channel = post.appearances[0].channel
    before = {one.rule_id: one for one in match(post.items(heard.before), channel)}
    now = {one.rule_id: one for one in match(post.items(heard.now), channel)}
    new = {rule_id: found for rule_id, one in now.items() if (found := _fresh(one, before.get(rule_id), post.numbers))}
    gone = {rule_id: lost for rule_id, one in before.items() if (lost := _fresh(one, now.get(rule_id), post.numbers))}
    changed = Changed(
        key=post.appearances[0].message.key,
        new=tuple(quote for rule_id, spans in new.items() for quote in quotes(now[rule_id], spans, heard.now)),
        vanished=tuple(
            quote for rule_id, spans in gone.items() for quote in quotes(before[rule_id], spans, heard.before)
        ),
    )
    if changed.new or changed.vanished:
        effect.outcome.append(changed)
    if post.quiet:
        return
    _raise(post, [now[rule_id] for rule_id in new], effect)
    for key, alerts in post.alerts.items():
        for alert_id, alert in alerts:
            one = _corrected(post, heard, key, alert_id, alert, before.get(alert.rule_id), now.get(alert.rule_id))
            if one is not None:
                effect.corrected.append(one)


def _raise(post: Post, found: Sequence[Match], effect: Effect) -> None:
    """What has a form that has not alerted; a rule that has alerted on this speech is corrected instead."""
    standing = Standing()
    for one in post.appearances:
        standing.forms |= one.forms
    fresh = standing.news(found)
    for one in post.appearances:
        key = one.message.key
        mine = [match for match in fresh if match.rule_id not in one.spoken]
        fresh = [match for match in fresh if match.rule_id in one.spoken]
        effect.matches[key] = tuple(
            replace(borne(match, key.message_id), archive=match.archive or post.archive) for match in mine
        )


def _corrected(
    post: Post, heard: Twice, key: Key, alert_id: int, alert: Match, before: Match | None, now: Match | None
) -> Corrected | None:
    """The alert as it is now, with what changed; None when the hearing says nothing about it."""
    if not _spoken(alert, post.numbers, own=key.message_id):
        return None
    was = _spoken(before, post.numbers) if before else []
    spans = _spoken(now, post.numbers) if now else []
    if not was and not {span.form for span in spans} - {span.form for span in alert.spans}:
        return None
    kept = replace(alert, spans=borne(now, key.message_id).spans if now else ())
    said = _texts(quotes(before, was, heard.before)) if before else ()
    says = _texts(quotes(now, spans, heard.now)) if now else ()
    if [form_of(text) for text in said] == [form_of(text) for text in says]:
        return Corrected(alert_id=alert_id, match=kept, correction=None, notice="") if kept != alert else None
    correction = Correction(at=heard.at, model=heard.now.model, was=said, now=says)
    channel = post.appearances[0].channel
    notice = notices.corrected(alert_id, alert, channel, key.message_id, correction)
    return Corrected(alert_id=alert_id, match=kept, correction=correction, notice=notice)


def _spoken(match: Match, numbers: Collection[MessageId], *, own: MessageId | None = None) -> list[Span]:
    """Its spans in the speech of these items; a span that names none is in `own`."""
    return [span for span in match.spans if span.source is Source.TRANSCRIPT and (span.item or own) in numbers]


def _fresh(match: Match, other: Match | None, numbers: Collection[MessageId]) -> list[Span]:
    """The spoken spans of a match whose forms the other one does not have."""
    known = {span.form for span in _spoken(other, numbers)} if other else set()
    return [span for span in _spoken(match, numbers) if span.form not in known]


def quotes(match: Match, spans: Sequence[Span], transcript: Transcript) -> list[Quote]:
    """The spans as they were heard, with a few words around each; the first few, and none twice."""
    text = transcript.text
    found: dict[str, Quote] = {}
    for span in spans:
        words = _around(text, span)
        at = span.spoken.start if span.spoken else 0.0
        found.setdefault(words, Quote(rule_id=match.rule_id, title=match.title, text=words, at=at))
    return list(found.values())[:_MOST]


def _around(text: str, span: Span) -> str:
    words = [(found.start(), found.end()) for found in _WORD.finditer(text)]
    within = [place for place, (start, end) in enumerate(words) if start < span.end and end > span.start]
    if not within:
        return span.form
    first, last = max(0, within[0] - _AROUND), min(len(words) - 1, within[-1] + _AROUND)
    before, after = "… " if first else "", " …" if last < len(words) - 1 else ""
    return f"{before}{text[words[first][0] : words[last][1]]}{after}"


def _texts(found: Sequence[Quote]) -> tuple[str, ...]:
    return tuple(quote.text for quote in found)
