"""What must hold for any text."""

import unicodedata

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.model import Kind, Source, Span
from bot.rules import Field, RuleSet, parse_rules
from bot.rules.normalise import fold
from bot.rules.words import form_of
from tests.rules.helpers import spans, subject

FILE = r"""
rules:
  - {id: word, match: 'Шойгу OR РЭБ OR ёлка OR йод OR Café OR 58-я OR Т-90 OR сталь'}
  - {id: phrase, match: '"тяжёлые потери" OR "Storm Shadow" OR "а б" OR "тяжёлые РЭБ приказ"~3'}
  - {id: prefix, match: 'контрбатаре* OR "тяжел* поте*"'}
  - {id: regex, match: '/\bпри(?:каз|лёт)\w*\b/ OR /\d+ ?км/'}
  - {id: named, match: 'person:Попов OR person:"Сергей Шойгу" OR place:Токмак OR unit:"58-я армия"'}
  - {id: fuzzy, match: 'Герасимов~1 OR "Шторм Шэдоу~1"'}
  - {id: address, match: 'url:t.me/x OR mention:rybar'}
  - {id: both, match: '(РЭБ NEAR/3 /потер/) OR (йод AND NOT Шойгу)'}
"""
RULES: RuleSet = parse_rules({"t.yaml": FILE})
WORDS = [
    "Шойгу",
    "РЭБ",
    "рэб",
    "Ёлка",
    "ЙОД",
    "йод",
    "café",
    "CAFE",
    "58-я",
    "Т-90М",
    "Т-90",
    "тяжёлые",
    "потери",
    "Storm",
    "Shadow",
    "StormShadow",
    "а",
    "б",
    "контрбатарейной",
    "приказ",
    "ПРИЛЁТОМ",
    "5",
    "км",
    "Попов",
    "ген",
    "попов",
    "Сергей",
    "С",
    "Ток",
    "мак",
    "пятьдесят",
    "восьмой",
    "п'ять",
    "армии",
    "армия",
    "гв",
    "Гарасимов",
    "Шoйгу",
    "Ш*йгу",
    "Ш0йгу",
    "ш о й г",
    "стали",
    "строить",
    "корпус",
    "https://t.me/x",
    "@rybar",
]
GLUE = [
    " ",
    ", ",
    ". ",
    "\n",
    "\n\n",
    "",
    "-",
    "\u200b",
    "\u2060",
    "\u00ad",
    "❤️",
    "‍",
    "́",
    "̆",
    "#",
    "« ",
    "\x00",
    "Ⓐ",
    "ﷺ",
    "²",
    "🔥",
    "'",
    "-\n",
    "*",
]
PIECES = st.lists(st.one_of(st.sampled_from(WORDS), st.sampled_from(GLUE), st.text(max_size=3)), max_size=40)
TEXTS = PIECES.map("".join)


def squeezed(form: str) -> str:
    """A form without its spaces: a hump or a hidden character may have parted words."""
    return form.replace(" ", "")


# For these reasons the form is what stands there; for others it is what is meant by it.
PLAIN = {"exact", "inflected", "transliterated", "prefix", "regex"}


@given(TEXTS)
@example("Шой\u200bгу РЭБ")
@example("#StormShadow, 58-я и Т-90М")
@example("РЭБA")
def test_every_span_lies_in_the_text_and_folds_to_its_form(text: str) -> None:
    """A span is a non-empty piece of the original text; without disguise it reads as the form it reports."""
    for span in spans(RULES, text):
        assert 0 <= span.start < span.end <= len(text)
        assert span.form == span.form.strip() != ""
        if span.reason in PLAIN and not span.term.startswith(("url:", "mention:")):
            read = squeezed(form_of(text[span.start : span.end]))
            assert read.replace("'", "") == squeezed(span.form).replace("'", "")


@given(
    TEXTS,
    st.sampled_from(
        [
            "погода хорошая",
            "Завтра выходной. Подпишись",
            "🌊🌊🌊",
            "https://example.org/a?b",
            "и строить",
            "корпус стоит",
            "восьмой день",
            "я пришёл",
        ]
    ),
)
@example("сто пятьдесят", "восьмой день")
@example("ш о й", "г у")
def test_what_matched_still_matches_when_unrelated_text_follows(text: str, tail: str) -> None:
    """Text appended after a blank line takes no hit away and adds none before itself."""
    before, after = spans(RULES, text), spans(RULES, f"{text}\n\n{tail}")
    assert [places(span) for span in before] == [places(span) for span in after if span.end <= len(text)]


def places(span: Span) -> tuple[str, int, int, str]:
    """A span's term, place and form."""
    return span.term, span.start, span.end, span.form


@given(TEXTS)
@example("контрбатарейнойШойгу")
@example("контрбатарейной\u200bШойгу")
def test_composed_and_decomposed_text_match_alike(text: str) -> None:
    """NFC and NFD spellings of a text yield the same words in the same order (regular expressions see raw text)."""
    forms = [
        [(span.term, span.form) for span in spans(RULES, unicodedata.normalize(form, text)) if span.reason != "regex"]
        for form in ("NFC", "NFD")
    ]
    assert forms[0] == forms[1]


@given(st.text(st.characters(), max_size=4096))
@settings(max_examples=50)
def test_no_text_makes_matching_raise(text: str) -> None:
    """Any 4,096 code points, lone surrogates among them, are matched without an error."""
    field = Field(source=Source.TEXT, text=text)
    RULES.match(subject("", fields=(field,), kind=Kind.TEXT))


@given(st.text())
def test_folding_maps_back_in_order(text: str) -> None:
    """Every folded character stands for characters of the original, in order."""
    for split in (False, True):
        folded = fold(text, split=split)
        assert len(folded.text) == len(folded.starts) == len(folded.ends)
        assert list(folded.starts) == sorted(folded.starts)
        assert list(folded.ends) == sorted(folded.ends)
        assert all(0 <= start <= end <= len(text) for start, end in zip(folded.starts, folded.ends, strict=True))


@given(st.text().filter(lambda text: "@" not in text))
def test_folding_twice_changes_nothing(text: str) -> None:
    """Folded text is its own folding (a mention may only show once letters are plain)."""
    once = fold(text).text
    assert fold(once).text == once


@given(TEXTS)
def test_matching_twice_gives_the_same(text: str) -> None:
    """Matching is pure."""
    assert RULES.match(subject(text)) == RULES.match(subject(text))


BACKWARDS: RuleSet = parse_rules({"t.yaml": "\n".join(["rules:", *reversed(FILE.strip().splitlines()[1:])])})


@given(TEXTS)
def test_the_order_of_rules_changes_nothing_but_the_order_of_matches(text: str) -> None:
    """Rules do not get in each other's way."""
    assert RULES.match(subject(text)) == BACKWARDS.match(subject(text))[::-1]


@given(TEXTS, st.sampled_from(range(8)))
def test_a_rule_alone_matches_as_among_others(text: str, number: int) -> None:
    """What a rule finds does not depend on which other rules there are."""
    rule_id = RULES.rules[number].id
    among = [match for match in RULES.match(subject(text)) if match.rule_id == rule_id]
    assert among == list(ALONE[number].match(subject(text)))


ALONE = [parse_rules({"t.yaml": f"rules:\n{line}\n"}) for line in FILE.strip().splitlines()[1:]]
