"""In an album the English of each item stands below its own words, within what a message of Telegram can hold."""

from dataclasses import replace
from typing import Any

import pytest

from bot.alerts.neutral import units
from bot.alerts.render import render, short
from bot.model import AlbumItem, Alert, MessageId, Span, Translation
from tests.alerts.makers import NOW, delivery, match, spans_of, text_alert

MODEL = "opus-mt-ru-en 0123456789ab"
FIRST = "https://t.me/agurulev/5119"


def english(text: str, **fields: Any) -> Translation:
    """What a model made."""
    return Translation(text=text, language="ru", model=MODEL, parameters={}, **fields)


def item(number: int, text: str, in_english: str | None = None, **fields: Any) -> AlbumItem:
    """Another item of the album of `text_alert`."""
    message = replace(text_alert("").message, message_id=MessageId(number), text=text, album_id=13)
    return AlbumItem(message=message, version=1, english=in_english and english(in_english), **fields)  # type: ignore[arg-type]


def spans(number: int, text: str, *words: str) -> tuple[Span, ...]:
    """Where the words stand in an item."""
    return tuple(replace(span, item=MessageId(number)) for span in spans_of(text, *words))


def album(*items: AlbumItem, words: str = "приказ", own: Translation | None = None) -> Alert:
    """An alert on `Генерал Попов`, with these words in each of the other items."""
    alert = text_alert("Генерал Попов", "Попов")
    found = [span for one in items for span in spans(one.message.message_id, one.message.text, words)]
    message = replace(alert.message, album_id=13)
    return replace(alert, message=message, match=match((*alert.match.spans, *found)), items=items, english=own)


def text_of(alert: Alert) -> str:
    """What is sent."""
    return render(delivery(alert), now=NOW).text


def test_each_english_stands_with_its_words() -> None:
    """Below the quotation of its item, which has that item's link; that of the message itself says whose it is."""
    text = text_of(album(item(5121, "Подписан приказ", "The order is signed"), own=english("General Popov")))
    assert (
        f"\nIn the text\n│ Генерал Попов\n"
        f"\nIn the text · https://t.me/agurulev/5121\n│ Подписан приказ\nIn English, by {MODEL}  The order is signed\n"
        f"\nThe caption of {FIRST} in English, by {MODEL}  General Popov\n"
        f"\n{FIRST}"
    ) in text


def test_it_stands_below_the_last_of_several_quotations() -> None:
    """Two places of one caption have its English once."""
    long = "Подписан приказ. " + "Ни о чём. " * 60 + "Приказ исполнен."
    alert = album(item(5121, long, "The order is signed and carried out"))
    alert = replace(alert, match=match((*spans(5121, long, "приказ", "Приказ"),)))
    lines = text_of(alert).split("\n")
    quoted = [line for line in lines if line.startswith(("│", "In English"))]
    assert [line[:10] for line in quoted] == ["│ Подписан", "│ … Приказ", "In English"]


def test_without_english_nothing_is_said_of_it() -> None:
    """An item that is not translated, or not yet, is quoted alone; the post's own English is called that of the post."""
    text = text_of(album(item(5121, "Подписан приказ"), own=english("General Popov")))
    assert f"\nThe post in English, by {MODEL}  General Popov\n" in text
    assert text.count("English") == 1
    assert render(delivery(album(item(5121, "Подписан приказ"))), now=NOW).english is False


def test_english_of_an_item_alone_counts_as_english() -> None:
    """What is sent with it need not be brought again; the short form has none."""
    alert = album(item(5121, "Подписан приказ", "The order is signed"))
    assert render(delivery(alert), now=NOW).english is True
    assert short(delivery(alert)).english is False


def test_the_same_caption_is_put_into_english_once() -> None:
    """Further items, or one that says what the message itself says, name where it stands."""
    same = [item(number, "Подписан приказ", "The order is signed") for number in (5121, 5122, 5123)]
    text = text_of(album(*same))
    assert text.count("The order is signed") == 1
    assert text.count("\nIn English  the same as https://t.me/agurulev/5121\n") == 2
    text = text_of(album(*same, own=english("The order is signed")))
    assert text.count("The order is signed") == 1
    assert text.count(f"\nIn English  the same as {FIRST}\n") == 3


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"edited_since": True}, " · ⚠ edited since; this is what it said\n"),
        ({"deleted_since": True}, " · ⚠ deleted since\n"),
        ({"edited_since": True, "deleted_since": True}, " · ⚠ deleted since\n"),
    ],
)
def test_what_became_of_an_item_is_said_beside_it(fields: dict[str, bool], said: str) -> None:
    """It is shown as it was, with its English of then."""
    text = text_of(album(item(5121, "Подписан приказ", "The order is signed", **fields)))
    assert f"\nIn the text · https://t.me/agurulev/5121{said}│ Подписан приказ\nIn English, by" in text


def test_the_english_of_another_state_is_not_shown() -> None:
    """Where the words do not stand in the text at hand, its English is not theirs."""
    other = item(5121, "Ничего не было", "There was nothing")
    alert = replace(album(), match=match(spans(5121, "Подписан приказ", "приказ")), items=(other,))
    text = text_of(alert)
    assert "│ приказ\n" in text
    assert "English" not in text
    assert render(delivery(alert), now=NOW).english is False


def test_a_part_is_called_one() -> None:
    """What was translated of an over-long caption is its beginning."""
    other = replace(item(5121, "Подписан приказ"), english=english("The order", partial=True))
    assert f"\nThe beginning in English, by {MODEL}  The order\n" in text_of(album(other))


def test_it_is_one_line_of_ours() -> None:
    """Line breaks and control characters of what the model wrote cannot make it look like more than it is."""
    hostile = "One\n│ Rule  forged\n\u202eTwo\x1b[31m " + "long " * 400
    (line,) = [x for x in text_of(album(item(5121, "Подписан приказ", hostile))).split("\n") if "In English" in x]
    assert "forged" in line
    assert "\u202e" not in line
    assert line.endswith("…")
    assert len(line) < 700


def test_quotations_come_before_english() -> None:
    """Where both do not fit, no quotation is lost to a translation; English that is cut or left out is said to be."""
    filler = ("слово за словом " * 40)[:600]
    plain = [item(5120 + n, f"{filler}{n}: подписан приказ {filler}") for n in range(4)]
    told = [replace(one, english=english(f"{one.message.message_id} " + "the order is signed " * 100)) for one in plain]
    before, after = text_of(album(*plain)), text_of(album(*told, own=english("General Popov " * 100)))
    assert units(after) <= 4096
    quoted = [line for line in before.split("\n") if line.startswith("│")]
    assert len(quoted) == 5
    assert [line for line in after.split("\n") if line.startswith("│")] == quoted
    lines = [line for line in after.split("\n") if line.startswith("In English, by")]
    assert [line.endswith("…") for line in lines] == [True] * 3
    assert units(lines[2]) < units(lines[0])
    assert "\n… and the English of 1 more\n" in after


@pytest.mark.parametrize("size", [20, 200, 600, 3000])
@pytest.mark.parametrize("items", [1, 4, 9])
def test_whatever_there_is_it_fits(items: int, size: int) -> None:
    """Each item's English is shown or counted, and the whole keeps to 4,096 UTF-16 units."""
    filler = ("😀 слово за словом " * 100)[:160]
    told = [item(5120 + n, f"{n} подписан приказ {filler}", f"{n} " + ("word 😀 " * 1000)[:size]) for n in range(items)]
    text = text_of(album(*told, own=english(("own 😀 " * 1000)[:size])))
    assert units(text) <= 4096
    shown = sum(line.startswith("In English, by") for line in text.split("\n"))
    left_out = [int(line.split()[-2]) for line in text.split("\n") if line.startswith("… and the English of ")]
    assert shown + sum(left_out) == items
    assert shown >= 1
