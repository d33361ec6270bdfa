"""Forms of places."""

import pytest

from bot.rules.forms.places import place
from bot.rules.slots import Guard

PLACES = {
    "Бердянск": "бердянска бердянском бердянск бердянськ бердянську berdyansk berdiansk",
    "Керчь": "керчи керчью",
    "Гуляйполе": "гуляйполя гуляйполю",
    "Степное": "степного степном степне степного",
    "Крынки": "крынок крынкам крынках кринках",
    "Сумы": "сум сумам сумах суми",
    "Макеевка": "макеевке макіївка макіївці",
    "Авдеевка": "авдіївка авдіївці avdiivka",
    "Суджа": "суджи судже суджу суджей",
    "Орехов": "орехова ореховом оріхів оріхова",
    "Харьков": "харькова харків харкова харкові kharkiv kharkov",
    "Київ": "києва києву києві киеве kyiv",
    "Миколаїв": "миколаєва миколаєві николаева mykolaiv",
    "Ірпінь": "ірпеня ірпені",
    "Роботине": "роботиного роботиному",
    "Куп'янськ": "купянська купянську купянска kupiansk",
    "Запоріжжя": "запоріжжі запорожье запорожья zaporizhzhia",
    "Торецьк": "торецька торецка",
}


@pytest.mark.parametrize(("name", "forms"), PLACES.items())
def test_places_decline_in_both_languages(name: str, forms: str) -> None:
    """A place has its cases, its name in the other language and its Latin spellings."""
    assert set(forms.split()) <= place(name).keys()


@pytest.mark.parametrize(
    ("name", "form", "needs"),
    [("Изюм", "изюме", True), ("Ізюм", "ізюм", True), ("Орехов", "орехов", True), ("Бахмут", "бахмута", False)],
)
def test_a_place_that_is_an_everyday_word_needs_a_capital(name: str, form: str, needs: bool) -> None:
    """Raisins and nuts are written small."""
    assert (Guard.CAPITAL in place(name)[form].guard) is needs


def test_short_latin_spellings_are_taken_only_within_longer_names() -> None:
    """Яр alone is not looked for as `yar`, as a part of Часов Яр it is."""
    assert "yar" not in place("Яр")
    assert "yar" in place("Яр", several=True)
