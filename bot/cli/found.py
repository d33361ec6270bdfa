"""Posts of the archive as people and programs see them: where, when, the words around the hit, and why it counts."""

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Literal

from rich.markup import escape
from rich.text import Text

from bot.cli.edge import out
from bot.health.jsonable import to_json
from bot.model import Hit, Source, Span, post_link
from bot.monitor import Fired, look_back, source_texts, wish_of
from bot.rules import Rule, RuleSet
from bot.store import Store, Window, excerpt
from bot.store.spoken import flags_at
from bot.store.texts import visible

Order = Literal["newest", "best"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A post with one of its fields, and the spans in that field; none for a search by plain words."""

    hit: Hit
    spans: tuple[Span, ...] = ()

    def plain(self) -> dict[str, object]:
        """As JSON has it."""
        hit = self.hit
        return {
            "channel": hit.channel.name,
            "message_id": hit.message.message_id,
            "posted_at": hit.message.posted_at,
            "source": hit.source,
            "excerpt": hit.excerpt,
            "marks": hit.marks,
            "deleted": hit.deleted,
            "spoken_at": hit.spoken_at,
            "flags": hit.flags,
            "link": post_link(hit.channel, hit.message.message_id),
            **({"found": [to_json(span) for span in self.spans]} if self.spans else {}),
        }


def shown(fired: Fired) -> Shown:
    """A match with its first field: the one with the first hit."""
    item = fired.item
    number = item.message.message_id
    spans = [replace(span, item=None) for span in fired.match.spans if span.item in (None, number)]
    source = spans[0].source
    there = [span for span in spans if span.source is source]
    text = source_texts(item.message, item.transcript)[source]
    hits = [(span.start, span.end) for span in there]
    words, marks = excerpt(text, hits)
    speech = item.transcript if source is Source.TRANSCRIPT else None
    spoken = there[0].spoken
    hit = Hit(
        channel=fired.past.channel,
        message=item.message,
        version=fired.past.versions[number],
        source=source,
        excerpt=words,
        marks=marks,
        deleted=number in fired.past.deleted,
        spoken_at=spoken.start if spoken else None,
        flags=flags_at(speech, visible(text, hits)) if speech else (),
    )
    return Shown(hit=hit, spans=tuple(spans))


async def by_words(store: Store, asked: str, window: Window, order: Order, limit: int) -> list[Shown]:
    """Posts that hold the words, as `Archive.search` finds them."""
    hits = await store.archive.search(
        asked,
        order=order,
        limit=limit,
        channel_id=next(iter(window.channel_ids or ()), None),
        since=window.since,
        until=window.until,
    )
    return [Shown(hit=hit) for hit in hits]


async def by_rule(store: Store, known: RuleSet, rule: Rule, window: Window, limit: int) -> list[Shown]:
    """Candidates from the index, confirmed by the engine; without a word to ask the index for, every post is tried."""
    window = replace(window, wish=wish_of(rule.tree))
    found: list[Shown] = []
    async with aclosing(look_back(store, known, window)) as fired:
        async for one in fired:
            found.append(shown(one))
            if len(found) == limit:
                break
    return found


def print_shown(one: Shown) -> None:
    """Head, excerpt with the hits marked, and the reasons of those that are not as written."""
    hit = one.hit
    where = "" if hit.source in (Source.TEXT, Source.CAPTION) else f"  {hit.source.value.replace('_', ' ')}"
    if hit.spoken_at is not None:
        where += f" at {int(hit.spoken_at) // 60}:{int(hit.spoken_at) % 60:02d}"
    gone = "  [red]deleted[/]" if hit.deleted else ""
    head = f"[bold]{escape(hit.channel.name)}[/]  {hit.message.posted_at:%Y-%m-%d %H:%M} UTC"
    out.print(f"{head}[cyan]{where}[/]{gone}  [dim]{post_link(hit.channel, hit.message.message_id)}[/]")
    words = Text(hit.excerpt)
    for start, end in hit.marks:
        words.stylize("bold reverse", start, end)
    # Whisper begins its segments with a space.
    out.print(Text("  ") + words[len(hit.excerpt) - len(hit.excerpt.lstrip()) :])
    if hit.flags:
        out.print(f"  [yellow]check by ear: {escape(', '.join(hit.flags))}[/]")
    if one.spans:
        why = dict.fromkeys(f"{escape(span.term)} as {escape(span.form)!r} ({span.reason})" for span in one.spans)
        out.print(f"  [dim]{'; '.join(why)}[/]")
