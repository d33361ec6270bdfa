"""Posts of the archive as people and programs see them: where, when, the words around the hit, and why it counts."""

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Literal

from rich.markup import escape
from rich.text import Text

from bot.cli.edge import out
from bot.health.jsonable import to_json
from bot.model import WRITTEN, Hit, Key, Source, Span, Translation, post_link
from bot.monitor import Fired, look_back, source_texts, wish_of
from bot.rules import Rule, RuleSet
from bot.store import Store, Window, excerpt
from bot.store.spoken import flags_at
from bot.store.texts import visible
from bot.transcript import Transcript

Order = Literal["newest", "best"]

# Characters of a translation on a screen.
_MOST_ENGLISH = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A post with one of its fields, and the spans in that field; none for a search by plain words."""

    hit: Hit
    spans: tuple[Span, ...] = ()
    # All of the text, or of what is said, in English, and the model that put it so; where that is stored.
    english: str | None = None
    english_by: str | None = None

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
            "english": self.english,
            "english_by": self.english_by,
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
    return await _in_english(store, [Shown(hit=hit) for hit in hits])


async def by_rule(store: Store, known: RuleSet, rule: Rule, window: Window, limit: int) -> list[Shown]:
    """Candidates from the index, confirmed by the engine; without a word to ask the index for, every post is tried."""
    window = replace(window, wish=wish_of(rule.tree))
    found: list[Shown] = []
    async with aclosing(look_back(store, known, window)) as fired:
        async for one in fired:
            found.append(shown(one))
            if len(found) == limit:
                break
    return await _in_english(store, found)


async def _in_english(store: Store, found: list[Shown]) -> list[Shown]:
    """The same with what the store has of them in English: of a text the translation, of speech what Whisper made of it."""
    texts = await store.translations.english([_state(one.hit) for one in found if one.hit.source in WRITTEN])
    spoken = [one.hit.message.key for one in found if one.hit.source is Source.TRANSCRIPT]
    heard = {
        item.message.key: item.transcript
        for past in (await store.archive.posts(spoken) if spoken else ())
        for item in past.items
    }
    return [_beside(one, texts.get(_state(one.hit)), heard.get(one.hit.message.key)) for one in found]


def _state(hit: Hit) -> tuple[Key, int]:
    return hit.message.key, hit.version


def _beside(one: Shown, written: Translation | None, heard: Transcript | None) -> Shown:
    if one.hit.source in WRITTEN and written:
        return replace(one, english=written.text, english_by=written.model)
    if one.hit.source is Source.TRANSCRIPT and heard and heard.translation:
        return replace(one, english=heard.translation, english_by=heard.model)
    return one


def print_shown(one: Shown) -> None:
    """Head, excerpt with the hits marked, and the reasons of those that are not as written."""
    hit = one.hit
    where = "" if hit.source in WRITTEN else f"  {hit.source.value.replace('_', ' ')}"
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
    if one.english:
        out.print(Text(f"  In English, by {one.english_by}: {_begin(one.english)}", style="italic"))
    if one.spans:
        why = dict.fromkeys(f"{escape(span.term)} as {escape(span.form)!r} ({span.reason})" for span in one.spans)
        out.print(f"  [dim]{'; '.join(why)}[/]")


def _begin(english: str) -> str:
    whole = "".join(char if char.isprintable() else " " for char in english)
    short = " ".join(whole.split())
    return short if len(short) <= _MOST_ENGLISH else f"{short[:_MOST_ENGLISH]}…"
