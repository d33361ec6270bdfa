"""What matches what, and where."""

import unicodedata

import pytest

from bot.model import ChannelId, Entity, Kind, Severity, Source
from bot.rules import Field, parse_rules
from bot.transcript import Word
from tests.rules.helpers import found, rule_set, spans, subject

CASES = [
    # query, text, the pieces found
    ("Шойгу", "Министр Шойгу прибыл", ["Шойгу"]),
    ("=Шойгу", "МИНИСТР ШОЙГУ ПРИБЫЛ", ["ШОЙГУ"]),
    ("Шойгу", "эти шойгушники", []),
    ("Шойгу", "Шой\u200bгу ушёл", ["Шой\u200bгу"]),
    ("Шойгу", unicodedata.normalize("NFD", "и Шойгу."), [unicodedata.normalize("NFD", "Шойгу")]),
    ("Shoigu", "say 𝗦𝗵𝗼𝗶𝗴𝘂 now", ["𝗦𝗵𝗼𝗶𝗴𝘂"]),
    ("Shoigu", "Ⓢⓗⓞⓘⓖⓤ Ｓｈｏｉｇｕ", ["Ⓢⓗⓞⓘⓖⓤ", "Ｓｈｏｉｇｕ"]),
    ("прилёт", "ПРИЛЕТ по складу, прилёт", ["ПРИЛЕТ", "прилёт"]),
    ("прилет", "прилё\u0301т", ["прилё\u0301т"]),
    ("Бердянск", "#Бердянск #Бердянск_сегодня «Бердянск»", ["Бердянск", "Бердянск", "Бердянск"]),
    ("Бердянск", "❤️Бердянск❤️‍🔥", ["Бердянск"]),
    ("Шойгу", "#ШойгуОтставка", ["Шойгу"]),
    ('"Storm Shadow"', "#StormShadow и Storm\u2060Shadow", ["StormShadow", "Storm\u2060Shadow"]),
    ("Шойгу", "Сергей\u2060Шойгу", ["Шойгу"]),
    ("58-я", "58-я армия, 58я, 58‑я", ["58-я", "58я", "58‑я"]),
    ("58-я", "мне 58 я живу; 158-я", []),
    ("58ОА", "из состава 58ОА и 58-ОА", ["58ОА", "58-ОА"]),
    ("58", "58ОА и 58-я, дом 58", ["58-я", "58"]),
    ("Т-90М", "Т-90М, T-90M, Т90М, Т 90 М, но не Т-90 и не Т-90МС", ["Т-90М", "T-90M", "Т90М", "Т 90 М"]),
    ("58ОА", "58 ОА, а 58 оа нет", ["58 ОА"]),
    ("Т-90", "Т-90М, Т90М, но Т-90.", ["Т-90"]),
    ("х-101", "Х-101 и Х-1011", ["Х-101"]),
    ("об'єкт", "об’єкт обʼєкт", ["об’єкт", "обʼєкт"]),
    ("км", "10 км² и 5 км¹", ["км", "км"]),
    ("контрбатаре*", "контрбатарейной борьбы", ["контрбатарейной"]),
    ('"тяжел* потер*"', "несём тяжёлые потери.", ["тяжёлые потери"]),
    ('"тяжёлые потери"', "тяжёлые — потери", ["тяжёлые — потери"]),
    ('"тяжёлые потери"', "ТЯЖЁЛЫЕ\nПОТЕРИ", ["ТЯЖЁЛЫЕ\nПОТЕРИ"]),
    ('"тяжёлые потери"', "потери тяжёлые", []),
    ('"было тяжело потери"', "Было тяжело. Потери малы", []),
    ('"тяжело потери"', "Было тяжело! Потери малы", []),
    ('"тяжело потери"', "Было тяжело\n\nпотери малы", []),
    ('"тяжело потери"', "тяжело. потери", ["тяжело. потери"]),
    ('"ген Попов"', "снят ген. Попов", ["ген. Попов"]),
    ("Rybar", "@Rybar https://t.me/Rybar/1 t.me/Rybar www.rybar.ru", []),
    ('"Storm Shadow"', "Storm https://x.ru/a Shadow", []),
    ("почта", "почта@mail.ru", ["почта"]),
    ("Київ", "Киïв", ["Киïв"]),
    ("Sea", "Black Ѕеа", ["Ѕеа"]),
    ("мобік", "двоє мобіків", ["мобіків"]),
    ("person:Burns", "it burns; Burns said so, general burns too", ["Burns", "burns"]),
    ('unit:"150-я дивизия"', "Заказ № 150. Дивизия ушла, 150-я дивизия стоит", ["150-я дивизия"]),
    ('unit:"33-й штурмовой полк"', "33 ОШП", ["33 ОШП"]),
    ("взрыв OR удар", "взрыв, удар", ["взрыв", "удар"]),
    ("взрыв AND удар", "взрыв", []),
    ("взрыв AND удар", "удар и взрыв", ["удар", "взрыв"]),
    ("взрыв NOT учения", "взрыв", ["взрыв"]),
    ("взрыв AND NOT учения", "взрыв на учения", []),
    ("взрыв AND (дом OR NOT учения)", "взрыв, дом, учения", ["взрыв", "дом"]),
    ("взрыв AND NOT (дом AND NOT мост)", "взрыв, дом, мост", ["взрыв", "мост"]),
    ("взрыв AND NOT (дом AND NOT мост)", "взрыв, дом", []),
    ("взрыв NEAR/2 Бердянск", "Бердянск: там снова взрыв", ["Бердянск", "взрыв"]),
    ("взрыв NEAR/1 Бердянск", "Бердянск: там снова взрыв", []),
    ("взрыв NEAR/5 взрыв", "взрыв", []),
    ('(a1 OR "b c") NEAR/0 d', "b c d", ["b c", "d"]),
    ("взрыв NOT (учения NEAR/1 план)", "взрыв: учения — план", []),
    ("/контр.?батаре\\w+/", "Контр-батарейная", ["Контр-батарейная"]),
    ("/\\bпопов\\b/", "Попов, попов,Поповым ПОПОВ", ["Попов", "попов", "ПОПОВ"]),
    ("/\\bа\\b|б\\b/", "а а аб", ["а", "а", "б"]),
    ("/\\d{2,3}-й/", "58-й и ٥٨-й", ["58-й", "٥٨-й"]),
    ("/t\\.me\\/\\w+/", "см. t.me/rybar", ["t.me/rybar"]),
    ("/[\\w-]+оборон\\w*/", "мин-обороны", ["мин-обороны"]),
    ("/взрыв/ NEAR/3 Бердянск", "взрывы под Бердянск", ["взрыв", "Бердянск"]),
]


@pytest.mark.parametrize(("query", "text", "pieces"), CASES)
def test_finds_exactly_these_pieces_of_the_original_text(query: str, text: str, pieces: list[str]) -> None:
    """A query finds these pieces of a text, in reading order, and no others."""
    assert found(query, text) == pieces


REASONS = [
    # query, text, (form, reason)
    ("=РЭБ", "РЭБ", ("рэб", "exact")),
    ('"Тяжёлые  Потери"', "ТЯЖЁЛЫЕ,\nпотери", ("тяжелые потери", "exact")),
    ('"Тяжёлые потери"', "тяжёлых потерь", ("тяжелых потерь", "inflected")),
    ("person:Шойгу", "Shoigu", ("shoigu", "transliterated")),
    ("прил*", "прилёт", ("прилет", "prefix")),
    ("/\\d+ ?км/", "5 КМ", ("5 км", "regex")),
    ('unit:"58-я армия"', "пятьдесят восьмой армии", ("58 армии", "number-words")),
    ("Шойгу", "Шoйгу", ("шойгу", "look-alike")),
    ("Шойгу", "Ш0йгу", ("шойгу", "look-alike")),
    ("Шойгу", "Ш*йгу", ("шойгу", "look-alike")),
    ("Шойгу", "Шшшойгу", ("шойгу", "look-alike")),
    ("Шойгу", "Ш о й г у", ("шойгу", "glued")),
    ("Шойгу", "Шой-\nгу", ("шойгу", "glued")),
    ("Токмак", "ток мак", ("токмак", "glued")),
    ("Хаймарс~1", "хаймерс", ("хаймарс", "fuzzy")),
    ("url:t.me/rybar", "t.me/rybar/5", ("t.me/rybar/5", "exact")),
]


@pytest.mark.parametrize(("query", "text", "reported"), REASONS)
def test_a_span_says_which_form_and_why(query: str, text: str, reported: tuple[str, str]) -> None:
    """A span carries the term as written, the form that is meant, and the boldest reason on the way to it."""
    (span,) = spans(rule_set(query), text)
    assert (span.form, span.reason) == reported
    assert span.term == query
    assert text[span.start : span.end] == text


@pytest.mark.parametrize(
    ("keys", "reasons"),
    [
        ("accept: [exact]", ["exact"]),
        ("accept: [exact, look-alike]", ["exact", "look-alike"]),
        ("refuse: [look-alike, glued]", ["exact", "inflected"]),
    ],
)
def test_a_rule_accepts_or_refuses_reasons(keys: str, reasons: list[str]) -> None:
    """Hits for other reasons do not count for that rule."""
    got = spans(rule_set("Бердянск", more=f"    {keys}\n"), "Бердянск, Бердянска, Бepдянск, Б е р д я н с к")
    assert [span.reason for span in got] == reasons


ADDRESSES = [
    # query, text, pieces
    (
        "url:rybar.ru",
        "https://www.rybar.ru/a, http://x.rybar.ru. notrybar.ru",
        ["https://www.rybar.ru/a", "http://x.rybar.ru"],
    ),
    ("url:t.me/rybar", "(https://t.me/Rybar/123) t.me/rybarenko t.me/rybar!", ["https://t.me/Rybar/123", "t.me/rybar"]),
    ("url:t.me/ryb*", "t.me/rybarenko t.me/other", ["t.me/rybarenko"]),
    ("url:/ryb\\w+/", "https://example.org/?q=rybar рыбар", ["https://example.org/?q=rybar"]),
    ("mention:rybar", "@Rybar, @rybar_in_english и t.me/s/rybar/7", ["@Rybar", "t.me/s/rybar/7"]),
    ("mention:ryb*", "@rybarenko @other", ["@rybarenko"]),
    ("mention:rybar", "rybar и почта@rybar.ru", []),
    ("mention:rybar NEAR/2 взрыв", "взрыв, пишет @rybar", ["взрыв", "@rybar"]),
    ("взрыв NOT url:ads.example", "взрыв https://ads.example/x", []),
]


@pytest.mark.parametrize(("query", "text", "pieces"), ADDRESSES)
def test_addresses_and_mentions_are_found_when_asked_for(query: str, text: str, pieces: list[str]) -> None:
    """`url:` and `mention:` look at addresses and names; letter case, scheme and www. are left aside."""
    assert found(query, text) == pieces


def test_an_address_behind_a_link_is_found() -> None:
    """A link whose text says something else is matched by where it leads, and shown where it stands."""
    link = Entity(kind="text_link", start=6, length=5, url="https://t.me/rybar/9")
    field = Field(source=Source.TEXT, text="взрыв: здесь", entities=(link,))
    (match,) = rule_set("url:t.me/rybar AND mention:rybar").match(subject("", fields=(field,)))
    assert {(span.start, span.end) for span in match.spans} == {(6, 11)}


def test_a_span_inside_another_is_not_repeated() -> None:
    """Of overlapping alternatives, the longest is shown."""
    assert found('"удар в спину" OR удар OR "в спину"', "это удар в спину") == ["удар в спину"]


def test_match_names_rule_title_severity_and_revision() -> None:
    """A match carries what an alert shows of the rule."""
    rules = rule_set("взрыв", more="    title: Blast\n    severity: high\n")
    (match,) = rules.match(subject("взрыв"))
    assert (match.rule_id, match.title, match.severity) == ("r", "Blast", Severity.HIGH)
    assert match.revision == rules.rules[0].revision
    assert match.forms == {("r", "взрыв")}


def test_terms_may_lie_in_different_fields() -> None:
    """AND looks at the post as a whole, NEAR and phrases at one field."""
    fields = (Field(source=Source.CAPTION, text="взрыв"), Field(source=Source.POLL, text="Бердянск"))
    (match,) = rule_set("взрыв AND Бердянск").match(subject("", fields=fields))
    assert [span.source for span in match.spans] == [Source.CAPTION, Source.POLL]
    assert rule_set("взрыв NEAR/50 Бердянск").match(subject("", fields=fields)) == ()


def test_very_many_hits_are_cut_but_every_form_stays() -> None:
    """A post that repeats a word is no flood of spans, and hides no other form."""
    got = spans(rule_set("взрыв*"), "взрыв " * 2000 + "взрывами")
    assert len(got) == 100
    assert got[-1].form == "взрывами"


def test_rules_come_in_file_order() -> None:
    """Matches are in the order in which the rules stand."""
    rules = parse_rules(
        {"a.yaml": "rules: [{id: b, match: удар}, {id: a, match: взрыв}]", "b.yaml": "rules: [{id: c, match: удар}]"}
    )
    assert [match.rule_id for match in rules.match(subject("взрыв и удар"))] == ["b", "a", "c"]


# --- scope ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "matches"),
    [
        ("channels: ['@rybar']", True),
        ("channels: [RYBAR, other]", True),
        ("channels: [-1001000000001]", True),
        ("channels: [other]", False),
        ("channels: ['!@rybar']", False),
        ("channels: ['!-1001000000001']", False),
        ("channels: ['!@other']", True),
        ("categories: [Milblogger]", True),
        ("categories: [official]", False),
        ("categories: ['!milblogger']", False),
        ("kinds: [text, voice]", True),
        ("kinds: voice", False),
    ],
)
def test_scope_lets_a_rule_look_only_where_it_should(where: str, matches: bool) -> None:
    """`where` admits or leaves out channels, categories and kinds."""
    rules = rule_set("взрыв", more=f"    where: {{{where}}}\n")
    assert bool(rules.match(subject("взрыв"))) is matches


def test_a_channel_without_handle_is_matched_by_id_alone() -> None:
    """A handle in scope never admits a channel that has none."""
    rules = rule_set("взрыв", more="    where: {channels: ['@rybar']}\n")
    assert rules.match(subject("взрыв", handle=None)) == ()


def test_fields_limit_where_words_count() -> None:
    """`fields: [text]` covers captions and nothing else."""
    rules = rule_set("взрыв", more="    fields: [text]\n")
    for source in Source:
        fields = (Field(source=source, text="взрыв"),)
        assert bool(rules.match(subject("", fields=fields))) is (source in (Source.TEXT, Source.CAPTION))


def test_a_rule_inherits_the_defaults_of_its_file() -> None:
    """`defaults` hold unless the rule says otherwise, key by key."""
    rules = parse_rules(
        {
            "t.yaml": "defaults: {severity: low, where: {kinds: [voice], categories: [official]}}\n"
            "rules: [{id: a, match: x1}, {id: b, match: x1, severity: high, where: {categories: [milblogger], kinds: text}}]"
        }
    )
    assert [rule.severity for rule in rules.rules] == [Severity.LOW, Severity.HIGH]
    assert [match.rule_id for match in rules.match(subject("x1"))] == ["b"]


# --- speech -----------------------------------------------------------------------------------------------------------


def transcript(*words: tuple[str, float, bool]) -> Field:
    """A transcript field of one-second words, given as (text, probability, flagged)."""
    text, placed = "", []
    for second, (word, probability, flagged) in enumerate(words):
        placed.append((len(text), Word(start=second, end=second + 0.9, text=word, probability=probability), flagged))
        text += word
    return Field(source=Source.TRANSCRIPT, text=text, words=tuple(placed))


NOTE = transcript(
    (" Меня", 0.9, False),
    (" сняли", 0.8, False),
    (" с", 0.5, True),
    (" должности,", 0.95, True),
    (" в", 0.9, True),
    (" спину.", 0.3, True),
)


def test_a_span_in_a_transcript_knows_its_seconds() -> None:
    """A phrase across a segment border has start, end, lowest probability; doubtful only if all of it is flagged."""
    (match,) = rule_set('"сняли с должности" OR "в спину"').match(subject("", fields=(NOTE,), kind=Kind.VOICE))
    first, second = match.spans
    assert first.spoken is not None
    assert second.spoken is not None
    assert (first.spoken.start, first.spoken.end, first.spoken.probability, first.spoken.doubtful) == (
        1,
        3.9,
        0.5,
        False,
    )
    assert (second.spoken.start, second.spoken.end, second.spoken.probability, second.spoken.doubtful) == (
        4,
        5.9,
        0.3,
        True,
    )


def test_words_that_whisper_doubted_do_not_count_if_so_asked() -> None:
    """`min_word_probability` applies to transcripts and leaves written text alone."""
    rules = rule_set('"сняли с должности" OR спину', more="    where: {min_word_probability: 0.5}\n")
    (match,) = rules.match(subject("", fields=(NOTE,)))
    assert [span.form for span in match.spans] == ["сняли с должности"]
    assert rules.match(subject("в спину"))


def test_a_word_spoken_in_pieces_is_found() -> None:
    """Whisper cuts `58-й` in two words; the span covers both."""
    field = transcript((" армии", 0.9, False), (" 58", 0.7, False), ("-й", 0.6, False))
    (match,) = rule_set("58-й").match(subject("", fields=(field,)))
    assert match.spans[0].spoken is not None
    assert (match.spans[0].spoken.start, match.spans[0].spoken.end) == (1, 2.9)


def test_text_has_no_seconds() -> None:
    """Outside a transcript a span has no time."""
    assert spans(rule_set("взрыв"), "взрыв")[0].spoken is None


def test_channel_id_type_is_plain() -> None:
    """Scope by id compares marked ids."""
    rules = rule_set("взрыв", more="    where: {channels: [-1001000000002]}\n")
    assert rules.match(subject("взрыв", channel_id=ChannelId(-1001000000002)))


@pytest.mark.parametrize("text", ["банка с водой", "Взорвалась банка с краской", "БАНКА", "здание банка горит"])
def test_a_word_is_found_as_it_is_written_in_the_rule(text: str) -> None:
    """Though it is mostly a form of another word, and whatever stands around it; its other forms are judged by that."""
    [span] = spans(rule_set("банка"), text)
    assert (text[span.start : span.end].lower(), span.reason) == ("банка", "exact")
    assert [found("банка", other) for other in ("три банки", "в банках данных")] == [["банки"], []]


def test_a_phrase_counts_in_its_first_places() -> None:
    """The hundred that an alert may show; whether the rule matches does not hang on the others."""
    assert len(spans(rule_set('"взрыв дома"'), "взрыв дома, " * 150)) == 100
    assert found('("взрыв дома" NEAR/3 склад) OR учения', "взрыв дома у склада. " + "взрыв дома, " * 150)[:1] == [
        "взрыв дома"
    ]


def test_a_disguised_word_counts_in_its_first_places() -> None:
    """Two hundred: far more than an honest post has, few enough that one of nothing else costs little."""
    assert len(found("Шойгу NEAR/2 склад", "Ш*йгу, склад. " * 150 + "Шoйгу, склад. " * 150)) == 100
    text = "Шoйгу и " * 201 + "вот склад"
    assert found("Шойгу AND склад", text)[-1] == "склад"
