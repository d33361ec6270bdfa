"""Telegram's objects become nouns: every known media and action, exact spans, and a digest of what people wrote."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telethon.errors import TypeNotFoundError
from telethon.tl import types
from telethon.tl.alltlobjects import LAYER

from bot.model import ChannelId, Entity, Forward, Kind, LinkPreview, Media, Message, MessageId, RawMessage, Reply
from bot.telegram.convert import convert, digest, raw_message
from bot.telegram.entities import from_telegram, to_telegram, word
from tests.telegram.minimal import MOMENT, family, minimal

CHANNEL = ChannelId(-1001234567890)


def post(text: str = "", **fields: Any) -> Any:
    """A TL Message of the channel."""
    return types.Message(id=7, peer_id=types.PeerChannel(1234567890), date=MOMENT, message=text, post=True, **fields)


def service(action: Any, **fields: Any) -> Any:
    """A TL MessageService of the channel."""
    return types.MessageService(
        id=8, peer_id=types.PeerChannel(1234567890), date=MOMENT, action=action, post=True, **fields
    )


def converted(tl: Any) -> Message:
    """The noun, by way of the stored row."""
    return convert(CHANNEL, raw_message(tl))


def document(*attributes: Any, reference: bytes = b"r", size: int = 4_000) -> Any:
    """A Document with one file's worth of facts."""
    return types.Document(
        id=99,
        access_hash=5,
        file_reference=reference,
        date=MOMENT,
        mime_type="audio/ogg",
        size=size,
        dc_id=4,
        attributes=list(attributes),
    )


def voice(**fields: Any) -> Any:
    """A post with a voice note of 61 seconds."""
    attribute = types.DocumentAttributeAudio(duration=61, voice=True, waveform=b"\1\2")
    return types.MessageMediaDocument(voice=True, document=document(attribute, **fields))


# --- every class ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tl_class", family("MessageMedia"), ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("optional", [False, True], ids=["least", "most"])
def test_every_media_converts(tl_class: type, optional: bool) -> None:
    """No MessageMedia known to the library, bare or with all its fields, stops a post from being converted."""
    message = converted(post("подпись", media=minimal(tl_class, optional=optional)))
    assert message.text == "подпись"
    assert message.kind in Kind


@pytest.mark.parametrize("tl_class", family("MessageAction"), ids=lambda cls: cls.__name__)
def test_every_action_has_words(tl_class: type) -> None:
    """Every MessageAction becomes a service message with readable words."""
    message = converted(service(minimal(tl_class)))
    assert message.kind is Kind.SERVICE
    assert message.service
    assert "Action" not in message.service


@pytest.mark.parametrize("tl_class", family("MessageEntity"), ids=lambda cls: cls.__name__)
def test_every_entity_has_a_word(tl_class: type) -> None:
    """Every MessageEntity class gets a word in snake case."""
    assert word(tl_class) == word(tl_class).lower()
    assert " " not in word(tl_class)


@pytest.mark.parametrize("tl_class", [*family("MessageMedia"), *family("MessageAction")], ids=lambda cls: cls.__name__)
def test_every_class_has_a_digest(tl_class: type) -> None:
    """The digest of any media or action is stable over a store-and-read."""
    value = minimal(tl_class)
    tl = service(value) if tl_class in family("MessageAction") else post("x", media=value)
    assert raw_message(tl).digest == digest(tl)
    assert len(digest(tl)) == 32


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (types.MessageActionPinMessage(), "pin"),
        (types.MessageActionChatEditTitle("Новое имя"), "title: Новое имя"),
        (types.MessageActionChatEditPhoto(types.PhotoEmpty(1)), "photo changed"),
        (types.MessageActionChatDeletePhoto(), "photo removed"),
        (types.MessageActionChatMigrateTo(55), "migrated to -1000000000055"),
        (types.MessageActionChannelMigrateFrom("Старая", 77), "migrated from group -77: Старая"),
        (types.MessageActionGroupCall(types.InputGroupCall(1, 2)), "live stream started"),
        (types.MessageActionGroupCall(types.InputGroupCall(1, 2), 60), "live stream ended after 60 s"),
        (types.MessageActionBoostApply(3), "boost apply"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_actions_are_spelled_out(action: Any, words: str) -> None:
    """The common service messages read as an analyst would say them."""
    assert converted(service(action)).service == words


def test_a_pin_names_the_pinned_post() -> None:
    """Which post was pinned is the reply of the service message."""
    pinned = service(types.MessageActionPinMessage(), reply_to=types.MessageReplyHeader(reply_to_msg_id=5))
    assert converted(pinned).reply == Reply(message_id=MessageId(5))


# --- media ------------------------------------------------------------------------------------------------------------

VIDEO = {"duration": 12.5, "w": 640, "h": 640}


@pytest.mark.parametrize(
    ("attributes", "kind", "duration"),
    [
        ([types.DocumentAttributeAudio(duration=61, voice=True)], Kind.VOICE, 61.0),
        ([types.DocumentAttributeAudio(duration=200, title="Интервью")], Kind.AUDIO, 200.0),
        ([types.DocumentAttributeVideo(**VIDEO, round_message=True)], Kind.VIDEO_NOTE, 12.5),
        ([types.DocumentAttributeVideo(**VIDEO)], Kind.VIDEO, 12.5),
        ([types.DocumentAttributeVideo(**VIDEO), types.DocumentAttributeAnimated()], Kind.OTHER, 12.5),
        ([types.DocumentAttributeSticker("😀", types.InputStickerSetEmpty())], Kind.OTHER, None),
        ([types.DocumentAttributeFilename("приказ.pdf")], Kind.DOCUMENT, None),
        ([], Kind.DOCUMENT, None),
    ],
)
def test_documents_by_attribute(attributes: list[Any], kind: Kind, duration: float | None) -> None:
    """What a document is, is read from its attributes."""
    message = converted(post(media=types.MessageMediaDocument(document=document(*attributes))))
    assert message.kind is kind
    assert message.media is not None
    assert message.media.duration == duration


def test_a_document_keeps_its_facts() -> None:
    """Id, size, type, name and data centre are kept as Telegram gave them."""
    named = document(types.DocumentAttributeFilename("../\x00приказ.pdf"))
    assert converted(post(media=types.MessageMediaDocument(document=named))).media == Media(
        document_id=99, size=4_000, mime="audio/ogg", file_name="../\x00приказ.pdf", dc=4
    )


def test_an_expired_document_is_other() -> None:
    """A voice note that Telegram no longer holds has nothing to be fetched."""
    message = converted(post(media=types.MessageMediaDocument(voice=True, document=types.DocumentEmpty(4))))
    assert (message.kind, message.media) == (Kind.OTHER, None)


def test_a_photo_has_the_size_of_its_largest_form() -> None:
    """Of all forms of a photo the largest counts."""
    sizes = [
        types.PhotoStrippedSize("i", b"12345"),
        types.PhotoSize("m", 320, 320, 20_000),
        types.PhotoSizeProgressive("y", 1280, 1280, [10_000, 90_000, 150_000]),
    ]
    photo = types.Photo(id=3, access_hash=1, file_reference=b"r", date=MOMENT, sizes=sizes, dc_id=2)
    message = converted(post("подпись", media=types.MessageMediaPhoto(photo=photo)))
    assert message.kind is Kind.PHOTO
    assert message.media == Media(document_id=3, size=150_000, mime="image/jpeg", dc=2)


def plain(text: str) -> Any:
    """A text without formatting, as polls and lists hold it."""
    return types.TextWithEntities(text, [])


def poll(*, votes: int = 0, option: str = "за") -> Any:
    """A poll with two options and some votes."""
    asked = types.Poll(
        id=1,
        question=plain("Как?"),
        answers=[types.PollAnswer(plain(option), b"0"), types.PollAnswer(plain("против"), b"1")],
        hash=votes,
    )
    return types.MessageMediaPoll(asked, types.PollResults(total_voters=votes))


def test_polls() -> None:
    """A poll keeps its question and its options in order."""
    message = converted(post(media=poll()))
    assert message.kind is Kind.POLL
    assert message.poll is not None
    assert (message.poll.question, message.poll.options) == ("Как?", ("за", "против"))


def page(**fields: Any) -> Any:
    """A link preview."""
    return types.MessageMediaWebPage(
        types.WebPage(
            id=1, url="https://example.org/a", display_url="example.org/a", hash=0, title="Заголовок", **fields
        )
    )


def test_link_previews() -> None:
    """A post with a link preview stays a text post and carries the preview's words."""
    message = converted(post("https://example.org/a", media=page(site_name="Пример", description="Описание")))
    assert message.kind is Kind.TEXT
    assert message.preview == LinkPreview(
        url="https://example.org/a", site="Пример", title="Заголовок", description="Описание"
    )


@pytest.mark.parametrize("absent", [types.WebPageEmpty(1), types.WebPagePending(1, MOMENT)])
def test_a_preview_that_is_not_there(absent: Any) -> None:
    """Pending and empty previews are no preview."""
    message = converted(post("ссылка", media=types.MessageMediaWebPage(absent)))
    assert (message.kind, message.preview) == (Kind.TEXT, None)


def test_words_hidden_in_other_media_are_text() -> None:
    """To-do lists, places and structured posts give their words, so that a rule can find them."""
    todo = types.MessageMediaToDo(types.TodoList(plain("План"), [types.TodoItem(1, plain("Бердянск"))]))
    assert converted(post(media=todo)).text == "План\nБердянск"
    half_bold = types.TextConcat([types.TextPlain("Бер"), types.TextBold(types.TextPlain("дянск"))])
    blocks = [types.PageBlockHeading1(types.TextPlain("Сводка")), types.PageBlockParagraph(half_bold)]
    rich = types.RichMessage(blocks=blocks, photos=[], documents=[])
    assert converted(post(rich_message=rich)).text == "Сводка\nБердянск"


# --- the post around it -----------------------------------------------------------------------------------------------


def test_a_post_keeps_what_telegram_says_of_it() -> None:
    """Forward, reply with quote, album, signature, restriction, protection, dates and views become fields."""
    message = converted(
        post(
            "текст",
            fwd_from=types.MessageFwdHeader(
                date=MOMENT - timedelta(days=1), from_id=types.PeerChannel(55), channel_post=9, post_author="А. Б."
            ),
            reply_to=types.MessageReplyHeader(
                reply_to_msg_id=3, reply_to_peer_id=types.PeerChannel(56), quote=True, quote_text="цитата"
            ),
            grouped_id=13,
            post_author="Редакция",
            restriction_reason=[types.RestrictionReason("all", "terms", "Not available")],
            noforwards=True,
            edit_date=MOMENT + timedelta(minutes=1),
            views=100,
            forwards=2,
        )
    )
    assert message == Message(
        channel_id=CHANNEL,
        message_id=MessageId(7),
        kind=Kind.TEXT,
        posted_at=MOMENT,
        edited_at=MOMENT + timedelta(minutes=1),
        text="текст",
        author="Редакция",
        forward=Forward(
            posted_at=MOMENT - timedelta(days=1),
            channel_id=ChannelId(-1000000000055),
            message_id=MessageId(9),
            author="А. Б.",
        ),
        reply=Reply(message_id=MessageId(3), channel_id=ChannelId(-1000000000056), quote="цитата"),
        album_id=13,
        restricted="terms (all): Not available",
        protected=True,
    )
    assert message.views == 100
    assert message.posted_at.tzinfo is UTC


def test_a_forward_from_a_person_has_only_a_name() -> None:
    """People who hide their account are known by name alone, and no person becomes a channel."""
    hidden = post("x", fwd_from=types.MessageFwdHeader(date=MOMENT, from_name="Иван"))
    shown = post("x", fwd_from=types.MessageFwdHeader(date=MOMENT, from_id=types.PeerUser(5)))
    assert converted(hidden).forward == Forward(posted_at=MOMENT, name="Иван")
    assert converted(shown).forward == Forward(posted_at=MOMENT)


def test_a_hidden_edit_is_no_edit() -> None:
    """An edit date that Telegram hides, as it does for reactions, is not shown as an edit."""
    assert converted(post("x", edit_date=MOMENT, edit_hide=True)).edited_at is None


def test_only_messages_are_stored() -> None:
    """An empty message is no message and is refused at once."""
    with pytest.raises(TypeError, match="MessageEmpty"):
        raw_message(types.MessageEmpty(id=1, peer_id=None))


@pytest.mark.parametrize(
    ("body", "error"), [(b"\xff\xff\xff\x7f", TypeNotFoundError), (bytes(types.PeerUser(1)), ValueError)]
)
def test_bytes_that_are_no_message_are_refused(body: bytes, error: type[Exception]) -> None:
    """Stored bytes of an unknown or another type raise, so that the row can be quarantined."""
    raw = RawMessage(message_id=MessageId(1), body=body, layer=LAYER, digest=b"")
    with pytest.raises(error):
        convert(CHANNEL, raw)


def test_the_row_says_what_it_is() -> None:
    """A raw message has its id, bytes, layer and whether it is a service message."""
    tl = post("x")
    raw = raw_message(tl)
    assert (raw.message_id, raw.body, raw.layer, raw.service) == (7, bytes(tl), LAYER, False)
    assert raw_message(service(types.MessageActionPinMessage())).service


# --- digest -----------------------------------------------------------------------------------------------------------

REACTIONS = types.MessageReactions([types.ReactionCount(types.ReactionEmoji("👍"), 5)])
REPLIES = types.MessageReplies(replies=5, replies_pts=9)


def button(label: str, kind: Any) -> Any:
    """A keyboard of one button."""
    return types.ReplyInlineMarkup([types.KeyboardInlineButtonRow([types.KeyboardInlineButton(label, kind)])])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (post("x", views=1, forwards=0), post("x", views=900, forwards=7)),
        (post("x"), post("x", reactions=REACTIONS, replies=REPLIES)),
        (post("x"), post("x", out=True, mentioned=True, media_unread=True, pinned=True)),
        (post("x"), post("x", edit_date=MOMENT, edit_hide=True)),
        (post(media=voice()), post(media=voice(reference=b"another"))),
        (post(media=poll()), post(media=poll(votes=12))),
        (post(media=page()), post(media=page(photo=types.PhotoEmpty(1), cached_page=minimal(types.Page)))),
        (
            post(reply_markup=button("👍 1", types.InlineButtonTypeCallback(b"1"))),
            post(reply_markup=button("👍 2", types.InlineButtonTypeCallback(b"2"))),
        ),
    ],
    ids=["views", "reactions", "flags", "hidden edit", "reference", "votes", "page", "counting button"],
)
def test_the_digest_ignores_what_nobody_wrote(one: Any, other: Any) -> None:
    """Two hearings that differ in counters, references or flags have one digest."""
    assert digest(one) == digest(other)


@pytest.mark.parametrize(
    "other",
    [
        post("y", media=voice()),
        post("x", media=voice(), edit_date=MOMENT),
        post("x", media=voice(), entities=[types.MessageEntityBold(0, 1)]),
        post("x", media=voice(size=5_000)),
        post("x"),
        post("x", media=voice(), noforwards=True),
        post("x", media=voice(), restriction_reason=[types.RestrictionReason("all", "terms", "t")]),
        post("x", media=voice(), reply_markup=button("Сайт", types.InlineButtonTypeUrl("https://evil.example"))),
    ],
    ids=["text", "edit date", "entities", "media", "no media", "protection", "restriction", "link button"],
)
def test_the_digest_sees_what_was_changed(other: Any) -> None:
    """A change of text, edit date, formatting, media or restriction changes the digest."""
    assert digest(post("x", media=voice())) != digest(other)


def test_the_digest_sees_a_changed_option_and_preview() -> None:
    """The words of polls and previews are part of the state."""
    assert digest(post(media=poll())) != digest(post(media=poll(option="воздержусь")))
    assert digest(post(media=page())) != digest(post(media=page(description="новое")))


def test_the_digest_leaves_the_message_alone() -> None:
    """Computing a digest changes nothing in the object that was heard."""
    tl = post(views=5, forwards=1, media=voice(), reactions=REACTIONS)
    before = bytes(tl)
    digest(tl)
    assert bytes(tl) == before


# --- entities ---------------------------------------------------------------------------------------------------------

TEXTS = st.lists(
    st.one_of(
        st.sampled_from(["Бердянск", "👍", "👨‍👩‍👧", "e\u0301", "\u200b", "𝕳", " "]),
        st.text(st.characters(exclude_categories=("Cs",))),
    )
).map("".join)


@st.composite
def formatted(draw: st.DrawFn) -> tuple[str, list[Entity]]:
    """A text and entities inside it, in code points."""
    text = draw(TEXTS.filter(bool))
    entities = []
    for kind in draw(st.lists(st.sampled_from(["bold", "italic", "spoiler", "code", "text_link"]), max_size=5)):
        start = draw(st.integers(0, len(text) - 1))
        length = draw(st.integers(1, len(text) - start))
        url = "https://example.org/" if kind == "text_link" else None
        entities.append(Entity(kind=kind, start=start, length=length, url=url))
    return text, entities


@given(formatted())
def test_spans_map_exactly(case: tuple[str, list[Entity]]) -> None:
    """Code points to UTF-16 and back is the identity, and both cut the same piece out of any Unicode text."""
    text, entities = case
    sent = to_telegram(text, entities)
    units = text.encode("utf-16-le")
    for entity, tl in zip(entities, sent, strict=True):
        piece = units[2 * tl.offset : 2 * (tl.offset + tl.length)].decode("utf-16-le")
        assert piece == text[entity.start : entity.start + entity.length]
    assert from_telegram(text, sent) == tuple(entities)


@given(TEXTS, st.integers(-5, 60), st.integers(-5, 60))
def test_spans_stay_inside(text: str, offset: int, length: int) -> None:
    """Whatever offsets Telegram names, an entity lies within the text and is not empty."""
    for entity in from_telegram(text, [types.MessageEntityBold(offset, length)]):
        assert 0 <= entity.start < entity.start + entity.length <= len(text)


def test_a_span_inside_a_surrogate_pair_moves_outwards() -> None:
    """An entity that names half an emoji covers the whole emoji."""
    assert from_telegram("a👍b", [types.MessageEntityBold(2, 1)]) == (Entity(kind="bold", start=1, length=1),)


def test_entities_reach_the_message() -> None:
    """The spans of a converted post are cut in code points."""
    message = converted(post("👍 Бердянск", entities=[types.MessageEntityTextUrl(3, 8, "https://example.org")]))
    (link,) = message.entities
    assert message.text[link.start : link.start + link.length] == "Бердянск"
    assert (link.kind, link.url) == ("text_link", "https://example.org")


def test_unsendable_kinds_are_left_out() -> None:
    """An entity that only Telegram can make is dropped, the text stays."""
    assert to_telegram("#тег", [Entity(kind="hashtag", start=0, length=4)]) == []


def test_dates_are_utc() -> None:
    """Dates come out aware and in UTC."""
    assert converted(post("x")).posted_at == datetime(2023, 7, 12, 18, 0, tzinfo=UTC)


def test_what_has_no_digest_is_kept_all_the_same() -> None:
    """A post whose state cannot be told from its counters is kept by its bytes: it must not stop its channel."""

    class Strange(types.MessageMediaEmpty):
        def _bytes(self) -> bytes:
            return b"\x01\x02\x03\x04"

    first, second = (raw_message(post("words", media=Strange())) for _ in range(2))
    assert first == second
    assert first.message_id == 7
    assert b"words" in first.body
