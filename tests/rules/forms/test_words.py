"""Forms of everyday words, their rivals, and English."""

import pytest

from bot.rules.forms.assemble import folded
from bot.rules.forms.codes import letters
from bot.rules.forms.common import word_forms
from bot.rules.forms.context import fits
from bot.rules.forms.dictionary import analyzer
from bot.rules.forms.english import inflections
from bot.rules.slots import Form, Guard, Reason


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("ракета", "ракеты ракет ракетами ракетою ракеті"),
        ("пулемёт", "пулемет пулемета пулеметы"),
        ("міст", "мосту мости мостом"),
        ("об'єкт", "обєкти обєктів"),
        ("об’єкт", "обєкти обєктів"),
        ("зв'язок", "звязку звязком"),
        ("ґанок", "ґанку ганку ганок"),
        ("человек", "люди людей"),
        ("взрыв", "взрывы взрывов взрыви"),
        ("Хаймарс", "хаймарса хаймарсов хаймарсами"),
        ("Байрактар", "байрактары байрактаров байрактаром"),
        ("ПТУР", "птуры птуров птуром"),
        ("мобік", "мобіка мобіки мобіків мобікам"),
        ("шахед", "шахеды шахедов"),
    ],
)
def test_words_have_all_their_forms(word: str, forms: str) -> None:
    """A word has the forms of the languages that know it; one that Russian lacks gets the endings of a loanword."""
    assert set(forms.split()) <= word_forms(word)[0].keys()


def test_a_word_that_no_dictionary_has_is_exact_as_it_is_written() -> None:
    """Its guessed forms are inflected; those that are words of their own are none."""
    forms = word_forms("мобік")[0]
    assert forms["мобік"].reason is Reason.EXACT
    assert forms["мобіків"].reason is Reason.INFLECTED


def test_a_form_that_is_mostly_another_word_is_dropped_and_told() -> None:
    """What is left out is said, with the word that stands in the way."""
    forms, dropped = word_forms("пот")
    assert "потом" not in forms
    assert [one.form for one in dropped] == ["потом"]


@pytest.mark.parametrize(
    ("word", "form"), [("рота", "рот"), ("полк", "полка"), ("граната", "гранат"), ("сталь", "стали")]
)
def test_a_form_with_a_rival_is_judged_by_its_neighbours(word: str, form: str) -> None:
    """A form that is also another word, in either language, carries the words that the analyst means."""
    found = word_forms(word)[0][form]
    assert Guard.CONTEXT in found.guard
    assert word in found.lemmas


def test_what_the_analyst_wrote_is_always_among_the_forms() -> None:
    """Also where it is mostly another word: банка is mostly of a bank. Then it needs nothing, and is not told as dropped."""
    forms, dropped = word_forms("банка")
    assert forms["банка"] == Form(Reason.EXACT)
    assert [one.form for one in dropped] == ["банках"]
    assert forms["банки"].guard == Guard.CONTEXT


OWN = {
    "ru": "банка рота полк сталь стекло село берег замок мина рада вина пила белка брат бог друг стать мочь снять быть",
    "uk": "брат бог друг рота полк мати стати бути село пила сталь ґава рада банка стіл",
}


@pytest.mark.parametrize("language", OWN)
def test_a_word_is_among_its_own_forms_in_whatever_form_it_stands_in_a_rule(language: str) -> None:
    """Every form of words that are also others, calls (брате, боже) among them; none of them is told as dropped."""
    written = {one.word for lemma in OWN[language].split() for one in analyzer(language).parse(lemma)[0].lexeme}
    assert {"брате", "боже"} <= written or language == "ru"
    for word in sorted(written):
        forms, dropped = word_forms(word)
        assert folded(word) in forms, word
        assert not {one.form for one in dropped} & forms.keys(), word


@pytest.mark.parametrize(
    ("lemma", "before", "word", "after", "expected"),
    [
        ("рота", "двух", "рот", "за", True),
        ("рота", "потери", "рот", "", True),
        ("рота", "открыл", "рот", "от", False),
        ("рота", "закрив", "рот", "", False),
        ("рота", "перша", "рота", "відійшла", True),
        ("полк", "командир", "полка", "убит", True),
        ("полк", "книжная", "полка", "упала", False),
        ("банк", "здание", "банка", "горит", True),
        ("банк", "трехлитровая", "банка", "огурцов", False),
        ("сталь", "поставки", "стали", "сорваны", True),
        ("сталь", "войска", "стали", "отходить", False),
        ("граната", "ящик", "гранат", "нашли", True),
        ("граната", "спелый", "гранат", "на", False),
        ("село", "солнце", "село", "за", False),
        ("месть", "из", "мести", "", True),
        ("месть", "", "мести", "двор", False),
    ],
)
def test_neighbours_decide_between_two_words(lemma: str, before: str, word: str, after: str, expected: bool) -> None:
    """Prepositions, numerals, adjectives, nouns and verbs next to a word say which of its meanings it has."""
    assert fits((lemma,), word, before, after) is expected


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("missile", "missiles"),
        ("army", "armies"),
        ("ambush", "ambushes ambushed"),
        ("deny", "denies denied denying"),
        ("destroy", "destroys destroyed destroying"),
        ("hit", "hits hitting"),
        ("strike", "strikes struck striking"),
        ("withdraw", "withdrew withdrawn withdrawing"),
        ("serviceman", "servicemen"),
    ],
)
def test_english_words_have_their_plurals_and_verbs(word: str, forms: str) -> None:
    """Regular by rule, the irregular ones of war news by a table."""
    assert set(forms.split()) <= set(inflections(word))


def test_english_nouns_without_verbs_and_without_plural() -> None:
    """Within a phrase a word is no verb; corps and aircraft have no plural of their own."""
    assert inflections("post", verbs=False) == ["posts"]
    assert inflections("corps") == inflections("aircraft") == inflections("ab") == []


def test_letters_of_a_code_are_written_in_either_alphabet() -> None:
    """Х in Х-101 is X by its drawing and kh by its sound; М is M."""
    assert {"х", "x", "kh"} <= letters("Х").keys()
    assert letters("М")["m"].reason is Reason.LOOK_ALIKE
    assert {"mig", "миг"} <= letters("МиГ").keys()


def test_a_latin_abbreviation_may_be_drawn_in_cyrillic_letters() -> None:
    """АТАСМЅ in Cyrillic letters alone, in capitals."""
    assert word_forms("ATACMS")[0]["атасмѕ"].guard == Guard.UPPER
