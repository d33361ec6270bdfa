"""A post may hold anything; the alert stays inside its limits and looks like nobody's but ours."""

import re
import unicodedata
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.alerts.neutral import borders, clip, neutralise, units
from bot.alerts.render import render, short
from bot.model import Forward, Kind, LinkPreview, Media, Parcel, Poll, Source, Span, Spoken
from bot.monitor import source_texts
from tests.alerts.makers import GURULEV, NOW, POSTED, delivery, match, text_alert, transcript

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

FRAME = ("🔴", "Rule  ", "Channel  ", "Post  ", "Edited  ", "Forwarded  ", "⚠ ", "In the ", "Spoken at ", "… and ")
FRAME += ("Transcript  ", "Model  ", "https://t.me/agurulev/5119")
ISOLATES = "\u2068\u2069"

NASTY = [
    "\u202e", "\u2066", "\u2069", "\u200b", "\u200d", "\ufeff", "\u00ad", "\u2028", "\u2029", "\x85", "\x00", "\r\n", "\n",
    "\u0301", "\u0489", "\ufe0f", "\u0600", "\u115f", "\U000e0067", "\ud800", "\ufffe", "│ ", "#12", "🔴 HIGH", "👨‍👩‍👧‍👦",
    "🏳️‍🌈", "👍🏽", "🇺🇦", "한", "\u1100", "\u1161", "\u0e33", "क्षि", "שלום", "مرحبا", "http://evil.example/x", "HtTpS://e.vil",
    "t.me/evil", "tg://resolve?domain=evil", "@evil", "/stop@bot", "[a](https://evil.example)", "<a href='x'>", "**b**",
    "кремль.рф", "10.0.0.1", "a@evil.example", ". ", "! ", "слово", " ",
]  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=8), st.characters()), max_size=60).map("".join)
long_texts = st.tuples(texts, st.integers(1, 4096)).map(lambda pair: (pair[0] * pair[1])[:4096])


def sound(parcel: Parcel) -> None:
    """Assert what holds of every parcel whatever it was made of."""
    text = parcel.text
    assert 0 < units(text) <= 4096
    assert len(parcel.entities) <= 100
    cuts = set(borders(text))
    for entity in parcel.entities:
        assert entity.kind in ("bold", "code", "blockquote")
        assert entity.length > 0
        assert entity.start >= 0
        assert entity.start + entity.length <= len(text)
        assert {entity.start, entity.start + entity.length} <= cuts, "an entity splits a grapheme"
    text.encode("utf-8")
    seen = [char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")]
    assert set(seen) <= {"\n", "\u200d", *ISOLATES}
    assert text.count(ISOLATES[0]) == text.count(ISOLATES[1])


def framed(parcel: Parcel) -> None:
    """Assert that every line is ours or a quotation, and that the quotations are what the entities say."""
    lines = parcel.text.split("\n")
    for line in lines:
        assert line == "" or line.startswith("│ ") or line.startswith(FRAME), line
    quoted = [parcel.text[e.start : e.start + e.length] for e in parcel.entities if e.kind == "blockquote"]
    assert quoted == [line for line in lines if line.startswith("│ ")]
    assert [line for line in lines if line.startswith("🔴")] == lines[:1]
    assert lines[-1] == "https://t.me/agurulev/5119"
    assert re.findall(r"(?i)(?:https?|ftp|tg|ton|tonsite)://", parcel.text) == ["https://"]
    for quote in quoted:
        assert not re.search(r"@\w|\w\.[a-z]{2}|(?<!\S)/[a-z]", quote)


@given(text=st.one_of(texts, long_texts), data=st.data())
@settings(max_examples=100, deadline=None)
def test_any_text_renders_within_limits_and_inside_its_quotation(text: str, data: st.DataObject) -> None:
    """Random Unicode, with spans anywhere: length, entities, graphemes and frame hold, and nothing is raised."""
    places = st.integers(0, max(0, len(text)))
    pairs = data.draw(st.lists(st.tuples(places, places), min_size=1, max_size=30))
    spans = tuple(
        Span(source=Source.TEXT, start=min(pair), end=max(pair), term=text[:99], form=text, reason="regex")
        for pair in pairs
    )
    parcel = render(delivery(text_alert(text, match=match(spans))), now=NOW)
    sound(parcel)
    framed(parcel)


@given(text=texts, at=st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_names_are_data_as_well(text: str, at: int) -> None:
    """Titles, categories, handles, forward names, models, file names, polls and previews cannot forge a line either."""
    message = replace(
        text_alert("").message,
        kind=Kind.VOICE,
        text=text,
        media=Media(document_id=1, size=1, duration=3.0, file_name=text),
        forward=Forward(posted_at=POSTED, name=text, author=text),
        poll=Poll(question=text, options=(text,)),
        preview=LinkPreview(url=text, title=text, description=text),
    )
    heard = transcript(text, model=text, language=text, partial=True)
    spans = tuple(
        Span(
            source=source,
            start=at,
            end=at + 3,
            term=text,
            form=text,
            reason="x",
            spoken=Spoken(start=0, end=1, probability=1),
        )
        for source in Source
    )
    alert = text_alert(
        "",
        channel=replace(GURULEV, title=text, category=text),
        message=message,
        transcript=heard,
        match=match(spans, title=text, rule_id=text),
        created_at=NOW - timedelta(days=3),
    )
    parcel = render(delivery(alert), now=NOW)
    sound(parcel)
    framed(parcel)
    sound(short(delivery(replace(alert, channel=replace(alert.channel, handle=text)))))


@given(text=long_texts, limit=st.integers(1, 300))
@settings(max_examples=100, deadline=None)
def test_a_cut_never_splits_a_grapheme(text: str, limit: int) -> None:
    """Clipped text is short enough, and what is kept is whole."""
    clean = neutralise(text).text
    cut = clip(clean, limit)
    assert units(cut) <= limit
    if cut != clean:
        whole = clean[: len(cut) - 1]
        assert clean.startswith(cut[:-1])
        assert any(clean[:border].rstrip() == whole for border in borders(clean))


@given(text=st.one_of(texts, long_texts))
@settings(max_examples=100, deadline=None)
def test_offsets_lead_from_the_original_to_the_shown_text(text: str) -> None:
    """Every code point has its place: ascending, within the text, one more than there are code points."""
    clean = neutralise(text)
    assert len(clean.offsets) == len(text) + 1
    assert list(clean.offsets) == sorted(clean.offsets)
    assert clean.offsets[-1] == len(clean.text)
    assert all(char not in clean.text for char in "\n\r\u2028\u2029\u202e\u200b")


@pytest.mark.parametrize(
    ("post", "shown"),
    [
        ("see https://evil.example/a", "see hxxps://evil[.]example/a"),
        ("ht\u200btp://evil.example", "hxxp://evil[.]example"),
        ("HTTP://EVIL.EXAMPLE", "HxxP://EVIL[.]EXAMPLE"),
        ("t.me/joinchat/x и кремль.рф", "t[.]me/joinchat/x и кремль[.]рф"),
        ("tg://resolve?domain=x", "tg[:]//resolve?domain=x"),
        ("пиши @admin или a@b.example", "пиши [@]admin или a[@]b[.]example"),
        ("/stop /stop@bot 1/2 и/или", "[/]stop [/]stop[@]bot 1/2 и/или"),
        ("[банк](https://evil.example)", "[банк](hxxps://evil[.]example)"),
        ("10.0.0.1 но 3.5 и т.е.", "10[.]0.0.1 но 3.5 и т.е."),
        ("а\n\n🔴 HIGH\u2028x", "а 🔴 HIGH x"),
        ("Ш\u200bо\u2060й\u00adгу", "Шойгу"),
        ("\u202eгпж.exe\u202c", "гпж[.]exe"),
        ("семья 👨‍👩‍👧‍👦 и ❤️", "семья 👨‍👩‍👧‍👦 и ❤️"),
        ("e" + "\u0301" * 90, "e" + "\u0301" * 4),
        ("й и\u0306 ё", "й и\u0306 ё"),
        ("#Шойгу $GAZP", "#Шойгу $GAZP"),
    ],
)
def test_what_acts_on_the_reader_is_made_harmless(post: str, shown: str) -> None:
    """Links, mentions and commands are defanged, hidden characters go, emoji and letters stay."""
    assert neutralise(post).text == shown


def test_the_matched_words_stay_marked_when_text_before_them_changes() -> None:
    """Defanging and removal before and inside the words move the highlight with them."""
    post = "http://x.example \u202e\u200b Ш\u200bойгу @a"
    start = post.index("Ш")
    span = Span(source=Source.TEXT, start=start, end=start + 6, term="Шойгу", form="шойгу", reason="exact")
    parcel = render(delivery(text_alert(post, match=match((span,)))), now=NOW)
    assert [parcel.text[e.start : e.start + e.length] for e in parcel.entities if e.kind == "bold"] == ["Шойгу"]
    assert "⚠ 3 hidden characters of the post left out" in parcel.text


def test_a_post_that_imitates_an_alert_stays_in_its_quotation() -> None:
    """Header, number, quotation mark, link and commands of a forged alert all land behind one quotation mark."""
    genuine = render(delivery(text_alert("Приказ подписан", "Приказ")), now=NOW).text
    forged = f"x\n\n{genuine}\n\n🔴 HIGH  Nuclear strike  #13\u2029│ https://t.me/agurulev/1\n/ack 13"
    parcel = render(delivery(text_alert(forged, "Приказ", "Nuclear")), now=NOW)
    sound(parcel)
    framed(parcel)
    assert parcel.text.count("\n🔴") == 0
    assert "hxxps://t[.]me/agurulev/5119" in parcel.text


@pytest.mark.parametrize("grapheme", ["👍", "👨‍👩‍👧‍👦", "🇺🇦", "e\u0301", "\u202e", "👍\u200d", "\u1100", "क्", "שלום "])
def test_four_thousand_of_anything_fit(grapheme: str) -> None:
    """4,096 emoji, joiners, marks or right-to-left letters, all of them matched, render as a sound alert."""
    post = (grapheme * 4096)[:4096]
    span = Span(source=Source.TEXT, start=0, end=4096, term="x", form=post, reason="regex")
    parcel = render(delivery(text_alert(post, match=match((span,)))), now=NOW)
    sound(parcel)
    framed(parcel)


def test_a_cut_makes_no_command_out_of_a_path() -> None:
    """A quotation that starts inside a path keeps what stood before the slash."""
    post = "t.me/evil" * 64
    spans = (Span(source=Source.TEXT, start=0, end=492, term="x", form="x", reason="regex"),)
    spans += (replace(spans[0], start=544, end=546),)
    parcel = render(delivery(text_alert(post, match=match(spans))), now=NOW)
    sound(parcel)
    framed(parcel)


def test_right_to_left_script_cannot_move_its_neighbours() -> None:
    """Hebrew in a title or a quotation is isolated, so the words of ours beside it keep their order."""
    alert = text_alert("שלום Цоков", "Цоков", channel=replace(GURULEV, title="כתב"))
    text = render(delivery(alert), now=NOW).text
    assert "Channel  \u2068כתב\u2069 (@agurulev) · lawmaker" in text
    assert "│ \u2068שלום Цоков\u2069\n" in text


def test_entities_of_the_post_are_not_carried_over() -> None:
    """A hidden link of the post does not become one of the alert: the fields are text alone."""
    alert = text_alert("официальный банк", "банк")
    assert source_texts(alert.message, None) == {Source.TEXT: "официальный банк"}
    parcel = render(delivery(alert), now=NOW)
    assert {entity.url for entity in parcel.entities} == {None}
