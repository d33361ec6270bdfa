"""The matched places of an alert, quoted in what room there is, and those of other items in English. Pure."""

from collections.abc import Sequence

from bot.alerts import words
from bot.alerts.doubtful import by_ear
from bot.alerts.excerpt import Excerpt
from bot.alerts.found import english, found, items
from bot.alerts.naming import data, link
from bot.alerts.neutral import units
from bot.alerts.sheet import Sheet
from bot.model import WRITTEN, AlbumItem, Alert, MessageId, Translation

# More quotations than this are not read in a chat; the post is one tap away.
_PLACES = 5
# Characters of a translation: it helps to judge, the quotation above is the proof.
TRANSLATION = 600
# Fewer of them are left out.
_LEAST = 60


def quotes(alert: Alert, *, room: int, entities: int) -> Sheet:
    """The matched places in at most `room` UTF-16 units and `entities` entities; those that do not fit are counted.

    The English of other items stands below their quotations, as far as these leave room for it.
    """
    places, sheet = found(alert), Sheet()
    left = sum(len(excerpt.spans) for excerpt in places)
    hidden = {(_item(excerpt), excerpt.source): excerpt.hidden for excerpt in places}
    tail = _hidden_line(sum(hidden.values()))
    room -= units(tail) + units(_more_line(left)) + units(_untold_line(len(english(alert))))
    blocks: list[Sheet] = []
    for excerpt in places[:_PLACES]:
        marks = excerpt.marks[: entities - sum(len(block.entities) for block in blocks) - 1]
        block = Sheet()
        block.line()
        block.line(_place(alert, excerpt) + _elsewhere(alert, excerpt))
        block.quote(excerpt, marks)
        if units(block.text) > room or (excerpt.marks and not marks):
            break
        blocks.append(block)
        room -= units(block.text)
        left -= len(excerpt.spans) if marks == excerpt.marks else len(marks)
    untold = _add_english(alert, places[: len(blocks)], blocks, room)
    for block in blocks:
        sheet.add(block)
    sheet.text += _more_line(left) + _untold_line(untold) + tail
    return sheet


def _add_english(alert: Alert, places: Sequence[Excerpt], blocks: Sequence[Sheet], room: int) -> int:
    """Put the English of each item below the last of its quotations, in at most `room`; how many have none there.

    The same text is shown once.
    """
    texts = english(alert)
    last = {number: at for at, place in enumerate(places) if place.source in WRITTEN and (number := _item(place))}
    shown = {alert.english.text: link(alert)} if alert.english else {}
    untold = 0
    for number, text in texts.items():
        line = _english_line(text, shown.get(text.text), room)
        if number not in last or not line:
            untold += 1
            continue
        blocks[last[number]].line(line)
        room -= units(line) + 1
        shown.setdefault(text.text, link(alert, number))
    return untold


def _english_line(english: Translation, shown: str | None, room: int) -> str:
    """`shown`: the link of what says the same; empty where there is no room."""
    if shown:
        line = f"In English  the same as {shown}"
        return line if units(line) < room else ""
    head = f"{'The beginning in' if english.partial else 'In'} English, by {data(english.model, 80)}  "
    # With the end of the line, and marks around what runs from right to left.
    left = room - units(head) - 3
    return head + data(english.text, min(left, TRANSLATION)) if left >= min(_LEAST, units(english.text)) else ""


def _item(excerpt: Excerpt) -> MessageId | None:
    return excerpt.spans[0].item


def _elsewhere(alert: Alert, excerpt: Excerpt) -> str:
    """Where a quotation stands that is not from the message that the alert names."""
    number = _item(excerpt)
    if number is None:
        return ""
    item = items(alert).get(number)
    return f" · {link(alert, number)}{_since(item) if isinstance(item, AlbumItem) else ''}"


def _since(item: AlbumItem) -> str:
    if item.deleted_since:
        return " · ⚠ deleted since"
    return " · ⚠ edited since; this is what it said" if item.edited_since else ""


def _place(alert: Alert, excerpt: Excerpt) -> str:
    """The line above a quotation: which field, or when it was said and how surely."""
    spoken = [span.spoken for span in excerpt.spans if span.spoken]
    if not spoken:
        return words.PLACES[excerpt.source]
    times = f"{words.clock(min(said.start for said in spoken))}-{words.clock(max(said.end for said in spoken))}"
    item = items(alert).get(_item(excerpt))
    doubt = by_ear(spoken, item.transcript if item else None)
    return (
        f"Spoken at {times} · least sure word {words.percent(min(said.probability for said in spoken))}"
        f"{' · ' if doubt else ''}{doubt}"
    )


def _more_line(count: int) -> str:
    return f"\n… and {count} more in the post\n" if count else ""


def _untold_line(count: int) -> str:
    return f"\n… and the English of {count} more\n" if count else ""


def _hidden_line(count: int) -> str:
    what = "character" if count == 1 else "characters"
    return f"\n⚠ {count} hidden {what} of the post left out\n" if count else ""
