"""Forms of surnames: by tables, and against the dictionaries' own declensions."""

from collections.abc import Callable, Iterable

import pytest

from bot.rules.forms.dictionary import analyzer, is_feminine_first_name
from bot.rules.forms.feminine import feminine_forms, fixed_forms, is_feminine
from bot.rules.forms.people import first_name, initials, surname
from bot.rules.forms.surnames import surname_forms
from bot.rules.forms.ukrainian import ukrainian_surname_forms
from bot.rules.slots import Guard, Reason

RUSSIAN = {
    "попов": "попова попову поповым попове",
    "кузовлёв": "кузовлёва кузовлёву кузовлёвым кузовлёве",
    "суровикин": "суровикина суровикину суровикиным суровикине",
    "теплинский": "теплинского теплинскому теплинским теплинском",
    "драпатый": "драпатого драпатому драпатым драпатом",
    "толстой": "толстого толстому толстым толстом",
    "лоций": "лоция лоцию лоцием лоции",
    "черных": "",
    "шевченко": "",
    "шойгу": "",
    "жога": "жоги жоге жогу жогой жогою",
    "берия": "берии берию берией",
    "король": "короля королю королем королём короле",
    "гребень": "гребня гребню гребнем гребне",
    "бородай": "бородая бородаю бородаем бородае",
    "кравец": "кравца кравцу кравцом кравцем кравце",
    "жилец": "жильца жильцу жильцом жильце",
    "швец": "швеца швецу швецом",
    "ходаренок": "ходаренка ходаренку ходаренком ходаренке",
    "ковальчук": "ковальчука ковальчуку ковальчуком ковальчуке",
    "ярош": "яроша ярошу ярошем яроше",
    "римский-корсаков": "римским-корсаковым римского-корсакова",
}
UKRAINIAN = {
    "сирський": "сирського сирському сирським",
    "залужний": "залужного залужному залужним",
    "кличко": "кличка кличкові кличку кличком",
    "буданов": "буданова буданову будановим",
    "павлів": "павліва павлова павлову павлівим",
    "наєв": "наєва наєву наєвим",
    "кравець": "кравця кравцю кравцеві кравцем",
    "заєць": "зайця зайцю зайцем",
    "швець": "шевця шевцю",
    "малець": "мальця мальцем",
    "коваль": "коваля ковалю ковалеві ковалем",
    "бондар": "бондаря бондарю бондарем",
    "сокіл": "сокола соколу соколом",
    "кіт": "кота котом",
    "гайдай": "гайдая гайдаю гайдаєві гайдаєм",
    "муха": "мухи мусі муху мухою",
    "ярош": "яроша ярошеві ярошем",
    "малюк": "малюка малюкові малюком",
    "трубецькой": "трубецького трубецьким",
}


@pytest.mark.parametrize(("name", "forms"), RUSSIAN.items())
def test_russian_surnames_decline_by_their_ending(name: str, forms: str) -> None:
    """Every masculine singular form is there; those that do not change have one form."""
    expected = {name, *forms.split()}
    assert expected <= surname_forms(name)
    assert forms or surname_forms(name) == {name}


@pytest.mark.parametrize(("name", "forms"), UKRAINIAN.items())
def test_ukrainian_surnames_decline_by_their_ending(name: str, forms: str) -> None:
    """Every masculine singular form is there, with the vowels and consonants that change."""
    assert {name, *forms.split()} <= ukrainian_surname_forms(name)


@pytest.mark.parametrize("name", ["попов", "герасимов", "суровикин"])
def test_no_feminine_and_no_plural_form_of_a_man(name: str) -> None:
    """A rule for a man is not for his sister or his family."""
    assert {name + "ой", name + "ы", name + "ых", name + "ыми"}.isdisjoint(surname_forms(name))


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("захарова", "захаровой захарову захаровою захарової захаровій"),
        ("бузина", "бузиной бузину бузины бузине"),
        ("яровая", "яровой яровую"),
        ("полонская", "полонской полонскую"),
    ],
)
def test_womens_surnames_decline_as_such(name: str, forms: str) -> None:
    """A surname that shows the sex declines as a woman's; its plural is none of its forms."""
    assert is_feminine(name)
    assert {name, *forms.split()} <= feminine_forms(name)
    assert "захаровы" not in feminine_forms("захарова")


def test_other_womens_surnames_stay_as_they_are() -> None:
    """A woman's surname that ends in a consonant or -о has one form."""
    assert fixed_forms("симоньян") == {"симоньян"}
    assert fixed_forms("верещук") == {"верещук"}
    assert "жогу" in fixed_forms("жога")


@pytest.mark.parametrize(
    ("name", "form", "guard"),
    [
        ("Попов", "попов", Guard.CAPITAL),
        ("Попов", "поповым", Guard.NONE),
        ("Малюк", "малюк", Guard.CAPITAL),
        ("Білий", "билий", Guard.CAPITAL),
        ("Герасимов", "герасимова", Guard.MASCULINE),
        ("Захарова", "захарова", Guard.FEMININE),
        ("Шойгу", "шойгу", Guard.NONE),
        ("Burns", "burns", Guard.CAPITAL),
        ("Syrskyi", "syrskyi", Guard.NONE),
    ],
)
def test_a_form_that_is_something_else_needs_a_sign(name: str, form: str, guard: Guard) -> None:
    """Everyday words need a capital letter, forms of both sexes the right neighbours, others nothing."""
    assert surname(name)[form].guard == guard


@pytest.mark.parametrize(
    ("rule", "form", "reason"),
    [
        ("Сырский", "сирському", Reason.INFLECTED),
        ("Сирський", "сырского", Reason.INFLECTED),
        ("Белецкий", "білецького", Reason.INFLECTED),
        ("Залужний", "залужным", Reason.INFLECTED),
        ("Шойгу", "shoigu", Reason.TRANSLITERATED),
        ("Шойгу", "sojgu", Reason.TRANSLITERATED),
        ("Сырский", "syrskyi", Reason.TRANSLITERATED),
        ("Евкуров", "yevkurov", Reason.TRANSLITERATED),
        ("Ющенко", "yushchenko", Reason.TRANSLITERATED),
    ],
)
def test_a_name_is_known_in_the_other_language_and_in_latin_letters(rule: str, form: str, reason: Reason) -> None:
    """A rule in one language finds the name in the other, declined, and its Latin spellings in the nominative."""
    assert surname(rule)[form].reason is reason


def test_first_names_decline_and_have_namesakes() -> None:
    """Сергей is also Сергій and Sergei, each with its forms, and С. where he is abbreviated."""
    forms = first_name("Сергей")
    assert {"сергей", "сергея", "сергеем", "сергій", "сергія", "sergei", "serhii"} <= forms.keys()
    assert set(initials("Сергей")) == {"с", "s"}
    assert set(initials("Владимир")) >= {"в", "v"}


@pytest.mark.parametrize(
    ("word", "expected"),
    [("Виктория", True), ("Юлии", True), ("Анастасией", True), ("Марією", True), ("Валерия", False), ("Сергея", False)],
)
def test_a_womans_first_name_is_mostly_hers(word: str, expected: bool) -> None:
    """The dictionary has Юлий and Анастасий too; Валерия is as well a form of Валерий."""
    assert is_feminine_first_name(word) is expected


def dictionary_surnames(language: str, prefixes: Iterable[str]) -> dict[str, set[str]]:
    """Men's surnames of a dictionary that begin so, each with its singular forms."""
    found: dict[str, set[str]] = {}
    for prefix in prefixes:
        for word, tag, *_ in analyzer(language).dictionary.iter_known_words(prefix):
            if "Surn" in str(tag) and "masc" in str(tag):
                found.setdefault(word, set())
    for word in list(found):
        readings = [one for one in analyzer(language).parse(word) if one.normal_form == word]
        men = [
            one for one in readings if {"Surn", "masc", "nomn"} <= one.tag.grammemes and "plur" not in one.tag.grammemes
        ]
        if not men:
            del found[word]
            continue
        kept = (one for one in men[0].lexeme if "masc" in one.tag.grammemes)
        found[word] = {one.word for one in kept if not {"plur", "voct"} & one.tag.grammemes}
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("language", "forms"), [("ru", surname_forms), ("uk", ukrainian_surname_forms)])
def test_forms_cover_the_dictionary(language: str, forms: Callable[[str], frozenset[str]]) -> None:
    """Of the surnames that the dictionary declines, 99 in 100 have every form, at the price of two superfluous ones."""
    known = dictionary_surnames(language, ("ба", "ко", "ма", "са", "ше"))
    lacking = {name: truth - forms(name) for name, truth in known.items() if truth - forms(name)}
    superfluous = sum(len(forms(name) - truth) for name, truth in known.items()) / len(known)
    assert len(known) > 800
    assert len(lacking) / len(known) < 0.01, lacking
    assert superfluous < 2
