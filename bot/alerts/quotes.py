"""The matched places of an alert, quoted in what room there is. Pure."""

from bot.alerts import words
from bot.alerts.doubtful import by_ear
from bot.alerts.excerpt import Excerpt
from bot.alerts.found import found, items
from bot.alerts.naming import link
from bot.alerts.neutral import units
from bot.alerts.sheet import Sheet
from bot.model import Alert, MessageId

# More quotations than this are not read in a chat; the post is one tap away.
_PLACES = 5


def quotes(alert: Alert, *, room: int, entities: int) -> Sheet:
    """The matched places in at most `room` UTF-16 units and `entities` entities; those that do not fit are counted."""
    places, sheet = found(alert), Sheet()
    left = sum(len(excerpt.spans) for excerpt in places)
    hidden = {(_item(excerpt), excerpt.source): excerpt.hidden for excerpt in places}
    tail = _hidden_line(sum(hidden.values()))
    room -= units(tail) + units(_more_line(left))
    for excerpt in places[:_PLACES]:
        marks = excerpt.marks[: entities - len(sheet.entities) - 1]
        block = Sheet()
        block.line()
        block.line(_place(alert, excerpt) + _elsewhere(alert, excerpt))
        block.quote(excerpt, marks)
        if units(sheet.text) + units(block.text) > room or (excerpt.marks and not marks):
            break
        sheet.add(block)
        left -= len(excerpt.spans) if marks == excerpt.marks else len(marks)
    sheet.text += _more_line(left) + tail
    return sheet


def _item(excerpt: Excerpt) -> MessageId | None:
    return excerpt.spans[0].item


def _elsewhere(alert: Alert, excerpt: Excerpt) -> str:
    """Where a quotation stands that is not from the message that the alert names."""
    number = _item(excerpt)
    return "" if number is None else f" · {link(alert, number)}"


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


def _hidden_line(count: int) -> str:
    what = "character" if count == 1 else "characters"
    return f"\n⚠ {count} hidden {what} of the post left out\n" if count else ""
